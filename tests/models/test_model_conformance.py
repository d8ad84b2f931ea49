"""A sound model has every property, and a faulty one is told by the property that it lacks alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.planted_cards import results
from helpers.planted_models import (
    SIZE,
    Apart,
    Backwards,
    BackwardsOffTheGrid,
    BlindInTheDark,
    BrokenGradient,
    Constant,
    Counts,
    Detached,
    Draws,
    MixesTheBatch,
    MultiplesOfFour,
    NeverInEvalMode,
    RefusesLoneImages,
    Sound,
    TwoChannels,
)
from torch import Tensor, nn

from mtrbench import Batch, load_dataset, wrap
from mtrbench.api import model_checks
from mtrbench.api.masking import SIGNS
from mtrbench.api.model_checks import ALL, examine_model, twin
from mtrbench.api.model_claims import trained_against
from mtrbench.benchmark.protocol.findings import Finding
from mtrbench.benchmark.protocol.tasks.regression import Regression
from mtrbench.models.card import read_card
from mtrbench.models.conformance import PROPERTIES, examined
from mtrbench.models.fingerprint import fingerprint
from mtrbench.models.registry import find_card, load_model


def test_trained_model_has_every_property(tiny: Path) -> None:
    found = examine_model(str(tiny), None)
    assert tuple(found) == ALL
    assert not [title for title, finding in found.items() if finding.result == "fail"]
    assert found["attack-beats-noise"].result == "pass"


@pytest.mark.usefixtures("_weak_attacks")
def test_sound_model_has_every_property(card_of: Callable[..., Path]) -> None:
    assert results(card_of(Sound), "fail") == {}


FAULTS = {
    TwoChannels: ("card", "the network's prediction for task depth is (2, 2, 32, 32), not (2, 1, 32, 32)"),
    RefusesLoneImages: ("shapes", "ValueError: three images at least"),
    MultiplesOfFour: ("any-size", "prediction for task segmentation is (2, 13, 12, 12), not (2, 13, 15, 13)"),
    BlindInTheDark: ("finite", "is not finite at"),
    NeverInEvalMode: ("eval-mode", "1 in training mode, the first is net.spare"),
    Draws: ("deterministic", "segmentation differs in a second pass by up to"),
    Counts: ("keeps-state", "a forward pass changes net.seen"),
    MixesTheBatch: ("batch-size-invariant", "segmentation differs alone from the whole batch by up to"),
    Detached: ("gradient-flows", "segmentation 0%, depth 100%, normals 0%"),
    Constant: ("gradient-flows", "segmentation 0%, depth 100%, normals 0%"),
    Apart: ("sharing", "depth and normals and segmentation share a block in the layout, and no parameter"),
    BrokenGradient: ("gradient-flows", "segmentation 0%, depth 100%, normals 0%"),
}


@pytest.mark.usefixtures("_weak_attacks", "_here")
@pytest.mark.parametrize("faulty", FAULTS, ids=lambda faulty: faulty.__name__)
def test_faulty_model_lacks_one_property_alone(faulty: type[Sound], card_of: Callable[..., Path]) -> None:
    name, message = FAULTS[faulty]
    failed = results(card_of(faulty), "fail")
    assert list(failed) == [name]
    assert message in failed[name]


def test_every_property_has_a_faulty_model() -> None:
    assert {name for name, _ in FAULTS.values()} == {"card", "sharing", *PROPERTIES}


class Classifier(nn.Module):
    """Two tasks that are no maps, of images of one size."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.linear = nn.Linear(3 * SIZE[0] * SIZE[1], 7)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        values = self.linear(x.flatten(1))
        return {"left": values[:, :5], "size": values[:, 5:]}


