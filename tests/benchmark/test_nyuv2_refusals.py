"""NYUv2's reader on broken files and impossible wishes: one line each, that names the file."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.nyuv2_files import NATIVE, H, W, tasks, write_png, write_samples
from PIL import Image

from mtrbench.benchmark.datasets.nyuv2 import nyuv2
from mtrbench.benchmark.protocol.errors import BadInputError


@pytest.fixture
def root(tmp_path):
    return write_samples(tmp_path)


def corrupt(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def archive(path: Path) -> None:
    np.savez(path.with_suffix(".npz"), np.ones(NATIVE, np.float32))
    path.with_suffix(".npz").rename(path)


def grow(path: Path) -> None:
    write_png(path, np.zeros((H + 1, W, *np.asarray(Image.open(path)).shape[2:]), np.uint8))


@pytest.mark.parametrize(
    ("file", "damage", "says"),
    [
        ("img/0003.png", corrupt, "as a PNG image"),
        ("seg/0003.png", corrupt, "as a PNG image"),
        ("normal_mask/0003.png", corrupt, "as a PNG image"),
        ("depth/0003.npy", corrupt, "as an npy array"),
        ("img/0003.png", lambda path: path.write_bytes(b""), "as a PNG image"),
        ("img/0003.png", lambda path: path.write_text("<html>quota exceeded</html>"), "as a PNG image"),
        ("img/0003.png", lambda path: Image.new("RGB", (W, H)).save(path, "JPEG"), "as a PNG image"),
        ("depth/0003.npy", lambda path: path.write_bytes(b""), "as an npy array"),
        ("depth/0003.npy", lambda path: path.write_text("<html>quota exceeded</html>"), "as an npy array"),
        ("depth/0003.npy", archive, "as an npy array"),
        ("depth/0003.npy", lambda path: np.save(path, np.array([{}]), allow_pickle=True), "as an npy array"),
        ("depth/0003.npy", lambda path: path.write_bytes(path.read_bytes().replace(b"}", b"(")), "as an npy array"),
        ("depth/0003.npy", lambda path: np.save(path, np.ones(NATIVE)), "float32"),
        ("depth/0003.npy", lambda path: np.save(path, np.ones(W, np.float32)), "float32 (H, W)"),
        ("depth/0003.npy", lambda path: np.save(path, np.ones((2, H, W), np.float32)), "(2, 12, 16)"),
        ("depth/0003.npy", lambda path: np.save(path, np.ones((0, W), np.float32)), "(0, 16)"),
        ("depth/0003.npy", lambda path: np.save(path, np.ones((W, H), np.float32)), "(12, 16)"),
        ("seg/0003.png", grow, "(16, 13)"),
        ("normal_mask/0003.png", grow, "(16, 13)"),
        ("img/0003.png", lambda path: write_png(path, np.zeros(NATIVE, np.uint8)), "mode RGB, not L"),
        ("normal_mask/0003.png", lambda path: write_png(path, np.zeros((H, W, 4), np.uint8)), "mode RGB, not RGBA"),
        ("seg/0003.png", lambda path: write_png(path, np.zeros((H, W, 3), np.uint8)), "mode L, not RGB"),
        ("seg/0003.png", lambda path: write_png(path, np.zeros(NATIVE, np.uint16)), "mode L, not I;16"),
        ("seg/0003.png", lambda path: write_png(path, np.full(NATIVE, 40, np.uint8)), "class 40"),
        ("seg/0003.png", lambda path: write_png(path, np.full(NATIVE, 254, np.uint8)), "class 254"),
        ("img/0003.png", Path.unlink, "cannot be read"),
    ],
)
def test_bad_content_is_one_line_that_names_the_file(root, file, damage, says):
    dataset = nyuv2(tasks(), root, NATIVE)
    damage(root / file)
    nyuv2(tasks(), root, NATIVE).batch([1, 2]) if (root / file).exists() else None  # the other samples stay readable
    with pytest.raises(BadInputError) as caught:
        dataset.batch([0])
    message = str(caught.value)
    assert file.split("/")[-1] in message
    assert says in message
    assert "\n" not in message


@pytest.mark.parametrize("file", ["img/0061.png", "seg/0061.png", "depth/0061.npy", "normal_mask/0061.png"])
def test_a_missing_file_is_reported_before_anything_is_read(root, file):
    (root / "nyu_v2_3task.json").write_text(json.dumps({"test": [["img/0061.png"]]}))
    (root / file).unlink()
    with pytest.raises(BadInputError, match=file):
        nyuv2(tasks(), root)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"test": null}',
        '{"test": [1]}',
        '{"test": [[]]}',
        '{"test": [[1]]}',
        '{"test": [["img/a.png"], ["img/a.png"]]}',
        '{"test": [["img/a\\nb.png"]]}',
        "[" * 100_000,
        "\xff",
    ],
)
def test_a_malformed_split_file_is_named(root, text):
    (root / "nyu_v2_3task.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInputError, match=r"nyu_v2_3task\.json") as caught:
        nyuv2(tasks(), root)
    assert "\n" not in str(caught.value)


def test_roots_that_hold_no_data_set(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "bare/img").mkdir(parents=True)
    for path, says in [("absent", "not a folder"), ("file", "not a folder"), ("bare", "no photographs")]:
        with pytest.raises(BadInputError, match=f"{path} .*{says}"):
            nyuv2(tasks(), tmp_path / path)
    with pytest.raises(BadInputError, match="--data-root"):
        nyuv2(tasks())


def test_an_empty_test_list_is_no_data_set(root):
    (root / "nyu_v2_3task.json").write_text('{"test": []}')
    with pytest.raises(BadInputError, match="no photographs"):
        nyuv2(tasks(), root)


@pytest.mark.parametrize("images", [0, -1, 4])
def test_impossible_numbers_of_images_say_how_many_there_are(root, images):
    with pytest.raises(BadInputError, match=f"1 to 3.* not {images}"):
        nyuv2(tasks(), root, images=images)


@pytest.mark.parametrize("size", [(0, 64), (64, -1)])
def test_sizes_without_pixels_are_refused(root, size):
    with pytest.raises(BadInputError, match="size"):
        nyuv2(tasks(), root, size)


@pytest.mark.parametrize("task", ["keypoints2d", "edge_texture"])
def test_tasks_without_truth_are_refused(root, task):
    with pytest.raises(BadInputError, match=f"nyuv2 .*{task}"):
        nyuv2(tasks("depth", task), root)


@pytest.mark.parametrize("classes", [12, 41])
def test_other_numbers_of_classes_are_refused(root, classes):
    with pytest.raises(BadInputError, match=f"40 or 13 .* not {classes}"):
        nyuv2(tasks(classes=classes), root)
