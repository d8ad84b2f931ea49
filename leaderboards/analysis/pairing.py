"""Which cells of two runs are one and the same whatever their keys, and what differs between them all the same."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from ...benchmark.protocol.cells import Cell
from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.records import AnyRecord, Record
from .labels import flat
from .selection import current


@dataclass(frozen=True, order=True)
class Subject:
    """What a cell is about: all that it names, without versions, digests and code; a clean pass has no attack."""

    model: str
    source: str
    dataset: str
    images: int
    size: tuple[int, int]
    attack: str
    settings: str
    norm: str
    eps: float
    targets: tuple[str, ...]
    seed: int

    @classmethod
    def of(cls, cell: Cell) -> Subject:
        """That of a cell."""
        data, threat = cell.dataset, cell.threat
        return cls(
            model=cell.model.name,
            source=cell.source.name if cell.source else "",
            dataset=data.name,
            images=data.images,
            size=data.size,
            attack=cell.attack.name if cell.attack else "",
            settings=json.dumps(cell.attack.settings, sort_keys=True) if cell.attack else "",
            norm=threat.norm if threat else "",
            eps=threat.eps if threat else 0.0,
            targets=tuple(sorted(threat.targets or ())) if threat else (),
            seed=cell.seed,
        )


def by_subject(records: Iterable[AnyRecord], where: str) -> dict[Subject, AnyRecord]:
    """The records by what they are about, without those that do not count any more.

    Raises BadInputError for two of the same, which were made with other weights, versions or code.
    """
    found: dict[Subject, AnyRecord] = {}
    for record in counting(records):
        other = found.setdefault(Subject.of(record.cell), record)
        if other is not record:
            raise BadInputError(
                f"{where} holds two records of {record.cell.title}, {other.key[:12]} and {record.key[:12]}, made with "
                f"another {', another '.join(contents(other.cell, record.cell))}; keep one of them"
            )
    return found


def counting(records: Iterable[AnyRecord]) -> list[AnyRecord]:
    """The records without those that are invalidated, or superseded by another of them."""
    records = list(records)
    kept, _ = current([record for record in records if isinstance(record, Record)])
    return [*(record for record in records if not isinstance(record, Record)), *kept]


def obstacle(before: Cell, after: Cell) -> str:
    """Why the results of two cells that are about the same say nothing of one another, "" if they do."""
    return "; ".join(_obstacles(before, after))


def contents(before: Cell, after: Cell) -> tuple[str, ...]:
    """What of two cells about the same differs that their keys cover: weights, settings, code."""
    return tuple(f"{part} of {name}" for name, part in _unlike(before, after))


def circumstances(before: AnyRecord, after: AnyRecord) -> tuple[str, ...]:
    """What differs between the places where two records were made, as "torch 2.4 -> 2.5"."""
    one, other = (flat(record.environment.model_dump()) for record in (before, after))
    return tuple(
        f"{name.removeprefix('versions.')} {_short(one.get(name))} -> {_short(other.get(name))}"
        for name in dict.fromkeys((*one, *other))
        if one.get(name) != other.get(name)
    )


def nearest(wanted: Subject, others: Iterable[Subject]) -> str:
    """In what the most similar of `others` is another than `wanted`, for people; "" if none is of that model."""
    own = asdict(wanted)
    unlike = [
        {name: value for name, value in asdict(other).items() if value != own[name]}
        for other in others
        if other.model == wanted.model and bool(other.attack) == bool(wanted.attack)
    ]
    least = min(unlike, key=len, default={})
    return " and ".join(f"{name} {_short(value)} instead of {_short(own[name])}" for name, value in least.items())


def _obstacles(before: Cell, after: Cell) -> Iterator[str]:
    if before.protocol != after.protocol:
        yield f"protocol {before.protocol} -> {after.protocol}"
    if before.attack and after.attack and before.attack.version != after.attack.version:
        yield f"version {before.attack.version} -> {after.attack.version} of the attack"
    if before.tasks != after.tasks:
        yield f"other tasks: {_unlike_settings(before.tasks, after.tasks)}"
    for name in ("sha256", "ids"):
        if getattr(before.dataset, name) != getattr(after.dataset, name):
            yield f"data set {before.dataset.name} holds other images (its {name})"


def _unlike(before: Cell, after: Cell) -> Iterator[tuple[str, str]]:
    for kind, one, other in (
        ("the model", before.model, after.model),
        ("the source", before.source, after.source),
        ("the data set", before.dataset, after.dataset),
        ("the attack", before.attack, after.attack),
    ):
        if one is None or other is None:
            continue
        if getattr(one, "sha256", None) != getattr(other, "sha256", None):
            yield kind, "weights" if kind in ("the model", "the source") else "content"
        if one.code != other.code:
            yield kind, "code"
    if before.attack and after.attack and before.attack.settings != after.attack.settings:
        yield "the attack", f"setting {_unlike_settings(before.attack.settings, after.attack.settings)}"


def _unlike_settings(one: Mapping[str, object], other: Mapping[str, object]) -> str:
    had, has = flat(one), flat(other)
    return ", ".join(
        f"{name} {_short(had.get(name))} -> {_short(has.get(name))}"
        for name in dict.fromkeys((*had, *has))
        if had.get(name) != has.get(name)
    )


def _short(value: object) -> str:
    text = (
        "nothing" if value in (None, "", ()) else " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    )
    # Of a digest or a commit, as many letters as git shows, and its mark of changed files.
    return text[:9] + text[40:] if len(text) in (40, 41) and text[:40].isalnum() else text
