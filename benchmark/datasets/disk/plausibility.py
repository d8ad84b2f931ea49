"""Whether data is what its format says, where no single file can tell: a look at a few samples before all are read.

A doubt is raised only where the data speaks clearly against itself, so that unusual data passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...protocol.errors import BadInputError
from ...protocol.tasks.segmentation import IGNORE
from .fitting import fitted
from .source import Source
from .surface import Pinhole, derived_normals

SAMPLES = 6
SIZE = (60, 80)
"""How many samples are looked at, and how small; a smaller one stays as it is."""

WINDOWS = (5,)
"""What the normals of the depth are derived in here: one window will do."""

LEAST = 2000
"""Pixels below which nothing is concluded."""
APART, FAR = 15, 40
"""Degrees by which another reading of the normals must fit better, and beyond which none fits.

Genuine normals of NYUv2 are 10 to 30 degrees off those of the depth at this size, those of another sample 35 to 73, and
those read with axes swapped or turned 34 and more, single samples each.
"""

SURFACE = "surface"
"""The layer of normals (3, H, W) that depth describes, which is derived here."""

Glance = Mapping[str, Tensor]
"""The layers of one sample, small, as the benchmark means them, without a batch axis."""


@dataclass(frozen=True)
class Doubt:
    """A suspicion of the first of `layers`, by all of them: what `found` says of glances that have them, or None."""

    layers: tuple[str, ...]
    found: Callable[[Sequence[Glance], int], str | None]


def doubts_about(
    source: Source,
    samples: Sequence[str],
    layers: Sequence[str],
    classes: int,
    doubts: Iterable[Doubt],
    camera: Pinhole | None,
) -> list[str]:
    """What is suspicious of `layers` in some of the samples, evenly spread, one line each that names a file.

    Other layers help to judge them. Samples that cannot be read are passed over: their faults are told when they are.
    """
    asked = [doubt for doubt in doubts if doubt.layers[0] in layers]
    needed = {layer for doubt in asked for layer in doubt.layers}
    wanted = [layer for layer in source.layers if layer in needed or (layer == "depth" and SURFACE in needed)]
    places = np.unique(np.linspace(0, len(samples) - 1, SAMPLES).astype(int))
    glances = {samples[place]: _glance(source, samples[place], wanted, camera) for place in places}
    said = []
    for doubt in asked:
        seen = {sample: found for sample, found in glances.items() if {*doubt.layers} <= found.keys()}
        text = doubt.found([*seen.values()], classes) if seen else None
        if text:
            others = f" and {len(seen) - 1} others" if len(seen) > 1 else ""
            said.append(f"{source.path(next(iter(seen)), doubt.layers[0])}{others}: {text}")
    return said


def _glance(source: Source, sample: str, layers: Sequence[str], camera: Pinhole | None) -> Glance:
    found = {}
    for layer in layers:
        try:
            if source.missing(sample, layer) is None:
                pixels = source.read(sample, layer)
                small = pixels.shape[0] <= SIZE[0] or pixels.shape[1] <= SIZE[1]
                found[layer] = source.decode(layer, pixels if small else fitted(pixels, SIZE, mix=False))
        except BadInputError:
            return {}
    if len({values.shape[-2:] for values in found.values()}) > 1:
        return {}
    if camera and "depth" in found:
        depth = found["depth"][0].numpy()
        derived = derived_normals(depth, None, camera.fitted((depth.shape[0], depth.shape[1])), WINDOWS)
        found[SURFACE] = torch.from_numpy(derived).permute(2, 0, 1)
    return found


def _swapped(vectors: NDArray[np.float32], *axes: int) -> NDArray[np.float32]:
    """The vectors' axes in another order; -3 is the third one turned round."""
    return np.stack([np.sign(axis) * vectors[..., abs(axis) - 1] for axis in axes], axis=-1)


READINGS: Mapping[str, tuple[int, int, int]] = {
    "as B, G, R: swap x and z": (3, 2, 1),
    "with x right, y down, z forward": (1, 3, -2),
    "with x right, y up, z backward": (1, -3, 2),
    "away from the camera: turn all axes round": (-1, -2, -3),
    "of mirrored images: turn x round": (-1, 2, 3),
    "with z down: turn z round": (1, 2, -3),
}
"""How else normals may be meant, with what would make ours of them."""


