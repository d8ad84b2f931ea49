"""The tasks a model can be asked to do: training loss, additive statistics, metrics.

Every method is pure and treats samples apart. A pixel without ground truth never matters, not even if the prediction
there is NaN. A prediction that is not finite at a pixel with ground truth makes all statistics of its sample NaN, so
that a broken model ends in an undefined score and not in a plausible one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from .errors import BadInputError, unknown
from .metrics import METRICS, Metric

IGNORE = 255
"""The segmentation label of a pixel without ground truth."""

Scores = dict[str, NDArray[np.float64]]


class Task(Protocol):
    """What the benchmark knows of a task; `version` changes with any change of its numbers."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def channels(self) -> int:
        """Channels of the prediction (B, channels, H, W)."""
        ...

    @property
    def metrics(self) -> tuple[Metric, ...]: ...

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        """Training loss (B,), mean over each sample's valid pixels, 0 without any; differentiable in `prediction`.

        Raises BadInputError if the shapes do not fit the task.
        """
        ...

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        """Float64 (B, S), on the device of `prediction`: to be summed over any set of samples.

        Raises BadInputError if the shapes or the labels do not fit the task.
        """
        ...

    def scores(self, total: NDArray[np.float64]) -> Scores:
        """Every metric, shaped (...), from sums of statistics (..., S); NaN where no pixel is valid."""
        ...


@dataclass(frozen=True)
class Segmentation:
    """Semantic segmentation: logits (B, classes, H, W) against labels int64 (B, H, W), IGNORE where invalid.

    Loss: cross entropy in nats. Statistics: the confusion counts, row = truth, flattened to S = classes**2. The mean
    IoU is taken over the classes present in the summed ground truth, so that a class without a true positive counts
    as 0. Raises BadInputError unless 2 <= classes <= 255.
    """

    classes: int = 13

    name: ClassVar[str] = "segmentation"
    version: ClassVar[int] = 1
    metrics: ClassVar[tuple[Metric, ...]] = METRICS["segmentation"]

    def __post_init__(self) -> None:
        if not (isinstance(self.classes, int) and 2 <= self.classes <= IGNORE):
            raise BadInputError(f"segmentation needs 2 to {IGNORE} classes, not {self.classes!r}")

    @property
    def channels(self) -> int:
        return self.classes

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        valid = self._valid(prediction, truth)
        logits = torch.where(valid, prediction, 0)
        entropy = F.cross_entropy(logits, truth.long(), ignore_index=IGNORE, reduction="none")
        return masked_mean(entropy.unsqueeze(1), valid)

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        valid = self._valid(prediction, truth)
        labels = truth.long().unsqueeze(1)
        if bool((valid & ((labels < 0) | (labels >= self.classes))).any()):
            raise BadInputError(f"segmentation labels must be 0 to {self.classes - 1}, or {IGNORE} to be ignored")
        logits = torch.where(valid, prediction, 0)
        cell = labels * self.classes + logits.argmax(dim=1, keepdim=True)
        return _nan_if_broken(_histogram(cell, valid, self.classes**2), logits)

    def scores(self, total: NDArray[np.float64]) -> Scores:
        counts = total.reshape(*total.shape[:-1], self.classes, self.classes)
        hits = np.diagonal(counts, axis1=-2, axis2=-1)
        truths, predictions = counts.sum(axis=-1), counts.sum(axis=-2)
        present = truths > 0
        iou = np.where(present, _ratio(hits, truths + predictions - hits), 0.0)
        return {
            "miou": _ratio(iou.sum(axis=-1), present.sum(axis=-1)),
            "pixel_accuracy": _ratio(hits.sum(axis=-1), truths.sum(axis=-1)),
        }

    def _valid(self, prediction: Tensor, truth: Tensor) -> Tensor:
        _check(self, prediction, truth)
        return (truth != IGNORE).unsqueeze(1)


