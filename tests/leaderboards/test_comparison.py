"""The comparison behind every check: what counts as a fall, what cannot be compared, and how it is told."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from helpers.make_records import DAMAGE, TASKS, make_clean_record, make_record, supersession
from hypothesis import given
from hypothesis import strategies as st

from mtrbench import BadInputError
from mtrbench.benchmark.protocol.cells import Cell
from mtrbench.benchmark.protocol.estimates import unpacked
from mtrbench.benchmark.protocol.provenance import Supersession
from mtrbench.leaderboards.analysis.changes import changes
from mtrbench.leaderboards.analysis.comparison import Comparison, LeftOut, compare
from mtrbench.leaderboards.analysis.verdicts import NoFall, Repeats, tolerances
from mtrbench.leaderboards.output.checks import (
    check_annotations,
    check_json,
    check_junit,
    check_markdown,
    check_text,
)

MODEL, ATTACK = "rooms3-shared.clean", "dgba-pgd"
BASE = dict(zip(TASKS, DAMAGE[ATTACK], strict=True))
HERE = {"versions": {"torch": "2.4"}, "python": "3.11", "platform": "p", "device": "cpu", "commit": "a" * 40}
KNOWN = {**HERE, "hardware": "chip"}


def record(by=0.0, factor=1.0, **changed):
    return make_record(MODEL, ATTACK, damage={t: factor * d + by for t, d in BASE.items()}, **changed)


def recut(of, **parts):
    """The record with other parts of its cell, and so another key."""
    content = json.loads(of.model_dump_json(by_alias=True))
    for name, part in parts.items():
        content["cell"][name] = {**content["cell"][name], **part} if isinstance(part, dict) else part
    content["key"] = Cell.model_validate(content["cell"]).key
    return type(of).model_validate_json(json.dumps(content))


def verdict(before, after, rule=None):
    (cell,) = compare([before], [after], rule or NoFall()).cells
    return cell.verdict


def with_environment(of, **environment):
    return type(of).model_validate_json(
        json.dumps({**json.loads(of.model_dump_json(by_alias=True)), "environment": {**HERE, **environment}})
    )


class TestFall:
    def test_the_same_is_the_same(self):
        records = [record(), make_clean_record(record())]
        found = compare(records, records, NoFall())
        assert {cell.verdict for cell in found.cells} == {"same"}
        assert found.exit_code == 0

    @given(st.floats(-0.5, 0.5))
    def test_interval_is_that_of_the_difference_over_the_same_resamples(self, by):
        one, other = record(), record(by)
        found = {change.of: change for change in changes(one, other)}
        for task in TASKS:
            both = unpacked([of.degradation.replicates[task] for of in (one, other)])
            low, high = np.quantile(both[1] - both[0], (0.025, 0.975))
            assert found[task].by.low == pytest.approx(low, abs=1e-5)
            assert found[task].by.high == pytest.approx(high, abs=1e-5)
            assert found[task].by.value == pytest.approx(by, abs=1e-6)
        assert found["ard"].by.value == pytest.approx(by, abs=1e-6)

    def test_pairing_sees_what_the_records_own_intervals_hide(self):
        before, after = record(), record(factor=1.02)
        own = before.degradation.ard
        assert own.low < after.degradation.ard.value < own.high
        assert verdict(before, after) == "fell"

    def test_less_damage_is_an_improvement_and_no_failure(self):
        found = compare([record()], [record(factor=0.9)], NoFall())
        assert [cell.verdict for cell in found.cells] == ["improved"]
        assert found.exit_code == 0

    def test_a_fall_in_one_task_counts_whatever_the_others(self):
        damage = {**BASE, "segmentation": BASE["segmentation"] * 1.1, "depth": BASE["depth"] * 0.5}
        found = compare([record()], [make_record(MODEL, ATTACK, damage=damage)], NoFall())
        (cell,) = found.cells
        verdicts = {one.change.of: one.verdict for one in cell.changes}
        assert (verdicts["ard"], verdicts["segmentation"], verdicts["depth"]) == ("improved", "fell", "improved")
        assert found.exit_code == 1
        assert "segmentation" in cell.found

    def test_within_the_tolerance_nothing_fell(self):
        before, after = record(), record(0.05)
        assert verdict(before, after) == "fell"
        assert verdict(before, after, NoFall({"ard": 0.1, "tasks": 0.1})) == "within tolerance"
        assert verdict(before, after, NoFall({"ard": 0.1})) == "fell"  # the tasks are judged, too

    def test_clean_scores_are_judged_in_relation_to_themselves(self):
        before = make_clean_record(record())
        worse = {t: {m: v.value for m, v in part.items()} for t, part in before.scores.items()}
        worse["depth"]["abs_err"] *= 1.05
        worse["segmentation"]["miou"] *= 0.9
        after = make_clean_record(record(clean=worse))
        found = {one.of: one for one in changes(before, after)}
        assert found["clean.depth.abs_err"].by.value == pytest.approx(0.05, rel=1e-4)
        assert found["clean.segmentation.miou"].by.value == pytest.approx(0.1, rel=1e-4)
        assert found["clean.depth.rel_err"].by.value == 0
        assert verdict(before, after) == "fell"
        assert verdict(before, after, NoFall({"clean": 0.2})) == "within tolerance"
        assert verdict(before, after, NoFall({"clean.depth": 0.2})) == "fell"

    def test_what_is_undefined_now_fell_and_what_was_is_not_judged(self):
        broken = make_record(MODEL, ATTACK, damage={**BASE, "depth": None})
        assert verdict(record(), broken) == "fell"
        assert verdict(broken, broken) == "same"
        (cell,) = compare([broken], [record()], NoFall()).cells
        assert {one.verdict for one in cell.changes} == {"same", "undefined before"}

    @pytest.mark.parametrize("text", ["ard", "ard:0.1", "ard:+x", ":+1", "ard:-1", "ard:+nan", "ard:+inf"])
    def test_bad_tolerances_are_refused(self, text):
        with pytest.raises(BadInputError, match=r"ard:\+0.02"):
            tolerances([text])

    def test_a_tolerance_of_no_score_is_refused(self):
        assert tolerances(["ard:+0.02", "clean.depth:+1e-3"]) == {"ard": 0.02, "clean.depth": 0.001}
        with pytest.raises(BadInputError, match="did you mean depth"):
            compare([record()], [record()], NoFall({"dept": 0.1}))

    @pytest.mark.parametrize("before", [[], [make_record(MODEL, "noise")]], ids=["nothing", "another attack"])
    def test_a_tolerance_is_one_of_a_score_even_where_no_cell_can_be_compared(self, before):
        found = compare(before, [record()], NoFall({"ard": 0.1, "depth": 0.1}))
        assert (found.exit_code, len(found.new)) == (2, 1)
        with pytest.raises(BadInputError, match="did you mean depth"):
            compare(before, [record()], NoFall({"dept": 0.1}))

    def test_of_several_tolerances_the_most_precise_counts(self):
        names = ["clean.depth.delta1.25", "clean.depth", "clean"]
        for start in range(len(names)):
            given = {name: place + 1.0 for place, name in enumerate(names) if place >= start}
            assert NoFall(given).tolerance(names[0]) == start + 1
        rule = NoFall({"tasks": 0.1, "depth": 0.2, "ard": 0.3})
        assert [rule.tolerance(of) for of in ("depth", "normals", "ard", "clean.depth.abs_err")] == [0.2, 0.1, 0.3, 0]


class TestMatching:
    def test_other_weights_of_the_model_are_what_is_compared(self):
        after = recut(record(0.5), model={"sha256": "9" * 64})
        (cell,) = compare([record()], [after], NoFall()).cells
        assert cell.verdict == "fell"
        assert cell.contents == ("weights of the model",)

    @pytest.mark.parametrize(
        ("part", "said"),
        [
            ({"attack": {"version": "2"}}, "version 1 -> 2"),
            ({"dataset": {"sha256": "9" * 64}}, "other images"),
            ({"dataset": {"ids": "9" * 64}}, "other images"),
            ({"protocol": 7}, "protocol 1 -> 7"),
            ({"tasks": {t: {"version": 2} for t in TASKS}}, "depth.version 1 -> 2"),
        ],
    )
    def test_results_that_say_nothing_of_one_another_are_an_obstacle(self, part, said):
        found = compare([record()], [recut(record(), **part)], NoFall())
        assert said in found.cells[0].found
        assert found.exit_code == 2

    @pytest.mark.parametrize(
        "part",
        [
            {"model": {"name": "another"}},
            {"dataset": {"images": 9}},
            {"attack": {"settings": {"steps": 20}}},
            {"attack": {"name": "total-pgd"}},
            {"threat": {"eps": 2.0}},
            {"threat": {"targets": ["depth"]}},
            {"seed": 1},
        ],
    )
    def test_what_is_about_something_else_is_missing_and_new(self, part):
        found = compare([record()], [recut(record(), **part)], NoFall())
        assert found.cells[0].found.startswith("missing")
        assert (len(found.new), found.exit_code) == (1, 2)

    def test_the_nearest_is_told(self):
        found = compare([record()], [recut(record(), threat={"eps": 2.0})], NoFall())
        assert "eps 2.0 instead of 8.0" in found.cells[0].found

    def test_nothing_to_compare_is_no_success(self):
        assert compare([], [record()], NoFall()).exit_code == 2

    def test_two_about_the_same_are_refused_by_name(self):
        other = recut(record(), model={"sha256": "9" * 64})
        with pytest.raises(BadInputError, match="another weights of the model"):
            compare([record(), other], [record()], NoFall())

    def test_what_does_not_count_any_more_is_left_out(self):
        other = recut(record(), model={"sha256": "9" * 64})
        newer = other.model_copy(update={"supersedes": Supersession(**supersession(record()))})
        assert compare([record(), newer], [record()], NoFall()).exit_code == 0

    def test_every_cell_is_there_once_whatever_the_order(self):
        records = [make_record(MODEL, attack) for attack in DAMAGE]
        found = compare(records, records[::-1], NoFall())
        assert len(found.cells) == len(records)
        assert found.cells == compare(records[::-1], records, NoFall()).cells


class TestRepeating:
    def test_to_the_digit_where_all_is_known_to_be_alike(self):
        before, after = (with_environment(record(by), hardware="chip") for by in (0, 1e-4))
        assert verdict(before, before, Repeats()) == "same"
        assert verdict(before, after, Repeats()) == "differs"

    @pytest.mark.parametrize(
        "there", [{"hardware": "another"}, {"hardware": None}, {"python": "3.12"}, {"versions": {"torch": "2.5"}}]
    )
    def test_within_the_tolerance_elsewhere(self, there):
        before = with_environment(record(), hardware="chip")
        assert verdict(before, with_environment(record(1e-4), **there), Repeats()) == "within tolerance"
        assert verdict(before, with_environment(record(0.5), **there), Repeats()) == "differs"
        assert verdict(before, with_environment(record(-0.5), **there), Repeats()) == "differs"

    def test_the_commit_is_no_difference_of_the_place(self):
        before, after = (with_environment(record(), hardware="chip", commit=c * 40) for c in "ab")
        (cell,) = compare([before], [after], Repeats()).cells
        assert (cell.verdict, cell.circumstances) == ("same", ("commit aaaaaaaaa -> bbbbbbbbb",))

    def test_other_weights_fail_whatever_the_numbers(self):
        found = compare([record()], [recut(record(), model={"sha256": "9" * 64})], Repeats())
        assert found.exit_code == 1
        assert "another weights of the model" in found.cells[0].found


@pytest.fixture
def mixed() -> Comparison:
    """A cell that fell, one that cannot be compared, one that is the same and one that is left out."""
    gone, same = make_record(MODEL, "total-pgd"), make_record(MODEL, "noise")
    left = LeftOut(gone.cell, gone.key, "no data: <here>")
    return replace(compare([record(), gone, same], [record(0.5), same], NoFall()), left_out=(left,))


def with_left_out(found: Comparison, reason: str) -> Comparison:
    more = LeftOut(record().cell, record().key, reason)
    return replace(found, left_out=(*found.left_out, more))


class TestTelling:
    def test_text_names_what_fell_with_its_interval(self, mixed):
        text = check_text(mixed)
        assert "3 cells compared: 1 cannot be compared, 1 fell, 1 same, 1 left out" in text
        assert "dgba-pgd on rooms3-shared.clean (eps 8/255)" in text
        assert record().key[:10] in text
        assert "no data: <here>" in text

    def test_markdown_lets_no_markup_in(self, mixed):
        text = check_markdown(mixed)
        assert text.startswith("## Robustness check could not compare everything")
        assert "<here>" not in text
        assert r"\<here\>" in text

    def test_junit_counts_every_cell_once(self, mixed):
        root = ElementTree.fromstring(check_junit(mixed))  # noqa: S314  (our own)
        (suite,) = root
        assert suite.attrib == {"name": MODEL, "tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
        assert len(suite) == 4
        assert len(suite.findall("testcase/failure")) == len(suite.findall("testcase/error")) == 1
        assert "segmentation 0.93 -> 1.43" in suite.find("testcase/failure").attrib["message"]

    def test_junit_is_xml_whatever_the_texts(self, mixed):
        odd = with_left_out(mixed, "a\x00\x1b\ufffe<&\"'\ud800]]>")
        messages = [found.attrib["message"] for found in ElementTree.fromstring(check_junit(odd)).iter("skipped")]  # noqa: S314
        assert "a???<&\"'?]]>" in messages

    def test_annotations_are_one_line_each(self, mixed):
        odd = with_left_out(mixed, "50%\nof: it, all")
        lines = check_annotations(odd)
        assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::notice"]
        assert not any("\n" in line for line in lines)
        assert lines[-1].endswith("50%25%0Aof: it, all; no data: <here>")

    def test_json_holds_everything(self, mixed):
        found = json.loads(check_json(mixed))
        assert found["exit_code"] == 2
        assert [cell["verdict"] for cell in found["cells"]].count("fell") == 1
        fell = next(cell for cell in found["cells"] if cell["verdict"] == "fell")
        assert [one["score"] for one in fell["changes"]] == ["ard", *TASKS]
        assert found["left_out"][0]["reason"] == "no data: <here>"
