"""The study's protocol: its recipes, and a small run of each suite from files to a board."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers.commands import mtrbench
from helpers.nyuv2_formats import adashare
from helpers.taskonomy_files import write_view
from helpers.trainings import trained

from mtrbench.benchmark.protocol.reading import read_places
from mtrbench.benchmark.protocol.tasks.registry import make_tasks
from mtrbench.models.building import build
from mtrbench.models.training import recipe
from mtrbench.models.training.recipe import Recipe, read_recipe
from mtrbench.models.training.trainer import Trainer

PAPER = Path(recipe.__file__).parent / "paper"
RECIPES = {path.stem: read_recipe(path)[0] for path in sorted(PAPER.glob("*-*.toml"))}


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_have_the_studys_numbers(name: str) -> None:
    plan = RECIPES[name]
    assert plan.name == f"paper-{name}"
    assert (plan.steps, plan.batch, plan.optimizer, plan.learning_rate) == (20_000, 64, "adam", 1e-3)
    assert (plan.betas, plan.weight_decay, plan.halve_every, plan.seed) == ((0.5, 0.999), 1e-4, 4000, 10)
    weights = {"nyuv2": (1, 20, 3), "taskonomy": (1, 3, 2, 7, 7)}[plan.dataset]
    assert (plan.size, (*plan.task_weights.values(),)) == (
        {"nyuv2": (321,) * 2, "taskonomy": (224,) * 2}[plan.dataset],
        weights,
    )
    if plan.adversary:
        assert (plan.adversary.eps, plan.adversary.settings["steps"], plan.adversary.share) == (8.0, 10, 0.5)


def but(plan: Recipe, **fields: bool | set[str]) -> dict[str, object]:
    """A recipe without its name, its twin's, and these fields, or these fields of theirs."""
    return plan.model_dump(exclude={"name": True, "twin": True, **fields})


@pytest.mark.parametrize("name", RECIPES)
def test_models_that_are_compared_differ_in_layout_and_adversary_alone(name: str) -> None:
    plan = RECIPES[name]
    assert plan.twin is not None
    twin = RECIPES[plan.twin.removeprefix("paper-")]
    layout = twin.architecture.parsed
    assert layout is not None
    assert layout.sharing_index == 0
    assert but(plan, architecture={"layout"}) == but(twin, architecture={"layout"})
    for other in RECIPES.values():
        if other.dataset == plan.dataset:
            assert but(plan, architecture=True, adversary=True) == but(other, architecture=True, adversary=True)


def test_the_rate_halves_and_the_optimizer_is_adam_with_the_recipes_betas() -> None:
    plan = Recipe.model_validate(
        RECIPES["nyuv2-resnet34-shared.clean"].model_dump()
        | {
            "halve_every": 3,
            "architecture": {
                "entry": "mtrbench.models.nets.compact:compact",
                "settings": {"width": 4},
                "layout": ["segmentation normals depth"] * 5,
            },
        }
    )
    trainer = Trainer.start(plan, build(plan.architecture, make_tasks(plan.tasks)), torch.device("cpu"), 9)
    assert type(trainer.optimizer) is torch.optim.Adam
    assert {(group["betas"], group["weight_decay"]) for group in trainer.optimizer.param_groups} == {
        ((0.5, 0.999), 1e-4)
    }
    rates = []
    for _ in range(7):
        rates.append(trainer.schedule.get_last_lr()[0])
        trainer.optimizer.step()
        trainer.schedule.step()
    assert rates == [1e-3] * 3 + [5e-4] * 3 + [2.5e-4]


def test_betas_need_halving_rates() -> None:
    plan = RECIPES["nyuv2-resnet34-shared.clean"].model_dump() | {"halve_every": None}
    with pytest.raises(ValueError, match="betas go with halve_every"):
        Recipe.model_validate(plan)


@pytest.fixture
def nyuv2(tmp_path: Path) -> Path:
    (tmp_path / "nyuv2").mkdir()
    adashare(tmp_path / "nyuv2")
    return tmp_path / "nyuv2"


@pytest.fixture
def taskonomy(tmp_path: Path) -> Path:
    for number in range(2):
        write_view(tmp_path / "taskonomy", "hanson", f"point_{number}_view_0", number)
        write_view(tmp_path / "taskonomy", "ihlen", f"point_{number}_view_0", 10 + number)
    return tmp_path / "taskonomy"


@pytest.mark.parametrize(("dataset", "more"), [("nyuv2", ["--metrics", "dgba-2023"]), ("taskonomy", [])])
def test_a_small_run_from_files_to_records(request, tmp_path: Path, out: Path, dataset: str, more: list[str]) -> None:
    root: Path = request.getfixturevalue(dataset)
    text = f"""
        extends = "{PAPER / f"{dataset}-resnet34-shared.clean.toml"}"
        name = "small"
        size = [24, 24]
        steps = 2
        batch = 2

        [architecture]
        settings = {{ width = 4 }}
    """
    card = trained(tmp_path / "models", text, "--data-root", root)
    few = ["--images", 2, "--eps", 4, "--steps", 1, "--workers", 1]
    attacks = ["single:depth-fgsm", "total-pgd", "signsum-mim", "dgba-pgd", "dgba-apgd", "auto-saga"]
    chosen = [part for attack in attacks for part in ("--attack", attack)]
    outcome = mtrbench(
        "run", f"paper-{dataset}", "--model", card, "--data-root", root, "--out", out, *few, *chosen, *more
    )
    assert outcome.code == 0, outcome.err
    records = [one.record for one in read_places([out / "records"])]
    assert {record.cell.attack.name for record in records if record.cell.attack} == {*attacks}
    kinds = {settings.get("task", name) for record in records for name, settings in record.cell.tasks.items()}
    own = {"dgba2023_segmentation", "dgba2023_depth", "normals"}
    theirs = {"dgba2023_cross_entropy", "dgba2023_cosine", "dgba2023_log_depth", "keypoints2d", "edge_texture"}
    assert kinds == (own if dataset == "nyuv2" else theirs)
