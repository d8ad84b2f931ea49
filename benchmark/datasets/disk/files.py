"""One file at a time: what is read is what its kind and its format say, or else one line that names it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...protocol.errors import BadInputError

Pixels = NDArray[Any]
"""(height, width), or (height, width, 3)."""

BROKEN = (OSError, ValueError, TypeError, LookupError, SyntaxError, TokenError, RecursionError, MemoryError)
"""Whatever the parsers of images, arrays and JSON raise at a broken file."""


@contextmanager
def reading(path: Path, kind: str) -> Iterator[io.BytesIO]:
    """The file's content; whatever its parser raises becomes BadInputError."""
    try:
        yield io.BytesIO(path.read_bytes())
    except (*BROKEN, Image.DecompressionBombError) as error:
        if isinstance(error, BadInputError):
            raise
        raise BadInputError(f"{path} cannot be read as {kind}") from error


def png(path: Path, mode: str) -> Pixels:
    """The pixels of a PNG of one mode: L (8 bits), I;16 or RGB."""
    with reading(path, "a PNG image") as file:
        image = Image.open(file, formats=("PNG",))
        image.load()
    if image.mode != mode:
        bits = "; a picture of the data, and not the data?" if mode == "I;16" else ""
        raise BadInputError(f"{path} must be a PNG of mode {mode}, not {image.mode}{bits}")
    return np.asarray(image)


def photograph(path: Path) -> Pixels:
    """The pixels of an RGB image, PNG or JPEG, as its name says."""
    if path.suffix == ".png":
        return png(path, "RGB")
    with reading(path, "a JPEG image") as file:
        image = Image.open(file, formats=("JPEG",))
        image.load()
    if image.mode != "RGB":
        raise BadInputError(f"{path} must be a JPEG of mode RGB, not {image.mode}")
    return np.asarray(image)


def npy(path: Path) -> Pixels:
    """The array in an npy file, which holds no objects."""
    with reading(path, "an npy array of numbers") as file:
        return np.lib.format.read_array(file, allow_pickle=False)  # np.load would take archives too


def numbers(path: Path, channels: int | None = None, kind: type[np.floating] = np.floating) -> NDArray[np.float32]:
    """An npy file of floating-point numbers of a `kind`: (H, W), (1, H, W) or (H, W, 1), or else (H, W, channels)."""
    array = npy(path)
    if channels is None:
        fits = array.ndim == 2 or (array.ndim == 3 and 1 in (array.shape[0], array.shape[-1]))
    else:
        fits = array.ndim == 3 and array.shape[-1] == channels
    if not np.issubdtype(array.dtype, kind) or array.size == 0 or not fits:
        wanted = "(H, W) or (1, H, W)" if channels is None else f"(H, W, {channels})"
        name = "floating-point numbers" if kind is np.floating else kind.__name__
        raise BadInputError(f"{path} must be {name} {wanted}, not {array.dtype} {array.shape}")
    if channels is None and array.ndim == 3:
        array = array[0] if array.shape[0] == 1 else array[..., 0]
    with np.errstate(over="ignore"):  # what is too large for 32 bits is not finite
        return array.astype(np.float32)


def vectors(path: Path) -> NDArray[np.float32]:
    """An npy file of floating-point numbers (H, W, 3)."""
    return numbers(path, channels=3)


def no_other(path: Path, values: NDArray[Any], allowed: Sequence[int], kind: str) -> None:
    """Raises BadInputError, naming the file, for a value that is not among those allowed."""
    strange = np.setdiff1d(values, np.asarray(allowed))
    if strange.size:
        raise BadInputError(f"{path} holds {kind} {strange[0]:g}; {_ranges(allowed)} are allowed")


def eight_bits(path: Path, values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Images kept as numbers in [0, 1], rounded to 8 bits; raises BadInputError, naming the file, outside of that."""
    low, high = float(values.min()), float(values.max())
    if not (low >= -1e-6 and high <= 1 + 1e-6):  # NaN too
        raise BadInputError(f"{path} holds an image from {low:g} to {high:g}; it must lie in [0, 1]")
    return np.asarray(np.rint(values.clip(0, 1) * 255), np.uint8)


def whole_numbers(path: Path) -> NDArray[np.int64]:
    """An npy file of labels (H, W): integers, in whatever type they were saved."""
    array = npy(path)
    if array.ndim != 2 or array.size == 0 or array.dtype.kind not in "iuf":
        raise BadInputError(f"{path} must be labels (H, W), not {array.dtype} {array.shape}")
    with np.errstate(invalid="ignore"):  # what fits no integer differs from what it becomes
        found = np.nan_to_num(array, nan=0.5).astype(np.int64)
    if not np.array_equal(found, array):
        raise BadInputError(f"{path} holds labels that are no whole numbers")
    return found


def _ranges(allowed: Sequence[int]) -> str:
    """`0..39 and 255 (void)`."""
    inner = [value for value in allowed if 0 <= value < 255]
    void = [value for value in allowed if value not in inner]
    return f"{min(inner)}..{max(inner)}" + "".join(f" and {value} (void)" for value in void)
