"""Cells: what is evaluated, as strict data."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer
from typing_extensions import TypeAliasType

from .plain import STEERING

PROTOCOL_VERSION = 2
"""Raised by every change of the harness or the score that moves numbers; part of every cell's key."""

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Plain = Annotated[str, Field(pattern=f"^[^{STEERING}]*$")]
"""A text of a file, or of other people's code, that is shown as it is."""
# No markup, and no start that makes a spreadsheet take a cell of a CSV for a formula.
Name = Annotated[str, Field(max_length=200, pattern=f"^[^{STEERING}<>|`=+@-][^{STEERING}<>|`]*$")]
Side = Annotated[int, Field(ge=1, le=2**16)]
Size = Annotated[tuple[Side, Side], Field(strict=False)]
"""Height and width of images."""
Norm = Literal["linf", "l2"]
Count = Annotated[int, Field(ge=0, le=2**53)]
Setting = TypeAliasType("Setting", "bool | int | float | Plain | list[Setting] | dict[Plain, Setting] | None")


STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Strict(BaseModel):
    """Unknown fields, coerced values, NaN and infinities are refused."""

    model_config = ConfigDict(frozen=True, **STRICT)


class WithCode(Strict):
    """An object that may come from another package: `code` is the digest of its source, absent for our own."""

    code: Sha256 | None = None

    @model_serializer(mode="wrap")
    def _serialized(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Left out, not null: so keys from before there was such a field stay what they are.
        return {name: value for name, value in handler(self).items() if name != "code" or value is not None}


class ModelRef(WithCode):
    """A model and the digest of its weights; `code` covers all else that the answers of a model from outside rest on.

    That is the network with its settings and, of a model in memory, every attribute of it.
    """

    name: Name
    sha256: Sha256


class DatasetRef(WithCode):
    """A data set, its digest, and which samples: the first `images` of it, `ids` being the digest of their names."""

    name: Name
    sha256: Sha256
    ids: Sha256
    images: Annotated[int, Field(gt=0, le=10**9)]
    size: Size


class AttackRef(WithCode):
    """An attack by name with the version of its code and all its settings, defaults included."""

    name: Name
    version: Name
    settings: dict[Plain, Setting]


class ThreatRef(Strict):
    """The budget; `eps` is in 1/255; `targets` are the tasks the attacker sees, None for all."""

    norm: Norm
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
    tasks: dict[Name, dict[Plain, Setting]]
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
