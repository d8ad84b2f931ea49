"""How far scores fall: the damage relative to the clean values, on a whole split and on single images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # boards stand on this module and must not load torch
    from .tasks.base import Task

Array = NDArray[np.float64]


def relative(clean: Array, attacked: Array, higher_is_better: bool) -> Array:
    """D = s (c - a) / |c| with s = +1 if higher is better, else -1: positive = damage; NaN for c = 0."""
    sign = 1.0 if higher_is_better else -1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(clean == 0, np.nan, sign * (clean - attacked) / np.abs(clean))


def on_split(tasks: Mapping[str, Task], clean: Mapping[str, Array], attacked: Mapping[str, Array]) -> Array:
    """ARD, shaped (...): the mean over tasks of the mean over the task's metrics of D; NaN where a part is undefined.

    Both are sums of statistics over the same samples: `clean[task]` (S,) and `attacked[task]` (..., S).
    """
    return _mean(_mean(part) for part in _parts(tasks, clean, attacked))


def on_images(tasks: Mapping[str, Task], clean: Mapping[str, Array], attacked: Mapping[str, Array]) -> Array:
    """The score by which attacks on one image are compared, (M, n) for M attacks; larger = more damage.

        s_i = mean over tasks of the mean over the task's metrics m of s (c_m - m(x_i)) / |c_m|

    c_m is the clean value over the whole split, whose statistics add up to `clean[task]` (S,), and m(x_i) the metric of
    the image's own statistics `attacked[task]` (M, n, S). A part that is undefined on an image under any of the attacks
    is left out for that image under all, and so is a task without parts; where nothing is left the score is 0.
    """
    return np.nan_to_num(_mean_of_known(_tasks_on_images(tasks, clean, attacked)))


def least_on_images(tasks: Mapping[str, Task], clean: Mapping[str, Array], attacked: Mapping[str, Array]) -> Array:
    """The same with the smallest of the tasks' damages in place of their mean: large only where every task is hit."""
    by_task = _tasks_on_images(tasks, clean, attacked)
    known = np.isfinite(by_task).all(axis=1, keepdims=True)
    least = np.where(known, by_task, np.inf).min(axis=0)
    return np.where(np.isfinite(least), least, 0)


def _tasks_on_images(tasks: Mapping[str, Task], clean: Mapping[str, Array], attacked: Mapping[str, Array]) -> Array:
    """Every task's damage to every image under every attack, (T, M, n)."""
    return np.stack([_mean_of_known(part) for part in _parts(tasks, clean, attacked)])


def _parts(tasks: Mapping[str, Task], clean: Mapping[str, Array], attacked: Mapping[str, Array]) -> Iterable[Array]:
    """For every task D of its metrics, (metrics, ...)."""
    for name, task in tasks.items():
        before, after = task.scores(clean[name]), task.scores(attacked[name])
        yield np.stack([relative(before[m.name], after[m.name], m.higher_is_better) for m in task.metrics])


def _mean(parts: Iterable[Array]) -> Array:
    return np.asarray(np.stack([*parts]).mean(axis=0))


def _mean_of_known(parts: Array) -> Array:
    """(M, n) out of (parts, M, n): the mean over the parts that are defined for all M; NaN where there is none."""
    known = np.isfinite(parts).all(axis=1, keepdims=True)
    count = known.sum(axis=0)
    total = np.where(known, parts, 0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
