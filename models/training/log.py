"""The course of a training as CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from ...benchmark.protocol.files import write_atomically


class Log:
    """A CSV file with a row per step that it sees, whose first column is the step's number; rows are on disk at once.

    Of what `path` holds, the rows of the first `done` steps are kept and those of steps that will be done again are
    not, nor a line that was cut off; a file with other columns is begun anew.
    """

    def __init__(self, path: Path, columns: Sequence[str], done: int) -> None:
        self.columns = tuple(columns)
        header = ",".join(self.columns) + "\n"
        old = path.read_text(encoding="utf-8").splitlines(keepends=True) if done and path.exists() else []
        steps = {str(step) for step in range(1, done + 1)}
        kept = [line for line in old if line.endswith("\n") and line.partition(",")[0] in steps]
        write_atomically(path, "".join([header, *(kept if old[:1] == [header] else ())]).encode())
        self.file = path.open("a", encoding="utf-8", buffering=1)

    def write(self, values: Mapping[str, int | float]) -> None:
        """Append a row; a column without a value stays empty."""
        cells = [f"{values[name]:.6g}" if name in values else "" for name in self.columns]
        self.file.write(",".join([str(values[self.columns[0]]), *cells[1:]]) + "\n")

    def __enter__(self) -> Log:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.file.close()
