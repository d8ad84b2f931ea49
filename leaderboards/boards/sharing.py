"""Does sharing help or hurt? Rank correlations with the sharing index, and what lies between its two ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...benchmark.stats import Bootstrapped, mean
from ..analysis.attack_kinds import is_control
from ..analysis.correlation import rank_correlation
from ..analysis.families import Family, families
from ..analysis.gain import twin_of
from ..analysis.groups import Group
from ..analysis.labels import Name
from ..analysis.scores import ratio, task_scores
from ..analysis.sharing import clean_gains, damages
from .notes import common_notes
from .table import Board, Cell, Column

NOTE = (
    "Models that differ in layout and seed alone. Correlation: Spearman's, over layouts, of the sharing index (0 "
    "independent, 1 fully shared) with the clean gain, or with the ARD, of which each layout counts with the mean over "
    "its seeds; positive: more sharing means more gain, or more damage. p: the share of all orders of the layouts with "
    "a correlation as far from 0, uncorrected; all rows are about the same few networks. Shared / independent: the "
    "damage to the fully shared models over that to the independent ones, as ARD and by task"
)


CLEAN_GAIN = "clean gain"
"""What stands in place of an attack in the rows of the clean gain."""


def sharing_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group with models of several layouts, all of whose trainings are alike; the first explains all."""
    by_seed = ", and by seed" if any(map(_has_seeds, groups)) else ""
    boards: list[Board] = []
    for group in groups:
        rows = [row for family in families(group) for row in _rows(group, family)]
        if rows:
            tasks = group.setting.tasks
            columns = (
                Column("training", "models"),
                Column("measure", "clean gain,\nor ARD under"),
                Column("layouts", "layouts", "count"),
                Column("rank_correlation", "correlation\nwith sharing [95 %]", "interval"),
                Column("p", "p", "count"),
                Column("shared_to_independent", "shared /\nindependent [95 %]", "interval", digits=2),
                *(Column(f"shared_to_independent_{task}", task, digits=2) for task in tasks),
                Column("shared_to_independent_by_seed", "by seed", where="everywhere" if _has_seeds(group) else "csv"),
            )
            note = " ".join([*([] if boards else [f"{NOTE}{by_seed}."]), *common_notes(group)])
            boards.append(Board("sharing", f"Sharing: {group.title}", note, group.setting.scope, columns, tuple(rows)))
    return boards


def _has_seeds(group: Group) -> bool:
    return any(len(models) > 1 for family in families(group) for models in family.layouts)


def _rows(group: Group, family: Family) -> list[tuple[Cell, ...]]:
    """A family's rows, none if it has neither enough layouts to correlate nor both ends."""
    tasks = group.setting.tasks
    gains = clean_gains(group, family)
    layouts, rho, p = _trend(family, gains)
    rows: list[tuple[Cell, ...]] = []
    if rho is not None:
        rows.append((family.label, CLEAN_GAIN, layouts, rho, p, None, None, *[None] * len(tasks)))
    for attack in group.attacks:
        scores = damages(group, family, attack)
        layouts, rho, p = _trend(family, scores)
        ends = _ends(family, scores)
        if is_control(attack) or (rho is None and ends is None):
            continue
        at_the_ends = [model for model in (*family.shared, *family.independent) if model in scores]
        by_task = [_ends(family, _by_task(group, attack, at_the_ends, task)) for task in tasks] if ends else []
        rows.append(
            (
                family.label,
                Name(attack),
                layouts,
                rho,
                p,
                ends.estimate() if ends else None,
                *([found.estimate() if found else None for found in by_task] or [None] * len(tasks)),
                _by_seed(group, family, scores),
            )
        )
    return rows


def _trend(family: Family, scores: Mapping[str, Bootstrapped]) -> tuple[int, Cell, Cell]:
    """How many layouts have a score, the correlation and its p-value."""
    xs, means = family.by_layout(scores)
    found = rank_correlation(xs, means)
    return len(xs), found.rho.estimate() if found else None, found.p if found else None


def _by_task(group: Group, attack: str, models: Sequence[str], task: str) -> dict[str, Bootstrapped]:
    """D_t of a task by model."""
    return dict(zip(models, task_scores([(group.records[model, attack], task) for model in models]), strict=True))


def _ends(family: Family, scores: Mapping[str, Bootstrapped]) -> Bootstrapped | None:
    """The mean score of the fully shared models over that of the independent ones, None without one of them."""
    shared, independent = (
        [scores[model] for model in models if model in scores] for models in (family.shared, family.independent)
    )
    return ratio(mean(shared), mean(independent)) if shared and independent else None


def _by_seed(group: Group, family: Family, scores: Mapping[str, Bootstrapped]) -> str | None:
    """The same for every fully shared model and its twin, where there are several."""
    found = [
        scores[model].value / scores[twin].value
        for model in family.shared
        if model in scores and (twin := twin_of(group, model)) and twin in scores and scores[twin].value > 0
    ]
    return ", ".join(f"{times:.2f}" for times in found) if len(found) > 1 else None
