"""Records: what came of a cell, as strict data."""

from __future__ import annotations

import hashlib
import json
import re
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic.dataclasses import dataclass

from .cells import STRICT, AttackRef, Cell, Count, Name, Sha256, Strict, ThreatRef
from .commands import run_command
from .consistency import check_degradation, check_intervals, check_least, check_mean
from .errors import BadInputError
from .estimates import Estimate, Measured, Replicates
from .facts import AttackFacts, ModelFacts, TaskFacts
from .files import write_atomically
from .provenance import Environment, Evidence, Submission, Supersession, Tier, highest


class Degradation(Strict):
    """The scores of docs/protocol.md, positive = damage: ARD, flat mean, worst task, ARLC, and their parts.

    `least_loss` is the smallest of `losses`, the relative loss changes, whose mean is `arlc`; `replicates` are those of
    `tasks`.
    """

    ard: Measured
    flat: Measured
    worst_task: Measured
    tasks: dict[Name, Measured]
    metrics: dict[Name, dict[Name, Measured]]
    arlc: Measured
    least_loss: Measured
    losses: dict[Name, Measured]
    replicates: dict[Name, Replicates]

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_mean(self.ard, self.tasks.values(), "ard must be the mean of the tasks")
        check_least(self.worst_task, self.tasks.values(), "worst_task must be the least of the tasks")
        check_mean(self.arlc, self.losses.values(), "arlc must be the mean of the losses")
        check_least(self.least_loss, self.losses.values(), "least_loss must be the least of the losses")
        every = [estimate for metrics in self.metrics.values() for estimate in metrics.values()]
        check_mean(self.flat, every, "flat must be the mean of the metrics")
        for task, estimate in self.tasks.items():
            check_mean(estimate, self.metrics.get(task, {}).values(), f"that of {task} must be the mean of its metrics")
        check_intervals(self.tasks, self.ard, self.replicates)
        return self


Amount = Annotated[float, Field(ge=0, le=1e30)]
Share = Annotated[float, Field(ge=0, le=1)]
Cosine = Annotated[float, Field(ge=-1.001, le=1.001)]


@dataclass(frozen=True, slots=True, config=STRICT)
class Diagnostics:
    """What tells a robust model from a broken attack (arXiv 1902.06705).

    Of the losses at the clean images: by task the share of images without gradient and the mean gradient length, by
    pair of tasks ("a b") the mean cosine between gradients. `noise` is the ARD under noise of the budget's size.
    """

    zero_gradient: dict[Name, Share]
    gradient_length: dict[Name, Amount]
    gradient_cosine: dict[Name, Cosine]
    noise: Measured


@dataclass(frozen=True, slots=True, config=STRICT)
class Costs:
    """What the attack cost: passes per image, seconds of one thread or device in all, peak memory of the process."""

    forwards: Amount
    backwards: Amount
    seconds: Amount
    peak_memory_mb: Amount


@dataclass(frozen=True, slots=True, config=STRICT)
class Solver:
    """What an attack's solver reported: `programs` by state, and the largest value of each gap."""

    programs: dict[Name, Count]
    gaps: dict[Name, float]


