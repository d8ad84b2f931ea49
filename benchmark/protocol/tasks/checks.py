"""Whether predictions and truth have the shapes that a task asks for."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..errors import BadInputError
from .base import Task
from .shapes import fits, is_dense, written


def channels_of(task: Task) -> int:
    """The channels of a dense prediction (channels, height, width); raises BadInputError for any other one."""
    shape = task.prediction_shape
    if len(shape) == 3 and is_dense(shape) and isinstance(shape[0], int):
        return shape[0]
    raise BadInputError(f"the network has heads for maps (B, channels, height, width); {task.kind} is {written(shape)}")


def check_shapes(task: Task, prediction: Tensor, truth: Tensor) -> None:
    """Raises BadInputError unless prediction and truth are a batch of what the task asks for."""
    # Without this, (B, 1, H, W) against (B, H, W) would broadcast to (B, B, H, W) in silence.
    lengths: dict[str, int] = {}
    wanted = {"prediction": task.prediction_shape, "truth": task.truth_shape}
    found = {"prediction": prediction.shape, "truth": truth.shape}
    if not all(fits(("batch", *wanted[what]), found[what], lengths) for what in wanted):
        shapes = " and ".join(f"a {what} {tuple(shape)}" for what, shape in found.items())
        raise BadInputError(f"{task.kind} got {shapes}; it needs {' and '.join(map(written, wanted.values()))}")


def predictions_of(answers: object, tasks: Mapping[str, Task], images: Tensor) -> dict[str, Tensor]:
    """What a network answers to every task on `images` (B, 3, H, W); raises BadInputError if it is not as asked for."""
    if not isinstance(answers, Mapping):
        raise BadInputError(f"the network must return a mapping from tasks to predictions, not {_kind(answers)}")
    for name in tasks:
        if name not in answers:
            found = ", ".join(map(str, answers)) or "nothing"
            raise BadInputError(f"the network has no prediction for task {name!r}; it returned {found}")
    height, width = images.shape[-2:]
    known = {"batch": len(images), "height": height, "width": width}
    return {name: shaped(answers[name], name, task, known) for name, task in tasks.items()}


def shaped(prediction: object, name: str, task: Task, lengths: Mapping[str, int]) -> Tensor:
    """A network's prediction for the task called `name`, with the axes that the task asks for.

    One axis of length 1 may be missing: one channel may come as (B, H, W), one number as (B,). Raises BadInputError,
    which blames the network, for another shape, given the `lengths` of the named axes that are known.
    """
    wanted = ("batch", *task.prediction_shape)
    if isinstance(prediction, Tensor):
        full = prediction
        if prediction.dim() + 1 == len(wanted) and 1 in wanted:
            full = prediction.unsqueeze(wanted.index(1))
        if fits(wanted, full.shape, dict(lengths)):
            return full
    found = str(tuple(prediction.shape)) if isinstance(prediction, Tensor) else _kind(prediction)
    asked = ", ".join(str(lengths.get(axis, axis) if isinstance(axis, str) else axis) for axis in wanted)
    raise BadInputError(f"the network's prediction for task {name} is {found}, not ({asked})")


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"
