"""The command line in this process, and in one of its own."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from mtrbench.cli import main

FAST = ("--attack", "total-fgsm", "--images", 4, "--workers", 1)
"""A run of a second."""


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def mtrbench(*arguments: object) -> Outcome:
    """What `mtrbench ARGUMENTS` prints and exits with; here, because starting Python and torch takes seconds."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    handler = signal.getsignal(signal.SIGTERM)
    with (
        mock.patch.object(sys, "argv", ["mtrbench", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        finally:
            signal.signal(signal.SIGTERM, handler)
    return Outcome(code, out.getvalue(), err.getvalue())


def assert_refused(outcome: Outcome, *words: str) -> None:
    """Exit code 2, nothing on stdout, and on stderr one line that says all of `words`."""
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("mtrbench: ")
    assert outcome.err.count("\n") == 1
    assert outcome.err.endswith("\n")
    assert "--debug" not in outcome.err  # foreseen, and not merely caught
    for word in words:
        assert word in outcome.err


def start(*arguments: object, path: Path | None = None) -> subprocess.Popen[str]:
    """`python -m mtrbench ARGUMENTS` in a process group of its own; `path` goes in front of its search path."""
    return python("-m", "mtrbench", *arguments, path=path)


def python(*arguments: object, path: Path | None = None, cwd: Path | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", **({} if path is None else {"PYTHONPATH": search_path(path)})},
    )


def search_path(*first: Path) -> str:
    """PYTHONPATH with these folders in front."""
    return os.pathsep.join([*map(str, first), *filter(None, [os.environ.get("PYTHONPATH")])])


def finish(process: subprocess.Popen[str]) -> Outcome:
    out, err = process.communicate(timeout=120)
    return Outcome(process.returncode, out, err)


def files(folder: Path) -> dict[str, bytes]:
    """The content of every file below a folder, by its path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
