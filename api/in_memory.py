"""A model from memory, without a card."""

from __future__ import annotations

from dataclasses import dataclass

from ..benchmark.protocol.cells import Cell, ModelRef
from ..benchmark.protocol.facts import ModelFacts
from ..benchmark.protocol.types import Dataset, MultiTaskModel
from .resolver import Attacking, facts_without_card


@dataclass(frozen=True)
class OwnWorkshop(Attacking):
    """One model, on `device` already, and one data set, whichever cell asks."""

    own: MultiTaskModel
    data: Dataset
    device: str
    batch_size: int

    def model(self, model: ModelRef) -> MultiTaskModel:
        return self.own

    def dataset(self, cell: Cell) -> Dataset:
        return self.data

    def model_facts(self, cell: Cell) -> ModelFacts:
        return facts_without_card(self.own)
