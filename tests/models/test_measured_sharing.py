"""What tasks share is measured on the network: an index with known values, a law of the zoo, and no false layouts."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from mtrbench import MultiTaskModel
from mtrbench.benchmark.datasets.rooms import rooms
from mtrbench.benchmark.protocol.types import Batch
from mtrbench.models.building import build
from mtrbench.models.nets.cost import sharing
from mtrbench.models.nets.layout import Layout
from mtrbench.models.nets.tree import TreeNet
from mtrbench.models.registry import find_card, model_names
from mtrbench.models.sharing import Reach, measured_reach, reached_tasks
from mtrbench.models.wrap import wrap

TASKS = ("a", "b", "c")
groups = st.sets(st.sampled_from(TASKS), min_size=1).map(frozenset)
reaches = st.dictionaries(groups, st.integers(1, 1000), min_size=1)


@given(reaches)
def test_is_a_share_one_where_all_is_shared_and_nought_where_nothing_is(parameters: dict[frozenset[str], int]) -> None:
    reach = Reach(TASKS, parameters)
    if any(not any(task in tasks for tasks in parameters) for task in TASKS):
        assert reach.sharing_index is None
        return
    assert -1e-12 <= reach.sharing_index <= 1 + 1e-12
    assert (reach.sharing_index == pytest.approx(1)) == ({*parameters} == {frozenset(TASKS)})
    assert (reach.sharing_index == pytest.approx(0, abs=1e-12)) == all(len(tasks) == 1 for tasks in parameters)
    doubled = Reach(TASKS, {tasks: 2 * count for tasks, count in parameters.items()})
    assert doubled.sharing_index == pytest.approx(reach.sharing_index)


@given(st.lists(st.sampled_from(["a b c", "a b | c", "a | b | c"]), min_size=1, max_size=6), st.integers(1, 9))
def test_is_the_layouts_index_where_blocks_have_one_size_and_there_are_no_heads(lines: list[str], size: int) -> None:
    layout = Layout.parse(sorted(lines, key=len))
    counts: dict[frozenset[str], int] = {}
    for group in (group for partition in layout.blocks for group in partition):
        counts[frozenset(group)] = counts.get(frozenset(group), 0) + size
    assert Reach(TASKS, counts).sharing_index == pytest.approx(layout.sharing_index)


def test_one_task_shares_with_itself() -> None:
    assert Reach(("a",), {frozenset("a"): 3}).sharing_index == 1.0


def shown(card: Any) -> tuple[MultiTaskModel, Batch]:
    tasks = card.make_tasks()
    return build(card.architecture, tasks).eval(), rooms(tasks, size=(16, 16), images=2).batch([0, 1])


def zoo() -> Iterator[Any]:
    """A name per network and layout: what else is on a card changes nothing here."""
    seen = set()
    for name in model_names():
        card, _ = find_card(name)
        key = card.architecture.model_dump_json(), (*card.tasks,)
        if key not in seen:
            seen.add(key)
            yield pytest.param(card, id=name)


@pytest.mark.parametrize("card", [*zoo()])
def test_networks_of_the_zoo_share_what_their_layouts_say(card: Any) -> None:
    model, batch = shown(card)
    net, layout = model.net, Layout.parse(card.architecture.layout)
    assert isinstance(net, TreeNet)
    for name, tasks in reached_tasks(model, batch).items():
        kind, *path = name.removeprefix("net.").split(".")
        assert tasks == ({path[0]} if kind == "heads" else {*path[1].split("+")}), name
    reach = measured_reach(model, batch)
    assert reach.fault(layout) is None
    # By blocks' parameters the index is that of the backbone; heads, which nobody can share, dilute it.
    costs = [sum(p.numel() for p in next(block.children()).parameters()) for block in net.blocks]
    backbones = len(layout.tasks) * sum(costs)
    heads = sum(parameter.numel() for parameter in net.heads.parameters())
    assert reach.sharing_index == pytest.approx(sharing(layout, costs) * backbones / (backbones + heads), abs=1e-12)


class Two(nn.Module):
    """A body that both tasks read, or one, and a parameter that nobody reads."""

    def __init__(self, shared: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body, self.other = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)
        self.heads = nn.ModuleList([nn.Conv2d(4, 13, 1), nn.Conv2d(4, 1, 1)])
        self.shared, self.unread = shared, nn.Parameter(torch.zeros(1000))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(x)
        mine = features if self.shared else self.other(x)
        return self.heads[0](features), self.heads[1](mine)


def two(shared: bool) -> tuple[MultiTaskModel, Batch]:
    model = wrap(Two(shared), {"segmentation": {"classes": 13}, "depth": "depth"})
    return model, rooms(model.tasks, size=(8, 8), images=2).batch([0, 1])


class TestForeignNetworks:
    def test_sharing_is_seen_whatever_anybody_says(self) -> None:
        # 16 in a body, 65 and 5 in the heads; the second body is unread where the first one is shared.
        assert measured_reach(*two(True)).sharing_index == pytest.approx((81 + 21 - 86) / ((81 + 21) / 2))
        assert measured_reach(*two(False)).sharing_index == 0

    @pytest.mark.parametrize(
        ("shared", "layout", "fault"),
        [
            (True, ["segmentation depth"], None),
            (False, ["segmentation | depth"], None),
            (True, ["segmentation | depth"], "share 16 parameters in the network, and no block in the layout"),
            (False, ["segmentation depth"], "share a block in the layout, and no parameter in the network"),
        ],
    )
    def test_a_layout_that_says_otherwise_is_found_out(
        self, shared: bool, layout: list[str], fault: str | None
    ) -> None:
        found = measured_reach(*two(shared)).fault(Layout.parse(layout))
        assert found == (fault and f"depth and segmentation {fault}")

    def test_a_dead_unit_is_a_connection_and_a_detached_one_is_none(self) -> None:
        model, batch = two(True)
        with torch.no_grad():
            model.net.net.heads[1].weight.zero_()
        assert measured_reach(model, batch) == measured_reach(*two(True))
        model.net.net.heads[1].register_forward_pre_hook(lambda module, inputs: (inputs[0].detach(),))
        assert measured_reach(model, batch).sharing_index == 0

    def test_leaves_the_network_as_it_was(self) -> None:
        model, batch = two(True)
        model.net.net.body.requires_grad_(False)
        model.net.net.unread.grad = torch.ones(1000)
        before = copy.deepcopy(model.state_dict())
        with torch.no_grad():  # whoever asks may be there
            assert measured_reach(model, batch) == measured_reach(*two(True))
        assert [p.requires_grad for p in model.net.net.body.parameters()] == [False, False]
        assert all(p.grad is None for name, p in model.named_parameters() if "unread" not in name)
        assert torch.equal(model.net.net.unread.grad, torch.ones(1000))
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())

    def test_is_unknown_where_a_task_has_no_parameters(self) -> None:
        model, batch = two(True)
        for parameter in model.net.net.heads[1].parameters():
            parameter.requires_grad_(False)
        model.net.net.heads[1].register_forward_hook(lambda module, inputs, output: output.detach())
        assert measured_reach(model, batch).sharing_index is None
