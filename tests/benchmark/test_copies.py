"""Networks that are hard to copy, or to watch, are attacked as any other, or blamed."""

from __future__ import annotations

import pytest
import torch
from helpers.work import Points
from torch import Tensor

from mtrbench import BadInputError, evaluate
from mtrbench.attacks.conformance.toys import linear_model
from mtrbench.benchmark.protocol.types import MultiTaskModel


class Forgetful(torch.nn.Module):
    """A network that cannot be copied: its answers come through a hook that refers to itself, and it holds a lock."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.kept = torch.nn.Conv2d(3, 2, 3, padding=1), {}
        self.body.register_forward_hook(lambda module, inputs, output: self.kept.update(last=output))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        self.body(x)
        values = self.kept["last"].mean(dim=(2, 3))
        return {"a": values[:, :1] + 5, "b": values[:, 1:] + 5}


def test_a_network_that_cannot_be_copied_is_attacked_in_a_process_of_its_own() -> None:
    torch.manual_seed(0)
    tasks = linear_model().tasks
    hooked = MultiTaskModel(Forgetful(), tasks).eval()

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = hooked.net.body

        def forward(self, x: Tensor) -> dict[str, Tensor]:
            values = torch.nn.functional.conv2d(x, self.body.weight, self.body.bias, padding=1).mean(dim=(2, 3))
            return {"a": values[:, :1] + 5, "b": values[:, 1:] + 5}

    plain = MultiTaskModel(Plain(), tasks).eval()
    records = [evaluate(model, "total-pgd", Points(4), steps=2) for model in (hooked, plain)]
    assert records[0].degradation == records[1].degradation
    assert records[0].costs.forwards == records[1].costs.forwards == 2


def test_a_model_that_changes_when_it_answers_is_the_one_to_blame() -> None:
    class Counting(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x: Tensor) -> dict[str, Tensor]:
            self.calls += 1
            return linear_model()(x)

    with pytest.raises(BadInputError, match="the model changes its own weights, buffers or mode whenever it answers"):
        evaluate(MultiTaskModel(Counting(), linear_model().tasks).eval(), "total-fgsm", Points(4))


@pytest.mark.filterwarnings("ignore:.torch.jit.trace:DeprecationWarning")
def test_a_traced_network_is_watched_as_any_other() -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()).eval()
    traced = torch.jit.trace(net, torch.rand(2, 3, 6, 5))

    class Split(torch.nn.Module):
        def __init__(self, inner: torch.nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> dict[str, Tensor]:
            values = self.inner(x) + 5
            return {"a": values[:, :1], "b": values[:, 1:]}

    records = [
        evaluate(MultiTaskModel(Split(inner), linear_model().tasks).eval(), "total-pgd", Points(4), steps=2)
        for inner in (net, traced)
    ]
    assert records[0].degradation == records[1].degradation
