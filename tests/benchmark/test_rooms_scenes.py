"""Scenes of the embedded data set: exact geometry, and every one from its key alone."""

import random

import numpy as np
import pytest
import torch

from mtrbench.benchmark.datasets.rooms import render
from mtrbench.benchmark.datasets.rooms.camera import Camera
from mtrbench.benchmark.datasets.rooms.labels import CEILING, CLASSES, FLOOR, OBJECTS, WALL
from mtrbench.benchmark.datasets.rooms.materials import plain
from mtrbench.benchmark.datasets.rooms.parts import BOX, Part, Piece, Placed, assemble
from mtrbench.benchmark.datasets.rooms.raycast import cast
from mtrbench.benchmark.datasets.rooms.scene import FEWEST, MOST, compose

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
