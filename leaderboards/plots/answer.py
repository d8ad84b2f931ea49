"""Does sharing hurt? Damage to shared over damage to independent networks, on every data set, in one picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FormatStrFormatter, NullLocator

from ..analysis.answer import Answer
from ..analysis.sharing import Effect
from .style import GREY, Drawn, level_whisker, look

TICKS = (0.25, 0.33, 0.5, 0.7, 1, 1.4, 2, 3, 4)
ROW = 0.34
"""Inches from one row to the next."""

EFFECTS: Mapping[Effect, str] = {"hurts": "hurts", "protects": "protects", "unsure": "makes no sure difference"}


def answer(found: Sequence[Answer]) -> Drawn | None:
    """A row per data set and training: the ratio, its interval over images, and hollow marks for pairings of seeds.

    Its axis is logarithmic: a ratio that is not positive, or undefined, is left to the table.
    """
    found = [one for one in found if one.ends.ratio.value > 0]
    if not found:
        return None
    datasets = list(dict.fromkeys(one.group.setting.dataset for one in found))

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.axvline(1, color=GREY, linewidth=1.0)
        for row, one in enumerate(found):
            colour, marker = look(datasets.index(one.group.setting.dataset))
            level_whisker(axes, row, one.ends.ratio.estimate(), colour)
            axes.plot([one.ends.ratio.value], [row], color=colour, marker=marker, markersize=7)
            if times := pairings(one):
                below = [row + 0.27] * len(times)
                axes.plot(times, below, linestyle=" ", color=colour, marker=marker, fillstyle="none", markersize=4.5)
        names = [f"{one.group.setting.dataset}, {one.family.label}" for one in found]
        axes.set_yticks(range(len(found)), names)
        axes.set_ylim(len(found) - 0.4, -0.6)
        values = [value for one in found for value in (one.ends.ratio.value, *pairings(one))]
        axes.set_xlim(min(0.6, 0.85 * min(values)), max(1.6, 1.15 * max(values)))
        axes.xaxis.set_major_locator(FixedLocator(TICKS))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FormatStrFormatter("%gx"))
        axes.grid(axis="y", visible=False)
        words = found[0].group.in_words(found[0].attack.text)
        figure.supxlabel(
            f"damage to fully shared / to independent networks ({words}; 95 % over images)\n"
            "← sharing protects   |   sharing hurts →",
            fontsize=9.5,
        )
        figure.suptitle(finding(found), fontsize=11, fontweight="bold")
        if any(map(pairings, found)):
            axes.plot([], [], linestyle=" ", color=GREY, marker="o", fillstyle="none", label="pairings of seeds")
            axes.legend(loc="best")

    return Drawn(draw, height=1.5 + ROW * len(found), dark=True)


def finding(found: Sequence[Answer]) -> str:
    """How often sharing hurts, protects, or makes no difference that these images show."""
    counts = Counter(one.ends.effect for one in found)
    said = [f"{words} in {counts[effect]} of {len(found)}" for effect, words in EFFECTS.items() if counts[effect]]
    return f"Full sharing {', '.join(said)}"


def pairings(one: Answer) -> list[float]:
    """The ratios of the pairings of seeds that a logarithmic axis has, none of a single pairing."""
    return [times for times in one.ends.pairings if times > 0] if len(one.ends.pairings) > 1 else []
