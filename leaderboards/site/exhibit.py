"""A picture of what an attack does to one image: every task's truth, and its prediction before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..analysis.gallery import Panel
from ..plots.style import WIDTH, Drawn

Map = NDArray[np.float64]
AMPLIFIED = 0.45
"""How far from grey the largest change of a pixel is shown, 0.5 being black or white."""


@dataclass(frozen=True)
class Maps:
    """What one task makes of the image, each labels (H, W), scalars (H, W) or vectors (3, H, W).

    NaN in `truth` is where there is none.
    """

    truth: Map
    before: Map
    after: Map
    labels: bool = False


@dataclass(frozen=True)
class Words:
    """The same where it is no map, in words."""

    truth: str
    before: str
    after: str

    @property
    def all(self) -> Sequence[str]:
        """Top to bottom."""
        return self.truth, self.before, self.after


@dataclass(frozen=True)
class Shown:
    """One image and what a model makes of it, without and with the attack.

    `clean` and `attacked` are (3, H, W) in [0, 1]; `scores` are two texts by task, before and after.
    """

    clean: Map
    attacked: Map
    tasks: Mapping[str, Maps | Words]
    scores: Mapping[str, tuple[str, str]]


def factor(shown: Shown) -> int:
    """How many times larger than it is the perturbation is drawn; 1 if nothing changed."""
    largest = float(np.abs(shown.attacked - shown.clean).max())
    return max(1, int(AMPLIFIED / largest)) if largest else 1


def picture(shown: Shown, classes: Sequence[str] = ()) -> tuple[bytes, tuple[Panel, ...]]:
    """The content of a `png` file, and where its maps lie: rows truth, clean, attacked; columns image and tasks.

    The column of the image holds, top to bottom, the clean image, the perturbation times `factor` around grey, and the
    attacked image. A task's three maps share their colours; what is no map stands in words. `classes` name labels.
    """
    times = factor(shown)
    columns: list[Sequence[Axes]] = []

    def draw(figure: Figure) -> None:
        panels = figure.subplots(3, 1 + len(shown.tasks), squeeze=False)
        columns[:] = panels.T.tolist()
        change = 0.5 + times * (shown.attacked - shown.clean)
        images = {"clean image": shown.clean, f"perturbation, times {times}": change, "attacked image": shown.attacked}
        for axes, (title, image) in zip(panels[:, 0], images.items(), strict=True):
            _show(axes, np.moveaxis(image, 0, -1).clip(0, 1), title)
        for column, (task, found) in zip(panels.T[1:], shown.tasks.items(), strict=True):
            before, after = shown.scores[task]
            titles = [f"{task}: truth", f"clean: {before}", f"attacked: {after}"]
            parts: Sequence[Map | str] = coloured(found) if isinstance(found, Maps) else found.all
            for axes, part, title in zip(column, parts, titles, strict=True):
                _show(axes, part, title)

    high, wide = shown.clean.shape[1:]
    content = Drawn(draw, height=3 * (WIDTH / (1 + len(shown.tasks)) * high / wide + 0.1), dpi=150)["png"]
    # Layout has moved the axes, so that they are asked once all is drawn.
    image, *others = columns
    found = [Panel(name="image", clean=_box(image[0]), attacked=_box(image[2]))]
    for column, (task, maps) in zip(others, shown.tasks.items(), strict=True):
        if isinstance(maps, Maps):
            before, after = _box(column[1]), _box(column[2])
            own = Panel(name=task, clean=before, attacked=after, scores=shown.scores[task], **_legend(maps, classes))
            found.append(own)
    return content, tuple(found)


def _box(axes: Axes) -> tuple[float, float, float, float]:
    place = axes.get_position()
    left, top, width, height = (float(f"{part:.5f}") for part in (place.x0, 1 - place.y1, place.width, place.height))
    return left, top, width, height


def _legend(found: Maps, classes: Sequence[str]) -> dict[str, Any]:
    """What the colours of a task's maps mean, as fields of a panel."""
    if found.labels:
        known = [image[np.isfinite(image)] for image in (found.truth, found.before, found.after)]
        labels = sorted({int(label) for image in known for label in image})
        names = {label: classes[label] if 0 <= label < len(classes) else f"class {label}" for label in labels}
        return {"classes": {to_hex(colormaps["tab20"](label % 20)): name for label, name in names.items()}}
    if found.truth.ndim == 2 and np.isfinite(found.truth).any():
        return {"scale": tuple(f"{float(bound(found.truth)):.2g}" for bound in (np.nanmin, np.nanmax))}
    return {}


def coloured(found: Maps) -> list[Map]:
    """The three maps of a task as colours (H, W, 3), by one scale; grey where there is no truth."""
    maps = [found.truth, found.before, found.after]
    if found.labels:
        colours = [colormaps["tab20"](np.nan_to_num(image).astype(int) % 20)[..., :3] for image in maps]
    elif maps[0].ndim == 3:
        # Of unit length, each axis from -1 to 1 as a colour from dark to bright.
        units = [image / np.maximum(np.linalg.norm(image, axis=0, keepdims=True), 1e-6) for image in maps]
        colours = [np.moveaxis((unit + 1) / 2, 0, -1) for unit in units]
    else:
        low, high = (float(bound(maps[0])) for bound in (np.nanmin, np.nanmax))
        colours = [colormaps["viridis"]((image - low) / ((high - low) or 1.0))[..., :3] for image in maps]
    holes = np.isnan(maps[0]).any(axis=0) if maps[0].ndim == 3 else np.isnan(maps[0])
    colours[0][holes] = 0.8
    return colours


def _show(axes: Axes, part: Map | str, title: str) -> None:
    if isinstance(part, str):
        axes.text(0.5, 0.5, part, ha="center", va="center", fontsize=9, wrap=True, parse_math=False)
    else:
        axes.imshow(part, interpolation="nearest")
    axes.set_title(title, fontsize=8, fontweight="normal", pad=3)
    axes.axis("off")
