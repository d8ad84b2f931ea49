"""Cards name tasks, and with them metrics, from anywhere: one file beside the card, and no edit inside."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from helpers.commands import mtrbench

from mtrbench import BadInputError, evaluate, load_model
from mtrbench.models.building import build
from mtrbench.models.card import read_card
from mtrbench.models.registry import MODELS, find_card

LOG_DEPTH = '''
from dataclasses import dataclass
from typing import ClassVar

import torch

from mtrbench.benchmark.protocol.metrics import Metric
from mtrbench.benchmark.protocol.per_sample import sum_of
from mtrbench.benchmark.protocol.tasks.depth import Depth


@dataclass(frozen=True)
class LogDepth(Depth):
    """Depth, judged by the mean error of its logarithm too."""

    kind: ClassVar[str] = "log_depth"
    metrics: ClassVar[tuple[Metric, ...]] = (*Depth.metrics, Metric("log_err", "nat", False))

    def statistics(self, prediction, truth):
        valid = self.valid(truth)
        p, t = (torch.where(valid, v, 1).double().clamp(min=1e-3).log() for v in (prediction, truth))
        return torch.cat([super().statistics(prediction, truth), sum_of((p - t).abs()).unsqueeze(1)], dim=1)

    def scores(self, total):
        return {**super().scores(total[..., :-1]), "log_err": total[..., -1] / total[..., 0]}
'''


def card(folder: Path, **tasks: dict[str, Any]) -> Path:
    """The card of a shipped model with other tasks."""
    content = tomllib.loads(Path(MODELS.entries["rooms3-shared.clean"]).read_text(encoding="utf-8"))
    _, home = find_card("rooms3-shared.clean")
    content["tasks"] |= tasks
    content["name"] = "mine"
    content["weights"]["file"] = str(home / content["weights"]["file"])
    path = folder / "card.toml"
    path.write_text(tomli_w.dumps(content), encoding="utf-8")
    return path


def test_a_metric_from_outside_reaches_records_and_boards(tmp_path: Path) -> None:
    (tmp_path / "log_depth.py").write_text(LOG_DEPTH, encoding="utf-8")
    kind = f"{tmp_path / 'log_depth.py'}:LogDepth"
    record = evaluate(str(card(tmp_path, depth={"task": kind})), "total-fgsm", images=4)
    plain = evaluate("rooms3-shared.clean", "total-fgsm", images=4)
    told = record.cell.tasks["depth"]
    assert (told["task"], told["version"], len(str(told["code"]))) == ("log_depth", 1, 64)
    added = {
        metric: record.clean["depth"][metric].value for metric in record.clean["depth"].keys() - plain.clean["depth"]
    }
    assert [*added] == ["log_err"]
    assert record.attacked["depth"]["log_err"].value > added["log_err"] > 0
    assert record.task_facts["depth"].metrics["log_err"].unit == "nat"
    assert record.clean["normals"] == plain.clean["normals"]
    record.save(tmp_path / "records")
    outcome = mtrbench("leaderboard", "--records", tmp_path / "records", "--out", tmp_path / "boards", "--site")
    assert outcome.code == 0, outcome.err
    assert [path.name for path in (tmp_path / "boards").rglob("depth-log_err.csv")] == ["depth-log_err.csv"]


def test_a_task_in_a_file_beside_the_card_is_found_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "log_depth.py").write_text(LOG_DEPTH, encoding="utf-8")
    shown = mtrbench("show", "model", card(tmp_path, depth={"task": "./log_depth.py:LogDepth"}))
    assert shown.code == 0, shown.err
    model = load_model(str(tmp_path / "card.toml"))
    assert [metric.unit for metric in model.tasks["depth"].metrics if metric.name == "log_err"] == ["nat"]


def test_show_says_what_a_task_is(tmp_path: Path) -> None:
    (tmp_path / "log_depth.py").write_text(LOG_DEPTH, encoding="utf-8")
    path = card(tmp_path, depth={"task": f"{tmp_path / 'log_depth.py'}:LogDepth"})
    shown = mtrbench("show", "model", path, "--json")
    assert shown.code == 0, shown.err
    assert json.loads(shown.out)["tasks"]["depth"]["task"].endswith("log_depth.py:LogDepth")


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        (
            {"depth": {"task": "classification", "classes": 4}},
            "maps (B, channels, height, width); classification is (B, 4)",
        ),
        ({"depth": {"task": "clasification"}}, "unknown task 'clasification'; did you mean classification"),
        ({"depth": {"task": "no.such:Task"}}, "no.such:Task"),
    ],
)
def test_what_a_card_cannot_mean_is_one_line(tmp_path: Path, tasks: dict[str, Any], message: str) -> None:
    found = read_card(card(tmp_path, **tasks))
    with pytest.raises(BadInputError) as caught:
        build(found.architecture, found.make_tasks())
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
