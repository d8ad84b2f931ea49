"""Every task by name, and what cards, recipes and Python say of a model's tasks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from typing import Any, cast

from ..cells import Setting
from ..conforming import fault_of
from ..digest import foreign_sha256
from ..errors import BadInputError, unknown
from ..metrics import Metric
from ..registry import Registry
from .base import Task
from .soft import WithSoftDamage

KIND = "task"
"""Beside a task's settings, the kind of a task that a model calls otherwise."""

CODE = "code"
"""Beside the settings of a task from outside, the digest of its code: edited code has another key."""

Described = Task | str | Mapping[str, object]
"""A task; the name of its kind; or its settings, with its kind under `task` if that is not what it is called."""


def checked(task: object, name: str) -> Task:
    """`task`, if it has all that a task has; raises BadInputError, which says what `name` lacks."""
    if isinstance(task, type):
        raise BadInputError(f"task {name!r} is a class; call it, as in {task.__name__}()")
    _check(task, name)
    metrics = cast(Task, task).metrics
    if not metrics or len({metric.name for metric in metrics}) < len(metrics):
        raise BadInputError(f"task {name!r} needs metrics, at least one and each once, not {metrics!r}")
    return cast(Task, task)


def _class(found: object, name: str) -> type[Any]:
    """What `TASKS` may lead to."""
    if not isinstance(found, type):
        raise BadInputError(f"task {name!r} is a {type(found).__name__}, not the class of a task")
    _check(found, name)
    return found


def _check(found: object, name: str) -> None:
    fault = fault_of(found, Task, WithSoftDamage)
    if fault:
        raise BadInputError(f"task {name!r} {fault}; docs/protocol.md says what a task provides")
    if not is_dataclass(found):
        raise BadInputError(f"task {name!r} is no dataclass; its fields are the settings of a task")
    taken = {KIND, "version", CODE} & {field.name for field in fields(found)}
    if taken:
        raise BadInputError(f"task {name!r} has a setting called {min(taken)}, which stands beside settings; rename it")


TASKS: Registry[type[Any]] = Registry(
    "task",
    {
        "segmentation": "mtrbench.benchmark.protocol.tasks.segmentation:Segmentation",
        "depth": "mtrbench.benchmark.protocol.tasks.depth:Depth",
        "normals": "mtrbench.benchmark.protocol.tasks.normals:Normals",
        "keypoints2d": "mtrbench.benchmark.protocol.tasks.keypoints2d:Keypoints2d",
        "edge_texture": "mtrbench.benchmark.protocol.tasks.edge_texture:EdgeTexture",
        "inverse_depth": "mtrbench.benchmark.protocol.tasks.inverse_depth:InverseDepth",
        "classification": "mtrbench.benchmark.protocol.tasks.classification:Classification",
        "regression": "mtrbench.benchmark.protocol.tasks.regression:Regression",
        "dgba2023_segmentation": "mtrbench.benchmark.protocol.tasks.dgba2023.segmentation:Segmentation2023",
        "dgba2023_depth": "mtrbench.benchmark.protocol.tasks.dgba2023.depth:Depth2023",
        "dgba2023_cross_entropy": "mtrbench.benchmark.protocol.tasks.dgba2023.cross_entropy:CrossEntropy2023",
        "dgba2023_cosine": "mtrbench.benchmark.protocol.tasks.dgba2023.cosine:Cosine2023",
        "dgba2023_log_depth": "mtrbench.benchmark.protocol.tasks.dgba2023.log_depth:LogDepth2023",
    },
    check=_class,
    group="mtrbench.tasks",
)


def make_task(kind: str, /, **settings: object) -> Task:
    """The task of the kind `kind`, a registered name or a reference to a class, with its `settings`, as `classes`.

    Raises BadInputError if there is no such task, and if it has no such setting or lacks one.
    """
    known = settings_of(TASKS.get(kind))
    for setting in settings:
        if setting not in known:
            raise unknown(f"setting of task {kind}", setting, known)
    lacking = [name for name, default in known.items() if default is MISSING and name not in settings]
    if lacking:
        raise BadInputError(f"task {kind} lacks its setting {lacking[0]}")
    return checked(TASKS.get(kind)(**settings), kind)


def make_tasks(described: Mapping[str, Described]) -> dict[str, Task]:
    """Tasks by the names that a model calls them; see `Described`.

    Two of one kind have names of their own: `{"left": {"task": "classification", "classes": 10}, "right": ...}`. Raises
    BadInputError as `make_task` does, and for a name that cannot stand in an attack's or in a layout.
    """
    return {_checked_name(name): _made(name, given) for name, given in described.items()}


def task_settings(tasks: Mapping[str, Task]) -> dict[str, dict[str, Setting]]:
    """What a cell says of every task: version, settings, its kind if that is not its name, and code from outside."""
    return {name: _described(name, task) for name, task in tasks.items()}


def _described(name: str, task: Task) -> dict[str, Setting]:
    kind: dict[str, Setting] = {} if task.kind == name else {KIND: task.kind}
    code = foreign_sha256(task)
    return {**kind, "version": task.version, **asdict(cast(Any, task)), **({} if code is None else {CODE: code})}


def tasks_of(settings: Mapping[str, Mapping[str, Setting]]) -> dict[str, Task]:
    """The tasks of which `task_settings` says this; raises BadInputError as `make_tasks` does."""
    return make_tasks(
        {name: {key: value for key, value in given.items() if key != "version"} for name, given in settings.items()}
    )


def settings_of(task: type[Any]) -> dict[str, object]:
    """The settings of a class of tasks with their defaults, `dataclasses.MISSING` where one has to be given."""
    return {field.name: field.default for field in fields(task)}


def usual_metrics(task: type[Any]) -> tuple[Metric, ...]:
    """The metrics of a class of tasks under its default settings; none if they depend on one that has to be given."""
    metrics: object = task.metrics
    if not isinstance(metrics, tuple) and MISSING not in settings_of(task).values():
        metrics = task().metrics
    return metrics if isinstance(metrics, tuple) else ()


def _made(name: str, described: Described) -> Task:
    if isinstance(described, str):
        return make_task(described)
    if isinstance(described, Mapping):
        settings = dict(described)
        if KIND not in settings and name not in TASKS:
            raise BadInputError(
                f'{unknown("task", name, TASKS)} (or say its kind beside it: {KIND} = "classification")'
            )
        kind = settings.pop(KIND, name)
        if not isinstance(kind, str):
            raise BadInputError(f"task {name!r}: {KIND} must name its kind, not {kind!r}")
        return make_task(kind, **settings)
    if described is None or isinstance(described, int | float | list | tuple):
        raise BadInputError(f"task {name!r} must be a task, its settings or the name of its kind, not {described!r}")
    return checked(described, name)


def _checked_name(name: str) -> str:
    # Attacks are called `single:NAME-pgd[...]@...`, layouts are split at blanks, and networks have a head per name.
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][\w-]{0,99}", name):
        raise BadInputError(f"a task cannot be called {name!r}; use letters, digits, - and _, and begin with a letter")
    return name
