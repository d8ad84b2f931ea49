"""Cityscapes' reader on files written here to the letter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.damages import empty, npy, removed, swapped, truncated, web_page
from helpers.nyuv2_files import write_npy

from mtrbench import BadInputError, make_task
from mtrbench.benchmark.datasets.cityscapes import cityscapes

H, W = 16, 32
SIZE = (H, W)
COUNTS = (2, 7, 19)


def tasks(classes: int = 7, *more: str):
    return {"segmentation": make_task("segmentation", classes=classes)} | {
        name: make_task(name) for name in more or ("inverse_depth",)
    }


def layers(seed: int) -> dict[str, np.ndarray]:
    """What lies in the files of one sample."""
    random = np.random.default_rng(seed)
    fine = np.where(random.random(SIZE) < 0.1, -1, np.resize(np.arange(19), SIZE))
    depth = np.where(random.random(SIZE) < 0.1, 0, random.random(SIZE)).astype(np.float32)
    return {
        "image": random.integers(0, 256, (H, W, 3)) / 255.0,
        **{f"label_{count}": np.where(fine < 0, -1, fine % count).astype(float) for count in COUNTS},
        "depth": depth[..., None],
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder, count in {"train": 2, "val": 3}.items():
        for number in range(count):
            for layer, array in layers(10 * (folder == "train") + number).items():
                write_npy(tmp_path / folder / layer / f"{number}.npy", array)
    return tmp_path


@pytest.mark.parametrize("classes", COUNTS)
@pytest.mark.parametrize("split", ["test", "train"])
def test_samples_are_what_was_written(root, classes, split):
    dataset = cityscapes(tasks(classes), root, SIZE, split=split)
    batch = dataset.batch(range(len(dataset.ids)))
    assert dataset.ids == tuple(
        f"cityscapes-{'val' if split == 'test' else 'train'}/{i}" for i in range(len(batch.ids))
    )
    for index in range(len(batch.ids)):
        one = layers(10 * (split == "train") + index)
        labels, image = one[f"label_{classes}"], one["image"].transpose(2, 0, 1)
        assert torch.equal(batch.x[index], torch.from_numpy(np.rint(image * 255).astype(np.float32) / 255))
        assert np.array_equal(batch.truth["segmentation"][index], np.where(labels < 0, 255, labels))
        assert np.array_equal(batch.truth["inverse_depth"][index, 0], one["depth"][..., 0])


def test_plain_labels_are_of_as_many_classes_as_they_show(root):
    for folder in ("train", "val"):
        (root / folder / "label_7").rename(root / folder / "label")
        for count in (2, 19):
            (root / folder / f"label_{count}").rename(root / folder / f"other_{count}")
    assert cityscapes(tasks(7), root, SIZE).batch([0]).truth["segmentation"].unique().tolist() == [*range(7), 255]
    with pytest.raises(BadInputError, match="label has 7 classes, not 19, which would lie in label_19"):
        cityscapes(tasks(19), root, SIZE)
    with pytest.raises(BadInputError, match=r"label/0\.npy holds class 2; 0\.\.1 and -1 \(void\) are allowed"):
        cityscapes(tasks(2), root, SIZE).batch([0])


@pytest.mark.parametrize("file", ["image", "label_7", "depth"])
@pytest.mark.parametrize("damage", [truncated, empty, web_page, removed])
def test_no_file_can_be_broken_unnoticed(root, file, damage):
    damage(root / f"val/{file}/1.npy")
    with pytest.raises(BadInputError, match=rf"{file}/1\.npy") as caught:
        cityscapes(tasks(), root, SIZE).batch([0, 1, 2])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "damage", "says"),
    [
        ("image", npy(lambda a: a * 255), "an image from .* to 255; it must lie in"),
        ("image", npy(lambda a: a[..., 0]), r"\(H, W, 3\), not float64 \(16, 32\)"),
        ("label_7", npy(lambda a: a + 1), r"class 7; 0\.\.6 and -1 \(void\)"),
        ("label_7", npy(lambda a: a[1:]), r"\(32, 15\), but its photograph \(32, 16\)"),
        ("label_7", swapped("label_19/1.npy"), "class 7"),
        ("depth", npy(lambda a: a.astype(np.uint8)), "not uint8"),
        ("depth", swapped("image/1.npy"), r"not float64 \(16, 32, 3\)"),
    ],
)
def test_wrong_content_is_told_by_file_and_fault(root, file, damage, says):
    damage(root / f"val/{file}/1.npy")
    with pytest.raises(BadInputError, match=rf"{file}/1\.npy .*{says}"):
        cityscapes(tasks(), root, SIZE).batch([0, 1, 2])


@pytest.mark.parametrize(
    ("layer", "change", "says"),
    [
        ("depth", lambda a: 256 * a, "that is no inverse depth"),
        ("depth", lambda a: 0 * a, "no pixel has inverse_depth"),
        ("label_7", lambda a: np.where(a == 0, a, -1), "of the labels are void"),
    ],
)
def test_what_reads_well_and_is_not_what_it_says_is_refused(root, layer, change, says):
    for path in (root / "val" / layer).iterdir():
        npy(change)(path)
    with pytest.raises(BadInputError, match=rf"{layer}/0\.npy and 2 others: .*{says}"):
        cityscapes(tasks(), root, SIZE)


def test_metres_are_not_what_it_has(root):
    with pytest.raises(BadInputError, match="no truth for task 'depth'; it has segmentation, inverse_depth"):
        cityscapes(tasks(7, "depth"), root, SIZE)
