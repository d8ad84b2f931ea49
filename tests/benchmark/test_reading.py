"""Records from files of every form; what is bad is refused in one line that says where it stands."""

import gc
import gzip
import json

import pytest
from helpers.make_records import MODELS, make_clean_record, make_record

from mtrbench.benchmark.protocol import reading
from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.benchmark.protocol.packing import packed
from mtrbench.benchmark.protocol.reading import LARGEST, read_file, read_record, read_records

RECORDS = sorted([make_record(), make_record(eps=2.0), make_clean_record(make_record())], key=lambda record: record.key)
LINES = b"".join(f"{record.model_dump_json(by_alias=True)}\n".encode() for record in RECORDS)


def refused(path, content, *words):
    path.write_bytes(content)
    with pytest.raises(BadInputError) as caught:
        read_records(path)
    message = str(caught.value)
    assert all(word in message for word in (str(path), *words)), message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "content"),
    [("all.jsonl", LINES), ("all.jsonl.gz", gzip.compress(LINES)), ("all.jsonl.gz", packed(RECORDS))],
)
def test_lines_are_records(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert read_records(tmp_path) == read_records(tmp_path / name) == RECORDS
    with pytest.raises(BadInputError, match="holds 3 records"):
        read_record(tmp_path / name)


def test_processes_read_what_one_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "PART", 1)
    for record in RECORDS:
        record.save(tmp_path)
    assert read_records(tmp_path, workers=2) == RECORDS
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(BadInputError, match=r"bad\.json is no valid JSON"):
        read_records(tmp_path, workers=2)


def test_what_records_of_one_model_have_in_common_is_there_once(tmp_path):
    (tmp_path / "all.jsonl").write_bytes(LINES)
    found = read_records(tmp_path)
    assert b"".join(f"{record.model_dump_json(by_alias=True)}\n".encode() for record in found) == LINES
    assert len({id(record.model_facts) for record in found}) == len({id(record.cell.dataset) for record in found}) == 1


def test_what_only_looks_alike_is_not_shared(tmp_path):
    alike = [make_record(settings={"alpha": alpha}, eps=eps) for alpha in (1, 1.0, True) for eps in (0.0, -0.0)]
    lines = {f"{record.model_dump_json(by_alias=True)}\n" for record in alike}
    assert len(lines) == len(alike)
    (tmp_path / "all.jsonl").write_text("".join(lines))
    found = read_records(tmp_path)
    assert {f"{record.model_dump_json(by_alias=True)}\n" for record in found} == lines
    assert len({id(record.attack) for record in found}) == 3
    assert len({id(record.threat) for record in found}) == 2


def test_a_folder_may_hold_files_of_every_form(tmp_path):
    one, two, three = RECORDS
    (tmp_path / "one.json.gz").write_bytes(gzip.compress(one.to_json().encode()))
    two.save(tmp_path)
    (tmp_path / "rest.jsonl").write_bytes(three.model_dump_json(by_alias=True).encode())
    (tmp_path / ".hidden.json").write_text("half-written")
    (tmp_path / "notes.txt").write_text("no record")
    assert read_records(tmp_path) == RECORDS
    for path in tmp_path.glob("[!.]*.json*"):
        assert read_record(path) in RECORDS


def test_records_are_found_by_the_beginning_of_their_keys(tmp_path):
    (tmp_path / "all.jsonl").write_bytes(LINES)
    for record in RECORDS:
        assert [found.record for found in read_file(tmp_path / "all.jsonl", record.key[:12])] == [record]
        path = record.save(tmp_path / f"{record.key}.json")
        assert [found.record for found in read_file(path, record.key[:12])] == [record]
    assert not [*read_file(tmp_path / "all.jsonl", "0" * 64)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["line 1", "no valid JSON"]),
        (LINES + b"\n", ["line 4", "no valid JSON"]),
        (LINES[:-100], ["line 3", "no valid JSON"]),
        (LINES + b'{"schema": 4, "schema": 4}', ["line 4", "stands twice"]),
        (LINES + b"\xff\n", ["line 4", "no valid JSON"]),
        (LINES.replace(b'"schema":5', b'"schema":9'), ["line 1", "schema"]),
        (LINES + b" " * (LARGEST + 1), ["line 4", "more than 16 MB"]),
    ],
    ids=["empty", "blank", "cut off", "twice", "no text", "schema", "huge"],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_a_bad_line_is_refused_by_file_and_line(tmp_path, content, words, pack):
    name = "bad.jsonl" if pack is bytes else "bad.jsonl.gz"
    refused(tmp_path / name, pack(content), *words)


def objects(value):
    """Every object in JSON."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(part)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.cell.title)
@pytest.mark.parametrize("form", [{"separators": (",", ":")}, {}, {"indent": 1}], ids=["tight", "spaced", "indented"])
def test_a_key_that_stands_twice_is_refused_in_any_object(tmp_path, record, form):
    content = json.loads(record.model_dump_json(by_alias=True))
    for one in filter(None, objects(content)):
        name = next(iter(one))
        one["again"] = one[name]
        text = json.dumps(content, **form).replace('"again"', json.dumps(name))
        del one["again"]
        refused(tmp_path / "one.json", text.encode(), "stands twice")
    (tmp_path / "one.json").write_text(json.dumps(content, **form))
    assert read_record(tmp_path / "one.json") == record


@pytest.mark.parametrize("ending", ["json.gz", "jsonl.gz"])
@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "no valid JSON"),
        (LINES, "cannot be unpacked"),
        (gzip.compress(LINES[: LINES.index(b"\n")])[:-20], "cannot be unpacked"),
        (gzip.compress(LINES[: LINES.index(b"\n")]) + b"rest", "cannot be unpacked"),
        (gzip.compress(b" " * (LARGEST + 1)), "more than 16 MB"),
    ],
    ids=["empty", "plain", "cut off", "more behind it", "huge"],
)
def test_what_is_badly_packed_is_refused(tmp_path, ending, content, word):
    refused(tmp_path / f"record.{ending}", content, word)


def test_a_file_of_too_many_records_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LARGEST_FILE", len(LINES) - 1)
    refused(tmp_path / "all.jsonl.gz", gzip.compress(LINES), "line 3", "split it")


def test_what_is_no_file_of_records_is_refused(tmp_path):
    refused(tmp_path / "table.csv", b"1,2", "no file of records", ".jsonl.gz")


def test_places_without_records_are_refused(tmp_path):
    for place in (tmp_path, tmp_path / "none"):
        with pytest.raises(BadInputError, match="mtrbench run"):
            read_records(place)


def test_packing_gives_the_same_bytes_in_any_order():
    records = [make_record(model) for model in MODELS]
    assert packed(records) == packed(reversed(records))
    assert gzip.decompress(packed(RECORDS)) == LINES


@pytest.mark.parametrize("enabled", [True, False])
def test_reading_leaves_the_collector_as_it_was(tmp_path, enabled):
    (tmp_path / "good.jsonl").write_bytes(LINES)
    (tmp_path / "bad.jsonl").write_bytes(LINES[:-9])
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        read_records(tmp_path / "good.jsonl")
        refused(tmp_path / "bad.jsonl", LINES[:-9], "line 3")
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if before else gc.disable)()
