"""Which records stand together, which apart, and which are refused."""

import json

import pytest
from helpers.boards import one
from helpers.make_records import make_clean_record, make_record, sha256, supersession, with_evidence
from pydantic_core import to_jsonable_python

from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.benchmark.protocol.estimates import Replicates, unpacked
from mtrbench.benchmark.protocol.provenance import Supersession
from mtrbench.benchmark.protocol.records import Record
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.boards.attacks import attack_boards


@pytest.mark.parametrize("change", [{"protocol": 2}, {"version": 2}])
def test_mixed_versions_are_refused(change):
    with pytest.raises(BadInputError, match="cannot be compared"):
        group([make_record(), make_record(attack="total-pgd", **change)])


@pytest.mark.parametrize("change", [{"ids": "b"}, {"images": 64}, {"eps": 4.0}, {"norm": "l2"}, {"dataset": "nyuv2"}])
def test_what_cannot_be_compared_stands_apart(change):
    groups = group([make_record(), make_record(**change)])
    assert len(groups) == len({part.title for part in groups}) == 2


def test_other_tasks_of_one_data_set_stand_apart():
    groups = group([make_record(), make_record("rooms3-independent.clean", tasks=("segmentation", "depth"))])
    assert len(groups) == len({part.title for part in groups}) == len({part.setting.scope for part in groups}) == 2


def test_records_none_of_which_counts_are_refused():
    for records, message in (
        ([make_record(invalidated="the attack saw the truth")], "all records are superseded or invalidated"),
        ([make_clean_record(make_record())], "all records are of clean passes"),
    ):
        with pytest.raises(BadInputError, match=message):
            group(records)


def test_superseded_records_are_left_out_with_a_count():
    old = make_record(settings={"steps": 5})
    board = one(attack_boards, [make_record(supersedes=supersession(old)), old])
    assert len(board.rows) == 1
    assert "1 superseded or invalidated record is left out" in board.note


def test_invalidated_records_are_left_out_with_a_count():
    records = [make_record(), make_record(attack="total-pgd", invalidated="the attack saw the truth")]
    board = one(attack_boards, records)
    assert [row[1].text for row in board.rows] == ["dgba-pgd"]
    assert "1 superseded or invalidated record is left out" in board.note


@pytest.mark.parametrize("change", [{"attack": "total-pgd"}, {"eps": 4.0}, {"norm": "l2"}, {"dataset": "nyuv2"}])
def test_a_record_supersedes_only_its_like(change):
    with pytest.raises(BadInputError, match="another model, attack, data set or budget"):
        group([old := make_record(**change), make_record(supersedes=supersession(old))])


def test_records_do_not_supersede_each_other():
    a, b = make_record(), make_record(settings={"steps": 5})
    pair = [
        one.model_copy(update={"supersedes": Supersession(**supersession(other))}) for one, other in ((a, b), (b, a))
    ]
    with pytest.raises(BadInputError, match="supersede each other"):
        group(pair)


def test_the_same_attack_with_other_settings_is_another_row():
    board = one(attack_boards, [make_record(), make_record(settings={"steps": 20, "more": "a|b"})])
    assert {cell.text for cell in board.column("attack")} == {
        "dgba-pgd [more=None, steps=10]",
        "dgba-pgd [more=a?b, steps=20]",
    }


def test_models_of_one_name_are_told_apart_by_their_weights():
    record = make_record()
    cell = record.cell.model_copy(update={"model": record.cell.model.model_copy(update={"sha256": sha256("other")})})
    other = record.model_copy(update={"cell": cell, "key": cell.key})
    (part,) = group([record, other])
    assert len(part.models) == 2
    assert all(model.startswith("rooms3-shared.clean [") for model in part.models)


@pytest.mark.parametrize("trained_on", ["rooms3", "unknown"])
def test_models_of_other_data_alone_come_last_and_are_said_to_be(trained_on):
    elsewhere = [make_record(dataset="a"), make_record("strange", dataset="b", facts={"trained_on": trained_on})]
    mixed = [make_record(dataset="c"), make_record("own", dataset="c", facts={"trained_on": "c"})]
    groups = group([*elsewhere, *mixed])
    out = ["a", "b"] if trained_on == "rooms3" else ["a"]
    assert [part.setting.dataset for part in groups] == [*sorted({"a", "b", "c"} - {*out}), *out]
    assert [part.setting.dataset for part in groups if part.title.endswith(", out of domain")] == out


def test_clean_passes_alone_are_refused_and_others_change_nothing():
    record, other = make_record(), make_record("rooms3-independent.clean")
    assert group([record, make_clean_record(other)]) == group([record])
    with pytest.raises(BadInputError, match="add those of attacks"):
        group([make_clean_record(record)])


def test_contradictions_are_refused():
    record = make_record()
    assert group([record, record]) == group([record])
    (part,) = group([record, repeated := with_evidence(record)])
    assert [*part.records.values()] == [repeated]
    clean = make_clean_record(record)
    with pytest.raises(BadInputError, match=r"record 2 and record 3 are of the same cell"):
        group([record, clean, make_clean_record(record, spread=0.5)])
    with pytest.raises(BadInputError, match="disagree"):
        group([record, clean.model_copy(update={"model_facts": make_record(facts={"parameters": 7}).model_facts})])
    with pytest.raises(BadInputError, match="disagree"):
        group([record, make_record(attack="total-pgd", facts={"parameters": 7})])
    short = record.model_dump(mode="json", by_alias=True)
    for task, replicates in record.degradation.replicates.items():
        values = unpacked([replicates])[0][:-1]
        short["degradation"]["replicates"][task] = to_jsonable_python(Replicates.pack(values))
    for estimate in (short["degradation"]["ard"], *short["degradation"]["tasks"].values()):
        estimate |= {"low": None, "high": None}
    with pytest.raises(BadInputError, match="499 replicates"):
        attack_boards(group([Record.model_validate_json(json.dumps(short))]))


def with_code(record, **refs):
    """The record with digests of foreign code in its cell."""
    cell = record.cell.model_copy(
        update={
            name: getattr(record.cell, name).model_copy(update={"code": sha256(text)}) for name, text in refs.items()
        }
    )
    return Record.model_validate_json(record.model_copy(update={"cell": cell, "key": cell.key}).to_json())


def test_edited_code_of_attacks_and_models_has_a_row_of_its_own():
    records = [with_code(make_record(), attack=text) for text in ("before", "after")]
    (found,) = group(records)
    assert {*found.attacks} == {f"dgba-pgd [code={sha256(text)[:8]}]" for text in ("before", "after")}
    records = [with_code(make_record(), model=text) for text in ("before", "after")]
    (both,) = group([*records, make_record()])
    digest = sha256("rooms3-shared.clean")[:8]
    codes = [f"-{sha256(text)[:8]}" for text in ("before", "after")]
    assert {*both.models} == {f"rooms3-shared.clean [{digest}{code}]" for code in ("", *codes)}


def test_edited_code_of_data_sets_has_a_board_of_its_own():
    groups = group([with_code(make_record(), dataset=text) for text in ("before", "after")])
    assert len(groups) == len({part.title for part in groups}) == len({part.setting.scope for part in groups}) == 2
