"""What heat maps have in common: one scale of colours, numbers in the cells, the order of rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FormatStrFormatter, NullLocator
from numpy.typing import NDArray

from ...benchmark.protocol.estimates import Estimate
from ..analysis.labels import Name
from ..boards.table import Value

MAP = "cividis"
LEAST, MOST = 0.01, 3.0
SCALE = LogNorm(LEAST, MOST, clip=True)
"""One colour means one damage in all pictures: a hardened model is dark beside a clean one, and noise black."""

TICKS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
ROWS = 20
"""Most rows of a picture that a page can show."""

LETTERS = 50
"""Most letters of a name beside a picture."""

CROWD = 12
"""Most columns side by side that leave room for numbers in full size."""


def strongest_first(values: NDArray[np.float64]) -> list[int]:
    """The rows by their mean place over the columns: no column counts more because its numbers are larger."""
    places = np.argsort(np.argsort(np.where(np.isfinite(values), -values, np.inf), axis=0, kind="stable"), axis=0)
    return [int(i) for i in np.argsort(places.mean(axis=1), kind="stable")]


def number_in(cell: Value) -> float:
    """The number in a place of a board, an estimate's without its interval; NaN for all else."""
    return cell.value if isinstance(cell, Estimate) and cell.value is not None else np.nan


def text_of(cell: Value) -> str:
    """What stands in a place of a board, as text."""
    return cell.text if isinstance(cell, Name) else str(cell)


def colour_bar(figure: Figure, panels: Iterable[Axes], label: str) -> None:
    """What the colours mean, beside the panels."""
    bar = figure.colorbar(ScalarMappable(SCALE, MAP), ax=[*panels], pad=0.01, aspect=40, extend="both", label=label)
    bar.ax.yaxis.set_major_locator(FixedLocator(TICKS))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(FormatStrFormatter("%g"))


def draw_cells(
    axes: Axes, values: NDArray[np.float64], rows: Sequence[str], columns: Sequence[str], across: int = 1
) -> None:
    """A panel, one of `across` beside each other; where columns are many, numbers are small and the unknown is grey."""
    crowded = len(columns) * across > CROWD
    image = colormaps[MAP](SCALE(np.where(values > 0, values, LEAST)).filled())
    image[~np.isfinite(values)] = (0.9, 0.9, 0.9, 1.0)
    axes.imshow(image, aspect="auto")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for edge in range(1, values.shape[0]):
        axes.axhline(edge - 0.5, color="white", linewidth=1)
    for edge in range(1, values.shape[1]):
        axes.axvline(edge - 0.5, color="white", linewidth=1)
    for i, j in np.ndindex(values.shape):
        light = image[i, j, :3] @ (0.299, 0.587, 0.114) > 0.5
        text = short(float(values[i, j])) if np.isfinite(values[i, j]) else "" if crowded else "n/a"
        size = 8 if crowded else 9
        axes.text(j, i, text, ha="center", va="center", color="black" if light else "white", fontsize=size)
    slanted = max(len(clipped(name)) for name in columns) * len(columns) * across > 70
    axes.set_xticks(range(len(columns)), [clipped(name) for name in columns])
    if slanted:
        for label in axes.get_xticklabels():
            label.set(rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), [clipped(name) for name in rows])


def clipped(name: str) -> str:
    """A name that leaves room for the picture."""
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"


def short(value: float) -> str:
    """Damage with two decimals, which is what intervals leave of it."""
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    return text.removeprefix("-") if float(text) == 0 else text
