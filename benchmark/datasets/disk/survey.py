"""What lies on disk, read file by file: counts, sizes, ranges, classes, and whatever is wrong, each in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
import torch

from ...protocol.errors import BadInputError
from ...protocol.tasks.base import Task
from .opening import Kept
from .plausibility import doubts_about
from .source import PHOTOGRAPH, Source, part

TOGETHER = 6
"""Samples that are surveyed in one go, and held against each other for doubts."""


@dataclass(frozen=True)
class Values:
    """The pixels of one layer over some samples: sizes (height, width) of the samples, valid pixels and their values.

    `classes` counts labels; `least`, `most` and `total` are of the valid values of anything else.
    """

    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
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


def stretches(source: Source) -> Iterator[Source]:
    """All samples of a source, those together that are surveyed in one go."""
    names = source.samples
    return (part(source, names[start : start + TOGETHER]) for start in range(0, len(names), TOGETHER))


def surveyed(kept: Kept, tasks: Mapping[str, Task], classes: int, source: Source) -> Survey:
    """What was found of the samples of a stretch, with the truth of these tasks."""
    found = together(_surveyed(source, sample, tasks) for sample in source.samples)
    doubts = doubts_about(source, source.samples, (PHOTOGRAPH, *tasks), classes, kept.doubts, kept.camera)
    return found + Survey(doubts=(*doubts,))


def together(surveys: Iterable[Survey]) -> Survey:
    """Several surveys as one, in their order."""
    return reduce(Survey.__add__, surveys, Survey())


def _surveyed(source: Source, sample: str, tasks: Mapping[str, Task]) -> Survey:
    found, missing, faults, content = {}, [], [], []
    for layer in (PHOTOGRAPH, *tasks):
        absent = source.missing(sample, layer)
        if absent:
            missing.append(absent)
            continue
        try:
            content.append(source.content(sample, layer))
            found[layer] = _values(source, sample, layer, tasks.get(layer))
        except BadInputError as error:
            faults.append(str(error))
    extents = {layer: next(iter(values.sizes)) for layer, values in found.items()}
    for layer, extent in extents.items():
        if extent != extents.get(PHOTOGRAPH, extent):
            (height, width), (high, wide) = extent, extents[PHOTOGRAPH]
            faults.append(f"{source.path(sample, layer)} is {height}x{width}, but its photograph {high}x{wide}")
    return Survey(found, (*missing,), (*faults,), (), (*content,))


def _values(source: Source, sample: str, layer: str, task: Task | None) -> Values:
    pixels = source.read(sample, layer)
    truth = source.decode(layer, pixels)
    height, width = truth.shape[-2:]
    sizes, count = Counter([(height, width)]), height * width
    if task is None:  # the photograph
        known, valid = truth.flatten(), count
    else:
        mask = task.valid(truth[None])[0]
        known, valid = truth[mask.expand_as(truth) if truth.dim() == 3 else mask[0]], int(mask.sum())
    if not truth.is_floating_point():
        labels, counts = np.unique(known.numpy(), return_counts=True)
        histogram = Counter(dict(zip(labels.tolist(), counts.tolist(), strict=True)))
        return Values(sizes, count, valid, classes=histogram)
    if not known.numel():
        return Values(sizes, count, valid)
    wide = known.double()
    return Values(sizes, count, valid, known.numel(), float(wide.sum()), float(wide.min()), float(wide.max()))
