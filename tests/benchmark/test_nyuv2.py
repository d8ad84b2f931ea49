"""NYUv2's reader on files written here."""

import hashlib
import json
import pickle
import shutil
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.nyuv2_files import NATIVE, STEMS, TRUTH, UP, H, W, tasks, write_npy, write_png, write_sample, write_samples
from hypothesis import given
from hypothesis import strategies as st

from mtrbench.benchmark.datasets.nyuv2 import nyuv2
from mtrbench.benchmark.datasets.nyuv2.classes import CLASSES_13


@pytest.fixture
def root(tmp_path):
    return write_samples(tmp_path)


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    write_sample(folder, STEMS[0])
    return folder


def first(root: Path, size=NATIVE, names=TRUTH, classes=40):
    return nyuv2(tasks(*names, classes=classes), root, size, images=1).batch([0])


def test_dtypes_shapes_and_ids(root):
    dataset = nyuv2(tasks(), root, NATIVE)
    batch = dataset.batch([0, 2])
    assert dataset.name == "nyuv2"
    assert dataset.ids == ("nyuv2-0003", "nyuv2-0061", "nyuv2-0295")
    assert batch.ids == ("nyuv2-0003", "nyuv2-0295")
    assert (batch.x.dtype, batch.x.shape) == (torch.float32, (2, 3, H, W))
    kinds = {name: (value.dtype, tuple(value.shape)) for name, value in batch.truth.items()}
    assert kinds == {
        "segmentation": (torch.int64, (2, H, W)),
        "depth": (torch.float32, (2, 1, H, W)),
        "normals": (torch.float32, (2, 3, H, W)),
    }


def test_photographs_at_their_own_size_are_exact(root):
    pixels = np.random.default_rng(0).integers(0, 256, (H, W, 3), np.uint8)
    write_png(root / "img/0003.png", pixels)
    torch.testing.assert_close(first(root).x[0], torch.from_numpy(pixels).permute(2, 0, 1) / 255, rtol=0, atol=1e-7)


