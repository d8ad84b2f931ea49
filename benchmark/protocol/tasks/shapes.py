"""The shapes that tasks ask of predictions and truth, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

Shape = tuple[int | str, ...]
"""The axes of one sample, without the batch axis: lengths or names, as (13, "height", "width") or (10,).

"height" and "width" are the image's. An axis of another name has any length, the same in prediction and truth.
"""

PLANE = ("height", "width")


def is_dense(shape: Shape) -> bool:
    """Whether there is a value for every pixel of the image: the last two axes are its height and width."""
    return shape[-2:] == PLANE


def written(shape: Shape, lengths: Mapping[str, int] = MappingProxyType({})) -> str:
    """The shape of a batch, for people: `(B, 13, height, width)`, with the `lengths` of named axes that are known."""
    axes = [str(lengths.get(axis, axis) if isinstance(axis, str) else axis) for axis in ("B", *shape)]
    return f"({', '.join(axes)}{'' if shape else ','})"


def fits(shape: Shape, found: Sequence[int], lengths: dict[str, int]) -> bool:
    """Whether a batch is so long along its axes, given the `lengths` of named ones; new names are added to them.

    The batch's own axis is called B.
    """
    return len(shape) + 1 == len(found) and all(
        (axis if isinstance(axis, int) else lengths.setdefault(axis, length)) == length
        for axis, length in zip(("B", *shape), found, strict=True)
    )
