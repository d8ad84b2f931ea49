"""Patterns on surfaces, as blends of three colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .materials import Texture

if TYPE_CHECKING:
    from collections.abc import Callable

    from .parts import Floats, Integers, Parts
    from .raycast import Hits

ACROSS = np.array([1, 0, 0])
ALONG = np.array([2, 2, 1])


def paint(parts: Parts, hits: Hits, pixel: float) -> Floats:
    """The unlit colours (P, 3) of all hits; `pixel` is the angle of a pixel in radians.

    A pattern fades to its mean where its period nears two pixels, so that nothing is aliased.
    """
    index = hits.index
    local = parts.into(index, hits.point - parts.centre[index])
    rows = np.arange(len(index))
    across, along = ACROSS[hits.face], ALONG[hits.face]
    u, v = local[rows, across], local[rows, along]
    a, b = u / parts.half[index, across], v / parts.half[index, along]
    u, v, phase = u / parts.scale[index], v / parts.scale[index], parts.phase[index]
    fade = np.clip(2 - 3 * hits.depth * pixel / (parts.scale[index] * np.maximum(hits.slant, 0.3)), 0, 1)

    blend = np.zeros(len(index), dtype=np.float32)
    texture = parts.texture[index]
    for kind, pattern in PERIODIC.items():
        on = texture == kind
        blend[on] = 0.5 + fade[on] * (np.clip(pattern(u[on], v[on], phase[on]), 0, 1) - 0.5)
    for kind, pattern in FITTED.items():
        on = texture == kind
        blend[on] = pattern(a[on], b[on], phase[on])
    colours = parts.colours[index]
    low, high = np.clip(blend, 0, 1)[:, None], np.clip(blend - 1, 0, 1)[:, None]
    colour = colours[:, 0] + low * (colours[:, 1] - colours[:, 0])
    return colour + high * (colours[:, 2] - colour)


def hashed(i: Integers | Floats, j: Integers | Floats) -> Floats:
    """A fixed pseudo-random number in [0, 1) for each lattice point (i, j)."""
    mixed = (i.astype(np.int64) * 73856093) ^ (j.astype(np.int64) * 19349663)
    mixed = (mixed ^ (mixed >> 13)) * 1274126177 & 0x7FFFFFFF
    number: Floats = ((mixed ^ (mixed >> 16)) % 4096).astype(np.float32) / np.float32(4096)
    return number


def _wood(u: Floats, v: Floats, phase: Floats) -> Floats:
    board = np.floor(v)
    grain: Floats = np.sin(9 * (v + 0.15 * np.sin(1.3 * u + 5 * board)) + 0.5 * u + phase)
    seam = (v - board < 0.1) * np.float32(0.5)
    tone: Floats = 0.75 * hashed(board, phase) + 0.2 + 0.2 * grain + seam
    return tone


def _carpet(u: Floats, v: Floats, phase: Floats) -> Floats:
    i, j = np.floor(u), np.floor(v)
    x, y = u - i, v - j
    low = hashed(i, j + np.floor(phase)) * (1 - x) + hashed(i + 1, j + np.floor(phase)) * x
    high = hashed(i, j + 1 + np.floor(phase)) * (1 - x) + hashed(i + 1, j + 1 + np.floor(phase)) * x
    return low * (1 - y) + high * y


def _stripes(u: Floats, v: Floats, phase: Floats) -> Floats:
    return ((u + phase) % 1 < 0.5).astype(np.float32)


def _tiles(u: Floats, v: Floats, phase: Floats) -> Floats:
    i, j = np.floor(u), np.floor(v)
    joint = np.maximum(np.abs(u - i - 0.5), np.abs(v - j - 0.5)) > 0.46
    return np.where(joint, np.float32(1), 0.3 * hashed(i + np.floor(phase), j))


def _checker(u: Floats, v: Floats, phase: Floats) -> Floats:
    field: Floats = ((np.floor(u + phase) + np.floor(v)) % 2).astype(np.float32)
    return field


def _plaster(u: Floats, v: Floats, phase: Floats) -> Floats:
    return 0.5 + 0.25 * (np.sin(1.7 * u + phase) + np.sin(2.3 * v + 0.8 * u + phase))


def _sky(a: Floats, b: Floats, phase: Floats) -> Floats:
    hills = -0.55 + 0.12 * np.sin(2.5 * a + phase) + 0.05 * np.sin(7 * a + 2 * phase)
    return np.where(b < hills, np.float32(2), np.clip((b + 0.6) / 1.6, 0, 1))


def _painting(a: Floats, b: Floats, phase: Floats) -> Floats:
    sun = (a - np.sin(phase) * 0.5) ** 2 + (b - 0.35) ** 2 < 0.12
    hills = b < -0.15 + 0.35 * np.sin(2.2 * a + phase) * np.cos(phase)
    near = b < -0.45 + 0.2 * np.cos(3 * a + 2 * phase)
    scene = np.where(near, 0.25, np.where(hills, 1.0, np.where(sun, 2.0, 1.6 - 0.3 * b)))
    blocks = 2 * hashed(np.floor(1.5 * a + phase), np.floor(1.5 * b + phase))
    return np.where(np.sin(7 * phase) > -0.2, scene, blocks).astype(np.float32)


def _screen(a: Floats, b: Floats, phase: Floats) -> Floats:
    gleam = np.exp(-(((a + 0.7 * b - 0.4 * np.sin(phase)) / 0.35) ** 2))
    return 0.25 * (b + 1) + 0.75 * gleam


PERIODIC: dict[Texture, Callable[[Floats, Floats, Floats], Floats]] = {
    Texture.WOOD: _wood,
    Texture.CARPET: _carpet,
    Texture.STRIPES: _stripes,
    Texture.TILES: _tiles,
    Texture.CHECKER: _checker,
    Texture.PLASTER: _plaster,
}
FITTED: dict[Texture, Callable[[Floats, Floats, Floats], Floats]] = {
    Texture.SKY: _sky,
    Texture.PAINTING: _painting,
    Texture.SCREEN: _screen,
}
