"""Every registered task has every property, and a faulty one is told by the property that it lacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from helpers.samples import every_task, sample, task_of
from numpy.typing import NDArray
from torch import Tensor

from mtrbench.benchmark.protocol.tasks.kit import PROPERTIES, examine_task
from mtrbench.benchmark.protocol.tasks.regression import Regression


@every_task
def test_registered_tasks_have_every_property(name: str) -> None:
    prediction, truth, _ = sample(name, dtype=torch.float32)
    found = examine_task(task_of(name), prediction, truth)
    assert tuple(found) == tuple(PROPERTIES)
    assert {title: finding.found for title, finding in found.items() if finding.result != "pass"} == {}


@dataclass(frozen=True)
class Numbers(Regression):
    """The regression of a few numbers, as strangers may derive from it."""

    version: ClassVar[int] = 1


class RelativeToTheBatch(Numbers):
    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        return super().loss(prediction, truth) / super().loss(prediction, truth).mean()


class SquaredWithoutMask(Numbers):
    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        return (prediction - truth.nan_to_num()).square().mean(dim=1)


class TiesEverything(Numbers):
    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        return super().loss(prediction.round(), truth)


class Detached(Numbers):
    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        return super().loss(prediction.detach(), truth)


class OneSumAlone(Numbers):
    def scores(self, total: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        return super().scores(np.atleast_2d(total).sum(axis=0))


class AnotherName(Numbers):
    def scores(self, total: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        return {f"my_{name}": value for name, value in super().scores(total).items()}


class ForgivesNaN(Numbers):
    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        return super().statistics(prediction.nan_to_num(posinf=0), truth)


class CountsTheUnknown(Numbers):
    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        return super().loss(prediction, truth) + 1


FAULTS: dict[type[Numbers], str] = {
    CountsTheUnknown: "one-loss-per-sample",
    RelativeToTheBatch: "samples-apart",
    OneSumAlone: "scores-of-sums",
    AnotherName: "scores-of-sums",
    TiesEverything: "gradient-flows",
    Detached: "gradient-flows",
    SquaredWithoutMask: "invalid-never-matters",
    ForgivesNaN: "broken-predictions-show",
}


@pytest.mark.parametrize("faulty", FAULTS, ids=lambda faulty: faulty.__name__)
def test_a_faulty_task_lacks_a_property(faulty: Callable[[int], Numbers]) -> None:
    generator = torch.Generator().manual_seed(0)
    prediction, truth = (torch.randn(4, 3, generator=generator) for _ in range(2))
    truth[2], truth[3, 0] = torch.nan, torch.nan
    found = examine_task(faulty(3), prediction, truth)
    assert FAULTS[faulty] in [title for title, finding in found.items() if finding.result == "fail"]
    assert not any("\n" in finding.found for finding in found.values())


def test_every_property_has_a_faulty_task() -> None:
    assert {*FAULTS.values()} == {*PROPERTIES}
