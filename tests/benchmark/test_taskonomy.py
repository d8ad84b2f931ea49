"""Taskonomy's reader on files written here to the letter."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.damages import empty, png, removed, swapped, truncated, web_page
from helpers.nyuv2_files import write_png
from helpers.taskonomy_files import SIZE, H, W, view, write_view

from mtrbench import BadInputError, make_task
from mtrbench.benchmark.datasets.taskonomy import taskonomy
from mtrbench.benchmark.datasets.taskonomy.splits import TINY

TRUTH = ("segmentation", "depth", "normals", "keypoints2d", "edge_texture")
NAMES = ("point_0_view_0", "point_0_view_10", "point_0_view_2")


def tasks(*names: str, classes: int = 17):
    return {
        name: make_task(name, **({"classes": classes} if name == "segmentation" else {})) for name in names or TRUTH
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three views of a building to test on, and one of a building to train on."""
    for seed, name in enumerate(NAMES):
        write_view(tmp_path, "ihlen", name, seed)
    write_view(tmp_path, "hanson", "point_0_view_0", 7)
    return tmp_path


def test_a_view_is_decoded_as_the_study_does(root):
    batch, one = taskonomy(tasks(), root, SIZE).batch([0]), view(0)
    truth = {name: value[0].double().numpy() for name, value in batch.truth.items()}
    assert torch.equal(batch.x[0], torch.from_numpy(one.rgb.transpose(2, 0, 1).astype(np.float32) / 255))
    assert np.array_equal(truth["segmentation"], np.where(one.labels == 0, 255, one.labels.astype(int) - 1))
    known = one.depth < 65535
    assert np.array_equal(truth["depth"][0], np.where(known, one.depth / 512, 0))
    x, y, z = truth["normals"]
    right, down, forward = np.moveaxis(one.normal / 127.5 - 1, -1, 0)
    length = np.sqrt(right**2 + down**2 + forward**2)
    for ours, theirs in ((x, right), (y, forward), (z, -down)):
        np.testing.assert_allclose(ours, np.where(known, theirs / length, 0), atol=1e-6)
    keypoints = np.clip(one.keypoints / 65536, 0, 0.005) / 0.005 * 2 - 1
    edges = np.clip(one.edges / 65536, 0, 0.08) / 0.08 * 2 - 1
    np.testing.assert_allclose(truth["keypoints2d"][0], keypoints, atol=1e-6)
    np.testing.assert_allclose(truth["edge_texture"][0], edges, atol=1e-6)
    assert truth["keypoints2d"].max() == truth["edge_texture"].max() == 1


def test_no_depth_from_the_studys_mask_on(root):
    path = root / "depth_zbuffer/ihlen/point_0_view_0_domain_depth_zbuffer.png"
    write_png(path, np.resize(np.array([0, 1, 64499, 64500, 65534], np.uint16), SIZE))
    depth = taskonomy(tasks("depth"), root, SIZE).batch([0]).truth["depth"]
    assert sorted({*depth.flatten().tolist()}) == [0, 1 / 512, 64499 / 512]


@pytest.mark.parametrize("folder", ["segment_semantic", "segmentsemantic"])
@pytest.mark.parametrize("spelling", ["segment_semantic", "segmentsemantic"])
@pytest.mark.parametrize("building", ["ihlen", ""])
def test_flat_or_by_building_and_either_spelling_are_the_same(root, tmp_path_factory, folder, spelling, building):
    other = tmp_path_factory.mktemp("other")
    for seed, name in enumerate(NAMES):
        write_view(other, building, name, seed, folder, spelling)
    first, second = (taskonomy(tasks(), place, SIZE).batch([0, 1, 2]) for place in (root, other))
    assert torch.equal(first.x, second.x)
    assert all(torch.equal(first.truth[name], second.truth[name]) for name in TRUTH)


def test_a_picture_of_the_labels_beside_them_is_not_taken_for_them(root):
    for name in NAMES:
        write_png(root / f"segment_semantic/ihlen/{name}_domain_segment_semantic.png", np.zeros((H, W, 3), np.uint8))
        write_png(root / f"depth_zbuffer/ihlen/{name}_domain_depth_zbuffer2.png", np.zeros(SIZE, np.uint8))
    assert len(taskonomy(tasks(), root, SIZE).batch([0, 1, 2]).ids) == 3


