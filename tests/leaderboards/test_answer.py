"""Does sharing hurt, over all data sets: ratios of means, one attack everywhere, and what is left out."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from helpers.make_records import TASKS, make_record
from hypothesis import given
from hypothesis import strategies as st

from mtrbench.benchmark.protocol.records import AnyRecord, Record
from mtrbench.benchmark.stats import RESAMPLES, Bootstrapped, mean
from mtrbench.leaderboards.analysis.answer import Answer, answers
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.analysis.labels import Name
from mtrbench.leaderboards.analysis.scores import ard, task_scores
from mtrbench.leaderboards.analysis.sharing import Ends
from mtrbench.leaderboards.boards.answer import answer_board
from mtrbench.leaderboards.plots.answer import answer, finding, pairings
from mtrbench.leaderboards.site.suites import answer_of

FALLS = st.lists(st.floats(0.1, 9), min_size=1, max_size=3)


def end(name: str, *falls: float, attacks: tuple[str, ...] = ("dgba-pgd",), **given: object) -> list[Record]:
    """Models of one end of sharing that fall so far in depth, and twice as far in the others, one per seed."""
    facts = {"sharing_index": {"shared": 1.0, "apart": 0.0}[name], "adversary": None, "twin": None, "layout": [name]}
    return [
        make_record(
            f"{name}.seed{seed}",
            attack,
            damage={task: fall * (1 if task == "depth" else 2) for task in TASKS},
            facts={**facts, "seed": seed},
            **given,
        )
        for seed, fall in enumerate(falls)
        for attack in attacks
    ]


def both(**given: object) -> list[Record]:
    return [*end("shared", 3.0, 4.0, **given), *end("apart", 2.0, **given)]


def found(*suites: list[Record]) -> list[Answer]:
    return answers([part for records in suites for part in group(records)])


@given(FALLS, FALLS)
def test_a_ratio_is_the_quotient_of_means_resample_by_resample(shared: list[float], apart: list[float]) -> None:
    above, below = end("shared", *shared), end("apart", *apart)
    (one,) = found([*below, *above])
    for task in TASKS:
        over, under = (mean(task_scores([(of, task) for of in part])) for part in (above, below))
        assert one.ends.by_task[task].value == pytest.approx(over.value / under.value)
        assert one.ends.by_task[task].replicates == pytest.approx(over.replicates / under.replicates)
    means = [mean([ard(of) for of in part]) for part in (above, below)]
    assert one.ends.ratio.value == pytest.approx(np.mean(shared) / np.mean(apart))
    assert one.ends.ratio.replicates == pytest.approx(means[0].replicates / means[1].replicates)


@given(FALLS, FALLS)
def test_pairings_are_those_of_every_shared_with_every_independent_network(
    shared: list[float], apart: list[float]
) -> None:
    (one,) = found([*end("shared", *shared), *end("apart", *apart)])
    assert one.ends.pairings == pytest.approx(sorted(a / b for a, b in product(shared, apart)))


@pytest.mark.parametrize(
    ("low", "high", "effect"),
    [
        (1.01, 1.5, "hurts"),
        (0.5, 0.99, "protects"),
        (0.99, 1.5, "unsure"),
        (0.5, 1.01, "unsure"),
        (np.nan, np.nan, "unsure"),
    ],
)
def test_sharing_does_something_where_the_whole_interval_says_so(low: float, high: float, effect: str) -> None:
    replicates = np.where(np.arange(RESAMPLES) % 2, low, high)
    assert Ends(Bootstrapped(1.2 if high > 1 else 0.8, replicates), {}, ()).effect == effect


def test_the_picture_counts_effects() -> None:
    one, same = both(), [*end("shared", 2.0), *end("apart", 2.0)]
    assert finding(found(one)) == "Full sharing hurts in 1 of 1"
    told = finding([*found(one), *found(one), *found(same)])
    assert told == "Full sharing hurts in 2 of 3, makes no sure difference in 1 of 3"


def test_the_attack_is_the_same_everywhere() -> None:
    # The headline of the first alone is auto, which the second lacks.
    many, few = (
        both(attacks=("auto", "dgba-pgd", "total-pgd")),
        both(attacks=("dgba-pgd", "total-pgd"), dataset="other"),
    )
    assert [one.attack.text for one in found(many)] == ["auto"]
    assert [(one.attack.text, one.group.setting.dataset) for one in found(many, few)] == [
        ("dgba-pgd", "rooms3"),
        ("dgba-pgd", "other"),
    ]


def test_the_largest_images_come_first() -> None:
    rooms, photographs, more = both(), both(dataset="photographs", size=(120, 160)), both(dataset="a small one")
    for suites in ([rooms, photographs, more], [more, photographs, rooms]):
        first, *others = [one.group.setting.dataset for one in found(*suites)]
        assert first == "photographs"
        assert others == [records[0].cell.dataset.name for records in suites if records is not photographs]


@pytest.mark.parametrize(
    "more",
    [
        end("shared", 3.0, dataset="other", attacks=("total-pgd",)),
        both(dataset="other", attacks=("noise",)),
        both(dataset="rooms3", eps=2.0, attacks=("total-pgd",))[1:],
    ],
    ids=["one end", "controls alone", "fewer models of the same data set"],
)
def test_what_lacks_an_end_or_an_attack_or_is_smaller_changes_nothing(more: list[Record]) -> None:
    base = both(attacks=("dgba-pgd", "total-pgd"))  # more attacks than the rest, which so would decide
    alone, beside = found(base), found(base, more)
    assert [(one.attack, one.ends.ratio.value) for one in alone] == [(Name("dgba-pgd"), pytest.approx(1.75))]
    assert [(one.attack, one.ends.ratio.value) for one in beside] == [(Name("dgba-pgd"), pytest.approx(1.75))]


def test_an_incomplete_record_is_no_end() -> None:
    broken = make_record(
        "shared.seed0",
        damage={"segmentation": None, "depth": 1.0, "normals": 1.0},
        facts={"sharing_index": 1.0, "adversary": None, "twin": None, "layout": ["shared"], "seed": 0},
    )
    assert found([broken, *end("apart", 2.0)]) == []


@pytest.mark.parametrize("name", ["shared", "apart"])
def test_without_both_ends_there_is_neither_board_nor_picture(name: str) -> None:
    records: list[AnyRecord] = [*end(name, 3.0)]
    assert answer_board(answers(group(records))) is None
    assert answer(answers(group(records))) is None
    assert answer_of({"": group(records)}) == ([], {})


def test_the_board_shows_every_task_of_any_data_set() -> None:
    tasks = ("depth", "normals")
    facts = {"adversary": None, "twin": None}
    other = [
        make_record(
            name,
            tasks=tasks,
            damage={"depth": fall, "normals": fall},
            dataset="other",
            facts={**facts, "sharing_index": index, "layout": [name]},
        )
        for name, fall, index in (("shared", 1.0, 1.0), ("apart", 4.0, 0.0))
    ]
    board = answer_board(found(both(), other))
    assert board is not None
    assert [column.name for column in board.columns][3:] == ["ratio", *(f"ratio_{task}" for task in TASKS), "pairings"]
    assert [value.value for value in board.column("ratio")] == pytest.approx([1.75, 0.25])
    assert board.column("ratio_segmentation")[1] is None
    assert board.column("pairings") == ("1.50, 2.00", None)


@pytest.mark.parametrize(("shared", "apart"), [([-1.0], [2.0]), ([3.0], [-2.0]), ([3.0], [0.0])])
def test_a_ratio_that_no_logarithm_has_is_in_the_table_alone(shared: list[float], apart: list[float]) -> None:
    records = [*end("shared", *shared, dataset="other"), *end("apart", *apart, dataset="other")]
    odd, plain = found(records), found(both())
    assert answer(odd) is None
    assert answer([*plain, *odd]) == answer(plain)
    lines, files = answer_of({"": group(records)})
    assert [*files] == ["answer.csv"]
    assert not any("answer.svg" in line for line in lines)
    assert "| other |" in "".join(lines)


def test_a_pairing_that_no_logarithm_has_is_in_the_table_alone() -> None:
    (one,) = found([*end("shared", 3.0, -1.0), *end("apart", 2.0)])
    assert one.ends.pairings == pytest.approx((-0.5, 1.5))
    assert pairings(one) == pytest.approx([1.5])
    assert answer([one])
