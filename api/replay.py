"""Adversarial images kept, and scored again without the code that made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ..benchmark.jobs import measure_cell, spans
from ..benchmark.protocol.cells import Cell
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.facts import AttackFacts
from ..benchmark.protocol.noise import Noise
from ..benchmark.protocol.records import Record
from ..benchmark.protocol.threat import ThreatModel
from ..benchmark.protocol.types import Attack, Batch, MultiTaskModel
from ..benchmark.store import Store
from .means import Means
from .resolver import LocalWorkshop

TENSOR = "images"


@dataclass(frozen=True)
class Replay:
    """Returns images that are there already, by the sample's name; knows neither model nor gradient."""

    images: Mapping[str, Tensor]

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return torch.stack([self.images[name] for name in batch.ids]).to(batch.x.device)


@dataclass(frozen=True)
class _ReplayWorkshop(LocalWorkshop):
    """Instead of one cell's attack, another; the code of that cell's own is not loaded."""

    key: str
    instead: Attack
    facts: AttackFacts

    def attack(self, cell: Cell) -> Attack | None:
        return self.instead if cell.key == self.key else super().attack(cell)

    def attack_facts(self, cell: Cell) -> AttackFacts:
        return self.facts if cell.key == self.key else super().attack_facts(cell)


def replayed(record: Record, images: Path, means: Means, models: Mapping[str, str]) -> Record:
    """The record of the same cell, of which the images are scored; `models` are found as `LocalWorkshop` says.

    Every image is checked for range and budget as the harness checks what an attack returns. Raises BadInputError
    naming the sample that fails, and for a file that holds other images.
    """
    plain = means.workshop(dict(models))
    ids = plain.dataset(record.cell).ids
    found = read_images(images, len(ids), record.cell.dataset.size)
    attack = Replay(dict(zip(ids, found, strict=True)))
    workshop = _ReplayWorkshop(
        dict(models),
        means.data_root,
        means.device,
        means.batch_size,
        record.key,
        attack,
        record.attack_facts,
        decode_workers=means.decode_workers,
    )
    with TemporaryDirectory() as passing:
        (again,) = means.measure([record.cell], workshop, Store(Path(passing))).all_records()
    return cast(Record, again)


def made_again(record: Record, means: Means, models: Mapping[str, str]) -> bytes:
    """The images of a record's attack, which is run once more, as a file for `replayed`: float32.

    Raises BadInputError where the harness does.
    """
    workshop = means.workshop(dict(models))
    images: dict[str, Tensor] = {}

    def keep(ids: Sequence[str], x: Tensor) -> None:
        images.update(zip(ids, x.cpu().clone(), strict=True))

    for span in spans(record.cell):
        measure_cell(workshop, record.cell, span, keep)
    return save({TENSOR: torch.stack([images[name] for name in workshop.dataset(record.cell).ids])})


def read_images(path: Path, count: int, size: tuple[int, int]) -> Tensor:
    """Images (count, 3, H, W) in [0, 1] as float32, out of a file that holds them so, or as uint8 from 0 to 255."""
    try:
        tensors = load(path.read_bytes())
    except (SafetensorError, OSError) as error:
        raise BadInputError(f"images {path.name} cannot be read as safetensors: {error}") from error
    wanted = (count, 3, *size)
    images = tensors.get(TENSOR)
    if images is None or len(tensors) != 1 or tuple(images.shape) != wanted:
        held = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in tensors.items()) or "nothing"
        raise BadInputError(f"images {path.name} must hold one tensor {TENSOR!r} {wanted}, and hold {held}"[:500])
    if images.dtype not in (torch.uint8, torch.float16, torch.float32):
        raise BadInputError(f"images {path.name} must be uint8, float16 or float32, not {images.dtype}")
    return images.float() / 255 if images.dtype == torch.uint8 else images.float()
