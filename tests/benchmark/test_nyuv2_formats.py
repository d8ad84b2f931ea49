"""The same scenes through every format of NYUv2, written here to the letter."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.nyuv2_files import tasks, write_png
from helpers.nyuv2_formats import CLASSES, FORMATS, SIZE, TEST, TRAIN, scenes, thirteen, truth_of, write_every_format

from mtrbench.benchmark.datasets.nyuv2 import nyuv2
from mtrbench.benchmark.protocol.errors import BadInputError


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_every_format(tmp_path_factory.mktemp("nyuv2"))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("split", ["test", "train"])
@pytest.mark.parametrize("classes", [13, 40])
def test_a_format_gives_what_was_written(roots, name, split, classes):
    if classes not in CLASSES.get(name, (40, 13)):
        with pytest.raises(BadInputError, match="has 13 segmentation classes, not 40"):
            nyuv2(tasks(*truth_of(name), classes=classes), roots[name], SIZE)
        return
    dataset = nyuv2(tasks(*truth_of(name), classes=classes), roots[name], SIZE, split=split)
    batch, written = dataset.batch(range(len(dataset.ids))), scenes()[split]
    assert len(dataset.ids) == len({*dataset.ids}) == {"test": TEST, "train": TRAIN}[split]
    image = np.stack([one.image for one in written]).transpose(0, 3, 1, 2)
    assert torch.equal(batch.x, torch.from_numpy(image.astype(np.float32) / 255))
    labels = np.stack([one.labels if classes == 40 else thirteen(one.labels) for one in written])
    assert torch.equal(batch.truth["segmentation"], torch.from_numpy(labels).long())
    assert torch.equal(batch.truth["depth"][:, 0], torch.from_numpy(np.stack([one.depth for one in written])))
    if "normals" in batch.truth:
        normals = torch.from_numpy(np.stack([one.normals for one in written])).permute(0, 3, 1, 2)
        torch.testing.assert_close(batch.truth["normals"], normals, rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [SIZE, (18, 24), (20, 20), (48, 64)])
def test_the_same_scenes_are_the_same_tensors_at_any_size(roots, size):
    reference = nyuv2(tasks(classes=13), roots["adashare"], size).batch(range(TEST))
    for name, root in roots.items():
        batch = nyuv2(tasks(*truth_of(name), classes=13), root, size).batch(range(TEST))
        assert torch.equal(batch.x, reference.x), name
        for task, truth in batch.truth.items():
            tolerance = 1e-6 if task == "normals" else 0  # of unit length once more
            torch.testing.assert_close(truth, reference.truth[task], rtol=0, atol=tolerance, msg=f"{name} {task}")


@pytest.mark.parametrize("name", FORMATS)
def test_digest_is_of_content_alone_and_workers_get_the_same(roots, name, tmp_path):
    first = nyuv2(tasks(*truth_of(name), classes=13), roots[name], SIZE)
    FORMATS[name](tmp_path)
    again = nyuv2(tasks(*truth_of(name), classes=13), tmp_path, SIZE)
    assert first.sha256 == again.sha256 != nyuv2(tasks(*truth_of(name), classes=13), tmp_path, SIZE, images=2).sha256
    copy = pickle.loads(pickle.dumps(first))  # noqa: S301
    assert copy == first
    assert torch.equal(copy.batch([1]).x, first.batch([1]).x)


def test_images_come_by_number_and_not_by_letter(tmp_path):
    FORMATS["mtan"](tmp_path)
    for layer in ("image", "label", "depth", "normal"):
        for number in (10, 9):
            (tmp_path / f"val/{layer}/{number}.npy").write_bytes((tmp_path / f"val/{layer}/0.npy").read_bytes())
    names = nyuv2(tasks(classes=13), tmp_path, SIZE).ids
    assert names == tuple(f"nyuv2-val/{number}" for number in (0, 1, 2, 9, 10))


@pytest.mark.parametrize("name", ["adashare", "mtan"])
def test_what_macos_leaves_in_an_archive_is_no_sample(tmp_path, name):
    FORMATS[name](tmp_path)
    for path in [path for path in tmp_path.rglob("*") if path.is_file()]:
        path.with_name(f"._{path.name}").write_bytes(b"\x00\x05\x16\x07")
    (tmp_path / "nyu_v2_3task.json").unlink(missing_ok=True)
    assert len(nyuv2(tasks(classes=13), tmp_path, SIZE).ids) == (TEST if name == "mtan" else TEST + TRAIN)


class TestRecognition:
    def test_unknown_folder_says_what_is_there_and_what_would_be(self, tmp_path):
        (tmp_path / "photos").mkdir()
        (tmp_path / "._photos").write_text("")
        (tmp_path / "readme.txt").write_text("")
        with pytest.raises(
            BadInputError, match=r"found photos/, readme.txt; known: adashare: .*mtan: .*official: "
        ) as caught:
            nyuv2(tasks(), tmp_path)
        assert "\n" not in str(caught.value)

    def test_two_formats_in_one_folder_need_a_word(self, tmp_path):
        FORMATS["adashare"](tmp_path)
        FORMATS["mtan"](tmp_path)
        with pytest.raises(BadInputError, match="formats adashare and mtan of nyuv2; say which by --format"):
            nyuv2(tasks(classes=13), tmp_path, SIZE)
        assert nyuv2(tasks(classes=13), tmp_path, SIZE, format="mtan").ids[0] == "nyuv2-val/0"
        assert nyuv2(tasks(classes=13), tmp_path, SIZE, format="adashare").ids[0] == "nyuv2-0060"

    def test_unknown_format_is_told_the_known_ones(self, roots):
        with pytest.raises(BadInputError, match="unknown format of data set nyuv2 'mtam'; did you mean mtan"):
            nyuv2(tasks(), roots["mtan"], format="mtam")


class TestOfficial:
    def test_normals_are_told_where_to_come_from(self, roots):
        with pytest.raises(BadInputError, match="no truth for normals: derive them once with mtrbench data prepare"):
            nyuv2(tasks(), roots["official"], SIZE)

    @pytest.mark.parametrize("name", ["h5py", "scipy"])
    def test_a_missing_library_is_one_line(self, roots, monkeypatch, name):
        monkeypatch.setitem(sys.modules, "h5py" if name == "h5py" else "scipy.io", None)
        with pytest.raises(BadInputError, match=rf"needs {name} to be read: pip install 'mtrbench\[data\]'"):
            nyuv2(tasks("depth"), roots["official"], SIZE)


def test_photographs_are_in_8_bits_whatever_they_were_kept_as(tmp_path):
    FORMATS["mtan"](tmp_path)
    path = tmp_path / "val/image/0.npy"
    np.save(path, (np.load(path) + 0.3 / 255).clip(0, 1).astype(np.float32))
    x = nyuv2(tasks(classes=13), tmp_path, SIZE).batch([0]).x
    assert torch.equal((x * 255).round() / 255, x)


def test_one_folder_may_hold_png_and_jpeg(tmp_path):
    FORMATS["adashare with JPEGs"](tmp_path)
    image = 255 - scenes()["test"][0].image
    write_png(tmp_path / "img/0060.png", image)
    (tmp_path / "img/0060.jpg").unlink()
    x = nyuv2(tasks(), tmp_path, SIZE).batch([0, 1]).x
    assert np.array_equal((x[0] * 255).round().permute(1, 2, 0), image)
    assert np.array_equal((x[1] * 255).round().permute(1, 2, 0), scenes()["test"][1].image)
