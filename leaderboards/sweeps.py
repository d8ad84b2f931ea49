"""How damage grows with the budget, or with the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FormatStrFormatter, NullLocator

from ..benchmark.protocol.records import Estimate, Record
from ..benchmark.stats import mean
from .groups import CLEAN, Group, details, is_control, training_label
from .labels import labels
from .scores import ard, is_complete
from .style import drawn, look, whisker

FEWEST = 3
"""Values that make a course."""


@dataclass(frozen=True)
class Sweep:
    """The ARD of an attack, the mean over the same models of one training at every x."""

    training: str
    attack: str
    models: int
    xs: tuple[float, ...]
    scores: tuple[Estimate, ...]


def budget_sweeps(groups: Sequence[Group]) -> list[Sweep]:
    """The attacks with three budgets or more, eps in 1/255; `groups` differ in nothing but the budget."""
    return _sweeps(_records(groups), lambda record: record.threat.eps, details)


def step_sweeps(group: Group) -> list[Sweep]:
    """The attacks with three numbers of steps or more."""

    def steps(record: Record) -> float | None:
        value = record.attack.settings.get("steps")
        return float(value) if isinstance(value, int | float) else None

    def others(record: Record) -> dict[str, object]:
        return {name: value for name, value in details(record).items() if name != "steps"}

    return _sweeps(_records([group]), steps, others)


def relatives(group: Group, groups: Iterable[Group]) -> list[Group]:
    """The groups that differ from this one in nothing but the budget, itself among them."""
    return [other for other in groups if replace(other.setting, eps=group.setting.eps) == group.setting]


def _records(groups: Sequence[Group]) -> list[Record]:
    return [
        record
        for group in groups
        for (_, attack), record in group.records.items()
        if is_complete(record) and not is_control(attack)
    ]


def _sweeps(
    records: Sequence[Record], x: Callable[[Record], float | None], what: Callable[[Record], dict[str, object]]
) -> list[Sweep]:
    named = labels(records, lambda record: record.attack.name, what)
    courses: dict[tuple[str, str], dict[str, dict[float, Record]]] = {}
    for record in records:
        place = x(record)
        if place is not None:
            course = courses.setdefault((record.facts.adversary or CLEAN, named[record.key]), {})
            course.setdefault(record.cell.model.name, {})[place] = record
    found = []
    for training, attack in sorted(courses, key=lambda pair: (pair[0] != CLEAN, *pair)):
        course = courses[training, attack]
        xs = sorted({place for by in course.values() for place in by})
        whole = [course[model] for model in sorted(course) if len(course[model]) == len(xs)]
        if len(xs) >= FEWEST and whole:
            scores = tuple(mean([ard(by[place]) for by in whole]).estimate() for place in xs)
            found.append(Sweep(training, attack, len(whole), tuple(xs), scores))
    return found


def sweep_plot(sweeps: Sequence[Sweep], axis: str) -> dict[str, bytes]:
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
