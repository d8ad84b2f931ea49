"""Clean score against robustness: which models no other one beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...benchmark.protocol.estimates import Estimate
from ..analysis.families import families
from ..analysis.gain import gain_over
from ..analysis.group import Group
from ..analysis.headline import headline_attack
from ..analysis.sharing import damages
from ..analysis.trainings import CLEAN
from ..analysis.words import layout_words
from .conditions import is_worth_a_picture
from .style import GREY, Drawn, halo, level_whisker, look, scale_damage, whisker

FEWEST = 5
"""Fewest models that make a front."""

NAMED = 6
"""Most models on a front whose names have room; a front without names tells nothing."""


@dataclass(frozen=True)
class Candidate:
    """A model by its clean gain in percent over the cleanly trained independent ones, and its ARD."""

    model: str
    training: str
    gain: float
    damage: float
    gain_interval: Estimate
    damage_interval: Estimate


def candidates(group: Group) -> list[Candidate]:
    """The models of a group with both numbers; none without a cleanly trained independent model to compare with."""
    known = families(group)
    independent = [model for family in known for model in family.independent if group.training(model) == CLEAN]
    attack = headline_attack(group)
    found: list[Candidate] = []
    if attack is None:
        return found
    for family in known:
        gains = gain_over(group, family.models, independent)
        for model, score in damages(group, family, attack).items():
            if gain := gains.get(model):
                own = Candidate(model, family.label, gain.value, score.value, gain.estimate(), score.estimate())
                found.append(own)
    return found


def front(found: Sequence[Candidate]) -> list[Candidate]:
    """The candidates that no other one equals in clean gain and damage and beats in one of them, by clean gain."""

    def beaten(own: Candidate, other: Candidate) -> bool:
        as_good = other.gain >= own.gain and other.damage <= own.damage
        return as_good and (other.gain, other.damage) != (own.gain, own.damage)

    best = [own for own in found if not any(beaten(own, other) for other in found)]
    return sorted(best, key=lambda own: (own.gain, own.model))


def _finding(best: Sequence[Candidate], count: int) -> str:
    trainings = list(dict.fromkeys(own.training for own in best))
    if len(trainings) == 1:
        return f"All {len(best)} of {count} models that no other beats in both are {trainings[0]}"
    return f"{len(best)} of {count} models are beaten by no other in both: those on the line"


def pareto(group: Group, groups: Sequence[Group]) -> Drawn | None:
    """The plot of a group, with the names of the layouts on the front; None with few candidates."""
    found, attack = candidates(group), headline_attack(group)
    if len(found) < FEWEST or attack is None or not is_worth_a_picture(group, groups):
        return None
    best, kinds = front(found), list(dict.fromkeys(own.training for own in found))
    if len(best) > NAMED:
        return None

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        # Whoever asks for a gain gets the least damage of all that have as much.
        stairs = [own.gain for own in best], [own.damage for own in best]
        axes.plot(*stairs, color=GREY, linewidth=1.0, drawstyle="steps-pre")
        axes.margins(x=0.12, y=0.1)
        handles = []
        for number, training in enumerate(kinds):
            colour, marker = look(number)
            for own in found:
                if own.training == training:
                    axes.plot([own.gain], [own.damage], linestyle=" ", color=colour, marker=marker)
                    whisker(axes, own.gain, own.damage_interval, colour)
                    level_whisker(axes, own.damage, own.gain_interval, colour)
            handles.append(Line2D([], [], linestyle=" ", color=colour, marker=marker, label=training))
        scale_damage(axes, [[own.damage for own in found if own.training == training] for training in kinds])
        for own in best:
            axes.annotate(
                layout_words(group.facts(own.model)),
                *((own.gain, own.damage), (6, -11)),
                textcoords="offset points",
                fontsize=8.5,
                path_effects=halo(),
            )
        axes.set(
            xlabel="clean gain over the independent clean-trained models (%) →",
            ylabel=f"← ARD under {group.in_words(attack)}",
            title=_finding(best, len(found)),
        )
        handles.append(Line2D([], [], color=GREY, linewidth=1.0, label="Pareto front"))
        figure.legend(handles=handles, loc="outside lower center", ncols=2)

    return Drawn(draw, height=4.2)
