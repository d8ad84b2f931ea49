"""Random views of training images: flips, zooms and colours, with the ground truth that belongs to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor

from ...benchmark.protocol.cells import Strict
from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.tasks.segmentation import IGNORE
from ...benchmark.protocol.types import Batch

GREY = 0.5


class Augmentation(Strict):
    """How training images vary: mirrored or not, enlarged by a factor from `zoom`, recoloured by up to `colour`.

    A view of a zoomed image shows any part of it; a zoom below 1 leaves a grey margin without ground truth. `focal` is
    the camera's focal length in image widths, which says how a zoom bends normals.
    """

    flip: bool = False
    zoom: tuple[float, float] = Field(default=(1.0, 1.0), strict=False)
    focal: float = Field(default=1.0, gt=0)
    colour: float = Field(default=0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _check(self) -> Augmentation:
        if not 0.1 <= self.zoom[0] <= self.zoom[1] <= 10:
            raise ValueError("zoom must be [lowest, highest], both from 0.1 to 10")
        return self


@dataclass(frozen=True)
class View:
    """One view per sample: zoom (B,), mirror (B,) of -1 and 1, and the view's centre (B, 2) in half image sides.

    `focal` is the camera's focal length in image widths.
    """

    zoom: Tensor
    mirror: Tensor
    centre: Tensor
    focal: float

    def grid(self, height: int, width: int) -> Tensor:
        """Where (B, H, W, 2) the view's pixels lie in the image, in half image sides from its centre, x first."""
        theta = torch.zeros(len(self.zoom), 2, 3, device=self.zoom.device)
        theta[:, 0, 0], theta[:, 1, 1] = self.mirror / self.zoom, 1 / self.zoom
        theta[:, :, 2] = self.centre
        return F.affine_grid(theta, [len(self.zoom), 1, height, width], align_corners=False)

    def depth(self, truth: Tensor) -> Tensor:
        """Depth, divided by the zoom: what looks larger is nearer (arXiv 1406.2283)."""
        return truth / self.zoom.view(-1, 1, 1, 1)

    def normals(self, truth: Tensor) -> Tensor:
        """The normals of the scene whose picture, taken by the same camera, the view is.

        That scene is the old one under (x, y, z) -> (m (x - a y), y / s, z + b y), with mirror m, zoom s, and a and b
        what the view's centre is off the axis at distance 1; normals follow by the inverse transposed.
        """
        height, width = truth.shape[-2:]
        half = 0.5 / self.focal
        a, b = (self.centre[:, axis].view(-1, 1, 1) * side for axis, side in enumerate((half, half * height / width)))
        x, y, z = truth.unbind(1)
        forward = self.zoom.view(-1, 1, 1) * (y + a * x - b * z)
        bent = torch.stack([self.mirror.view(-1, 1, 1) * x, forward, z], dim=1)
        length: Tensor = torch.linalg.vector_norm(bent, dim=1, keepdim=True)
        return bent / length.clamp(min=1e-12)


def _same(_: View, truth: Tensor) -> Tensor:
    return truth


# What is invalid, and how values change under a view; the responses are those of a picture at its own scale.
_TRUTH: Mapping[str, tuple[float, Callable[[View, Tensor], Tensor]]] = MappingProxyType(
    {
        "segmentation": (float(IGNORE), _same),
        "depth": (0.0, View.depth),
        "normals": (0.0, View.normals),
    }
)


def check_tasks(augmentation: Augmentation, tasks: Mapping[str, object]) -> None:
    """Raise BadInputError if the ground truth of one of `tasks` cannot follow the views."""
    moved = augmentation.flip or augmentation.zoom != (1.0, 1.0)
    for task in tasks:
        if moved and task not in _TRUTH:
            raise BadInputError(f"augmentation: the truth of task {task} cannot be flipped or zoomed; leave both out")


def augmented(batch: Batch, augmentation: Augmentation, seed: int) -> Batch:
    """The batch as it is seen in random views keyed by (seed, sample id), whatever else is in the batch.

    Images are sampled bilinearly, truth at the nearest pixel.
    """
    x = batch.x
    draws = Noise(seed).uniform(batch.ids, (9,), "augmentation").to(x.device)
    truth = dict(batch.truth)
    low, high = augmentation.zoom
    if augmentation.flip or augmentation.zoom != (1.0, 1.0):
        zoom = low * (high / low) ** ((draws[:, 0] + 1) / 2)
        mirror = torch.where(draws[:, 1] < 0, -1.0, 1.0) if augmentation.flip else torch.ones_like(zoom)
        centre = draws[:, 2:4] * (1 - 1 / zoom).abs().unsqueeze(1)
        x, truth = seen(x, truth, View(zoom, mirror, centre, augmentation.focal))
    if augmentation.colour:
        x = _recoloured(x, draws[:, 4:] * augmentation.colour)
    return Batch(x.contiguous(memory_format=torch.channels_last), truth, batch.ids)


def seen(x: Tensor, truth: Mapping[str, Tensor], view: View) -> tuple[Tensor, dict[str, Tensor]]:
    """Images and ground truth in the views."""
    grid = view.grid(*x.shape[-2:])
    outside = (grid.abs() > 1).any(dim=-1).unsqueeze(1)
    # Without clamping, pixels at the border would mix with zeros.
    image = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    moved = {}
    for name, values in truth.items():
        invalid, change = _TRUTH[name]
        planes = values if values.dim() == 4 else values.unsqueeze(1)
        near = F.grid_sample(planes.to(x.dtype), grid, mode="nearest", padding_mode="border", align_corners=False)
        changed = torch.where(outside, invalid, change(view, near)).to(values.dtype)
        moved[name] = changed if values.dim() == 4 else changed.squeeze(1)
    return torch.where(outside, GREY, image), moved


def _recoloured(x: Tensor, draws: Tensor) -> Tensor:
    """Contrast, brightness and, half as strongly, each colour, changed by the factors 1 + draw."""
    contrast, brightness = (1 + draws[:, index].view(-1, 1, 1, 1) for index in (0, 1))
    gains = brightness * (1 + draws[:, 2:5].view(-1, 3, 1, 1) / 2)
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    return (((x - mean) * contrast + mean) * gains).clamp(0, 1)
