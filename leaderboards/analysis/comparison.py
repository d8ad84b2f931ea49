"""Two sets of records compared cell by cell: the one comparison behind every check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ...benchmark.protocol.cells import Cell
from ...benchmark.protocol.records import AnyRecord, Record
from .changes import Change, changes, score_names
from .pairing import Subject, by_subject, circumstances, contents, nearest, obstacle
from .verdicts import FAILING, NoFall, Rule, Verdict


@dataclass(frozen=True)
class Judged:
    """A change, and what it amounts to."""

    change: Change
    verdict: Verdict


@dataclass(frozen=True)
class Compared:
    """One cell before and after; `obstacle` says why it cannot be compared, "" if it can.

    `contents` are what differs that the cell's key covers (weights, settings, code), `circumstances` where it was made.
    """

    cell: Cell
    key: str
    verdict: Verdict | Literal["cannot be compared"]
    obstacle: str = ""
    changes: tuple[Judged, ...] = ()
    contents: tuple[str, ...] = ()
    circumstances: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def failing(self) -> bool:
        return self.verdict in FAILING

    @property
    def moved(self) -> tuple[Judged, ...]:
        """The changes that are any."""
        return tuple(one for one in self.changes if one.verdict != "same")

    @property
    def found(self) -> str:
        """In a line what is wrong, or how it stands."""
        if self.obstacle:
            return self.obstacle
        bad = [told(one.change) for one in self.changes if one.verdict in FAILING]
        other = [f"another {', another '.join(self.contents)}"] if self.contents else []
        return "; ".join([*bad, *other]) or self.verdict


@dataclass(frozen=True)
class LeftOut:
    """A cell that was not looked at, and why."""

    cell: Cell
    key: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    """Every cell of what was before; `new` are those that were not there, which nothing is said about."""

    rule: Rule
    cells: tuple[Compared, ...]
    new: tuple[AnyRecord, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def exit_code(self) -> Literal[0, 1, 2]:
        """0 if all is well, 1 if a cell fails, 2 if a cell cannot be compared or there is none."""
        if not self.cells or any(one.obstacle for one in self.cells):
            return 2
        return 1 if any(one.failing for one in self.cells) else 0

    @property
    def summary(self) -> str:
        """How many cells fared how."""
        found = [one.verdict for one in self.cells]
        counts = [f"{found.count(verdict)} {verdict}" for verdict in dict.fromkeys(sorted(found))]
        counts += [f"{len(self.new)} new"] if self.new else []
        counts += [f"{len(self.left_out)} left out"] if self.left_out else []
        return f"{len(found)} cell{'' if len(found) == 1 else 's'} compared: {', '.join(counts) or 'none'}"


def compare(before: Iterable[AnyRecord], after: Iterable[AnyRecord], rule: Rule) -> Comparison:
    """Every record of `before` with the one of `after` that is about the same.

    That is by names, settings, images, budget and seed, not by key: other weights are what is to be compared. One that
    is missing, or of another version of the attack or the tasks, or over other images, cannot be. Raises BadInputError
    for two records about the same on one side, and for tolerances that no score has.
    """
    old, new = by_subject(before, "the baseline"), by_subject(after, "what is compared with it")
    cells = [
        compare_pair(record, new[subject], rule) if subject in new else missing(record, subject, new)
        for subject, record in sorted(old.items())
    ]
    if isinstance(rule, NoFall):
        rule.check(name for record in (*old.values(), *new.values()) for name in score_names(record))
    return Comparison(rule, tuple(cells), tuple(new[subject] for subject in sorted(new.keys() - old.keys())))


def compare_pair(before: AnyRecord, after: AnyRecord, rule: Rule) -> Compared:
    """Two records that are about the same."""
    fault = obstacle(before.cell, after.cell)
    if fault:
        return cannot(before, fault)
    alike = before.environment.alike(after.environment)
    judged = tuple(Judged(one, rule.verdict(one, alike)) for one in changes(before, after))
    other = contents(before.cell, after.cell)
    verdicts = [one.verdict for one in judged]
    worst: Verdict = next((found for found in ORDER if found in verdicts), "same")
    if other and rule.contents_count:
        worst = "differs"
    seconds = after.costs.seconds if isinstance(after, Record) else 0.0
    return Compared(before.cell, before.key, worst, "", judged, other, circumstances(before, after), seconds)


ORDER: tuple[Verdict, ...] = ("fell", "differs", "improved", "within tolerance", "undefined before", "same")


def missing(record: AnyRecord, subject: Subject, others: Iterable[Subject]) -> Compared:
    """A record that nothing among `others` is about."""
    near = nearest(subject, others)
    return cannot(record, f"missing{f'; the nearest has {near}' if near else ''}")


def cannot(record: AnyRecord, why: str) -> Compared:
    """A record that cannot be compared."""
    return Compared(record.cell, record.key, "cannot be compared", why)


def told(change: Change) -> str:
    """A change in words: score, values, difference and interval."""
    values = (f"{value:.4g}" if value is not None else "undefined" for value in (change.before, change.after))
    by = "" if change.by.value is None else f" ({signed(change.by.value)}{_interval(change)})"
    return f"{change.of} {' -> '.join(values)}{by}"


def signed(value: float) -> str:
    """A difference with its sign, three digits."""
    return f"{value:+.3g}" if value else "0"


def _interval(change: Change) -> str:
    low, high = change.by.low, change.by.high
    return "" if low is None or high is None else f", 95 % [{signed(low)}, {signed(high)}]"
