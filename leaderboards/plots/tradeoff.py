"""The trade-off plot: what sharing gains on clean images, and what it costs under attack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...benchmark.protocol.estimates import Estimate
from ...benchmark.stats import Bootstrapped
from ..analysis.correlation import Correlation
from ..analysis.families import Family
from ..analysis.group import Group
from ..analysis.headline import headline_attack
from ..analysis.sharing import clean_gains, correlation, damages, shown_families
from .conditions import is_worth_a_picture
from .style import GREY, Drawn, drawn, look, scale_damage, whisker

DODGE, STEP = 0.016, 0.05
"""Shifts along x between series, and between layouts of one sharing index, so that no interval hides another."""

SMALLEST = 0.001
"""Smaller p-values are shown as below this one."""


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
                label = _trend(correlation(family, scores))
                _draw(axes, points(family, scores), shift, colour, marker, label)
            handles.append(Line2D([], [], linestyle=" ", color=colour, marker=marker, label=family.label))
        scale_damage(right, [[score.value for score in scores.values()] for scores in falls])
        left.set(title="On clean images (95 % over images)", ylabel="clean gain over independent models (%)")
        right.set(title=f"Under {attack} (95 % over images)", ylabel="average relative degradation (1 = 100 %)")
        if not any(gains):
            left.set(yticks=[], ylim=(-1, 1))
            left.text(0.5, 0.1, "no independent model in these records", ha="center")
        for axes in (left, right):
            axes.set(xlabel="sharing index (0 independent, 1 fully shared)", xlim=(-0.08, 1.08))
            if axes.get_legend_handles_labels()[1]:
                axes.legend(title="rank correlation with sharing", title_fontsize=8.5, fontsize=8.5)
        if any(len(models) > 1 for family in shown for models in family.layouts):
            handles.append(
                Line2D([], [], linestyle=" ", color=GREY, marker="o", fillstyle="none", label="further seeds")
            )
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles) if len(handles) <= 3 else 2)

    return drawn(draw, height=4.2, dark=True)


def _trend(found: Correlation | None) -> str:
    """A correlation as the legend has it; a label that starts with an underscore is not shown."""
    if found is None:
        return "_"
    rho = found.rho.estimate()
    interval = "" if rho.low is None else f" [{rho.low:+.2f}, {rho.high:+.2f}]"
    p = f"p = {found.p:.2g}" if found.p >= SMALLEST else f"p < {SMALLEST:g}"
    return f"{rho.value:+.2f}{interval}, {p}"


def _draw(axes: Axes, found: Sequence[Point], shift: float, colour: str, marker: str, label: str) -> None:
    """Points with their intervals; the trend's label stands at the first one."""
    for point in found:
        x = point.sharing + point.shift + shift
        fill = "full" if point.first else "none"
        axes.plot(
            [x], [point.score], color=colour, linestyle=" ", marker=marker, fillstyle=fill, markersize=4.5, label=label
        )
        label = "_"
        whisker(axes, x, point.interval, colour)
