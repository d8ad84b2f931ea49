"""`mtrbench card` makes a card out of a network from anywhere, which loads, runs and says no more than is known."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from helpers.commands import assert_refused, mtrbench

from mtrbench import BadInputError, evaluate, load_model
from mtrbench.api.model_checks import examine_model
from mtrbench.benchmark.protocol.facts import UNKNOWN
from mtrbench.benchmark.protocol.reading import read_records
from mtrbench.models.card import Card, read_card

NET = """
import mtrbench
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.ReLU())
        self.semantics, self.distance = nn.Conv2d(width, 13, 1), nn.Conv2d(width, 1, 1)
        nn.init.constant_(self.distance.bias, 3.0)

    def forward(self, images):
        features = self.body(images)
        return {"segmentation": self.semantics(features), "depth": self.distance(features)}


class Stateful(Net):
    def get_extra_state(self):
        return {"bits": 8}

    def set_extra_state(self, state): ...


def wrapped(width=4):
    return mtrbench.wrap(Net(width), {"segmentation": {"classes": 13}, "depth": {}}, mean=(0.5, 0.5, 0.5))
"""
TASKS = ("--task", "segmentation[classes=13]", "--task", "depth")
GIVEN = ("--name", "mine", "--dataset", "rooms3", "--size", "16", "--images", "8")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a network and its checkpoint."""
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(NET, encoding="utf-8")
    space: dict[str, type[torch.nn.Module]] = {}
    exec(NET, space)  # noqa: S102
    torch.manual_seed(0)
    torch.save({"state_dict": {f"module.{k}": v for k, v in space["Net"]().state_dict().items()}}, "trained.pth")
    return tmp_path


def make(entry: str, *more: str) -> Path:
    outcome = mtrbench("card", entry, "--weights", "trained.pth", *GIVEN, *more, "--out", "models")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("models/mine/card.toml: sharing index ")
    return Path("models/mine/card.toml")


@pytest.mark.parametrize(("entry", "more"), [("./net.py:wrapped", ()), ("./net.py:Net", TASKS)])
def test_a_card_holds_what_was_measured_and_claims_nothing_else(place: Path, entry: str, more: tuple[str, ...]) -> None:
    card = read_card(make(entry, *more))
    assert (card.training, card.adversary, card.architecture.layout, card.licence) == (None, UNKNOWN, None, UNKNOWN)
    assert (card.tasks, card.size, card.clean.images) == ({"segmentation": {"classes": 13}, "depth": {}}, (16, 16), 8)
    assert not any(word in Path("models/mine/card.toml").read_text() for word in ("seconds", "steps", "hardware"))
    model = load_model("models/mine/card.toml")
    weights = torch.load("trained.pth")["state_dict"]["module.body.0.weight"]
    assert any(torch.equal(value, weights) for value in model.state_dict().values())


def test_its_records_have_measured_sharing_and_follow_its_code(place: Path) -> None:
    path = make(
        "./net.py:wrapped", "--layout", "segmentation depth", "--trained", "total-pgd", "--trained-eps", "8/255"
    )
    keys = []
    for text in (NET, NET.replace("features = self.body(images)", "features = self.body(images.clamp(0.1))")):
        Path("net.py").write_text(text, encoding="utf-8")
        outcome = mtrbench("run", "--model", path, "--attack", "noise", "--images", "4", "--workers", "1", "--json")
        keys += [record["key"] for record in json.loads(outcome.out)]
    assert len({*keys}) == 2
    for record in read_records(place / "mtrbench-results" / "records"):
        facts = record.model_facts
        # 112 parameters in the body, 65 and 5 in the heads.
        assert facts.sharing_index == pytest.approx((2 * 112) / (2 * 112 + 70))
        assert (facts.sharing_measured, facts.layout) == (True, ("depth segmentation",))
        assert (facts.adversary, facts.trained_on) == ("total-pgd, eps 8/255", "rooms3")


