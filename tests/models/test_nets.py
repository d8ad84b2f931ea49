"""The tree networks, whatever their backbone: shapes, sharing, independence."""

from __future__ import annotations

import pytest
import torch
from helpers.architectures import APART, HALF, SHARED, TASKS, architecture, every_architecture
from helpers.layouts import layouts
from torch import nn

from mtrbench import BadInputError
from mtrbench.benchmark.protocol.tasks.checks import channels_of
from mtrbench.benchmark.protocol.types import MultiTaskModel
from mtrbench.models.building import build
from mtrbench.models.card import Architecture
from mtrbench.models.packing import packed, unpack

BRANCHING = [SHARED, SHARED, HALF, HALF, APART]
# Every tenth of the 51 layouts, from all apart in every block to all shared.
SAMPLE = [[" | ".join(map(" ".join, block)) for block in layout.blocks] for layout in [*layouts(tuple(TASKS), 5)][::10]]


def settled(entry: str, *layout: str) -> MultiTaskModel:
    """An untrained model in eval mode whose normalisation fits random images, as a trained one's fits its scenes."""
    torch.manual_seed(0)
    model = build(architecture(entry, *layout), TASKS)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    model.train()
    with torch.no_grad():
        model(torch.rand(4, 3, 32, 32))
    return model.eval()


@every_architecture
@pytest.mark.parametrize("layout", SAMPLE)
def test_predictions_have_the_size_of_the_images(entry: str, layout: list[str]) -> None:
    model = build(architecture(entry, *layout), TASKS).eval()
    for size in ((64, 64), (65, 81), (30, 41)):
        with torch.no_grad():
            answers = model(torch.rand(2, 3, *size))
        for name, task in TASKS.items():
            assert answers[name].shape == (2, channels_of(task), *size)
            assert answers[name].dtype == torch.float32
            assert answers[name].isfinite().all()


@every_architecture
def test_samples_are_answered_apart(entry: str) -> None:
    model = settled(entry, *BRANCHING)
    x = torch.rand(5, 3, 33, 40)
    with torch.no_grad():
        together = model(x)
        for part in ([3], [4, 1], [2, 0, 3]):
            alone = model(x[part])
            for name in TASKS:
                torch.testing.assert_close(alone[name], together[name][part], rtol=1e-4, atol=1e-5)


@every_architecture
def test_calls_leave_no_trace(entry: str) -> None:
    model = settled(entry, *BRANCHING)
    x = torch.rand(2, 3, 32, 32)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first, second = model(x), model(x)
    assert all(torch.equal(first[name], second[name]) for name in TASKS)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


@every_architecture
@pytest.mark.parametrize(("layout", "touched"), [([APART] * 5, {"depth"}), ([HALF] * 5, {"depth", "normals"})])
def test_a_block_matters_to_the_tasks_that_share_it_alone(entry: str, layout: list[str], touched: set[str]) -> None:
    model = settled(entry, *layout)
    x = torch.rand(2, 3, 16, 16)
    before = model(x)
    with torch.no_grad():
        for group, block in model.net.blocks[1].items():
            if "depth" in group.split("+"):
                for parameter in block.parameters():
                    parameter += 1
    after = model(x)
    assert {name for name in TASKS if not torch.equal(before[name], after[name])} == touched


@every_architecture
def test_a_tasks_gradient_reaches_its_own_branch_alone(entry: str) -> None:
    model = settled(entry, *BRANCHING)
    for task in TASKS:
        model.zero_grad()
        model(torch.rand(2, 3, 32, 32))[task].square().sum().backward()
        for block in model.net.blocks:
            for group, branch in block.items():
                reached = any(p.grad is not None and p.grad.any() for p in branch.parameters())
                assert reached == (task in group.split("+"))
        assert {name for name, head in model.net.heads.items() if next(head.parameters()).grad is not None} == {task}


