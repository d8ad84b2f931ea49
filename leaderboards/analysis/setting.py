"""What records must have in common to stand on one board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...benchmark.protocol.records import Record

NORMS = {"linf": "L∞", "l2": "L2"}

TaskOrder = Mapping[frozenset[str], tuple[str, ...]]
"""The order in which boards show tasks, by the tasks that a model has."""


@dataclass(frozen=True, order=True)
class Setting:
    """What records must share to stand on one board; `eps` is in 1/255, `targets` is empty if all tasks are seen."""

    dataset: str
    images: int
    size: tuple[int, int]
    norm: str
    eps: float
    targets: tuple[str, ...]
    tasks: tuple[str, ...]
    sha256: str
    ids: str
    code: str

    @classmethod
    def of(cls, record: Record, order: TaskOrder) -> Setting:
        """The setting that a record was made in."""
        data, threat = record.cell.dataset, record.threat
        tasks = order[frozenset(record.cell.tasks)]
        targets = tuple(task for task in tasks if task in (threat.targets or ()))
        images = data.name, data.images, data.size
        contents = data.sha256, data.ids, data.code or ""
        return cls(*images, threat.norm, threat.eps, targets, tasks, *contents)

    @property
    def title(self) -> str:
        return self._title(f"{NORMS[self.norm]} {self.eps:g}/255")

    @property
    def title_of_any_budget(self) -> str:
        """The title of what differs from this in nothing but the budget."""
        return self._title(NORMS[self.norm])

    def _title(self, threat: str) -> str:
        height, width = self.size
        seen = f", attacker sees {', '.join(self.targets)}" if self.targets else ""
        return f"{self.dataset}, {self.images} images of {height}x{width}, {threat}{seen}"

    @property
    def longer_title(self) -> str:
        """The title with what tells apart two sets of tasks, or of images, that look the same."""
        return f"{self.title} ({', '.join(self.tasks)}; {self._contents(6)})"

    def _contents(self, digits: int) -> str:
        return "-".join(part[:digits] for part in (self.sha256, self.ids, self.code) if part)

    @property
    def scope(self) -> tuple[tuple[str, str | int | float], ...]:
        return (
            ("dataset", self.dataset),
            ("images", self.images),
            ("size", "x".join(map(str, self.size))),
            ("images_sha256", self._contents(12)),
            ("norm", self.norm),
            ("eps_255", self.eps),
            ("targets", " ".join(self.targets) or "all"),
            ("tasks", " ".join(self.tasks)),
        )


def task_order(records: Sequence[Record]) -> TaskOrder:
    """For every set of tasks the order that its first record by key has: it does not depend on the records' order."""
    return {frozenset(of.cell.tasks): (*of.cell.tasks,) for of in sorted(records, key=lambda r: r.key, reverse=True)}
