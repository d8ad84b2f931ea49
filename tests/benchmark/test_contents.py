"""What `mtrbench list datasets` says of the data sets is so."""

from __future__ import annotations

import pytest

from mtrbench.benchmark.datasets.contents import CONTENTS
from mtrbench.benchmark.datasets.registry import DATASETS, load_dataset
from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.benchmark.protocol.tasks.registry import make_task


def test_every_data_set_of_the_package_is_described() -> None:
    assert {*CONTENTS} == {*DATASETS.entries}


@pytest.mark.parametrize("name", ["rooms3", "rooms5"])
def test_rooms_have_these_tasks_and_no_others(name: str) -> None:
    tasks = CONTENTS[name][0].split()
    assert {*load_dataset(name, {task: make_task(task) for task in tasks}, images=2).batch([0, 1]).truth} == {*tasks}
    for other in {"segmentation", "depth", "normals", "keypoints2d", "edge_texture", "inverse_depth"} - {*tasks}:
        with pytest.raises(BadInputError, match=other):
            load_dataset(name, {other: make_task(other)}, images=2)
