"""Whether a model is still what it was: its weights' digest, and a quick look in between."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from inspect import getattr_static
from operator import is_

import torch
from torch import Tensor, nn

from .digest import digest

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def weights_sha256(module: nn.Module) -> str:
    """Digest of a module's parameters, buffers and extra state, by name, type, shape and content."""
    found = hashlib.sha256()
    for name, value in module.state_dict().items():
        if isinstance(value, Tensor):
            found.update(f"{name}\0{value.dtype}\0{tuple(value.shape)}\0".encode())
            found.update(value.detach().cpu().flatten().clone().view(torch.uint8).numpy().data)
        else:
            found.update(f"{name}\0{digest(value)}\0".encode())
    return found.hexdigest()


class Watch:
    """What a module's weights, buffers, modes, hooks and code were, to be compared with what they are.

    A digest of 64 million parameters takes 0.2 s, as long as an attack's step. PyTorch counts the writes to a tensor,
    but for those through `.data` or a NumPy view of it: so `seems_kept` after every batch looks at the counts and at
    where the tensors lie, and computes the digest if either has changed; `is_kept`, once at the end, does in any case.
    """

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._modes, self._digest, self._marks = _modes(module), _content(module), _marks(module)

    def seems_kept(self) -> bool:
        """Whether modes and weights are as they were, as far as PyTorch knows; writes of the same values are none."""
        marks = _marks(self._module)
        kept = _modes(self._module) == self._modes if marks == self._marks else self.is_kept()
        self._marks = marks
        return kept

    def is_kept(self) -> bool:
        """Whether modes and weights are as they were, to the last bit."""
        return _modes(self._module) == self._modes and _content(self._module) == self._digest


def looks(module: nn.Module) -> object:
    """What a glance tells of a module's weights, buffers, modes, hooks and code: the same until one is written to."""
    return _modes(module), _marks(module)


class Belongings:
    """The objects that a module's parts hold, as settings, hooks and gradients, to be compared with those held later.

    What stands in lists and dictionaries counts, what other objects hold does not; writes to tensors are for `Watch`.
    """

    def __init__(self, module: nn.Module) -> None:
        self._module, self._held = module, _held(module)

    def are_kept(self) -> bool:
        """Whether they are the same objects."""
        now = _held(self._module)
        return len(now) == len(self._held) and all(map(is_, now, self._held))


def _held(module: nn.Module) -> list[object]:
    found: list[object] = []
    for part in module.modules():
        for value in vars(part).values():
            found.append(value)
            if isinstance(value, dict):
                found += (*value, *value.values())
            elif isinstance(value, list | tuple | set | frozenset):
                found += value
    for parameter in module.parameters():
        found += (parameter.requires_grad, parameter.grad)
    return found


def _modes(module: nn.Module) -> tuple[object, ...]:
    """Of every part: its mode, what it runs and the hooks on it."""
    return tuple((part.training, type(part), *code_of(part), *hooks_of(part)) for part in module.modules())


def code_of(part: nn.Module) -> tuple[object, object]:
    """What runs when a part is called: its class's, and its own in front of that."""
    return getattr_static(type(part), "forward", None), vars(part).get("forward")


def hooks_of(part: nn.Module) -> tuple[tuple[object, ...], ...]:
    """The hooks on a part, by kind."""
    return tuple(tuple(getattr(part, name, {}).values()) for name in HOOKS)


def _content(module: nn.Module) -> tuple[str, str]:
    """Digests of what a module saves, and of the buffers that it does not."""
    saved = module.state_dict()
    return weights_sha256(module), digest({name: value for name, value in _buffers(module) if name not in saved})


def _buffers(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    # One that two parts share counts for each, as in what is saved.
    return module.named_buffers(remove_duplicate=False)


def _marks(module: nn.Module) -> dict[str, object]:
    """Of every tensor of the module's state: its storage's place, its view of it, how often it was written to."""
    return {
        name: (value.data_ptr(), value.dtype, value.shape, value.stride(), value._version)
        if isinstance(value, Tensor)
        else digest(value)
        for name, value in {**dict(_buffers(module)), **module.state_dict(keep_vars=True)}.items()
    }