@dataclass(frozen=True)
class Depth:
    """Depth in metres: (B, 1, H, W) against the same; invalid where the truth is not finite or not above 0.

    Loss: |p - t| in metres. Statistics, S = 6: valid pixels, sum of |p - t|, sum of |p - t| / t, and how many pixels
    have p > 0 and max(p / t, t / p) < 1.25, 1.25**2, 1.25**3.
    """

    name: ClassVar[str] = "depth"
    version: ClassVar[int] = 1
    channels: ClassVar[int] = 1
    metrics: ClassVar[tuple[Metric, ...]] = METRICS["depth"]

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        valid = self._valid(prediction, truth)
        return masked_mean(_error(prediction, truth, valid), valid)

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        valid = self._valid(prediction, truth)
        # At invalid pixels both become 1, an error of 0 that no division trips over.
        p, t = torch.where(valid, prediction, 1).double(), torch.where(valid, truth, 1).double()
        error = (p - t).abs()
        ratio = torch.where(p > 0, torch.maximum(p / t, t / p), torch.inf)
        within = [valid & (ratio < 1.25**k) for k in (1, 2, 3)]
        return _nan_if_broken(torch.stack([_sum(v.double()) for v in (valid, error, error / t, *within)], dim=1), p)

    def scores(self, total: NDArray[np.float64]) -> Scores:
        return _named(self.metrics, _means(total))

    def _valid(self, prediction: Tensor, truth: Tensor) -> Tensor:
        _check(self, prediction, truth, self.channels)
        return truth.isfinite() & (truth > 0)


@dataclass(frozen=True)
class Normals:
    """Surface normals: vectors (B, 3, H, W) of any length against unit vectors, x right, y forward, z up.

    A truth that is the zero vector or not finite is invalid. Loss: 1 - cosine in [0, 2], where a prediction shorter
    than 1e-6 counts in proportion to its length, which keeps the gradient finite. Statistics, S = 365: valid pixels,
    sum of angles in degrees, how many are < 11.25, < 22.5, < 30, and a histogram of the angles in 360 bins of half a
    degree. A zero prediction is 90 degrees off. The median is read from the histogram, linear inside its bin: it lies
    within half a degree of the lower median of the pixels, and for evenly spread angles much nearer.
    """

    name: ClassVar[str] = "normals"
    version: ClassVar[int] = 1
    channels: ClassVar[int] = 3
    metrics: ClassVar[tuple[Metric, ...]] = METRICS["normals"]
    _bins: ClassVar[int] = 360

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        valid = self._valid(prediction, truth)
        p, t = (unit(torch.where(valid, v, 0)) for v in (prediction, truth))
        return masked_mean(1 - (p * t).sum(dim=1, keepdim=True), valid)

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        valid = self._valid(prediction, truth)
        p, t = (torch.where(valid, v, 0).double() for v in (prediction, truth))
        # atan2 is exact at 0 and 180 degrees, where acos loses half of the digits.
        sine = torch.linalg.vector_norm(torch.linalg.cross(p, t, dim=1), dim=1, keepdim=True)
        angle = torch.atan2(sine, (p * t).sum(dim=1, keepdim=True)).rad2deg()
        angle = torch.where((p == 0).all(dim=1, keepdim=True), 90.0, angle).where(valid, 0)
        within = [valid & (angle < limit) for limit in (11.25, 22.5, 30)]
        sums = torch.stack([_sum(v.double()) for v in (valid, angle, *within)], dim=1)
        cell = (angle.nan_to_num() * (self._bins / 180)).long().clamp(max=self._bins - 1)
        return _nan_if_broken(torch.cat([sums, _histogram(cell, valid, self._bins)], dim=1), p)

    def scores(self, total: NDArray[np.float64]) -> Scores:
        mean, *within = _means(total[..., :5])
        return _named(self.metrics, (mean, self._median(total[..., 5:]), *within))

    def _median(self, histogram: NDArray[np.float64]) -> NDArray[np.float64]:
        reached = histogram.cumsum(axis=-1)
        half = reached[..., -1:] / 2
        k = (reached >= half).argmax(axis=-1)[..., None]
        inside = np.take_along_axis(histogram, k, axis=-1)
        share = _ratio(half - (np.take_along_axis(reached, k, axis=-1) - inside), inside)
        return np.asarray(((k + share) * (180 / self._bins))[..., 0])

    def _valid(self, prediction: Tensor, truth: Tensor) -> Tensor:
        _check(self, prediction, truth, self.channels)
        return (truth != 0).any(dim=1, keepdim=True) & truth.isfinite().all(dim=1, keepdim=True)


