"""What a task makes of one image, as maps to draw or else in words."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..benchmark.protocol.tasks.base import Task
from ..benchmark.protocol.tasks.shapes import is_dense
from ..leaderboards.site.exhibit import Maps, Words

FEW = 6
"""Numbers that stand in a panel one by one."""


def panels(task: Task, before: Tensor, after: Tensor, truth: Tensor) -> Maps | Words:
    """Two predictions and the truth of one image, each a batch of one: the best of scored classes, else the values.

    Maps are drawn if they are labels or scalars (H, W) or vectors (3, H, W).
    """
    labels = not truth.is_floating_point() and len(task.prediction_shape) == len(task.truth_shape) + 1
    first, second = (_array(values.argmax(dim=1) if labels else values) for values in (before, after))
    true = known(task, truth)
    alike = is_dense(task.prediction_shape) and is_dense(task.truth_shape) and true.shape == first.shape
    if alike and true.shape[:-2] in ((), (3,)):
        return Maps(true, first, second, labels)
    return Words(*(_words(values, labels) for values in (true, first, second)))


def known(task: Task, truth: Tensor) -> NDArray[np.float64]:
    """The truth of one image, a batch of one, without a channel axis of length 1; NaN where there is none."""
    valid = task.valid(truth)
    if valid.dim() > truth.dim():  # labels have no channel axis, their mask has
        valid = valid.squeeze(1)
    return _array(torch.where(valid, truth.double(), torch.nan))


def _array(values: Tensor) -> NDArray[np.float64]:
    """The one sample of a batch, without a channel axis of length 1."""
    array = np.asarray(values[0].double().cpu().numpy())
    return array[0] if array.ndim == 3 and len(array) == 1 else array


def _words(values: NDArray[np.float64], labels: bool) -> str:
    known = values[np.isfinite(values)]
    if not known.size:
        return "unknown"
    if values.size > FEW:
        return f"{values.size} numbers from {known.min():.3g} to {known.max():.3g}"
    precision = ".0f" if labels else ".3g"
    return ", ".join(format(value, precision) if np.isfinite(value) else "unknown" for value in values.flat)
