"""Packages of one's own, written as they install and pass: `mtrbench new`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..attacks.tables import BALANCINGS, WHOLE
from ..benchmark.datasets.registry import DATASETS
from ..benchmark.protocol.errors import BadInputError, unknown
from ..benchmark.protocol.files import write_atomically
from ..benchmark.protocol.registry import Registry
from ..benchmark.protocol.tasks.registry import TASKS
from ..models.registry import MODELS


def _class(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def _function(name: str) -> str:
    return name.replace("-", "_")


@dataclass(frozen=True)
class Kind:
    """What a package may bring: `what` it is, where it will be registered, how its object is called, how to try it."""

    what: str
    registry: Registry[Any]
    object_of: Callable[[str], str]
    tried: str

    @property
    def group(self) -> str:
        """The last part of its entry-point group, which `mtrbench list` takes, too."""
        return str(self.registry.group).rpartition(".")[2]


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "attack": Kind("An attack", WHOLE, _class, "mtrbench run --attack {file} --images 16"),
        "balancing": Kind("A balancing", BALANCINGS, _class, "mtrbench run --attack {file}-pgd --images 16"),
        "model": Kind("A model", MODELS, _function, "mtrbench run --model {file} --attack total-pgd --images 16"),
        "task": Kind("A task", TASKS, _class, "python -c 'from {module} import {object}; print({object}())'"),
        "dataset": Kind("A data set", DATASETS, _function, "mtrbench run --dataset {file} --attack total-pgd"),
    }
)


def write_package(kind: str, name: str, folder: Path) -> list[Path]:
    """The files of a new package called `name` in the folder FOLDER/NAME, which installs and passes its test.

    Raises BadInputError for an unknown kind, a name that cannot be had, and a folder that is there already.
    """
    if kind not in KINDS:
        raise unknown("kind of package", kind, KINDS)
    _check_name(KINDS[kind], name)
    place = folder / name
    if place.exists():
        raise BadInputError(f"{place} is there already; choose another name, or another folder by --out")
    module = _function(name)
    about = {"name": name, "module": module, "object": KINDS[kind].object_of(name)}
    about |= {"what": KINDS[kind].what, "group": KINDS[kind].group, "kind": kind}
    about["tried"] = KINDS[kind].tried.format(file=f"./{module}.py:{about['object']}", **about)
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    templates = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701
    written = []
    for path, template in {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"{module}.py": f"{kind}.py",
        f"test_{module}.py": f"test_{kind}.py",
    }.items():
        write_atomically(place / path, templates.get_template(f"{template}.jinja").render(about).encode())
        written.append(place / path)
    return written


def _check_name(kind: Kind, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > 50:
        raise BadInputError(f"a package cannot be called {name!r}; use small letters, digits and single dashes")
    taken = kind.registry.fault_of(name)
    if taken:
        raise BadInputError(f"{kind.registry.kind} {name!r}: {taken}")
    module = _function(name)
    if iskeyword(module) or find_spec(module) is not None:
        raise BadInputError(f"{name!r} would be the module {module}, which Python has already; choose another name")
