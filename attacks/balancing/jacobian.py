"""The aggregators of multi-task learning, through the library TorchJD, on input gradients."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.threat import ThreatModel
from .base import Iterate, gradients_apart


@dataclass(frozen=True)
class Jacobian:
    """Steps along A(J), with J (T, d) a sample's input Jacobian, rows g_t, and A an aggregator of TorchJD.

    A task without gradient at the iterate (no valid pixel, say) is left out of J; else A would balance against nothing.
    J is scaled to unit peak before A and back after it (all the A here scale along, but Nash-MTL, whose length means
    nothing), so that no tolerance of A depends on the losses' units. T backward passes per step, and A in float64
    sample by sample; its random numbers are the sample's and step's own. Raises BadInputError if TorchJD, the extra
    `mtl`, is not installed.
    """

    version: ClassVar[int] = 1
    aggregator: ClassVar[str]
    requires: ClassVar[tuple[str, ...]] = ("torchjd",)

    def __post_init__(self) -> None:
        self._aggregator(1)

    def fields(self, at: Iterate) -> Tensor:
        rows = gradients_apart(at.losses, at.x)
        jacobians = rows.transpose(0, 1).flatten(2).double()
        seeds = (at.noise.uniform(at.ids, (1,), draw=f"{self.aggregator}-{at.index}").double() + 1) * 2**23
        found = torch.zeros_like(jacobians[:, 0])
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            # CVXPY tells of Nash-MTL's programs that they are slow, and at gradients in full conflict inexact.
            warnings.simplefilter("ignore", UserWarning)
            for i, (jacobian, seed) in enumerate(zip(jacobians, seeds.flatten().tolist(), strict=True)):
                alive = jacobian[jacobian.any(dim=1)]
                if len(alive) == 1:  # nothing to balance, and not every A takes it
                    found[i] = alive[0]
                elif len(alive):
                    torch.default_generator.manual_seed(int(seed))
                    peak = alive.abs().max()
                    # Made anew for every matrix: some remember what they answered last.
                    found[i] = self._aggregator(len(alive))(alive / peak) * peak
        return found.to(rows).view_as(rows[0]).unsqueeze(0)

    def direction(self, fields: Tensor, threat: ThreatModel) -> Tensor:
        return threat.ascend(fields[0])

    def _aggregator(self, tasks: int) -> Any:
        """TorchJD's aggregator of a Jacobian of `tasks` rows."""
        try:
            with _without_highs():
                library = import_module("torchjd.aggregation")
            return getattr(library, self.aggregator)(**self.arguments(tasks))
        except ImportError as error:
            needed = " and ".join(self.requires)
            raise BadInputError(f"{self.aggregator} needs {needed}: pip install 'mtrbench[mtl]'") from error

    def arguments(self, tasks: int) -> dict[str, object]:
        """What the aggregator is made with."""
        return {}


@contextmanager
def _without_highs() -> Iterator[None]:
    """TorchJD loads CVXPY, and that every solver that it finds: HiGHS too, whose library clashes with OR-Tools' own."""
    hidden = cast(dict[str, object], sys.modules).setdefault("highspy", None) is None
    try:
        yield
    finally:
        if hidden:
            del sys.modules["highspy"]


class MGDA(Jacobian):
    """The shortest vector in the convex hull of the tasks' gradients, by TorchJD (arXiv 1810.04650)."""

    aggregator = "MGDA"


class PCGrad(Jacobian):
    """The sum of the gradients, each freed of its conflicts with the others in random order (arXiv 2001.06782)."""

    aggregator = "PCGrad"


class IMTLG(Jacobian):
    """The combination with equal projections on all gradients, IMTL-G of TorchJD (Liu 2021, ICLR)."""

    aggregator = "IMTLG"


class UPGrad(Jacobian):
    """The mean of the gradients, each projected onto the cone that harms no task, by TorchJD (arXiv 2406.16232)."""

    aggregator = "UPGrad"
    requires = ("torchjd", "qpsolvers", "quadprog")


class AlignedMTL(Jacobian):
    """The mean of the gradients after their principal components are made equal (arXiv 2305.19000)."""

    aggregator = "AlignedMTL"


@dataclass(frozen=True)
class CAGrad(Jacobian):
    """The best direction for the task that gains least, within c |g| of the mean gradient g (arXiv 2110.14048).

    Raises BadInputError unless c is in [0, 1).
    """

    aggregator = "CAGrad"
    requires = ("torchjd", "cvxpy", "clarabel")

    c: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.c < 1:
            raise BadInputError(f"c of cagrad must be in [0, 1), not {self.c}")
        super().__post_init__()

    def arguments(self, tasks: int) -> dict[str, object]:
        return {"c": self.c}


class NashMTL(Jacobian):
    """The Nash bargaining solution sum_t a_t g_t with a_t <g_t, sum_s a_s g_s> the same for all (arXiv 2202.01017)."""

    aggregator = "NashMTL"
    requires = ("torchjd", "cvxpy", "ecos")

    def arguments(self, tasks: int) -> dict[str, object]:
        return {"n_tasks": tasks}
