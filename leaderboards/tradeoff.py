"""The trade-off plot: what sharing gains on clean images, and what it costs under attack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator

from ..benchmark.protocol.records import Estimate
from .gain import gain_of
from .groups import ADVERSARIAL, CLEAN, Group
from .model_board import worst_cases
from .scores import ard
from .style import BLUE, GREY, VERMILION, drawn

HEADLINE = "dgba-pgd"
FAR_APART = 10
"""From this ratio on, two series share a panel only on a logarithmic scale."""


class Look(NamedTuple):
    """How a series is drawn and called."""

    colour: str
    marker: str
    label: str


LOOKS = {
    CLEAN: Look(BLUE, "o", "clean-trained"),
    ADVERSARIAL: Look(VERMILION, "s", "adversarially trained"),
}


@dataclass(frozen=True)
class Point:
    """A model at its sharing index; `gain` in percent, None where a number is unknown."""

    sharing: float
    gain: float | None
    headline: Estimate | None
    worst: Estimate | None


def points(group: Group) -> dict[str, list[Point]]:
    """The points of each kind of training, by sharing index; models without a sharing index are left out."""
    worst = worst_cases(group)
    found: dict[str, list[Point]] = {}
    for model in group.models:
        sharing = group.facts(model).sharing_index
        if sharing is not None:
            record = group.complete(model, HEADLINE)
            gain = gain_of(group, model)
            headline = ard(record).estimate() if record else None
            point = Point(sharing, gain, headline, worst[model][1].estimate() if model in worst else None)
            found.setdefault(group.training(model), []).append(point)
    return {training: found[training][::-1] for training in LOOKS if training in found}


def tradeoff(group: Group) -> dict[str, bytes]:
    """The plot of a group as the content of an `svg` and a `png` file."""
    series = points(group)

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        left.axhline(0, color=GREY, linewidth=0.8)
        for training, found in series.items():
            label = LOOKS[training].label
            _line(left, [(point.sharing, point.gain) for point in found if point.gain is not None], training, label)
            for part, name in (("headline", HEADLINE), ("worst", "worst attack")):
                known = [(p.sharing, e) for p in found if (e := getattr(p, part))]
                _bars(right, known, training)
                values = [(sharing, e.value) for sharing, e in known]
                _line(right, values, training, f"{label}, {name}", ring=part == "worst")
        if _far_apart([_damage(found) for found in series.values()]):
            right.set_yscale("log")
            right.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            right.yaxis.set_major_formatter(FormatStrFormatter("%g"))
            right.yaxis.set_minor_locator(NullLocator())
        elif right.get_ylim()[0] > 0:
            right.set_ylim(bottom=0)
        if all(point.gain is None for found in series.values() for point in found):
            left.set(yticks=[], ylim=(-1, 1))
            left.text(0.5, 0.1, "no independent model in these records", ha="center")
        left.set(title="Clean images", ylabel="clean gain over independent models (%)")
        right.set(title="Under attack (with 95 % intervals)", ylabel="average relative degradation (1 = 100 %)")
        for axes in (left, right):
            axes.set(xlabel="sharing index (0 independent, 1 fully shared)", xlim=(-0.06, 1.06))
        handles, labels = right.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)

    return drawn(draw, height=4.0)


def _line(axes: Axes, known: Sequence[tuple[float, float]], training: str, label: str, ring: bool = False) -> None:
    if not known:
        return
    xs, ys = [x for x, _ in known], [y for _, y in known]
    # With several models at one sharing index a line would run up and down between them.
    dashes = " " if len(set(xs)) < len(xs) else ":" if ring else "-"
    colour, marker, _ = LOOKS[training]
    # Rings are wide enough to be seen around the headline where that is the worst attack.
    face, size = ("none", 10) if ring else (colour, 5.5)
    axes.plot(xs, ys, color=colour, linestyle=dashes, marker=marker, markerfacecolor=face, markersize=size, label=label)


def _bars(axes: Axes, known: Sequence[tuple[float, Estimate]], training: str) -> None:
    for sharing, e in known:
        if e.low is not None and e.high is not None:
            axes.plot([sharing, sharing], [e.low, e.high], "-_", color=LOOKS[training].colour, lw=1.0, markersize=7)


def _damage(found: Sequence[Point]) -> list[float]:
    estimates = [estimate for point in found for estimate in (point.headline, point.worst)]
    return [e.value for e in estimates if e is not None and e.value is not None]


def _far_apart(series: Sequence[Sequence[float]]) -> bool:
    means = [sum(part) / len(part) for part in series if part]
    positive = all(value > 0 for part in series for value in part)
    return positive and len(means) > 1 and max(means) > FAR_APART * min(means)
