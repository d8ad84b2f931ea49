"""The plot of protected tasks: damage to the others against damage to the one that shall not notice."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter

from ...benchmark.protocol.estimates import Estimate
from ..analysis.group import Group
from ..analysis.protection import Curve, Spared, curves
from ..analysis.scores import ratio
from .style import GREY, Drawn, halo, look

APART = 1.7
"""A line's numbered points lie at least this factor apart along x, so that numbers do not overlap."""


def protection(group: Group, groups: Sequence[Group]) -> Drawn | None:
    """One panel per attack, one line per model over tau.

    Curves whose unprotected attack is missing are left out: nothing is known to measure them by.
    """
    whole = [(curve, curve.unprotected) for curve in curves(group) if curve.unprotected]
    if not whole:
        return None
    panels = {attack: list(part) for attack, part in itertools.groupby(whole, key=lambda pair: pair[0].attack)}
    models = list(dict.fromkeys(curve.model for curve, _ in whole))
    plain = " or ".join(sorted({end.attack for _, end in whole}))

    def draw(figure: Figure) -> None:
        rows = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
        for axes, (attack, part) in zip(rows, panels.items(), strict=True):
            axes.axhline(1, color=GREY, linewidth=0.8, zorder=1)
            for curve, unprotected in part:
                _line(axes, curve, unprotected, models.index(curve.model))
            _scale(axes, [point.protected.value for curve, end in part for point in (*curve.points, end)])
            axes.margins(x=0.08, y=0.14)
            task = part[0][0].task
            axes.set(
                title=f"{group.in_words(attack)}\n{_finding([curve for curve, _ in part])}",
                xlabel=f"relative degradation of {task}, the protected task (1 = 100 %)",
            )
            axes.set_ylabel(f"damage to the others\n(1 = {plain}'s)")
        handles, labels = max((axes.get_legend_handles_labels() for axes in rows), key=lambda found: len(found[1]))
        title = f"numbers at the points: tau; the open marker at a line's end: {plain}; bars: 95 %"
        figure.legend(handles, labels, loc="outside lower center", ncols=2, title=title, title_fontsize=9)

    return Drawn(draw, height=1.0 + 2.9 * len(panels))


def _finding(found: Sequence[Curve]) -> str:
    """What of the damage is left, to the spared task and to the others, at the smallest tau of all curves."""
    least = [(curve.points[0], curve.unprotected) for curve in found if curve.unprotected]
    own = [ratio(point.protected, end.protected).value for point, end in least]
    others = [ratio(point.others, end.others).value for point, end in least]
    if not all(map(math.isfinite, (*own, *others))):
        return "damage to the spared task and to the others"
    kept, left = (f"{min(found):.0%} to {max(found):.0%}" for found in (own, others))
    return f"At the smallest tau, {kept} of the damage is left to it, {left} to the others"


def _line(axes: Axes, curve: Curve, unprotected: Spared, number: int) -> None:
    colour, marker = look(number)
    ends: list[tuple[float, float]] = []
    numbered = 0.0
    for point in (*curve.points, unprotected):
        x, y = point.protected.estimate(), ratio(point.others, unprotected.others).estimate()
        if x.value is None or y.value is None:
            continue
        label = None if ends else curve.model
        ends.append((x.value, y.value))
        face, size = ("white", 7.5) if point is unprotected else (colour, 5.5)
        axes.errorbar(
            *([x.value], [y.value], _bars(y), _bars(x)),
            color=colour,
            marker=marker,
            markerfacecolor=face,
            markersize=size,
            elinewidth=0.9,
            zorder=3,
            label=label,
        )
        if point is not unprotected and not 0 < x.value < APART * numbered:
            numbered = x.value
            # To either side in turn: the lines of similar models lie close together.
            offset, side = ((5, -12), "left") if number % 2 == 0 else ((-5, 5), "right")
            axes.annotate(
                *(f"{point.tau:g}", ends[-1], offset),
                textcoords="offset points",
                horizontalalignment=side,
                color=colour,
                path_effects=halo(),
                zorder=4,
            )
    axes.plot([x for x, _ in ends], [y for _, y in ends], color=colour, zorder=2)


def _bars(estimate: Estimate) -> list[list[float]] | None:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return None
    # A value may lie outside of its percentile interval.
    return [[max(0.0, estimate.value - estimate.low)], [max(0.0, estimate.high - estimate.value)]]


def _scale(axes: Axes, values: Sequence[float]) -> None:
    """A logarithmic axis where all is damage, else one that is linear around 0."""
    sizes = [abs(value) for value in values if value] or [1.0]
    least = max(min(sizes), max(sizes) / 1000)
    if min(values) > 0:
        axes.set_xscale("log")
    else:
        axes.set_xscale("symlog", linthresh=10.0 ** math.floor(math.log10(least)))
        axes.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
