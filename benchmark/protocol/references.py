"""`pkg.module:object` and `./file.py:Object`: how a name leads to an object that nobody registered."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from .errors import BadInputError, told, unknown
from .files import at_home
from .source import OWN

_IDENTIFIER = r"[^\W\d]\w*"
_MODULE = rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})*"
# A path begins with ./ ../ / ~/ or a drive, unless it holds nothing but words, dots and slashes: so an attack's name,
# in which a path may follow a dash, can be read in one way only. What separates the parts of such a name is left out.
_FILE = r"(?:(?:\.{0,2}|~|[A-Za-z]:)[/\\][^,:@\[\]<>|`\x00-\x1f]*|[\w./]+)\.py"
NETWORKS = ("architecture", "model")
"""Kinds of what networks are made by."""
PATTERN = rf"(?:{_FILE}|{_MODULE}):{_IDENTIFIER}(?:\.{_IDENTIFIER})*"
"""What a reference looks like, for the grammars that it is part of."""


@dataclass(frozen=True)
class File:
    """A Python file that has been run as a module: its path, and what stood in it."""

    path: Path
    content: bytes

    @property
    def module(self) -> str:
        """What the module is called: another name for other content, so that an edited file is run anew."""
        digest = hashlib.sha256(f"{self.path}\0".encode() + self.content).hexdigest()
        return f"{self.path.stem}_{digest[:16]}"


_FILES: dict[str, File] = {}
"""What this process has run, by the modules' names."""


@dataclass(frozen=True)
class Reference:
    """An object by its `name` in `place`, a module as Python imports it or the path of a Python file."""

    place: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Reference | None:
        """The reference that `text` is, if it is one: `str` gives the same text, with paths in their shortest form."""
        if re.fullmatch(PATTERN, text) is None:
            return None
        place, _, name = text.rpartition(":")
        return cls(_shortest(place) if place.endswith(".py") else place, name)

    def __str__(self) -> str:
        return f"{self.place}:{self.name}"

    @property
    def leads_somewhere(self) -> bool:
        """Whether there is such a file, or a package of which the module may be."""
        if self.place.endswith(".py"):
            return at_home(self.place).is_file()
        _search_here()
        return find_spec(self.place.partition(".")[0]) is not None

    def load(self, kind: str) -> object:
        """The object itself, from the installed packages, the working directory or the file.

        Raises BadInputError, which calls it a `kind`, where there is none, and for code that fails or exits.
        """
        what = f"{kind} {str(self)!r}"
        # Libraries of networks are known to replace functions, and what they do runs where is scored anyway.
        with nullcontext() if kind in NETWORKS else _unchanged(self.place, what):
            found: object = load_module(self.place, what)
        for part in self.name.split("."):
            if not hasattr(found, part):
                names = [name for name in vars(found) if not name.startswith("_")] if hasattr(found, "__dict__") else []
                raise unknown(f"{what}: object of {self.place}", part, names)
            found = getattr(found, part)
        return found


def load_module(place: str, what: str) -> ModuleType:
    """The module called `place`, or the one in the file that `place` is the path of.

    A file is run once for each content that it has. `what` begins the messages of BadInputError, which is raised where
    there is none, and for code that fails or exits.
    """
    try:
        # What a module prints must not come between the lines of JSON.
        with redirect_stdout(sys.stderr):
            return _run(at_home(place).resolve(), what) if place.endswith(".py") else _import(place, what)
    except BadInputError:
        raise
    except (Exception, SystemExit) as error:  # a module may raise anything
        raise BadInputError(f"{what} cannot be imported: {told(error)}") from error


@contextmanager
def _unchanged(place: str, what: str) -> Iterator[None]:
    """Raises BadInputError if the code inside, which imports `place`, changes what all code of a process shares."""
    if "torch" not in sys.modules or place in sys.modules or place.partition(".")[0] == OWN:
        yield
        return
    from .surroundings import Surroundings  # which loads torch

    before = Surroundings()
    yield
    change = before.change()
    if change:
        raise BadInputError(f"{what}: its module changes {change}, which all code of a process shares; leave that out")


def seen_from(folder: Path | None, text: str) -> str:
    """A reference in a file of `folder` as it reads from here: `./net.py:Net` is the `net.py` beside that file.

    If there is none, it is that of the working directory. Other texts, and all without a folder, stay as they are.
    """
    reference = Reference.parse(text)
    if folder is None or reference is None or not reference.place.endswith(".py"):
        return text
    here = at_home(reference.place)
    beside = folder / here
    return text if here.is_file() and not beside.is_file() else f"{_shortest(str(beside))}:{reference.name}"


def misspelt(text: str, kind: str) -> BadInputError | None:
    """The error for what was meant to be a reference to a file and is none; None for what was meant to be a name."""
    if text.endswith(".py"):
        offered = ", ".join(_defined(at_home(text))) or "Object"
        return BadInputError(f"{kind} {text!r} names no object of the file; write {text}:{offered}")
    if ".py:" in text:
        return BadInputError(f"{kind} {text!r}: write a file as ./file.py:Object; its path begins with ./ ../ / or ~/")
    return None


def _import(name: str, what: str) -> ModuleType:
    _search_here()
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # what lacks is something that it imports
        raise BadInputError(
            f"{what}: no module {error.name} is installed or lies in {os.getcwd()}; a file is ./file.py:Object"
        ) from error


def _search_here() -> None:
    # At the end, so that no file beside can take the place of an installed package.
    if "" not in sys.path and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())


def _run(path: Path, what: str) -> ModuleType:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"{what}: {path} cannot be read: {error.strerror}") from error
    return run_file(File(path, content))


def files_run() -> tuple[File, ...]:
    """The files that this process has run, first to last: another one needs them for objects that come from here."""
    return (*_FILES.values(),)


def run_file(file: File) -> ModuleType:
    """The module that a file is, run unless this process has; not through Python's cache, which goes by times."""
    name = file.module
    if name in sys.modules:
        return sys.modules[name]
    if str(file.path.parent) not in sys.path:
        sys.path.append(str(file.path.parent))
    module = ModuleType(name)
    module.__file__, module.__package__ = str(file.path), ""
    sys.modules[name] = module  # before it is run: dataclasses look there
    try:
        exec(compile(file.content, str(file.path), "exec"), module.__dict__)  # noqa: S102
    except BaseException:
        del sys.modules[name]
        raise
    _FILES[name] = file
    return module


def _shortest(path: str) -> str:
    if path.startswith("~") or Path(path).is_absolute():
        return os.path.normpath(path)
    path = os.path.normpath(path)
    return path if path.startswith("..") else os.path.join(".", path)


def _defined(path: Path) -> list[str]:
    """The public classes and functions of a file, as far as they show without running it."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, ValueError, SyntaxError):
        return []
    kinds = (ast.ClassDef, ast.FunctionDef)
    return [node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