def test_a_model_without_maps_has_every_property_but_the_one_about_sizes() -> None:
    model = wrap(Classifier(), {"left": {"task": "classification", "classes": 5}, "size": Regression(2)})
    x = torch.rand(6, 3, *SIZE, generator=torch.Generator().manual_seed(0))
    batch = Batch(x, {"left": torch.arange(6) % 5, "size": torch.ones(6, 2)}, tuple("abcdef"))
    found = {name: examined(check, model, batch) for name, check in PROPERTIES.items()}
    assert {name for name, finding in found.items() if finding.result != "pass"} == {"any-size"}
    assert found["any-size"].result == "does not apply"
    assert found["shapes"].found == "on images of 16 x 16: left (B, 5), size (B, 2)"
    assert {task: len(values) for task, values in fingerprint(model, SIZE).items()} == {"left": 4, "size": 4}


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda clean: clean["scores"]["depth"].update(abs_err=99.0), "the card says 99"),
        (lambda clean: clean.update(images=7), "of 7 images, the data set has 6"),
        (lambda clean: clean["scores"].update(depth={}), "the card states nothing of depth"),
    ],
)
def test_other_clean_scores_than_the_cards_fail(
    change: Any, message: str, card_of: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_checks, "SIGNS", {})  # what attacks say takes long, and has no scores of the card
    path = card_of(Sound)
    clean = read_card(path).clean.model_dump(mode="json", exclude_none=True)
    change(clean)
    failed = results(card_of(Sound, clean=clean), "fail")
    assert list(failed) == ["clean-scores"]
    assert message in failed["clean-scores"]


@pytest.mark.parametrize(
    ("name", "result", "message"),
    [
        ("rooms3-nobody.clean", "flag", "rooms3-nobody.clean is not registered"),
        ("rooms3-shared.clean", "fail", "shares blocks between tasks"),
        ("rooms3-independent.at-total", "fail", "has another data set, network, inner attack, number of steps"),
    ],
)
def test_a_twin_is_independent_and_trained_alike(
    name: str, result: str, message: str, card_of: Callable[..., Path]
) -> None:
    found = twin(read_card(card_of(Sound, twin=name)))
    assert found.result == result
    assert message in found.found


def test_a_twin_starts_from_the_same_weights() -> None:
    card, _ = find_card("rooms3-shared.at-total")
    assert twin(card) == Finding("pass", "rooms3-independent.at-total, independent and trained alike")
    training = card.training.model_copy(update={"backbone_sha256": "0" * 64})
    other = card.model_copy(update={"training": training})
    assert twin(other) == Finding("fail", "rooms3-independent.at-total has another start")


@pytest.mark.parametrize(
    ("masked", "raised"),
    [
        (Backwards, {"attack-beats-noise", "white-box-beats-black", "falls-without-budget"}),
        (BackwardsOffTheGrid, {"attack-beats-noise", "many-steps-beat-one", "white-box-beats-black"}),
    ],
)
def test_masked_gradients_raise_flags_and_are_no_gradients_of_the_losses(
    masked: type[Sound], raised: set[str], card_of: Callable[..., Path]
) -> None:
    found = {title: finding.result for title, finding in examine_model(str(card_of(masked)), None).items()}
    assert [title for title, result in found.items() if result == "fail"] == ["true-gradient"]
    assert raised <= {title for title, result in found.items() if result == "flag"} <= set(SIGNS)


@pytest.mark.parametrize(
    ("name", "attack", "result"),
    [
        ("rooms3-shared.clean", None, "does not apply"),
        ("rooms3-shared.clean", "total-pgd", "fail"),
        ("rooms3-shared.at-total", "total-pgd", "pass"),
    ],
)
def test_what_is_said_to_be_trained_adversarially_is_robust(name: str, attack: str | None, result: str) -> None:
    card, _ = find_card(name)
    claim = card.training.model_copy(update={"attack": attack, "eps": attack and 4.0})
    model = load_model(name)
    few = load_dataset(card.dataset, model.tasks, images=4).batch(range(4))
    found = trained_against(card.model_copy(update={"training": claim}), model, few)
    assert found.result == result
    assert ("ARLC under total-pgd of that size is" in found.found) == (attack is not None)
