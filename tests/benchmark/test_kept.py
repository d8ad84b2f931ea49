"""Records that were checked are taken in again as they are, as long as nothing that they rest on has changed."""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.make_records import DAMAGE, MODELS, make_clean_record, make_record
from helpers.work import killed

from mtrbench.benchmark.protocol import kept, reading
from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.benchmark.protocol.kept import DIGEST, UNUSED, Kept
from mtrbench.benchmark.protocol.merging import Found
from mtrbench.benchmark.protocol.packing import file_name, save_records
from mtrbench.benchmark.protocol.reading import read_places, read_records
from mtrbench.benchmark.protocol.records import AnyRecord

OF_MODEL = {model: [make_record(model, attack) for attack in DAMAGE] for model in MODELS}
OF_MODEL["clean"] = [make_clean_record(record) for (record, *_) in OF_MODEL.values()]
RECORDS = sorted((record for records in OF_MODEL.values() for record in records), key=lambda record: record.key)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of records with a file per model, of which everything is kept."""
    monkeypatch.setattr(kept, "SMALLEST", 1)
    monkeypatch.setenv("MTRBENCH_CACHE", str(tmp_path / "cache"))
    for model, records in OF_MODEL.items():
        save_records(records, tmp_path / "records" / file_name(model))
    return tmp_path / "records"


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read and checked."""
    seen: list[Path] = []

    def noted(paths: Sequence[Path]) -> list[Found]:
        seen.extend(paths)
        return [*read_places(paths)]

    monkeypatch.setattr(reading, "read_places", noted)
    return seen


@pytest.fixture
def forget() -> Iterator[Callable[[], None]]:
    """Makes the next digest of the code a new one; afterwards all is as it was."""
    yield kept._code.cache_clear
    kept._code.cache_clear()


def cache() -> Path:
    return Path(os.environ["MTRBENCH_CACHE"])


def test_what_was_checked_comes_back_the_same(place: Path, checked: list[Path]) -> None:
    first = read_records(place)
    assert first == RECORDS
    assert len(checked) == len(OF_MODEL)
    again = read_records(place)
    assert len(checked) == len(OF_MODEL)
    assert [record.model_dump_json() for record in again] == [record.model_dump_json() for record in RECORDS]
    assert [type(record) for record in again] == [type(record) for record in RECORDS]


def test_records_tell_where_they_stand(place: Path) -> None:
    paths = sorted(place.iterdir())
    found = Kept.of(paths)
    assert found
    assert found.save([*read_places(paths)])
    assert found.load() == [*read_places(paths)]


