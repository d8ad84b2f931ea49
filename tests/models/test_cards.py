"""Shipped cards are what they say; a card or weights file that is not is refused."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import torch
from helpers.commands import assert_refused, mtrbench
from helpers.photographs import root_of, ships
from helpers.trap import Trap

from mtrbench import BadInputError, load_dataset, load_model
from mtrbench.api.model_checks import twin
from mtrbench.api.resolver import LocalWorkshop, found_models, threat_ref
from mtrbench.benchmark.harness import in_batches
from mtrbench.benchmark.protocol.cells import Cell
from mtrbench.benchmark.protocol.types import MultiTaskModel
from mtrbench.models.card import Card, read_card
from mtrbench.models.conformance import clean_scores
from mtrbench.models.nets.layout import Layout
from mtrbench.models.packing import packed
from mtrbench.models.registry import ZOO, find_card, model_names
from mtrbench.models.training.recipe import read_recipe

RECIPES = sorted(ZOO.glob("*/recipe.toml"))
every_model = pytest.mark.parametrize("name", model_names())


def test_every_model_has_its_recipe() -> None:
    # Tests over an empty registry would be skipped, not failed.
    assert set() < set(model_names()) <= {path.parent.name for path in RECIPES}


@every_model
class TestShipped:
    def test_card_names_itself_its_twin_and_its_recipe(self, name: str) -> None:
        card, _ = find_card(name)
        assert card.name == name
        assert twin(card).result == "pass"
        recipe, digest = read_recipe(ZOO / name / card.training.recipe)
        assert digest == card.training.recipe_sha256
        assert (recipe.name, recipe.architecture, recipe.tasks) == (name, card.architecture, card.tasks)

    def test_weights_have_their_digest_and_no_others_lie_there(self, name: str) -> None:
        card, folder = find_card(name)
        assert hashlib.sha256((folder / card.weights.file).read_bytes()).hexdigest() == card.weights.sha256
        assert {path.name for path in folder.iterdir()} == {"card.toml", "recipe.toml", card.weights.file}

    @pytest.mark.long
    def test_clean_scores_are_the_cards(self, name: str) -> None:
        card, _ = find_card(name)
        model = load_model(name)
        if not ships(card.dataset) and card.architecture.parsed.sharing_index < 1:
            pytest.skip("half a minute and more; mtrbench validate model does it")
        data = load_dataset(card.dataset, model.tasks, size=card.size, root=root_of(card.dataset))
        assert set(card.clean.scores) == set(model.tasks)
        at_once = 64 if ships(card.dataset) else 8  # photographs are five times as large, and more fit no cache
        found = clean_scores(model, in_batches(data, range(len(data.ids)), at_once), card.clean)
        assert found.result == "pass", found.found


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.parent.name)
def test_recipe_is_valid(path: Path) -> None:
    recipe, _ = read_recipe(path)
    assert recipe.name == path.parent.name
    assert Layout.parse(recipe.architecture.layout).tasks
    assert set(Layout.parse(recipe.architecture.layout).tasks) == set(recipe.tasks)


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """A card with its weights, to be spoiled."""
    return shutil.copytree(tiny.parent, tmp_path / "tiny") / tiny.name


def rewrite(card: Path, **changes: Any) -> None:
    content = {**read_card(card).model_dump(mode="json", exclude_none=True), **changes}
    card.write_text(tomli_w.dumps(content))


def put_weights(card: Path, content: bytes) -> None:
    """Other weights, with a card that vouches for them."""
    weights = read_card(card).weights
    (card.parent / weights.file).write_bytes(content)
    rewrite(card, weights={"file": weights.file, "sha256": hashlib.sha256(content).hexdigest()})


def refused(card: Path, *words: str) -> None:
    """By Python and by the command line, which then leaves nothing behind."""
    with pytest.raises(BadInputError) as caught:
        load_model(str(card))
    for word in words:
        assert word in str(caught.value)
    out = card.parent / "out"
    outcome = mtrbench("run", "--model", card, "--attack", "noise", "--images", 2, "--workers", 1, "--out", out)
    assert outcome.code == 2
    assert outcome.err.splitlines()[-1].startswith("mtrbench: ")
    assert "Traceback" not in outcome.err
    assert not any(path.is_file() for path in out.rglob("*"))


def test_copy_is_sound(copy: Path) -> None:
    assert load_model(str(copy)).tasks
    rewrite(copy)
    assert load_model(str(copy)).tasks


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "'colour': Extra inputs are not permitted"),
        ({"licence": 3}, "'licence': Input should be a valid string"),
        ({"name": "../tiny"}, "'name'"),
        ({"name": ""}, "'name'"),
        ({"size": [16]}, "'size"),
        ({"twin": "a|b"}, "'twin'"),
        ({"training": {"steps": "many"}}, "'training.steps': Input should be a valid integer"),
        ({"training": {"attack": "total-pgd", "eps": 0.0157}}, "'training.eps': eps 0.0157 is in units of 1/255"),
        ({"weights": {"file": "tiny.safetensors", "sha256": "abc"}}, "'weights.sha256'"),
        ({"clean": {"images": 256, "tolerance": float("nan"), "scores": {}}}, "'clean.tolerance'"),
        ({"clean": {"images": 256, "tolerance": 0.06, "scores": {}}}, "'clean.tolerance'"),
    ],
)
def test_card_with_a_bad_field_is_refused(copy: Path, changes: dict[str, Any], message: str) -> None:
    rewrite(copy, **changes)
    refused(copy, str(copy), message)
    assert_refused(mtrbench("show", "model", copy), str(copy), message)


@pytest.mark.parametrize("field", [name for name, field in Card.model_fields.items() if field.is_required()])
def test_card_lacking_a_field_is_refused(copy: Path, field: str) -> None:
    content = read_card(copy).model_dump(mode="json", exclude_none=True)
    del content[field]
    copy.write_text(tomli_w.dumps(content))
    with pytest.raises(BadInputError, match=f"field '{field}': Field required"):
        read_card(copy)


def test_adversary_without_a_budget_is_refused(copy: Path) -> None:
    training = read_card(copy).training.model_dump(mode="json", exclude_none=True)
    rewrite(copy, training={**training, "attack": "total-pgd"})
    refused(copy, "attack and eps stand together")


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe"])
def test_card_that_is_no_toml_is_refused(copy: Path, content: bytes) -> None:
    copy.write_bytes(content)
    refused(copy, str(copy), "is not TOML")


SHARED = "segmentation depth normals"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"tasks": {"depht": {}}},
            "architecture.layout is of the tasks segmentation, depth, normals, the model of depht",
        ),
        (
            {"architecture": {"entry": "mtrbench.models.nets.compact:compct", "layout": [SHARED]}},
            "did you mean compact?",
        ),
        ({"architecture": {"entry": "mtrbench.models.nets.compact:compact", "layout": ["a", "b"]}}, "layout block 1"),
        (
            {"architecture": {"entry": "mtrbench.models.nets.compact:compact", "layout": ["a"] * 5}},
            "architecture.layout is of the tasks a, the model of segmentation, depth, normals",
        ),
        ({"architecture": {"entry": "builtins:len", "layout": [SHARED]}}, "builtins:len cannot be built"),
        ({"architecture": {"entry": "builtins:dict", "layout": [SHARED]}}, "gives a dict, not a torch module"),
    ],
)
def test_card_of_a_model_that_cannot_be_built_is_refused(copy: Path, changes: dict[str, Any], message: str) -> None:
    rewrite(copy, **changes)
    refused(copy, message)


def test_unknown_setting_of_the_architecture_is_refused(copy: Path) -> None:
    architecture = read_card(copy).architecture.model_dump(exclude_none=True)
    rewrite(copy, architecture={**architecture, "settings": {"widht": 4}})
    refused(copy, "widht")


def test_other_width_than_the_weights_is_refused(copy: Path) -> None:
    architecture = read_card(copy).architecture.model_dump(exclude_none=True)
    rewrite(copy, architecture={**architecture, "settings": {"width": 6}})
    refused(copy, "do not fit model tiny")


@pytest.mark.parametrize(
    "spoil", [lambda content: content[:-1], lambda content: b"", lambda content: content[:-1] + b"\x00\x01"]
)
def test_weights_of_another_digest_are_refused(copy: Path, spoil: Any) -> None:
    path = copy.parent / "weights.safetensors"
    path.write_bytes(spoil(path.read_bytes()))
    refused(copy, str(path), "sha256")


def test_a_model_that_is_trained_anew_is_never_taken_for_the_old_one(copy: Path) -> None:
    workshop = LocalWorkshop(found_models([str(copy)]), None, "cpu", 2)

    def cell() -> Cell:
        return workshop.cell("tiny", "rooms3", 2, "noise", threat_ref("linf", 4, None), 0, {})

    def first_weight(model: MultiTaskModel) -> float:
        return next(model.parameters()).flatten()[0].item()

    old = cell()
    before = first_weight(workshop.model(old.model))
    model = load_model(str(copy))
    with torch.no_grad():
        next(model.parameters()).mul_(1.002)
    put_weights(copy, packed(model))
    assert first_weight(workshop.model(cell().model)) == pytest.approx(1.002 * before, rel=1e-3, abs=0) != before
    other = LocalWorkshop(found_models([str(copy)]), None, "cpu:0", 2)
    with pytest.raises(BadInputError, match="was trained anew while it was evaluated; start again"):
        other.model(old.model)


def test_missing_weights_are_refused(copy: Path) -> None:
    path = copy.parent / "weights.safetensors"
    path.unlink()
    refused(copy, str(path), "No such file")


def test_truncated_weights_are_refused_even_if_vouched_for(copy: Path) -> None:
    put_weights(copy, (copy.parent / "weights.safetensors").read_bytes()[:-10])
    refused(copy, "do not fit model tiny")


def test_pickles_are_refused_and_never_opened(copy: Path, tmp_path: Path) -> None:
    trap, pickle = tmp_path / "trap", tmp_path / "pickle"
    torch.save({"state": Trap(trap)}, pickle)
    put_weights(copy, pickle.read_bytes())
    refused(copy, "do not fit model tiny")
    assert not trap.exists()


@pytest.mark.parametrize("change", [lambda values: [values[0] + 0.1, *values[1:]], lambda values: values[:-1]])
def test_other_fingerprint_is_refused(copy: Path, change: Any) -> None:
    known = read_card(copy).fingerprint
    rewrite(copy, fingerprint={**known, "depth": change(known["depth"])})
    refused(copy, "model tiny", "probe images", "depth")


def test_task_without_a_fingerprint_is_refused(copy: Path) -> None:
    known = read_card(copy).fingerprint
    rewrite(copy, fingerprint={task: values for task, values in known.items() if task != "depth"})
    refused(copy, "depth")


def test_model_is_ready_to_be_judged(copy: Path) -> None:
    model = load_model(str(copy))
    assert not any(module.training for module in model.modules())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
