"""The clean pass tells what makes a model's numbers worth less, and nothing of sound ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtrbench import BadInputError, evaluate, load_model, wrap
from mtrbench.benchmark.protocol.reading import read_record
from mtrbench.benchmark.protocol.signs import MIXED, NO_NUMBERS, PROBABILITIES, RANDOM, WRONG_GRADIENT

TASKS: dict[str, Any] = {"segmentation": {"classes": 13}, "depth": {}, "normals": {}}
Change = Callable[[nn.Module, Tensor], dict[str, Tensor]]


class Net(nn.Module):
    """A trained network, and what comes of it."""

    def __init__(self, change: Change) -> None:
        super().__init__()
        self.body, self.change = load_model("rooms3-shared.clean").net, change

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.change(self.body, x)


def with_segmentation(change: Callable[[Tensor], Tensor]) -> Change:
    def changed(body: nn.Module, x: Tensor) -> dict[str, Tensor]:
        answers = body(x)
        return {**answers, "segmentation": change(answers["segmentation"])}

    return changed


def zero_vectors(body: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """The usual v / |v| of a normals head, where the vector is zero in a corner."""
    answers = body(x)
    vectors = answers["normals"].clone()
    vectors[:, :, :2, :2] = vectors[:, :, :2, :2] * 0
    return {**answers, "normals": vectors / (vectors.square().sum(1, keepdim=True).sqrt() + 1e-6)}


def of_another_image(body: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """The answers of the image with the gradient of another one."""
    right, wrong = body(x.detach()), body(x.flip(-1))
    return {task: values.detach() + wrong[task] - wrong[task].detach() for task, values in right.items()}


SUSPICIOUS: dict[str, tuple[Change, tuple[str, ...]]] = {
    "sound": (lambda body, x: body(x), ()),
    "log-probabilities": (with_segmentation(lambda z: z.log_softmax(1)), ()),
    "dropout": (lambda body, x: body(nn.functional.dropout(x, 0.1)), (RANDOM,)),
    "noise": (lambda body, x: body(x + 0.1 * torch.randn_like(x)), (RANDOM,)),
    "batch statistics": (lambda body, x: body(0.5 + 0.2 * (x - x.mean((0, 2, 3), keepdim=True)) / 0.3), (MIXED,)),
    "probabilities": (with_segmentation(lambda z: z.softmax(1)), (PROBABILITIES,)),
    "sigmoid": (with_segmentation(lambda z: z.sigmoid()), (PROBABILITIES,)),
    "straight through": (lambda body, x: body(x + ((x * 16).round() / 16 - x).detach()), (WRONG_GRADIENT,)),
    "another image's gradient": (of_another_image, (WRONG_GRADIENT,)),
    "turned gradient": (lambda body, x: body(2 * x.detach() - x), (WRONG_GRADIENT,)),
    "NaN gradient": (zero_vectors, (NO_NUMBERS,)),
}


@pytest.mark.parametrize("name", SUSPICIOUS)
def test_the_record_says_what_speaks_against_the_model(name: str, tmp_path: Any) -> None:
    change, expected = SUSPICIOUS[name]
    record = evaluate(wrap(Net(change), TASKS), "noise", "rooms3", images=4, size=32, store=tmp_path)
    assert record.signs == expected
    saved = record.save(tmp_path)
    assert read_record(saved) == record
    assert ("signs" in saved.read_text()) == bool(expected)


@pytest.mark.parametrize("batch_size", [1, 2])
def test_answers_that_depend_on_the_batch_show_in_small_batches_too(batch_size: int) -> None:
    change, expected = SUSPICIOUS["batch statistics"]
    given: dict[str, Any] = {"images": 2, "size": 32, "batch_size": batch_size}
    assert evaluate(wrap(Net(change), TASKS), "noise", "rooms3", **given).signs == expected


@torch.no_grad()
def without_gradients(body: nn.Module, x: Tensor) -> dict[str, Tensor]:
    return body(x)


def test_a_black_box_evaluates_what_gives_no_gradient() -> None:
    given: dict[str, Any] = {"dataset": "rooms3", "images": 2, "size": 16}
    plain, hidden = (wrap(Net(change), TASKS) for change in (lambda body, x: body(x), without_gradients))
    found = [evaluate(model, "square[queries=5]", **given) for model in (plain, hidden)]
    assert found[0].degradation == found[1].degradation
    assert found[1].diagnostics.zero_gradient == dict.fromkeys(TASKS, 1.0)
    with pytest.raises(BadInputError, match="gives segmentation and depth and normals no gradient; take an attack"):
        evaluate(hidden, "dgba-pgd", steps=2, **given)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_gradient_that_is_no_number_is_the_models_fault(norm: str) -> None:
    with pytest.raises(BadInputError, match="the model's gradient is not finite"):
        evaluate(wrap(Net(zero_vectors), TASKS), "dgba-pgd", "rooms3", norm=norm, steps=1, images=2, size=16)


def test_a_line_says_that_rounding_leaves_no_gradient(caplog: pytest.LogCaptureFixture) -> None:
    rounds = wrap(Net(lambda body, x: body((255 * x).round() / 255)), TASKS)
    record = evaluate(rounds, "dgba-pgd", "rooms3", name="rounds", steps=1, images=2, size=16)
    assert record.degradation.ard.value == 0
    (line,) = (message for message in caplog.messages if "rounds" in message)
    assert line.startswith("mtrbench: rounds: no gradient: more than 5% of the clean images have no gradient")


def test_modes_of_pytorch_move_no_number() -> None:
    given: dict[str, Any] = {"attack": "dgba-pgd", "steps": 2, "dataset": "rooms3", "images": 2, "size": 16}
    model = wrap(Net(lambda body, x: body(x)), TASKS)
    expected = evaluate(model, **given)
    with torch.no_grad():
        assert evaluate(model, **given).degradation == expected.degradation
    with torch.inference_mode():
        assert evaluate(wrap(Net(lambda body, x: body(x)), TASKS), **given).degradation == expected.degradation
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert evaluate(model, **given).degradation == expected.degradation
    torch.set_default_dtype(torch.float64)
    try:
        assert evaluate(wrap(Net(lambda body, x: body(x)).float(), TASKS), **given).degradation == expected.degradation
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_networks_of_other_types_are_evaluated(dtype: torch.dtype) -> None:
    given: dict[str, Any] = {"attack": "total-pgd", "steps": 2, "dataset": "rooms3", "images": 2, "size": 16}
    expected = evaluate(wrap(Net(lambda body, x: body(x)), TASKS), **given)
    found = evaluate(wrap(Net(lambda body, x: body(x)).to(dtype), TASKS), **given)
    assert found.degradation.ard.value == pytest.approx(expected.degradation.ard.value, rel=0.2)


def test_layers_that_wait_for_their_first_input_are_told() -> None:
    net = Net(lambda body, x: body(x))
    net.lazy = nn.LazyConv2d(1, 1)
    with pytest.raises(BadInputError, match="run it once on images"):
        evaluate(wrap(net, TASKS), "noise", "rooms3", images=2, size=16)
