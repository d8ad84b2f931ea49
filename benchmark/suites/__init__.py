"""Named lists of cells: each suite is a TOML file in this folder."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ..protocol.errors import unknown
from ..protocol.records import Name, Strict

FOLDER = Path(__file__).parent

Eps = Annotated[float, Field(gt=0, le=255)]


class Suite(Strict):
    """Every model under every attack at every `eps` (in 1/255), on the first `images` samples (None: all).

    `steps` goes to every attack that has such a setting.
    """

    dataset: Name
    images: Annotated[int, Field(gt=0)] | None
    seed: int
    norm: Literal["linf", "l2"]
    eps: list[Eps] = Field(min_length=1)
    steps: Annotated[int, Field(gt=0)]
    models: list[Name] = Field(min_length=1)
    attacks: list[Name] = Field(min_length=1)


def suite_names() -> tuple[str, ...]:
    """All suites."""
    return tuple(sorted(path.name.removesuffix(".toml") for path in FOLDER.glob("*.toml")))


def load_suite(name: str) -> Suite:
    """The suite called `name`; raises BadInputError, with the nearest names, if there is none."""
    if name not in suite_names():
        raise unknown("suite", name, suite_names())
    return Suite.model_validate(tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8")))
