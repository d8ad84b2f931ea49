"""Model cards: everything about a pretrained model that is data."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ..benchmark.protocol.cells import Name, Plain, Setting, Sha256, Size, Strict
from ..benchmark.protocol.eps import OptionalEps
from ..benchmark.protocol.facts import UNKNOWN
from ..benchmark.protocol.references import seen_from
from ..benchmark.protocol.registry import import_object
from ..benchmark.protocol.tasks.base import Task
from ..benchmark.protocol.tasks.registry import KIND, make_tasks
from ..benchmark.protocol.toml import parsed, read_text, validated
from .nets.layout import Layout

Scores = dict[Plain, dict[Plain, float]]
Interval = Annotated[tuple[float, float], Field(strict=False)]
Packing = Literal["float16", "int8"]
ModelName = Annotated[str, Field(max_length=100, pattern=r"^\w[\w.@+-]*$")]  # files are called by it


class Architecture(Strict):
    """The network: `entry` is `pkg.module:function` or a class, called with `tasks`, `layout` and `settings`.

    It may be `./file.py:Object`, as the kind of a task may: a file beside the card, or else in the working directory.
    What it does not take, it is not given. `layout` has one line per block of the backbone (see `Layout.parse`), and is
    absent for a network of which nobody knows it. `names` say what a file of backbone weights calls the blocks' parts,
    if not as the network's public weights do: see `load_backbone`.
    """

    entry: Plain
    layout: list[Plain] | None = None
    settings: dict[Plain, int | float | Plain] = Field(default_factory=dict)
    names: dict[Plain, Plain] | None = None

    @field_validator("layout")
    @classmethod
    def _check(cls, layout: list[str] | None) -> list[str] | None:
        if layout is not None:
            Layout.parse(layout)
        return layout

    @property
    def parsed(self) -> Layout | None:
        """The layout, if it is known."""
        return None if self.layout is None else Layout.parse(self.layout)

    def load(self, folder: Path | None) -> object:
        """What the entry of a card in `folder` leads to; raises BadInputError as `import_object` does."""
        return import_object(seen_from(folder, self.entry), "architecture")

    @property
    def label(self) -> str:
        """The network and its settings, without the layout."""
        settings = ",".join(f"{name}={self.settings[name]}" for name in sorted(self.settings))
        return f"{self.entry}[{settings}]" if settings else self.entry


class Weights(Strict):
    """A safetensors file beside the card, and the digest that it must have."""

    file: Plain
    sha256: Sha256


class Training(Strict):
    """Where the weights come from; what nobody knows is absent.

    `attack` is that of adversarial training, absent for a cleanly trained model and "unknown" if nobody knows; `eps` is
    in 1/255. `settings` are all that the inner attack has, defaults included; it saw the first `share` of every batch
    from step `start` on. All three are absent from cards that do not tell.
    `initial` and `initial_sha256` are the model that training started from, if from one, and its weights' digest;
    `backbone_sha256` is the digest of the file of backbone weights that training started from, absent if from none;
    `best_step` is the step that validation took the weights from, absent if they are the last step's.
    """

    recipe: Plain | None = None
    recipe_sha256: Sha256 | None = None
    initial: ModelName | None = None
    initial_sha256: Sha256 | None = None
    backbone_sha256: Sha256 | None = None
    attack: Plain | None = None
    eps: OptionalEps = None
    settings: dict[Plain, Setting] | None = None
    start: int | None = None
    share: float | None = None
    steps: int | None = None
    best_step: int | None = None
    seed: int | None = None
    scenes: int | None = None
    seconds: float | None = None
    hardware: Plain | None = None
    versions: dict[Plain, Plain] | None = None

    @model_validator(mode="after")
    def _check(self) -> Training:
        if (self.attack in (None, UNKNOWN)) != (self.eps is None):
            raise ValueError("attack and eps stand together or not at all")
        if self.attack in (None, UNKNOWN) and (self.settings, self.start, self.share) != (None, None, None):
            raise ValueError("settings, start and share are those of an attack, and there is none")
        return self

    @property
    def adversary(self) -> str | None:
        """What the model was trained against, in words; None if against nothing, UNKNOWN if nobody tells."""
        return self.attack if self.eps is None else f"{self.attack}, eps {self.eps:g}/255"


class Clean(Strict):
    """Scores on the evaluation split without attack; `tolerance` is relative, for other machines' rounding.

    `intervals` are their 95 % bootstrap intervals [low, high], absent from cards that do not tell and for a score that
    a resample leaves undefined.
    """

    images: int
    tolerance: float = Field(ge=0, le=0.05)
    scores: Scores
    intervals: dict[Plain, dict[Plain, Interval]] | None = None

    @model_validator(mode="after")
    def _check(self) -> Clean:
        for task, metrics in (self.intervals or {}).items():
            for metric, (low, high) in metrics.items():
                if metric not in self.scores.get(task, {}) or low > high:
                    raise ValueError(f"interval of {task} {metric} must be [low, high] of one of the scores")
        return self


class Card(Strict):
    """A pretrained model as data, each field of which CONTRIBUTING.md explains.

    `twin` names the independent model of the same training. Without `training`, nobody knows how it was trained.
    """

    name: ModelName
    dataset: Name
    size: Size
    licence: Plain
    paper: Plain | None = None
    twin: ModelName | None = None
    superseded_by: Plain | None = None
    tasks: dict[Plain, dict[Plain, bool | int | float | Plain]]
    architecture: Architecture
    weights: Weights
    training: Training | None = None
    clean: Clean
    fingerprint: dict[Plain, list[float]]

    @model_validator(mode="after")
    def _check(self) -> Card:
        layout = self.architecture.parsed
        for what, named in {
            "architecture.layout": layout.tasks if layout else self.tasks,
            "clean.scores": self.clean.scores,
            "fingerprint": self.fingerprint,
        }.items():
            if {*named} != {*self.tasks}:
                raise ValueError(f"{what} is of the tasks {', '.join(named)}, the model of {', '.join(self.tasks)}")
        return self

    @property
    def adversary(self) -> str | None:
        """What the model was trained against, in words; None if against nothing, UNKNOWN if nobody tells."""
        return self.training.adversary if self.training else UNKNOWN

    def make_tasks(self, folder: Path | None = None) -> dict[str, Task]:
        """The tasks of a card in `folder`; raises BadInputError as the function of that name does."""

        def seen(key: str, value: bool | int | float | str) -> bool | int | float | str:
            return seen_from(folder, value) if key == KIND and isinstance(value, str) else value

        return make_tasks(
            {name: {key: seen(key, value) for key, value in given.items()} for name, given in self.tasks.items()}
        )


def read_card(path: Path) -> Card:
    """The card in a TOML file; raises BadInputError naming file and field."""
    where = f"card {path}"
    return _card(read_text(path, where), where)


@lru_cache(maxsize=1024)  # whoever plans a run asks for every card many times
def _card(text: str, where: str) -> Card:
    return validated(Card, parsed(text, where), where)
