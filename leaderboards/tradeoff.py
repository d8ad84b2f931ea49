"""The trade-off plot: what sharing gains on clean images, and what it costs under attack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..benchmark.protocol.records import Estimate
from ..benchmark.stats import Bootstrapped
from .gain import gain_of
from .groups import Group, training_label
from .model_board import STANDARD
from .sharing_board import damage_correlation, gain_correlation, trainings
from .style import GREY, drawn, look, scale_damage, whisker

HEADLINES = (STANDARD, "dgba-pgd")
DODGE = 0.015
"""How far series stand apart, in sharing index, so that their bars do not hide each other."""


@dataclass(frozen=True)
class Point:
    """A model at its sharing index; `gain` in percent, `damage` its ARD, None where unknown."""

    sharing: float
    gain: Estimate | None
    damage: Estimate | None


def headline_attack(group: Group) -> str:
    """The attack whose damage is shown: the standard evaluation, if every model that can be shown has it."""
    models = [model for found in trainings(group).values() for model in found]
    return next((a for a in HEADLINES if all(group.complete(model, a) for model in models)), HEADLINES[-1])


def points(group: Group) -> dict[str, list[Point]]:
    """The points of each training, by sharing index; models without a sharing index are left out."""
    attack = headline_attack(group)
    found: dict[str, list[Point]] = {}
    for training, models in trainings(group).items():
        for model in models:
            sharing, score = group.facts(model).sharing_index, group.ard(model, attack)
            if sharing is not None:
                gain = gain_of(group, model)
                point = Point(sharing, gain.estimate() if gain else None, score.estimate() if score else None)
                found.setdefault(training, []).append(point)
    return {training: sorted(found[training], key=lambda point: point.sharing) for training in found}


def tradeoff(group: Group) -> dict[str, bytes]:
    """The plot of a group as the content of an `svg` and a `png` file."""
    series, models, attack = points(group), trainings(group), headline_attack(group)

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        left.axhline(0, color=GREY, linewidth=0.8)
        handles = []
        for number, (training, found) in enumerate(series.items()):
            shift = DODGE * (number - (len(series) - 1) / 2)
            colour, marker = look(number)
            xs = [point.sharing + shift for point in found]
            names = models[training]
            _bars(left, xs, [point.gain for point in found], colour, marker, _rho(gain_correlation(group, names)[1]))
            _bars(
                right,
                xs,
                [point.damage for point in found],
                colour,
                marker,
                _rho(damage_correlation(group, names, attack)[1]),
            )
            label = training_label(training)
            handles.append(Line2D([], [], linestyle=" ", color=colour, marker=marker, label=label))
        scale_damage(
            right, [[p.damage.value for p in found if p.damage and p.damage.value] for found in series.values()]
        )
        if all(point.gain is None for found in series.values() for point in found):
            left.set(yticks=[], ylim=(-1, 1))
            left.text(0.5, 0.1, "no independent model in these records", ha="center")
        left.set(title="On clean images (with 95 % intervals)", ylabel="clean gain over independent models (%)")
        right.set(title=f"Under {attack} (with 95 % intervals)", ylabel="average relative degradation (1 = 100 %)")
        for axes in (left, right):
            axes.set(xlabel="sharing index (0 independent, 1 fully shared)", xlim=(-0.06, 1.06))
            if axes.get_legend_handles_labels()[1]:
                axes.legend(title="rank correlation with sharing", title_fontsize=8.5, fontsize=8.5)
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))

    return drawn(draw, height=4.2)


def _rho(found: Bootstrapped | None) -> str:
    """A correlation as the legend has it; a label that starts with an underscore is not shown."""
    if found is None:
        return "_"
    rho = found.estimate()
    interval = "" if rho.low is None else f" [{rho.low:+.2f}, {rho.high:+.2f}]"
    return f"{rho.value:+.2f}{interval}"


def _bars(
    axes: Axes, xs: Sequence[float], estimates: Sequence[Estimate | None], colour: str, marker: str, label: str
) -> None:
    """Points with their intervals, those that are known."""
    for x, estimate in zip(xs, estimates, strict=True):
        if estimate is None or estimate.value is None:
            continue
        axes.plot([x], [estimate.value], color=colour, linestyle=" ", marker=marker, label=label)
        label = "_"  # once
        whisker(axes, x, estimate, colour)