@pytest.mark.parametrize("copies", [1, 40])  # too little to be kept, and enough
def test_workers_check_and_keep(
    copies: int, checked: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTRBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(reading, "PART", 1)
    for model in MODELS:
        records = [make_record(model, eps=float(eps)) for eps in range(copies)]
        save_records(records, tmp_path / "records" / f"{model}.json")
    first = read_records(tmp_path / "records", workers=2)
    assert not checked  # here
    assert len([*cache().glob("*")]) == (len(MODELS) if copies > 1 else 0)
    assert read_records(tmp_path / "records") == first
    assert len(checked) == (0 if copies > 1 else len(MODELS))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs the signal")
def test_what_a_worker_leaves_is_read_here(place: Path, checked: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PART", 1)
    monkeypatch.setattr(reading, "_handed_over", killed)
    assert read_records(place, workers=2) == RECORDS
    assert len(checked) == len(OF_MODEL)


def wrong(record: AnyRecord) -> str:
    return record.model_dump_json(by_alias=True).replace('"complete":true', '"complete":false')


def test_a_file_that_has_changed_is_checked_again(place: Path, checked: list[Path]) -> None:
    read_records(place)
    path = place / file_name("rooms3-shared.clean")
    before, times = path.read_bytes(), path.stat()
    save_records(OF_MODEL["rooms3-shared.clean"][1:], path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # the contents count, not the times
    assert len(read_records(place)) == len(RECORDS) - 1
    path.write_bytes(gzip.compress(wrong(OF_MODEL["rooms3-shared.clean"][0]).encode()))
    for _ in range(2):  # an error is never kept
        with pytest.raises(BadInputError, match=r"line 1: .*complete tells whether the ard is defined"):
            read_records(place)
    checked.clear()
    path.write_bytes(before)
    assert read_records(place) == RECORDS
    assert checked


def test_nothing_is_kept_of_a_file_that_is_written_meanwhile(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtaken(paths: Sequence[Path]) -> list[Found]:
        found = [*read_places(paths)]
        save_records(OF_MODEL["clean"][:1], place / file_name("clean"))
        return found

    monkeypatch.setattr(reading, "read_places", overtaken)
    assert read_records(place) == RECORDS
    assert not cache().exists()


@pytest.mark.parametrize("part", ["code", "versions"])
def test_other_code_or_libraries_check_again(
    place: Path,
    part: str,
    checked: list[Path],
    forget: Callable[[], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(Path(kept.__file__).parent, tmp_path / "code")
    monkeypatch.setattr(kept, "__file__", str(tmp_path / "code" / "kept.py"))
    read_records(place)
    checked.clear()
    forget()
    assert read_records(place) == RECORDS
    assert not checked
    forget()
    if part == "code":
        with (tmp_path / "code" / "consistency.py").open("a") as file:
            file.write("RELATIVE = 1e-9\n")
    else:
        monkeypatch.setattr(kept, "pydantic", SimpleNamespace(VERSION="1"))
    assert read_records(place) == RECORDS
    assert checked


def truncated(content: bytes) -> bytes:
    return content[:-100]


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def sealed(content: bytes, payload: bytes) -> bytes:
    """Another content under the state and with a right digest."""
    return content[:DIGEST] + hashlib.sha256(payload).digest() + payload


class Evil:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, ("evil",)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut in its head": lambda content: content[: DIGEST + 5],
    "cut": truncated,
    "flipped": flipped,
    "no pickle": lambda content: sealed(content, b"{}"),
    "of something else": lambda content: sealed(content, pickle.dumps([1, 2, 3])),
    "code": lambda content: sealed(content, pickle.dumps([("where", Evil())])),
    "foreign class": lambda content: sealed(content, pickle.dumps([("where", Path("a"))])),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_foreign_file_changes_nothing(
    place: Path, damage: str, checked: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    read_records(place)
    (file,) = cache().iterdir()
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    checked.clear()
    assert read_records(place) == RECORDS
    assert checked
    assert not (tmp_path / "evil").exists()
    checked.clear()
    assert read_records(place) == RECORDS  # what was damaged has been replaced
    assert not checked


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs users")
@pytest.mark.parametrize("whose", ["another user's", "a file that others may write", "a folder that others may write"])
def test_what_others_may_write_is_not_taken(
    place: Path, whose: str, checked: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_records(place)
    (file,) = cache().iterdir()
    if whose == "another user's":
        monkeypatch.setattr(os, "getuid", lambda: file.stat().st_uid + 1)
    else:
        (file if "file" in whose else cache()).chmod(0o777)
    checked.clear()
    assert read_records(place) == RECORDS
    assert checked


def test_nobody_else_sees_or_writes_what_is_kept(place: Path) -> None:
    read_records(place)
    assert cache().stat().st_mode & 0o077 == 0


def test_without_a_place_to_keep_them_records_are_read_all_the_same(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MTRBENCH_CACHE", str(tmp_path / "file" / "cache"))
    assert read_records(place) == RECORDS


def test_little_is_not_kept(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "SMALLEST", 2**30)
    read_records(place)
    assert not cache().exists()


def test_what_nobody_asks_for_any_more_is_removed(place: Path) -> None:
    read_records(place)
    (old,) = cache().iterdir()
    os.utime(old, (0, old.stat().st_mtime - UNUSED - 60))
    read_records(place)  # which uses it
    assert old.stat().st_mtime > UNUSED
    os.utime(old, (0, old.stat().st_mtime - UNUSED - 60))
    read_records(place / file_name("clean"))
    assert not old.exists()
    assert len([*cache().iterdir()]) == 1
