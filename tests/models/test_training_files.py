"""What a training keeps on disk beside its checkpoint: the log, and rendered scenes."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mtrbench import BadInputError
from mtrbench.benchmark.datasets.rooms.training import VALIDATION as VALIDATION_SPLIT
from mtrbench.benchmark.datasets.rooms.training import TrainingScenes
from mtrbench.benchmark.datasets.rooms.truth import TRUTHS
from mtrbench.models.training import scenes as scenes_module
from mtrbench.models.training.log import Log
from mtrbench.models.training.scenes import rendered


def test_the_log_has_a_row_per_step_whatever_lay_there(tmp_path: Path) -> None:
    path, columns = tmp_path / "a.csv", ["step", "loss", "validation"]

    def append(done: int, *steps: int) -> str:
        with Log(path, columns, done) as log:
            for step in steps:
                log.write({"step": step, "loss": step / 4, **({"validation": 0.5} if step == 2 else {})})
        return path.read_text()

    whole = append(0, *range(1, 21))
    assert whole.splitlines()[:3] == ["step,loss,validation", "1,0.25,", "2,0.5,0.5"]
    for cut, done in itertools.product((len(whole) - 1, len(whole) - 7), (1, 12, 18)):
        path.write_text(whole[:cut])
        assert append(done, *range(done + 1, 21)) == whole
    path.write_text("other,columns\n1,2\n")
    assert append(1, 2) == "step,loss,validation\n2,0.5,0.5\n"


def stacked(scenes: TrainingScenes) -> tuple[Tensor, dict[str, Tensor]]:
    items = [scenes[index] for index in range(len(scenes))]
    return torch.stack([x for x, _ in items]), {t: torch.stack([truth[t] for _, truth in items]) for t in scenes.tasks}


def test_scenes_are_rendered_once_and_come_back_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenes = TrainingScenes(0, 18, (16, 16), TRUTHS)
    first = rendered(scenes, 0, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(scenes_module, "DataLoader", None)
        again = rendered(scenes, 0, tmp_path)
    x, truth = stacked(scenes)
    for batch in (first.batch(slice(None), ()), again.batch(torch.arange(18), ())):
        assert torch.equal(batch.x, x)
        assert batch.truth.keys() == truth.keys()
        for task, values in truth.items():
            assert batch.truth[task].dtype == values.dtype
            torch.testing.assert_close(batch.truth[task], values, rtol=0, atol=0, equal_nan=True)
    assert first.tensors["x"].dtype == first.tensors["segmentation"].dtype == torch.uint8


@pytest.mark.parametrize(
    "other",
    [
        TrainingScenes(1, 2, (16, 16), ["depth"]),
        TrainingScenes(0, 3, (16, 16), ["depth"]),
        TrainingScenes(0, 2, (16, 24), ["depth"]),
        TrainingScenes(0, 2, (16, 16), ["normals"]),
        TrainingScenes(0, 2, (16, 16), ["depth"], VALIDATION_SPLIT),
    ],
    ids=["seed", "count", "size", "tasks", "split"],
)
def test_other_scenes_lie_in_another_file(tmp_path: Path, other: TrainingScenes) -> None:
    for scenes in (TrainingScenes(0, 2, (16, 16), ["depth"]), other):
        found = rendered(scenes, 0, tmp_path).batch(slice(None), ())
        assert torch.equal(found.x, stacked(scenes)[0])
    assert len(list(tmp_path.iterdir())) == 2


def test_broken_rendered_scenes_are_refused(tmp_path: Path) -> None:
    scenes = TrainingScenes(0, 2, (16, 16), ["depth"])
    rendered(scenes, 0, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(BadInputError, match=r"cannot be read: .*; remove the file"):
        rendered(scenes, 0, tmp_path)


@pytest.mark.parametrize("value", [0.1, -1.0, 300.0, float("nan")])
@pytest.mark.parametrize("label", [-1, 255, 256])
def test_values_that_bytes_do_not_hold_come_back_too(value: float, label: int, tmp_path: Path) -> None:
    x, labels = torch.tensor([1 / 255, value]).expand(3, 1, 2), torch.tensor([[label, 3]])
    rendered([(x, {"segmentation": labels})], 0, tmp_path)
    batch = rendered([(x, {"segmentation": labels})], 0, tmp_path).batch(slice(None), ())
    torch.testing.assert_close(batch.x[0], x, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(batch.truth["segmentation"][0], labels)
