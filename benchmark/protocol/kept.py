"""Records kept as they were checked: taken in again in a seventh of the time, as Python does with compiled modules."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, is_dataclass
from functools import cache
from pathlib import Path
from time import time
from typing import Any

import numpy
import pydantic
import pydantic_core

from .cells import Strict
from .estimates import remade
from .files import at_home, write_atomically
from .merging import Found

SMALLEST = 2**18
"""Bytes of files below which nothing is kept: they are read in a tenth of a second."""
UNUSED = 30 * 24 * 3600
"""Seconds after which what nobody asked for is removed."""
DIGEST = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Kept:
    """What is kept of some files: a file of the user's own and, as its beginning, the `state` that it is of.

    That is the digest of the files, and of the code and the libraries that check them: of any other state nothing is
    taken, nor of a file that somebody else could have written.
    """

    place: Path
    state: bytes

    @classmethod
    def of(cls, paths: Sequence[Path]) -> Kept | None:
        """That of these files; None where they are small, or cannot be read."""
        try:
            if not all(path.is_file() for path in paths) or sum(path.stat().st_size for path in paths) < SMALLEST:
                return None
            # As they are called, since records tell where they stand, and from where that is.
            name = hashlib.sha256("\0".join([os.getcwd(), *map(str, paths)]).encode("utf-8", "surrogateescape"))
            digest = hashlib.sha256(_code())
            for path in paths:
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError:
            return None
        return cls(_folder() / f"{name.hexdigest()[:32]}.kept", digest.digest())

    def is_there(self) -> bool:
        """Whether anything is kept of this state."""
        return self._read(DIGEST) is not None

    def load(self) -> list[Found] | None:
        """The records, None if none are kept, or not all is as it was left."""
        content = self._read(-1)
        if content is None or hashlib.sha256(content[2 * DIGEST :]).digest() != content[DIGEST : 2 * DIGEST]:
            return None
        try:
            found = [Found(*pair) for pair in _Unpickler(io.BytesIO(content[2 * DIGEST :])).load()]
        except Exception:
            return None
        with suppress(OSError):
            os.utime(self.place)
        return found

    def save(self, found: Sequence[Found]) -> bool:
        """Keep the records; whether that was possible."""
        try:
            self.place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_ours(self.place.parent.stat()):
                return False
            content = pickle.dumps([tuple(one) for one in found], 5)
            write_atomically(self.place, self.state + hashlib.sha256(content).digest() + content)
            for other in self.place.parent.glob("*.kept"):
                if time() - other.stat().st_mtime > UNUSED:
                    other.unlink(missing_ok=True)
        except OSError:
            return False
        return True

    def _read(self, size: int) -> bytes | None:
        """The file's first bytes, None if it is of another state or not ours alone to write."""
        try:
            with self.place.open("rb") as file:
                if not (_is_ours(os.fstat(file.fileno())) and _is_ours(self.place.parent.stat())):
                    return None
                content = file.read(size)
        except OSError:
            return None
        return content if content.startswith(self.state) else None


class _Unpickler(pickle.Unpickler):
    """Makes nothing but the parts of records: no code runs that stands in what is read."""

    def find_class(self, module: str, name: str) -> Any:
        own = module.rpartition(".")[0] == __name__.rpartition(".")[0]
        found = getattr(sys.modules.get(module), name, None) if own else None
        if found is remade or (isinstance(found, type) and (issubclass(found, Strict) or is_dataclass(found))):
            return found
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a record")


def _is_ours(status: os.stat_result) -> bool:
    """Whether nobody but the user can write what has this status."""
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o022)


@cache
def _code() -> bytes:
    """Digest of all that says which records are right, and how they are kept."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    versions = (sys.version, pydantic.VERSION, pydantic_core.__version__, numpy.__version__)
    return hashlib.sha256(b"\0".join([repr(versions).encode(), *(path.read_bytes() for path in files)])).digest()


_code()  # now: the files may be edited while their code runs


def _folder() -> Path:
    """The user's folder for what can be made again, or the one that MTRBENCH_CACHE names."""
    if own := os.environ.get("MTRBENCH_CACHE"):
        return Path(own)
    home = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    return (Path(home) if home else at_home("~/.cache")) / "mtrbench"
