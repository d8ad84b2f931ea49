"""What cells are measured with, for every check that measures some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..benchmark.engines import Engine
from ..benchmark.protocol.arguments import BatchSize, DataRoot
from ..benchmark.protocol.cells import Cell
from ..benchmark.store import Store
from .resolver import LocalWorkshop
from .running import Done, Progress, evaluate_all


@dataclass(frozen=True)
class Means:
    """What cells are measured with: the folder of data that does not ship, the device, the images per pass, workers.

    `decode_workers` are threads that read data on disk ahead, as `decoded_ahead` says.
    """

    engine: Engine
    data_root: DataRoot | None = None
    device: str = "cpu"
    batch_size: BatchSize = 32
    decode_workers: int | None = None
    progress: Progress = False

    def workshop(self, models: dict[str, str]) -> LocalWorkshop:
        """A workshop with these models, names to where they are found."""
        return LocalWorkshop(models, self.data_root, self.device, self.batch_size, decode_workers=self.decode_workers)

    def measure(self, cells: Sequence[Cell], workshop: LocalWorkshop, store: Store) -> Done:
        """What comes of cells; what is in the store is taken from there."""
        return evaluate_all(cells, workshop, store, self.engine, self.progress)