class _Result(Strict):
    """The fields that records of clean and of attacked passes share."""

    schema_: Literal[5] = Field(default=5, alias="schema")
    key: Sha256
    cell: Cell
    model_facts: ModelFacts
    task_facts: dict[Name, TaskFacts]
    submission: Submission | None = None
    evidence: tuple[Evidence, ...] = Field(default=(), strict=False, max_length=100)
    signs: tuple[Name, ...] = Field(default=(), strict=False)
    """What the clean pass found to speak against the model (signs.py)."""

    @model_serializer(mode="wrap")
    def _serialized(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Left out, not empty: so results from before there was such a field are the same.
        return {name: value for name, value in handler(self).items() if name != "signs" or value}

    @property
    def tier(self) -> Tier:
        """How far the result is known to be true, which its evidence says."""
        return highest(self.evidence)

    def results(self) -> dict[str, Any]:
        """What was measured, without who says what of it and where: the same wherever the same is found."""
        return self.model_dump(exclude=_NO_RESULTS)

    def results_sha256(self) -> str:
        """Digest of `results`, which evidence is bound to."""
        text = json.dumps(self.model_dump(mode="json", exclude=_NO_RESULTS), sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @model_validator(mode="after")
    def _check_evidence(self) -> Self:
        if self.evidence:
            found = self.results_sha256()
            if any(one.results != found for one in self.evidence):
                raise ValueError("the evidence is of other results than the record's")
        return self

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        if self.key != self.cell.key:
            raise ValueError("the key is not the digest of the cell")
        _check_tasks(self.cell, self.task_facts)
        return self

    def save(self, path: str | Path) -> Path:
        """Write the record into a file that ends in .json, or into a folder as KEY.json; returns the file.

        The file is there whole or not at all. Raises BadInputError for a file of another ending.
        """
        path = Path(path)
        if path.is_dir() or not path.suffix:
            path = path / f"{self.key}.json"
        if path.suffix != ".json":
            raise BadInputError(f"a record is saved in a folder or as *.json, not as {path}")
        write_atomically(path, self.to_json().encode())
        return path

    @property
    @abstractmethod
    def summary(self) -> str: ...

    def __repr__(self) -> str:
        data = self.cell.dataset
        return f"<{type(self).__name__}: {self.cell.title}, {data.images} images of {data.name}: {self.summary}>"

    __str__ = __repr__

    def to_json(self) -> str:
        """The record as JSON text, ending in a newline; lists of numbers and estimates stand on one line each."""
        text = self.model_dump_json(by_alias=True, indent=1)
        flat = r'\[[-+.eE\d\s,nul]*\]|\{\s*"value"[^{}]*\}'
        return re.sub(flat, lambda found: " ".join(found[0].split()), text) + "\n"


class CleanRecord(_Result):
    """The result of a clean pass: every metric of every task, without attack and over every resample of the images."""

    scores: dict[Name, dict[Name, Measured]]
    replicates: dict[Name, dict[Name, Replicates]]
    environment: Environment

    @property
    def undefined(self) -> tuple[str, ...]:
        """The metrics that have no value, as "depth.abs_err": no image has anything to score."""
        return _undefined(self.scores)

    @property
    def summary(self) -> str:
        """Every task's most telling metric in words."""
        return ", ".join(
            f"{task} {metric} {self.scores[task][metric]}"
            for task, facts in self.task_facts.items()
            for metric in list(facts.metrics)[:1]
        )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.cell != self.cell.clean:
            raise ValueError("the record of a clean pass has no attack, budget, source or seed")
        for part in (self.scores, self.replicates):
            _check_tasks(self.cell, part)
        _check_metrics(self.task_facts, self.scores)
        _check_metrics(self.task_facts, self.replicates)
        return self


class Record(_Result):
    """The result of a cell with an attack.

    `supersedes` is the record that it replaces, `invalidated` says why it does not count any more.
    """

    attack_facts: AttackFacts
    complete: bool
    clean: dict[Name, dict[Name, Measured]]
    attacked: dict[Name, dict[Name, Measured]]
    degradation: Degradation
    diagnostics: Diagnostics
    costs: Costs
    solver: Solver
    environment: Environment
    supersedes: Supersession | None = None
    invalidated: Name | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.cell.attack is None or self.cell.threat is None:
            raise ValueError("a record needs an attack and a threat")
        for part in (self.clean, self.attacked, self.degradation.tasks, self.degradation.metrics):
            _check_tasks(self.cell, part)
        for scores in (self.clean, self.attacked, self.degradation.metrics):
            _check_metrics(self.task_facts, scores)
        check_degradation(self.task_facts, self.clean, self.attacked, self.degradation.metrics)
        if self.complete != (self.degradation.ard.value is not None):
            raise ValueError("complete tells whether the ard is defined")
        return self

    @property
    def undefined(self) -> tuple[str, ...]:
        """The metrics whose degradation has no value, as "depth.abs_err", and so the ARD neither.

        Nothing to score leaves a metric undefined, and a clean score of 0 leaves nothing to compare with.
        """
        return _undefined(self.degradation.metrics)

    @property
    def summary(self) -> str:
        """The averaged relative degradation in words, or which metrics leave it undefined."""
        without = f" for lack of {', '.join(self.undefined)}" if self.undefined else ""
        return f"ARD {self.degradation.ard}{without}"

    def command(self, others: Sequence[str] = ()) -> str:
        """The `mtrbench run` that measures this cell again, every setting said, and that of the `others`, models, too.

        It finds what is registered; put the path of a card, a folder of data (`--data-root`) or others' code where the
        record's was not. A transfer brings the others between the two models along.
        """
        return run_command(self.cell, self.attack, self.attack_facts, self.threat, others)

    @property
    def attack(self) -> AttackRef:
        assert self.cell.attack is not None  # held by the validator
        return self.cell.attack

    @property
    def threat(self) -> ThreatRef:
        assert self.cell.threat is not None  # held by the validator
        return self.cell.threat


AnyRecord = Record | CleanRecord

_NO_RESULTS: dict[str, Any] = {
    **dict.fromkeys(("model_facts", "attack_facts", "task_facts", "environment", "schema_"), True),
    **dict.fromkeys(("submission", "evidence", "supersedes", "invalidated"), True),
    "costs": {"seconds", "peak_memory_mb"},
}
"""What may differ between two records of the same result: who says what of it, and on which machine."""


def _undefined(scores: Mapping[str, Mapping[str, Estimate]]) -> tuple[str, ...]:
    return tuple(
        f"{task}.{metric}" for task, found in scores.items() for metric, score in found.items() if score.value is None
    )


def _check_metrics(tasks: Mapping[str, TaskFacts], scores: Mapping[str, Collection[str]]) -> None:
    for task, found in scores.items():
        known = tasks[task].metrics
        if {*found} != {*known}:
            raise ValueError(f"scores of {task} must name the metrics {', '.join(known)}")


def _check_tasks(cell: Cell, scores: Collection[str]) -> None:
    if {*scores} != {*cell.tasks}:
        raise ValueError(f"scores must name the tasks {', '.join(sorted(cell.tasks))}")