class TestSplits:
    def test_views_come_by_number(self, root):
        assert taskonomy(tasks(), root).ids == tuple(f"taskonomy-ihlen/point_0_view_{number}" for number in (0, 2, 10))

    def test_tiny_is_25_5_5_buildings(self):
        assert [len(TINY[split]) for split in ("train", "val", "test")] == [25, 5, 5]
        assert len({*TINY["train"], *TINY["val"], *TINY["test"]}) == 35

    def test_tiny_is_meant_without_a_table(self, root):
        assert taskonomy(tasks(), root, split="train").ids == ("taskonomy-hanson/point_0_view_0",)
        with pytest.raises(BadInputError, match="no photographs in the split val"):
            taskonomy(tasks(), root, split="val")

    @pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
    @pytest.mark.parametrize("place", ["train_val_test_tiny.csv", "splits_taskonomy/train_val_test_tiny.csv"])
    def test_a_table_decides_whatever_its_lines_end_in(self, root, place, end):
        (root / place).parent.mkdir(exist_ok=True)
        (root / place).write_bytes(end.join(["id,train,val,test", "hanson,0,1,0", "ihlen,1,0,0"]).encode())
        assert len(taskonomy(tasks(), root, split="train").ids) == 3
        assert taskonomy(tasks(), root, split="val").ids == ("taskonomy-hanson/point_0_view_0",)

    @pytest.mark.parametrize(
        "text",
        ["", "id,train\nihlen,1\n", "id,train,val,test\nihlen,1,0\n", "id,train,val,test\nihlen,yes,no,no\n", "\xff"],
    )
    def test_a_table_that_is_none_is_named(self, root, text):
        (root / "splits.csv").write_bytes(text.encode("latin-1"))
        with pytest.raises(BadInputError, match=r"splits\.csv cannot be read as a table with the columns id, train"):
            taskonomy(tasks(), root)

    def test_two_tables_are_one_too_many(self, root):
        for name in ("a.csv", "b.csv", "._c.csv"):
            (root / name).write_text("id,train,val,test\nihlen,0,0,1\n")
        with pytest.raises(BadInputError, match=r"a\.csv and .*b\.csv; leave one"):
            taskonomy(tasks(), root)

    def test_a_flat_folder_has_no_train_split(self, tmp_path):
        write_view(tmp_path, "", "point_0_view_0", 0)
        assert taskonomy(tasks(), tmp_path).ids == ("taskonomy-point_0_view_0",)
        with pytest.raises(BadInputError, match="nobody knows its split train"):
            taskonomy(tasks(), tmp_path, split="train")

    def test_a_mixture_of_both_layouts_is_refused(self, root):
        write_view(root, "", "point_0_view_0", 0)
        with pytest.raises(BadInputError, match="both in folders of buildings and beside them"):
            taskonomy(tasks(), root)


DOMAINS = ("rgb", "depth_zbuffer", "normal", "keypoints2d", "edge_texture")
FILES = {
    **{domain: f"{domain}/ihlen/point_0_view_2_domain_{domain}.png" for domain in DOMAINS},
    "labels": "segment_semantic/ihlen/point_0_view_2_domain_segmentsemantic.png",
}


def refused(root: Path) -> str:
    with pytest.raises(BadInputError) as caught:
        taskonomy(tasks(), root, SIZE).batch([0, 1, 2])
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", [truncated, empty, web_page, removed])
def test_no_file_can_be_broken_unnoticed(root, file, damage):
    damage(root / FILES[file])
    assert Path(FILES[file]).name in refused(root)


@pytest.mark.parametrize(
    ("file", "damage", "says"),
    [
        ("depth_zbuffer", png(lambda a: (a // 256).astype(np.uint8)), "mode I;16, not L; a picture of the data"),
        ("keypoints2d", png(lambda a: (a // 256).astype(np.uint8)), "mode I;16, not L; a picture of the data"),
        ("edge_texture", png(lambda a: (a // 256).astype(np.uint8)), "mode I;16, not L; a picture of the data"),
        ("labels", png(lambda a: np.repeat(a[..., None], 3, axis=-1)), "mode L, not RGB"),
        ("labels", png(lambda a: np.where(a == 0, 255, a)), "class 255; 0..17 are allowed"),
        ("rgb", png(lambda a: a[..., 0]), "mode RGB, not L"),
        ("normal", png(lambda a: np.concatenate([a, a[..., :1]], axis=-1)), "mode RGB, not RGBA"),
        ("labels", png(lambda a: a[:-1]), "(24, 23), but its photograph (24, 24)"),
        ("depth_zbuffer", swapped("../normal/ihlen/point_0_view_2_domain_normal.png"), "mode I;16, not RGB"),
    ],
)
def test_wrong_content_is_told_by_file_and_fault(root, file, damage, says):
    damage(root / FILES[file])
    message = refused(root)
    assert Path(FILES[file]).name in message
    assert says in message


@pytest.mark.parametrize(
    ("domain", "change", "says"),
    [
        ("normal", lambda a: a[..., ::-1], "degrees off those of the depth"),
        ("normal", lambda a: 255 - a, "if they were meant away from the camera"),
        ("segment_semantic", lambda a: np.maximum(a, 1) - 1, "of the labels are void: are they one too low?"),
    ],
)
def test_what_reads_well_and_is_not_what_it_says_is_refused(tmp_path, domain, change, says):
    for seed in range(6):
        write_view(tmp_path, "ihlen", f"point_{seed}_view_0", seed)
    assert len(taskonomy(tasks(), tmp_path, SIZE).ids) == 6
    for path in (tmp_path / domain / "ihlen").iterdir():
        png(lambda pixels: change(pixels).astype(np.uint8))(path)
    message = refused(tmp_path)
    assert domain in message
    assert says in message


def test_wishes_that_nobody_can_fulfil(root, tmp_path_factory):
    for wish, says in [
        (
            {"tasks": tasks("depth") | {"inverse_depth": make_task("inverse_depth")}},
            "no truth for task 'inverse_depth'",
        ),
        ({"tasks": tasks(classes=16)}, "has 17 segmentation classes, not 16"),
        ({"images": 4}, "1 to 3"),
        ({"split": "all"}, "the splits test and train and val, not 'all'"),
        ({"root": None}, "pass --data-root"),
        ({"root": tmp_path_factory.mktemp("bare")}, "found nothing; known: domains: rgb/"),
    ]:
        with pytest.raises(BadInputError, match=says):
            taskonomy(**{"tasks": tasks(), "root": root, **wish})


def test_macos_leaves_no_samples(root):
    for path in [*root.rglob("*.png")]:
        shutil.copy(path, path.with_name(f"._{path.name}"))
    assert len(taskonomy(tasks(), root).ids) == 3
