"""Cells and records: what is evaluated, and what came of it, as strict data."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from typing_extensions import TypeAliasType

from .errors import BadInputError

PROTOCOL_VERSION = 2
"""Changes with any change of the harness or the score that moves numbers; part of every cell's key."""

UNDEFINED = 0xFFFF

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
# No markup, and no start that makes a spreadsheet take a cell of a CSV for a formula.
Name = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f<>|`=+@-][^\x00-\x1f<>|`]*$")]
Count = Annotated[int, Field(ge=0)]
Setting = TypeAliasType("Setting", "bool | int | float | str | list[Setting] | dict[str, Setting] | None")


class Strict(BaseModel):
    """Unknown fields, coerced values, NaN and infinities are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ModelRef(Strict):
    """A model and the digest of its weights."""

    name: Name
    sha256: Sha256


class DatasetRef(Strict):
    """A data set, its digest, and which samples: the first `images` of it, `ids` being the digest of their names."""

    name: Name
    sha256: Sha256
    ids: Sha256
    images: Annotated[int, Field(gt=0)]
    size: tuple[int, int] = Field(strict=False)


class AttackRef(Strict):
    """An attack by name with the version of its code and all its settings, defaults included."""

    name: Name
    version: Name
    settings: dict[str, Setting]


class ThreatRef(Strict):
    """The budget; `eps` is in 1/255; `targets` are the tasks the attacker sees, None for all."""

    norm: Literal["linf", "l2"]
    eps: Annotated[float, Field(ge=0)]
    targets: tuple[Name, ...] | None = Field(default=None, strict=False)


class Cell(Strict):
    """One evaluation, as the content that determines its result; without attack and threat it is the clean pass.

    The attack sees `source` instead of `model`, if there is one: a transfer.
    """

    protocol: int = PROTOCOL_VERSION
    model: ModelRef
    source: ModelRef | None = None
    dataset: DatasetRef
    tasks: dict[Name, dict[str, Setting]]
    attack: AttackRef | None
    threat: ThreatRef | None
    seed: int

    @property
    def key(self) -> str:
        """Sha256 of the canonical JSON of all fields: same key, same result."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def clean(self) -> Cell:
        """The clean pass of the same model, data and tasks."""
        return self.model_copy(update={"source": None, "attack": None, "threat": None, "seed": 0})

    @property
    def title(self) -> str:
        """The cell in a few words, for people."""
        if self.attack is None or self.threat is None:
            return f"clean pass on {self.model.name}"
        origin = f" made on {self.source.name}" if self.source else ""
        return f"{self.attack.name}{origin} on {self.model.name} (eps {self.threat.eps:g}/255)"


class ModelFacts(Strict):
    """What the boards need to know of a model beyond its name; `adversary` is its training's attack, None if clean.

    `sharing_index` is 1 for a fully shared backbone and 0 for independent ones; `twin` names the independent model of
    the same training, against which the clean gain of sharing is measured.
    """

    trained_on: Name
    sharing_index: Annotated[float, Field(ge=0, le=1)] | None
    adversary: Name | None
    parameters: Count
    twin: Name | None


class Estimate(Strict):
    """A number with its 95 % interval; None where it is undefined."""

    value: float | None
    low: float | None
    high: float | None


class Replicates(Strict):
    """A score over every resample, as levels 0 to 65534 from `low` to `high`, 65535 for an undefined one.

    `levels` are uint16, little-endian, in base64: a third of the room that digits take. Refused if they are not.
    """

    low: float
    high: float
    levels: Annotated[str, Field(max_length=100_000)]

    @classmethod
    def pack(cls, values: NDArray[np.float64]) -> Replicates:
        """Keep `values` to within (high - low) / 131068; what is not finite is undefined."""
        known = np.isfinite(values)
        low, high = (float(values[known].min()), float(values[known].max())) if known.any() else (0.0, 0.0)
        levels = np.full(len(values), UNDEFINED, "<u2")
        levels[known] = np.rint((values[known] - low) / ((high - low) or 1.0) * (UNDEFINED - 1))
        return cls(low=low, high=high, levels=base64.b64encode(levels.tobytes()).decode())

    def unpack(self) -> NDArray[np.float64]:
        """The values, NaN where undefined."""
        levels = np.frombuffer(base64.b64decode(self.levels), "<u2")
        values = self.low + levels * ((self.high - self.low) / (UNDEFINED - 1))
        return np.where(levels == UNDEFINED, np.nan, values)

    @model_validator(mode="after")
    def _check(self) -> Replicates:
        if not 0 <= self.high - self.low < float("inf"):
            raise ValueError("low must not be above high, nor infinitely far below")
        if len(base64.b64decode(self.levels, validate=True)) % 2:
            raise ValueError("levels must be 16-bit numbers")
        return self


