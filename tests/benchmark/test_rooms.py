"""The embedded data set: exact geometry, repeatable scenes, a pinned evaluation split."""

import pickle

import numpy as np
import pytest
import torch

from mtrbench.benchmark.datasets.rooms import __main__ as command
from mtrbench.benchmark.datasets.rooms import evaluation as split
from mtrbench.benchmark.datasets.rooms import render, responses
from mtrbench.benchmark.datasets.rooms.evaluation import rooms, rooms3
from mtrbench.benchmark.datasets.rooms.labels import CLASSES, WALL
from mtrbench.benchmark.datasets.rooms.training import TrainingScenes
from mtrbench.benchmark.datasets.rooms.truth import TRUTHS
from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.benchmark.protocol.tasks.checks import channels_of
from mtrbench.benchmark.protocol.tasks.registry import make_task


def tasks(*names):
    return {name: make_task(name) for name in names or TRUTHS}


def test_class_shares_of_the_split():
    labels = rooms(tasks("segmentation")).batch(range(256)).truth["segmentation"]
    shares = torch.bincount(labels.flatten(), minlength=len(CLASSES)) / labels.numel()
    assert shares.min() > 0.01
    assert shares[WALL] < 0.5


def test_the_split_is_what_the_code_draws():
    scenes = [0, 7, 100, 255]
    shipped, drawn = split.shipped(split.FILE, split.SHA256), split.drawn(scenes, split.SIZE)
    # Another processor may round a ray to the other side of an edge: a few pixels may differ.
    for name, tolerance in (("image", 1), ("segmentation", 0), ("depth", 1), ("normals", 2e-3)):
        error = np.abs(shipped[name][scenes].astype(np.float64) - drawn[name])
        assert (error > tolerance).mean() < 0.002
    assert (shipped["image"].shape, shipped["depth"].dtype) == ((256, 64, 64, 3), np.uint16)
    assert split.FILE.stat().st_size < 6e6


def test_truths_are_laid_out_as_the_tasks_want_them():
    wanted = tasks()
    batch = rooms(wanted).batch([3, 0, 255])
    assert batch.ids == ("rooms-003", "rooms-000", "rooms-255")
    assert (batch.x.dtype, batch.x.shape) == (torch.float32, (3, 3, 64, 64))
    assert 0 <= batch.x.min() < batch.x.max() <= 1
    assert {name: (value.dtype, tuple(value.shape)) for name, value in batch.truth.items()} == {
        "segmentation": (torch.int64, (3, 64, 64)),
        "depth": (torch.float32, (3, 1, 64, 64)),
        "normals": (torch.float32, (3, 3, 64, 64)),
        "keypoints2d": (torch.float32, (3, 1, 64, 64)),
        "edge_texture": (torch.float32, (3, 1, 64, 64)),
    }
    torch.testing.assert_close(batch.truth["normals"].norm(dim=1), torch.ones(3, 64, 64))
    for name, task in wanted.items():
        assert task.loss(torch.zeros(3, channels_of(task), 64, 64), batch.truth[name]).isfinite().all()


@pytest.mark.parametrize("classes", [12, 14, 40])
def test_another_number_of_classes_is_refused(classes):
    with pytest.raises(BadInputError, match=f"rooms have 13 segmentation classes, the model {classes}"):
        rooms3({"segmentation": make_task("segmentation", classes=classes)})


def test_a_sample_is_the_same_in_any_batch():
    data = rooms(tasks())
    together, alone = data.batch([4, 9]), data.batch([9])
    assert torch.equal(together.x[1:], alone.x)
    for name, value in alone.truth.items():
        assert torch.equal(together.truth[name][1:], value)


def test_only_the_tasks_asked_for_have_truth():
    assert set(rooms(tasks("depth")).batch([0]).truth) == {"depth"}
    with pytest.raises(BadInputError, match="no ground truth for task 'reshading'"):
        rooms({"reshading": make_task("depth")})
    with pytest.raises(BadInputError, match="rooms3 has no ground truth for task 'edge_texture'; it has segmentation"):
        rooms3(tasks("edge_texture"))


