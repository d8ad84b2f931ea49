"""Damage over sharing, or over clean gain, as dots that a template draws and that lead to their models."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...benchmark.stats import mean
from ..analysis.gain import task_gains
from ..analysis.group import Group
from ..analysis.headline import headline_attack
from ..analysis.trainings import training_label
from .rows import page_name

LEFT, RIGHT, TOP, BOTTOM = 52.0, 748.0, 12.0, 300.0
"""The plot's area; labels stand to the left of it and below."""

FEWEST = 3
"""Fewest models that make a picture."""

DODGE = 9.0
"""How far apart the dots of two trainings lie at one sharing index."""

Ticks = tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Dot:
    """A model: the places of its sharing index and of its clean gain, if it has one, and of its damage."""

    model: str
    page: str
    colour: int
    by_sharing: float
    by_gain: float | None
    y: float
    text: str


@dataclass(frozen=True)
class Scatter:
    """Dots between axes; `trainings` are what the colours stand for, in their order."""

    attack: str
    trainings: tuple[str, ...]
    dots: tuple[Dot, ...]
    sharing: Ticks
    gains: Ticks
    damages: Ticks


@dataclass(frozen=True)
class _Axis:
    """Places from `start` to `end` for values from `low` to `high`, logarithmic if `scale` is."""

    start: float
    end: float
    low: float
    high: float
    scale: Callable[[float], float] = float

    def place(self, value: float) -> float:
        low, high = self.scale(self.low), self.scale(self.high)
        return round(self.start + (self.end - self.start) * (self.scale(value) - low) / ((high - low) or 1.0), 1)

    def ticks(self, values: Sequence[float]) -> Ticks:
        return tuple((self.place(value), f"{value:g}") for value in values if self.low <= value <= self.high)


def scatter(part: Group) -> Scatter | None:
    """The models of a group that have a sharing index and a complete record of its headline attack."""
    attack = headline_attack(part)
    damages = {model: score for model in part.models if attack and (score := part.ard(model, attack))}
    sharing = {model: index for model in damages if (index := part.facts(model).sharing_index) is not None}
    if attack is None or len({*sharing.values()}) < 2 or len(sharing) < FEWEST:
        return None
    gains = {model: mean([*found.values()]) for model in sharing if (found := task_gains(part, model))}
    trainings = list(dict.fromkeys(part.training(model) for model in sharing))
    values = [damages[model].value for model in sharing]
    y = _damage_axis(values)
    x = _Axis(LEFT + 30, RIGHT - 30, 0.0, 1.0)
    ends = [gain.value for gain in gains.values()] or [0.0, 1.0]
    margin = 0.05 * (max(ends) - min(ends)) or 1.0
    by_gain = _Axis(LEFT, RIGHT, min(ends) - margin, max(ends) + margin)
    dots = []
    for model, index in sharing.items():
        colour = trainings.index(part.training(model))
        gain = gains[model].estimate() if model in gains else None
        said = f"sharing {index:.2f}" + (f", clean gain {gain} %" if gain else "")
        dots.append(
            Dot(
                model,
                page_name("model", model),
                colour,
                round(x.place(index) + DODGE * (colour - (len(trainings) - 1) / 2), 1),
                by_gain.place(gain.value) if gain and gain.value is not None else None,
                y.place(damages[model].value),
                f"{said}, ARD {damages[model].estimate()} under {attack}",
            )
        )
    step = _step(by_gain.high - by_gain.low)
    first = math.ceil(by_gain.low / step)
    return Scatter(
        attack,
        tuple(map(training_label, trainings)),
        tuple(dots),
        x.ticks((0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        by_gain.ticks([round(step * (first + i), 6) for i in range(20)]),
        y.ticks([round(factor * 10.0**power, 6) for power in range(-4, 4) for factor in (1, 2, 5)])
        if y.scale is math.log
        else y.ticks([round(_step(y.high - y.low) * i, 6) for i in range(-20, 20)]),
    )


def _damage_axis(values: Sequence[float]) -> _Axis:
    """From the largest damage at the top down, logarithmic where all is damage."""
    if min(values) > 0:
        return _Axis(BOTTOM, TOP, min(values) / 1.15, max(values) * 1.15, math.log)
    return _Axis(BOTTOM, TOP, min(values), max(max(values), min(values) + 1.0))


def _step(span: float) -> float:
    """A round distance between ticks, of which three to eight fit into the span."""
    power = 10.0 ** math.floor(math.log10(span / 3))
    return next(power * factor for factor in (5.0, 2.0, 1.0) if power * factor <= span / 3 or factor == 1.0)