@every_architecture
def test_sharing_saves_parameters(entry: str) -> None:
    counts = [
        sum(parameter.numel() for parameter in build(architecture(entry, *layout), TASKS).net.blocks.parameters())
        for layout in ([SHARED] * 5, [SHARED] * 2 + [HALF] * 3, [APART] * 5)
    ]
    assert counts[0] < counts[1] < counts[2] == 3 * counts[0]


@every_architecture
@pytest.mark.parametrize("layout", [[SHARED] * 5, [APART] * 5], ids=["shared", "apart"])
def test_gradients_flow_from_every_task(entry: str, layout: list[str]) -> None:
    model = settled(entry, *layout)
    for task in TASKS:
        x = torch.rand(2, 3, 32, 32, requires_grad=True)
        model(x)[task].square().sum().backward()
        assert x.grad is not None
        assert x.grad.isfinite().all()
        assert (x.grad != 0).float().mean() > 0.5


@every_architecture
def test_packed_weights_come_back_rounded_once(entry: str) -> None:
    model, other = (build(architecture(entry, *[SHARED] * 5), TASKS).eval() for _ in range(2))
    content = packed(model)
    unpack(other, content)
    assert packed(other) == content
    for (name, value), rounded in zip(model.net.state_dict().items(), other.net.state_dict().values(), strict=True):
        assert value.dtype == rounded.dtype, name
        torch.testing.assert_close(rounded.float(), value.float(), rtol=1e-3, atol=1e-6)


@every_architecture
def test_eight_bits_come_back_within_half_a_step_of_their_channel(entry: str) -> None:
    model, other = (build(architecture(entry, *[SHARED] * 5), TASKS).eval() for _ in range(2))
    content = packed(model, "int8")
    assert len(content) < len(packed(model))
    unpack(other, content)
    assert packed(other, "int8") == content
    for (name, value), rounded in zip(model.net.state_dict().items(), other.net.state_dict().values(), strict=True):
        assert value.dtype == rounded.dtype, name
        if value.dim() < 2:
            assert torch.equal(rounded, value)
        else:
            step = value.abs().flatten(1).amax(dim=1) / 127
            assert ((rounded - value).abs().flatten(1).amax(dim=1) <= 0.501 * step).all()


def test_channels_of_nothing_survive_eight_bits() -> None:
    net = nn.Conv2d(3, 3, 3)
    with torch.no_grad():
        net.weight[1] = 0
    model = MultiTaskModel(net, {})
    unpack(model, packed(model, "int8"))
    assert not net.weight[1].any()
    assert net.weight[0].any()
    assert net.weight.isfinite().all()


def test_what_float16_cannot_hold_is_packed_as_it_is() -> None:
    net = nn.Conv2d(3, 3, 3)
    net.register_buffer("places", torch.arange(4096).view(64, 64))
    with torch.no_grad():
        net.weight[0, 0, 0, 0] = 1e5
    before = {name: value.clone() for name, value in net.state_dict().items()}
    model = MultiTaskModel(net, {})
    unpack(model, packed(model))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize(
    ("entry", "settings", "message"),
    [
        ("mobilenetv2:mobilenetv2", {"width_multiplier": 0.0}, "width_multiplier must be positive"),
        ("mobilenetv2:mobilenetv2", {"width_multiplier": -1.0}, "width_multiplier must be positive"),
        ("mobilenetv2:mobilenetv2_pyramid", {"width_multiplier": 0.0}, "width_multiplier must be positive"),
        ("mobilenetv2:mobilenetv2_pyramid", {"head_width": 0}, "has layers without weights"),
        ("compact:compact", {"width": 0}, "has layers without weights"),
        ("resnet34_deeplab:resnet34_deeplab", {"width": 0}, "has layers without weights"),
        ("compact:compact", {"width": -1}, "cannot be built"),
    ],
)
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_widths_that_make_no_network_are_refused(entry: str, settings: dict[str, int | float], message: str) -> None:
    made = Architecture(entry=f"mtrbench.models.nets.{entry}", layout=[SHARED] * 5, settings=settings)
    with pytest.raises(BadInputError, match=message):
        build(made, TASKS)
