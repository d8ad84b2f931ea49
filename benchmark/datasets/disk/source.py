"""What a format has to offer to be a data set: the layers of its samples, one at a time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import isfile  # unlike Path.is_file, False for every name that the system refuses
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

from torch import Tensor

from ...protocol.errors import BadInputError
from .files import Pixels, reading

PHOTOGRAPH = "photograph"
"""The layer that is the image; the others are called as the tasks whose truth they are."""


class Source(Protocol):
    """The samples of one split, as they lie in one format: a dataclass that reads nothing before it is asked to."""

    @property
    def samples(self) -> tuple[str, ...]:
        """The samples' names, each once."""
        ...

    @property
    def layers(self) -> tuple[str, ...]:
        """What it has of every sample, `PHOTOGRAPH` first."""
        ...

    def path(self, sample: str, layer: str) -> Path:
        """The file that messages name, which need not be there."""
        ...

    def missing(self, sample: str, layer: str) -> str | None:
        """The file that is not there, or those of which one would do; None if it is there."""
        ...

    def read(self, sample: str, layer: str) -> Pixels:
        """The layer at its own size, checked; raises BadInputError that names the file and its fault."""
        ...

    def decode(self, layer: str, pixels: Pixels) -> Tensor:
        """What the benchmark means by these pixels, without a batch axis: see docs/protocol.md."""
        ...

    def content(self, sample: str, layer: str) -> str:
        """One line that changes with what is read, and not with where it lies."""
        ...


@dataclass(frozen=True)
class Layer:
    """Where a layer's files lie, how one is read, and what its pixels mean.

    `places` are paths below the root, of which the first that is there counts: {sample}, or {folder}/{name} for its
    part before and after the last slash.
    """

    places: tuple[str, ...]
    read: Callable[[Path], Pixels]
    decode: Callable[[Pixels], Tensor]


@dataclass(frozen=True)
class Files:
    """A format with a file for every layer of a sample; its class brings `tables`, the layers by number of classes."""

    root: Path
    samples: tuple[str, ...]
    classes: int

    tables: ClassVar[Mapping[int, Mapping[str, Layer]]]

    @property
    def layers(self) -> tuple[str, ...]:
        return (*self.tables[self.classes],)

    def path(self, sample: str, layer: str) -> Path:
        paths = self._paths(sample, layer)
        return next(filter(isfile, paths), paths[0])

    def missing(self, sample: str, layer: str) -> str | None:
        paths = self._paths(sample, layer)
        return None if any(map(isfile, paths)) else " or ".join(map(str, paths))

    def read(self, sample: str, layer: str) -> Pixels:
        return self.tables[self.classes][layer].read(self.path(sample, layer))

    def decode(self, layer: str, pixels: Pixels) -> Tensor:
        return self.tables[self.classes][layer].decode(pixels)

    def content(self, sample: str, layer: str) -> str:
        path = self.path(sample, layer)
        with reading(path, "a file") as file:
            digest = hashlib.sha256(file.getbuffer()).hexdigest()
        return f"{path.relative_to(self.root).as_posix()} {digest}"

    def _paths(self, sample: str, layer: str) -> list[Path]:
        folder, _, name = sample.rpartition("/")
        places = self.tables[self.classes][layer].places
        return [self.root / place.format(sample=sample, folder=folder, name=name) for place in places]


def part(source: Source, samples: Sequence[str]) -> Source:
    """The source with these of its samples alone, which is less to hand to another process."""
    found: Source = replace(cast(Any, source), samples=(*samples,))
    return found


def visible(folder: Path, pattern: str = "*") -> list[Path]:
    """The paths below a folder that match, in order, but for hidden ones, as macOS adds to archives (`._NAME`)."""
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))


def stems(root: Path, folder: str, *suffixes: str) -> list[str]:
    """The files of a folder without their suffixes, in order."""
    return sorted({path.stem for path in visible(root / folder) if path.suffix in suffixes})


def by_number(name: str) -> list[tuple[bool, int, str]]:
    """What names are sorted by, so that number 10 comes after number 9."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]


def lines(path: Path) -> list[str]:
    """The lines of a text file that are not empty; raises BadInputError for bytes that are no text."""
    with reading(path, "lines of text") as file:
        return [line.strip() for line in file.getvalue().decode().splitlines() if line.strip()]


def distinct(names: list[str], where: str) -> tuple[str, ...]:
    """The names; raises BadInputError if one is repeated or cannot be printed."""
    if len({*names}) < len(names) or not all(map(str.isprintable, names)):
        raise BadInputError(f"{where} has an unprintable or repeated file name")
    return (*names,)
