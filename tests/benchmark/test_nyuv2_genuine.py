"""NYUv2's reader on genuine files.

MTRBENCH_NYUV2_SAMPLES names a folder with four samples at full size, MTRBENCH_NYUV2_ROOT one with the whole data set.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.nyuv2_files import tasks
from helpers.photographs import nyuv2_samples, root_of

from mtrbench.benchmark.datasets.disk.dataset import OnDisk
from mtrbench.benchmark.datasets.nyuv2 import nyuv2
from mtrbench.benchmark.datasets.nyuv2.classes import CLASSES_13
from mtrbench.benchmark.datasets.training import load_training


@pytest.fixture(scope="module")
def genuine():
    return nyuv2_samples()


def samples(root: Path, size=(480, 640), classes=40) -> tuple[OnDisk, dict[str, torch.Tensor]]:
    dataset = nyuv2(tasks(classes=classes), root, size, images=4)
    batch = dataset.batch(range(4))
    return dataset, {"x": batch.x, **batch.truth}


def test_thirteen_classes_are_nyuv2s_own(genuine):
    path = genuine.parent / "nyuv2_meta" / "class13Mapping.mat"
    if not path.is_file():
        pytest.skip("no folder nyuv2_meta with class13Mapping.mat beside MTRBENCH_NYUV2_SAMPLES")
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


@pytest.fixture(scope="module")
def whole():
    return root_of("nyuv2")


def test_the_whole_has_the_official_split(whole):
    train, test = (nyuv2(tasks(classes=13), whole, (120, 160), split=split) for split in ("train", "test"))
    assert (len(train.ids), len(test.ids)) == (795, 654)
    assert not {*train.ids} & {*test.ids}


def test_what_is_held_out_of_the_whole_covers_every_class(whole):
    training, validation = load_training("nyuv2", tasks(classes=13), size=(120, 160), seed=0, validation=48, root=whole)
    assert (len(training), len(validation)) == (747, 48)
    labels = torch.stack([validation[index][1]["segmentation"] for index in range(48)])
    assert {*range(13)} <= {*labels.unique().tolist()}
