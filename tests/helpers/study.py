"""The study's network at its size, on a GPU: DeepLab-ResNet34, fully shared, three tasks, 321 x 321 pixels."""

from __future__ import annotations

import torch

from mtrbench import load_dataset
from mtrbench.benchmark.protocol.tasks.registry import make_tasks
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel
from mtrbench.models.nets.resnet34_deeplab import resnet34_deeplab

SIZE = (321, 321)
TASKS = {"segmentation": {"classes": 13}, "depth": {}, "normals": {}}


def study_model() -> MultiTaskModel:
    torch.manual_seed(0)
    tasks = make_tasks(TASKS)
    return MultiTaskModel(resnet34_deeplab(tasks, [" ".join(TASKS)] * 5), tasks).cuda().eval()


def images(count: int) -> Batch:
    """As many images of the device: eight rooms, again and again."""
    rooms = load_dataset("rooms3", make_tasks(TASKS), images=min(count, 8), size=SIZE)
    batch = rooms.batch([index % len(rooms.ids) for index in range(count)])
    return Batch(batch.x, batch.truth, tuple(map(str, range(count)))).to(torch.device("cuda"))
