"""Ctrl-C and termination: nothing is lost, and the next run goes on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.commands import files, finish, mtrbench, start

from mtrbench.benchmark.protocol.reading import read_records
from mtrbench.benchmark.store import Store


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


class TestInterruption:
    @pytest.mark.parametrize(
        ("engine", "workers", "code", "sent"),
        [
            ("serial", 1, 130, "INT"),
            ("processes", 2, 130, "INT"),
            ("processes", 2, 143, "TERM"),
            ("ray", 2, 130, "INT"),
        ],
    )
    def test_keeps_what_was_done_and_the_next_run_does_the_rest(
        self, tiny: Path, tmp_path: Path, engine: str, workers: int, code: int, sent: str
    ) -> None:
        if engine == "ray":
            pytest.importorskip("ray", reason="needs the extra: pip install 'mtrbench[ray]'")
        out = tmp_path / "out"
        # The first attack's cell gets done; the second's steps would take minutes.
        base = ("run", "--model", tiny, "--images", 40, "--out", out)
        both = (*base, "--attack", "noise", "--attack", "signsum-pgd")
        process = start(*both, "--steps", 20_000, "--workers", workers, "--engine", engine)
        try:
            # Two passes of two shards are quick.
            wait_for(lambda: len(list(out.glob("shards/*/*.npz"))) == 4 and len(list(out.glob("records/*.json"))) == 2)
            if sent == "INT":
                os.killpg(process.pid, signal.SIGINT)  # as the terminal does: to the workers, too
            else:
                process.terminate()
            outcome = finish(process)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        assert outcome.code == code
        assert "Traceback" not in outcome.err
        assert "Error" not in outcome.err
        if sent == "INT":
            assert outcome.err.splitlines()[-1] == "mtrbench: interrupted; what was saved is kept"
        wait_for(lambda: not workers_of(process.pid), 10)

        kept = files(out)
        assert [Path(name).parts[0] for name in kept] == [*["records"] * 2, *["shards"] * 4]  # and no temporary file
        records = read_records(out / "records")
        assert {record.cell.title for record in records} == {"clean pass on tiny", "noise on tiny (eps 4/255)"}
        resumed = mtrbench(*both, "--steps", 1, "--workers", 1)
        assert resumed.code == 0
        assert "3 cells: 2 from the store, 1 computed" in resumed.err
        assert kept.items() <= files(out).items()
        assert [Store(out).record(record.cell) for record in records] == records

    def test_workers_end_with_a_parent_that_is_killed(self, tiny: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        attacks = ("--attack", "noise", "--attack", "signsum-pgd", "--steps", 20_000)
        process = start("run", "--model", tiny, *attacks, "--images", 4, "--workers", 2, "--out", out)
        wait_for(lambda: any(out.glob("shards/*/*.npz")))
        process.kill()
        process.communicate()
        wait_for(lambda: not workers_of(process.pid), 20)


def workers_of(group: int) -> list[str]:
    """The processes of a group that are alive."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, member = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(member) == group and state != "Z":
            found.append(stat.parent.name)
    return found
