"""Which attack is to be the standard evaluation: candidates compared on some models, and checked on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .protocol.damage import Array, on_split
from .protocol.errors import BadInputError
from .protocol.tasks.base import Task


@dataclass(frozen=True)
class Outcomes:
    """What M candidates did to the n images of one model: `attacked[task]` (M, n, S), and the clean sums `clean` (S,).

    Raises BadInputError, naming `title`, if the ARD of a candidate is undefined or none of them does any damage.
    """

    title: str
    tasks: Mapping[str, Task]
    clean: Mapping[str, Array]
    attacked: Mapping[str, Array]

    def __post_init__(self) -> None:
        if not np.isfinite(self.ards).all() or self.ards.max() <= 0:
            raise BadInputError(f"{self.title}: a candidate's ARD is undefined, or none is above 0; choose other ones")

    @cached_property
    def ards(self) -> Array:
        """ARD of every candidate, (M,)."""
        return on_split(self.tasks, self.clean, {name: value.sum(axis=1) for name, value in self.attacked.items()})


def relative_ards(models: Sequence[Outcomes]) -> Array:
    """Mean over models of every candidate's ARD, divided by the highest one on that model; (M,)."""
    return np.asarray(np.mean([model.ards / model.ards.max() for model in models], axis=0))


def choice(models: Sequence[Outcomes], costs: Array, limit: float) -> int:
    """The candidate of the highest `relative_ards` among those that cost at most `limit`; of equal ones the first.

    `costs` (M,). Raises BadInputError if all cost more.
    """
    values = np.where(costs <= limit, relative_ards(models), -np.inf)
    if not np.isfinite(values).any():
        raise BadInputError(f"every candidate costs more than {limit:g}; the cheapest costs {costs.min():g}")
    return int(values.argmax())
