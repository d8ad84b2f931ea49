"""The shapes that tasks ask of predictions and truth, as data."""

from __future__ import annotations

from collections.abc import Sequence

Shape = tuple[int | str, ...]
"""The axes of one sample, without the batch axis: lengths or names, as (13, "height", "width") or (10,).

"height" and "width" are the image's. An axis of another name has any length, the same in prediction and truth.
"""

PLANE = ("height", "width")


def is_dense(shape: Shape) -> bool:
    """Whether there is a value for every pixel of the image: the last two axes are its height and width."""
    return shape[-2:] == PLANE


def written(shape: Shape) -> str:
    """The shape of a batch, for people: `(B, 13, height, width)`."""
    return f"({', '.join(map(str, ('B', *shape)))}{'' if shape else ','})"


def fits(shape: Shape, found: Sequence[int], lengths: dict[str, int]) -> bool:
    """Whether `found` are the lengths of these axes, given the `lengths` of named ones; new names are added to them."""
    return len(shape) == len(found) and all(
        (axis if isinstance(axis, int) else lengths.setdefault(axis, length)) == length
        for axis, length in zip(shape, found, strict=True)
    )
