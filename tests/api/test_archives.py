"""A file that is handed in is unpacked to what it may hold, or refused in a line."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from helpers.commands import assert_refused, mtrbench


@pytest.mark.parametrize("name", ["../up.txt", "/etc/up.txt", "a/../../up.txt", "folder/"])
def test_an_archive_writes_nowhere_else(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(name, "")
    assert_refused(mtrbench("validate", "submission", tmp_path / "bad.zip"), "bad.zip", "no file in it")


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.toml", b"\0" * (51 * 2**20))
    assert_refused(mtrbench("validate", "submission", tmp_path / "bomb.zip"), "51 MB")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"no")
    assert_refused(mtrbench("validate", "submission", tmp_path / "no.zip"), "no.zip")
    assert_refused(mtrbench("leaderboard", "--records", tmp_path / "no.zip", "--out", tmp_path / "b"), "no.zip")
    assert_refused(mtrbench("validate", "submission", tmp_path / "none"), "none")