def test_a_network_beside_its_card_is_found_from_anywhere_and_before_that_of_the_working_directory(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = place / make("./net.py:wrapped")
    keys = [evaluate(str(path), "noise", images=4).key]  # the file of the working directory: there is none beside
    (path.parent / "net.py").write_text(NET, encoding="utf-8")
    (place / "net.py").write_text("def wrapped(): ...", encoding="utf-8")
    record = evaluate(str(path), "noise", images=4)
    assert record.model_facts.architecture == "./net.py:wrapped"
    (place / "elsewhere").mkdir()
    monkeypatch.chdir(place / "elsewhere")
    assert {record.key, evaluate(str(path), "noise", images=4).key} == {*keys}
    (path.parent / "net.py").unlink()
    with pytest.raises(
        BadInputError, match=rf"architecture '{path.parent}/net\.py:wrapped': .* cannot be read: No such"
    ):
        load_model(str(path))


def test_what_is_known_of_the_training_may_be_said(place: Path) -> None:
    training = read_card(make("./net.py:wrapped", "--trained", "clean", "--trained-seed", "3")).training
    assert training is not None
    assert (training.adversary, training.seed, training.steps) == (None, 3, None)
    training = read_card(make("./net.py:wrapped", "--trained-seed", "3")).training
    assert training is not None
    assert training.adversary == UNKNOWN


def test_an_unknown_training_is_shown_as_such(place: Path) -> None:
    path = make("./net.py:wrapped")
    shown = mtrbench("show", "model", path)
    assert "layout: not known" in shown.out
    assert "training:\n  not known\n" in shown.out
    assert examine_model(str(path))["sharing"].result == "pass"


@pytest.mark.parametrize(
    ("entry", "more", "message"),
    [
        ("./net.py:Nett", TASKS, "did you mean Net?"),
        ("./net.py:Net", (), "nothing says which tasks ./net.py:Net has; name each by --task"),
        ("./net.py:wrapped", ("--task", "depth"), "has the tasks segmentation, depth, asked for depth"),
        ("./net.py:Net", ("--task", "depht"), "unknown task 'depht'; did you mean depth or"),
        ("./net.py:Net", ("--task", "depth[3]"), "must be NAME[SETTING=VALUE] or NAME=KIND[SETTING=VALUE]"),
        ("./net.py:wrapped", ("--setting", "width"), "must be NAME=VALUE, not 'width'"),
        ("./net.py:wrapped", ("--setting", "width=8"), "body.0.weight is 4x3x3x3, in the network 8x3x3x3"),
        ("./net.py:wrapped", ("--size", "16x"), "must be a number of pixels, or HEIGHTxWIDTH"),
        ("./net.py:wrapped", ("--layout", "segmentation | depth"), "share 112 parameters in the network, and no block"),
        ("./net.py:wrapped", ("--layout", "depth"), "the layout has the tasks depth, the model segmentation, depth"),
        ("./net.py:wrapped", ("--layout", "depth |"), "field 'layout': layout block 0 must hold"),
        ("./net.py:wrapped", ("--trained-eps", "4"), "--trained-eps is the budget of an attack; name it by --trained"),
        ("./net.py:wrapped", ("--trained", "total-pgd"), "attack and eps stand together"),
        ("./net.py:Stateful", TASKS, "lack _extra_state"),
    ],
)
def test_what_makes_no_card_is_refused_and_leaves_nothing(
    place: Path, entry: str, more: tuple[str, ...], message: str
) -> None:
    assert_refused(mtrbench("card", entry, "--weights", "trained.pth", *GIVEN, *more, "--out", "models"), message)
    assert not Path("models").exists()


def test_state_that_is_no_tensor_is_refused(place: Path) -> None:
    outcome = mtrbench("card", "./net.py:Stateful", *GIVEN, *TASKS)
    assert_refused(outcome, "_extra_state is no tensor, and a card's weights hold nothing else; make it a setting")


def test_everything_that_is_wrong_with_a_card_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "card.toml").write_text('name = "a b"\nsize = 3\ncolour = "red"\n[architecture]\nlayout = ["a", "b"]\n')
    with pytest.raises(BadInputError) as caught:
        read_card(tmp_path / "card.toml")
    told = str(caught.value)
    assert "\n" not in told
    lacking = [
        name for name, field in Card.model_fields.items() if field.is_required() and name not in ("name", "size")
    ]
    for where in ("name", "size", "colour", "architecture.entry", "architecture.layout", *lacking):
        assert f"field '{where}" in told
    assert re.search("layout block 1 must hold every task of a just once", told)
