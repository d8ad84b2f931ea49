"""Models, attacks and data sets from memory, beside those that have names."""

from __future__ import annotations

from dataclasses import dataclass

from ..benchmark.protocol.cells import Cell, ModelRef
from ..benchmark.protocol.facts import AttackFacts, ModelFacts
from ..benchmark.protocol.types import Attack, Dataset, MultiTaskModel
from .given import GivenAttack
from .model_facts import facts_without_card
from .resolver import LocalWorkshop


@dataclass(frozen=True)
class OwnWorkshop(LocalWorkshop):
    """What is given as an object, the model on `device` already, is taken as it is; what is None has a name."""

    own_model: MultiTaskModel | None
    own_data: Dataset
    own_attack: GivenAttack

    def model(self, model: ModelRef) -> MultiTaskModel:
        return self.own_model or super().model(model)

    def isolates(self, cell: Cell) -> bool:
        return self.own_model is None and super().isolates(cell)  # as its owner may want to look into what it does

    def dataset(self, cell: Cell) -> Dataset:
        return self.own_data

    def attack(self, cell: Cell) -> Attack | None:
        return self.own_attack.attack if cell.attack == self.own_attack.ref else super().attack(cell)

    def attack_facts(self, cell: Cell) -> AttackFacts:
        return self.own_attack.facts if cell.attack == self.own_attack.ref else super().attack_facts(cell)

    def model_facts(self, cell: Cell) -> ModelFacts:
        return (
            super().model_facts(cell) if self.own_model is None else facts_without_card(self.own_model, self.own_data)
        )