class Degradation(Strict):
    """The scores of docs/protocol.md, positive = damage: ARD, flat mean, worst task, ARLC, and their parts.

    `least_loss` is the smallest of `losses`, the relative loss changes, whose mean is `arlc`; `replicates` are those of
    `tasks`.
    """

    ard: Estimate
    flat: Estimate
    worst_task: Estimate
    tasks: dict[Name, Estimate]
    metrics: dict[Name, dict[Name, Estimate]]
    arlc: Estimate
    least_loss: Estimate
    losses: dict[Name, Estimate]
    replicates: dict[Name, Replicates]


class Diagnostics(Strict):
    """What tells a robust model from a broken attack (arXiv 1902.06705).

    Of the losses at the clean images: by task the share of images without gradient and the mean gradient length, by
    pair of tasks ("a b") the mean cosine between gradients. `noise` is the ARD under noise of the budget's size.
    """

    zero_gradient: dict[Name, float]
    gradient_length: dict[Name, float]
    gradient_cosine: dict[Name, float]
    noise: Estimate


class Costs(Strict):
    """What the attack cost: passes per image, seconds of one thread or device in all, peak memory of the process."""

    forwards: float
    backwards: float
    seconds: float
    peak_memory_mb: float


class Solver(Strict):
    """What an attack's solver reported: `programs` by state, and the largest value of each gap."""

    programs: dict[Name, Count]
    gaps: dict[Name, float]


class Environment(Strict):
    """Where a record was made; `commit` is None outside a checkout and ends in `+` if that was changed."""

    versions: dict[str, str]
    python: str
    platform: str
    device: str
    commit: str | None


class Record(Strict):
    """The result of one cell."""

    schema_: Literal[3] = Field(default=3, alias="schema")
    key: Sha256
    cell: Cell
    facts: ModelFacts
    complete: bool
    clean: dict[Name, dict[Name, Estimate]]
    attacked: dict[Name, dict[Name, Estimate]]
    degradation: Degradation
    diagnostics: Diagnostics
    costs: Costs
    solver: Solver
    environment: Environment
    tier: Literal["published", "local"] = "local"
    supersedes: Sha256 | None = None

    @model_validator(mode="after")
    def _check(self) -> Record:
        if self.cell.attack is None or self.cell.threat is None:
            raise ValueError("a record needs an attack and a threat")
        if self.key != self.cell.key:
            raise ValueError("the key is not the digest of the cell")
        tasks = set(self.cell.tasks)
        for part in (self.clean, self.attacked, self.degradation.tasks, self.degradation.metrics):
            if set(part) != tasks:
                raise ValueError(f"scores must name the tasks {', '.join(sorted(tasks))}")
        return self

    @property
    def attack(self) -> AttackRef:
        assert self.cell.attack is not None  # held by the validator
        return self.cell.attack

    @property
    def threat(self) -> ThreatRef:
        assert self.cell.threat is not None  # held by the validator
        return self.cell.threat

    def to_json(self) -> str:
        """The record as JSON text, ending in a newline; lists of numbers and estimates stand on one line each."""
        text = self.model_dump_json(by_alias=True, indent=1)
        flat = r'\[[-+.eE\d\s,nul]*\]|\{\s*"value"[^{}]*\}'
        return re.sub(flat, lambda found: " ".join(found[0].split()), text) + "\n"


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def read_record(path: Path) -> Record:
    """The record in a JSON file; raises BadInputError naming the file and the field."""
    try:
        content = json.loads(path.read_bytes(), object_pairs_hook=_no_duplicates)
        return Record.model_validate_json(json.dumps(content, allow_nan=False))
    except OSError as error:
        raise BadInputError(f"record {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "record"
        raise BadInputError(f"record {path}: {where}: {first['msg']}; remove the file or restore it") from error
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"record {path} is no valid JSON: {error}; remove the file or restore it") from error


def read_records(folder: Path) -> list[Record]:
    """Every record in a folder, sorted by key; raises BadInputError for a folder without any and for a bad record."""
    if not folder.is_dir():
        raise BadInputError(f"there is no folder of records at {folder}; make one with mtrbench run")
    records = [read_record(path) for path in sorted(folder.glob("*.json"))]
    if not records:
        raise BadInputError(f"the folder {folder} holds no records (*.json); make some with mtrbench run")
    paths: dict[str, Path] = {}
    for record, path in zip(records, sorted(folder.glob("*.json")), strict=True):
        if paths.setdefault(record.key, path) != path:
            raise BadInputError(f"records {paths[record.key]} and {path} are of the same cell; remove one of them")
    return sorted(records, key=lambda record: record.key)
