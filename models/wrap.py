"""A network from anywhere as a multi-task model."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..benchmark.protocol.arguments import image_size
from ..benchmark.protocol.errors import BadInputError, blamed_on, unknown
from ..benchmark.protocol.tasks.base import Task
from ..benchmark.protocol.tasks.checks import shaped
from ..benchmark.protocol.tasks.registry import Described, make_tasks
from ..benchmark.protocol.tasks.shapes import is_dense
from ..benchmark.protocol.types import MultiTaskModel, Restrictable

Place = str | int | Sequence[str | int] | Callable[[Any], Tensor]
"""Where a prediction is in what a network returns; see `wrap`."""
_ABSENT = object()


def wrap(
    net: nn.Module,
    tasks: Mapping[str, Described],
    *,
    outputs: Mapping[str, Place] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    size: int | tuple[int, int] | None = None,
) -> MultiTaskModel:
    """`net` as a multi-task model, in eval mode, as everything here takes it; the network itself is used, not a copy.

    `tasks` says what the network predicts: by names, which the data set has truth for, a task's settings, as on cards,
    the name of its kind, or a task itself. `{"segmentation": {"classes": 13}, "depth": "depth"}`; several of one kind,
    `{"left": Classification(10), "right": {"task": "classification", "classes": 10}}`.

    What the network returns may be a mapping, an object with attributes, or a tuple or list; `outputs` says what each
    task's prediction is called there: a name, a place from 0 on, several of these where they lie inside one another
    (`("out", 0)`, `"decoder.depth"`), or a function of what the network returns. By default names are the tasks', and a
    tuple without names holds just the tasks in their order.

    Images in [0, 1] are resized to `size` (H, W), or one number for both, if given, and reach the network as
    (x - mean) / std, with one number per colour. Predictions come back as float32; maps (B, channels, h, w), or
    (B, h, w) for one channel, are resized to the images' size. Both resizings are bilinear, for every task, and
    differentiable.

    Raises BadInputError for an unknown task or setting, an output of no task, a task without output, and a mean or std
    that is no normalisation; and, when the model is called, for a prediction that is missing or of another shape.
    """
    if not isinstance(tasks, Mapping) or not tasks:
        raise BadInputError('tasks must map at least one name to a task or its settings, as {"depth": {}}')
    if not isinstance(net, nn.Module):
        raise BadInputError(f"the network must be a torch module, not a {type(net).__name__}")
    made = make_tasks(tasks)
    for name in outputs or ():
        if name not in tasks:
            raise unknown("task of outputs", name, tasks)
    for name in tasks:
        if outputs is not None and name not in outputs:
            raise BadInputError(f"outputs name no prediction for task {name}; add what the network calls it")
    for name, place in (outputs or {}).items():
        _check_place(name, place)
    device = next((parameter.device for parameter in net.parameters()), None)
    centre, spread = (
        _colours(name, values).to(device)
        for name, values in (("mean", (0, 0, 0) if mean is None else mean), ("std", (1, 1, 1) if std is None else std))
    )
    if not bool((spread > 0).all()):
        raise BadInputError(f"std must be above 0 for each colour, not {std}")
    sides = None if size is None else image_size(size)
    return MultiTaskModel(_Wrapped(net, made, outputs, centre, spread, sides), made).eval()


def inner_network(model: nn.Module) -> nn.Module:
    """The network that a model was made of."""
    return inner_network(model.net) if isinstance(model, MultiTaskModel | _Wrapped) else model


class _Wrapped(nn.Module):
    """What `wrap` says, from images (B, 3, H, W) in [0, 1] to predictions by task."""

    order: tuple[str, ...] | None = None
    """The tasks of a network whose outputs have no names, where `tasks` are not all of them."""

    def __init__(
        self,
        net: nn.Module,
        tasks: Mapping[str, Task],
        outputs: Mapping[str, Place] | None,
        mean: Tensor,
        std: Tensor,
        size: tuple[int, int] | None,
    ) -> None:
        super().__init__()
        self.net = net
        self.tasks = dict(tasks)
        self.outputs = outputs
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.size = size

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        images = (_resized(x, self.size or x.shape[-2:]) - self.mean) / self.std
        answer = self.net(images.to(_dtype_of(self.net, images.dtype)))
        places = self.outputs or self._places(answer)
        return {name: self._prediction(name, _part(answer, places[name], name), x) for name in self.tasks}

    def restricted_to(self, tasks: Sequence[str]) -> _Wrapped:
        """The same with the predictions of these tasks alone; the network itself cannot be taken apart."""
        found = copy.copy(self)
        found._modules = {"net": self.net.restricted_to(tasks) if isinstance(self.net, Restrictable) else self.net}
        found.order = (*self.tasks,)
        found.tasks = {name: self.tasks[name] for name in tasks}
        return found

    def _places(self, answer: object) -> Mapping[str, Place]:
        if not isinstance(answer, (tuple, list)) or hasattr(answer, "_fields"):
            return {name: name for name in self.tasks}
        order = self.order or (*self.tasks,)
        if len(answer) != len(order):
            raise BadInputError(
                f"the network returned {len(answer)} outputs for {len(order)} tasks; say with `outputs` which is whose"
            )
        return {name: place for place, name in enumerate(order)}

    def _prediction(self, name: str, answer: object, x: Tensor) -> Tensor:
        prediction = shaped(answer, name, self.tasks[name], {"B": len(x)}).float()
        return _resized(prediction, x.shape[-2:]) if is_dense(self.tasks[name].prediction_shape) else prediction


def _dtype_of(net: nn.Module, default: torch.dtype) -> torch.dtype:
    """What a network computes in, if its parameters are all of one kind of numbers."""
    found = {parameter.dtype for parameter in net.parameters() if parameter.is_floating_point()}
    return found.pop() if len(found) == 1 else default


def _colours(name: str, values: Sequence[float]) -> Tensor:
    try:
        numbers = torch.tensor([float(value) for value in values], dtype=torch.float32)
    except (TypeError, ValueError):
        numbers = torch.tensor([])
    if numbers.shape != (3,) or not bool(numbers.isfinite().all()):
        raise BadInputError(f"{name} must be 3 numbers, one per colour of images in [0, 1], not {values}")
    return numbers.view(3, 1, 1)


def _check_place(task: str, place: object) -> None:
    steps = place if isinstance(place, tuple | list) else [place]
    if callable(place) or (steps and all(isinstance(s, str | int) and not isinstance(s, bool) for s in steps)):
        return
    raise BadInputError(
        f'outputs say {place!r} for task {task}; say a name, a place from 0 on, several as in ("out", 0), or a function'
    )


def _part(answer: object, place: Place, task: str) -> object:
    """The output at `place`; raises BadInputError if there is none."""
    if callable(place):
        with blamed_on(f"outputs: the function for task {task} fails on the network's output"):
            return place(answer)
    steps = _steps(answer, place)
    found = answer
    for step in steps:
        inside = _inside(found, step)
        if inside is _ABSENT:
            where = "" if len(steps) == 1 else f" of {place!r}"
            offered = f"; it has {', '.join(map(str, found))}" if isinstance(found, Mapping) else ""
            raise BadInputError(
                f"the network's output ({type(found).__name__}) has no {step!r}{where} for task {task}{offered}; "
                "say with `outputs` what it is called"
            )
        found = inside
    return found


def _steps(answer: object, place: str | int | Sequence[str | int]) -> Sequence[str | int]:
    """The names and places to go through; a name may have dots itself."""
    if isinstance(place, int) or (isinstance(place, str) and _inside(answer, place) is not _ABSENT):
        return [place]
    return place.split(".") if isinstance(place, str) else place


def _inside(answer: object, step: str | int) -> object:
    """What is called `step` in a network's output, or `_ABSENT`."""
    if isinstance(answer, Mapping):
        return answer.get(step, _ABSENT)
    if isinstance(answer, tuple | list) and str(step).isdecimal():
        return answer[int(step)] if int(step) < len(answer) else _ABSENT
    return getattr(answer, step, _ABSENT) if isinstance(step, str) else _ABSENT


def _resized(values: Tensor, size: Sequence[int]) -> Tensor:
    """Maps (..., h, w) bilinearly to (height, width) `size`; as they are if they have that size."""
    if tuple(values.shape[-2:]) == tuple(size):
        return values
    maps = values.reshape(len(values), -1, *values.shape[-2:])
    resized = F.interpolate(maps, size=tuple(size), mode="bilinear", align_corners=False)
    return resized.reshape(*values.shape[:-2], *size)
