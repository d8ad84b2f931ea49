"""Heat maps of damage: attack x model, and attacked task x victim task."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...benchmark.protocol.records import Estimate
from ..analysis.attack_kinds import is_control
from ..analysis.groups import training_label
from ..analysis.labels import Name
from ..boards.losses import TRAIN
from ..boards.table import Board, Cell
from .style import drawn

MAP = "cividis"
STRONGEST = 30
"""Rows of a picture that can be read in a README."""
CROWD = 12
"""Columns side by side beyond which the numbers in them get little room."""


def attack_model_map(board: Board) -> dict[str, bytes]:
    """ARD of attacks (rows) on every model (column), from a models-attacks board, the strongest attack first.

    Many models are rows instead. Of many attacks the strongest and the controls are shown. Every model has its own
    colours, which run over the attacks that are no controls.
    """
    names = [_word(row[0]) for row in board.rows]
    values = np.array([[_value(cell) for cell in row[1:]] for row in board.rows])
    order = shown_rows(names, values)
    attacked = [i for i in order if not is_control(names[i])]
    count = sum(not is_control(name) for name in names)
    attacks = [names[i] for i in order]
    models = [column.title.replace("`", "") for column in board.columns[1:]]
    which = "every attack" if len(attacked) == count else f"the {STRONGEST} strongest of {count} attacks"
    shades = np.stack([_shades(column[order], _range(column[attacked])) for column in values.T], axis=1)

    # Names of many models stand one above the other.
    turned = len(models) > CROWD
    shown, rows, columns = values[order], attacks, models
    if turned:
        shown, shades, rows, columns = shown.T, shades.swapaxes(0, 1), models, attacks

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _cells(axes, shown, shades, rows, columns)
        title = f"Average relative degradation (1 = 100 %)\nunder {which} and the controls"
        axes.set_title(title if len(order) > len(attacked) else title.removesuffix(" and the controls"))
        figure.supxlabel("every model with its own colours", fontsize=9.5)

    return drawn(draw, height=1.0 + 0.28 * len(rows) + 0.05 * max(map(len, columns)))


def shown_rows(names: Sequence[str], values: NDArray[np.float64]) -> list[int]:
    """The rows of the strongest attacks and of every control, the strongest first."""
    ranked = _strongest_first(values)
    attacked = [i for i in ranked if not is_control(names[i])]
    dropped = set(attacked[STRONGEST:])
    return [i for i in ranked if i not in dropped]


def victim_map(boards: Sequence[Board]) -> dict[str, bytes]:
    """D_t of every victim task (column) under attacks on one task (rows), one panel per board."""

    def draw(figure: Figure) -> None:
        panels = np.atleast_1d(figure.subplots(1, len(boards)))
        for i, (axes, board) in enumerate(zip(panels, boards, strict=True)):
            values = np.array([[_value(cell) for cell in row[2:]] for row in board.rows])
            victims = [column.title for column in board.columns[2:]]
            shades = _shades(values, _scale(values))
            _cells(axes, values, shades, [_word(row[1]) for row in board.rows], victims, len(boards))
            axes.set_title(training_label(str(dict(board.scope)["training"])).replace("against ", "against\n"))
            if i and board.column("attack") == boards[0].column("attack"):
                axes.set_yticks([])
        figure.supxlabel(
            "victim task; relative degradation (1 = 100 %), every panel with its own colours"
            if len(boards) > 1
            else "victim task; relative degradation (1 = 100 %)",
            fontsize=9.5,
        )

    return drawn(draw, height=1.2 + 0.4 * max(len(board.rows) for board in boards))


def transfer_map(boards: Sequence[Board]) -> dict[str, bytes]:
    """ARD of every model (column) under images made on every model (row), one panel per attack."""

    def draw(figure: Figure) -> None:
        panels = np.atleast_1d(figure.subplots(len(boards), 1))
        for i, (axes, board) in enumerate(zip(panels, boards, strict=True)):
            values = np.array([[_value(cell) for cell in row[1:-1]] for row in board.rows])
            # A model that falls easily falls under everything: what is of interest is by which images.
            shades = np.stack([_shades(column, _range(column)) for column in values.T], axis=1)
            targets = [column.title.replace("`", "") for column in board.columns[1:-1]]
            _cells(axes, values, shades, [_word(row[0]) for row in board.rows], targets)
            axes.set_title(f"{dict(board.scope)['attack']}, made on the model of the row")
            if i < len(boards) - 1:
                axes.set_xticks([])
        figure.supxlabel("model attacked, every one with its own colours; ARD (1 = 100 %)", fontsize=9.5)

    return drawn(draw, height=sum(0.7 + 0.32 * len(board.rows) for board in boards) + 1.4)


def losses_map(boards: Sequence[Board]) -> dict[str, bytes]:
    """ARD of every balancing (row) with every set of losses (column), from losses boards, one panel per model."""
    names = sorted({_word(name) for board in boards for name in board.column("attack")})
    sets = sorted({str(part) for board in boards for part in board.column("losses")}, key=lambda s: (s != TRAIN, s))
    values = np.full((len(boards), len(names), len(sets)), np.nan)
    for panel, board in zip(values, boards, strict=True):
        for name, losses, score in zip(*map(board.column, ("attack", "losses", "ard")), strict=True):
            panel[names.index(_word(name)), sets.index(str(losses))] = _value(score)
    beside = np.concatenate(list(values), axis=1)
    # Where some sets were run with few balancings, the others say who is the strongest.
    common = np.isfinite(beside).all(axis=0)
    order = _strongest_first(beside[:, common] if common.any() else beside)
    across = min(2, len(boards))
    down = -(-len(boards) // across)

    def draw(figure: Figure) -> None:
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for i, axes in enumerate(panels):
            if i >= len(boards):
                axes.set_axis_off()
                continue
            shown = values[i][order]
            _cells(axes, shown, _shades(shown, _range(shown)), [names[j] for j in order], sets, across)
            axes.set_title(dict(boards[i].scope)["model"])
            axes.tick_params(labelleft=i % across == 0, labelbottom=i + across >= len(boards))
        figure.supxlabel(
            "losses ascended; ARD (1 = 100 %), every panel with its own colours; grey is unknown",
            fontsize=9.5,
        )

    return drawn(draw, height=1.1 + down * (0.35 + 0.28 * len(names)))


def _strongest_first(values: NDArray[np.float64]) -> list[int]:
    """The rows by their mean place over the columns: no column counts more because its numbers are larger."""
    places = np.argsort(np.argsort(np.where(np.isfinite(values), -values, np.inf), axis=0, kind="stable"), axis=0)
    return [int(i) for i in np.argsort(places.mean(axis=1), kind="stable")]


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


def _range(values: NDArray[np.float64]) -> Normalize:
    known = values[np.isfinite(values)]
    return Normalize(float(known.min()), float(known.max()), clip=True) if known.size else Normalize(0.0, 1.0)


def _shades(values: NDArray[np.float64], scale: Normalize) -> NDArray[np.float64]:
    least = scale.vmin or 0.0
    return np.asarray(scale(np.where(np.isfinite(values), np.maximum(values, least), least)))


def _cells(
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
