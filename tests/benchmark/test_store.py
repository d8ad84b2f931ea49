"""What is stored comes back as it was, or is refused; names follow from content alone."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.make_records import make_record
from helpers.work import toy_cell
from hypothesis import given
from hypothesis import strategies as st

from mtrbench import BadInputError
from mtrbench.benchmark.measurement import Measurement
from mtrbench.benchmark.protocol.cells import Cell
from mtrbench.benchmark.protocol.files import write_atomically
from mtrbench.benchmark.protocol.reading import read_record, read_records
from mtrbench.benchmark.protocol.tally import Tally
from mtrbench.benchmark.store import Store, packed

CELL = toy_cell()
SPAN = (32, 35)


def measurement(seed: int = 0) -> Measurement:
    numbers = np.random.default_rng(seed)
    return Measurement(
        ids=("toy-32", "toy-33", "käse/34"),
        statistics={"a": numbers.normal(size=(3, 2)), "b": np.array([[np.nan, 1e300], [0.1, -0.0], [5e-324, 3.0]])},
        losses={"a": numbers.normal(size=3), "b": numbers.normal(size=3)},
        forwards=7,
        backwards=5,
        seconds=0.1,
        peak_memory_mb=12.5,
        tally=Tally({"optimal": 3}, {"gap": 0.25}),
    )


class TestShards:
    def test_round_trip_keeps_every_bit(self, tmp_path: Path) -> None:
        store, part = Store(tmp_path), measurement()
        assert not store.has_shard(CELL, SPAN)
        store.save_shard(CELL, SPAN, packed(part))
        assert store.has_shard(CELL, SPAN)
        back = store.shard(CELL, SPAN)
        for field in ("ids", "forwards", "backwards", "seconds", "peak_memory_mb", "tally"):
            assert getattr(back, field) == getattr(part, field)
        for field in ("statistics", "losses"):
            before, after = getattr(part, field), getattr(back, field)
            assert list(before) == list(after)
            assert all(before[task].tobytes() == after[task].tobytes() for task in before)

    def test_are_apart_by_cell_and_span(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        store.save_shard(CELL, SPAN, packed(measurement()))
        assert not store.has_shard(CELL, (32, 36))
        assert not store.has_shard(CELL.clean, SPAN)

    @pytest.mark.parametrize("content", [b"", b"no zip", b"\x93NUMPY", b"PK\x03\x04" + bytes(60)])
    def test_broken_is_refused_by_name(self, tmp_path: Path, content: bytes) -> None:
        store = Store(tmp_path)
        store.save_shard(CELL, SPAN, packed(measurement()))
        (path,) = tmp_path.rglob("*.npz")
        path.write_bytes(content)
        with pytest.raises(BadInputError, match=path.name):
            store.shard(CELL, SPAN)

    def test_array_in_place_of_an_archive_is_refused(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        store.save_shard(CELL, SPAN, packed(measurement()))
        (path,) = tmp_path.rglob("*.npz")
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
        with pytest.raises(BadInputError, match=path.name):
            store.shard(CELL, SPAN)

    @given(st.data())
    def test_damage_is_refused_or_harmless(self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
        store = Store(tmp_path_factory.mktemp("store"))
        store.save_shard(CELL, SPAN, packed(measurement()))
        (path,) = store.root.rglob("*.npz")
        content = bytearray(path.read_bytes())
        if data.draw(st.booleans()):
            content = content[: data.draw(st.integers(0, len(content) - 1))]
        else:
            content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        try:
            back = store.shard(CELL, SPAN)
        except BadInputError as error:
            assert path.name in str(error)  # noqa: PT017
        else:  # the flip hit what the format ignores, or a name that then is missing
            for task, losses in back.losses.items():
                assert losses.tobytes() == measurement().losses[task].tobytes()


class TestRecords:
    def test_round_trip(self, tmp_path: Path) -> None:
        store, record = Store(tmp_path), make_record()
        assert store.record(record.cell) is None
        store.save_record(record)
        assert store.record(record.cell) == record
        assert read_records(store.records) == [record]

    def test_other_cells_have_none(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        store.save_record(make_record())
        assert store.record(make_record(eps=2.0).cell) is None

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda text: text[: len(text) // 2], "no valid JSON"),
            (lambda text: "", "no valid JSON"),
            (lambda text: "[" * 100_000, "no valid JSON"),
            (lambda text: "[]", "record"),
            (lambda text: text.replace('"seconds": 12.8', '"seconds": NaN'), "no valid JSON"),
            (lambda text: text.replace('"seconds": 12.8', '"seconds": 1e999'), "costs.seconds"),
            (lambda text: text.replace('"seconds": 12.8', '"seconds": "12.8"'), "costs.seconds"),
            (lambda text: text.replace('"seconds": 12.8', '"hours": 12.8'), "costs"),
            (lambda text: text.replace('"seconds": 12.8', '"seconds": 12.8, "colour": 1'), "costs.colour"),
            (lambda text: text.replace('"seconds": 12.8', '"seconds": 12.8, "seconds": 1.0'), "stands twice"),
            (lambda text: text.replace('"key": "', '"key": "0'), "key"),
            (lambda text: text.replace('"seed": 0', '"seed": 1'), "the key is not the digest of the cell"),
            (lambda text: text.replace('"schema": 5', '"schema": 2'), "schema"),
            (lambda text: text.replace("rooms3-shared.clean", "a|b"), "cell.model.name"),
            (lambda text: text.replace('"levels": "', '"levels": "!'), "replicates"),
            (lambda text: text.replace('"levels": "', '"levels": "AAAA'), "16-bit numbers"),
            (
                lambda text: re.sub(r'"low": [^,]*(,\s*"high": [^,]*,\s*"levels")', r'"low": 1e9\1', text),
                "low must not",
            ),
        ],
    )
    def test_broken_is_refused_by_file_and_field(self, tmp_path: Path, change: Any, message: str) -> None:
        text = make_record().to_json()
        path = tmp_path / "record.json"
        path.write_text(change(text))
        assert path.read_text() != text
        with pytest.raises(BadInputError, match=message) as caught:
            read_record(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_under_the_name_of_another_is_refused(self, tmp_path: Path) -> None:
        store, asked = Store(tmp_path), make_record(eps=2.0)
        store.save_record(make_record())
        (path,) = store.records.iterdir()
        path.rename(store.records / f"{asked.key}.json")
        with pytest.raises(BadInputError, match="of another cell"):
            store.record(asked.cell)


class TestWriting:
    def test_makes_folders_and_replaces(self, tmp_path: Path) -> None:
        path = tmp_path / "a" / "b"
        for content in (b"old", b"new"):
            write_atomically(path, content)
            assert path.read_bytes() == content
        assert os.listdir(path.parent) == ["b"]

    @pytest.mark.parametrize("failing", ["fdopen", "chmod", "replace"])
    @pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=["error", "interrupt"])
    def test_failing_midway_leaves_what_was_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, error: BaseException
    ) -> None:
        path = tmp_path / "file"
        write_atomically(path, b"old")
        genuine = os.fdopen

        def fail(*arguments: Any) -> Any:
            if failing == "fdopen":
                with genuine(*arguments) as file:
                    file.write(b"ha")  # half of it is written when the disk is full
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(os, failing, fail)
            with pytest.raises(type(error)):
                write_atomically(path, b"half")
        assert path.read_bytes() == b"old"
        assert os.listdir(tmp_path) == ["file"]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of every number, text and None in nested data, and of every key."""
    if isinstance(value, dict | list) and value:
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(entry, (*path, key))
    else:
        yield path


