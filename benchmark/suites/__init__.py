"""Named lists of cells: each suite is a TOML file in this folder."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ..protocol.cells import Name, Strict
from ..protocol.errors import unknown

FOLDER = Path(__file__).parent

Images = Annotated[int, Field(gt=0)]
Steps = Annotated[int, Field(gt=0)]
Budgets = Annotated[list[Annotated[float, Field(gt=0, le=255)]], Field(min_length=1)]
Names = Annotated[list[Name], Field(min_length=1)]


class Addition(Strict):
    """More cells of a suite, which differ from its own in what is named here."""

    dataset: Name | None = None
    images: Images | None = None
    eps: Budgets | None = None
    steps: Steps | None = None
    models: Names | None = None
    attacks: Names | None = None


class Suite(Strict):
    """Every model under every attack at every `eps` (in 1/255), on the first `images` samples (None: all).

    `steps` goes to every attack that has such a setting. `also` adds cells. With `transfer` every model is attacked
    with what was made on each of the others, too.
    """

    dataset: Name
    images: Images | None
    seed: int
    norm: Literal["linf", "l2"]
    eps: Budgets
    steps: Steps
    models: Names
    attacks: Names
    transfer: bool = False
    also: list[Addition] = Field(default_factory=list)

    @property
    def every_model(self) -> list[str]:
        """All models of the suite, each once."""
        return [*dict.fromkeys(model for part in self.parts for model in part.models)]

    @property
    def parts(self) -> list[Suite]:
        """The suite's own cells, and those of every addition, each as a suite without additions."""
        own = self.model_copy(update={"also": []})
        return [own, *(own.model_copy(update=addition.model_dump(exclude_none=True)) for addition in self.also)]

    def instead(self, models: Sequence[str] = (), attacks: Sequence[str] = (), **given: object) -> Suite:
        """The suite with what is `given` in place of its own and its additions'; None and empty are not given.

        Chosen models and attacks stay where the suite names them; others take the place of its own, and chosen attacks
        that of what an addition runs on models of its own.
        """
        changes = {name: value for name, value in given.items() if value not in (None, ())}
        also = [addition.model_copy(update=dict.fromkeys(changes)) for addition in self.also]
        suite = self.model_copy(update={**changes, "also": also})
        for name, chosen in (("models", models), ("attacks", attacks)):
            suite = suite._only(name, chosen) if chosen else suite
        return suite

    def _only(self, name: str, chosen: Sequence[str]) -> Suite:
        named = {entry for part in self.parts for entry in getattr(part, name)}

        def kept(addition: Addition) -> list[str] | None:
            entries = getattr(addition, name)
            everything = name == "attacks" and addition.models is not None
            return None if entries is None else [entry for entry in chosen if everything or entry in entries]

        own = [entry for entry in chosen if entry in getattr(self, name) or entry not in named]
        also = [addition.model_copy(update={name: kept(addition)}) for addition in self.also]
        return self.model_copy(update={name: own, "also": also})


def suite_names() -> tuple[str, ...]:
    """All suites."""
    return tuple(sorted(path.name.removesuffix(".toml") for path in FOLDER.glob("*.toml")))


def load_suite(name: str) -> Suite:
    """The suite called `name`; raises BadInputError, with the nearest names, if there is none."""
    if name not in suite_names():
        raise unknown("suite", name, suite_names())
    return Suite.model_validate(tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8")))
