"""The kit of data sets finds nothing in our own, and tells a faulty one by the properties that it lacks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pytest
import torch

from mtrbench.benchmark.datasets import kit
from mtrbench.benchmark.datasets.kit import PROPERTIES, examine_dataset
from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.benchmark.protocol.types import Batch


@pytest.mark.parametrize(
    ("name", "described"),
    [("rooms3", {"segmentation": {"classes": 13}, "normals": {}}), ("rooms5", {"edge_texture": {}})],
)
def test_registered_data_set_has_every_property(name: str, described: dict[str, object]) -> None:
    found = examine_dataset(name, described)
    assert [*found] == [*PROPERTIES]
    assert {finding.result for finding in found.values()} == {"pass"}


@dataclass(frozen=True)
class Waves:
    """Images of grey waves and their depth; what is wrong with it, if anything, `fault` says."""

    fault: str
    size: tuple[int, int]
    count: int
    name = "waves"

    @property
    def ids(self) -> tuple[str, ...]:
        first = 10 - self.count if self.fault == "last" else 0
        return tuple(f"wave-{first + i}" for i in range(self.count))

    @property
    def sha256(self) -> str:
        return hashlib.sha256(f"{() if self.fault == 'sizeless' else self.size}".encode()).hexdigest()

    def batch(self, indices) -> Batch:
        phase = torch.tensor([float(self.ids[i].partition("-")[2]) for i in indices]).view(-1, 1, 1, 1)
        rows = torch.arange(self.size[0]).view(1, 1, -1, 1).expand(len(phase), 3, *self.size)
        x = 0.5 + 0.4 * torch.sin(rows + phase)
        if self.fault == "order":
            x = 0.5 * x + 0.5 * x[:1]
        depth = torch.zeros_like(x[:, :1]) if self.fault == "blind" else 1 + x[:, :1]
        truth = {} if self.fault == "mute" else {"depth": depth}
        return Batch(255 * x if self.fault == "bytes" else x, truth, tuple(self.ids[i] for i in indices))


def waves(fault: str = "", tasks=None, root=None, size=(64, 64), images=None) -> Waves:
    if tasks.keys() - {"depth"} and fault != "polite":
        raise BadInputError("waves know depth alone")
    if size != (64, 64) and fault == "fixed":
        raise BadInputError("waves are 64 x 64")
    return Waves(fault, size, 10 if images is None or fault == "all" else images)


FAULTS = {
    "": set(),
    "fixed": set(),
    "bytes": {"batches", "samples-apart", "first-images"},
    "mute": {"batches", "samples-apart", "first-images"},
    "all": {"batches", "samples-apart", "first-images", "digest"},
    "blind": {"batches"},
    "order": {"samples-apart"},
    "last": {"first-images"},
    "sizeless": {"digest"},
    "polite": {"unknown-tasks"},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_data_set_lacks_its_properties(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(**given):
        return waves(fault, **given)

    monkeypatch.setattr(kit, "DATASETS", {"waves": make})
    found = examine_dataset("waves", {"depth": {}})
    assert {title for title, finding in found.items() if finding.result == "fail"} == FAULTS[fault]


def test_every_property_has_a_faulty_data_set() -> None:
    assert {title for found in FAULTS.values() for title in found} == {*PROPERTIES}
