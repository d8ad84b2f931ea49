"""Every property of an attack, or of the simplest attack with a part of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from os import PathLike

from ..attacks.conformance.kit import examine, here
from ..attacks.registry import load_attack, settings_of
from ..benchmark.child import Limits, forks, told_apart
from ..benchmark.protocol.arguments import root_of
from ..benchmark.protocol.errors import AttackError
from ..benchmark.protocol.findings import Finding
from ..models.registry import find_card
from .resolver import LocalWorkshop, found_models, threat_ref

IMAGES = 5
LIMITS = Limits()
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
    assert cell.attack is not None
    run = partial(_apart, name) if cell.attack.code and forks(batch.x.device) else here
    return examine(partial(load_attack, name), settings_of(name), workshop.model(cell.model), batch, run)


def _apart(name: str, check: Callable[[], Finding]) -> Finding:
    """What `check` finds, run in a process of its own, as attacks from outside are where they are evaluated."""
    try:
        return Finding(**told_apart(lambda: asdict(here(check)), name, LIMITS))
    except AttackError as error:
        return Finding.of(error)
