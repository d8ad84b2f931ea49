"""Every property of an attack, or of the simplest attack with a part of one."""

from __future__ import annotations

from functools import partial
from os import PathLike

from ..attacks.conformance.kit import examine
from ..attacks.registry import load_attack, settings_of
from ..benchmark.protocol.arguments import root_of
from ..benchmark.protocol.findings import Finding
from ..models.registry import find_card
from .resolver import LocalWorkshop, found_models, threat_ref

IMAGES = 3
STRONG_ON = "rooms3-shared.clean"
"""The model that an attack is to be strong on."""


def examine_attack(
    name: str, model: str = STRONG_ON, data_root: str | PathLike[str] | None = None
) -> dict[str, Finding]:
    """What was found of every property, of the attack `name` on toys and on the pretrained `model`.

    Raises BadInputError for an unknown attack or model, and for a data set that cannot be read.
    """
    workshop = LocalWorkshop(found_models([model]), root_of(data_root), "cpu", IMAGES)
    card, _ = find_card(model)
    cell = workshop.cell(card.name, card.dataset, IMAGES, name, threat_ref("linf", 4, None), 0, {})
    batch = workshop.dataset(cell).batch(range(IMAGES))
    return examine(partial(load_attack, name), settings_of(name), workshop.model(cell.model), batch)
