"""Heat maps of damage: attack x model, and attacked task x victim task."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..benchmark.protocol.records import Estimate
from .board import Board, Cell, Name
from .style import drawn

MAP = "cividis"


def attack_model_map(board: Board) -> dict[str, bytes]:
    """ARD of every attack (row) on every model (column), from a models-attacks board, the strongest attack first."""
    values = np.array([[_value(cell) for cell in row[1:]] for row in board.rows])
    known = np.isfinite(values)
    strength = np.where(known.any(axis=1), np.where(known, values, 0).sum(axis=1) / known.sum(axis=1).clip(1), -np.inf)
    order = np.argsort(-strength, kind="stable")
    attacks = [_word(board.rows[i][0]) for i in order]
    models = [column.title.replace("`", "") for column in board.columns[1:]]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _cells(axes, values[order], attacks, models)
        axes.set_title("Average relative degradation (1 = 100 %) of every model under every attack")

    longest = max(map(len, models))
    return drawn(draw, height=1.0 + 0.28 * len(attacks) + 0.05 * longest)


def victim_map(boards: Sequence[Board]) -> dict[str, bytes]:
    """D_t of every victim task (column) under attacks on one task (rows), one panel per board."""

    def draw(figure: Figure) -> None:
        panels = np.atleast_1d(figure.subplots(1, len(boards)))
        for i, (axes, board) in enumerate(zip(panels, boards, strict=True)):
            values = np.array([[_value(cell) for cell in row[2:]] for row in board.rows])
            _cells(axes, values, [_word(row[1]) for row in board.rows], [c.title for c in board.columns[2:]])
            axes.set_title(f"{dict(board.scope)['training']} models".replace("clean m", "clean-trained m"))
            if i and board.column("attack") == boards[0].column("attack"):
                axes.set_yticks([])
        figure.supxlabel(
            "victim task; relative degradation (1 = 100 %), every panel with its own colours"
            if len(boards) > 1
            else "victim task; relative degradation (1 = 100 %)",
            fontsize=9.5,
        )

    return drawn(draw, height=1.2 + 0.4 * max(len(board.rows) for board in boards))


def _value(cell: Cell) -> float:
    return cell.value if isinstance(cell, Estimate) and cell.value is not None else np.nan


def _word(cell: Cell) -> str:
    return cell.text if isinstance(cell, Name) else str(cell)


def _scale(values: NDArray[np.float64]) -> Normalize:
    known = values[np.isfinite(values)]
    high = float(known.max(initial=0.0))
    positive = known[known > 0]
    if positive.size and high > 10 * positive.min():
        # Two decades at most, so that the noise control does not use up all colours.
        return LogNorm(max(float(positive.min()), high / 100), high, clip=True)
    return Normalize(min(0.0, float(known.min(initial=0.0))), high or 1.0)


def _cells(axes: Axes, values: NDArray[np.float64], rows: list[str], columns: list[str]) -> None:
    scale, colours = _scale(values), colormaps[MAP]
    shades = scale(np.where(np.isfinite(values), np.maximum(values, scale.vmin or 0.0), scale.vmin or 0.0))
    image = colours(np.asarray(shades))
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
        text = _short(float(values[i, j]), fine=len(columns) <= 12) if np.isfinite(values[i, j]) else "n/a"
        axes.text(j, i, text, ha="center", va="center", color="black" if light else "white", fontsize=9)
    slanted = max(map(len, columns)) * len(columns) > 60
    axes.set_xticks(range(len(columns)), columns)
    if slanted:
        for label in axes.get_xticklabels():
            label.set(rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), rows)


def _short(value: float, fine: bool) -> str:
    text = f"{value:.{3 if fine and abs(value) < 0.1 else 2 if abs(value) < 10 else 1}f}"
    return text.removeprefix("-") if float(text) == 0 else text
