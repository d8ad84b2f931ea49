"""Evidence made: that a record's numbers were found again, here and now."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ..benchmark.protocol.provenance import Environment, Evidence
from ..benchmark.protocol.records import AnyRecord


def found_again(
    record: AnyRecord,
    kind: Literal["recomputed", "re-run"],
    environment: Environment,
    exact: bool,
    images: Path | None = None,
) -> AnyRecord:
    """The record with evidence that its numbers came out again in this environment, `exact` if to the digit.

    In a job of GitHub's, with its page.
    """
    evidence = Evidence(
        kind=kind,
        results=record.results_sha256(),
        exact=exact,
        date=today(),
        environment=environment,
        images=hashlib.sha256(images.read_bytes()).hexdigest() if images else None,
        run=_page(),
    )
    return record.model_copy(update={"evidence": (*record.evidence, evidence)})


def today() -> str:
    """The date, in UTC."""
    return datetime.now(UTC).date().isoformat()


def _page() -> str | None:
    server, repository, run = (os.environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    in_ci = os.environ.get("GITHUB_ACTIONS") == "true" and server and repository and run
    return f"{server}/{repository}/actions/runs/{run}" if in_ci else None
