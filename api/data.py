"""Data sets on disk: what lies there, checked, converted and drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from os import PathLike
from typing import TypeVar

from ..benchmark.datasets.disk.dataset import digest_of
from ..benchmark.datasets.disk.formats import Format
from ..benchmark.datasets.disk.opening import Kept
from ..benchmark.datasets.disk.source import PHOTOGRAPH, Source
from ..benchmark.datasets.disk.survey import Survey, stretches, surveyed, together
from ..benchmark.datasets.registry import DATASETS
from ..benchmark.engines import Wanted, default_workers, make_engine
from ..benchmark.protocol.arguments import DataRoot, root_of, whole
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.progress import progress

J = TypeVar("J")
R = TypeVar("R")


@dataclass(frozen=True)
class SplitFound:
    """What one split is: as many `samples` as found, of `complete` where it is known; `absent` is why it is not there.

    `sha256` is the digest of all layers at `size`, as cells have it; None where something is broken.
    """

    samples: int
    complete: int | None
    absent: str | None
    survey: Survey
    size: tuple[int, int] | None
    sha256: str | None

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with what is there."""
        return not (self.survey.missing or self.survey.faults or self.survey.doubts)


@dataclass(frozen=True)
class Verified:
    """What lies in a folder, split by split; `tasks` are those whose truth its format has, with so many `classes`."""

    kept: Kept
    root: DataRoot
    format: Format
    classes: int
    tasks: tuple[str, ...]
    splits: Mapping[str, SplitFound]

    @property
    def sound(self) -> bool:
        """Whether some split is there and nothing is wrong with any that is."""
        there = [found for found in self.splits.values() if found.absent is None]
        return bool(there) and all(found.sound for found in there)


def verify(
    name: str,
    root: str | PathLike[str],
    *,
    classes: int | None = None,
    size: tuple[int, int] | None = None,
    workers: int | None = None,
    progress: bool = False,
) -> Verified:
    """Read every file of the data set `name` that lies in the folder `root`: what there is of it and what is wrong.

    `classes` and `size` are those of a model whose cells' digest is wanted; by default the format's first number and
    the photographs' own size. Raises BadInputError for a data set that is not on disk, and for an unknown format.
    """
    kept, place, form = located(name, root)
    number = kept.classes_at(place.folder, form, classes)
    splits, tasks = {}, kept.tasks_in(form, number)
    for split, complete in kept.counts.items():
        try:
            source = kept.source(place.folder, form, split, number)
        except BadInputError as error:
            splits[split] = SplitFound(0, complete, str(error), Survey(), None, None)
            continue
        survey, jobs = partial(surveyed, kept, tasks, number), [*stretches(source)]
        found = together(in_order(survey, jobs, workers, split if progress else None))
        splits[split] = _found(kept, source, complete, found, size, number)
    return Verified(kept, place, form, number, (*tasks,), splits)


def located(name: str, root: str | PathLike[str] | None) -> tuple[Kept, DataRoot, Format]:
    """The data set called `name`, its folder and its format there.

    Raises BadInputError for a data set that does not lie on disk, and for a folder that is not its.
    """
    kept, place = DATASETS.get(name), root_of(root)
    if not isinstance(kept, Kept):
        others = ", ".join(name for name in DATASETS.entries if isinstance(DATASETS.get(name), Kept))
        raise BadInputError(f"data set {name} is none of those that lie in a folder: {others}")
    folder, form = kept.format_at(None if place is None else place.folder, None if place is None else place.format)
    return kept, DataRoot(folder, form.name), form


def in_order(function: Callable[[J], R], jobs: Sequence[J], workers: int | None, title: str | None) -> Iterator[R]:
    """What the function makes of the jobs, in their order, by processes of their own if there are several workers."""
    count = default_workers() if workers is None else whole(workers, "workers", least=1)
    engine = make_engine(None, Wanted(min(count, len(jobs)) or 1))
    with closing(engine.run(function, jobs)) as results:
        by_job = dict(progress(results, title, total=len(jobs), disable=title is None, leave=False))
    return (by_job[job] for job in jobs)


def _found(
    kept: Kept, source: Source, complete: int | None, survey: Survey, size: tuple[int, int] | None, classes: int
) -> SplitFound:
    if size is None and PHOTOGRAPH in survey.layers:
        ((size, _),) = survey.layers[PHOTOGRAPH].sizes.most_common(1)
    broken = survey.missing or survey.faults
    digest = None if size is None or broken else digest_of(kept.name, size, classes, survey.content)
    return SplitFound(len(source.samples), complete, None, survey, size, digest)