@dataclass(frozen=True)
class _DenseRegression:
    """Values (B, 1, H, W) against the same, in [-1, 1]; invalid where the truth is NaN.

    Loss: |p - t|. Statistics, S = 2: valid pixels and sum of |p - t|.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    channels: ClassVar[int] = 1
    metrics: ClassVar[tuple[Metric, ...]]

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        valid = self._valid(prediction, truth)
        return masked_mean(_error(prediction, truth, valid), valid)

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        valid = self._valid(prediction, truth)
        error = _error(prediction.double(), truth.double(), valid)
        return _nan_if_broken(torch.stack([_sum(valid.double()), _sum(error)], dim=1), error)

    def scores(self, total: NDArray[np.float64]) -> Scores:
        return _named(self.metrics, _means(total))

    def _valid(self, prediction: Tensor, truth: Tensor) -> Tensor:
        _check(self, prediction, truth, self.channels)
        return ~truth.isnan()


@dataclass(frozen=True)
class Keypoints2d(_DenseRegression):
    """Response of a 2-D keypoint detector, (B, 1, H, W) in [-1, 1], NaN where invalid; mean absolute error."""

    name: ClassVar[str] = "keypoints2d"
    metrics: ClassVar[tuple[Metric, ...]] = METRICS["keypoints2d"]


@dataclass(frozen=True)
class EdgeTexture(_DenseRegression):
    """Strength of texture edges, (B, 1, H, W) in [-1, 1], NaN where invalid; mean absolute error."""

    name: ClassVar[str] = "edge_texture"
    metrics: ClassVar[tuple[Metric, ...]] = METRICS["edge_texture"]


TASKS: Mapping[str, type[Any]] = MappingProxyType(
    {task.name: task for task in (Segmentation, Depth, Normals, Keypoints2d, EdgeTexture)}
)


def make_task(name: str, /, **settings: object) -> Task:
    """The task called `name` with its `settings`, such as `classes` for segmentation.

    Raises BadInputError if there is no such task or if it has no such setting.
    """
    if name not in TASKS:
        raise unknown("task", name, TASKS)
    known = [field.name for field in fields(TASKS[name])]
    for setting in settings:
        if setting not in known:
            raise unknown(f"setting of task {name}", setting, known)
    task: Task = TASKS[name](**settings)
    return task


def _check(task: Task, prediction: Tensor, truth: Tensor, *channels: int) -> None:
    # Without this, (B, 1, H, W) against (B, H, W) would broadcast to (B, B, H, W) in silence.
    batch, plane = prediction.shape[:1], prediction.shape[-2:]
    if prediction.shape != (*batch, task.channels, *plane) or truth.shape != (*batch, *channels, *plane):
        shapes = f"a prediction {tuple(prediction.shape)} and a truth {tuple(truth.shape)}"
        layout = ", ".join(["B", *map(str, channels), "H", "W"])
        raise BadInputError(f"{task.name} got {shapes}; it needs (B, {task.channels}, H, W) and ({layout})")


def _sum(values: Tensor) -> Tensor:
    # Dimension by dimension: a sum over all at once may be split among threads when the batch is one sample, and then
    # differs in the last bit from the same sample's in a larger batch.
    return values.sum(dim=-1).sum(dim=-1).sum(dim=-1)


def _error(prediction: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    return torch.where(valid, prediction - truth, 0).abs()


def masked_mean(values: Tensor, valid: Tensor) -> Tensor:
    """(B,) out of (B, 1, H, W): the mean where `valid`, 0 for a sample without any valid pixel."""
    return _sum(torch.where(valid, values, 0)) / _sum(valid.to(values.dtype)).clamp(min=1)


def unit(vectors: Tensor, shortest: float = 1e-6) -> Tensor:
    """(B, C, ...) with vectors of length 1 along C; those shorter than `shortest` are divided by it, 0 stays 0.

    What `F.normalize` does, whose norm over three channels takes a tenth of a training step on a CPU.
    """
    return vectors * vectors.square().sum(dim=1, keepdim=True).clamp(min=shortest**2).rsqrt()


def _histogram(cell: Tensor, valid: Tensor, size: int) -> Tensor:
    batch = cell.shape[0]
    first = torch.arange(batch, device=cell.device).view(-1, 1, 1, 1) * size
    return torch.bincount((first + cell)[valid], minlength=batch * size).view(batch, size).double()


def _nan_if_broken(statistics: Tensor, prediction: Tensor) -> Tensor:
    finite = prediction.isfinite().flatten(1).all(dim=1, keepdim=True)
    return torch.where(finite, statistics, torch.nan)


def _ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[np.float64]:
    ratio = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=ratio, where=np.asarray(denominator) > 0)
    return ratio


def _named(metrics: tuple[Metric, ...], values: Iterable[NDArray[np.float64]]) -> Scores:
    return {metric.name: value for metric, value in zip(metrics, values, strict=True)}


def _means(total: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    # The first statistic counts the valid pixels, the others are sums over them.
    return [_ratio(total[..., i], total[..., 0]) for i in range(1, total.shape[-1])]
