"""Broken files of NYUv2's other formats: one line each, that names the file and its fault."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers.damages import empty, npy, png, removed, swapped, truncated, web_page
from helpers.nyuv2_files import tasks
from helpers.nyuv2_formats import SIZE, H, W, truth_of, write_every_format
from scipy.io import savemat

from mtrbench.benchmark.datasets.nyuv2 import nyuv2
from mtrbench.benchmark.protocol.errors import BadInputError


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_every_format(tmp_path_factory.mktemp("written"))


def refused(root: Path, form: str) -> str:
    """The one line that reading all of a format ends in."""
    with pytest.raises(BadInputError) as caught:
        nyuv2(tasks(*truth_of(form), classes=13), root, SIZE).batch([0, 1, 2])
    assert "\n" not in str(caught.value)
    return str(caught.value)


def blank(array: np.ndarray) -> np.ndarray:
    return np.zeros_like(array)


def taller(array: np.ndarray) -> np.ndarray:
    return np.concatenate([array, array[:1]])


MT = {"images": "jpg", "segmentation": "png", "depth": "npy", "normals": "npy"}
FILES = [
    *(("mtan", f"val/{layer}/1.npy") for layer in ("image", "label", "depth", "normal")),
    *(("nyud_mt", f"{layer}/te0001.{suffix}") for layer, suffix in MT.items()),
    ("adashare with JPEGs", "img/0061.jpg"),
    ("official", "nyu_depth_v2_labeled.mat"),
    ("official", "classMapping40.mat"),
    ("official", "splits.mat"),
]


@pytest.mark.parametrize(("form", "file"), FILES)
@pytest.mark.parametrize("damage", [truncated, empty, web_page, removed])
def test_no_file_of_any_format_can_be_broken_unnoticed(written, tmp_path, form, file, damage):
    root = shutil.copytree(written[form], tmp_path / "copy")
    damage(root / file)
    assert Path(file).name in refused(root, form)


@pytest.mark.parametrize(
    ("form", "file", "damage", "says"),
    [
        (
            "mtan",
            "val/image/1.npy",
            npy(lambda a: (a * 255).astype(np.uint8)),
            "floating-point numbers (H, W, 3), not uint8",
        ),
        ("mtan", "val/image/1.npy", npy(lambda a: a * 255), "an image from 0 to"),
        ("mtan", "val/image/1.npy", npy(lambda a: a.transpose(2, 0, 1)), "(H, W, 3), not float64 (3, 24, 32)"),
        ("mtan", "val/image/1.npy", npy(lambda a: np.where(a > 0.5, np.nan, a)), "an image from nan"),
        ("mtan", "val/image/1.npy", npy(lambda a: a * 1e300), "an image from 0 to inf"),
        ("mtan", "val/label/1.npy", npy(lambda a: a + 1e300), "no whole numbers"),
        ("mtan", "val/label/1.npy", npy(lambda a: np.where(a < 0, np.nan, a)), "no whole numbers"),
        ("mtan", "val/label/1.npy", npy(lambda a: a + 1), "class 13; 0..12 and -1 (void)"),
        ("mtan", "val/label/1.npy", npy(lambda a: a + 0.5), "no whole numbers"),
        ("mtan", "val/label/1.npy", npy(lambda a: a[None]), "labels (H, W), not float64 (1, 24, 32)"),
        ("mtan", "val/label/1.npy", npy(lambda a: np.where(a < 0, 255, a)), "class 255"),
        ("mtan", "val/label/1.npy", npy(lambda a: a.astype("U4")), "labels (H, W), not <U4"),
        ("mtan", "val/label/1.npy", npy(taller), "(32, 25), but its photograph (32, 24)"),
        ("mtan", "val/depth/1.npy", npy(lambda a: (1000 * a).astype(np.uint16)), "not uint16"),
        ("mtan", "val/depth/1.npy", npy(lambda a: 1000 * a), "are they millimetres?"),
        ("mtan", "val/depth/1.npy", swapped("normal/1.npy"), "(H, W) or (1, H, W), not float32 (24, 32, 3)"),
        ("mtan", "val/normal/1.npy", swapped("depth/1.npy"), "(H, W, 3), not float32 (24, 32, 1)"),
        ("mtan", "val/label/1.npy", swapped("image/1.npy"), "labels (H, W), not float64 (24, 32, 3)"),
        ("nyud_mt", "images/te0001.jpg", swapped("segmentation/te0001.png"), "as a JPEG image"),
        ("nyud_mt", "segmentation/te0001.png", swapped("images/te0001.jpg"), "as a PNG image"),
        (
            "nyud_mt",
            "segmentation/te0001.png",
            png(lambda a: np.where(a == 0, 41, a).astype(np.uint8)),
            "class 41; 0..40",
        ),
        ("nyud_mt", "segmentation/te0001.png", png(lambda a: a.astype(np.uint16)), "mode L, not I;16"),
        ("nyud_mt", "segmentation/te0001.png", png(taller), "(32, 25), but its photograph (32, 24)"),
        ("nyud_mt", "depth/te0001.npy", npy(lambda a: 1000 * a), "are they millimetres?"),
        ("nyud_mt", "depth/te0001.npy", swapped("normals/te0001.npy"), "not float32 (24, 32, 3)"),
        ("nyud_mt", "normals/te0001.npy", npy(lambda a: ((a + 1) * 127).astype(np.uint8)), "not uint8 (24, 32, 3)"),
        ("nyud_mt", "gt_sets/val.txt", removed, "val.txt is missing"),
        ("nyud_mt", "gt_sets/val.txt", empty, "no photographs in the split test"),
        ("nyud_mt", "gt_sets/val.txt", lambda path: path.write_bytes(b"\xff\xfe"), "as lines of text"),
        ("nyud_mt", "gt_sets/val.txt", lambda path: path.write_text("te0001\nte0001\n"), "repeated file name"),
        ("adashare with JPEGs", "img/0061.jpg", swapped("seg/0061.png"), "as a JPEG image"),
        ("adashare with JPEGs", "depth/0061.npy", npy(lambda a: 1000 * a), "are they millimetres?"),
        ("official", "splits.mat", lambda path: savemat(path, {"trainNdxs": [1]}), "a MATLAB file with testNdxs"),
        ("official", "splits.mat", lambda path: savemat(path, {"testNdxs": [0, 1]}), "testNdxs is not what NYUv2 says"),
        (
            "official",
            "splits.mat",
            lambda path: savemat(path, {"testNdxs": [5, 6]}),
            "has 5 images, but splits.mat names number 6",
        ),
        (
            "official",
            "classMapping40.mat",
            lambda path: savemat(path, {"mapClass": [1, 2]}),
            "not what NYUv2 says, 2 numbers",
        ),
    ],
)
def test_wrong_content_is_told_by_file_and_fault(written, tmp_path, form, file, damage, says):
    root = shutil.copytree(written[form], tmp_path / "copy")
    damage(root / file)
    message = refused(root, form)
    assert Path(file).name in message
    assert says in message


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("images", None, "nyu_depth_v2_labeled.mat cannot be read"),
        ("depths", None, "depths"),
        ("labels", lambda a: a.astype(np.float32), "labels must be uint16 (N, W, H), not float32"),
        ("labels", lambda a: a + 895, "1..894 and 0 (void) are allowed"),
        ("depths", lambda a: a.astype(np.float64), "depths must be float32 (N, W, H), not float64"),
        ("depths", lambda a: a * 1000, "are they millimetres?"),
        ("depths", lambda a: a[:4], "depths has 4 images, and no number 5"),
        ("depths", lambda a: a.transpose(0, 2, 1), f"({H}, {W}), but its photograph ({W}, {H})"),
        ("images", lambda a: a.transpose(0, 2, 3, 1), f"images must be uint8 (N, 3, W, H), not uint8 (5, {W}, {H}, 3)"),
    ],
)
def test_arrays_of_the_matlab_file(written, tmp_path, name, change, says):
    root = shutil.copytree(written["official"], tmp_path / "copy")
    path = root / "nyu_depth_v2_labeled.mat"
    with h5py.File(path, "r+") as file:
        array = file[name][:]
        del file[name]
        if change:
            file[name] = change(array)
    message = refused(root, "official")
    assert path.name in message
    assert says in message
