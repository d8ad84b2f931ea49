"""All layers of a sample at one size."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from .files import Pixels


def fitted(pixels: Pixels, size: tuple[int, int], mix: bool) -> Pixels:
    """Pixels (H, W) or (H, W, 3) scaled until they cover `size` (height, width), and cut at the centre.

    To `mix`, for photographs in 8 bits, is a triangle filter over the source's pixels, which averages without
    overshoot. Truth must not be mixed at all: each pixel takes the nearest one's.
    """
    if mix:
        return np.asarray(ImageOps.fit(Image.fromarray(pixels), size[::-1], Image.Resampling.BILINEAR))
    height, width = pixels.shape[:2]
    places = Image.fromarray(np.arange(height * width, dtype=np.int32).reshape(height, width))
    chosen = np.asarray(ImageOps.fit(places, size[::-1], Image.Resampling.NEAREST))
    return np.asarray(pixels.reshape(height * width, *pixels.shape[2:])[chosen])
