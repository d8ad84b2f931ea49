"""The compact tree network: shapes, sharing, independence."""

from __future__ import annotations

import pytest
import torch

from mtrbench.benchmark.protocol.tasks import make_task
from mtrbench.models.card import Architecture, build, packed, unpack

TASKS = {name: make_task(name) for name in ("segmentation", "depth", "normals")}
SHARED, HALF, APART = "segmentation depth normals", "segmentation | depth normals", "segmentation | depth | normals"


def architecture(*layout: str) -> Architecture:
    return Architecture(entry="mtrbench.models.nets.compact:compact", layout=list(layout), settings={"width": 4})


@pytest.mark.parametrize("size", [(64, 64), (48, 64), (30, 41)])
@pytest.mark.parametrize("layout", [[SHARED] * 5, [SHARED, SHARED, HALF, HALF, APART], [APART] * 5])
def test_predictions_have_the_size_of_the_images(layout: list[str], size: tuple[int, int]) -> None:
    model = build(architecture(*layout), TASKS).eval()
    answers = model(torch.rand(2, 3, *size))
    assert {name: tuple(answer.shape) for name, answer in answers.items()} == {
        name: (2, task.channels, *size) for name, task in TASKS.items()
    }


@pytest.mark.parametrize(("layout", "touched"), [([APART] * 5, {"depth"}), ([HALF] * 5, {"depth", "normals"})])
def test_a_block_matters_to_the_tasks_that_share_it_alone(layout: list[str], touched: set[str]) -> None:
    torch.manual_seed(0)
    model = build(architecture(*layout), TASKS).eval()
    x = torch.rand(1, 3, 16, 16)
    before = model(x)
    with torch.no_grad():
        for group, block in model.net.blocks[1].items():
            if "depth" in group.split("+"):
                for parameter in block.parameters():
                    parameter += 1
    after = model(x)
    assert {name for name in TASKS if not torch.equal(before[name], after[name])} == touched


def test_sharing_saves_parameters() -> None:
    counts = [
        sum(parameter.numel() for parameter in build(architecture(*layout), TASKS).net.blocks.parameters())
        for layout in ([SHARED] * 5, [SHARED] * 2 + [HALF] * 3, [APART] * 5)
    ]
    assert counts[0] < counts[1] < counts[2] == 3 * counts[0]


def test_gradients_flow_from_every_task() -> None:
    model = build(architecture(*[SHARED] * 5), TASKS).eval()
    for task in TASKS:
        x = torch.rand(1, 3, 16, 16, requires_grad=True)
        model(x)[task].square().sum().backward()
        assert x.grad is not None
        assert (x.grad != 0).float().mean() > 0.5


def test_packed_weights_come_back_rounded_once() -> None:
    model, other = (build(architecture(*[SHARED] * 5), TASKS).eval() for _ in range(2))
    content = packed(model)
    unpack(other, content)
    assert packed(other) == content
    for (name, value), rounded in zip(model.net.state_dict().items(), other.net.state_dict().values(), strict=True):
        assert value.dtype == rounded.dtype, name
        torch.testing.assert_close(rounded.float(), value.float(), rtol=1e-3, atol=1e-6)
