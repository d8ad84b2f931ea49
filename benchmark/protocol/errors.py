"""The one error that a user's mistake raises, and others' errors, told in one line."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from .plain import one_line


class BadInputError(ValueError):
    """Something the user gave is wrong; the message is one line: what, where, what to do.

    The command line prints the message alone and exits with code 2.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class CellError(BadInputError):
    """What a cell consists of fails, or does what none may do: it has no result, and others have nothing to do with it.

    `subject` is what such errors call it.
    """

    subject = "the cell"


class AttackError(CellError):
    """An attack does so."""

    subject = "the attack"


class ModelError(CellError):
    """A model does so."""

    subject = "the model"


class SpoiltError(ModelError):
    """A model has changed what all code of a process shares: nothing that is measured there afterwards would count."""


def unknown(kind: str, name: str, known: Iterable[str]) -> BadInputError:
    """The error for a `name` that is not among the `known` ones, with the nearest of them."""
    names = sorted(known)
    by_letters = {one.lower(): one for one in names}
    near = [by_letters[name.lower()]] if name.lower() in by_letters else _near(name, names)
    near = near or [by_letters[one] for one in _near(name.lower(), [*by_letters])]
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}"
    return BadInputError(f"unknown {kind} {name!r}; {hint}")


def _near(name: str, names: list[str]) -> list[str]:
    return get_close_matches(name, names, n=3, cutoff=0.4)


@contextmanager
def model_at_fault() -> Iterator[None]:
    """What is wrong with a model's answers is the model's fault: a ModelError."""
    try:
        yield
    except CellError:
        raise
    except BadInputError as error:
        raise ModelError(str(error)) from error


@contextmanager
def blamed_on(title: str) -> Iterator[None]:
    """What the code inside raises becomes a BadInputError that begins with `title`: others' code may raise anything."""
    try:
        yield
    except BadInputError:
        raise
    except (Exception, SystemExit) as error:
        raise BadInputError(f"{title}: {told(error)}") from error


def out_of_memory(error: BaseException | None) -> bool:
    """Whether an error says that memory was not enough, or comes of one that does."""
    while error is not None:
        if isinstance(error, MemoryError) or "out of memory" in str(error) or "can't allocate memory" in str(error):
            return True
        error = error.__cause__
    return False


def told(error: BaseException) -> str:
    """An error of foreign code on one line, with the place where it was raised."""
    if isinstance(error, SystemExit):
        return "it exits; leave that to a function, or to `if __name__ == '__main__'`"
    message = f"{type(error).__name__}: {' '.join(str(error).split())}"
    if isinstance(error, SyntaxError):
        return message
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{message} ({Path(place.filename).name}, line {place.lineno})"
