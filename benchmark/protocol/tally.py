"""Counts that code deep inside an attack reports to whoever runs it: solver states, gaps, fallbacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Sums and maxima by name."""

    sums: Counter[str] = field(default_factory=Counter)
    peaks: dict[str, float] = field(default_factory=dict)

    def count(self, name: str, amount: int = 1) -> None:
        self.sums[name] += amount

    def peak(self, name: str, value: float) -> None:
        self.peaks[name] = max(value, self.peaks.get(name, value))

    def merge(self, other: Tally, share: float = 1.0) -> None:
        """Add a share of another one's sums to these, and take the larger of the maxima."""
        self.sums.update({name: round(share * amount) for name, amount in other.sums.items()})
        for name, value in other.peaks.items():
            self.peak(name, value)


_current: ContextVar[Tally | None] = ContextVar("tally", default=None)


@contextmanager
def tallying() -> Iterator[Tally]:
    """Collect, in the tally that this yields, whatever the code inside reports through `tally()`."""
    mine = Tally()
    token = _current.set(mine)
    try:
        yield mine
    finally:
        _current.reset(token)


def tally() -> Tally:
    """The tally of the innermost `tallying` block; outside of one, a tally that is thrown away."""
    return _current.get() or Tally()
