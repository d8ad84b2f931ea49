"""What lies on disk, read file by file: counts, sizes, ranges, classes, and whatever is wrong, each in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
import torch

from ...protocol.errors import BadInputError
from ...protocol.tasks.registry import make_task
from .opening import Kept
from .plausibility import doubts_about
from .source import PHOTOGRAPH, Source, part

TOGETHER = 6
"""Samples that are surveyed in one go, and held against each other for doubts."""


@dataclass(frozen=True)
class Values:
    """The pixels of one layer over some samples: sizes (height x width) of the samples, valid pixels and their values.

    `classes` counts labels; `least`, `most` and `total` are of the valid values of anything else.
    """

    sizes: Counter[str] = field(default_factory=Counter)
    pixels: int = 0
    valid: int = 0
    values: int = 0
    total: float = 0.0
    least: float = torch.inf
    most: float = -torch.inf
    classes: Counter[int] = field(default_factory=Counter)

    def __add__(self, other: Values) -> Values:
        return Values(
            self.sizes + other.sizes,
            self.pixels + other.pixels,
            self.valid + other.valid,
            self.values + other.values,
            self.total + other.total,
            min(self.least, other.least),
            max(self.most, other.most),
            self.classes + other.classes,
        )


@dataclass(frozen=True)
class Survey:
    """What was found of some samples; `content` are the lines that their digest is made of."""

    layers: dict[str, Values] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    content: tuple[str, ...] = ()

    def __add__(self, other: Survey) -> Survey:
        names = dict.fromkeys([*self.layers, *other.layers])
        return Survey(
            {name: self.layers.get(name, Values()) + other.layers.get(name, Values()) for name in names},
            self.missing + other.missing,
            self.faults + other.faults,
            self.doubts + other.doubts,
            self.content + other.content,
        )


@dataclass(frozen=True)
class Stretch:
    """A source of a few samples, to be surveyed in one go."""

    source: Source
    layers: tuple[str, ...]
    classes: int


def stretches(source: Source, layers: tuple[str, ...], classes: int) -> Iterator[Stretch]:
    """All samples of a source."""
    names = source.samples
    few = (names[start : start + TOGETHER] for start in range(0, len(names), TOGETHER))
    return (Stretch(part(source, samples), layers, classes) for samples in few)


def surveyed(kept: Kept, stretch: Stretch) -> Survey:
    """What was found of the samples of a stretch."""
    source, samples = stretch.source, stretch.source.samples
    found = together(_surveyed(source, sample, stretch.layers, stretch.classes) for sample in samples)
    doubts = doubts_about(source, samples, stretch.layers, stretch.classes, kept.doubts, kept.camera)
    return found + Survey(doubts=(*doubts,))


def together(surveys: Iterable[Survey]) -> Survey:
    """Several surveys as one, in their order."""
    return reduce(Survey.__add__, surveys, Survey())


def _surveyed(source: Source, sample: str, layers: Sequence[str], classes: int) -> Survey:
    found, missing, faults, content = {}, [], [], []
    for layer in layers:
        absent = source.missing(sample, layer)
        if absent:
            missing.append(absent)
            continue
        try:
            content.append(source.content(sample, layer))
            found[layer] = _values(source, sample, layer, classes)
        except BadInputError as error:
            faults.append(str(error))
    extents = {layer: next(iter(values.sizes)) for layer, values in found.items()}
    for layer, extent in extents.items():
        if extent != extents.get(PHOTOGRAPH, extent):
            faults.append(f"{source.path(sample, layer)} is {extent}, but its photograph {extents[PHOTOGRAPH]}")
    return Survey(found, (*missing,), (*faults,), (), (*content,))


def _values(source: Source, sample: str, layer: str, classes: int) -> Values:
    pixels = source.read(sample, layer)
    truth = source.decode(layer, pixels)
    height, width = truth.shape[-2:]
    sizes, count = Counter([f"{height}x{width}"]), height * width
    if layer == PHOTOGRAPH:
        known, valid = truth.flatten(), count
    else:
        task = make_task(layer, **({"classes": classes} if layer == "segmentation" else {}))
        mask = task.valid(truth[None])[0]
        known, valid = truth[mask.expand_as(truth) if truth.dim() == 3 else mask[0]], int(mask.sum())
    if layer == "segmentation":
        labels, counts = np.unique(known.numpy(), return_counts=True)
        histogram = Counter(dict(zip(labels.tolist(), counts.tolist(), strict=True)))
        return Values(sizes, count, valid, classes=histogram)
    if not known.numel():
        return Values(sizes, count, valid)
    wide = known.double()
    return Values(sizes, count, valid, known.numel(), float(wide.sum()), float(wide.min()), float(wide.max()))
