"""Layouts: counts, refinement, sharing index."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise, product

import pytest
from helpers.layouts import layouts, partitions

from mtrbench import BadInputError
from mtrbench.models.nets.layout import Layout, Partition

ABC = ("a", "b", "c")


@pytest.mark.parametrize(("tasks", "blocks", "count"), [(3, 5, 51), (4, 5, 561), (5, 3, 1304), (5, 5, 7556)])
def test_counts(tasks: int, blocks: int, count: int) -> None:
    found = list(layouts(tuple("abcde"[:tasks]), blocks))
    assert len(found) == len(set(found)) == count


def test_layouts_are_all_chains_of_refinements_and_no_others() -> None:
    def refines(finer: Partition, coarser: Partition) -> bool:
        return all(any(set(group) <= set(whole) for whole in coarser) for group in finer)

    def unordered(blocks: Iterable[Partition]) -> tuple[frozenset[frozenset[str]], ...]:
        return tuple(frozenset(map(frozenset, block)) for block in blocks)

    chains = (
        chain
        for chain in product(partitions(ABC), repeat=3)
        if all(refines(after, before) for before, after in pairwise(chain))
    )
    assert {unordered(layout.blocks) for layout in layouts(ABC, 3)} == {unordered(chain) for chain in chains}


def test_layouts_come_one_by_one() -> None:
    # Twenty tasks have more partitions than could ever be counted.
    found = layouts(tuple("abcdefghijklmnopqrst"), 5)
    assert len({next(found) for _ in range(20)}) == 20


@pytest.mark.parametrize(("tasks", "bell"), [(1, 1), (2, 2), (3, 5), (4, 15), (5, 52)])
def test_partitions_are_counted_by_bell_numbers(tasks: int, bell: int) -> None:
    assert len(set(partitions(tuple("abcde"[:tasks])))) == bell


def test_the_sharing_index_of_any_layout_lies_between_none_and_all() -> None:
    assert all(0 <= layout.sharing_index <= 1 for layout in layouts(ABC, 4))


@pytest.mark.parametrize("shared", range(6))
def test_sharing_index_of_single_branch_points_is_linear(shared: int) -> None:
    assert Layout.branching(ABC, 5, shared).sharing_index == pytest.approx(shared / 5)


def test_parsing() -> None:
    layout = Layout.parse(["a b c", "a c | b", "a | c | b"])
    assert layout.blocks == ((ABC,), (("a", "c"), ("b",)), (("a",), ("c",), ("b",)))
    assert layout.sharing_index == pytest.approx(1 - 3 / 6)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "at least one block"),
        (["a b", "a"], "block 1 must hold every task of a, b just once"),
        (["a b", "a | b b"], "block 1 must hold every task"),
        (["a a"], "block 0 must hold every task"),
        (["a b", "a | b |"], "block 1 must hold every task"),
        (["a | b", "a b"], "block 1 joins tasks that have parted before"),
        (["a b | c", "a c | b"], "block 1 joins tasks"),
    ],
)
def test_bad_layouts(lines: list[str], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        Layout.parse(lines)
