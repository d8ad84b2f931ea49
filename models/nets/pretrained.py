"""Backbone weights from elsewhere: a user's file in the public names, copied into every branch."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from ...benchmark.protocol.errors import BadInputError
from ..foreign_weights import read_weights, without_prefix
from .tree import TreeNet

CLASSIFIERS = ("fc.", "classifier.")
# How many batches normalisation has seen: no weight, and some public files lack it.
COUNTER = "num_batches_tracked"


def load_backbone(net: nn.Module, path: Path, names: Mapping[str, str] | None = None) -> str:
    """Copy the backbone weights in the file at `path` into every group's copy of each block; returns its sha256.

    The file is safetensors (`.safetensors`) or a torch state dict, as `read_weights` takes it, with or without a prefix
    that all names have. They follow from ours, `BLOCK.part`, by the first of `names` (pattern: replacement) that fits,
    or of `net.names` without them; a classifier is left out, and what the network says it leaves `unread`. The net is
    unchanged if anything is wrong. Raises BadInputError if there are no such names, or none for a part, for an
    unreadable file, and for a weight that is missing, left over or of another shape.
    """
    known = names or (net.names if isinstance(net, TreeNet) else None)
    if not isinstance(net, TreeNet) or known is None:
        raise BadInputError(f"backbone weights {path}: this architecture takes none; leave them out")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"backbone weights {path} cannot be read: {error.strerror}") from error
    places = [
        (_public(f"{number}.{name}", known), own)
        for number, branches in enumerate(net.blocks)
        for branch in branches.children()
        for name, own in branch.state_dict().items()
        if not name.endswith(COUNTER)
    ]
    wanted = {theirs for theirs, _ in places}
    read = without_prefix(read_weights(content, path, "backbone weights"), wanted)
    given = {name: value for name, value in read.items() if not name.endswith(COUNTER)}
    copies: list[tuple[Tensor, Tensor]] = []
    for theirs, own in places:
        if theirs not in given:
            raise BadInputError(f"backbone weights {path} lack {theirs}")
        value = given[theirs]
        if value.shape != own.shape or not value.is_floating_point():
            raise BadInputError(f"backbone weights {path}: {theirs} is {_kind(value)}, the network has {_kind(own)}")
        copies.append((own, value))
    left = sorted(name for name in given.keys() - wanted if not name.startswith((*CLASSIFIERS, *net.unread)))
    if left:
        raise BadInputError(f"backbone weights {path} hold {left[0]}, which the network lacks")
    for own, value in copies:
        own.copy_(value)
    return hashlib.sha256(content).hexdigest()


def _public(name: str, names: Mapping[str, str]) -> str:
    """What public files call the weight that is `name` here: the part is renamed, `weight` and the like stay."""
    part, _, leaf = name.rpartition(".")
    for ours, theirs in names.items():
        try:
            if found := re.fullmatch(ours, part):
                return f"{found.expand(theirs)}.{leaf}"
        except re.error as error:  # a card's own names
            raise BadInputError(f"name {ours!r} = {theirs!r} is no pattern with its replacement: {error}") from error
    raise BadInputError(f"no pattern among {', '.join(names)} fits part {part}; add its name in the file of weights")


def _kind(value: Tensor) -> str:
    return f"{value.dtype} {'x'.join(map(str, value.shape))}".removeprefix("torch.")
