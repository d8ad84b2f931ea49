"""Every property of a pretrained model: its card's, those of its answers, its scores, and signs of masked gradients."""

from __future__ import annotations

from pathlib import Path

from ..benchmark.datasets.registry import load_dataset
from ..benchmark.protocol.errors import BadInputError
from ..models.card import load_card_model
from ..models.conformance import PROPERTIES, Finding, Property, clean_scores, examined, raised
from ..models.zoo import MODELS, find_card
from .masking import SIGNS

IMAGES, BATCH = 8, 32
ALL = ("card", *PROPERTIES, "clean-scores", *SIGNS)


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
        return {"card": Finding("fail", str(error) if isinstance(error, BadInputError) else raised(error))}
    data = load_dataset(card.dataset, model.tasks, root=data_root, size=card.size)
    count = len(data.ids)
    batches = (data.batch(range(first, min(first + BATCH, count))) for first in range(0, count, BATCH))
    few = data.batch(range(min(IMAGES, count)))
    digest = card.weights.sha256[:12]
    found = {"card": Finding("pass", f"weights {digest}..., and answers to the probe images as stated")}
    checks: dict[str, Property] = {
        **PROPERTIES,
        "clean-scores": lambda model, _: clean_scores(model, batches, card.clean),
        **SIGNS,
    }
    for title, check in checks.items():
        found[title] = examined(check, model, few)
        if title == "shapes" and found[title].result == "fail":
            break
    return found
