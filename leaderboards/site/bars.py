"""A bar chart of D_t as numbers that a template draws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ...benchmark.protocol.records import Estimate
from ..analysis.labels import Name
from ..analysis.names import CONTROL
from ..boards.table import Board

FIRST = 8
"""Rows of a chart that can be taken in at a glance, besides the controls."""

NONE: Mapping[str, str] = MappingProxyType({})

LEFT, RIGHT, WIDTH = 104.0, 380.0, 440.0
"""Where the bars begin and may end, and the width of the picture, which leaves room for labels on both sides."""

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


def chart(board: Board, tasks: Sequence[str], trainings: Mapping[str, str] = NONE) -> Chart | None:
    """D_t of the first rows of a pair board and of its controls; None if no row is complete.

    Where the rows are models, these are the first of each of their `trainings`.
    """
    found: list[tuple[Name, list[Estimate]]] = []
    columns = {task: board.column(f"d_{task}") for task in tasks}
    names = [cell for cell in board.column(board.columns[0].name) if isinstance(cell, Name)]
    for i, name in enumerate(names):
        known = [cell for task in tasks if isinstance(cell := columns[task][i], Estimate)]
        if len(known) == len(tasks):
            found.append((name, known))
    kinds = [CONTROL if name.remark == CONTROL else trainings.get(name.text, "") for name, _ in found]
    each = -(-FIRST // max(1, len({*kinds} - {CONTROL})))
    places = [kinds[:i].count(kind) for i, kind in enumerate(kinds)]
    first = [row for row, kind, place in zip(found, kinds, places, strict=True) if kind != CONTROL and place < each]
    chosen = [*first, *(row for row, kind in zip(found, kinds, strict=True) if kind == CONTROL)]
    if not chosen:
        return None
    ends = [end for _, known in chosen for e in known for end in (e.low, e.value, e.high) if end is not None]
    low, high = min(0.0, *ends), max(0.0, *ends)
    step = _step(high - low)
    scale = (RIGHT - LEFT) / ((high - low) or 1.0)

    def place(value: float) -> float:
        return round(LEFT + scale * (value - low), 1)

    parts, y = [], 14
    for name, known in chosen:
        bars = []
        for i, (task, estimate) in enumerate(zip(tasks, known, strict=True)):
            value = estimate.value or 0.0
            interval = None if estimate.low is None or estimate.high is None else (estimate.low, estimate.high)
            x, width = min(place(0), place(value)), round(abs(place(value) - place(0)), 1)
            whisker = None if interval is None else (place(interval[0]), place(interval[1]))
            end = max(place(0), place(value), *(whisker or ()))
            bars.append(
                Bar(task, i, f"{value:.{2 if abs(value) >= 1 else 3}f}", y + 6 + 15 * i, x, width, whisker, end)
            )
        short = name.text if len(name.text) <= LETTERS else f"{name.text[: LETTERS - 1]}…"
        parts.append(Bars(name.text, short, y, tuple(bars)))
        y += 28 + 15 * len(tasks)
    ticks = [step * i for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
    first_rows = f"the first {each} rows of every training" if trainings else f"the first {each} of {len(names)} rows"
    which = first_rows if len(chosen) < len(names) else "all rows"
    about = f"Relative degradation of every task (1 = 100 %) with 95 % intervals, {which} in the table below."
    return Chart(about, y + 14, place(0), tuple((place(tick), f"{tick:g}") for tick in ticks), tuple(parts))


def _step(span: float) -> float:
    """A round distance between ticks of which three to seven fit into the span."""
    power = 10.0 ** math.floor(math.log10(span / 3)) if span > 0 else 1.0
    return next(power * factor for factor in (5.0, 2.0, 1.0) if power * factor <= span / 3 or factor == 1.0)
