"""All the ways in which tasks can share blocks."""

from __future__ import annotations

from collections.abc import Iterator

from mtrbench.models.nets.layout import Group, Layout, Partition


def partitions(tasks: Group) -> Iterator[Partition]:
    """Every set partition of `tasks`."""
    if not tasks:
        yield ()
        return
    first, rest = tasks[0], tasks[1:]
    for partition in partitions(rest):
        yield ((first,), *partition)
        for index, group in enumerate(partition):
            yield (*partition[:index], (first, *group), *partition[index + 1 :])


def layouts(tasks: Group, blocks: int) -> Iterator[Layout]:
    """Every layout of `tasks` over `blocks` blocks: chains of partitions, each refining the one before."""

    def refinements(partition: Partition) -> Iterator[Partition]:
        if not partition:
            yield ()
            return
        for head in partitions(partition[0]):
            for tail in refinements(partition[1:]):
                yield (*head, *tail)

    def chains(last: Partition, left: int) -> Iterator[tuple[Partition, ...]]:
        if left == 0:
            yield ()
            return
        for partition in refinements(last):
            for rest in chains(partition, left - 1):
                yield (partition, *rest)

    for chain in chains((tasks,), blocks):
        yield Layout(chain)
