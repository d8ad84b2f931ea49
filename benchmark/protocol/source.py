"""The source of modules from outside this package, as a digest: edited code is other code."""

from __future__ import annotations

import ast
import hashlib
import site
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import packages_distributions, version
from importlib.util import resolve_name
from pathlib import Path

OWN = __name__.partition(".")[0]
GROUND = frozenset({OWN, "numpy", "ortools", "torch", *sys.stdlib_module_names})
"""Packages that a digest leaves out: the protocol has a version of its own, and records carry those of the others."""


def in_a_file(module: str) -> bool:
    """Whether a module is a file to import, not a script or notebook, which holds more than an object's own code."""
    if module.partition(".")[0] in ("__main__", "__mp_main__"):
        return False
    return getattr(sys.modules.get(module), "__file__", None) is not None


@cache  # what runs was read when it was imported
def source_sha256(module: str) -> str:
    """Digest of the code of an imported module that lies in a file.

    Of an installed package, its version and all of its Python files; else the module's file and those of all modules
    that it imports, wherever in the file the import stands, unless they are installed packages or of the `GROUND`. What
    is imported by a name that is made at run time is not seen.
    """
    top = module.partition(".")[0]
    own = Path(str(sys.modules[module].__file__))
    if _is_installed(own):
        files = {str(path.relative_to(root)): path for root in _roots(top, own) for path in _python_files(root)}
        head = " ".join(f"{name} {version(name)}" for name in sorted({*packages_distributions().get(top, ())}))
    else:
        files, head = _closure(module, own), ""
    digest = hashlib.sha256(f"{head}\0".encode())
    for name in sorted(files):
        digest.update(f"{name}\0{hashlib.sha256(_content(files[name])).hexdigest()}\0".encode())
    return digest.hexdigest()


def _closure(module: str, own: Path) -> dict[str, Path]:
    """The files of a module and of what it imports, by the modules' names; the first one's does not matter."""
    files, waiting = {"": own}, [*_imported(module, own)]
    while waiting:
        name = waiting.pop()
        path = None if name.partition(".")[0] in GROUND or name in (*files, module) else _file_of(name)
        if path is not None and not _is_installed(path):
            files[name] = path
            waiting += _imported(name, path)
    return files


def _imported(module: str, path: Path) -> Iterator[str]:
    """The names that a file may import as modules, and the packages around the module itself, which run before it."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    yield from _with_parents(package)
    try:
        tree = ast.parse(_content(path))
    except (SyntaxError, ValueError):  # no Python file, though it was imported as one
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = _resolved("." * node.level + (node.module or ""), package) if node.level else node.module or ""
            yield from _with_parents(base)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    yield from (".".join(parts[: count + 1]) for count in range(len(parts)) if name)


def _resolved(name: str, package: str) -> str:
    try:
        return resolve_name(name, package)
    except ImportError:  # beyond the topmost package: a line that never runs
        return ""


def _file_of(name: str) -> Path | None:
    """Where a module's code lies, found without importing anything; None if it is no Python file."""
    path, spec = None, None
    for part in _with_parents(name):
        spec = _spec(part, path)
        if spec is None:
            return None
        path = [*(spec.submodule_search_locations or ())]
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


def _spec(name: str, path: list[str] | None) -> ModuleSpec | None:
    try:
        return PathFinder.find_spec(name, path)
    except (ImportError, ValueError):
        return None


def _is_installed(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in _site_folders())


@cache
def _site_folders() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    found = {paths["purelib"], paths["platlib"], *site.getsitepackages(), site.getusersitepackages()}
    return tuple(Path(folder) for folder in found)


def _roots(top: str, own: Path) -> list[Path]:
    """The folders of an installed package, or the one file that it is."""
    folders = getattr(sys.modules.get(top), "__path__", None)
    return [Path(folder) for folder in folders] if folders else [own]


def _python_files(root: Path) -> list[Path]:
    return [*root.rglob("*.py")] if root.is_dir() else [root]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it was there when it was imported
        return b""
