"""The plot of how damage grows with the budget, or with the steps."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FormatStrFormatter, NullLocator

from ..analysis.group import Group
from ..analysis.groups import headline
from ..analysis.sweeps import Sweep, budget_sweeps, relatives, step_sweeps
from ..analysis.trainings import CLEAN, training_label
from .style import Drawn, look, scale_damage, whisker

SURE = 0.05
"""A change of damage below this share is none to speak of."""


def budgets(group: Group, groups: Sequence[Group]) -> Drawn | None:
    """Damage over the budget, drawn for the largest of the groups that differ in nothing else."""
    family = relatives(group, groups)
    found = budget_sweeps(family) if group is headline(family) else []
    return sweep_plot(group, found, "budget, eps (1/255)", _by_budget(found)) if found else None


def steps(group: Group, groups: Sequence[Group]) -> Drawn | None:
    """Damage over the number of steps."""
    found = step_sweeps(group)
    return sweep_plot(group, found, "steps", _by_steps(found)) if found else None


def _by_budget(sweeps: Sequence[Sweep]) -> str:
    """How much less damage than the clean-trained the hardened models take at their common budgets."""
    damage = {
        (sweep.training, sweep.attack, x): score.value
        for sweep in sweeps
        for x, score in zip(sweep.xs, sweep.scores, strict=True)
    }
    factors = [
        clean / hardened
        for (training, attack, x), hardened in damage.items()
        if training != CLEAN and hardened and hardened > 0 and (clean := damage.get((CLEAN, attack, x)))
    ]
    if not factors or min(factors) <= 1:
        return "Damage grows with the budget"
    return f"Hardened models take {min(factors):.1f} to {max(factors):.1f} times less damage at every budget"


def _by_steps(sweeps: Sequence[Sweep]) -> str:
    """What the last step up in the number of steps still adds."""
    grown = [
        (sweep.xs[-2], sweep.xs[-1], last.value / before.value - 1)
        for sweep in sweeps
        for before, last in [sweep.scores[-2:]]
        if before.value and last.value
    ]
    if len({(start, end) for start, end, _ in grown}) != 1:
        return "Damage grows with the steps"
    (start, end, _), most = grown[0], max(share for *_, share in grown)
    if most < SURE:
        return f"From {start:g} to {end:g} steps damage hardly grows any more"
    return f"From {start:g} to {end:g} steps damage still grows, by up to {most:.0%}"


def sweep_plot(group: Group, sweeps: Sequence[Sweep], axis: str, title: str) -> Drawn:
    """One panel per training with one axis of damage, one line per attack."""
    trainings = list(dict.fromkeys(sweep.training for sweep in sweeps))
    attacks = list(dict.fromkeys(sweep.attack for sweep in sweeps))

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(trainings), squeeze=False, sharey=True)[0]
        for axes, training in zip(panels, trainings, strict=True):
            shown = [sweep for sweep in sweeps if sweep.training == training]
            for sweep in shown:
                number = attacks.index(sweep.attack)
                colour, marker = look(number)
                values = [score.value for score in sweep.scores]
                axes.plot(sweep.xs, values, color=colour, marker=marker, label=sweep.attack)
                for place, score in zip(sweep.xs, sweep.scores, strict=True):
                    whisker(axes, place, score, colour)
            places = sorted({place for sweep in shown for place in sweep.xs})
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(FixedLocator(places))
            axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set(xlabel=axis, title=training_label(training).replace("against ", "against\n"))
        by_training = [
            [
                score.value
                for sweep in sweeps
                if sweep.training == training
                for score in sweep.scores
                if score.value is not None
            ]
            for training in trainings
        ]
        scale_damage(panels[0], by_training)
        panels[0].set_ylabel("ARD (1 = 100 %)")
        figure.suptitle(title, fontsize=10.5)
        lines = {line.get_label(): line for axes in panels for line in axes.get_lines() if line.get_label()[:1] != "_"}
        words = [group.in_words(attack) for attack in attacks]
        handles = [lines[attack] for attack in attacks]
        figure.legend(handles=handles, labels=words, loc="outside lower center", ncols=4)

    return Drawn(draw, height=3.8)
