"""How many images go through a network at once where nobody says: found by trial, halved where memory is short."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import TypeVar

import torch

from .protocol.errors import out_of_memory
from .protocol.notices import LOGGER
from .protocol.types import Batch, MultiTaskModel

T = TypeVar("T")

WORTH = 0.97
"""The share of the time per image that a batch must come down to, to be preferred to one half as large."""

_found: dict[Hashable, int] = {}
"""What this process has found, by what it was found for."""


def with_fitting_batches(
    what: Hashable, model: MultiTaskModel, images: Callable[[], Batch], work: Callable[[int], T]
) -> T:
    """What `work` gives with as many images at once as memory and throughput let it, which it must not depend on.

    On how many of `images` that is, `model` is tried once for each `what`; later they are halved, and the work done
    again, whenever memory is not enough for it. Raises what the work raises, and for lack of memory with one image.
    """
    if what not in _found:
        batch = images()
        _found[what] = by_trial(lambda size: _passes(model, batch.take(range(size))), len(batch.ids))
    while True:
        size = _found[what]
        try:
            return work(size)
        except Exception as error:
            if size == 1 or not out_of_memory(error):
                raise
        _found[what] = size // 2  # out here, where the error no longer holds what was in memory
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        LOGGER.warning("mtrbench: out of memory with %d images at once; from here on %d", size, size // 2)


def by_trial(step: Callable[[int], object], most: int) -> int:
    """From 1, doubled up to `most` for as long as a step has memory enough and takes less time per image."""
    best, least = 1, float("inf")
    size = 1
    try:
        step(size)  # the first takes longer
        while size <= most:
            start = time.perf_counter()
            step(size)
            took = (time.perf_counter() - start) / size
            if took > WORTH * least:
                break
            best, least, size = size, took, 2 * size
    except Exception as error:
        if not out_of_memory(error):
            raise
    return best


def _passes(model: MultiTaskModel, batch: Batch) -> None:
    """A pass forwards and one backwards, as in a step of most attacks, for which the device is waited."""
    x = batch.x.clone().requires_grad_()
    total = torch.stack([loss.sum() for loss in model.losses(batch.at(x)).values()]).sum()
    if total.requires_grad:
        torch.autograd.grad(total, x, allow_unused=True)
    if x.is_cuda:
        torch.cuda.synchronize(x.device)
