"""Views of training images: images and ground truth move together, and stay the picture of one scene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor
from torch.nn import functional as F

from mtrbench import BadInputError, load_dataset
from mtrbench.benchmark.protocol.tasks.registry import make_task
from mtrbench.benchmark.protocol.types import Batch
from mtrbench.models.training.augment import GREY, Augmentation, View, augmented, check_tasks, seen

H, W, FOCAL = 24, 32, 0.8
TASKS = {name: make_task(name) for name in ("segmentation", "depth", "normals")}
ROOMS_FOCAL = 0.866  # 60 degrees along the width
EVERYTHING: dict[str, Any] = {"flip": True, "zoom": (0.6, 2.0), "focal": ROOMS_FOCAL, "colour": 0.3}


@pytest.fixture(scope="module")
def rooms() -> Batch:
    return load_dataset("rooms3", TASKS, size=(48, 64), images=6).batch(range(6))


def view(
    zoom: float = 1.0, mirror: float = 1.0, centre: tuple[float, float] = (0.0, 0.0), focal: float = FOCAL
) -> View:
    return View(torch.tensor([zoom]), torch.tensor([mirror]), torch.tensor([centre]), focal)


def equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def rays(height: int, width: int, focal: float) -> Tensor:
    """The points (3, H, W) at distance 1 that the pixels show: x right, y forward, z up."""
    v, u = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    u, v = (u - width / 2) / (focal * width), (v - height / 2) / (focal * width)
    return torch.stack([u, torch.ones_like(u), -v]).double()


def test_the_plain_view_changes_nothing(rooms: Batch) -> None:
    found = augmented(rooms, Augmentation(), 0)
    assert torch.equal(found.x, rooms.x)
    assert equal(found.truth, rooms.truth)
    x, truth = seen(rooms.x, rooms.truth, View(torch.ones(6), torch.ones(6), torch.zeros(6, 2), FOCAL))
    torch.testing.assert_close(x, rooms.x, rtol=0, atol=1e-5)
    assert torch.equal(truth["segmentation"], rooms.truth["segmentation"])
    assert torch.equal(truth["depth"], rooms.truth["depth"])
    torch.testing.assert_close(truth["normals"], rooms.truth["normals"], rtol=0, atol=1e-6)


def test_a_mirror_turns_columns_round_and_normals_x(rooms: Batch) -> None:
    mirrored = View(torch.ones(6), -torch.ones(6), torch.zeros(6, 2), FOCAL)
    x, truth = seen(rooms.x, rooms.truth, mirrored)
    torch.testing.assert_close(x, rooms.x.flip(-1), rtol=0, atol=1e-5)
    assert torch.equal(truth["segmentation"], rooms.truth["segmentation"].flip(-1))
    assert torch.equal(truth["depth"], rooms.truth["depth"].flip(-1))
    across = rooms.truth["normals"].flip(-1) * torch.tensor([-1.0, 1.0, 1.0]).view(3, 1, 1)
    torch.testing.assert_close(truth["normals"], across, rtol=0, atol=1e-6)


def test_views_are_keyed_by_seed_and_sample_alone(rooms: Batch) -> None:
    augmentation = Augmentation(**EVERYTHING)
    together = augmented(rooms, augmentation, 3)
    for index in (0, 4):
        part = Batch(
            rooms.x[index : index + 1],
            {name: value[index : index + 1] for name, value in rooms.truth.items()},
            rooms.ids[index : index + 1],
        )
        alone = augmented(part, augmentation, 3)
        assert torch.equal(alone.x[0], together.x[index])
        assert equal(
            {name: value[0] for name, value in alone.truth.items()},
            {name: value[index] for name, value in together.truth.items()},
        )
    assert not torch.equal(augmented(rooms, augmentation, 4).x, together.x)
    renamed = Batch(rooms.x, rooms.truth, tuple(f"step1-{index}" for index in range(6)))
    assert not torch.equal(augmented(renamed, augmentation, 3).x, together.x)


@given(
    zoom=st.floats(0.5, 3),
    mirror=st.sampled_from([-1.0, 1.0]),
    across=st.floats(-1, 1),
    down=st.floats(-1, 1),
    normal=st.tuples(st.floats(-1, 1), st.floats(-1, -0.6), st.floats(-1, 1)),
)
def test_a_view_of_a_plane_is_the_picture_of_the_plane_it_says(
    zoom: float, mirror: float, across: float, down: float, normal: tuple[float, float, float]
) -> None:
    """Depth and normals of the view, read with the same camera, lie on one plane and are perpendicular to it."""
    moved = view(zoom, mirror, (across / 4, down / 4))
    plane = torch.tensor(normal, dtype=torch.float64)
    plane /= plane.norm()
    at = moved.grid(H, W)[0].double()
    half = 0.5 / FOCAL
    source = torch.stack([at[..., 0] * half, torch.ones(H, W).double(), -at[..., 1] * half * H / W])
    facing = torch.einsum("c,chw->hw", plane, source)
    depth = torch.where(facing < -0.05, -2 / facing, 0)  # of the plane that passes at distance 2
    shown = moved.depth(depth.view(1, 1, H, W))[0, 0]
    bent = moved.normals(plane.view(1, 3, 1, 1).expand(1, 3, H, W))[0]
    torch.testing.assert_close(bent.norm(dim=0), torch.ones(H, W).double())
    points = rays(H, W, FOCAL) * shown
    offsets = (points * bent).sum(dim=0)[depth > 0]
    assert offsets.numel() == 0 or (offsets.max() < 0 and offsets.max() - offsets.min() < 1e-4 * offsets.abs().max())


FLOOR = 4


def unevenness(depth: Tensor, normals: Tensor, labels: Tensor) -> float:
    """How far the floors are from being the planes that the normals say: spread over distance, of the median scene."""
    found = []
    for d, n, where in zip(depth, normals, labels == FLOOR, strict=True):
        offsets = (rays(*d.shape[-2:], ROOMS_FOCAL) * d * n).sum(dim=0)[where]
        if len(offsets) > 50:
            found.append(offsets.std() / offsets.mean().abs())
    assert len(found) > 2
    return float(torch.stack(found).median())


@pytest.mark.parametrize("zoom", [0.7, 1.5])
def test_floors_of_rooms_stay_the_planes_that_their_normals_say(rooms: Batch, zoom: float) -> None:
    assert unevenness(rooms.truth["depth"], rooms.truth["normals"], rooms.truth["segmentation"]) < 0.002
    limit = abs(1 - 1 / zoom)
    centre = limit * torch.tensor([[0.9, 0.5], [-0.9, 0.5], [0.5, 0.9], [0, 0.9], [0, 0], [-0.5, 0]])
    mirror = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    moved = View(torch.full((6,), zoom), mirror, centre, ROOMS_FOCAL)
    _, truth = seen(rooms.x, rooms.truth, moved)
    bent = unevenness(truth["depth"], truth["normals"], truth["segmentation"])
    assert bent < 0.02
    # With normals merely mirrored, which the zoomed picture contradicts, they would not.
    merely = F.grid_sample(rooms.truth["normals"], moved.grid(48, 64), mode="nearest", align_corners=False)
    merely = merely * torch.stack([mirror, torch.ones(6), torch.ones(6)], dim=1).view(6, 3, 1, 1)
    assert unevenness(truth["depth"], merely, truth["segmentation"]) > 1.5 * bent


def test_all_layers_show_the_same_place() -> None:
    """Where the image says that a pixel comes from is where label, depth and normals come from."""
    v, u = torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij")
    place = v * W + u
    ramp = torch.stack([u / W, v / H, torch.zeros(H, W)])[None]
    truth = {"segmentation": place[None] % 200, "depth": 1.0 + place[None, None], "normals": -torch.ones(1, 3, H, W)}
    for zoom in (0.7, 1.0, 1.7):
        for mirror in (1.0, -1.0):
            moved = view(zoom, mirror, (0.1, -0.05))
            x, found = seen(ramp, truth, moved)
            came = (found["depth"] * zoom - 1).round().long()[0, 0]
            inside = found["depth"][0, 0] > 0
            assert inside.float().mean() > 0.4
            assert torch.equal(found["segmentation"][0][inside], (came % 200)[inside])
            assert ((x[0, 0] * W - came % W).abs()[inside] <= 0.5 + 1e-3).all()
            assert ((x[0, 1] * H - came // W).abs()[inside] <= 0.5 + 1e-3).all()
            assert torch.equal(found["normals"].norm(dim=1)[0] > 0.5, inside)


def test_a_margin_is_grey_and_without_truth(rooms: Batch) -> None:
    count = len(rooms.x)
    x, truth = seen(
        rooms.x, rooms.truth, View(torch.full((count,), 0.5), torch.ones(count), torch.zeros(count, 2), FOCAL)
    )
    inside = torch.zeros(48, 64, dtype=torch.bool)
    inside[12:36, 16:48] = True
    assert (x[..., ~inside] == GREY).all()
    assert (truth["segmentation"][:, ~inside] == 255).all()
    assert (truth["segmentation"][:, inside] != 255).all()
    assert torch.equal((truth["depth"] > 0)[:, 0], inside.expand(count, 48, 64))
    assert torch.equal(truth["normals"].norm(dim=1) > 0.5, inside.expand(count, 48, 64))


def test_invalid_truth_stays_invalid_in_every_view(rooms: Batch) -> None:
    nothing = {
        "segmentation": torch.full_like(rooms.truth["segmentation"], 255),
        "depth": torch.zeros_like(rooms.truth["depth"]),
        "normals": torch.zeros_like(rooms.truth["normals"]),
    }
    found = augmented(Batch(rooms.x, nothing, rooms.ids), Augmentation(**EVERYTHING), 0)
    assert equal(found.truth, nothing)
    assert found.x.dtype == torch.float32
    assert 0 <= found.x.min() <= found.x.max() <= 1


def test_colours_leave_the_truth_alone(rooms: Batch) -> None:
    found = augmented(rooms, Augmentation(colour=0.3), 0)
    assert equal(found.truth, rooms.truth)
    assert not torch.equal(found.x, rooms.x)


@pytest.mark.parametrize(
    "settings", [{"zoom": (2.0, 1.0)}, {"zoom": (0.0, 1.0)}, {"zoom": (1.0, 99.0)}, {"colour": 1.0}, {"focal": 0.0}]
)
def test_impossible_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Augmentation(**settings)


def test_a_task_whose_truth_cannot_follow_is_refused() -> None:
    responses = {"keypoints2d": make_task("keypoints2d")}
    check_tasks(Augmentation(colour=0.2), responses)
    for augmentation in (Augmentation(flip=True), Augmentation(zoom=(1.0, 1.2))):
        with pytest.raises(BadInputError, match="the truth of task keypoints2d cannot be flipped or zoomed"):
            check_tasks(augmentation, responses)