def wrong_axes(glances: Sequence[Glance], classes: int) -> str | None:
    """Normals that fit the depth only if read otherwise, or not at all."""
    surface, given = (
        torch.cat([at[layer].flatten(1) for at in glances], dim=1).T.numpy() for layer in (SURFACE, "normals")
    )
    known = (surface != 0).any(axis=-1) & (given != 0).any(axis=-1)
    if known.sum() < LEAST:
        return None
    surface, given = surface[known], given[known]

    def off(axes: tuple[int, int, int]) -> float:
        cosine = (_swapped(given, *axes) * surface).sum(axis=-1)
        return float(np.rad2deg(np.arccos(cosine.clip(-1, 1))).mean())

    own, others = off((1, 2, 3)), {how: off(axes) for how, axes in READINGS.items()}
    best = min(others, key=others.__getitem__)
    if others[best] < min(own - APART, FAR):
        return (
            f"normals are {own:.0f} degrees off those of the depth, but {others[best]:.0f} if they were meant {best}; "
            "they must have x right, y forward, z up"
        )
    return f"normals are {own:.0f} degrees off those of the depth: of other samples?" if own > FAR else None


def shifted_labels(planes: Mapping[int, tuple[int, int]], glances: Sequence[Glance], classes: int) -> str | None:
    """Labels one too high or too low, by what lies flat and what stands upright.

    `planes` are the labels of floor and wall by the number of classes. Both have to be hardly seen where they should
    be, and their neighbours to be there instead: kitchens without floor, and full of cupboards, are no shift.
    """
    up = torch.cat([at[SURFACE][2].flatten() for at in glances]).numpy()
    known = torch.cat([(at[SURFACE] != 0).any(dim=0).flatten() for at in glances]).numpy()
    labels = torch.cat([at["segmentation"].flatten() for at in glances]).numpy()
    known &= labels != IGNORE
    seen = [labels[known & there] for there in (up > 0.9, np.abs(up) < 0.3)]
    if min(part.size for part in seen) < LEAST / 4:
        return None

    def instead(label: int, step: int, part: NDArray[np.int64]) -> bool:
        """Whether the class beside `label` is there in its place."""
        own, other = float((part == label).mean()), float((part == label + step).mean())
        return other > max(0.1, 3 * own) if label + step >= 0 else own < 0.05

    for step, way in ((1, "high"), (-1, "low")):
        if all(instead(label, step, part) for label, part in zip(planes[classes], seen, strict=True)):
            floor = planes[classes][0]
            return (
                f"labels are one too {way}: what lies flat is of class {floor + step}, and the floor is class {floor}"
            )
    return None


def hardly_labelled(glances: Sequence[Glance], classes: int) -> str | None:
    """Labels of which most are void."""
    labels = torch.cat([at["segmentation"].flatten() for at in glances])
    void = float((labels == IGNORE).float().mean())
    return f"{100 * void:.0f} % of the labels are void: are they one too low?" if void > 0.5 else None


def beyond(layer: str, least: float, most: float, unit: str, glances: Sequence[Glance], classes: int) -> str | None:
    """Numbers whose median is not from `least` to `most`."""
    values = torch.cat([at[layer].flatten() for at in glances])
    values = values[values > 0]
    if not len(values):
        return f"no pixel has {layer}"
    middle = float(values.median())
    return None if least <= middle <= most else f"{layer} is {middle:g} in the middle; that is no {unit}"


AXES = Doubt(("normals", SURFACE), wrong_axes)
VOID = Doubt(("segmentation",), hardly_labelled)


def shift_doubt(planes: Mapping[int, tuple[int, int]]) -> Doubt:
    """See `shifted_labels`."""
    return Doubt(("segmentation", SURFACE), partial(shifted_labels, planes))


def range_doubt(layer: str, least: float, most: float, unit: str) -> Doubt:
    """See `beyond`."""
    return Doubt((layer,), partial(beyond, layer, least, most, unit))
