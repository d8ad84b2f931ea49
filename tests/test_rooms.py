"""The embedded data set: exact geometry, repeatable scenes, a pinned evaluation split."""

import pickle
import random

import numpy as np
import pytest
import torch

from mtrbench.benchmark.datasets.rooms import CLASSES, TrainingScenes, render, responses, rooms, rooms3
from mtrbench.benchmark.datasets.rooms import __main__ as command
from mtrbench.benchmark.datasets.rooms import evaluation as split
from mtrbench.benchmark.datasets.rooms.camera import Camera
from mtrbench.benchmark.datasets.rooms.labels import CEILING, FLOOR, OBJECTS, WALL
from mtrbench.benchmark.datasets.rooms.materials import plain
from mtrbench.benchmark.datasets.rooms.parts import BOX, Part, Piece, Placed, assemble
from mtrbench.benchmark.datasets.rooms.raycast import cast
from mtrbench.benchmark.datasets.rooms.scene import FEWEST, MOST, compose
from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.benchmark.protocol.tasks import TASKS, make_task

KEYS = tuple((1, 5, i) for i in range(8))
GREY = plain((0.5, 0.5, 0.5))
CENTRE = (32, 32)
every_scene = pytest.mark.parametrize("key", KEYS)


def rays(size):
    """Rays (H, W, 3) of a pinhole camera that sees 60 degrees along the longer side, y = 1."""
    height, width = size
    focal = max(size) / 2 / np.tan(np.pi / 6)
    x, z = np.meshgrid(np.arange(width) + 0.5 - width / 2, height / 2 - 0.5 - np.arange(height))
    return np.stack([x / focal, np.ones(size), z / focal], axis=-1)


def plane_offsets(scene, label):
    """For each normal among the pixels of a label: n . P over them, P their points in camera axes."""
    chosen = scene["segmentation"] == label
    points = (scene["depth"][..., None] * rays(chosen.shape))[chosen]
    normals = scene["normals"][chosen]
    _, group, size = np.unique(normals.round(3), axis=0, return_inverse=True, return_counts=True)
    offsets = (normals * points).sum(axis=-1)
    return [offsets[group.ravel() == i] for i in range(len(size)) if size[i] > 20]


def tasks(*names):
    return {name: make_task(name) for name in names or TASKS}


def look(*pieces):
    """What a level camera 1 m above the floor sees in a bare room, x in [-2, 2], y in [0, 5], z in [0, 3]."""
    labels = (WALL, WALL, FLOOR, CEILING)
    bare = [Part(BOX, label, (0, 0, 0), (1, 1, 1), GREY) for label in labels]
    parts = assemble([Placed(piece, at, yaw) for piece, at, yaw in pieces], bare)
    extent = np.array([[-2, 0, 0], [2, 5, 3]], dtype=np.float32)
    hits = cast(parts, extent, Camera((0, 1, 1), 0, 0, 0), (65, 65))
    shape = (65, 65)
    return hits.depth.reshape(shape), hits.normal.reshape(65, 65, 3), parts.label[hits.index].reshape(shape)


def test_a_bare_room_has_the_depths_and_normals_of_its_planes():
    depth, normal, label = look()
    far = (label == WALL) & (normal[..., 1] < -0.5)
    assert far.sum() > 500
    np.testing.assert_allclose(depth[far], 4, rtol=1e-6)
    np.testing.assert_array_equal(normal[far], np.broadcast_to([0, -1, 0], normal[far].shape))
    np.testing.assert_array_equal(normal[label == FLOOR], np.broadcast_to([0, 0, 1], normal[label == FLOOR].shape))
    np.testing.assert_array_equal(normal[label == CEILING], np.broadcast_to([0, 0, -1], normal[label == CEILING].shape))
    np.testing.assert_allclose(depth[label == FLOOR], -1 / rays((65, 65))[..., 2][label == FLOOR], rtol=1e-5)
    assert (normal[(label == WALL)[:, 0], 0] == [1, 0, 0]).all()


