"""Whether predictions and truth are what a task asks for, and what the task makes of them is what it has to be."""

from __future__ import annotations

from collections.abc import Mapping

import torch
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
    """Raises BadInputError unless prediction and truth are a batch of what the task asks for, and of one length."""
    # Without this, (B, 1, H, W) against (B, H, W) would broadcast to (B, B, H, W) in silence.
    lengths: dict[str, int] = {}
    for what, shape, found in (
        ("prediction", task.prediction_shape, prediction.shape),
        ("truth", task.truth_shape, truth.shape),
    ):
        known = dict(lengths)
        if not fits(shape, found, lengths):
            raise BadInputError(f"{task.kind} got a {what} {tuple(found)}, not {written(shape, known)}")


def predictions_of(answers: object, tasks: Mapping[str, Task], images: Tensor) -> dict[str, Tensor]:
    """What a network answers to every task on `images` (B, 3, H, W); raises BadInputError if it is not as asked for."""
    if not isinstance(answers, Mapping):
        raise BadInputError(f"the network must return a mapping from tasks to predictions, not {_kind(answers)}")
    for name in tasks:
        if name not in answers:
            found = ", ".join(map(str, answers)) or "nothing"
            raise BadInputError(f"the network has no prediction for task {name!r}; it returned {found}")
    height, width = images.shape[-2:]
    known = {"B": len(images), "height": height, "width": width}
    return {name: shaped(answers[name], name, task, known) for name, task in tasks.items()}


def shaped(prediction: object, name: str, task: Task, lengths: Mapping[str, int]) -> Tensor:
    """A network's prediction for the task called `name`, with the axes that the task asks for.

    One axis of length 1 may be missing: one channel may come as (B, H, W), one number as (B,). Raises BadInputError,
    which blames the network, for another shape, given the `lengths` of the named axes that are known.
    """
    shape = task.prediction_shape
    if isinstance(prediction, Tensor):
        full = prediction.unsqueeze(shape.index(1) + 1) if 1 in shape and prediction.dim() == len(shape) else prediction
        if fits(shape, full.shape, dict(lengths)):
            return full
    found = str(tuple(prediction.shape)) if isinstance(prediction, Tensor) else _kind(prediction)
    raise BadInputError(f"the network's prediction for task {name} is {found}, not {written(shape, lengths)}")


def loss_of(name: str, task: Task, prediction: Tensor, truth: Tensor) -> Tensor:
    """The loss (B,) of the task called `name`; raises BadInputError, which blames the task, if it is none."""
    found, count = task.loss(prediction, truth), len(prediction)
    if not isinstance(found, Tensor) or found.shape != (count,):
        raise BadInputError(f"task {name}: its loss is {_written(found)}, not one number per sample ({count},)")
    return found


def statistics_of(name: str, task: Task, prediction: Tensor, truth: Tensor) -> Tensor:
    """The statistics (B, S) of the task called `name`; raises BadInputError, which blames the task, if not so."""
    found, count = task.statistics(prediction, truth), len(prediction)
    if not isinstance(found, Tensor) or (found.shape[:1], found.dim(), found.dtype) != ((count,), 2, torch.float64):
        raise BadInputError(f"task {name}: its statistics are {_written(found)}, not float64 ({count}, S)")
    return found


def _written(found: object) -> str:
    if not isinstance(found, Tensor):
        return _kind(found)
    return f"{str(found.dtype).removeprefix('torch.')} {tuple(found.shape)}"


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"
