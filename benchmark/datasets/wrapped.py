"""What data sets have in common that give the batches of another one."""

from __future__ import annotations

from ..protocol.types import Dataset


class Wrapped:
    """Called as `dataset` is, with its digest and its samples."""

    dataset: Dataset

    @property
    def name(self) -> str:
        return self.dataset.name

    @property
    def sha256(self) -> str:
        return self.dataset.sha256

    @property
    def ids(self) -> tuple[str, ...]:
        return self.dataset.ids
