"""A bar chart of D_t as numbers that a template draws."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ...benchmark.protocol.estimates import Estimate
from ..analysis.labels import Name
from ..analysis.names import CONTROL
from ..boards.table import Board

FIRST = 8
"""Rows of a chart that can be taken in at a glance, besides the controls."""

NONE: Mapping[str, str] = MappingProxyType({})

LEFT, RIGHT = 104.0, 380.0
"""Where the bars begin and may end; labels stand on both sides."""

TOP, NAME, BAR, GAP = 14, 6, 15, 22
"""Heights: the first name's baseline, from there to its bars, a bar, and from the last bar to the next name."""

LETTERS = 44
"""Letters of a name that fit above its bars."""


@dataclass(frozen=True)
class Bar:
    """The bar of a task from 0 to its D_t, with the ends of the interval; `end` is where its number stands."""

    task: str
    colour: int
    text: str
    y: int
    x: float
    width: float
    ends: tuple[float, float] | None
    end: float


@dataclass(frozen=True)
class Bars:
    """The bars of a row of the board below its name."""

    name: str
    short: str
    y: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Chart:
    """A picture of `height`; ticks are places and labels."""

    about: str
    height: int
    zero: float
    ticks: tuple[tuple[float, str], ...]
    parts: tuple[Bars, ...]


@dataclass(frozen=True)
class _Axis:
    """Places between LEFT and RIGHT for values from `low` to `high`, 0 among them."""

    low: float
    high: float

    @classmethod
    def over(cls, estimates: Sequence[Estimate]) -> _Axis:
        """The axis that has room for values and intervals."""
        ends = [end for e in estimates for end in (e.low, e.value, e.high) if end is not None]
        return cls(min(0.0, *ends), max(0.0, *ends))

    def place(self, value: float) -> float:
        scale = (RIGHT - LEFT) / ((self.high - self.low) or 1.0)
        return round(LEFT + scale * (value - self.low), 1)

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Round values in the range, three to seven, with their places."""
        step = _step(self.high - self.low)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return tuple((self.place(step * i), f"{step * i:g}") for i in range(first, last + 1))


Row = tuple[Name, dict[str, Estimate]]
"""What a row of the board is named, and its D_t by task."""


def chart(board: Board, tasks: Sequence[str], trainings: Mapping[str, str] = NONE) -> Chart | None:
    """D_t of the first rows of a pair board and of its controls; None if no row is complete.

    Where the rows are models, these are the first of each of their `trainings`.
    """
    complete = _complete(board, tasks)
    kinds = {*(_kind(row, trainings) for row in complete)} - {CONTROL}
    each = -(-FIRST // max(1, len(kinds)))
    shown = _first(complete, trainings, each)
    if not shown:
        return None
    axis = _Axis.over([estimate for _, by_task in shown for estimate in by_task.values()])
    height = NAME + BAR * len(tasks) + GAP
    parts = tuple(_bars(row, TOP + height * i, axis) for i, row in enumerate(shown))
    count = len(board.rows)
    first = f"the first {each} rows of every training" if trainings else f"the first {each} of {count} rows"
    which = first if len(shown) < count else "all rows"
    about = f"Relative degradation of every task (1 = 100 %) with 95 % intervals, {which} in the table below."
    return Chart(about, 2 * TOP + height * len(shown), axis.place(0), axis.ticks, parts)


def _complete(board: Board, tasks: Sequence[str]) -> list[Row]:
    """The rows that have D of every task."""
    names, columns = board.column(board.columns[0].name), [board.column(f"d_{task}") for task in tasks]
    found = []
    for name, *values in zip(names, *columns, strict=True):
        by_task = {task: value for task, value in zip(tasks, values, strict=True) if isinstance(value, Estimate)}
        if isinstance(name, Name) and len(by_task) == len(tasks):
            found.append((name, by_task))
    return found


def _kind(row: Row, trainings: Mapping[str, str]) -> str:
    """What rows are picked by: whether they are controls, or else the training of the model."""
    name, _ = row
    return CONTROL if name.remark == CONTROL else trainings.get(name.text, "")


def _first(rows: Sequence[Row], trainings: Mapping[str, str], each: int) -> list[Row]:
    """The first rows of every kind in the board's order, then all controls."""
    seen = Counter[str]()
    first, controls = [], []
    for row in rows:
        kind = _kind(row, trainings)
        seen[kind] += 1
        if kind == CONTROL:
            controls.append(row)
        elif seen[kind] <= each:
            first.append(row)
    return [*first, *controls]


def _bars(row: Row, y: int, axis: _Axis) -> Bars:
    name, by_task = row
    short = name.text if len(name.text) <= LETTERS else f"{name.text[: LETTERS - 1]}…"
    bars = (_bar(task, i, of, y + NAME + BAR * i, axis) for i, (task, of) in enumerate(by_task.items()))
    return Bars(name.text, short, y, tuple(bars))


def _bar(task: str, colour: int, estimate: Estimate, y: int, axis: _Axis) -> Bar:
    value = estimate.value or 0.0
    zero, place = axis.place(0), axis.place(value)
    interval = None if estimate.low is None or estimate.high is None else (estimate.low, estimate.high)
    ends = None if interval is None else (axis.place(interval[0]), axis.place(interval[1]))
    return Bar(
        task=task,
        colour=colour,
        text=f"{value:.{2 if abs(value) >= 1 else 3}f}",
        y=y,
        x=min(zero, place),
        width=round(abs(place - zero), 1),
        ends=ends,
        end=max(zero, place, *(ends or ())),
    )


def _step(span: float) -> float:
    """A round distance between ticks of which three to seven fit into the span."""
    power = 10.0 ** math.floor(math.log10(span / 3)) if span > 0 else 1.0
    return next(power * factor for factor in (5.0, 2.0, 1.0) if power * factor <= span / 3 or factor == 1.0)
