"""NYUv2's reader on files written here, and on the genuine samples where MTRBENCH_NYUV2_ROOT names their folder."""

import json
import os
import pickle
import shutil
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mtrbench.benchmark.datasets.nyuv2 import CLASSES_13, NYUv2, nyuv2
from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.benchmark.protocol.tasks import make_task

H, W = 12, 16
NATIVE = (H, W)
STEMS = ("0003", "0061", "0295")
TRUTH = ("segmentation", "depth", "normals")
FACING, UP = (127, 0, 127), (127, 127, 255)  # normals (0, -1, 0) and (0, 0, 1) as colours, to 1/255


def tasks(*names: str, classes: int = 40):
    settings = {"segmentation": {"classes": classes}}
    return {name: make_task(name, **settings.get(name, {})) for name in names or TRUTH}


def write_png(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_npy(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)


def write_sample(root: Path, stem: str, block=np.s_[4:8, 4:8]) -> None:
    """A black wall facing the camera, one metre away, with a white block of class 5 two metres away that faces up."""
    layers = {"img": np.zeros((H, W, 3)), "seg": np.zeros(NATIVE), "normal_mask": np.full((H, W, 3), FACING)}
    for (folder, pixels), mark in zip(layers.items(), (255, 5, UP), strict=True):
        pixels[block] = mark
        write_png(root / folder / f"{stem}.png", pixels.astype(np.uint8))
    depth = np.ones(NATIVE, np.float32)
    depth[block] = 2
    write_npy(root / "depth" / f"{stem}.npy", depth)


@pytest.fixture
def root(tmp_path):
    for stem, left in zip(STEMS, (0, 4, 8), strict=True):
        write_sample(tmp_path, stem, np.s_[4:8, left : left + 4])
    return tmp_path


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


@pytest.fixture(scope="module")
def genuine():
    if "MTRBENCH_NYUV2_ROOT" not in os.environ:
        pytest.skip("MTRBENCH_NYUV2_ROOT names no folder with genuine NYUv2 samples")
    return Path(os.environ["MTRBENCH_NYUV2_ROOT"])


def samples(root: Path, size=(480, 640), classes=40) -> tuple[NYUv2, dict[str, torch.Tensor]]:
    dataset = nyuv2(tasks(classes=classes), root, size, images=4)
    batch = dataset.batch(range(4))
    return dataset, {"x": batch.x, **batch.truth}


def test_thirteen_classes_are_nyuv2s_own(genuine):
    path = genuine.parent / "nyuv2_meta" / "class13Mapping.mat"
    if not path.is_file():
        pytest.skip("no folder nyuv2_meta with class13Mapping.mat beside MTRBENCH_NYUV2_ROOT")
    scipy_io = pytest.importorskip("scipy.io")
    mapping = scipy_io.loadmat(path, squeeze_me=True, struct_as_record=False)["classMapping13"]
    assert list(CLASSES_13) == list(mapping.classNames)
    for index, members in enumerate(CLASSES_13.values()):
        assert members == list(np.flatnonzero(mapping.labels13 == index + 1) + 1)


@pytest.mark.parametrize("size", [(480, 640), (64, 64)])
@pytest.mark.parametrize("classes", [40, 13])
def test_genuine_samples_are_in_range(genuine, size, classes):
    dataset, layers = samples(genuine, size, classes)
    assert len(dataset.sha256) == 64
    assert layers["x"].shape == (4, 3, *size)
    assert 0.2 < layers["x"].mean() < 0.8
    labels = layers["segmentation"]
    assert ((labels == 255) | (labels < classes)).all()
    assert 0.05 < (labels == 255).float().mean() < 0.3
    depth = layers["depth"]
    assert ((depth == 0) | ((depth > 0.3) & (depth < 10))).all()
    assert (depth > 0).float().mean() > 0.9
    length = layers["normals"].norm(dim=1)
    assert ((length == 0) | ((length - 1).abs() < 1e-5)).all()
    assert (length > 0).float().mean() > 0.5


def test_genuine_floors_face_up_ceilings_down_and_walls_the_camera(genuine):
    _, layers = samples(genuine, classes=13)
    x, y, z = layers["normals"].unbind(dim=1)
    valid = layers["normals"].norm(dim=1) > 0
    kinds = dict(zip(CLASSES_13, ((layers["segmentation"] == index) & valid for index in range(13)), strict=True))
    assert z[kinds["floor"]].median() > 0.9
    assert z[kinds["ceiling"]].median() < -0.9
    assert y[kinds["wall"]].median() < -0.7
    assert x[kinds["floor"]].median().abs() < 0.1


def test_genuine_normals_agree_with_the_depth(genuine):
    """Normals of the surface that depth describes, with the Kinect's focal length, lie within some 20 degrees."""
    _, layers = samples(genuine)
    depth = torch.nn.functional.avg_pool2d(layers["depth"], 9, 1, 4)[:, 0].double()
    v, u = torch.meshgrid(torch.arange(480.0), torch.arange(640.0), indexing="ij")
    points = torch.stack([(u - 325.6) / 518.9 * depth, depth, -(v - 253.7) / 519.5 * depth], dim=1)
    down, right = torch.gradient(points, dim=(2, 3))
    surface = torch.nn.functional.normalize(torch.linalg.cross(down, right, dim=1), dim=1)
    valid = layers["normals"].norm(dim=1) > 0
    angles = (surface * layers["normals"]).sum(dim=1)[valid].clamp(-1, 1).acos().rad2deg()
    assert angles.median() < 20
