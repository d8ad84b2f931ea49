"""What blocks cost, and the sharing index by it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.references import seen_from
from ...benchmark.protocol.tasks.base import Task
from ..building import build
from ..card import Architecture, Card
from .layout import Layout
from .tree import TreeNet


@dataclass(frozen=True)
class Costs:
    """Per block, what it costs each group that runs it: parameters, and multiply-adds on one image."""

    parameters: tuple[int, ...]
    multiply_adds: tuple[int, ...]


def block_costs(net: TreeNet, size: tuple[int, int]) -> Costs:
    """The costs of the net's blocks on an image of `size` (H, W); multiply-adds of convolutions and linear maps alone.

    Only shapes are computed, on a copy of one branch without content.
    """
    parameters: list[int] = []
    work: list[int] = []

    def count(layer: nn.Module, _: Any, output: Tensor) -> None:
        assert isinstance(layer.weight, Tensor)
        work[-1] += output.numel() * layer.weight[0].numel()

    features = torch.empty(1, 3, *size, device="meta")
    for groups in net.blocks:
        block = deepcopy(next(groups.children())).to("meta").eval()
        parameters.append(sum(parameter.numel() for parameter in block.parameters()))
        work.append(0)
        for layer in block.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.register_forward_hook(count)
        features = block(features)
    return Costs(tuple(parameters), tuple(work))


def sharing(layout: Layout, costs: Sequence[int]) -> float:
    """The sharing index by cost: 1 - (C - C_shared) / (C_independent - C_shared); 1 for a single task.

    C = sum_b groups_b c_b is what the backbone costs under `layout`, with `costs` c_b > 0 of one group's block b;
    1 = fully shared, 0 = independent. Equal costs give `layout.sharing_index`.
    """
    others = len(layout.tasks) - 1
    if others == 0:
        return 1.0
    more = sum((len(partition) - 1) * cost for partition, cost in zip(layout.blocks, costs, strict=True))
    return 1 - more / (others * sum(costs))


def sharing_indices(card: Card, folder: Path | None = None) -> dict[str, float | None]:
    """The sharing index of a card's model by groups, parameters and multiply-adds on images of the card's size.

    The card lies in `folder`. The last two are None for a foreign network, whose blocks nobody knows, all three without
    a layout.
    """
    indices: dict[str, float | None] = {"groups": None, "parameters": None, "multiply_adds": None}
    layout = card.architecture.parsed
    if layout is None:
        return indices
    indices["groups"] = layout.sharing_index
    alike = {"entry": seen_from(folder, card.architecture.entry), "layout": [" ".join(card.tasks)] * len(layout.blocks)}
    try:
        tasks = (*card.make_tasks(folder).items(),)
        costs = _costs(card.architecture.model_copy(update=alike).model_dump_json(), tasks, card.size)
    except BadInputError:  # a card is to be listed even where its architecture is not installed
        return indices
    if costs is not None:
        indices["parameters"] = sharing(layout, costs.parameters)
        indices["multiply_adds"] = sharing(layout, costs.multiply_adds)
    return indices


@cache  # a group's block costs the same under any layout, so that of a family of models one network is built
def _costs(architecture: str, tasks: tuple[tuple[str, Task], ...], size: tuple[int, int]) -> Costs | None:
    with torch.device("meta"):
        net = build(Architecture.model_validate_json(architecture), dict(tasks)).net
    return block_costs(net, size) if isinstance(net, TreeNet) else None