def test_normals_decode_to_unit_vectors(root):
    directions = np.random.default_rng(0).normal(size=(H, W, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    write_png(root / "normal_mask/0003.png", np.rint((directions + 1) * 127.5).astype(np.uint8))
    normals = first(root).truth["normals"][0]
    torch.testing.assert_close(normals.norm(dim=0), torch.ones(NATIVE))
    torch.testing.assert_close(normals.double(), torch.from_numpy(directions).permute(2, 0, 1), rtol=0, atol=0.01)


@pytest.mark.parametrize("grey", [255, 127, 128])
def test_colours_without_a_direction_are_invalid_normals(root, grey):
    pixels = np.full((H, W, 3), UP, np.uint8)
    pixels[0, 0] = grey
    write_png(root / "normal_mask/0003.png", pixels)
    normals = first(root).truth["normals"][0]
    assert (normals[:, 0, 0] == 0).all()
    assert (normals.norm(dim=0) > 0.9).sum() == H * W - 1


@pytest.mark.parametrize("shape", [(H, W), (1, H, W)])
def test_depth_keeps_valid_metres_and_zeroes_the_rest(root, shape):
    depth = np.linspace(0.5, 9, H * W, dtype=np.float32).reshape(shape)
    depth.flat[:6] = [0, -1, 3e-5, np.nan, np.inf, 4e-5]
    write_npy(root / "depth/0003.npy", depth)
    expected = torch.from_numpy(depth.reshape(1, H, W).copy())
    expected[0, 0, :5] = 0
    assert torch.equal(first(root).truth["depth"][0], expected)


def test_forty_classes_and_void_are_kept(root):
    labels = np.resize(np.array([*range(40), 255], np.uint8), NATIVE)
    write_png(root / "seg/0003.png", labels)
    assert torch.equal(first(root).truth["segmentation"][0], torch.from_numpy(labels).long())


def test_thirteen_classes_gather_the_forty_and_void_stays(root):
    labels = np.resize(np.array([*range(40), 255], np.uint8), NATIVE)
    write_png(root / "seg/0003.png", labels)
    gathered = first(root, classes=13).truth["segmentation"][0]
    assert (gathered[labels == 255] == 255).all()
    for index, members in enumerate(CLASSES_13.values()):
        assert ((gathered == index).numpy() == np.isin(labels, np.array(members) - 1)).all()


def test_every_finer_class_has_one_of_the_thirteen():
    assert sorted(chain.from_iterable(CLASSES_13.values())) == list(range(1, 41))


def in_block(batch):
    """Where each layer of a sample shows the block, as masks (H, W)."""
    truth = batch.truth
    return {
        "x": batch.x[0, 0] > 0.5,
        "segmentation": truth["segmentation"][0] == 5,
        "depth": truth["depth"][0, 0] == 2,
        "normals": truth["normals"][0, 2] > 0.5,
    }


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [
        ((12, 16), (4, 8), (4, 8)),  # as it is
        ((6, 8), (2, 4), (2, 4)),  # halved
        ((24, 32), (8, 16), (8, 16)),  # doubled
        ((12, 12), (4, 8), (2, 6)),  # two columns cut on either side
        ((6, 6), (2, 4), (1, 3)),  # cut, then halved
        ((8, 16), (2, 6), (4, 8)),  # two rows cut above and below
    ],
)
def test_a_block_lands_in_the_same_place_in_every_layer(one, size, rows, columns):
    expected = torch.zeros(size, dtype=torch.bool)
    expected[slice(*rows), slice(*columns)] = True
    for name, mask in in_block(first(one, size)).items():
        assert torch.equal(mask, expected), name


@given(height=st.integers(1, 40), width=st.integers(1, 40))
def test_any_size_fits_all_layers_alike(one, height, width):
    batch = first(one, (height, width))
    masks = in_block(batch)
    assert batch.x.shape == (1, 3, height, width)
    assert 0 <= batch.x.min() <= batch.x.max() <= 1
    assert torch.equal(masks["segmentation"], masks["depth"])
    assert torch.equal(masks["segmentation"], masks["normals"])
    torch.testing.assert_close(batch.truth["normals"].norm(dim=1), torch.ones(1, height, width))


def test_batches_do_not_depend_on_order_or_company(root):
    dataset = nyuv2(tasks(), root, (6, 6))
    together = dataset.batch([2, 0, 1])
    for place, index in enumerate([2, 0, 1]):
        alone = dataset.batch([index])
        assert together.ids[place] == alone.ids[0]
        assert torch.equal(together.x[place], alone.x[0])
        for name, value in alone.truth.items():
            assert torch.equal(together.truth[name][place], value[0])


def test_only_the_tasks_asked_for_are_read(root):
    shutil.rmtree(root / "normal_mask")
    shutil.rmtree(root / "seg")
    assert list(first(root, names=("depth",)).truth) == ["depth"]


def test_data_set_travels_to_worker_processes(root):
    dataset = nyuv2(tasks(), root, NATIVE)
    copy = pickle.loads(pickle.dumps(dataset))  # noqa: S301
    assert copy == dataset
    assert torch.equal(copy.batch([1]).x, dataset.batch([1]).x)


def test_split_file_names_the_samples_in_its_order(root):
    entries = {"train": [["img/0003.png"]], "test": [["img/0295.png", "seg/0295.png"], ["img/0061.png"]]}
    (root / "nyu_v2_3task.json").write_text(json.dumps(entries))
    assert nyuv2(tasks(), root, NATIVE).ids == ("nyuv2-0295", "nyuv2-0061")
    assert nyuv2(tasks(), root, NATIVE, images=1).ids == ("nyuv2-0295",)


def test_digest_is_what_it_always_was(root):
    files = [file.format(stem) for stem in STEMS[:2] for file in ("img/{}.png", "seg/{}.png", "depth/{}.npy")]
    lines = ["nyuv2 1 6x8 13", *(f"{file} {hashlib.sha256((root / file).read_bytes()).hexdigest()}" for file in files)]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert nyuv2(tasks("segmentation", "depth", classes=13), root, (6, 8), images=2).sha256 == digest


def test_digest_is_of_the_content_and_not_of_the_place(root, tmp_path_factory):
    def digest(folder: Path, *names: str, size=NATIVE, images=2, classes=40) -> str:
        return nyuv2(tasks(*names, classes=classes), folder, size, images).sha256

    copy = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(root, copy)
    original = digest(root)
    assert digest(copy) == original
    assert len(original) == 64
    others = [
        digest(root, *TRUTH, size=(6, 6)),
        digest(root, images=1),
        digest(root, classes=13),
        digest(root, "depth"),
    ]
    assert len({original, *others}) == 5
    write_npy(copy / "depth/0003.npy", np.full(NATIVE, 3, np.float32))
    assert digest(copy) != original
    assert digest(copy, "segmentation") == digest(root, "segmentation")
    write_sample(copy, STEMS[0], np.s_[4:8, 0:4])
    write_sample(copy, STEMS[2])
    assert digest(copy) == original  # the third sample is not among the two chosen
