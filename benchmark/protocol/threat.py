"""What an attacker may do to an image. The only code that knows norms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, prod
from typing import get_args

import torch
from torch import Tensor

from .cells import Norm
from .errors import BadInputError, unknown
from .noise import Noise
from .per_sample import each, length_of, peak_of
from .tensors import Images, PerSample


@dataclass(frozen=True)
class ThreatModel:
    """The budget {y : |y - x| <= eps, 0 <= y <= 1} around an image x, and the tasks under attack.

    `eps` is in image units, where white is 1: the largest change of a value ("linf") or the Euclidean length of the
    change over all C * H * W values ("l2"); 0 forbids any change. `targets` None means every task of the model. All
    methods take images (B, C, H, W) and treat samples apart. Raises BadInputError for an unknown norm or an eps that is
    not in [0, 1] ("linf"), or not finite and >= 0 ("l2").
    """

    norm: Norm = "linf"
    eps: float = 4 / 255
    targets: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.norm not in get_args(Norm):
            raise unknown("norm", str(self.norm), get_args(Norm))
        if not (self.eps >= 0 and isfinite(self.eps)):
            raise BadInputError(f"eps must be finite and not negative, not {self.eps}")
        if self.norm == "linf" and self.eps > 1:
            raise BadInputError(f"eps must be in [0, 1] for linf, not {self.eps}; did you mean {self.eps}/255?")
        if self.targets == ():
            raise BadInputError("targets names no task; leave it out to attack every task")

    @property
    def integer_steps(self) -> bool:
        """Whether every coordinate of `ascend` is -1, 0 or 1: only then is the choice of a step an integer program."""
        return self.norm == "linf"

    def distance(self, x: Images, x_adv: Images) -> PerSample:
        """|x_adv - x| of every sample, float64, in image units."""
        change = x_adv.double() - x.double()
        return peak_of(change) if self.norm == "linf" else length_of(change)

    def project(self, x: Images, z: Images) -> Images:
        """The nearest point of the budget: argmin |y - z|_2 over {y : |y - x| <= eps, 0 <= y <= 1}, typed like `x`.

        `x` must lie in [0, 1]. For linf two clamps, whose bounds x -+ eps are rounded to the type of `x` (6e-8 in
        float32). For l2 the stationarity of the Lagrangian, y - z + mu (y - x) = 0 off the faces of the cube, gives
        with t = 1 / (1 + mu)
            y(t) = clamp(x + t (z - x), 0, 1)    for the largest t in [0, 1] with |y(t) - x| <= eps,
        found by bisection to a millionth, on the feasible side exactly. A point of the budget is returned as it is.
        """
        if self.norm == "linf":
            return z.clamp(x - self.eps, x + self.eps).clamp(0, 1)
        clamped = z.clamp(0, 1)
        change = z.double() - x.double()

        def point(t: Tensor) -> Tensor:
            return (x.double() + each(t, x) * change).clamp(0, 1).to(x.dtype)

        # Clamping only shortens the change, so the unclamped solution is a lower bound for t. Rounding at most doubles
        # a change, as x is itself a number of its type; hence less than half of that bound is surely feasible.
        low = 0.49 * (self.eps / length_of(change).clamp(min=1e-30)).clamp(max=1)
        high = torch.ones_like(low)
        for _ in range(26):
            middle = (low * high).sqrt()  # the bracket may span many orders of magnitude
            feasible = self.distance(x, point(middle)) <= self.eps
            low, high = torch.where(feasible, middle, low), torch.where(feasible, high, middle)
        inside = self.distance(x, clamped) <= self.eps
        return torch.where(each(inside, x), clamped, point(low))

    def ascend(self, gradient: Images) -> Images:
        """The steepest direction, argmax <gradient, r> over |r| <= 1: its sign (linf), or gradient / |gradient| (l2).

        It is 0 where the gradient is 0, and computed without under- or overflow. Raises BadInputError for an l2
        gradient that is not finite, which points nowhere.
        """
        if self.norm == "linf":
            return gradient.sign()
        # Divided by its largest value first, lest the squares of a small gradient vanish; then the length is >= 1.
        peak = peak_of(gradient)
        if not bool(peak.isfinite().all()):
            raise BadInputError("the model's gradient is not finite, so it has no direction under l2; check the model")
        scaled = gradient / each(torch.where(peak > 0, peak, 1), gradient)
        return scaled / each(length_of(scaled).clamp(min=1), scaled)

    def random_start(self, x: Images, ids: Sequence[str], noise: Noise, draw: str = "random-start") -> Images:
        """A point drawn uniformly from {y : |y - x| <= eps}, then projected onto [0, 1].

        Keyed by seed, sample and `draw`, the name of the draw.
        """
        shape = tuple(x.shape[1:])
        if self.norm == "linf":
            change = noise.uniform(ids, shape, draw).to(x)
        else:
            # In d dimensions the share of the ball within radius r is r**d.
            share = (noise.uniform(ids, (1, 1, 1), f"{draw}-radius").to(x) + 1) / 2
            change = self.ascend(noise.normal(ids, shape, draw).to(x)) * share ** (1 / prod(shape))
        return self.project(x, x + self.eps * change)
