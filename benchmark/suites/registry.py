"""Every suite by name, by the path of its file, or as an object of any package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..protocol.errors import BadInputError
from ..protocol.registry import Registry
from ..protocol.toml import read_toml, validated
from .suite import Suite


def as_suite(found: object, name: str) -> Suite:
    """A Suite as it is, its fields, or what the TOML file at a path holds; selectors stay as they are.

    Raises BadInputError for anything else, and with every field that is wrong.
    """
    if isinstance(found, Suite):
        return found
    if isinstance(found, Mapping):
        return validated(Suite, dict(found), f"suite {name}")
    if isinstance(found, str | Path):
        what = f"suite {found}"
        return validated(Suite, read_toml(Path(found), what), what)
    raise BadInputError(f"suite {name!r} is a {type(found).__name__}, no Suite, fields of one, or path of its file")


SUITES = Registry(
    "suite",
    {path.stem: str(path) for path in sorted(Path(__file__).parent.glob("*.toml"))},
    as_suite,
    group="mtrbench.suites",
)
"""Shipped names lead to the paths of their files; a plug-in's entry point is a Suite, its fields, or a file's path."""
