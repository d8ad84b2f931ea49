"""Who is to blame for what does not fit: the network, the data set or the task."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtrbench import BadInputError
from mtrbench.benchmark.harness import clean_pass
from mtrbench.benchmark.protocol.metrics import Metric
from mtrbench.benchmark.protocol.tasks.base import Task
from mtrbench.benchmark.protocol.tasks.checks import channels_of, check_shapes, shaped
from mtrbench.benchmark.protocol.tasks.classification import Classification
from mtrbench.benchmark.protocol.tasks.depth import Depth
from mtrbench.benchmark.protocol.tasks.registry import TASKS, make_task, make_tasks, task_settings
from mtrbench.benchmark.protocol.tasks.regression import Regression
from mtrbench.benchmark.protocol.tasks.segmentation import Segmentation
from mtrbench.benchmark.protocol.tasks.shapes import Shape, fits, written
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel
from mtrbench.benchmark.stats import scores


@dataclass(frozen=True)
class Boxes:
    """Any number of boxes (B, N, 4) against the same: how far their corners are apart."""

    kind: ClassVar[str] = "boxes"
    version: ClassVar[int] = 1
    prediction_shape: ClassVar[Shape] = ("boxes", 4)
    truth_shape: ClassVar[Shape] = ("boxes", 4)
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("distance", "px", False),)

    def valid(self, truth: Tensor) -> Tensor:
        return ~truth.isnan()

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth)
        return (prediction - truth).abs().mean(dim=(1, 2))

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        loss = self.loss(prediction, truth).double()
        return torch.stack([torch.ones_like(loss), loss], dim=1)

    def scores(self, total: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        return {"distance": total[..., 1] / total[..., 0]}


class Answers(nn.Module):
    """The same answers to any images, those that are tensors with a gradient."""

    def __init__(self, answers: Any) -> None:
        super().__init__()
        self.answers = answers

    def forward(self, x: Tensor) -> Any:
        if not isinstance(self.answers, dict):
            return self.answers
        return {name: a + 0 * x.sum() if isinstance(a, Tensor) else a for name, a in self.answers.items()}


class OfEach(nn.Module):
    """Three boxes for every image, however many there are."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"a": x.flatten(1)[:, :12].reshape(-1, 3, 4)}


def model(answers: Any, **tasks: Task) -> MultiTaskModel:
    return MultiTaskModel(Answers(answers), tasks).eval()


X = torch.zeros(2, 3, 6, 8)


@pytest.mark.parametrize(
    ("task", "prediction", "expected"),
    [
        (Depth(), (2, 6, 8), (2, 1, 6, 8)),
        (Depth(), (2, 1, 6, 8), (2, 1, 6, 8)),
        (Regression(), (2,), (2, 1)),
        (Regression(3), (2, 3), (2, 3)),
        (Classification(5), (2, 5), (2, 5)),
        (Boxes(), (2, 7, 4), (2, 7, 4)),
        (Boxes(), (2, 0, 4), (2, 0, 4)),
    ],
)
def test_a_model_hands_out_what_its_tasks_ask_for(task: Task, prediction: Any, expected: Any) -> None:
    assert model({"a": torch.zeros(prediction)}, a=task)(X)["a"].shape == expected


