"""Does sharing help or hurt? Rank correlations with the sharing index."""

from __future__ import annotations

from collections.abc import Sequence

from ..benchmark.stats import Bootstrapped
from .board import Board, Cell, Column, Name
from .correlation import rank_correlation
from .gain import gain_of
from .groups import CLEAN, Group, is_control
from .notes import common_notes

NOTE = (
    "Spearman's rank correlation of the sharing index (0 independent, 1 fully shared) with the clean gain or the ARD "
    "of models that differ in layout and seed alone: at +1 more sharing always means more gain, or more damage. "
    "Intervals are over models and images."
)


def trainings(group: Group) -> dict[str, list[str]]:
    """The models with a sharing index by what they were trained against, cleanly trained ones first."""
    found: dict[str, list[str]] = {}
    for model in group.models:
        if group.facts(model).sharing_index is not None:
            found.setdefault(group.facts(model).adversary or CLEAN, []).append(model)
    return {name: found[name] for name in sorted(found, key=lambda name: (name != CLEAN, name))}


def gain_correlation(group: Group, models: Sequence[str]) -> tuple[int, Bootstrapped | None]:
    """How many of the models have a clean gain, and its rank correlation with sharing."""
    gains = {model: gain for model in models if (gain := gain_of(group, model)) is not None}
    return len(gains), rank_correlation(_sharing(group, [*gains]), [*gains.values()])


def damage_correlation(group: Group, models: Sequence[str], attack: str) -> tuple[int, Bootstrapped | None]:
    """How many of the models have a complete record of the attack, and the rank correlation of its ARD with sharing."""
    scores = {model: score for model in models if (score := group.ard(model, attack))}
    return len(scores), rank_correlation(_sharing(group, [*scores]), [*scores.values()])


def _sharing(group: Group, models: Sequence[str]) -> list[float]:
    return [index for model in models if (index := group.facts(model).sharing_index) is not None]


def sharing_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group with enough models of one training: the correlation of every measure with sharing."""
    boards = []
    for group in groups:
        rows: list[tuple[Cell, ...]] = []
        for training, models in trainings(group).items():
            measures: list[tuple[Cell, tuple[int, Bootstrapped | None]]] = [
                ("clean gain", gain_correlation(group, models))
            ]
            measures += [
                (Name(attack), damage_correlation(group, models, attack))
                for attack in group.attacks
                if not is_control(attack)
            ]
            rows += [
                (training, measure, count, rho.estimate()) for measure, (count, rho) in measures if rho is not None
            ]
        if rows:
            columns = (
                Column("training", "training"),
                Column("measure", "clean gain, or ARD under"),
                Column("models", "models", "count"),
                Column("rank_correlation", "rank correlation\nwith sharing [95 %]", "interval"),
            )
            note = " ".join([NOTE, *common_notes(group)])
            boards.append(Board("sharing", f"Sharing: {group.title}", note, group.setting.scope, columns, tuple(rows)))
    return boards
