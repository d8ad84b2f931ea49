"""Who stands for a record: where it was made, who handed it in, and who has found its numbers again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, get_args

from pydantic import Field

from .cells import Plain, Sha256, Strict
from .plain import STEERING

Tier = Literal["claimed", "recomputed", "re-run", "checked in CI"]
TIERS: tuple[Tier, ...] = get_args(Tier)
"""How far a result is known to be true, the least first."""

Date = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]
Url = Annotated[str, Field(max_length=500, pattern=r"^https://[!#-;=?-\[\]_a-z~%]+$")]
Text = Annotated[str, Field(min_length=1, max_length=500, pattern=f"^[^{STEERING}<>|`]+$")]


class Environment(Strict):
    """Where a record was made; `commit` is None outside a checkout and ends in `+` if that was changed.

    `hardware` is the processor or GPU; older records do not say it. `speedups` made the attack's passes faster, and its
    images perhaps a little other.
    """

    versions: dict[Plain, Plain]
    python: Plain
    platform: Plain
    device: Plain
    commit: Plain | None
    hardware: Plain | None = None
    speedups: Annotated[tuple[Plain, ...], Field(strict=False, exclude_if=lambda names: not names)] = ()

    @property
    def device_kind(self) -> str:
        """The device without its number: cpu, cuda."""
        return self.device.partition(":")[0]

    @property
    def how(self) -> str:
        """See `how_made`."""
        return how_made(self.device, self.speedups)

    def alike(self, other: Environment) -> bool:
        """Whether the same code gives the same digits in both: all but that is known to be the same."""
        own, its = (one.model_dump(exclude={"commit": True, "versions": {"mtrbench"}}) for one in (self, other))
        return self.hardware is not None and own == its


def how_made(device: str, speedups: Sequence[str] = ()) -> str:
    """What decides the last digits beside the machine: the device's kind, and the speed-ups."""
    return " with ".join(filter(None, [device.partition(":")[0], ", ".join(speedups)]))


class Evidence(Strict):
    """That a record's numbers were found again, and where.

    `recomputed` are scores of adversarial images that came with it, whose file has the digest `images`: no code of the
    attack was run; `re-run` is the whole evaluation. `results` is the digest of the numbers that were found again, so
    that evidence is of no others; `exact` if they were to the digit. `run` is the page of a CI job that did it.
    """

    kind: Literal["recomputed", "re-run"]
    results: Sha256
    exact: bool
    date: Date
    environment: Environment
    images: Sha256 | None = None
    run: Url | None = None

    @property
    def tier(self) -> Tier:
        """How much the evidence shows."""
        if self.kind == "recomputed":
            return "recomputed"
        return "re-run" if self.run is None else "checked in CI"


class Submission(Strict):
    """Who handed a record in."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,79}$")]
    authors: Annotated[tuple[Text, ...], Field(min_length=1, max_length=100, strict=False)]
    licence: Text
    url: Url
    date: Date
    paper: Url | None = None


class Supersession(Strict):
    """That a record takes the place of the one with `key`, which stays what it was."""

    key: Sha256
    reason: Text
    author: Text
    date: Date


def highest(evidence: tuple[Evidence, ...]) -> Tier:
    """The tier that all evidence of a record comes to."""
    return max((one.tier for one in evidence), key=TIERS.index, default="claimed")
