"""What a command says: its results on stdout, alone and on any console, and nothing that steers the terminal."""

from __future__ import annotations

import codecs
import io
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from contextvars import ContextVar
from typing import Any, TextIO, cast

import click
from tabulate import tabulate

from ..benchmark.protocol.plain import harmless

LAYOUT = "\n\t"
"""Controls that lay out lines."""
SIMPLER = {
    "↑": "^",
    "↓": "v",
    "∞": "inf",
    "ε": "eps",
    "…": "...",
    "±": "+-",
    "·": ".",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{EN DASH}": "-",
    "\N{NO-BREAK SPACE}": " ",
}
"""How to write on a console of few characters what its encoding lacks; all else is written out."""
NARROWEST = 20
"""Letters of a column, at least, that is folded."""
LEGIBLE = "mtrbench.legible"
"""What consoles of other encodings than UTF-8 do with a character that they lack."""


def _legible(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    written = (SIMPLER.get(letter) or letter.encode("ascii", "backslashreplace").decode() for letter in lacking)
    return "".join(written), error.end


codecs.register_error(LEGIBLE, _legible)


class Harmless:
    """A stream of text to which nothing comes that steers a terminal, but for what lays out lines and bars."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=LEGIBLE)

    def write(self, text: str) -> int:
        self._stream.write(harmless(text, but=LAYOUT + "\r"))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


_RESULTS: ContextVar[TextIO | None] = ContextVar("_RESULTS", default=None)


def echo(text: object = "", *, err: bool = False) -> None:
    """Print a line of results, or with `err` one about them."""
    stream = sys.stderr if err else _RESULTS.get() or sys.stdout
    stream.write(f"{harmless(str(text), but=LAYOUT)}\n")
    stream.flush()


def width() -> int | None:
    """How many letters a line of results may have, None where they go to no terminal."""
    stream = _RESULTS.get() or sys.stdout
    return shutil.get_terminal_size().columns if stream.isatty() else None


def table(rows: Sequence[Mapping[str, object]], **options: Any) -> str:
    """Rows as a table of tabulate; of one wider than the terminal the widest columns are folded."""
    text, room = tabulate(rows, **options), width()
    if room is None or not rows:
        return text
    widths = [max(len(str(row.get(name, "")).strip()) for row in rows) for name in rows[0]]
    folds = [*options.pop("maxcolwidths", [None] * len(widths))]
    while (excess := max(map(len, text.splitlines())) - room) > 0:
        kept = [min(wide, fold or wide) for wide, fold in zip(widths, folds, strict=True)]
        widest = kept.index(max(kept))
        if kept[widest] <= NARROWEST:
            break
        folds[widest] = max(NARROWEST, kept[widest] - excess)
        text = tabulate(rows, **options, maxcolwidths=folds)
    return text


class Command(click.Command):
    """A command that has stdout for its results alone: what all other code prints meanwhile goes to stderr."""

    def invoke(self, context: click.Context) -> Any:
        try:
            with _stdout_of_its_own():
                return super().invoke(context)
        except BrokenPipeError:  # whoever read the results has seen enough
            context.exit(141)


class Group(click.Group):
    """A group of such commands."""

    command_class = Command


@contextmanager
def harmless_streams() -> Iterator[None]:
    """All that is printed inside goes through `Harmless`."""
    out, err = (cast(TextIO, Harmless(stream)) for stream in (sys.stdout, sys.stderr))
    with redirect_stdout(out), redirect_stderr(err):
        yield


@contextmanager
def _stdout_of_its_own() -> Iterator[None]:
    """What `echo` prints goes to stdout, and all else to stderr, also of processes that are started inside."""
    stdout = sys.stdout
    with redirect_stdout(sys.stderr):
        if not _is_descriptor(stdout, 1):
            with _results_to(stdout):
                yield
            return
        stdout.flush()
        number = os.dup(1)
        os.dup2(2, 1)
        try:
            with os.fdopen(os.dup(number), "w", encoding=stdout.encoding, errors=LEGIBLE) as own, _results_to(own):
                yield
        finally:
            os.dup2(number, 1)
            os.close(number)


@contextmanager
def _results_to(stream: TextIO) -> Iterator[None]:
    token = _RESULTS.set(stream)
    try:
        yield
    finally:
        _RESULTS.reset(token)


def _is_descriptor(stream: TextIO, number: int) -> bool:
    try:
        return stream.fileno() == number
    except (OSError, ValueError):  # as those of notebooks and tests
        return False
