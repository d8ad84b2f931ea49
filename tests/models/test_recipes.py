"""Recipes: what is in them, what they take from each other, and what is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers.commands import assert_refused, mtrbench
from helpers.trainings import ADVERSARY, recipe, train
from torch import Tensor

from mtrbench import BadInputError, Batch, MultiTaskModel, Noise, ThreatModel
from mtrbench.models.registry import ZOO
from mtrbench.models.training.recipe import Recipe, read_recipe

COMMITTED = [read_recipe(path)[0] for path in sorted(ZOO.glob("*/recipe.toml"))]


def write(folder: Path, **files: str) -> Path:
    """The recipe a.toml of `files`, each named without its ending."""
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    return folder / "a.toml"


@dataclass(frozen=True)
class Unwritable:
    """An attack with a setting that TOML has no word for."""

    nothing: None = None

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return batch.x


UNWRITABLE = ADVERSARY.replace("total-pgd", "test_recipes:Unwritable").replace("steps = 1", "")
WHOLE = recipe("a", steps=1)


def test_what_a_recipe_does_not_say_comes_from_the_one_it_extends(tmp_path: Path) -> None:
    base = WHOLE.replace('name = "a"\n', "").replace("steps = 1\n", "steps = 9\n").replace("depth = 1.0", "depth = 5.0")
    own = 'name = "a"\nsteps = 1\n[task_weights]\ndepth = 1.0\n'
    direct = write(tmp_path, a=f'extends = "base.toml"\n{own}', base=base)
    assert read_recipe(direct) == read_recipe(write(tmp_path, a=WHOLE))
    through = write(tmp_path, a=f'extends = "middle.toml"\n{own}', middle='extends = "base.toml"\nsteps = 4\n')
    assert read_recipe(through) == read_recipe(write(tmp_path, a=WHOLE))


def test_the_digest_is_of_what_is_said_not_of_how(tmp_path: Path) -> None:
    digests = [
        read_recipe(write(tmp_path, a=text))[1]
        for text in (WHOLE, f"# A comment.\n{WHOLE}", WHOLE.replace("seed = 0", "seed = 1"))
    ]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a": "extends = 3"}, "a.toml: field 'extends' must be the path of a file"),
        ({"a": 'extends = "none.toml"'}, "none.toml cannot be read: No such file"),
        ({"a": 'extends = "a.toml"'}, "a.toml: field 'extends': a.toml extends this file itself"),
        ({"a": 'extends = "b.toml"', "b": 'extends = "a.toml"'}, "b.toml: field 'extends': a.toml extends"),
        ({"a": 'extends = "b.toml"', "b": "steps"}, "b.toml is not TOML"),
        ({"a": 'extends = "b.toml"', "b": "tasks = 3"}, "a.toml: field 'name': Field required"),
    ],
)
def test_a_recipe_that_extends_what_it_cannot_is_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(message)):
        read_recipe(write(tmp_path, **files))


@pytest.mark.parametrize("dataset", sorted({recipe.dataset for recipe in COMMITTED}))
def test_models_of_one_dataset_differ_in_layout_inner_attack_and_seed_alone(dataset: str) -> None:
    def common(recipe: Recipe) -> dict[str, object]:
        # Trainings that go on from a clean model have a course of their own.
        course = {"epochs", "learning_rate", "backbone_rate", "validate_every"} if recipe.initial else set()
        content = recipe.model_dump(exclude={"name", "twin", "seed", "adversary", "initial", *course})
        del content["architecture"]["layout"]
        return content

    recipes = [recipe for recipe in COMMITTED if recipe.dataset == dataset]
    assert len(recipes) > 1
    for clean in (True, False):
        alike = [common(recipe) for recipe in recipes if (recipe.initial is None) == clean]
        assert all(content == alike[0] for content in alike)


@pytest.mark.parametrize("recipe", [recipe for recipe in COMMITTED if recipe.initial], ids=lambda recipe: recipe.name)
def test_a_training_goes_on_from_the_clean_model_of_its_layout_and_seed(recipe: Recipe) -> None:
    first = next(other for other in COMMITTED if other.name == recipe.initial)
    assert first.adversary is None
    assert (first.architecture, first.seed) == (recipe.architecture, recipe.seed)


@pytest.mark.parametrize("dataset", sorted({recipe.dataset for recipe in COMMITTED}))
def test_inner_attacks_of_one_dataset_differ_in_name_and_solver_alone(dataset: str) -> None:
    recipes = [recipe for recipe in COMMITTED if recipe.dataset == dataset]
    inner = [recipe.adversary.model_dump(exclude={"attack"}) for recipe in recipes if recipe.adversary]
    for adversary in inner:
        adversary["settings"].pop("solver", None)
    assert all(adversary == inner[0] for adversary in inner)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('licence = "MIT"', 'licence = "MIT"\nmomentum = 0.9', "'momentum': Extra inputs are not permitted"),
        ("seed = 0\n", "", "'seed': Field required"),
        ("seed = 0", "seed = -1", "'seed': Input should be greater than or equal to 0"),
        ("seed = 0", 'seed = "0"', "'seed': Input should be a valid integer"),
        ("steps = 1\n", "steps = 0\n", "'steps': Input should be greater than 0"),
        ("depth = 1.0\n", "", "task_weights must name the tasks segmentation, depth, normals"),
        ('name = "bad"', 'name = "../bad"', "'name'"),
        ("steps = 1\n", "steps = 1\nvalidation = -1\n", "'validation': Input should be greater than or equal to 0"),
        ("steps = 1\n", "steps = 1\nvalidate_every = 0\n", "'validate_every': Input should be greater than 0"),
        (
            "settings = { width = 4 }",
            "settings = { width = 4 }" + ADVERSARY.replace("total-pgd", "totl-pgd"),
            "'totl-pgd'",
        ),
        (
            "settings = { width = 4 }",
            "settings = { width = 4 }" + ADVERSARY.replace("share = 0.5", "share = 0.5\nstart = 1"),
            "the adversary would join after the last of 1 steps",
        ),
        (
            "settings = { width = 4 }",
            "settings = { width = 4 }" + ADVERSARY.replace("total-pgd", "single:dept-pgd"),
            "unknown task of attack 'single:dept-pgd': 'dept'; did you mean depth",
        ),
        (
            "settings = { width = 4 }",
            "settings = { width = 4 }" + ADVERSARY.replace("steps = 1", 'steps = "1"'),
            "steps of total-pgd: Input should be a valid integer, not '1'",
        ),
        (
            "settings = { width = 4 }",
            "settings = { width = 4 }" + ADVERSARY.replace("steps = 1", 'name = "x"'),
            "unknown setting of attack 'total-pgd': 'name'",
        ),
        (
            "settings = { width = 4 }",
            "settings = { width = 4 }" + UNWRITABLE,
            "the inner attack's settings {'nothing': None} cannot be written to a card",
        ),
        ('dataset = "rooms3"', 'dataset = "nyuv2"', "data set nyuv2 does not ship with the package: pass --data-root"),
        ('"segmentation depth normals",', '"segmentation depth",', "layout block"),
        ('dataset = "rooms3"', 'dataset = "rooms33"', "unknown data set 'rooms33'; did you mean rooms3"),
        ("depth = {}", "dept = {}", "task_weights must name"),
        ("width = 4", "breadth = 4", "unexpected keyword argument 'breadth'"),
        ("width = 4", 'width = "4"', "mtrbench.models.nets.compact:compact cannot be built"),
        (
            "nets.compact:compact",
            "nets.compac:compact",
            "architecture 'mtrbench.models.nets.compac:compact': no module",
        ),
        ('"segmentation | depth | normals"', '"segmentation | depth"', "layout block 4 must hold every task"),
        ('name = "bad"', 'name = "bad', "is not TOML"),
        ('name = "bad"', f"name = {'[' * 5000}", "is not TOML: maximum recursion depth"),
        ('name = "bad"', f"name = {'9' * 5000}", "is not TOML: Exceeds the limit (4300 digits)"),
    ],
)
def test_bad_recipe_is_refused_before_anything_is_written(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = recipe("bad", steps=1)
    assert old in text
    outcome = train(tmp_path, text.replace(old, new))
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert re.search(re.escape(message), outcome.err), outcome.err
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["recipe.toml"]


def test_missing_recipe_is_refused(tmp_path: Path) -> None:
    assert_refused(mtrbench("train", tmp_path / "none.toml"), "none.toml", "No such file")
    assert_refused(mtrbench("train", tmp_path), "Is a directory")
