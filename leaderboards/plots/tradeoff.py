"""The trade-off plot: what sharing gains on clean images, and what it costs under attack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...benchmark.protocol.estimates import Estimate
from ...benchmark.stats import Bootstrapped
from ..analysis.families import Family
from ..analysis.group import Group
from ..analysis.headline import headline_attack
from ..analysis.sharing import Effect, clean_gains, damages, ends, shown_families
from ..analysis.words import layout_words
from .conditions import is_worth_a_picture
from .style import GREY, Drawn, look, scale_damage, whisker

DODGE, STEP = 0.016, 0.05
"""Shifts along x between series, and between layouts of one sharing index, so that no interval hides another."""

EFFECTS: Mapping[Effect, str] = {
    "hurts": "Full sharing adds damage",
    "protects": "Full sharing takes damage away",
    "unsure": "Full sharing makes no sure difference",
}

LINE = 95
"""Letters of a title that fit side by side."""

LETTERS = 5
"""Letters that are left of the name of a task in a layout's, which stands below the axis."""


@dataclass(frozen=True)
class Point:
    """A model's score at its sharing index, `shift` beside it; `first` unless it repeats another one's training."""

    model: str
    sharing: float
    shift: float
    first: bool
    score: float
    interval: Estimate


def points(family: Family, scores: Mapping[str, Bootstrapped]) -> list[Point]:
    """A point for every model with a score; layouts of one sharing index stand side by side."""
    widths, places = Counter(family.sharing), Counter[float]()
    found = []
    for models, sharing in zip(family.layouts, family.sharing, strict=True):
        shift = STEP * (places[sharing] - (widths[sharing] - 1) / 2)
        places[sharing] += 1
        for number, model in enumerate(models):
            estimate = scores[model].estimate() if model in scores else None
            if estimate and estimate.value is not None:
                found.append(Point(model, sharing, shift, number == 0, estimate.value, estimate))
    return found


def finding(group: Group, families: Sequence[Family], attack: str) -> str:
    """What full sharing does to the damage, a line for each of three answers that families give."""
    said: dict[Effect, list[str]] = {}
    for family in families:
        found = ends(group, family, attack)
        if found is None or not isfinite(found.ratio.value):
            continue
        said.setdefault(found.effect, []).append(f"{family.label} ({found.ratio.value:.2f}x)")
    lines = [f"{words}: {', '.join(said[effect])}" for effect, words in EFFECTS.items() if effect in said]
    return "\n".join(part for line in lines for part in wrap(line, LINE)) or f"Sharing and damage under {attack}"


def _short(task: str) -> str:
    return task if len(task) <= LETTERS else f"{task[: LETTERS - 1]}."


def named_places(group: Group, families: Sequence[Family]) -> dict[float, str]:
    """The names of the layouts by where on the axis they stand."""
    found: dict[float, list[str]] = {}
    for family in families:
        widths, places = Counter(family.sharing), Counter[float]()
        for models, sharing in zip(family.layouts, family.sharing, strict=True):
            words = layout_words(group.facts(models[0]))
            name = "+".join(_short(task) for task in words.split("+")) if "+" in words else words
            here = found.setdefault(sharing + STEP * (places[sharing] - (widths[sharing] - 1) / 2), [])
            here += [name] if name not in here else []
            places[sharing] += 1
    return {place: ", ".join(here) for place, here in found.items()}


def tradeoff(group: Group, groups: Sequence[Group]) -> Drawn | None:
    """The plot of a group; None without a family that has several layouts."""
    shown, attack = shown_families(group), headline_attack(group)
    if not shown or attack is None or not is_worth_a_picture(group, groups):
        return None
    gains = [clean_gains(group, family) for family in shown]
    falls = [damages(group, family, attack) for family in shown]

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        left.axhline(0, color=GREY, linewidth=0.8)
        handles = []
        for number, family in enumerate(shown):
            shift = DODGE * (number - (len(shown) - 1) / 2)
            colour, marker = look(number)
            for axes, scores in ((left, gains[number]), (right, falls[number])):
                _draw(axes, points(family, scores), shift, colour, marker)
            handles.append(Line2D([], [], linestyle=" ", color=colour, marker=marker, label=family.label))
        scale_damage(right, [[score.value for score in scores.values()] for scores in falls])
        left.set(title="On clean images", ylabel="clean gain over independent models (%)")
        right.set(title=f"Under {group.in_words(attack)}", ylabel="ARD (1 = 100 %)")
        figure.suptitle(finding(group, shown, attack), fontsize=10.5)
        if not any(gains):
            left.set(yticks=[], ylim=(-1, 1))
            left.text(0.5, 0.1, "no independent model in these records", ha="center")
        for axes in (left, right):
            axes.set(xlabel="layout, at its sharing index (0 to 1)", xlim=(-0.08, 1.08))
            places = named_places(group, shown)
            axes.set_xticks([*places], [*places.values()], rotation=55, ha="right", rotation_mode="anchor")
        if any(len(models) > 1 for family in shown for models in family.layouts):
            handles.append(
                Line2D([], [], linestyle=" ", color=GREY, marker="o", fillstyle="none", label="further seeds")
            )
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles) if len(handles) <= 3 else 2)

    return Drawn(draw, height=4.9, dark=True)


def _draw(axes: Axes, found: Sequence[Point], shift: float, colour: str, marker: str) -> None:
    """Points with their intervals."""
    for point in found:
        x = point.sharing + point.shift + shift
        fill = "full" if point.first else "none"
        axes.plot([x], [point.score], color=colour, linestyle=" ", marker=marker, fillstyle=fill, markersize=4.5)
        whisker(axes, x, point.interval, colour)
