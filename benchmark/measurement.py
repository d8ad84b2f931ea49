"""What a pass over samples finds, sample by sample, and what it cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .protocol.tally import Tally

PerSample = dict[str, NDArray[np.float64]]


@dataclass
class Effort:
    """What an attack took: images through the network forwards and backwards, seconds, and what its code reported."""

    forwards: int = 0
    backwards: int = 0
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    tally: Tally = field(default_factory=Tally)


@dataclass
class Measurement:
    """Per-sample outcome of a pass: `statistics[task]` (n, S) and `losses[task]` (n,), with what it cost.

    `gradients` (n,) are those of the losses at the clean images: by task the length |g_t|, by pair of tasks ("a b") the
    cosine between g_a and g_b, 0 where one vanishes; empty in an attacked pass. `forwards` and `backwards` count images
    through the network; `seconds` is the attack's time. `signs` are what a clean pass found to speak against the model.
    `made` says on what kind of device, and how (see `how_made`); of older ones nobody knows.
    """

    ids: tuple[str, ...]
    statistics: PerSample
    losses: PerSample
    gradients: PerSample = field(default_factory=dict)
    forwards: int = 0
    backwards: int = 0
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    tally: Tally = field(default_factory=Tally)
    signs: tuple[str, ...] = ()
    made: str = ""

    def add(self, effort: Effort, share: float = 1.0) -> None:
        """Count a share of an effort among this pass's own."""
        self.forwards += round(share * effort.forwards)
        self.backwards += round(share * effort.backwards)
        self.seconds += share * effort.seconds
        self.peak_memory_mb = max(self.peak_memory_mb, effort.peak_memory_mb)
        self.tally.merge(effort.tally, share)

    @classmethod
    def merge(cls, parts: Iterable[Measurement]) -> Measurement:
        """Several passes over disjoint samples as one, in the order given."""
        parts = list(parts)
        tally = Tally()
        for part in parts:
            tally.merge(part.tally)

        def joined(arrays: list[PerSample]) -> PerSample:
            return {name: np.concatenate([array[name] for array in arrays]) for name in arrays[0]}

        return cls(
            ids=tuple(name for part in parts for name in part.ids),
            statistics=joined([part.statistics for part in parts]),
            losses=joined([part.losses for part in parts]),
            gradients=joined([part.gradients for part in parts]),
            forwards=sum(part.forwards for part in parts),
            backwards=sum(part.backwards for part in parts),
            seconds=sum(part.seconds for part in parts),
            peak_memory_mb=max(part.peak_memory_mb for part in parts),
            tally=tally,
            signs=tuple(sorted({sign for part in parts for sign in part.signs})),
            made=" and ".join(sorted({part.made for part in parts} - {""})),
        )
