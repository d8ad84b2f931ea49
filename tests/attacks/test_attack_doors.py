"""What a stranger gets wrong in an attack, a balancing, an optimizer or a set of losses is one clear line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from helpers.threats import linf
from helpers.toys import curved_model
from torch import Tensor

from mtrbench import BadInputError, load_attack
from mtrbench.attacks.balancing.base import Balancing
from mtrbench.attacks.balancing.total import Total
from mtrbench.attacks.conformance.toys import middle_batch
from mtrbench.attacks.doors import check_attack, check_balancing, check_losses, check_optimizer
from mtrbench.attacks.listing import names
from mtrbench.attacks.optimizers.pgd import PGD
from mtrbench.attacks.registry import describe
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.notices import notice


class Misspelt(Total):
    def finnish(self, at, clean): ...


class Begun(Total):
    def object(self, at): ...


class TooFew(Total):
    def objective(self): ...


class TooMany(Total):
    def finish(self, at, clean, more): ...


class HalfSaid:
    def fields(self, at): ...

    def directon(self, fields, threat): ...


class Inherited(Balancing):
    def fields(self, at): ...


class NoMethod(Total):
    finish = 3


class StrayText(Total):
    requires = "torchjd"


class StrayNumber(Total):
    version = 1.5


@dataclass(frozen=True)
class VersionAsSetting(Total):
    version: int = 1


class Hidden(Total):
    def __init__(self, c=1): ...


@dataclass(frozen=True)
class Decaying(Total):
    decay: float = 1.0


BALANCINGS = {
    Misspelt: "has finnish, which nothing asks for; did you mean finish?",
    Begun: "did you mean objective?",
    TooFew: "has a objective that takes (self), not (self, at)",
    TooMany: "missing a required argument: 'more'",
    HalfSaid: "has no direction; did you mean it by directon?",
    Inherited: "has no direction",
    NoMethod: "has a finish that is a int, which cannot be called",
    StrayText: "has requires = 'torchjd': input should be a valid tuple",
    StrayNumber: "has version = 1.5",
    VersionAsSetting: "has version as a setting",
    PGD: "is an optimizer, not a balancing; write total-X, or with any other balancing",
    torch.nn.Linear: "is the class Linear, not a balancing",
    Total(): "is a Total, not a balancing",
}


def shown(found: object) -> str:
    """The same in every process that collects the tests, which an address is not."""
    return getattr(found, "__name__", None) or type(found).__name__


@pytest.mark.parametrize("found", BALANCINGS, ids=shown)
def test_balancing_that_is_none(found: object) -> None:
    with pytest.raises(BadInputError) as caught:
        check_balancing(found, "X")
    assert str(caught.value).startswith("balancing 'X' ")
    assert BALANCINGS[found] in str(caught.value)


@dataclass(frozen=True)
class Needy:
    balancing: Balancing
    steps: int

    def __call__(self, model, batch, threat, noise): ...


@dataclass(frozen=True)
class Free:
    def __call__(self, model, batch, threat, noise): ...


@dataclass(frozen=True)
class Narrow:
    balancing: Balancing

    def __call__(self, model, batch, threat): ...


OPTIMIZERS = {
    Needy: "must need the field balancing and no other, not balancing, steps",
    Free: "is a whole attack, not an optimizer; write X",
    Narrow: "(self, model, batch, threat), not (self, model, batch, threat, noise)",
    Total: "is a balancing, not an optimizer; write X-pgd, or with any other optimizer",
}


@pytest.mark.parametrize("found", OPTIMIZERS, ids=shown)
def test_optimizer_that_is_none(found: object) -> None:
    with pytest.raises(BadInputError) as caught:
        check_optimizer(found, "X")
    assert OPTIMIZERS[found] in str(caught.value)


class Fits(Free):
    def fit(self, model, split, threat, noise): ...


class Black(Free):
    blackbox = True


class Blackish(Free):
    black_box = "yes"


def narrow(model, batch, threat): ...


ATTACKS = {
    Fits: "has fit, which nothing asks for; did you mean fitted?",
    Black: "has blackbox, which nothing asks for; did you mean black_box?",
    Blackish: "has black_box = 'yes': input should be a valid boolean",
    narrow: "as a function it takes (model, batch, threat), not (model, batch, threat, noise)",
    Free(): "is an object of class Free; name the class instead",
    Total: "is a balancing, not a whole attack; write X-pgd",
    "text": "is a str, not a whole attack",
}


@pytest.mark.parametrize("found", ATTACKS, ids=shown)
def test_attack_that_is_none(found: object) -> None:
    with pytest.raises(BadInputError) as caught:
        check_attack(found, "X")
    assert ATTACKS[found] in str(caught.value)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({}, "name no task"),
        ({"segmentaton": torch.dist}, "name the task 'segmentaton'; did you mean segmentation?"),
        ({3: torch.dist}, "not 3"),
        ({"depth": lambda prediction: prediction}, "that of depth takes (prediction), not (prediction, truth)"),
        ({"depth": "relative"}, "that of depth is a str, which cannot be called"),
        (Total, "is a balancing"),
    ],
)
def test_losses_that_are_none(found: object, message: str) -> None:
    with pytest.raises(BadInputError) as caught:
        check_losses(found, "X")
    assert message in str(caught.value)


def test_losses_of_a_task_that_nobody_knows_are_losses() -> None:
    assert check_losses({"age": torch.dist}, "X") == {"age": torch.dist}


def stands_still(model, batch, threat, noise) -> Tensor:
    """Changes nothing."""
    return batch.x


stands_still.version = 4


def test_a_function_is_an_attack() -> None:
    attack = load_attack(f"{__name__}:stands_still")
    batch = middle_batch()
    assert torch.equal(attack(curved_model(), batch, linf, Noise()), batch.x)
    assert describe(f"{__name__}:stands_still", attack) == ("4", {})


@pytest.mark.parametrize("settings", ["", "[decay=0]", "[decay=0.9]"])
def test_a_setting_that_balancing_and_optimizer_share_is_refused(settings: str) -> None:
    with pytest.raises(BadInputError, match="both have a setting decay") as caught:
        load_attack(f"{__name__}:Decaying-mim{settings}")
    assert "\n" not in str(caught.value)
    assert load_attack(f"{__name__}:Decaying-pgd[decay=0.5]").balancing == Decaying(0.5)


def test_a_product_with_a_shared_setting_is_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    from mtrbench.attacks import listing, tables

    class Both:
        def working(self):
            yield "decaying", Decaying

    monkeypatch.setattr(listing, "BALANCINGS", Both())
    assert [name for name in names() if name.startswith("decaying")] == [
        f"decaying-{name}" for name in tables.OPTIMIZERS if name not in ("mim", "ni", "vmi")
    ]


def test_a_missing_version_is_one_line_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    notice.cache_clear()
    name = f"{__name__}:Free"
    assert [describe(name, load_attack(name)) for _ in range(3)] == [("1", {})] * 3
    (line,) = caplog.messages
    assert f"{name} has no version, 1 is taken" in line
    assert describe("total-pgd@aligned", load_attack("total-pgd@aligned"))[0] == "1.1.1"
    assert len(caplog.messages) == 1


@dataclass(frozen=True)
class ManyOfAKind:
    """Has settings called as the parts of other attacks are."""

    version: ClassVar[int] = 1

    losses: str = "mine"
    attack: str = "mine"
    weights: tuple[float, ...] = (1.0, 2.0)

    def __call__(self, model, batch, threat, noise) -> Tensor:
        return batch.x


def test_settings_are_those_of_the_part_that_has_them() -> None:
    name = f"{__name__}:ManyOfAKind@aligned"
    version, settings = describe(name, load_attack(name, losses="other"))
    assert (version, settings) == ("1.1", {"losses": "other", "attack": "mine", "weights": [1.0, 2.0]})
    assert describe(name, load_attack(name, **settings)) == (version, settings)


@dataclass(frozen=True)
class Numbered(Free):
    task: object = 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Numbered", "has task = 3: input should be a valid string"),
        ("Hidden-pgd", "takes c, which no record would name"),
    ],
)
def test_what_shows_on_an_object_or_in_a_signature_alone(name: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        load_attack(f"{__name__}:{name}")
