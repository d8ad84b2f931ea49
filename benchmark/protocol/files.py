"""Files that are there whole or not at all, and that one process at a time writes."""

from __future__ import annotations

import errno
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

STALE = 3600.0
"""Seconds after which what a process that was killed left behind is swept; to write a file takes none of them."""
LEFT_BEHIND = re.compile(r"\..+\.(\w{8}\.partial|claim)", re.ASCII | re.DOTALL)
"""Names of files under way, and of claims."""
UNABLE = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""How file systems say that they know no locks."""


def at_home(place: str | os.PathLike[str]) -> Path:
    """The path with `~` as the user's folder, or as it is where there is none."""
    return Path(os.path.expanduser(place))


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: under a temporary name beside it, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def claimed(path: Path, *, patiently: bool = False) -> Iterator[bool]:
    """Whether nobody else writes `path` as long as the block lasts; `patiently` waits until it is so.

    The claim is a lock on a file beside it, which the system drops when the process ends, however it does. Where the
    file system knows no locks, everybody is told True.
    """
    place = path.with_name(f".{path.name}.claim")
    made = [parent for parent in path.parents if not parent.exists()]
    lock = FileLock(place)
    try:
        _acquire(lock, place, patiently=patiently)
    except Timeout:
        yield False
        return
    except OSError as error:
        if error.errno not in UNABLE:
            raise
        yield True
        return
    try:
        yield True
    finally:
        with suppress(OSError):  # Windows removes nothing that is open
            place.unlink()
        lock.release()
        with suppress(
            OSError
        ):  # of a failure nothing stays, not even a folder; others keep theirs, which are not empty
            for parent in made:
                parent.rmdir()


def _acquire(lock: BaseFileLock, place: Path, *, patiently: bool) -> None:
    while not lock.is_locked:
        place.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # somebody has removed the folder, as it was empty
            lock.acquire(blocking=patiently)


def sweep(folder: Path) -> None:
    """Remove the temporary files and claims below a folder that are an hour old and nobody's."""
    for path in folder.rglob(".*"):
        if LEFT_BEHIND.fullmatch(path.name) and _is_stale(path):
            if path.suffix == ".claim":
                # Taken and given back, which removes it; what is somebody's is not taken.
                with claimed(path.with_name(path.name.removeprefix(".").removesuffix(".claim"))):
                    pass
            else:
                path.unlink(missing_ok=True)


def _is_stale(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime >= STALE
    except OSError:  # gone meanwhile
        return False
