"""Signs that a model is not what a benchmark takes it for; records carry those that the clean pass found."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

RANDOM, MIXED = "random answers", "answers depend on the batch"
PROBABILITIES = "no logits"
WRONG_GRADIENT, NO_NUMBERS = "gradient is not the loss's", "gradient not finite"
MEMORISED = "knows the images by heart"

SIGNS: Mapping[str, str] = MappingProxyType(
    {
        RANDOM: "the same images get other answers under another seed, so that the numbers do not repeat",
        MIXED: "an image gets other answers in a batch than in a pair, so that the numbers depend on the batch size",
        PROBABILITIES: "values of classes are probabilities where logits belong: the loss is flatter than it should be",
        WRONG_GRADIENT: "along its gradient a loss changes by less than a third, or over thrice, of what that says",
        NO_NUMBERS: "a loss has a gradient with NaN or infinite values, which counts as none",
        MEMORISED: "a loss is more than three times as large on the images moved a little aside, with their truth",
    }
)
"""What each sign means."""
