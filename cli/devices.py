"""The device that a command is asked to use."""

from __future__ import annotations

import torch

from ..benchmark.protocol.errors import BadInputError


def device_of(name: str) -> torch.device:
    """The torch device called `name`; raises BadInputError if this machine has none."""
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise BadInputError(f"there is no device {name!r} here; use cpu, or cuda where there is a GPU") from error
    return device
