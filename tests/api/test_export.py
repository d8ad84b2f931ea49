"""A table of records says what the records say."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow.parquet
import pytest
from click.testing import CliRunner
from helpers.make_records import make_record

from mtrbench import BadInputError
from mtrbench.api.export import row, save_parquet
from mtrbench.cli.records import records as command

RECORDS = [
    make_record("a.clean"),
    make_record("b.clean", "total-pgd", settings={"steps": 5}),
    make_record("c.clean", "total-fgsm", tasks=("depth", "normals"), damage={"depth": None, "normals": 0.5}),
]


def test_a_row_of_the_table_is_a_record_at_every_place(tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    width = save_parquet(RECORDS, path)
    table = pyarrow.parquet.read_table(path).to_pylist()
    for record, found in zip(RECORDS, table, strict=True):
        assert len(found) == width
        content = record.model_dump(mode="json", by_alias=True)
        for place, value in row(record).items():
            there = content
            for name in place_parts(place, content):
                there = there[name]
            assert value == (json.dumps(there) if isinstance(there, dict | list) else there)
            assert found[place] == value, place
        assert all(found[place] is None for place in {*found} - {*row(record)})
    assert "degradation.ard.value" in table[0]
    assert not any("replicates" in place for place in table[0])


def place_parts(place: str, content: object) -> list[str]:
    """The names that a dotted place goes by; some names have dots themselves."""
    if not place:
        return []
    assert isinstance(content, dict)
    name = next(name for name in content if place == name or place.startswith(f"{name}."))
    return [name, *place_parts(place.removeprefix(name).removeprefix("."), content[name])]


def test_the_command_reads_what_run_writes(tmp_path: Path) -> None:
    for record in RECORDS:
        record.save(tmp_path)
    out = tmp_path / "table.parquet"
    done = CliRunner().invoke(command, ["export", str(tmp_path), "--parquet", str(out)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("3 records, ")
    assert {*pyarrow.parquet.read_table(out)["key"].to_pylist()} == {record.key for record in RECORDS}


def test_without_the_extra_one_line_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(BadInputError, match=r"pip install 'mtrbench\[parquet\]'"):
        save_parquet(RECORDS, tmp_path / "table.parquet")
    assert not [*tmp_path.iterdir()]
