"""Records of one cell: the same numbers are one result, others are refused; packing keeps what there is."""

import itertools

import pytest
from helpers.make_records import make_clean_record, make_record, with_evidence

from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.benchmark.protocol.merging import Found, merged
from mtrbench.benchmark.protocol.packing import file_name, pack
from mtrbench.benchmark.protocol.reading import read_file, read_records

RECORD = make_record()
ELSEWHERE = {"versions": {"torch": "9.9"}, "python": "3.14", "platform": "there", "device": "cuda", "commit": "abc"}
COSTS = {"forwards": 10.0, "backwards": 10.0, "seconds": 1.0, "peak_memory_mb": 1.0}
SAME = {
    "another machine": make_record(environment=ELSEWHERE, costs=COSTS),
    "repeated": with_evidence(RECORD),
    "invalidated": make_record(invalidated="the attack saw the truth"),
    "other facts": make_record(facts={"parameters": 7}),
}


def found(records):
    return [Found(f"file {place}", record) for place, record in enumerate(records)]


@pytest.mark.parametrize("name", SAME)
def test_the_same_numbers_are_one_result(name):
    for pair in ([RECORD, SAME[name]], [SAME[name], RECORD]):
        (kept,) = merged(found(pair))
        assert kept is (SAME[name] if name in ("repeated", "invalidated") else pair[0])


def test_what_a_maintainer_has_said_outlives_copies():
    for order in itertools.permutations([RECORD, *SAME.values()]):
        assert merged(found(order)) == [SAME["invalidated"]]


@pytest.mark.parametrize(
    ("other", "place"),
    [
        (make_record(damage={"segmentation": 0.93, "depth": 4.2, "normals": 2.7501}), "attacked.normals"),
        (make_record(costs=COSTS | {"forwards": 11.0}), r"costs.forwards \(10.0 and 11.0\)"),
        (make_record(diagnostics={"zero_gradient": dict.fromkeys(RECORD.cell.tasks, 0.5)}), "diagnostics.zero_grad"),
        (make_record(spread=0.04), "degradation.ard.low"),
    ],
)
def test_other_numbers_are_refused_by_both_names_and_place(other, place):
    with pytest.raises(BadInputError, match=f"file 0 and file 1 are of the same cell, .* differ in {place}"):
        merged(found([RECORD, other]))


def test_clean_passes_are_merged_likewise():
    clean = make_clean_record(RECORD)
    assert merged(found([clean, clean.model_copy(update={"environment": SAME["another machine"].environment})])) == [
        clean
    ]
    with pytest.raises(BadInputError, match="differ in replicates"):
        merged(found([clean, make_clean_record(RECORD, spread=0.5)]))


def test_records_of_a_model_are_packed_into_one_file(tmp_path):
    records = [make_record(model, attack) for model in ("a", "b/c") for attack in ("dgba-pgd", "total-pgd")]
    written = pack(found([*records, make_clean_record(records[0])]), tmp_path)
    assert written == sorted(tmp_path.iterdir())
    assert len(written) == 2
    assert {path.name for path in written} >= {"a.jsonl.gz"}
    assert [len([*read_file(path)]) for path in written] == [3, 2]
    assert read_records(tmp_path) == merged(found([*records, make_clean_record(records[0])]))


def test_packing_keeps_what_there_is_and_writes_what_changes(tmp_path):
    other = make_record("other")
    pack(found([RECORD, other]), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert pack(found([RECORD, SAME["another machine"]]), tmp_path) == []
    assert pack(found([SAME["repeated"]]), tmp_path) == [tmp_path / "rooms3-shared.clean.jsonl.gz"]
    assert (tmp_path / "other.jsonl.gz").read_bytes() == before["other.jsonl.gz"]
    assert read_records(tmp_path) == merged(found([SAME["repeated"], other]))


def test_a_cell_stays_in_the_file_that_has_it(tmp_path):
    pack(found([RECORD]), tmp_path)
    submission = tmp_path / "submission.jsonl.gz"
    (tmp_path / "rooms3-shared.clean.jsonl.gz").rename(submission)
    assert pack(found([SAME["repeated"]]), tmp_path) == [submission]
    assert [*tmp_path.iterdir()] == [submission]


def test_a_refused_packing_changes_nothing(tmp_path):
    pack(found([RECORD]), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(BadInputError, match="are of the same cell"):
        pack(found([make_record("new"), make_record(spread=0.04)]), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("model", ["../../../tmp/evil", "/etc/passwd", "..", "a/b\\c", "%2e", ' onload="x', "é", "-rf"])
def test_names_like_paths_lead_nowhere(tmp_path, model):
    (path,) = pack(found([make_record(model if model[0] != "-" else f"x{model}")]), tmp_path / "out")
    assert path.parent == tmp_path / "out"
    assert [*tmp_path.rglob("*.gz")] == [path]
    assert path.name.isascii()


def test_file_names_tell_models_apart():
    names = ["a", "a b", "a-b", "a/b", "a\\b", "A"]
    assert len({file_name(name) for name in names}) == len(names)