@pytest.mark.parametrize(
    ("task", "answer", "message"),
    [
        (Depth(), torch.zeros(2, 2, 6, 8), "prediction for task a is (2, 2, 6, 8), not (2, 1, 6, 8)"),
        (Depth(), torch.zeros(2, 1, 3, 4), "prediction for task a is (2, 1, 3, 4), not (2, 1, 6, 8)"),
        (Depth(), torch.zeros(1, 6, 8), "prediction for task a is (1, 6, 8), not (2, 1, 6, 8)"),
        (Segmentation(13), torch.zeros(2, 14, 6, 8), "prediction for task a is (2, 14, 6, 8), not (2, 13, 6, 8)"),
        (Segmentation(13), torch.zeros(2, 6, 8), "prediction for task a is (2, 6, 8), not (2, 13, 6, 8)"),
        (Classification(10), torch.zeros(2, 19), "prediction for task a is (2, 19), not (2, 10)"),
        (Regression(2), torch.zeros(2), "prediction for task a is (2,), not (2, 2)"),
        (Boxes(), torch.zeros(2, 7, 5), "prediction for task a is (2, 7, 5), not (2, boxes, 4)"),
        (Depth(), None, "prediction for task a is a NoneType, not (2, 1, 6, 8)"),
    ],
)
def test_another_prediction_is_the_networks_fault(task: Task, answer: Any, message: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(f"the network's {message}")):
        model({"a": answer}, a=task)(X)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"b": X, "c": X}, "no prediction for task 'a'; it returned b, c"),
        ({}, "no prediction for task 'a'; it returned nothing"),
        (X, "must return a mapping from tasks to predictions, not a Tensor"),
    ],
)
def test_no_prediction_is_the_networks_fault(answers: Any, message: str) -> None:
    with pytest.raises(BadInputError, match=f"the network {'has ' if 'no' in message[:3] else ''}{message}"):
        model(answers, a=Depth())(X)


def test_another_truth_is_told_from_another_prediction() -> None:
    logits = torch.zeros(2, 5)
    for truth in ((2, 1), (3,), (2, 5)):
        with pytest.raises(BadInputError, match=re.escape(f"classification got a truth {truth}, not (2,)")):
            Classification(5).loss(logits, torch.zeros(truth, dtype=torch.long))
    with pytest.raises(BadInputError, match=re.escape("boxes got a truth (2, 3, 4), not (2, 7, 4)")):
        Boxes().loss(torch.zeros(2, 7, 4), torch.zeros(2, 3, 4))
    with pytest.raises(BadInputError, match="segmentation labels must be 0 to 11, or 255"):
        Segmentation(12).statistics(torch.zeros(1, 12, 1, 1), torch.full((1, 1, 1), 12))


def changed(**parts: Any) -> Task:
    task: Task = type("Changed", (Boxes,), parts)()
    return task


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"loss": lambda self, p, t: (p - t).abs().mean()}, "its loss is float32 (), not one number per sample (2,)"),
        ({"loss": lambda self, p, t: 0.0}, "its loss is a float, not one number per sample (2,)"),
        ({"statistics": lambda self, p, t: p.flatten(1)}, "its statistics are float32 (2, 12), not float64 (2, S)"),
        ({"statistics": lambda self, p, t: p.double()}, "its statistics are float64 (2, 3, 4), not float64 (2, S)"),
        ({"scores": lambda self, total: {"distance": total.sum()}}, "distance of sums (..., S) is (), not (500,)"),
        ({"scores": lambda self, total: {"far": total[..., 1]}}, "its scores far lack its metric distance"),
    ],
)
def test_what_no_task_makes_is_the_tasks_fault(parts: dict[str, Any], message: str) -> None:
    boxes = torch.rand(2, 3, 4)
    task, batch = changed(**parts), Batch(X, {"a": boxes}, ("one", "two"))
    with pytest.raises(BadInputError, match=rf"^task (a|boxes): {re.escape(message)}$"):
        scores({"a": task}, clean_pass(MultiTaskModel(OfEach(), {"a": task}).eval(), [batch]).statistics)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"metrics": ()}, "needs metrics, at least one and each once, not ()"),
        ({"metrics": (Metric("a", "", True), Metric("a", "", False))}, "needs metrics, at least one and each once"),
        ({"version": "one"}, "has version = 'one'"),
        ({"loss": lambda self, prediction: prediction}, "has a loss that takes"),
        ({"statistic": lambda self: None}, "has statistic, which nothing asks for; did you mean statistics?"),
        ({"scores": None}, "has a scores that is a NoneType, which cannot be called"),
    ],
)
def test_what_is_no_task_is_refused_where_it_enters(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(f"task 'a' {message}")) as caught:
        make_tasks({"a": changed(**parts)})
    assert "\n" not in str(caught.value)


