"""The device that a command is asked to use."""

from __future__ import annotations

import torch

from ..benchmark.protocol.errors import BadInputError


def device_of(name: str | torch.device) -> torch.device:
    """The torch device called `name`, where `auto` is a GPU if there is one; raises BadInputError if there is none."""
    try:
        device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)
        torch.ones(1, dtype=torch.float64, device=device).item()  # scores are float64; `meta` computes nothing
    except (RuntimeError, AssertionError, TypeError) as error:
        raise BadInputError(f"there is no device {str(name)!r} here; use cpu, or cuda where there is a GPU") from error
    return device
