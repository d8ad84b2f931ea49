"""What heat maps have in common: colours, numbers in the cells, the order of rows."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from numpy.typing import NDArray

from ...benchmark.protocol.estimates import Estimate
from ..analysis.labels import Name
from ..boards.table import Value

MAP = "cividis"
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


def scale(values: NDArray[np.float64]) -> Normalize:
    """Colours from 0, or over two decades, to the largest value."""
    known = values[np.isfinite(values)]
    high = float(known.max(initial=0.0))
    positive = known[known > 0]
    if positive.size and high > 10 * positive.min():
        # Two decades at most, so that the noise control does not use up all colours.
        return LogNorm(max(float(positive.min()), high / 100), high, clip=True)
    return Normalize(min(0.0, float(known.min(initial=0.0))), high or 1.0)


def own_range(values: NDArray[np.float64]) -> Normalize:
    """Colours from the smallest to the largest known value."""
    known = values[np.isfinite(values)]
    return Normalize(float(known.min()), float(known.max()), clip=True) if known.size else Normalize(0.0, 1.0)


def shades_of(values: NDArray[np.float64], scale: Normalize) -> NDArray[np.float64]:
    """Values as places 0 to 1 on a scale of colours; the unknown as the least."""
    least = scale.vmin or 0.0
    return np.asarray(scale(np.where(np.isfinite(values), np.maximum(values, least), least)))


def draw_cells(
    axes: Axes,
    values: NDArray[np.float64],
    shades: NDArray[np.float64],
    rows: list[str],
    columns: list[str],
    across: int = 1,
) -> None:
    """A panel, one of `across` beside each other; where columns are many, numbers are small and the unknown is grey."""
    crowded = len(columns) * across > CROWD
    image = colormaps[MAP](shades)
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
        if np.isfinite(values[i, j]):
            text = _short(float(values[i, j]), fine=len(columns) <= CROWD)
            text = text.removeprefix("0") if crowded else text
        else:
            text = "" if crowded else "n/a"
        size = 7.5 if crowded else 9
        axes.text(j, i, text, ha="center", va="center", color="black" if light else "white", fontsize=size)
    slanted = max(map(len, columns)) * len(columns) * across > 80
    axes.set_xticks(range(len(columns)), columns)
    if slanted:
        for label in axes.get_xticklabels():
            label.set(rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), rows)


def _short(value: float, fine: bool) -> str:
    text = f"{value:.{3 if fine and abs(value) < 1 else 2 if abs(value) < 10 else 1}f}"
    return text.removeprefix("-") if float(text) == 0 else text
