"""Every property of a pretrained model: its card's, those of its answers, its scores, and signs of masked gradients."""

from __future__ import annotations

from pathlib import Path

from ..benchmark.datasets.registry import load_dataset
from ..benchmark.protocol.errors import BadInputError
from ..models.card import Clean, load_card_model
from ..models.conformance import PROPERTIES, Finding, clean_scores, examined, raised
from ..models.zoo import MODELS, find_card
from .masking import SIGNS

CARD, SCORES = "card", "clean-scores"
CHECKS = {**PROPERTIES, SCORES: clean_scores, **SIGNS}
IMAGES, BATCH = 8, 32


def examine_model(name: str, data_root: Path | None) -> list[tuple[str, Finding]]:
    """Every property of the model `name`, or of the one at a card's path, with what was found.

    What rests on a property that failed, the card or the shapes, is left out. Raises BadInputError where there is no
    such card, and for a data set that cannot be read.
    """
