"""Training from Python is the command's: the same card, and one line for what does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.trainings import recipe, trained

from mtrbench import BadInputError, train
from mtrbench.models.card import read_card


@pytest.mark.usefixtures("few_images")
def test_python_and_the_command_train_the_same_model(tmp_path: Path) -> None:
    text = recipe("both", steps=2)
    other = read_card(trained(tmp_path / "command", text))
    made = train(str(tmp_path / "command" / "recipe.toml"), tmp_path / "python", device="cpu", workers=0)
    assert made.path == tmp_path / "python" / "both" / "card.toml"
    assert made.card == read_card(made.path)
    assert (made.card.weights, made.card.clean) == (other.weights, other.clean)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"recipe": 3}, "recipe must be the path of a file, not 3"),
        ({"out": None}, "out must be the path of a folder, not None"),
        ({"workers": -1}, "workers must be at least 0, not -1"),
        ({"checkpoint_every": 2.5}, r"checkpoint_every must be a whole number, not 2\.5"),
        ({"backbone_weights": 1}, "backbone_weights must be the path of a file, not 1"),
        ({"device": "here"}, "there is no device 'here' here"),
        ({"recipe": "nowhere.toml"}, r"nowhere\.toml"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(
    tmp_path: Path, given: dict[str, Any], words: str
) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(recipe("none", steps=1))
    arguments: dict[str, Any] = {"recipe": path, "out": tmp_path / "out", **given}
    with pytest.raises(BadInputError, match=words):
        train(**arguments)
    assert [*tmp_path.iterdir()] == [path]
