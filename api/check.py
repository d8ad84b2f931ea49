"""A build's results against its baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..benchmark.evaluation import with_clean
from ..benchmark.protocol.packing import save_records
from ..benchmark.protocol.reading import read_records
from ..benchmark.protocol.records import AnyRecord
from ..benchmark.store import Store
from ..leaderboards.analysis.comparison import Comparison, compare
from ..leaderboards.analysis.pairing import by_subject
from ..leaderboards.analysis.verdicts import NoFall
from .means import Means
from .resolver import found_models
from .suites import find_suite


def suite_records(suite: str, means: Means, out: Path) -> list[AnyRecord]:
    """The records of a suite's cells and of their clean passes; what the store `out` has is not computed again."""
    plan = find_suite(suite)
    workshop = means.workshop(found_models(plan.every_model))
    return means.measure(with_clean(workshop.cells(plan)), workshop, Store(out)).all_records()


def check_baseline(
    baseline: Path, records: Sequence[AnyRecord], tolerances: Mapping[str, float] | None = None
) -> Comparison:
    """Whether robustness fell since the baseline was written, by more than is tolerated (`NoFall`)."""
    return compare(read_records(baseline), records, NoFall(tolerances or {}))


def update_baseline(baseline: Path, records: Sequence[AnyRecord]) -> int:
    """Write the records as the baseline, and return how many; raises BadInputError for two about the same."""
    kept = [*by_subject(records, "what is to become the baseline").values()]
    save_records(kept, baseline)
    return len(kept)
