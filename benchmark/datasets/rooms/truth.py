"""From rendered arrays to the tensors that the tasks want."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...protocol.errors import BadInputError
from . import responses

Arrays = Mapping[str, NDArray[Any]]

ROOMS3 = ("segmentation", "depth", "normals")
"""The tasks of NYUv2."""


def images(arrays: Arrays) -> Tensor:
    """Float32 (..., 3, H, W) in [0, 1] from `image` uint8 (..., H, W, 3)."""
    return _tensor(np.moveaxis(arrays["image"].astype(np.float32) / 255, -1, -3))


def truth(arrays: Arrays, tasks: Iterable[str]) -> dict[str, Tensor]:
    """The ground truth of `tasks` alone, laid out as their tasks say, after any leading axes.

    Raises BadInputError if rooms has no ground truth for one of them.
    """
    return {name: TRUTHS[name](arrays) for name in known(tasks)}


def known(tasks: Iterable[str], dataset: str = "rooms5") -> tuple[str, ...]:
    """The names of `tasks`; raises BadInputError if `dataset` (rooms3, rooms5) has no ground truth for one of them."""
    names = tuple(tasks)
    offered = ROOMS3 if dataset == "rooms3" else tuple(TRUTHS)
    for name in names:
        if name not in offered:
            raise BadInputError(
                f"data set {dataset} has no ground truth for task {name!r}; it has {', '.join(offered)}"
            )
    return names


def _tensor(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


def _segmentation(arrays: Arrays) -> Tensor:
    return _tensor(arrays["segmentation"].astype(np.int64))


def _depth(arrays: Arrays) -> Tensor:
    metres = arrays["depth"]
    if metres.dtype == np.uint16:
        metres = metres.astype(np.float32) / 1000
    return _tensor(metres[..., None, :, :])


def _normals(arrays: Arrays) -> Tensor:
    vectors = arrays["normals"].astype(np.float32)
    # Half precision, as shipped, leaves them off unit length by up to 0.1 %.
    vectors /= np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True))
    return _tensor(np.moveaxis(vectors, -1, -3))


def _keypoints2d(arrays: Arrays) -> Tensor:
    return _tensor(responses.keypoints2d(arrays["image"])[..., None, :, :])


def _edge_texture(arrays: Arrays) -> Tensor:
    return _tensor(responses.edge_texture(arrays["image"])[..., None, :, :])


TRUTHS: Mapping[str, Callable[[Arrays], Tensor]] = {
    "segmentation": _segmentation,
    "depth": _depth,
    "normals": _normals,
    "keypoints2d": _keypoints2d,
    "edge_texture": _edge_texture,
}
