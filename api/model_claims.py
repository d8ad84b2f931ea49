"""What a model seems or claims to be, and is not, on a few images: a failure each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ..benchmark.protocol.facts import UNKNOWN
from ..benchmark.protocol.findings import Finding
from ..benchmark.protocol.signs import MEMORISED, PROBABILITIES, WRONG_GRADIENT
from ..benchmark.protocol.threat import ThreatModel
from ..benchmark.protocol.types import Batch, MultiTaskModel
from ..benchmark.suspicion import memorised, no_logits, wrong_gradients
from ..models.card import Card
from ..models.conformance import Property
from .masking import ATTACK, STEPS, arlc

DOUBLED = 1.0
"""The ARLC at which losses are twice as large: of the registered models, adversarially trained ones have 0.5 or less
under eps 4/255 (1.3 under 8/255), others 1.5 or more (3.2)."""


def _without(sign: str, look: Callable[[MultiTaskModel, Batch], Mapping[str, str]], otherwise: str) -> Property:
    def check(model: MultiTaskModel, batch: Batch) -> Finding:
        found = look(model, batch).get(sign)
        return Finding("fail", found) if found else Finding("pass", otherwise)

    return check


CLAIMS: Mapping[str, Property] = MappingProxyType(
    {
        "logits": _without(PROBABILITIES, no_logits, "values of classes are no probabilities, or there are no classes"),
        "true-gradient": _without(WRONG_GRADIENT, wrong_gradients, "losses change along their gradients as these say"),
        "not-memorised": _without(MEMORISED, memorised, "losses are alike on images moved a little aside"),
    }
)
"""What the clean pass of a run looks for, too (`signs` in records)."""


def trained_against(card: Card, model: MultiTaskModel, batch: Batch) -> Finding:
    """A model that its card calls adversarially trained keeps its losses, on average, below twice the clean ones.

    Under TOTAL by PGD of the size that it was trained against.
    """
    training = card.training
    if training is None or training.attack in (None, UNKNOWN) or training.eps is None:
        return Finding("does not apply", "the card tells of no adversarial training")
    found = arlc(model, batch, ATTACK, ThreatModel("linf", training.eps / 255), steps=STEPS).value
    claim = f"the card says trained against {training.attack}, eps {training.eps:g}/255"
    return Finding("pass" if found < DOUBLED else "fail", f"{claim}; ARLC under {ATTACK} of that size is {found:.3g}")