def changed(content: Any, path: tuple[Any, ...]) -> Any:
    """The data with another value at `path`, of a type that fits there."""
    content = json.loads(json.dumps(content))
    place = content
    for key in path[:-1]:
        place = place[key]
    old = place[path[-1]]
    other = {"linf": "l2", None: ["depth"]}
    if isinstance(old, str) and len(old) == 64:
        place[path[-1]] = old[:-1] + ("0" if old[-1] != "0" else "1")
    else:
        place[path[-1]] = other[old] if old in other else f"{old}x" if isinstance(old, str) else old + 1
    return content


class TestKeys:
    content = make_record(source="rooms3-independent.clean").cell.model_dump(mode="json")

    @pytest.mark.parametrize("path", list(leaves(content)), ids=lambda path: ".".join(map(str, path)))
    def test_follows_every_field(self, path: tuple[Any, ...]) -> None:
        other = Cell.model_validate_json(json.dumps(changed(self.content, path)))
        assert other.key != Cell.model_validate_json(json.dumps(self.content)).key

    def test_covers_every_field(self) -> None:
        assert {path[0] for path in leaves(self.content)} == set(Cell.model_fields)

    def test_follows_added_tasks_and_settings(self) -> None:
        keys = {make_record().key, make_record(settings={"reach": 1.5}).key, make_record(tasks=("depth",)).key}
        assert len(keys) == 3

    def test_does_not_follow_the_order_of_dicts(self) -> None:
        def backwards(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: backwards(value[key]) for key in reversed(value)}
            return value

        turned = backwards(self.content)
        assert json.dumps(turned) != json.dumps(self.content)
        assert Cell.model_validate_json(json.dumps(turned)).key == Cell.model_validate(self.content).key

    def test_is_the_same_after_a_round_trip(self) -> None:
        assert Cell.model_validate_json(CELL.model_dump_json()).key == CELL.key

    def test_whole_budget_is_the_same_budget(self) -> None:
        assert make_record(eps=8).key == make_record(eps=8.0).key
