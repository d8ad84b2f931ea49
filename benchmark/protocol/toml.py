"""What users write in TOML: cards, recipes and suites."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from .errors import BadInputError
from .faults import in_words, placed

M = TypeVar("M", bound=BaseModel)


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The content of a file; raises BadInputError, starting with `what`, if it cannot be read or is no TOML."""
    return parsed(read_text(path, what), what)


def read_text(path: Path, what: str) -> str:
    """The text of a file; raises BadInputError, starting with `what`, if it cannot be read or is no text."""
    if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would be waited for
        raise BadInputError(f"{what} cannot be read: it is no regular file")
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark of the order of bytes
    except OSError as error:
        raise BadInputError(f"{what} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{what} is not TOML: {error}") from error


def parsed(text: str, what: str) -> dict[str, Any]:
    """The content of TOML; raises BadInputError, starting with `what`, if it is none."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, brackets without end
        raise BadInputError(f"{what} is not TOML: {error}") from error


def validated(kind: type[M], content: dict[str, Any], what: str) -> M:
    """`content` validated as a `kind`; raises BadInputError naming every field that is wrong."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise BadInputError(f"{what}: {'; '.join(map(_told, error.errors()))}") from error


def _told(fault: Mapping[str, Any]) -> str:
    where = f"field {placed(fault)!r}: " if fault["loc"] else ""
    return where + in_words(fault)
