"""Every task by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from ..errors import unknown
from .base import Task
from .depth import Depth
from .edge_texture import EdgeTexture
from .keypoints2d import Keypoints2d
from .normals import Normals
from .segmentation import Segmentation

TASKS: Mapping[str, type[Any]] = MappingProxyType(
    {task.name: task for task in (Segmentation, Depth, Normals, Keypoints2d, EdgeTexture)}
)


def make_task(name: str, /, **settings: object) -> Task:
    """The task called `name` with its `settings`, such as `classes` for segmentation.

    Raises BadInputError if there is no such task or if it has no such setting.
    """
    if name not in TASKS:
        raise unknown("task", name, TASKS)
    known = [field.name for field in fields(TASKS[name])]
    for setting in settings:
        if setting not in known:
            raise unknown(f"setting of task {name}", setting, known)
    task: Task = TASKS[name](**settings)
    return task
