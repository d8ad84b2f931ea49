"""What a user may write for a number, a size or a path, and the one line for everything else."""

from __future__ import annotations

import operator
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .errors import BadInputError
from .files import at_home

BatchSize = int | Literal["auto"]
"""How many images go through a network at once; `auto` is as many as memory and throughput let them."""


def whole(value: object, what: str, least: int | None = None) -> int:
    """`value` as an int, at least `least`; raises BadInputError, naming `what`, for anything else."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError as error:
        raise BadInputError(f"{what} must be a whole number, not {value!r}") from error
    if least is not None and number < least:
        raise BadInputError(f"{what} must be at least {least}, not {number}")
    return number


def batch_size_of(value: object) -> BatchSize:
    """How many images at once; raises BadInputError for anything that is none."""
    return "auto" if value == "auto" else whole(value, "batch_size", least=1)


def image_size(value: object) -> tuple[int, int]:
    """(height, width), from these or from one number for both; raises BadInputError for anything else."""
    sides: Any = value if isinstance(value, Sequence) and not isinstance(value, str) else (value, value)
    try:
        height, width = (whole(side, "a side", least=1) for side in sides)
    except ValueError as error:
        raise BadInputError(f"size must be (height, width) or one number for both, not {value!r}") from error
    return height, width


def path(value: str | os.PathLike[str], what: str, of: str = "file") -> Path:
    """A path with `~` expanded; raises BadInputError, naming `what`, for anything that is none `of` a file or so."""
    try:
        return at_home(value)
    except (TypeError, RuntimeError) as error:
        raise BadInputError(f"{what} must be the path of a {of}, not {value!r}") from error


def folder(value: str | os.PathLike[str] | None, what: str) -> Path | None:
    """The path of a folder, as `path` reads it, or None."""
    return None if value is None else path(value, what, "folder")


@dataclass(frozen=True)
class DataRoot(os.PathLike[str]):
    """The folder of a data set's files, and the `format` in which they lie there, where that needs saying."""

    folder: Path
    format: str | None = None

    def __fspath__(self) -> str:
        return str(self.folder)

    def __str__(self) -> str:
        return f"{self.folder} ({self.format})" if self.format else str(self.folder)


def root_of(value: str | os.PathLike[str] | None) -> DataRoot | None:
    """A data set's folder, as `path` reads it, with its format if it comes with one; or None."""
    if value is None:
        return None
    form = value.format if isinstance(value, DataRoot) else None
    return DataRoot(path(value, "data_root", "folder"), form)
