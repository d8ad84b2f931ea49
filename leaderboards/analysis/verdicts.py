"""When a change counts: a fall of robustness, or a result that does not repeat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ...benchmark.protocol.errors import BadInputError, unknown
from .changes import Change

Verdict = Literal["same", "within tolerance", "improved", "fell", "differs", "undefined before"]
FAILING: frozenset[Verdict] = frozenset(("fell", "differs"))


class Rule(Protocol):
    """Says what a change amounts to; `alike`: both records were made where the same code gives the same digits.

    Where `contents_count`, other weights, settings or code than before are a failure whatever the numbers.
    """

    contents_count: bool

    @property
    def said(self) -> str:
        """The rule in a sentence."""
        ...

    def verdict(self, change: Change, alike: bool) -> Verdict: ...


@dataclass(frozen=True)
class NoFall:
    """Robustness may not fall: the interval of a change may not lie wholly beyond the tolerance of its score.

    `tolerances` are by score ("ard", "depth", "clean.depth.abs_err") or by what it begins with ("clean.depth",
    "clean"), of which the longest counts; that of "tasks" goes to every D_t, and what is nowhere named has 0.
    """

    tolerances: Mapping[str, float] = field(default_factory=dict)
    contents_count = False

    @property
    def said(self) -> str:
        given = [f"{name} +{value:g}" for name, value in self.tolerances.items()]
        return (
            "Robustness fell if the 95 % interval of a score's change, paired over the same resamples of the images, "
            f"lies wholly beyond the score's tolerance: {', '.join([*given, 'else 0' if given else '0'])}."
        )

    def verdict(self, change: Change, alike: bool) -> Verdict:
        if change.before is None:
            return "same" if change.after is None else "undefined before"
        if change.after is None:
            return "fell"
        low, high = _bounds(change)
        if low > self.tolerance(change.of):
            return "fell"
        if high < 0:
            return "improved"
        return "same" if change.by.value == 0 else "within tolerance"

    def tolerance(self, of: str) -> float:
        """That of a score."""
        return next((self.tolerances[name] for name in _names(of) if name in self.tolerances), 0.0)

    def check(self, scores: Iterable[str]) -> None:
        """Raises BadInputError for a tolerance that none of these scores has."""
        known = {"tasks"}.union(*map(_names, scores))
        for name in self.tolerances:
            if name not in known:
                raise unknown("score", name, known)


@dataclass(frozen=True)
class Repeats:
    """A result must repeat: to the digit where the same is computed alike, else to within the tolerance.

    Elsewhere |after - before| <= absolute + relative * |before| must hold of every score. With other kernels for
    convolutions, scores over 64 images moved by up to 0.0012 and 0.2 %; fewer images move further.
    """

    absolute: float = 0.002
    relative: float = 0.01
    contents_count = True

    @property
    def said(self) -> str:
        return (
            "A result repeats if every score is the same to the digit where versions and hardware are those of the "
            f"record, and elsewhere to within {self.absolute:g} and {self.relative:.0%} of it."
        )

    def verdict(self, change: Change, alike: bool) -> Verdict:
        if change.before is None or change.after is None:
            return "same" if change.before == change.after else "differs"
        if change.before == change.after and not (change.by.low or change.by.high):
            return "same"
        return "within tolerance" if not alike and self.near(change.before, change.after) else "differs"

    def near(self, before: float, after: float) -> bool:
        """Whether a value is within the tolerance of another."""
        return abs(after - before) <= self.absolute + self.relative * abs(before)


def tolerances(given: Iterable[str]) -> dict[str, float]:
    """By score, from texts such as "ard:+0.02"; raises BadInputError for anything else."""
    found = {}
    for text in given:
        name, _, number = text.rpartition(":")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if not name or not number.startswith("+") or not 0 <= value < float("inf"):
            raise BadInputError(f"a tolerance is SCORE:+NUMBER, as ard:+0.02 or clean.depth:+0.01, not {text!r}")
        found[name] = value
    return found


def _bounds(change: Change) -> tuple[float, float]:
    """The interval, or where a resample leaves it undefined the change alone."""
    value = change.by.value if change.by.value is not None else 0.0
    low, high = change.by.low, change.by.high
    return (value, value) if low is None or high is None else (low, high)


def _names(of: str) -> list[str]:
    """What a tolerance of a score may be called, the most precise name first."""
    if of.startswith("clean."):
        parts = of.split(".", 2)  # a metric's name may have dots
        return [".".join(parts[:kept]) for kept in (3, 2, 1)]
    return [of] if of == "ard" else [of, "tasks"]
