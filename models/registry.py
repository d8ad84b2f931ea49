"""The models by name: pretrained ones, which have cards, and those that code makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

from torch import nn

from ..benchmark.protocol.conforming import call_fault
from ..benchmark.protocol.errors import BadInputError, blamed_on
from ..benchmark.protocol.references import Reference
from ..benchmark.protocol.registry import Registry
from ..benchmark.protocol.surroundings import Surroundings
from ..benchmark.protocol.tasks.base import Task
from ..benchmark.protocol.types import MultiTaskModel
from .building import load_card_model
from .card import Card, read_card

ZOO = Path(__file__).parent / "zoo"
"""A folder per model, called like it: card.toml, weights.safetensors and, for what was trained here, recipe.toml."""

Maker = Callable[[], MultiTaskModel]


def _source(found: object, name: str) -> Path | Maker:
    """The path of a card, or what makes a model; of a model, itself."""
    if isinstance(found, str | Path):
        return Path(found)
    if isinstance(found, MultiTaskModel):
        return _Always(found)
    network = isinstance(found, nn.Module) or (isinstance(found, type) and issubclass(found, nn.Module))
    if network or not callable(found):
        thing = "a network without tasks" if network else f"a {type(found).__name__}"
        raise BadInputError(f"model {name!r} is {thing}; name a function that returns what mtrbench.wrap makes of it")
    fault = call_fault(found)
    if fault:
        raise BadInputError(f"model {name!r} {fault}; it must be a function without arguments that makes a model")
    return cast(Maker, found)


@dataclass(frozen=True, eq=False)
class _Always:
    model: MultiTaskModel

    def __call__(self) -> MultiTaskModel:
        return self.model


MODELS: Registry[Path | Maker] = Registry(
    "model",
    {path.parent.name: str(path) for path in sorted(ZOO.glob("*/card.toml"))},
    _source,
    group="mtrbench.models",
)
"""Shipped names lead to the paths of their cards; other objects are such a path, a model, or a function that makes one.
"""


@dataclass(frozen=True)
class CardModel:
    """A pretrained model, as its card says; its weights lie in `folder`."""

    card: Card
    folder: Path

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def tasks(self) -> dict[str, Task]:
        return self.card.make_tasks(self.folder)

    @property
    def size(self) -> tuple[int, int]:
        """The (height, width) of the images that it is evaluated on."""
        return self.card.size

    @property
    def dataset(self) -> str | None:
        """The data set that it was trained on, if that is known."""
        return self.card.dataset

    def load(self) -> MultiTaskModel:
        """The model in eval mode on the CPU; raises BadInputError for weights that are not the card's."""
        return load_card_model(self.card, self.folder)


@dataclass(frozen=True)
class CodeModel:
    """A model that code makes, of which no card tells."""

    name: str
    make: Maker
    size: tuple[int, int] = (64, 64)
    dataset: str | None = None

    @property
    def tasks(self) -> dict[str, Task]:
        return self.load().tasks

    def load(self) -> MultiTaskModel:
        """The model; raises BadInputError if it cannot be made, or is in training mode."""
        return _made(self.name, self.make)


@cache
def _made(name: str, make: Maker) -> MultiTaskModel:
    before = Surroundings()
    with blamed_on(f"model {name!r} cannot be made"):
        model: object = make()
    change = before.change()
    if change:
        raise BadInputError(f"model {name!r} changes {change}, which all code of a process shares; leave that out")
    if not isinstance(model, MultiTaskModel):
        raise BadInputError(f"model {name!r} is a {type(model).__name__}; return what mtrbench.wrap makes of a network")
    if any(module.training for module in model.modules()):
        raise BadInputError(
            f"model {name!r} is in training mode, in which answers depend on the batch; call its eval()"
        )
    return model


def model_names() -> tuple[str, ...]:
    """All registered models; one of a plug-in that cannot be found or made costs a line on stderr and itself."""
    return (*MODELS.entries, *(name for name, _ in MODELS.working_plugins(lambda name: find_model(name).tasks)))


def find_model(name: str) -> CardModel | CodeModel:
    """The model called `name`, the one whose card lies at that path, or the one at `pkg.module:object`.

    Raises BadInputError if there is none or its card is not valid.
    """
    if name not in MODELS and not name.endswith(".toml") and Path(name).exists():
        raise BadInputError(
            f"model {name!r} is a file or folder, but no card (.toml); name a card, a model or {name}:object"
        )
    source = MODELS.get(name)
    if not isinstance(source, Path):
        return CodeModel(str(Reference.parse(name) or name), source)
    card = read_card(source)
    if name in MODELS and card.name != name:
        raise BadInputError(f"model {name!r}: its card {source} calls it {card.name!r}")
    return CardModel(card, source.resolve().parent)


def find_card(name: str) -> tuple[Card, Path]:
    """A model's card, and the folder that it lies in, where its weights are, too; raises BadInputError if it has none.

    `name` is one that `find_model` takes.
    """
    found = find_model(name)
    if isinstance(found, CodeModel):
        raise BadInputError(f"model {name!r} is made by code and has no card, which is needed here")
    return found.card, found.folder


def load_model(name: str) -> MultiTaskModel:
    """The model called `name`, checked against its card if it has one, in eval mode on the CPU.

    Raises BadInputError for an unknown name, a bad card, and weights that are not the card's.
    """
    return find_model(name).load()
