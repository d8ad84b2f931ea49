"""Every property of a pretrained model: its card's, those of its answers, its scores, and signs of masked gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from os import PathLike
from pathlib import Path

import torch

from ..benchmark.child import Limits, forks, told_apart
from ..benchmark.datasets.objects import dataset_object
from ..benchmark.datasets.registry import load_dataset
from ..benchmark.harness import in_batches
from ..benchmark.protocol.errors import BadInputError, ModelError
from ..benchmark.protocol.findings import Finding
from ..benchmark.protocol.surroundings import Surroundings
from ..benchmark.protocol.types import Batch, Dataset, MultiTaskModel
from ..models.card import Card, Training
from ..models.conformance import PROPERTIES, Property, clean_scores, examined
from ..models.nets.layout import Layout
from ..models.registry import MODELS, CodeModel, find_card, find_model
from ..models.sharing import measured_reach
from .identity import model_ref
from .masking import SIGNS
from .model_claims import CLAIMS, trained_against

IMAGES, BATCH = 8, 32
SIZE = (64, 64)
ALL = ("card", "twin", *PROPERTIES, "sharing", *CLAIMS, "clean-scores", "trained-against", *SIGNS)


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
    model: str | MultiTaskModel,
    dataset: str | Dataset | None = None,
    data_root: str | PathLike[str] | None = None,
) -> dict[str, Finding]:
    """What was found of every property of `ALL`, of a model in memory, one by its name, or one by its card's path.

    A model without a card is tried on images of `dataset`, and has no properties that rest on a card. What rests on a
    property that failed, the card or the shapes, is left out. A model by its name with code from outside is examined in
    processes of its own. Raises BadInputError where there is no such model, and for a data set that cannot be read.
    """
    if isinstance(model, MultiTaskModel):
        return _examined(WITHOUT_CARD, model, _few(model, dataset, data_root, SIZE), _here)
    name = model
    try:
        found = find_model(name)
        model = found.load()
        foreign = model_ref(found).code is not None
    except Exception as error:  # an architecture may raise anything
        if name not in MODELS and not (name.endswith(".toml") and Path(name).is_file()):
            raise  # there is no card that could be at fault
        return {"card": Finding.of(error)}
    run = _apart if foreign and forks(torch.device("cpu")) else _here
    if isinstance(found, CodeModel):
        return _examined(WITHOUT_CARD, model, _few(model, dataset, data_root, found.size), run)
    card = found.card
    if dataset not in (None, card.dataset):
        raise BadInputError(f"the card of {name} says the data set {card.dataset}; leave out {dataset}")
    data = load_dataset(card.dataset, model.tasks, root=data_root, size=card.size)
    everything = range(len(data.ids))
    checks: dict[str, Property] = {
        "twin": lambda *_: twin(card),
        **PROPERTIES,
        "sharing": lambda model, few: sharing(card.architecture.parsed, model, few),
        **CLAIMS,
        "clean-scores": lambda model, _: clean_scores(model, in_batches(data, everything, BATCH), card.clean),
        "trained-against": lambda model, few: trained_against(card, model, few),
        **SIGNS,
    }
    said = f"weights {card.weights.sha256[:12]}..., and answers to the probe images as stated"
    return {"card": Finding("pass", said), **_examined(checks, model, data.batch(everything[:IMAGES]), run)}


WITHOUT_CARD: dict[str, Property] = {**PROPERTIES, "sharing": partial(sharing, None), **CLAIMS, **SIGNS}


def _few(
    model: MultiTaskModel,
    dataset: str | Dataset | None,
    data_root: str | PathLike[str] | None,
    size: tuple[int, int],
) -> Batch:
    if dataset is None:
        raise BadInputError("no card says what data set the model is for; name one by --dataset, or give one")
    if isinstance(dataset, str):
        return load_dataset(dataset, model.tasks, root=data_root, size=size, images=IMAGES).batch(range(IMAGES))
    data, _ = dataset_object(dataset, model.tasks, None)
    return data.batch(range(min(IMAGES, len(data.ids))))


def _examined(
    checks: Mapping[str, Property], model: MultiTaskModel, batch: Batch, run: Callable[[Callable[[], Finding]], Finding]
) -> dict[str, Finding]:
    found = {}
    for title, check in checks.items():
        found[title] = run(partial(examined, check, model, batch))
        if title == "shapes" and found[title].result == "fail":
            break
    return found


def _here(check: Callable[[], Finding]) -> Finding:
    """What `check` finds, or that the model has changed what all code of this process shares."""
    before = Surroundings()
    found = check()
    change = before.change()
    return Finding("fail", f"the model changes {change}, which all code of a process shares") if change else found


def _apart(check: Callable[[], Finding]) -> Finding:
    """The same in a process of its own, as such models are evaluated."""
    try:
        return Finding(**told_apart(lambda: asdict(_here(check)), "examined", Limits(), ModelError))
    except ModelError as error:
        return Finding.of(error)
