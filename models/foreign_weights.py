"""Weights in others' files: state dicts as tools save them, plain, wrapped or with prefixes."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load
from torch import Tensor, nn

from ..benchmark.protocol.errors import BadInputError

Weights = dict[str, Tensor]


def read_weights(content: bytes, path: Path, what: str) -> Weights:
    """The named tensors in a file's `content`: safetensors, or a torch file, of which tensors alone are read, no code.

    A training's file that holds one state dict among other things, as under "state_dict" or "model", is read as that.
    Raises BadInputError, which begins with `what`, for anything else, and says what to save.
    """
    try:
        found: Any = (
            load(content)
            if path.suffix == ".safetensors"
            else torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        )
    except Exception as error:  # a broken file may raise anything
        if "Unsupported global" in str(error) or "Unsupported class" in str(error):
            raise BadInputError(
                f"{what} {path} are pickled with code, a whole network perhaps, which is not run; load the file where "
                "its classes are, and save the network's state_dict()"
            ) from error
        raise BadInputError(f"{what} {path} are neither safetensors nor a torch state dict") from error
    if _is_state_dict(found):
        return _named(found)
    parts = found if isinstance(found, Mapping) else {}
    inner = {str(name): _named(part) for name, part in parts.items() if _is_state_dict(part) and part}
    if len(inner) == 1:
        return next(iter(inner.values()))
    if inner:
        raise BadInputError(f"{what} {path} hold several state dicts, {', '.join(inner)}; save the one that counts")
    raise BadInputError(f"{what} {path} are no state dict; save one tensor per name, as state_dict() has them")


def without_prefix(weights: Weights, wanted: Collection[str]) -> Weights:
    """The weights under the names without what all of them begin with, as `module.`, if else none is among `wanted`."""
    while weights and not any(name in wanted for name in weights):
        first, dot, _ = next(iter(weights)).partition(".")
        if not dot or not all(name.startswith(f"{first}.") for name in weights):
            break
        weights = {name.removeprefix(f"{first}."): value for name, value in weights.items()}
    return weights


def load_weights(net: nn.Module, path: Path) -> None:
    """Load a file of weights into the network that it was saved from.

    Raises BadInputError if it cannot be read, and for a weight that is missing, left over or of another shape.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"weights {path} cannot be read: {error.strerror}") from error
    own = net.state_dict()
    weights = without_prefix(read_weights(content, path, "weights"), own)
    for fault, names in {"lack": own.keys() - weights.keys(), "hold": weights.keys() - own.keys()}.items():
        if names:
            others = f" and {len(names) - 1} more" if len(names) > 1 else ""
            not_there = "" if fault == "lack" else ", which the network lacks"
            raise BadInputError(f"weights {path} {fault} {min(names)}{others}{not_there}")
    for name, value in weights.items():
        if value.shape != own[name].shape:
            shapes = f"{_shape(value)}, in the network {_shape(own[name])}"
            raise BadInputError(f"weights {path}: {name} is {shapes}; say the settings that it was trained with")
    net.load_state_dict(weights)


def _is_state_dict(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(part, Tensor) for part in value.values())


def _named(tensors: Mapping[object, Tensor]) -> Weights:
    return {str(name): value for name, value in tensors.items()}


def _shape(value: Tensor) -> str:
    return "x".join(map(str, value.shape)) or "a number"
