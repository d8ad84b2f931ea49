"""What to train on: train splits, and the samples that are held out of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from helpers.nyuv2_files import NATIVE, tasks, write_sample
from hypothesis import given
from hypothesis import strategies as st

from mtrbench import BadInputError, DataRoot
from mtrbench.benchmark.datasets.nyuv2 import nyuv2
from mtrbench.benchmark.datasets.training import Part, held_out, load_training

TRAIN, TEST = [f"{number:04d}" for number in range(12)], ["0100", "0101"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nyuv2")
    for stem in (*TRAIN, *TEST):
        write_sample(folder, stem)
    splits = {"train": [[f"img/{stem}.png"] for stem in TRAIN], "test": [[f"img/{stem}.png"] for stem in TEST]}
    (folder / "nyu_v2_3task.json").write_text(json.dumps(splits))
    return folder


def test_each_split_is_the_list_of_its_name(root: Path) -> None:
    assert nyuv2(tasks(), root, NATIVE).ids == tuple(f"nyuv2-{stem}" for stem in TEST)
    assert nyuv2(tasks(), root, NATIVE, split="test").ids == tuple(f"nyuv2-{stem}" for stem in TEST)
    assert nyuv2(tasks(), root, NATIVE, split="train").ids == tuple(f"nyuv2-{stem}" for stem in TRAIN)
    with pytest.raises(BadInputError, match="has the splits test and train, not 'val'"):
        nyuv2(tasks(), root, NATIVE, split="val")


def test_without_the_list_nobody_knows_what_to_train_on(tmp_path: Path) -> None:
    write_sample(tmp_path, "0000")
    with pytest.raises(BadInputError, match=r"nyu_v2_3task.json is missing, without which"):
        nyuv2(tasks(), tmp_path, NATIVE, split="train")
    (tmp_path / "nyu_v2_3task.json").write_text('{"test": []}')
    with pytest.raises(BadInputError, match=r'JSON with a list "train"'):
        nyuv2(tasks(), tmp_path, NATIVE, split="train")


def test_training_and_validation_are_the_train_split_and_share_nothing(root: Path) -> None:
    training, validation = load_training("nyuv2", tasks(), size=NATIVE, seed=0, validation=3, root=root)
    assert isinstance(training, Part)
    assert isinstance(validation, Part)
    assert (len(training), len(validation)) == (9, 3)
    assert {*training.ids, *validation.ids} == {f"nyuv2-{stem}" for stem in TRAIN}
    again = load_training("nyuv2", tasks(), size=NATIVE, seed=1, validation=3, root=root)[1]
    assert isinstance(again, Part)
    assert again.ids == validation.ids
    assert again.sha256 == validation.sha256 != training.sha256
    x, truth = training[4]
    batch = nyuv2(tasks(), root, NATIVE, split="train").batch([training.indices[4]])
    assert torch.equal(x, batch.x[0])
    assert all(torch.equal(truth[name], value[0]) for name, value in batch.truth.items())
    for index in (-1, 9):
        with pytest.raises(IndexError):
            training[index]


def test_fewer_images_are_the_first_of_the_rest(root: Path) -> None:
    whole, none = load_training("nyuv2", tasks(), size=NATIVE, seed=0, root=root)
    part, _ = load_training("nyuv2", tasks(), size=NATIVE, seed=0, count=4, validation=3, root=root)
    rest, _ = load_training("nyuv2", tasks(), size=NATIVE, seed=0, validation=3, root=root)
    assert isinstance(whole, Part)
    assert isinstance(part, Part)
    assert isinstance(rest, Part)
    assert none is None
    assert (len(whole), part.ids) == (12, rest.ids[:4])


@given(names=st.sets(st.text(max_size=8), min_size=2, max_size=30), share=st.floats(0, 1))
def test_the_choice_depends_on_names_alone_and_moves_only_at_its_bound(names: set[str], share: float) -> None:
    ids = sorted(names)
    count = round(share * len(ids))
    chosen = {ids[index] for index in held_out(ids, count)}
    assert len(chosen) == count
    assert {ids[::-1][index] for index in held_out(ids[::-1], count)} == chosen
    assert chosen <= {ids[index] for index in held_out(ids, count + 1)}
    fewer = ids[1:]
    assert len({fewer[index] for index in held_out(fewer, count)} - chosen) <= 1


def test_the_choice_is_what_it_always_was() -> None:
    ids = [f"nyuv2-{number:04d}" for number in range(20)]
    assert held_out(ids, 4) == [6, 9, 17, 19]


def test_root_may_say_the_format(root: Path) -> None:
    training, _ = load_training("nyuv2", tasks(), size=NATIVE, seed=0, root=DataRoot(root, "adashare"))
    assert len(training) == len(TRAIN)  # type: ignore[arg-type]
    with pytest.raises(BadInputError, match="train is missing"):
        load_training("nyuv2", tasks(classes=13), size=NATIVE, seed=0, root=DataRoot(root, "mtan"))


@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        ("nyuv2", {"validation": 12}, "has 12 training images: too few for any to train on and 12 to validate on"),
        ("nyuv2", {"count": 10, "validation": 3}, "too few for 10 to train on and 3 to validate on"),
        ("nyuv2", {"root": None}, "pass --data-root"),
        ("rooms3", {"count": 4}, "reads no folder"),
        ("rooms3", {"root": None}, "are generated: say how many"),
        ("rooms33", {}, "unknown data set 'rooms33'"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(root: Path, name: str, more: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        load_training(name, tasks(), **{"size": (16, 16), "seed": 0, "root": root, **more})


def test_a_data_set_without_a_train_split_is_refused() -> None:
    with pytest.raises(BadInputError, match="has no train split"):
        load_training("mtrbench.benchmark.datasets.rooms:rooms", tasks(), size=(16, 16), seed=0)
