"""Models out of cards: networks built as they say, with weights that are checked against them."""

from __future__ import annotations

import hashlib
import inspect
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.findings import Finding
from ..benchmark.protocol.source import OWN
from ..benchmark.protocol.surroundings import Surroundings
from ..benchmark.protocol.tasks.base import Task
from ..benchmark.protocol.types import MultiTaskModel
from .card import Architecture, Card
from .fingerprint import fingerprint
from .packing import unpack


def build(architecture: Architecture, tasks: Mapping[str, Task], folder: Path | None = None) -> MultiTaskModel:
    """An untrained model: what the architecture's entry makes, a network or what `wrap` makes of one.

    `folder` is that of the card, beside which the entry may lie.

    Raises BadInputError if that fails, if layout or network are of other tasks, and for layers of no channels.
    """
    what = f"architecture {architecture.entry}"
    layout = architecture.parsed
    if layout and {*layout.tasks} != {*tasks}:
        raise BadInputError(
            f"the layout has the tasks {', '.join(layout.tasks)}, the model {', '.join(tasks)}; name the same"
        )
    net = network(architecture, tasks, folder)
    if isinstance(net, MultiTaskModel):
        if {*net.tasks} != {*tasks}:
            raise BadInputError(f"{what} has the tasks {', '.join(net.tasks)}, asked for {', '.join(tasks)}")
        net = net.net
    if not all(parameter.numel() for parameter in net.parameters()):
        raise BadInputError(f"{what} has layers without weights; its settings are too small")
    if architecture.entry.startswith(f"{OWN}."):
        # Channels-last convolutions are about a quarter faster on CPUs, and what GPUs prefer in half precision.
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return MultiTaskModel(net, tasks)


def network(architecture: Architecture, tasks: Mapping[str, Task] | None, folder: Path | None = None) -> nn.Module:
    """What the entry gives, called with the settings, and with tasks and layout if these are known and it takes them.

    Raises BadInputError if that fails.
    """
    what = f"architecture {architecture.entry}"
    entry: Any = architecture.load(folder)
    known = {"tasks": tasks, "layout": architecture.layout}
    given = {name: value for name, value in known.items() if value is not None and _takes(entry, name)}
    try:
        net = entry(**given, **architecture.settings)
    except BadInputError:
        raise
    except Exception as error:  # the settings go to the entry unchecked
        raise BadInputError(f"{what} cannot be built: {' '.join(str(error).split())}") from error
    if not isinstance(net, nn.Module):
        raise BadInputError(f"{what} gives a {type(net).__name__}, not a torch module")
    return net


def _takes(entry: Callable[..., object], name: str) -> bool:
    """Whether a function or class has an argument of this name, or takes any."""
    try:
        arguments = inspect.signature(entry).parameters
    except (TypeError, ValueError):  # what it is will show when it is called
        return True
    return name in arguments or any(one.kind is inspect.Parameter.VAR_KEYWORD for one in arguments.values())


def load_card_model(card: Card, folder: Path) -> MultiTaskModel:
    """The card's model with its weights from `folder`, in eval mode.

    Raises BadInputError if the file is missing, has another sha256, does not fit the architecture, or if the outputs on
    the probe images differ from the card's fingerprint.
    """
    path = folder / card.weights.file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"weights {path} of model {card.name} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != card.weights.sha256:
        raise BadInputError(
            f"weights {path} of model {card.name} have sha256 {found[:12]}..., "
            f"the card says {card.weights.sha256[:12]}...; restore the file"
        )
    before = Surroundings()
    model = build(card.architecture, card.make_tasks(folder), folder)
    if not path.name.endswith(".safetensors"):
        raise BadInputError(
            f"weights {path} of model {card.name} are no safetensors file, and pickles are not read from cards; "
            f"make a card of them: mtrbench card {card.architecture.entry} --weights {path.name}"
        )
    try:
        unpack(model, content)
    except (SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInputError(f"weights {path} do not fit model {card.name}: {reason}") from error
    model.eval()
    try:
        answers = fingerprint(model, card.size)
    except Exception as error:  # a network may raise anything
        raise BadInputError(f"model {card.name} cannot answer the probe images: {Finding.of(error).found}") from error
    for task, values in answers.items():
        known = card.fingerprint.get(task, [])
        if len(known) != len(values) or not all(
            math.isclose(a, b, rel_tol=1e-2, abs_tol=1e-3) for a, b in zip(values, known, strict=True)
        ):
            raise BadInputError(f"model {card.name} answers the probe images otherwise than its card says, task {task}")
    change = before.change()
    if change:
        raise BadInputError(f"model {card.name} changes {change}, which all code of a process shares; leave that out")
    return model
