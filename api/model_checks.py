"""Every property of a pretrained model: its card's, those of its answers, its scores, and signs of masked gradients."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from os import PathLike
from pathlib import Path

from ..benchmark.datasets.registry import load_dataset
from ..benchmark.harness import in_batches
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.findings import Finding
from ..benchmark.protocol.types import Batch, MultiTaskModel
from ..models.card import Card, Training
from ..models.conformance import PROPERTIES, Property, clean_scores, examined
from ..models.nets.layout import Layout
from ..models.registry import MODELS, CodeModel, find_card, find_model
from ..models.sharing import measured_reach
from .masking import SIGNS

IMAGES, BATCH = 8, 32
ALL = ("card", "twin", *PROPERTIES, "sharing", "clean-scores", *SIGNS)


def twin(card: Card) -> Finding:
    """The model that clean gain is measured against is independent, and of the same network and training.

    A flag if it cannot be found.
    """
    if card.twin is None:
        return Finding("pass", "the card names none")
    if card.twin not in MODELS:
        return Finding("flag", f"{card.twin} is not registered, so that there is no clean gain")
    other, _ = find_card(card.twin)
    layout = other.architecture.parsed
    if layout is None:
        return Finding("flag", f"nobody says whether {card.twin} is independent")
    if layout.sharing_index > 0:
        return Finding("fail", f"{card.twin} shares blocks between tasks; name an independent model")
    if card.training is None or other.training is None:
        return Finding("flag", f"nobody says of both whether {card.twin} was trained alike")
    own, its = _comparable(card, card.training), _comparable(other, other.training)
    differing = [name for name in own if own[name] != its[name]]
    if differing:
        return Finding("fail", f"{card.twin} has another {', '.join(differing)}")
    return Finding("pass", f"{card.twin}, independent and trained alike")


def sharing(layout: Layout | None, model: MultiTaskModel, batch: Batch) -> Finding:
    """The tasks share what the layout says, if there is one: just its groups of several have parameters in common."""
    reach = measured_reach(model, batch)
    if reach.sharing_index is None:
        return Finding("does not apply", "the loss of a task reaches no parameters")
    found = f"sharing index {reach.sharing_index:.2f}, measured over all parameters"
    if layout is None:
        return Finding("pass", found)
    found += f", {layout.sharing_index:.2f} by blocks"
    fault = reach.fault(layout)
    return Finding("fail", f"{fault}; {found}") if fault else Finding("pass", found)


def _comparable(card: Card, training: Training) -> dict[str, object]:
    """What models must have in common for their difference to be the layout's."""
    architecture = card.architecture
    return {
        "data set": (card.dataset, card.size, training.scenes),
        "set of tasks": card.tasks,
        "network": (architecture.entry, architecture.settings),
        "start": training.backbone_sha256,
        "inner attack": (training.attack, training.eps, training.settings, training.start, training.share),
        "number of steps": training.steps,
        "seed": training.seed,
    }


def examine_model(
    name: str, dataset: str | None = None, data_root: str | PathLike[str] | None = None
) -> dict[str, Finding]:
    """What was found of every property of `ALL`, of the model `name` or the one whose card lies at that path.

    A model without a card is tried on images of `dataset`, and has no properties that rest on a card. What rests on a
    property that failed, the card or the shapes, is left out. Raises BadInputError where there is no such model, and
    for a data set that cannot be read.
    """
    try:
        found = find_model(name)
        model = found.load()
    except Exception as error:  # an architecture may raise anything
        if name not in MODELS and not (name.endswith(".toml") and Path(name).is_file()):
            raise  # there is no card that could be at fault
        return {"card": Finding.of(error)}
    if isinstance(found, CodeModel):
        if dataset is None:
            raise BadInputError(f"no card of {name} says a data set; name one by --dataset")
        few = load_dataset(dataset, model.tasks, root=data_root, size=found.size, images=IMAGES).batch(range(IMAGES))
        shared: dict[str, Property] = {"sharing": partial(sharing, None)}
        return _examined({**PROPERTIES, **shared, **SIGNS}, model, few)
    card = found.card
    if dataset not in (None, card.dataset):
        raise BadInputError(f"the card of {name} says the data set {card.dataset}; leave out {dataset}")
    data = load_dataset(card.dataset, model.tasks, root=data_root, size=card.size)
    everything = range(len(data.ids))
    checks: dict[str, Property] = {
        "twin": lambda *_: twin(card),
        **PROPERTIES,
        "sharing": lambda model, few: sharing(card.architecture.parsed, model, few),
        "clean-scores": lambda model, _: clean_scores(model, in_batches(data, everything, BATCH), card.clean),
        **SIGNS,
    }
    said = f"weights {card.weights.sha256[:12]}..., and answers to the probe images as stated"
    return {"card": Finding("pass", said), **_examined(checks, model, data.batch(everything[:IMAGES]))}


def _examined(checks: Mapping[str, Property], model: MultiTaskModel, batch: Batch) -> dict[str, Finding]:
    found = {}
    for title, check in checks.items():
        found[title] = examined(check, model, batch)
        if title == "shapes" and found[title].result == "fail":
            break
    return found
