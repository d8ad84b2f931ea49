"""Square: random search over square patches, without any gradient."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import torch
from torch import Tensor

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.per_sample import each
from ...benchmark.protocol.tally import tally
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Batch, MultiTaskModel
from ..balancing.base import Iterate, relative_change

HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
"""The queries out of 10,000 after which the patches' area is halved, as in the public code of the paper."""


@dataclass(frozen=True)
class Square:
    """Keeps a random patch if the averaged relative loss change grows; sees losses only (arXiv 1912.00049).

    The first query shows vertical stripes x + s m, s in {-1, 1} per column and channel; every further one sets, in a
    square at random, all values of a channel to x + s m, and is kept per sample if ARLC (`relative_change`) rises. m is
    the size of ascend(1) times eps: eps in linf, as in the paper; in l2 eps / sqrt(d), on the sphere too, which is a
    plain generalisation and not the paper's own l2 attack. The squares cover the fraction `share` of the image at
    first, and half of that after each of HALVINGS, scaled to `queries`. One forward pass per query and one for the
    clean losses; no backward pass. Raises BadInputError unless queries >= 1 and 0 < share <= 1.
    """

    version: ClassVar[int] = 1
    black_box: ClassVar[bool] = True

    queries: int = 500
    share: float = 0.8

    def __post_init__(self) -> None:
        if self.queries < 1:
            raise BadInputError(f"queries of square must be at least 1, not {self.queries}")
        if not 0 < self.share <= 1:
            raise BadInputError(f"share of square must be above 0 and at most 1, not {self.share}")

    @torch.no_grad()
    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        clean, ids = model.losses(batch), batch.ids
        _, channels, height, width = batch.x.shape

        def objective(x: Tensor, query: int) -> Tensor:
            tally().count("queries", len(ids))
            return relative_change(Iterate(x, model.losses(batch.at(x)), clean, ids, query, noise, {}, threat))

        # Every value is one of two, so that no proposal needs a projection of its own.
        reach = threat.eps * threat.ascend(torch.ones_like(batch.x))
        low, high = threat.project(batch.x, batch.x - reach), threat.project(batch.x, batch.x + reach)
        stripes = noise.sign(ids, (channels, 1, width), "square-stripes").to(batch.x)
        x = torch.where(stripes > 0, high, low)
        best = objective(x, 0)
        # All numbers at once: a draw costs more than what it draws here.
        corners = (noise.uniform(ids, (self.queries, 2, 1, 1, 1), "square-corners").to(batch.x) + 1) / 2
        signs = noise.sign(ids, (self.queries, channels, 1, 1), "square-signs").to(batch.x)
        rows = torch.arange(height, device=x.device).view(1, 1, -1, 1)
        columns = torch.arange(width, device=x.device).view(1, 1, 1, -1)
        for query in range(1, self.queries):
            side = self.side(query, height, width)
            inside = _within(rows, corners[:, query, 0], side) & _within(columns, corners[:, query, 1], side)
            proposal = torch.where(inside, torch.where(signs[:, query] > 0, high, low), x)
            value = objective(proposal, query)
            better = value > best
            x, best = torch.where(each(better, x), proposal, x), torch.where(better, value, best)
        return threat.project(batch.x, x)

    def side(self, query: int, height: int, width: int) -> int:
        """The side of the squares of a query, in pixels."""
        halved = sum(10_000 * query > point * self.queries for point in HALVINGS)
        return max(1, min(round(sqrt(self.share / 2**halved * height * width)), height, width))


def _within(places: Tensor, at: Tensor, side: int) -> Tensor:
    """Where `places` (1, 1, H, 1) or (1, 1, 1, W) lie in a span of `side`, begun at the share `at` of what is free."""
    free = places.numel() - side
    first = (at * (free + 1)).floor().clamp(max=free)
    return (places >= first) & (places < first + side)
