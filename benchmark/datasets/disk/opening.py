"""From a folder and wishes to a data set: everything that can be refused before a sample is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...protocol.errors import BadInputError
from ...protocol.tasks.base import Task
from ...protocol.tasks.registry import make_task
from .dataset import OnDisk
from .formats import Format, recognised
from .plausibility import Doubt, doubts_about
from .source import Source
from .surface import Pinhole


@dataclass(frozen=True)
class Kept:
    """A data set that people keep on disk: called, it gives the samples that lie in a folder.

    `counts` are the whole data set's samples by split, where one is whole; the first split is the one to evaluate on.
    `size` (height, width) is what it is given at where nobody says, `class_names` what labels mean, by their number.
    `offered` says where its owner offers it. `doubts` are what may be suspicious of data that reads well; `camera` took
    the photographs, or one much like it.
    """

    name: str
    tasks: tuple[str, ...]
    counts: Mapping[str, int | None]
    size: tuple[int, int]
    formats: tuple[Format, ...]
    offered: str
    doubts: tuple[Doubt, ...] = ()
    camera: Pinhole | None = None
    class_names: Mapping[int, Sequence[str]] = field(default_factory=dict)

    def format_at(self, root: Path | None, asked: str | None = None) -> tuple[Path, Format]:
        """The folder, and its format; raises BadInputError if there is none."""
        if root is None:
            raise BadInputError(f"data set {self.name} does not ship with the package: pass --data-root FOLDER")
        if not root.is_dir():
            raise BadInputError(f"data root {root} is not a folder")
        return root, recognised(self.name, root, self.formats, asked)

    def classes_at(self, root: Path, form: Format, wanted: int | None) -> int:
        """How many classes are `wanted` of a format, by default its first number; raises BadInputError for others."""
        if wanted is None:
            return form.classes[0]
        if wanted not in form.classes:
            has = " or ".join(map(str, form.classes))
            raise BadInputError(f"{root} in the format {form.name} has {has} segmentation classes, not {wanted}")
        return wanted

    def tasks_in(self, form: Format, classes: int) -> dict[str, Task]:
        """The tasks whose truth a format has, with so many classes."""
        settings = {"segmentation": {"classes": classes}}
        return {task: make_task(task, **settings.get(task, {})) for task in self.tasks if task not in form.lacks}

    def source(self, root: Path, form: Format, split: str, classes: int) -> Source:
        """The samples of a split; raises BadInputError if there is none."""
        if split not in self.counts:
            raise BadInputError(f"data set {self.name} has the splits {' and '.join(self.counts)}, not {split!r}")
        source = form.open(root, split, classes)
        if not source.samples:
            raise BadInputError(f"data root {root} has no photographs in the split {split} ({form.looks})")
        return source

    def __call__(
        self,
        tasks: Mapping[str, Task],
        root: Path | None = None,
        size: tuple[int, int] | None = None,
        images: int | None = None,
        split: str = "test",
        format: str | None = None,
    ) -> OnDisk:
        """The first `images` samples of a split in the folder `root`, with the truth of `tasks`.

        Each is scaled until it covers `size` (height, width) and cut at the centre. The format is recognised by what
        lies in the folder, where none is said. Raises BadInputError for a task without truth here, for a number of
        classes that there is none of, for whatever is missing below `root`, and for data that raises doubts.
        """
        size = self.size if size is None else size
        for task in tasks:
            if task not in self.tasks:
                has = ", ".join(self.tasks)
                raise BadInputError(f"data set {self.name} has no truth for task {task!r}; it has {has}")
        if min(size) < 1:
            raise BadInputError(f"size must be positive, not {size}")
        folder, form = self.format_at(root, format)
        classes = self.classes_at(folder, form, getattr(tasks.get("segmentation"), "classes", None))
        for task in tasks:
            if task in form.lacks:
                raise BadInputError(f"{folder} in the format {form.name} has no truth for {task}: {form.lacks[task]}")
        source = self.source(folder, form, split, classes)
        count = len(source.samples)
        if images is not None and not 1 <= images <= count:
            raise BadInputError(f"images must be 1 to {count}, as many as {folder} has, not {images}")
        dataset = OnDisk(self.name, source, source.samples[:images], tuple(tasks), size, classes)
        for sample in dataset.samples:
            for layer in dataset.layers:
                missing = source.missing(sample, layer)
                if missing:
                    raise BadInputError(f"{self.name} lacks the file {missing}")
        said = doubts_about(source, dataset.samples, dataset.layers, classes, self.doubts, self.camera)
        if said:
            raise BadInputError(said[0])
        return dataset
