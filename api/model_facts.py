"""What records say of models beside their names."""

from __future__ import annotations

from functools import partial
from weakref import WeakKeyDictionary

import torch

from ..benchmark.child import Limits, forks, told_apart
from ..benchmark.protocol.errors import ModelError
from ..benchmark.protocol.facts import UNKNOWN, ModelFacts
from ..benchmark.protocol.types import Dataset, MultiTaskModel
from ..models.card import Card
from ..models.sharing import measured_reach

IMAGES = 2


def facts_of_own(card: Card, model: MultiTaskModel) -> ModelFacts:
    """Those of a model whose network is of this package, and so is what its layout says."""
    layout = card.architecture.parsed
    return ModelFacts(
        trained_on=card.dataset,
        sharing_index=layout.sharing_index if layout else None,
        adversary=card.adversary,
        parameters=_parameters(model),
        twin=card.twin,
        architecture=card.architecture.label,
        layout=layout.lines if layout else None,
        seed=card.training.seed if card.training else None,
    )


def facts_of_foreign(card: Card, model: MultiTaskModel, data: Dataset) -> ModelFacts:
    """Those of a model whose network comes from outside: what its tasks share is measured, not declared."""
    return facts_of_own(card, model).model_copy(
        update={"sharing_index": measured_index(model, data), "sharing_measured": True}
    )


def facts_without_card(model: MultiTaskModel, data: Dataset) -> ModelFacts:
    """Those of a model that no card tells of: of its training nothing is known, what its tasks share is measured."""
    return ModelFacts(
        trained_on=UNKNOWN,
        sharing_index=measured_index(model, data),
        adversary=UNKNOWN,
        parameters=_parameters(model),
        twin=None,
        sharing_measured=True,
    )


def measured_index(model: MultiTaskModel, data: Dataset) -> float | None:
    """How much the model's tasks share, by its parameters; None if that cannot be told."""
    if model not in _INDICES:  # every record of a model asks for it
        here = partial(_measured, model, data)
        device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
        found = told_apart(here, "the model", Limits(), ModelError) if forks(device) else here()
        _INDICES[model] = found["index"]
    return _INDICES[model]


_INDICES: WeakKeyDictionary[MultiTaskModel, float | None] = WeakKeyDictionary()


def _measured(model: MultiTaskModel, data: Dataset) -> dict[str, float | None]:
    device = next((parameter.device for parameter in model.parameters()), None)
    if device is None:
        return {"index": None}
    batch = data.batch(range(min(IMAGES, len(data.ids)))).to(device)
    try:
        return {"index": measured_reach(model, batch).sharing_index}
    except RuntimeError:  # a network whose graph cannot be followed
        return {"index": None}


def _parameters(model: MultiTaskModel) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
