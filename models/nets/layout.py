"""Layouts: which tasks share which blocks of the backbone (the structure of TreeMTL, arXiv 2203.14338)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...benchmark.protocol.errors import BadInputError

Group = tuple[str, ...]
Partition = tuple[Group, ...]


@dataclass(frozen=True)
class Layout:
    """For each of B blocks a partition of the tasks into groups that share the block's weights.

    Every partition refines the one before: tasks that have parted do not meet again. Raises BadInputError otherwise.
    """

    blocks: tuple[Partition, ...]

    def __post_init__(self) -> None:
        if not self.blocks:
            raise BadInputError("a layout needs at least one block")
        for number, partition in enumerate(self.blocks):
            named = [task for group in partition for task in group]
            if sorted(named) != sorted(self.tasks) or len(set(named)) != len(named) or () in partition:
                raise BadInputError(f"layout block {number} must hold every task of {', '.join(self.tasks)} just once")
        for number, (before, after) in enumerate(zip(self.blocks, self.blocks[1:], strict=False), start=1):
            if not all(any(set(group) <= set(parent) for parent in before) for group in after):
                raise BadInputError(f"layout block {number} joins tasks that have parted before")

    @classmethod
    def parse(cls, lines: Sequence[str]) -> Layout:
        """A layout from one line per block: tasks that share it side by side, groups between bars.

        `["segmentation depth", "segmentation | depth"]` shares the first block of two.
        """
        return cls(tuple(tuple(tuple(group.split()) for group in line.split("|")) for line in lines))

    @classmethod
    def branching(cls, tasks: Sequence[str], blocks: int, shared: int) -> Layout:
        """All tasks share the first `shared` of `blocks` blocks and part there, each on its own."""
        together: Partition = (tuple(tasks),)
        apart: Partition = tuple((task,) for task in tasks)
        return cls(tuple(together if number < shared else apart for number in range(blocks)))

    @property
    def lines(self) -> tuple[str, ...]:
        """One line per block, the same for equal layouts: tasks in alphabetical order, slashes between groups."""
        return tuple(" / ".join(sorted(" ".join(sorted(group)) for group in partition)) for partition in self.blocks)

    @property
    def tasks(self) -> Group:
        return tuple(task for group in self.blocks[0] for task in group)

    def parent(self, block: int, group: Group) -> Group:
        """The group of the block before whose output feeds `group` of `block` (block >= 1)."""
        return next(parent for parent in self.blocks[block - 1] if set(group) <= set(parent))

    def group(self, block: int, task: str) -> Group:
        """The group that `task` belongs to in `block`; -1 is the last."""
        return next(group for group in self.blocks[block] if task in group)

    @property
    def sharing_index(self) -> float:
        """1 - (sum_b groups_b - B) / (B (T - 1)): 1 = fully shared, 0 = independent; 1 for a single task."""
        count, tasks = len(self.blocks), len(self.tasks)
        if tasks == 1:
            return 1.0
        return 1 - (sum(len(partition) for partition in self.blocks) - count) / (count * (tasks - 1))
