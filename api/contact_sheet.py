"""A picture of a data set's samples, a row each, and all that is known of them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from os import PathLike

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..benchmark.datasets.registry import at_root
from ..benchmark.protocol.arguments import whole
from ..benchmark.protocol.tasks.base import Task
from ..benchmark.protocol.types import Batch, Dataset
from ..leaderboards.site.exhibit import Maps, coloured
from .data import located
from .panels import known

HEIGHT = 240
"""Pixels of a photograph on the sheet."""
GAP, TITLE = 4, 14
"""Pixels between the maps, and above them for what they are called."""


def preview(
    name: str,
    root: str | PathLike[str],
    *,
    images: int = 6,
    split: str | None = None,
    classes: int | None = None,
) -> bytes:
    """The content of a PNG with `images` samples of a split, evenly spread: photograph, labels and all other maps.

    Grey is where there is no truth. Whoever has no right to publish the data has none to publish the sheet. Raises
    BadInputError as reading the data set does.
    """
    kept, place, form = located(name, root)
    count = whole(images, "images", least=1)
    tasks = kept.tasks_in(form, kept.classes_at(place.folder, form, classes))
    size = (HEIGHT, round(HEIGHT * kept.size[1] / kept.size[0]))
    chosen = next(iter(kept.counts)) if split is None else split
    dataset = at_root(name, place)(tasks=tasks, size=size, split=chosen)
    return sheet(dataset, tasks, np.unique(np.linspace(0, len(dataset.ids) - 1, count).astype(int)).tolist())


def sheet(dataset: Dataset, tasks: Mapping[str, Task], indices: Sequence[int]) -> bytes:
    """The content of a PNG with the samples at `indices`; raises BadInputError as reading them does."""
    batch = dataset.batch(indices)
    height, width = (side + GAP for side in batch.x.shape[-2:])
    paper = Image.new("RGB", (width * (1 + len(tasks)) + GAP, (height + TITLE) * len(indices) + GAP), "white")
    pen = ImageDraw.Draw(paper)
    for row, sample in enumerate(batch.ids):
        maps = {sample: np.moveaxis(batch.x[row].double().numpy(), 0, -1)}
        maps |= {task: _colours(tasks[task], batch, task, row) for task in tasks}
        for column, (title, colours) in enumerate(maps.items()):
            left, top = GAP + column * width, GAP + row * (height + TITLE)
            pen.text((left, top), title, fill="black")
            paper.paste(Image.fromarray(np.rint(255 * colours).astype(np.uint8)), (left, top + TITLE))
    stream = io.BytesIO()
    paper.save(stream, "PNG")
    return stream.getvalue()


def _colours(task: Task, batch: Batch, name: str, row: int) -> NDArray[np.float64]:
    """The truth of one sample as colours (H, W, 3), grey where there is none."""
    truth = batch.truth[name][row : row + 1]
    one = known(task, truth)
    if not np.isfinite(one).any():
        return np.full((*one.shape[-2:], 3), 0.8)
    return np.asarray(coloured(Maps(one, one, one, labels=not truth.is_floating_point()))[0])
