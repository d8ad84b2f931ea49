"""One cell from Python, without a store."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..benchmark.evaluation import make_record, measure_cell
from ..benchmark.protocol.records import Record
from ..models.zoo import find_card
from .workshop import LocalWorkshop, found_models, threat_ref


def evaluate(
    model: str,
    attack: str,
    dataset: str | None = None,
    *,
    eps: float = 4.0,
    norm: Literal["linf", "l2"] = "linf",
    targets: tuple[str, ...] | None = None,
    images: int | None = None,
    steps: int | None = None,
    seed: int = 0,
    data_root: Path | None = None,
    batch_size: int = 32,
    device: str = "cpu",
) -> Record:
    """The record of one attack against one model, as `mtrbench run` makes it; `eps` is in 1/255.

    `dataset` None is the one that the model was trained on, `images` None all of it. Raises BadInputError for anything
    that the command would refuse.
    """
    workshop = LocalWorkshop(found_models([model]), data_root, device, batch_size)
    card, _ = find_card(model)
    threat = threat_ref(norm, eps, targets)
    cell = workshop.cell(card.name, dataset or card.dataset, images, attack, threat, seed, steps)
    whole = (0, cell.dataset.images)
    clean, control, attacked = (
        measure_cell(workshop, part, whole) for part in (cell.clean, workshop.control(cell), cell)
    )
    return make_record(cell, workshop.facts(cell), workshop.model(cell).tasks, clean, control, attacked, device)
