"""The pretrained models by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..benchmark.protocol.errors import BadInputError, unknown
from ..benchmark.protocol.registry import Registry
from ..benchmark.protocol.types import MultiTaskModel
from .card import Card, load_card_model, read_card

ZOO = Path(__file__).parent / "zoo"
"""A folder per model, called like it: card.toml, weights.safetensors and, for what was trained here, recipe.toml."""

MODELS: Registry[Any] = Registry(
    "model",
    {path.parent.name: str(path) for path in sorted(ZOO.glob("*/card.toml"))},
    group="mtrbench.models",
)
"""Shipped names lead to the paths of their cards; a plug-in's entry point is an object that is such a path."""


def model_names() -> tuple[str, ...]:
    """All registered models."""
    return tuple(MODELS)


def find_card(name: str) -> tuple[Card, Path]:
    """A model's card, and the folder that it lies in, where its weights are, too.

    `name` is a registered model or the path of a card. Raises BadInputError if there is none or it is not valid.
    """
    if name in MODELS.entries:
        path = Path(MODELS.entries[name])
    elif name in MODELS:
        path = Path(str(MODELS.get(name)))
    elif name.endswith(".toml"):
        path = Path(name)
    elif Path(name).exists():
        raise BadInputError(f"model {name!r} is a file or folder, but no card (.toml); name a card or a model")
    else:
        raise unknown("model", name, model_names())
    card = read_card(path)
    if name in MODELS and card.name != name:
        raise BadInputError(f"model {name!r}: its card {path} calls it {card.name!r}")
    return card, path.resolve().parent


def load_model(name: str) -> MultiTaskModel:
    """The pretrained model called `name`, checked against its card, in eval mode on the CPU.

    Raises BadInputError for an unknown name, a bad card, and weights that are not the card's.
    """
    return load_card_model(*find_card(name))