@dataclass(frozen=True)
class Versions(Boxes):
    version: int = 1  # type: ignore[misc]


@dataclass(frozen=True)
class Kinds(Boxes):
    task: str = ""


class Plain:
    """A task that is no dataclass, so that its settings would be seen by nobody."""

    kind, version, metrics = "plain", 1, Boxes.metrics
    prediction_shape, truth_shape = Boxes.prediction_shape, Boxes.truth_shape
    valid, loss, statistics, scores = Boxes.valid, Boxes.loss, Boxes.statistics, Boxes.scores


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Versions(), "has a setting called version, which stands beside settings; rename it"),
        (Kinds(), "has a setting called task, which stands beside settings; rename it"),
        (Plain(), "is no dataclass; its fields are the settings of a task"),
    ],
)
def test_a_task_says_its_settings_by_its_fields(task: Any, message: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(message)):
        make_tasks({"a": task})


def test_a_cell_says_what_a_task_is() -> None:
    tasks = make_tasks({"depth": "depth", "far": "depth", "left": Classification(3), "boxes": Boxes()})
    found = task_settings(tasks)
    assert [name for name, of in found.items() if of.pop("code", None)] == ["boxes"]
    assert found == {
        "depth": {"version": 1},
        "far": {"task": "depth", "version": 1},
        "left": {"task": "classification", "version": 1, "classes": 3},
        "boxes": {"version": 1},
    }


def test_edited_code_of_a_task_has_another_digest(tmp_path: Path) -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    found = []
    for name, text in {"one": source, "other": source.replace('"px", False', '"px", True')}.items():
        path = tmp_path / f"{name}.py"
        path.write_text(text[: text.index("class Answers")], encoding="utf-8")
        found.append(task_settings(make_tasks({"boxes": f"{path}:Boxes"}))["boxes"]["code"])
    assert len({*found}) == 2


def test_a_reference_stands_where_a_name_does() -> None:
    here = "test_task_checks:Boxes" if __name__ == "test_task_checks" else f"{__name__}:Boxes"
    assert make_task(here) == Boxes()
    assert make_tasks({"a": {"task": here}, "b": here}) == {"a": Boxes(), "b": Boxes()}
    with pytest.raises(BadInputError, match="is a function, not the class of a task"):
        make_task(f"{__name__}:model")


@pytest.mark.parametrize("name", TASKS)
def test_channels_are_those_of_maps(name: str) -> None:
    task = {"classification": Classification(4), "regression": Regression(2)}.get(name) or make_task(name)
    if len(task.prediction_shape) == 3:
        assert channels_of(task) == task.prediction_shape[0]
    else:
        with pytest.raises(BadInputError, match=re.escape(f"{name} is {written(task.prediction_shape)}")):
            channels_of(task)


def test_named_axes_have_one_length() -> None:
    lengths = {"height": 6}
    assert fits(("boxes", "height"), (2, 7, 6), lengths)
    assert lengths == {"B": 2, "boxes": 7, "height": 6}
    assert not fits(("boxes",), (2, 8), lengths)
    assert not fits(("boxes", 1), (2, 7), lengths)
    assert [written(shape) for shape in ((), (10,), (13, "height", "width"))] == [
        "(B,)",
        "(B, 10)",
        "(B, 13, height, width)",
    ]
    assert shaped(torch.zeros(2, 6, 8), "a", Depth(), {"B": 2}).shape == (2, 1, 6, 8)


@pytest.mark.parametrize(
    ("name", "prediction", "truth"),
    [
        ("segmentation", torch.zeros(2, 13, 4, 4), torch.full((2, 4, 4), 13)),
        ("classification", torch.zeros(2, 3), torch.full((2,), 3)),
    ],
)
def test_labels_of_no_class_are_the_data_sets_fault(name: str, prediction: torch.Tensor, truth: torch.Tensor) -> None:
    task = make_task(name, classes=prediction.shape[1])
    for measure in (task.loss, task.statistics):
        with pytest.raises(BadInputError, match=f"{name} labels must be 0 to .*the data set's are not"):
            measure(prediction, truth)
