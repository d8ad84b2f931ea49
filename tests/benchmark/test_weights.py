"""A victim's weights are watched: at a glance after every batch, to the last bit at the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from mtrbench import BadInputError
from mtrbench.attacks.conformance.toys import linear_model, middle_batch
from mtrbench.benchmark.harness import measure
from mtrbench.benchmark.protocol import weights
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel
from mtrbench.benchmark.protocol.weights import Watch

threat = ThreatModel("linf", 0.1)


@pytest.fixture
def watched() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()


@torch.no_grad()
def add_in_place(module: nn.Module) -> None:
    module[0].weight.add_(1)


@torch.no_grad()
def write_to_a_buffer(module: nn.Module) -> None:
    module[1].running_mean[0] = 7


def replace_a_parameter(module: nn.Module) -> None:
    module[0].bias = nn.Parameter(module[0].bias.detach() + 1)


def replace_data(module: nn.Module) -> None:
    module[0].weight.data = module[0].weight.data + 1


def train(module: nn.Module) -> None:
    module[1].train()


def load_others(module: nn.Module) -> None:
    module.load_state_dict({name: value + 1 for name, value in module.state_dict().items()})


@pytest.mark.parametrize(
    "change", [add_in_place, write_to_a_buffer, replace_a_parameter, replace_data, train, load_others]
)
def test_changes_are_seen_at_a_glance(watched: nn.Module, change: Callable[[nn.Module], None]) -> None:
    watch = Watch(watched)
    assert watch.seems_kept()
    change(watched)
    assert not watch.seems_kept()
    assert not watch.is_kept()


@torch.no_grad()
def add_nothing(module: nn.Module) -> None:
    module[0].weight.add_(0)


def load_itself(module: nn.Module) -> None:
    module.load_state_dict({name: value.clone() for name, value in module.state_dict().items()})


def differentiate(module: nn.Module) -> None:
    module(torch.ones(1, 3, 8, 8)).sum().backward()


def put_equal_data(module: nn.Module) -> None:
    module[0].weight.data = module[0].weight.data.clone()


@pytest.mark.parametrize("use", [add_nothing, load_itself, differentiate, put_equal_data])
def test_what_leaves_the_values_is_no_change(watched: nn.Module, use: Callable[[nn.Module], None]) -> None:
    watch = Watch(watched)
    use(watched)
    assert watch.seems_kept()
    assert watch.is_kept()


def behind_pytorchs_back(model: MultiTaskModel) -> None:
    model.net.weights["a"].data += 1


def through_numpy(model: MultiTaskModel) -> None:
    model.net.weights["a"].detach().numpy()[:] += 1


@pytest.mark.parametrize("write", [behind_pytorchs_back, through_numpy])
def test_a_write_that_pytorch_does_not_count_is_found_at_the_end(write: Callable[[MultiTaskModel], None]) -> None:
    def attack(model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        write(model)
        return batch.x

    with pytest.raises(BadInputError, match="cheat on toy: the attack changed the model's weights, buffers, mode"):
        measure(linear_model(), [middle_batch()] * 3, attack, threat, Noise(), "cheat on toy")


@pytest.mark.parametrize("batches", [1, 5])
def test_the_digest_is_taken_before_and_after_all_batches(batches: int, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def counted(module: nn.Module) -> str:
        taken.append(module)
        return "the same"

    monkeypatch.setattr(weights, "weights_sha256", counted)
    measure(linear_model(), [middle_batch()] * batches, lambda model, batch, *_: batch.x, threat, Noise())
    assert len(taken) == 2
