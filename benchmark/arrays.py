"""A batch without tensors, whose memory processes would share."""

from __future__ import annotations

from typing import Any

import torch

from .protocol.types import Batch

Arrays = tuple[Any, dict[str, Any], tuple[str, ...]]
"""Images, truth by task, and the samples' names."""


def arrays_of(batch: Batch) -> Arrays:
    """The batch as arrays."""
    return batch.x.cpu().numpy(), {name: value.cpu().numpy() for name, value in batch.truth.items()}, batch.ids


def batch_of(given: Arrays, device: torch.device) -> Batch:
    """The batch that arrays were made of, on `device`, in memory of its own: arrays may be read-only."""
    x, truth, ids = given
    tensors = {name: torch.tensor(value, device=device) for name, value in truth.items()}
    return Batch(torch.tensor(x, device=device), tensors, ids)
