"""Checks of the images that an attack returns."""

from __future__ import annotations

from torch import Tensor

from .errors import AttackError
from .threat import ThreatModel
from .types import Batch

# Float32 images near 1 are spaced by 6e-8, and a projection may round twice; relative to the budget for L2.
TOLERANCE = 1e-6


def verified(x: object, batch: Batch, threat: ThreatModel, title: str) -> Tensor:
    """The adversarial images `x`, checked; raises AttackError naming `title` and the first sample at fault."""
    if not isinstance(x, Tensor) or x.shape != batch.x.shape or x.dtype != batch.x.dtype:
        found = f"{tuple(x.shape)} {x.dtype}" if isinstance(x, Tensor) else type(x).__name__
        raise AttackError(f"{title}: the attack returned {found}, not {tuple(batch.x.shape)} {batch.x.dtype}")
    x = x.detach()
    low, high = x.flatten(1).amin(dim=1), x.flatten(1).amax(dim=1)  # NaN if a value is
    # Written so that NaN fails every line.
    checks = {
        "is not finite": low.isfinite() & high.isfinite(),
        "leaves [0, 1]": (low >= 0) & (high <= 1),
        f"exceeds the budget {threat.eps:.6g}": threat.distance(batch.x, x) <= threat.eps * (1 + TOLERANCE) + TOLERANCE,
    }
    for fault, passed in checks.items():
        if not bool(passed.all()):
            sample = batch.ids[int((~passed).nonzero()[0])]
            raise AttackError(f"{title}: the adversarial image of sample {sample} {fault}")
    return x