def test_ids_and_the_number_of_images():
    assert rooms(tasks("depth")).ids == tuple(f"rooms-{i:03d}" for i in range(256))
    few = rooms(tasks("depth"), images=5)
    assert len(few.ids) == 5
    assert few.sha256 == split.SHA256
    assert rooms(tasks("depth", "edge_texture")).sha256 != split.SHA256
    for images in (0, -1, 257):
        with pytest.raises(BadInputError, match="1 to 256 images"):
            rooms(tasks("depth"), images=images)
    with pytest.raises(IndexError):
        few.batch([5])


def test_a_root_or_a_tiny_size_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="root"):
        rooms(tasks("depth"), root=tmp_path)
    with pytest.raises(BadInputError, match="8 x 8"):
        rooms(tasks("depth"), size=(4, 64))


def test_another_size_is_drawn_from_the_same_keys():
    data = rooms(tasks("segmentation"), size=(32, 48), images=2)
    batch = data.batch([0, 1])
    assert batch.x.shape == (2, 3, 32, 48)
    expected = np.stack([render((0, i), (32, 48))["segmentation"] for i in range(2)])
    np.testing.assert_array_equal(batch.truth["segmentation"].numpy(), expected)
    assert data.sha256 == rooms(tasks("depth"), size=(32, 48), images=2).sha256
    assert len({data.sha256, split.SHA256, rooms(tasks("depth"), size=(48, 32), images=2).sha256}) == 3


def test_a_damaged_or_missing_split_is_refused_in_one_line(tmp_path, monkeypatch):
    file, content = tmp_path / "evaluation.npz", bytearray(split.FILE.read_bytes())
    monkeypatch.setattr(split, "FILE", file)
    with pytest.raises(BadInputError) as missing:
        rooms(tasks("depth"))
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(BadInputError, match="damaged") as damaged:
        rooms(tasks("depth"))
    for error in (missing, damaged):
        assert str(file) in str(error.value)
        assert "\n" not in str(error.value)


def test_training_scenes_are_those_of_their_keys_and_pickle():
    scenes = pickle.loads(pickle.dumps(TrainingScenes(5, 3, (32, 32), tasks())))  # noqa: S301
    assert len(scenes) == len(list(scenes)) == 3
    x, truth = scenes[2]
    drawn = render((1, 5, 2), (32, 32))
    np.testing.assert_array_equal((x * 255).round().numpy().astype(np.uint8), drawn["image"].transpose(2, 0, 1))
    np.testing.assert_array_equal(truth["segmentation"].numpy(), drawn["segmentation"])
    np.testing.assert_array_equal(truth["depth"].numpy(), drawn["depth"][None])
    assert {name: tuple(value.shape) for name, value in truth.items()} == {
        "segmentation": (32, 32),
        "depth": (1, 32, 32),
        "normals": (3, 32, 32),
        "keypoints2d": (1, 32, 32),
        "edge_texture": (1, 32, 32),
    }


def test_responses_use_their_range():
    batch = rooms(tasks("keypoints2d", "edge_texture")).batch(range(64))
    for value in batch.truth.values():
        assert value.min() >= -1
        assert value.max() == 1
        assert (value == 1).float().mean() < 0.05
        low, high = value.quantile(torch.tensor([0.1, 0.9]))
        assert high - low > 0.4


def test_responses_find_the_corners_and_edges_of_a_square():
    image = np.full((32, 32, 3), 100, dtype=np.uint8)
    assert (responses.keypoints2d(image) == -1).all()
    assert (responses.edge_texture(image) == -1).all()
    image[10:22, 10:22] = 180
    corners, edges = responses.keypoints2d(image), responses.edge_texture(image)
    row, column = np.unravel_index(corners[:16, :16].argmax(), (16, 16))
    assert max(abs(row - 10), abs(column - 10)) <= 1
    assert corners[10, 16] < -0.9 < 0 < corners[row, column]
    assert edges[16, 16] == -1
    assert edges[10, 16] > 0
    np.testing.assert_allclose(edges, edges.T, atol=1e-5)


def test_the_command_writes_the_same_bytes_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "SCENES", 2)
    files = [tmp_path / name for name in ("a.npz", "b.npz")]
    for file in files:
        assert command.main([str(file)]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    assert len(capsys.readouterr().out.splitlines()) == 2 * (1 + len(CLASSES))
    assert command.main([]) == 2
