"""How models were trained, in words."""

from __future__ import annotations

from ...benchmark.protocol.facts import UNKNOWN, ModelFacts

CLEAN = "clean"
"""The training of models that were not trained against any attack."""


def training_of(facts: ModelFacts) -> str:
    """What a model was trained against, CLEAN if against nothing, UNKNOWN if nobody says."""
    return facts.adversary or CLEAN


def training_label(training: str) -> str:
    """A training in words: what it was against, if against anything."""
    known = {CLEAN: "clean-trained", UNKNOWN: "of unknown training"}
    return known.get(training, f"trained against {training}")


def models_label(training: str) -> str:
    """The models of a training in words."""
    return "clean-trained models" if training == CLEAN else f"models {training_label(training)}"
