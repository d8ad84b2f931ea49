"""A network from anywhere answers, is attacked and is scored as one of ours; what does not fit is refused in a line."""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from mtrbench import BadInputError, MultiTaskModel, evaluate, load_model, wrap
from mtrbench.benchmark.protocol.tasks.classification import Classification
from mtrbench.benchmark.protocol.tasks.registry import task_settings
from mtrbench.models.wrap import Place

TASKS = {"segmentation": {"classes": 2}, "depth": {}}
Pair = namedtuple("Pair", ["depth", "segmentation"])


class Net(nn.Module):
    """Colours as logits and depth: linear at each pixel, so that what comes out says what went in."""

    def __init__(self, answer: Callable[[Tensor, Tensor], Any] = lambda a, b: (a, b)) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))
        self.answer = answer

    def forward(self, x: Tensor) -> Any:
        return self.answer(self.scale * x[:, :2], x[:, 2:])


def images(height: int = 6, width: int = 8) -> Tensor:
    return torch.rand((2, 3, height, width), generator=torch.Generator().manual_seed(0))


FORMS: dict[str, tuple[Callable[[Tensor, Tensor], Any], dict[str, Place] | None]] = {
    "tuple": (lambda a, b: (a, b), None),
    "list": (lambda a, b: [a, b], None),
    "dictionary": (lambda a, b: {"depth": b, "segmentation": a, "more": None}, None),
    "attributes": (lambda a, b: SimpleNamespace(depth=b, segmentation=a), None),
    "named tuple, by name": (lambda a, b: Pair(b, a), None),
    "named dictionary": (lambda a, b: {"d": b, "s": a}, {"segmentation": "s", "depth": "d"}),
    "named attributes": (lambda a, b: SimpleNamespace(d=b, s=a), {"segmentation": "s", "depth": "d"}),
    "places": (lambda a, b: (None, b, a), {"segmentation": 2, "depth": 1}),
    "names inside of one another": (
        lambda a, b: {"head": SimpleNamespace(maps=[b, a])},
        {"segmentation": "head.maps.1", "depth": ("head", "maps", 0)},
    ),
    "places inside of one another": (
        lambda a, b: {"out": ((a, b),)},
        {"segmentation": ("out", 0, 0), "depth": "out.0.1"},
    ),
    "names with dots": (lambda a, b: {"d.x": b, "d": {"x": None, "s": a}}, {"segmentation": "d.s", "depth": "d.x"}),
    "functions": (lambda a, b: [b, a], {"segmentation": lambda out: out[1], "depth": lambda out: out[0]}),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_answer_is_read(form: str) -> None:
    answer, outputs = FORMS[form]
    x = images()
    found = wrap(Net(answer), TASKS, outputs=outputs)(x)
    assert torch.equal(found["segmentation"], 2 * x[:, :2])
    assert torch.equal(found["depth"], x[:, 2:])


class Several(nn.Module):
    """Two classifiers and a number, from the colours' means."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        means = x.mean(dim=(2, 3))
        return {"left": means[:, :2], "right": -means, "brightness": means.sum(dim=1), "depth": x[:, 0]}


KINDS: dict[str, Any] = {
    "left": Classification(2),
    "right": {"task": "classification", "classes": 3},
    "brightness": "regression",
    "depth": "depth",
}


def test_tasks_are_given_as_objects_settings_or_names_and_several_are_of_one_kind() -> None:
    model, x = wrap(Several(), KINDS, size=(4, 4)), images()
    kinds = {"left": "classification", "right": "classification", "brightness": "regression", "depth": "depth"}
    assert {name: task.kind for name, task in model.tasks.items()} == kinds
    shapes = {name: tuple(values.shape) for name, values in model(x).items()}
    assert shapes == {"left": (2, 2), "right": (2, 3), "brightness": (2, 1), "depth": (2, 1, 6, 8)}
    assert torch.equal(model(x)["left"][:1], model(x[:1])["left"])
    assert task_settings(model.tasks) == {
        "left": {"task": "classification", "version": 1, "classes": 2},
        "right": {"task": "classification", "version": 1, "classes": 3},
        "brightness": {"task": "regression", "version": 1, "values": 1, "unit": ""},
        "depth": {"version": 1},
    }


def test_images_are_normalised_by_colour() -> None:
    x, mean, std = images(), (0.1, 0.2, 0.3), (0.5, 0.25, 0.125)
    found = wrap(Net(), TASKS, mean=mean, std=std)(x)
    torch.testing.assert_close(found["segmentation"][:, 1], 2 * (x[:, 1] - 0.2) / 0.25)
    torch.testing.assert_close(found["depth"][:, 0], (x[:, 2] - 0.3) / 0.125)


def test_the_network_sees_its_own_size_and_answers_at_the_images() -> None:
    seen = []
    net = Net(lambda a, b: seen.append(a.shape[-2:]) or (a, b))
    x = images(6, 8)
    found = wrap(net, TASKS, size=(3, 4))(x)
    assert seen == [(3, 4)]
    assert found["segmentation"].shape == (2, 2, 6, 8)
    smooth = wrap(net, TASKS, size=(3, 4))(torch.full((1, 3, 6, 8), 0.25))
    torch.testing.assert_close(smooth["depth"], torch.full((1, 1, 6, 8), 0.25))


def test_small_predictions_are_enlarged_bilinearly() -> None:
    found = wrap(Net(lambda a, b: (a[..., ::2, ::2], b[..., ::2, ::2])), TASKS)(images(6, 8))
    small = images(6, 8)[0, 2, ::2, ::2].numpy()
    expected = np.asarray(Image.fromarray(small).resize((8, 6), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(found["depth"][0, 0].detach().numpy(), expected, atol=1e-6)


def test_half_precision_answers_become_float32() -> None:
    found = wrap(Net(lambda a, b: (a.bfloat16(), b.half())), TASKS)(images())
    assert {value.dtype for value in found.values()} == {torch.float32}


def test_the_gradient_reaches_the_images_through_all_of_it() -> None:
    x = images().requires_grad_()
    model = wrap(Net(lambda a, b: (a[..., ::2, ::2], b)), TASKS, std=(0.5, 0.5, 0.5))
    (gradient,) = torch.autograd.grad(model(x)["segmentation"].sum(), x)
    # Enlarging by two gives each of the network's pixels a weight of 4 in all; 2 / 0.5 per unit of the image.
    assert gradient[:, :2].sum().item() == pytest.approx(4 * 4 * 2 * 2 * 3 * 4)


def test_the_model_is_ready_to_be_judged_and_holds_the_network_itself() -> None:
    net = nn.Sequential(Net(), nn.Identity())
    model = wrap(net, TASKS)
    assert isinstance(model, MultiTaskModel)
    assert not any(module.training for module in model.modules())
    assert net[0].scale in set(model.parameters())


@pytest.mark.parametrize(
    ("tasks", "settings", "message"),
    [
        ({}, {}, "tasks must map at least one name to a task or its settings"),
        (["depth"], {}, "tasks must map at least one name"),
        ({"depth": None}, {}, "task 'depth' must be a task, its settings or the name of its kind, not None"),
        ({"dept": {}}, {}, "unknown task 'dept'; did you mean depth"),
        ({"segmentation": {"clases": 3}}, {}, "unknown setting of task segmentation 'clases'"),
        (TASKS, {"outputs": {"depth": 0}}, "outputs name no prediction for task segmentation"),
        (TASKS, {"outputs": {"depth": 0, "segmentation": 1, "normal": 2}}, "unknown task of outputs 'normal'"),
        (
            TASKS,
            {"outputs": {"depth": 0, "segmentation": ()}},
            "outputs say () for task segmentation; say a name, a place",
        ),
        (TASKS, {"outputs": {"depth": 0, "segmentation": 1.0}}, "outputs say 1.0 for task segmentation"),
        (TASKS, {"outputs": {"depth": (0, None), "segmentation": 1}}, "outputs say (0, None) for task depth"),
        (TASKS, {"mean": (0.5, 0.5)}, "mean must be 3 numbers, one per colour of images in [0, 1], not (0.5, 0.5)"),
        (TASKS, {"mean": 0.5}, "mean must be 3 numbers"),
        (TASKS, {"mean": ()}, "mean must be 3 numbers"),
        (TASKS, {"std": (0.5, 0.5, float("nan"))}, "std must be 3 numbers"),
        (TASKS, {"std": (0.5, 0.5, 0.0)}, "std must be above 0"),
        (TASKS, {"size": (0, 4)}, "size must be (height, width) or one number for both, not (0, 4)"),
        (TASKS, {"size": 0}, "size must be (height, width) or one number for both, not 0"),
        (TASKS, {"size": ("8", "8")}, "size must be (height, width) or one number for both"),
        ({"depth": {"name": 1}}, {}, "unknown setting of task depth 'name'"),
        ({"a b": "depth"}, {}, "a task cannot be called 'a b'; use letters, digits, - and _"),
        ({"left": {"task": "clasification"}}, {}, "unknown task 'clasification'; did you mean classification"),
        ({"left": {"task": 3}}, {}, "task 'left': task must name its kind, not 3"),
        ({"left": {}}, {}, 'or say its kind beside it: task = "classification"'),
        ({"left": "classification"}, {}, "task classification lacks its setting classes"),
        ({"left": Classification}, {}, "task 'left' is a class; call it, as in Classification()"),
        ({"left": nn.Identity()}, {}, "task 'left' has no "),
        ({"left": "torch.nn:Identity"}, {}, "task 'torch.nn:Identity' has no "),
    ],
)
def test_what_cannot_be_wrapped_is_refused(tasks: Any, settings: Any, message: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(message)):
        wrap(Net(), tasks, **settings)


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(BadInputError, match="the network must be a torch module, not a function"):
        wrap(lambda x: x, {"depth": {}})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "outputs", "message"),
    [
        (lambda a, b: (a, b, b), None, "returned 3 outputs for 2 tasks; say with `outputs` which is whose"),
        (lambda a, b: (a,), None, "returned 1 outputs for 2 tasks"),
        (lambda a, b: {"segmentation": a, "d": b}, None, "has no 'depth' for task depth; it has segmentation, d"),
        (lambda a, b: SimpleNamespace(segmentation=a), None, "(SimpleNamespace) has no 'depth' for task depth"),
        (lambda a, b: a, None, "(Tensor) has no 'segmentation' for task segmentation"),
        (lambda a, b: (a, b), {"segmentation": 0, "depth": 2}, "(tuple) has no 2 for task depth"),
        (
            lambda a, b: {"out": {"d": b, "s": a}},
            {"segmentation": "out.s", "depth": "out.e"},
            "output (dict) has no 'e' of 'out.e' for task depth; it has d, s; say with `outputs`",
        ),
        (
            lambda a, b: {"out": (a, b)},
            {"segmentation": ("out", 0), "depth": ("out", 2)},
            "output (tuple) has no 2 of ('out', 2) for task depth",
        ),
        (
            lambda a, b: (a, b),
            {"segmentation": 0, "depth": lambda out: out["depth"]},
            "outputs: the function for task depth fails on the network's output: TypeError: tuple indices must be",
        ),
        (lambda a, b: (b, a), None, "prediction for task segmentation is (2, 1, 6, 8), not (2, 2, height, width)"),
        (lambda a, b: (a[:, 0], b), None, "prediction for task segmentation is (2, 6, 8), not (2, 2, height, width)"),
        (lambda a, b: (torch.cat([a, a], dim=1), b), None, "segmentation is (2, 4, 6, 8), not (2, 2, height, width)"),
        (lambda a, b: (a, [b]), None, "prediction for task depth is a list, not (2, 1, height, width)"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(answer: Any, outputs: Any, message: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(message)) as caught:
        wrap(Net(answer), TASKS, outputs=outputs)(images())
    assert "\n" not in str(caught.value)


def test_a_wrapped_model_scores_as_the_registered_one_that_it_is() -> None:
    ours = load_model("rooms3-shared.clean")
    settings = {"segmentation": {"classes": 13}, "depth": {}, "normals": {}}
    named = evaluate("rooms3-shared.clean", "total-fgsm", images=4)
    own = evaluate(wrap(ours.net, settings), "total-fgsm", dataset="rooms3", images=4)
    assert own.degradation == named.degradation
    assert (own.clean, own.attacked, own.model_facts.parameters) == (
        named.clean,
        named.attacked,
        named.model_facts.parameters,
    )
