"""Losses by task relative to the clean ones, or to themselves as they stand.

A loss may be 0 (no valid pixel, or a perfect answer). Its gradient is 0 then too, and 0 / FLOOR adds nothing; so no
divisor is below FLOOR.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ...benchmark.protocol.tensors import PerSample

Losses = Mapping[str, PerSample]

FLOOR = 1e-12


def changes(losses: Losses, clean: Losses) -> dict[str, Tensor]:
    """(L_t - L_t(clean)) / max(|L_t(clean)|, FLOOR)."""
    return {name: (loss - clean[name]) / floored(clean[name].abs()) for name, loss in losses.items()}


def ratios(losses: Losses, others: Losses) -> dict[str, Tensor]:
    """L_t / max(M_t, FLOOR), differentiable in `losses` alone, with M_t from `others`.

    Of the losses by themselves the gradients are the rows a_t = g_t / L_t of the step program.
    """
    return {name: loss / floored(others[name]) for name, loss in losses.items()}


def floored(loss: Tensor) -> Tensor:
    """max(L, FLOOR), a constant."""
    return loss.detach().clamp(min=FLOOR)
