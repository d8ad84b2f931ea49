"""Every property of a pretrained model: its card's, those of its answers, its scores, and signs of masked gradients."""

from __future__ import annotations

from pathlib import Path

from ..benchmark.datasets.registry import load_dataset
from ..benchmark.harness import in_batches
from ..benchmark.protocol.findings import Finding
from ..models.card import Card, load_card_model
from ..models.conformance import PROPERTIES, Property, clean_scores, examined
from ..models.nets.layout import Layout
from ..models.registry import MODELS, find_card
from .masking import SIGNS

IMAGES, BATCH = 8, 32
ALL = ("card", "twin", *PROPERTIES, "clean-scores", *SIGNS)


def twin(card: Card) -> Finding:
    """The model that clean gain is measured against is independent, and of the same network and training.

    A flag if it cannot be found.
    """
    if card.twin is None:
        return Finding("pass", "the card names none")
    if card.twin not in MODELS:
        return Finding("flag", f"{card.twin} is not registered, so that there is no clean gain")
    other, _ = find_card(card.twin)
    if Layout.parse(other.architecture.layout).sharing_index > 0:
        return Finding("fail", f"{card.twin} shares blocks between tasks; name an independent model")
    own, its = _comparable(card), _comparable(other)
    differing = [name for name in own if own[name] != its[name]]
    if differing:
        return Finding("fail", f"{card.twin} has another {', '.join(differing)}")
    return Finding("pass", f"{card.twin}, independent and trained alike")


def _comparable(card: Card) -> dict[str, object]:
    """What models must have in common for their difference to be the layout's."""
    training, architecture = card.training, card.architecture
    return {
        "data set": (card.dataset, card.size, training.scenes),
        "set of tasks": card.tasks,
        "network": (architecture.entry, architecture.settings),
        "start": training.backbone_sha256,
        "inner attack": (training.attack, training.eps, training.settings, training.start, training.share),
        "number of steps": training.steps,
        "seed": training.seed,
    }


def examine_model(name: str, data_root: Path | None) -> dict[str, Finding]:
    """What was found of every property of `ALL`, of the model `name` or the one whose card lies at that path.

    What rests on a property that failed, the card or the shapes, is left out. Raises BadInputError where there is no
    such card, and for a data set that cannot be read.
    """
    try:
        card, folder = find_card(name)
        model = load_card_model(card, folder)
    except Exception as error:  # an architecture may raise anything
        if name not in MODELS and not (name.endswith(".toml") and Path(name).is_file()):
            raise  # there is no card that could be at fault
        return {"card": Finding.of(error)}
    data = load_dataset(card.dataset, model.tasks, root=data_root, size=card.size)
    everything = range(len(data.ids))
    few = data.batch(everything[:IMAGES])
    digest = card.weights.sha256[:12]
    found = {"card": Finding("pass", f"weights {digest}..., and answers to the probe images as stated")}
    checks: dict[str, Property] = {
        "twin": lambda *_: twin(card),
        **PROPERTIES,
        "clean-scores": lambda model, _: clean_scores(model, in_batches(data, everything, BATCH), card.clean),
        **SIGNS,
    }
    for title, check in checks.items():
        found[title] = examined(check, model, few)
        if title == "shapes" and found[title].result == "fail":
            break
    return found
