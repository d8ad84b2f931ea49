"""The plot of how damage grows with the budget, or with the steps."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FormatStrFormatter, NullLocator

from ..analysis.group import Group
from ..analysis.groups import headline
from ..analysis.sweeps import Sweep, budget_sweeps, relatives, step_sweeps
from ..analysis.trainings import training_label
from .style import Drawn, drawn, look, whisker


def budgets(group: Group, groups: Sequence[Group]) -> Drawn | None:
    """Damage over the budget, drawn for the largest of the groups that differ in nothing else."""
    family = relatives(group, groups)
    found = budget_sweeps(family) if group is headline(family) else []
    return sweep_plot(found, "budget, eps (1/255)") if found else None


def steps(group: Group, groups: Sequence[Group]) -> Drawn | None:
    """Damage over the number of steps."""
    found = step_sweeps(group)
    return sweep_plot(found, "steps") if found else None


def sweep_plot(sweeps: Sequence[Sweep], axis: str) -> Drawn:
    """One panel per training, one line per attack, as the content of an `svg` and a `png` file."""
    trainings = list(dict.fromkeys(sweep.training for sweep in sweeps))
    attacks = list(dict.fromkeys(sweep.attack for sweep in sweeps))

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(trainings), squeeze=False)[0]
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
            axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
            axes.set(xlabel=axis, title=training_label(training).replace("against ", "against\n"))
        panels[0].set_ylabel("average relative degradation (1 = 100 %)")
        lines = {line.get_label(): line for axes in panels for line in axes.get_lines() if line.get_label()[:1] != "_"}
        figure.legend(handles=[lines[attack] for attack in attacks], loc="outside lower center", ncols=4)

    return drawn(draw, height=3.6)
