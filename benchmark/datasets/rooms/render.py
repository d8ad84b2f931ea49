"""Rendering: from a key to an image with its ground truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .lighting import irradiance
from .raycast import cast, dot
from .scene import compose
from .textures import paint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .parts import Floats


def render(key: tuple[int, ...], size: tuple[int, int] = (64, 64)) -> dict[str, NDArray[Any]]:
    """The scene that belongs to `key`, seen at (height, width) `size`.

    Keys: `image` uint8 (H, W, 3) RGB; `segmentation` uint8 (H, W), an index into CLASSES; `depth` float32 (H, W),
    metres along the optical axis; `normals` float32 (H, W, 3), unit, towards the camera, in camera axes x right,
    y forward, z up. Camera and furniture depend on the key alone.
    """
    rng = np.random.default_rng(np.random.SeedSequence(key))
    scene = compose(rng)
    height, width = size
    hits = cast(scene.parts, scene.extent, scene.camera, size)
    colour = paint(scene.parts, hits, 1 / scene.camera.focal(size)) ** 2
    glow = scene.parts.emission[hits.index][:, None]
    right, forward, up = scene.camera.axes()
    light = irradiance(scene.parts, hits, scene.extent, scene.lamps, scene.ambient)
    radiance = (colour * (glow + (1 - glow) * light)).reshape(height, width, 3)
    return {
        "image": _develop(rng, radiance),
        "segmentation": scene.parts.label[hits.index].astype(np.uint8).reshape(size),
        "depth": hits.depth.reshape(size),
        "normals": np.stack([dot(hits.normal, axis) for axis in (right, forward, up)], axis=1).reshape(
            height, width, 3
        ),
    }


def _develop(rng: np.random.Generator, radiance: Floats) -> NDArray[np.uint8]:
    """The 8-bit image of linear light (H, W, 3): a slight blur, gamma 2, a soft shoulder, sensor noise."""
    noise = rng.standard_normal(radiance.shape, dtype=np.float32)
    for axis in (0, 1):
        padded = np.pad(radiance, [(1, 1) if i == axis else (0, 0) for i in range(3)], mode="edge")
        count = radiance.shape[axis]
        before, after = (padded.take(range(start, start + count), axis) for start in (0, 2))
        radiance = 0.76 * radiance + 0.12 * (before + after)
    display = np.sqrt(radiance / (1 + radiance**3) ** (1 / 3))
    image: NDArray[np.uint8] = np.clip((display + 0.008 * noise) * 255 + 0.5, 0, 255).astype(np.uint8)
    return image
