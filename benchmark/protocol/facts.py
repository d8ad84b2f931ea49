"""What boards need to know of a model, an attack and a task beyond their names: records carry it, outside the key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from .cells import STRICT, Count, Name, Plain, Strict
from .metrics import Metric

UNKNOWN = "unknown"
"""What stands in place of a training's attack, or of a data set trained on, that nobody tells."""

TRAIN = "train"
"""The set of losses of an attack that ascends those that the model was trained on."""

AttackKind = Literal["product", "whole", "black box", "control", "ensemble"]


class ModelFacts(Strict):
    """What the boards need to know of a model beyond its name.

    `adversary` is its training's attack, None if that was clean and UNKNOWN if nobody tells. `sharing_index` is 1 for a
    fully shared backbone and 0 for independent ones, by the layout's blocks or, with `sharing_measured`, by the
    parameters that losses reach (docs/protocol.md); `twin` names the independent model of the same training, against
    which the clean gain of sharing is measured. `architecture` is the network and its settings without the layout,
    `layout` has a line per block with slashes between the groups of tasks that share it, and `seed` is that of the
    training; models that agree in all but the seed are repetitions of one another.
    """

    trained_on: Name
    sharing_index: Annotated[float, Field(ge=0, le=1)] | None
    adversary: Name | None
    parameters: Count
    twin: Name | None
    architecture: Name | None = None
    layout: tuple[Name, ...] | None = None
    seed: int | None = None
    sharing_measured: bool = False


@dataclass(frozen=True, slots=True, config=STRICT)
class AttackFacts:
    """What an attack is, said by its objects and not by its name.

    A product is a `balancing` iterated by an `optimizer`; `argument` is what follows a colon in the name. A control
    knows nothing of the model, a black box asks for losses and never for gradients, an ensemble keeps the worst of its
    `members` (names with settings), and all else is whole. `losses` is the set of losses that it ascends. `task` is the
    one task that it is after or, with `spares`, the one that it leaves alone. `standard`
    marks the standard evaluation, by which models are ranked. `one_step` tells that it takes a single step and so is
    never run for longer.
    """

    kind: AttackKind
    balancing: Name | None = None
    argument: Name | None = None
    optimizer: Name | None = None
    losses: Name = TRAIN
    task: Name | None = None
    spares: bool = False
    standard: bool = False
    one_step: bool = False
    members: tuple[Name, ...] = Field(default=(), strict=False)


@dataclass(frozen=True, slots=True, config=STRICT)
class MetricFacts:
    """A metric's unit, "" for fractions, and its direction."""

    unit: Annotated[Plain, Field(max_length=20)]
    higher_is_better: bool


@dataclass(frozen=True, slots=True, config=STRICT)
class TaskFacts:
    """A task's metrics by name, the most telling one first."""

    metrics: Annotated[dict[Name, MetricFacts], Field(min_length=1)]

    @classmethod
    def of(cls, metrics: Iterable[Metric]) -> TaskFacts:
        """Those of a task with these metrics."""
        return cls(metrics={m.name: MetricFacts(unit=m.unit, higher_is_better=m.higher_is_better) for m in metrics})
