"""Robustness as an assertion of a test: at most so much damage, and no more than when the baseline was written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from os import PathLike
from pathlib import Path
from typing import Any

from ..benchmark.protocol.arguments import path
from ..benchmark.protocol.errors import BadInputError, unknown
from ..benchmark.protocol.packing import save_records
from ..benchmark.protocol.reading import read_records
from ..benchmark.protocol.records import AnyRecord, Record
from ..benchmark.protocol.types import Attack, MultiTaskModel
from ..leaderboards.analysis.comparison import compare, missing
from ..leaderboards.analysis.pairing import Subject, by_subject
from ..leaderboards.analysis.verdicts import NoFall, tolerances
from .evaluate import evaluate_with_clean

UPDATING: ContextVar[bool] = ContextVar("UPDATING", default=False)
"""Whether assertions write their baselines instead of comparing with them: `pytest --mtrbench-update`."""


def assert_robust(
    model: str | MultiTaskModel,
    attack: str | Attack,
    *,
    ard_at_most: float | None = None,
    tasks_at_most: Mapping[str, float] | None = None,
    baseline: str | PathLike[str] | None = None,
    fail_if: Iterable[str] = (),
    **given: Any,
) -> Record:
    """Raise AssertionError if the attack does more damage to the model than it may; return the record.

    The averaged relative degradation may be `ard_at_most`, the degradation D_t of each task what `tasks_at_most` says
    of it. With a `baseline`, a file as `mtrbench check --update` writes it, neither they nor the clean scores may have
    fallen since, by more than `fail_if` tolerates (`["ard:+0.02"]`), which `mtrbench check` explains. What is undefined
    is not robust. `given` goes to `mtrbench.evaluate`, where `images` keeps it short and `store` keeps the results.

    Raises BadInputError where `evaluate` does, and if nothing is asked for.
    """
    limits = {**({} if ard_at_most is None else {"ARD": ard_at_most}), **(tasks_at_most or {})}
    if not limits and baseline is None:
        raise BadInputError("say what is robust: ard_at_most, tasks_at_most, or a baseline")
    tolerated = tolerances(fail_if)
    record, clean = evaluate_with_clean(model, attack, **given)
    known = {"ARD": record.degradation.ard, **record.degradation.tasks}
    for name in limits:
        if name not in known:
            raise unknown(f"task of model {record.cell.model.name}", name, record.degradation.tasks)
    faults = [
        f"{name} is {known[name]}, and may be {limit:g}"
        for name, limit in limits.items()
        if not _at_most(known[name].value, limit)
    ]
    if baseline is not None:
        file = path(baseline, "baseline")
        if UPDATING.get():
            _update(file, [record, clean])
        else:
            faults += _faults(file, [record, clean], NoFall(tolerated))
    if faults:
        raise AssertionError("\n  ".join([f"not robust: {record.cell.title}", *faults]))
    return record


def _at_most(value: float | None, limit: float) -> bool:
    return value is not None and value <= limit


def _faults(file: Path, fresh: Sequence[AnyRecord], rule: NoFall) -> list[str]:
    """What the comparison of these records with those about the same in the baseline finds wrong."""
    if not file.exists():
        return [f"there is no baseline {file}; write it with pytest --mtrbench-update"]
    known = by_subject(read_records(file), str(file))
    subjects = [Subject.of(record.cell) for record in fresh]
    compared = compare([known[one] for one in subjects if one in known], fresh, rule)
    lacking = [
        f"{record.cell.title}: {missing(record, one, known).obstacle} in {file}; add it with pytest --mtrbench-update"
        for record, one in zip(fresh, subjects, strict=True)
        if one not in known
    ]
    wrong = [
        f"{cell.cell.title}: {'; '.join([cell.found, *cell.circumstances])}"
        for cell in compared.cells
        if cell.failing or cell.obstacle
    ]
    return [*wrong, *lacking]


def _update(file: Path, fresh: Sequence[AnyRecord]) -> None:
    """Put these records into the baseline, in place of those about the same."""
    known = by_subject(read_records(file), str(file)) if file.exists() else {}
    save_records({**known, **by_subject(fresh, "a test")}.values(), file)
