"""Data that reads well and is not what it says: refused by what its layers say of each other."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.damages import npy, png
from helpers.nyuv2_files import tasks, write_npy, write_png
from helpers.photographs import root_of
from PIL import Image

from mtrbench.benchmark.datasets.disk.plausibility import FAR, READINGS, SAMPLES, WINDOWS
from mtrbench.benchmark.datasets.disk.surface import derived_normals
from mtrbench.benchmark.datasets.nyuv2 import KINECT, nyuv2
from mtrbench.benchmark.protocol.errors import BadInputError

H, W = SIZE = (60, 80)
COUNT = 4
FLOOR, WALL, CABINET = 1, 0, 2


def write_room(root: Path, stem: str, turn: float, near: float) -> None:
    """A floor, a wall ahead, turned by so many radians, and cupboards at the side, as the Kinect sees them."""
    u, v = KINECT.fitted(SIZE).slopes()
    planes = {  # normal in (right, forward, up) and distance from the camera
        (0.0, 0.0, 1.0): (0.7, FLOOR),
        (np.sin(turn), -np.cos(turn), 0.0): (near, WALL),
        (1.0, 0.0, 0.0): (1.0, CABINET),
    }
    depth, labels, normals = np.full(SIZE, np.inf), np.zeros(SIZE, np.uint8), np.zeros((H, W, 3))
    for normal, (distance, label) in planes.items():
        towards = -(normal[0] * u + normal[1] - normal[2] * v)
        reach = np.where(towards > 1e-6, distance / np.maximum(towards, 1e-6), np.inf)
        nearer = reach < depth
        depth[nearer], labels[nearer], normals[nearer] = reach[nearer], label, normal
    labels[:2] = 255
    write_png(root / f"img/{stem}.png", np.random.default_rng(int(stem)).integers(0, 256, (H, W, 3), np.uint8))
    write_png(root / f"seg/{stem}.png", labels)
    write_png(root / f"normal_mask/{stem}.png", np.rint((normals + 1) * 127.5).astype(np.uint8))
    write_npy(root / f"depth/{stem}.npy", depth.astype(np.float32))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number in range(COUNT):
        write_room(tmp_path, f"{number:04d}", 0.15 * number, 3 + 0.2 * number)
    return tmp_path


def degrees(one: np.ndarray, other: np.ndarray) -> float:
    """How far normals (H, W, 3) are off others in the mean, where both are known."""
    both = (one != 0).any(axis=-1) & (other != 0).any(axis=-1)
    return float(np.rad2deg(np.arccos((one * other).sum(axis=-1)[both].clip(-1, 1))).mean())


def everywhere(root: Path, layer: str, damage: Callable[[Path], object]) -> None:
    for path in (root / layer).iterdir():
        damage(path)


def refused(root: Path, **more: object) -> str:
    with pytest.raises(BadInputError) as caught:
        nyuv2(tasks(), root, SIZE, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def turned(colours: np.ndarray, axes: tuple[int, int, int]) -> np.ndarray:
    """Normals as colours, of which `axes` of `READINGS` makes ours."""
    found = np.zeros(colours.shape)
    for place, axis in enumerate(axes):
        found[..., abs(axis) - 1] = np.sign(axis) * (colours[..., place] / 127.5 - 1)
    return np.rint((found + 1) * 127.5).astype(np.uint8)


def shifted(labels: np.ndarray, step: int) -> np.ndarray:
    """Labels that somebody added or subtracted one of, in 8 bits; class 39 is left out, as 40 would be told at once."""
    return np.where(labels == 255, 255, (np.minimum(labels, 38).astype(int) + step) % 256).astype(np.uint8)


def test_a_plausible_room_passes(root):
    assert nyuv2(tasks(), root, SIZE).batch(range(COUNT)).x.shape == (COUNT, 3, *SIZE)
    assert nyuv2(tasks(classes=13), root, SIZE).ids


@pytest.mark.parametrize("how", READINGS)
def test_normals_with_other_axes_are_told_which(root, how):
    everywhere(root, "normal_mask", png(lambda pixels: turned(pixels, READINGS[how])))
    message = refused(root)
    assert "normal_mask/0000.png and 3 others: normals are" in message
    assert f"if they were meant {how}; they must have x right, y forward, z up" in message


def test_normals_of_nothing_in_the_picture_fit_no_way(root):
    random = np.random.default_rng(0)
    everywhere(root, "normal_mask", png(lambda pixels: random.choice(np.array([20, 147], np.uint8), pixels.shape)))
    assert "off those of the depth: of other samples?" in refused(root)


@pytest.mark.parametrize(("shift", "says"), [(1, "one too high: what lies flat is of class 2"), (-1, "one too low")])
def test_shifted_labels_are_told_by_the_floor(root, shift, says):
    everywhere(root, "seg", png(lambda pixels: shifted(pixels, shift)))
    message = refused(root)
    assert "seg/0000.png and 3 others: labels are" in message
    assert says in message


@pytest.mark.parametrize(
    ("factor", "says"),
    [(1000, "millimetres"), (100, "millimetres"), (0.01, "no depth of a room in metres"), (0, "no pixel has depth")],
)
def test_depth_in_another_unit(root, factor, says):
    everywhere(root, "depth", npy(lambda depth: depth * np.float32(factor)))
    if factor > 1:  # told by the file alone, when it is read
        with pytest.raises(BadInputError, match=says):
            nyuv2(tasks(), root, SIZE).batch([0])
    else:
        assert says in refused(root)


def test_only_what_is_used_is_looked_at_and_files_that_are_not_asked_for_help(root):
    everywhere(root, "normal_mask", png(lambda pixels: pixels[..., ::-1]))
    nyuv2(tasks("depth"), root, SIZE)  # normals play no part
    with pytest.raises(BadInputError, match="as B, G, R"):
        nyuv2(tasks("normals"), root, SIZE)  # depth is read to judge them


def test_without_depth_nothing_is_concluded(root):
    everywhere(root, "normal_mask", png(lambda pixels: pixels[..., ::-1]))
    shutil.rmtree(root / "depth")
    assert nyuv2(tasks("normals"), root, SIZE).ids


def test_broken_files_are_left_to_be_told_when_they_are_read(root):
    (root / "depth/0001.npy").write_bytes(b"")
    dataset = nyuv2(tasks(), root, SIZE)
    assert dataset.batch([0, 2]).ids
    with pytest.raises(BadInputError, match=r"0001\.npy cannot be read"):
        dataset.batch([1])


class TestGenuine:
    """What passes, and what the doubts say of the same files spoilt."""

    @pytest.fixture
    def copy(self, tmp_path: Path) -> Path:
        whole = root_of("nyuv2")
        for number in range(100, 100 + 37 * SAMPLES, 37):
            for file in ("img/{}.png", "seg/{}.png", "normal_mask/{}.png", "depth/{}.npy"):
                place = file.format(f"{number:04d}")
                (tmp_path / place).parent.mkdir(exist_ok=True)
                shutil.copyfile(whole / place, tmp_path / place)
        return tmp_path

    def test_passes(self, copy):
        assert len(nyuv2(tasks(), copy, SIZE).ids) == SAMPLES

    @pytest.mark.parametrize("how", READINGS)
    def test_axes(self, copy, how):
        everywhere(copy, "normal_mask", png(lambda pixels: turned(pixels, READINGS[how])))
        assert f"if they were meant {how};" in refused(copy)

    @pytest.mark.parametrize("shift", [1, -1])
    def test_labels(self, copy, shift):
        everywhere(copy, "seg", png(lambda pixels: shifted(pixels, shift)))
        assert "labels are one too" in refused(copy)

    def test_photographs_as_normals(self, copy):
        for path in (copy / "normal_mask").iterdir():
            Image.open(copy / "img" / path.name).save(path)
        assert "normals are" in refused(copy)

    def test_normals_of_other_samples(self, copy):
        names = sorted((copy / "normal_mask").iterdir())
        contents = [path.read_bytes() for path in names]
        for path, content in zip(names, [*contents[1:], contents[0]], strict=True):
            path.write_bytes(content)
        assert "of other samples?" in refused(copy)

    def test_normals_are_nearer_to_their_own_depth_than_to_that_of_any_other_sample(self):
        dataset = nyuv2(tasks("depth", "normals"), root_of("nyuv2"), SIZE)
        truth = dataset.batch(np.linspace(0, len(dataset.ids) - 1, 20).astype(int).tolist()).truth
        given = truth["normals"].permute(0, 2, 3, 1).numpy()
        surfaces = [
            derived_normals(depth, None, KINECT.fitted(SIZE), WINDOWS) for depth in truth["depth"][:, 0].numpy()
        ]
        off = np.array([[degrees(normals, surface) for surface in surfaces] for normals in given])
        own, others = np.diag(off), off[~np.eye(len(off), dtype=bool)]
        print(f"own: {own.min():.0f} to {own.max():.0f} degrees, others: {others.min():.0f} to {others.max():.0f}")
        assert own.max() < others.min()
        assert own.mean() < FAR < others.mean()
