"""What lies in a data set's folder, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tabulate import tabulate

from ..api.data import SplitFound, Verified
from ..benchmark.datasets.disk.survey import Values

MESSAGES = 20
"""Faults of one kind that are told one by one."""


def as_data(found: Verified) -> dict[str, Any]:
    """What was found, for programs."""
    return {
        "data set": found.kept.name,
        "folder": str(found.root.folder),
        "format": found.format.name,
        "sound": found.sound,
        "classes": found.classes,
        "splits": {
            split: {
                "samples": one.samples,
                "complete": one.complete,
                "absent": one.absent,
                "size": one.size,
                "sha256": one.sha256,
                "missing": one.survey.missing,
                "faults": one.survey.faults,
                "doubts": one.survey.doubts,
                "layers": {layer: _of_layer(values) for layer, values in one.survey.layers.items()},
            }
            for split, one in found.splits.items()
        },
    }


def as_text(found: Verified) -> str:
    """What was found, for people."""
    parts = [f"{found.kept.name} in {found.root.folder}, format {found.format.name}"]
    for split, one in found.splits.items():
        if one.absent:
            parts.append(f"\n{split}: not there: {one.absent}")
            continue
        parts.append(f"\n{split}: {one.samples} samples" + (f" of {one.complete}" if one.complete else ""))
        parts += [_table(one), *_histogram(found, one), *_wrong(one)]
        size = _written(one.size) if one.size else "no size"
        digest = f"sha256 {one.sha256}" if one.sha256 else "no digest"
        parts.append(f"{digest} ({', '.join(found.tasks)}; {found.classes} classes; {size})")
    parts += [f"\nno {task}: {why}" for task, why in found.format.lacks.items()]
    if any(one.absent or (one.complete or 0) > one.samples for one in found.splits.values()):
        parts.append(f"\nthe whole data set is offered at {found.kept.offered}")
    return "\n".join(parts)


def _written(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _of_layer(values: Values) -> dict[str, Any]:
    numbers = {"least": values.least, "mean": values.total / max(values.values, 1), "most": values.most}
    return {
        "sizes": {_written(size): count for size, count in values.sizes.items()},
        "invalid": 1 - values.valid / values.pixels,
        **(numbers if values.values else {}),
        **({"classes": values.classes} if values.classes else {}),
    }


def _table(found: SplitFound) -> str:
    rows = []
    for layer, values in found.survey.layers.items():
        several = len(values.sizes) > 1
        sizes = ", ".join(
            f"{_written(size)} ({count})" if several else _written(size) for size, count in values.sizes.items()
        )
        numbers = {
            name: f"{value:.3g}" for name, value in _of_layer(values).items() if name in ("least", "mean", "most")
        }
        invalid = f"{1 - values.valid / values.pixels:.1%}"
        rows.append({"layer": layer, "files": values.sizes.total(), "size": sizes, "invalid": invalid, **numbers})
    return tabulate(rows, headers="keys", missingval="-", disable_numparse=True)


def _histogram(found: Verified, one: SplitFound) -> Iterator[str]:
    if "segmentation" not in one.survey.layers:
        return
    counts = one.survey.layers["segmentation"].classes
    names = found.kept.class_names.get(found.classes, [str(label) for label in range(found.classes)])
    yield "classes: " + ", ".join(
        f"{names[label]} {count / counts.total():.1%}" for label, count in counts.most_common()
    )
    absent = [name for label, name in enumerate(names) if label not in counts]
    if absent:
        yield f"no pixel of: {', '.join(absent)}"


def _wrong(found: SplitFound) -> list[str]:
    said = []
    survey = found.survey
    for title, messages in {"missing": survey.missing, "fault": survey.faults, "doubt": survey.doubts}.items():
        said += [f"{title}: {message}" for message in messages[:MESSAGES]]
        said += [f"{title}: {len(messages) - MESSAGES} more"] if len(messages) > MESSAGES else []
    return said or ["nothing is missing, broken or doubtful"]
