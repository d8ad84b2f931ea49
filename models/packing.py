"""Weights as safetensors files: as they are, in half precision or in eight bits."""

from __future__ import annotations

import torch
from safetensors.torch import load, save
from torch import Tensor

from ..benchmark.protocol.types import MultiTaskModel
from .card import Packing

SCALE = ".scale"


def packed(model: MultiTaskModel, packing: Packing = "float16") -> bytes:
    """The model's weights as a safetensors file: matrices and kernels in `packing`, everything else as it is.

    The models are evaluated in float32 from these rounded weights, which take half the room, or a quarter: "int8" is
    eight bits with a float32 scale per output channel, under the weight's name and `.scale`.
    """
    state = model.net.state_dict()
    if packing == "float16":
        return save({key: _halved(value).contiguous() for key, value in state.items()})
    rounded: dict[str, Tensor] = {}
    for key, value in state.items():
        if value.is_floating_point() and value.dim() > 1:
            # A channel of zeros has no scale of its own.
            scale = value.abs().flatten(1).amax(dim=1).clamp(min=torch.finfo(torch.float32).tiny) / 127
            rounded[key] = (value / _along(scale, value)).round().to(torch.int8)
            rounded[key + SCALE] = scale
        else:
            rounded[key] = value
    return save({key: value.contiguous() for key, value in rounded.items()})


def _along(scale: Tensor, value: Tensor) -> Tensor:
    """One number per output channel, shaped to multiply `value`."""
    return scale.view(-1, *[1] * (value.dim() - 1))


def _halved(value: Tensor) -> Tensor:
    """Numbers of two dimensions and more in float16, as long as they are not beyond its range."""
    half = value.half() if value.is_floating_point() and value.dim() > 1 else value
    return half if torch.equal(half.isfinite(), value.isfinite()) else value


def unpack(model: MultiTaskModel, content: bytes) -> None:
    """Load weights that `packed` made; raises RuntimeError or SafetensorError if they do not fit."""
    state = load(content)
    scales = {key: state.pop(key + SCALE) for key in [*state] if key + SCALE in state}
    for key, scale in scales.items():
        state[key] = state[key].float() * _along(scale, state[key])
    model.net.load_state_dict(
        {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    )
