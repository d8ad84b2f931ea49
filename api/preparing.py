"""NYUv2 out of its authors' file: folders that read quickly, at one size, with normals."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from ..benchmark.datasets.disk.source import part
from ..benchmark.datasets.nyuv2.prepared import Preparation, begin, finish, write_sample
from ..benchmark.protocol.arguments import image_size, path
from ..benchmark.protocol.errors import BadInputError
from .data import in_order, located

PREPARED = ("nyuv2",)
"""What can be prepared; the others are read as they are."""
CLASSES = 40


@dataclass(frozen=True)
class Prepared:
    """The folder, how many samples it has, and how many of them were written now."""

    out: Path
    samples: int
    written: int


def prepare(
    name: str,
    root: str | PathLike[str],
    out: str | PathLike[str],
    *,
    size: int | tuple[int, int] | None = None,
    workers: int | None = None,
    progress: bool = False,
) -> Prepared:
    """Write the data set `name` from the folder `root` into `out`, in AdaShare's layout, at `size` (height, width).

    Labels are those of 40 classes. Normals are derived from depth by plane fits where the source has none; then
    `out`/prepared.json says so. What was interrupted goes on: samples that are there are not written again. Raises
    BadInputError for a source without 40 classes, and if `out` holds something else.
    """
    if name not in PREPARED:
        raise BadInputError(f"only {', '.join(PREPARED)} is prepared; {name} is read as it is")
    kept, place, form = located(name, root)
    if CLASSES not in form.classes or kept.camera is None:
        raise BadInputError(f"{place.folder} in the format {form.name} has no {CLASSES} classes to prepare from")
    home, sides = path(out, "out", "folder"), kept.size if size is None else image_size(size)
    about = {
        "data set": name,
        "size": list(sides),
        "source": form.name,
        "normals": "derived from depth by plane fits" if "normals" in form.lacks else "of the source",
    }
    stems, jobs = {}, []
    for split in kept.counts:
        source = kept.source(place.folder, form, split, CLASSES)
        stems[split] = [sample.replace("/", "-") for sample in source.samples]
        jobs += [
            Preparation(part(source, [sample]), sample, stem, home, sides, kept.camera)
            for sample, stem in zip(source.samples, stems[split], strict=True)
        ]
    begin(home, about)
    written = sum(in_order(write_sample, jobs, workers, "preparing" if progress else None))
    finish(home, stems)
    return Prepared(home, len(jobs), written)