def test_a_box_a_ball_and_a_cylinder_are_where_they_stand():
    def solid(add):
        piece = Piece(1, 1, 1)
        add(piece)
        return piece

    box = solid(lambda piece: piece.box(OBJECTS, (-0.5, -0.5, 0), (0.5, 0.5, 2), GREY))
    ball = solid(lambda piece: piece.ball(OBJECTS, (0, 0, 1), (0.5, 0.5, 0.5), GREY))
    cylinder = solid(lambda piece: piece.cylinder(OBJECTS, (0, 0, 0), 0.5, 2, GREY))
    for piece, yaw, nearest in ((box, 0, 2.5), (box, np.pi / 4, 3 - 0.5**0.5), (ball, 1, 2.5), (cylinder, 1, 2.5)):
        depth, normal, label = look((piece, (0, 4, 0), yaw))
        assert label[CENTRE] == OBJECTS
        np.testing.assert_allclose(depth[CENTRE], nearest, atol=1e-4)
        if yaw != np.pi / 4:
            np.testing.assert_allclose(normal[CENTRE], [0, -1, 0], atol=1e-5)
    _, normal, label = look((box, (0, 4, 0), np.pi / 4))
    np.testing.assert_allclose(np.abs(normal[label == OBJECTS]), [[0.5**0.5, 0.5**0.5, 0]] * (label == OBJECTS).sum())


def test_the_nearest_of_two_pieces_is_seen():
    box = Piece(1, 1, 1)
    box.box(OBJECTS, (-0.5, -0.5, 0), (0.5, 0.5, 2), GREY)
    for order in ((0, 1), (1, 0)):
        depth, _, _ = look(*[((box, (0, 4, 0), 0), (box, (0, 2.75, 0), 0))[i] for i in order])
        np.testing.assert_allclose(depth[CENTRE], 1.25, rtol=1e-6)


@every_scene
def test_floor_and_wall_pixels_lie_on_planes(key):
    scene = render(key)
    (floor,) = plane_offsets(scene, FLOOR)
    assert np.ptp(floor) < 0.002  # a rug is one millimetre high
    assert 1.0 < -np.median(floor) < 1.8
    walls = plane_offsets(scene, WALL)
    assert 1 <= len(walls) <= 4
    for wall in walls:
        assert np.ptp(wall) < 1e-4


@every_scene
def test_normals_are_unit_vectors_that_face_the_camera(key):
    scene = render(key, (48, 80))
    np.testing.assert_allclose(np.linalg.norm(scene["normals"], axis=-1), 1, atol=1e-5)
    assert ((scene["normals"] * rays((48, 80))).sum(axis=-1) < 0).all()


@every_scene
def test_a_scene_depends_on_its_key_alone(key):
    first = render(key)
    np.random.seed(0)  # noqa: NPY002
    random.seed(0)
    torch.manual_seed(0)
    again, other = render(key), render((*key, 1))
    for name, values in first.items():
        np.testing.assert_array_equal(values, again[name])
        assert (values != other[name]).any()


@every_scene
def test_a_scene_is_the_same_at_any_size(key):
    small, large = render(key), render(key, (128, 128))
    shares = [
        np.bincount(scene["segmentation"].ravel(), minlength=13) / scene["depth"].size for scene in (small, large)
    ]
    np.testing.assert_allclose(*shares, atol=0.012)
    np.testing.assert_allclose(np.median(small["depth"]), np.median(large["depth"]), rtol=0.02)


def test_types_and_ranges():
    for key in KEYS:
        scene = render(key, (40, 56))
        assert {name: (values.dtype.name, values.shape) for name, values in scene.items()} == {
            "image": ("uint8", (40, 56, 3)),
            "segmentation": ("uint8", (40, 56)),
            "depth": ("float32", (40, 56)),
            "normals": ("float32", (40, 56, 3)),
        }
        assert scene["segmentation"].max() < len(CLASSES)
        assert scene["depth"].min() > 0.3
        assert scene["depth"].max() < 9
        assert scene["image"].std() > 10


def test_three_to_nine_pieces_of_furniture_are_in_view():
    counts = [compose(np.random.default_rng(seed)).in_view() for seed in range(40)]
    assert FEWEST <= min(counts) < max(counts) <= MOST


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
        assert task.loss(torch.zeros(3, task.channels, 64, 64), batch.truth[name]).isfinite().all()


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
