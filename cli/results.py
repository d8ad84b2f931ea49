"""What a command shows of the records that it has made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..benchmark.protocol.records import AnyRecord, Record
from ..leaderboards.analysis.groups import group
from ..leaderboards.output.publish import publish
from ..leaderboards.site.suites import suite_files
from .tables import echo_boards
from .terminal import echo


def show_results(records: Sequence[AnyRecord], out: Path, as_json: bool) -> None:
    """Publish the boards of the records below `out`, and print them, or the records in short as JSON."""
    groups = group(records)
    written = publish(suite_files({"": groups}), out / "boards")
    if as_json:
        echo(json.dumps([summary(record) for record in records if isinstance(record, Record)], indent=1))
        return
    echo_boards(groups, out / "boards")
    echo(f"{len(records)} records in {out / 'records'}, {len(written)} tables and plots in {out / 'boards'}")


def summary(record: Record) -> dict[str, Any]:
    """What a program wants to know of a record; `key` leads to all of it, records/KEY.json."""
    return {
        "key": record.key,
        "model": record.cell.model.name,
        "source": record.cell.source and record.cell.source.name,
        "attack": record.attack.name,
        "dataset": record.cell.dataset.name,
        "images": record.cell.dataset.images,
        "threat": record.threat.model_dump(mode="json"),
        "seed": record.cell.seed,
        "complete": record.complete,
        **record.degradation.model_dump(mode="json", exclude={"replicates"}),
        "costs": asdict(record.costs),
    }
