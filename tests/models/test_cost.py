"""What sharing saves, by three measures."""

from __future__ import annotations

import json

import pytest
import torch
from helpers.architectures import APART, SHARED, TASKS, architecture, every_architecture, path
from helpers.commands import mtrbench
from helpers.layouts import layouts, partitions

from mtrbench.models.building import build
from mtrbench.models.card import Architecture, read_card
from mtrbench.models.nets.cost import Costs, block_costs, sharing, sharing_indices
from mtrbench.models.nets.layout import Layout
from mtrbench.models.registry import ZOO

NAMES = tuple(TASKS)
ALL = [*layouts(NAMES, 5)]


def costs_of(entry: str, size: tuple[int, int], *layout: str) -> Costs:
    return block_costs(build(architecture(entry, *layout), TASKS).net, size)


@every_architecture
@pytest.mark.parametrize("size", [(64, 64), (33, 47)])
def test_ends_are_exact_and_refining_never_raises_the_index(entry: str, size: tuple[int, int]) -> None:
    measured = costs_of(entry, size, *[SHARED] * 5)
    for costs in (measured.parameters, measured.multiply_adds):
        assert sharing(Layout.parse([SHARED] * 5), costs) == 1
        assert sharing(Layout.parse([APART] * 5), costs) == 0
        by_blocks = {layout.blocks: sharing(layout, costs) for layout in ALL}
        assert all(0 <= index <= 1 for index in by_blocks.values())
        for layout in ALL:
            # From the last block backwards every split is a step that all layouts are reached by.
            for number, partition in enumerate(layout.blocks):
                for finer in partitions(NAMES):
                    changed = (*layout.blocks[:number], finer, *layout.blocks[number + 1 :])
                    if finer != partition and _refines(finer, partition) and changed in by_blocks:
                        assert by_blocks[changed] < by_blocks[layout.blocks]


def _refines(finer: tuple[tuple[str, ...], ...], coarser: tuple[tuple[str, ...], ...]) -> bool:
    return all(any(set(group) <= set(whole) for whole in coarser) for group in finer)


def test_equal_costs_give_the_index_by_groups() -> None:
    assert all(sharing(layout, [7] * 5) == layout.sharing_index for layout in ALL)
    assert sharing(Layout.parse(["alone"] * 5), [1, 2, 3, 4, 5]) == 1


def test_costs_weigh_the_blocks() -> None:
    layout = Layout.branching(NAMES, 2, 1)
    assert sharing(layout, [3, 1]) == 0.75
    assert sharing(Layout.parse([SHARED, "segmentation depth | normals"]), [3, 1]) == 1 - 1 / 8


@every_architecture
def test_costs_are_those_of_any_branch_and_grow_with_the_image_alone(entry: str) -> None:
    whole, parted = costs_of(entry, (64, 64), *[SHARED] * 5), costs_of(entry, (64, 64), *[APART] * 5)
    assert whole == parted
    larger = costs_of(entry, (128, 64), *[SHARED] * 5)
    assert larger.parameters == whole.parameters
    assert larger.multiply_adds == tuple(2 * work for work in whole.multiply_adds)


@every_architecture
def test_measuring_leaves_the_net_alone(entry: str) -> None:
    net = build(architecture(entry, *[SHARED] * 5), TASKS).net
    before = {name: value.clone() for name, value in net.state_dict().items()}
    block_costs(net, (32, 32))
    assert net.training
    assert not any(module._forward_hooks for module in net.modules())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize(
    ("entry", "parameters"),
    # The published counts less the classifiers', 512 x 1000 + 1000 and 1280 x 1000 + 1000.
    # The pyramid does without the last layer, 320 x 1280 with normalisation.
    [
        ("resnet34_deeplab", 21_797_672 - 513_000),
        ("mobilenetv2", 3_504_872 - 1_281_000),
        ("mobilenetv2_pyramid", 3_504_872 - 1_281_000 - 412_160),
    ],
)
def test_full_backbones_have_the_published_parameters(entry: str, parameters: int) -> None:
    with torch.device("meta"):
        made = Architecture(entry=path(entry), layout=[SHARED] * 5)
        costs = block_costs(build(made, TASKS).net, (64, 64))
    assert sum(costs.parameters) == parameters


def test_multiply_adds_are_those_counted_by_hand() -> None:
    with torch.device("meta"):
        entry = "mtrbench.models.nets.resnet34_deeplab:resnet34_deeplab"
        costs = block_costs(build(Architecture(entry=entry, layout=[SHARED] * 5), TASKS).net, (224, 224))
    # 7x7x3 -> 64 at 112 x 112; six 3x3x64 -> 64 at 56 x 56; then at 28 x 28 a first block with a 1x1 shortcut.
    stem, first = 112 * 112 * 64 * 147, 6 * 56 * 56 * 64 * 64 * 9
    second = 28 * 28 * 128 * (64 * 9 + 64 + 7 * 128 * 9)
    third = 28 * 28 * 256 * (128 * 9 + 128 + 11 * 256 * 9)
    fourth = 28 * 28 * 512 * (256 * 9 + 256 + 5 * 512 * 9)
    assert costs.multiply_adds == (stem, first, second, third, fourth)


def test_commands_print_all_three(tiny: object) -> None:
    shown = json.loads(mtrbench("show", "model", tiny, "--json").out)["sharing_index"]
    card = read_card(tiny)  # type: ignore[arg-type]
    assert shown == sharing_indices(card)
    costs = costs_of("compact", card.size, *card.architecture.layout)
    layout = Layout.parse(card.architecture.layout)
    assert shown == {
        "groups": layout.sharing_index,
        "parameters": sharing(layout, costs.parameters),
        "multiply_adds": sharing(layout, costs.multiply_adds),
    }
    assert len(set(shown.values())) == 3
    rows = {row["name"]: row for row in json.loads(mtrbench("list", "models", "--json").out)}
    for card in ZOO.glob("*/card.toml"):
        indices = sharing_indices(read_card(card))
        row = rows[card.parent.name]
        assert [row["sharing"], row["shared_parameters"], row["shared_multiply_adds"]] == [*indices.values()]
    assert all(len(line) < 130 for line in mtrbench("list", "models").out.splitlines())


def test_foreign_networks_have_the_index_by_groups_alone(tiny: object) -> None:
    card = read_card(tiny)  # type: ignore[arg-type]
    for entry in ("no.such:network", "torch.nn:Identity"):
        foreign = card.model_copy(update={"architecture": card.architecture.model_copy(update={"entry": entry})})
        assert sharing_indices(foreign) == {
            "groups": sharing_indices(card)["groups"],
            "parameters": None,
            "multiply_adds": None,
        }
