"""Every registered attack has every property, and the kit tells a faulty one by the property that it lacks alone."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.commands import assert_refused, mtrbench
from torch import Tensor

from mtrbench import load_attack
from mtrbench.attacks.balancing.base import gradient_of_sum
from mtrbench.attacks.conformance.kit import PROPERTIES, examine
from mtrbench.attacks.listing import full_names
from mtrbench.attacks.registry import settings_of
from mtrbench.benchmark.datasets.registry import load_dataset
from mtrbench.benchmark.protocol.findings import Finding
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel
from mtrbench.models.registry import find_card, load_model

# Fewer pixels than the toys have, and members that take one step.
SMALLER = {
    ":512-": ":8-",
    ":total-pgd,dgba-pgd": ":total-fgsm,dgba-fgsm",
    ":total-pgd;dgba-apgd": ":total-fgsm;dgba-fgsm",
}
ATTACKS = [re.sub("|".join(SMALLER), lambda found: SMALLER[found[0]], name) for name in full_names(("depth",))]

Stage = tuple[MultiTaskModel, Batch]


@pytest.fixture(scope="module")
def stage(tiny: Path) -> Stage:
    """A pretrained model and images; two of its tasks, as programs that couple three take long."""
    card, _ = find_card(str(tiny))
    data = load_dataset(card.dataset, card.make_tasks(), root=None, size=card.size, images=3)
    return load_model(str(tiny)).only(("segmentation", "depth")), data.batch(range(3))


def failed(findings: dict[str, Finding]) -> dict[str, str]:
    assert tuple(findings) == PROPERTIES
    return {name: finding.found for name, finding in findings.items() if finding.result == "fail"}


@pytest.mark.parametrize("name", [*ATTACKS, "total-pgd@aligned", "single:segmentation-pgd@margin"])
def test_registered_attack_has_every_property(name: str, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    # Its own members run their own numbers of steps, for minutes; each is examined by itself.
    monkeypatch.setattr(
        "mtrbench.attacks.whole.auto.ROUNDS", {"ard": (("dgba-pgd[steps=3]", "noise"), ("total-apgd[steps=3]",))}
    )
    assert failed(examine(partial(load_attack, name), settings_of(name), *stage)) == {}


def test_what_does_not_apply(stage: Stage) -> None:
    exempt = {
        name: {prop for prop, finding in found.items() if finding.result == "does not apply"}
        for name in ("total-pgd", "total-fgsm", "noise", "dgba-grid-fgsm", "dgba-protected:depth-fgsm")
        for found in [examine(partial(load_attack, name), settings_of(name), *stage)]
    }
    optimum, steps = "reaches-linear-optimum", "more-steps-never-clearly-hurt"
    assert exempt == {
        "total-pgd": set(),
        "total-fgsm": {steps},
        "noise": {optimum, "beats-noise", steps},
        "dgba-grid-fgsm": {optimum, steps},
        "dgba-protected:depth-fgsm": {optimum, steps},
    }


@dataclass(frozen=True)
class Honest:
    """TOTAL by PGD, which has every property; `scaled` leaves that much of its change."""

    steps: int = 3

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return load_attack("total-pgd", steps=self.steps)(model, batch, threat, noise)

    def scaled(self, share: float, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return batch.x + share * (Honest.__call__(self, model, batch, threat, noise) - batch.x)


class TooFar(Honest):
    def __call__(self, *given) -> Tensor:
        return self.scaled(1.01, *given).clamp(0, 1)


class OutOfRange(Honest):
    def __call__(self, model, batch, threat, noise) -> Tensor:
        inside = (batch.x > 0) & (batch.x < 1)
        return torch.where(inside, super().__call__(model, batch, threat, noise), batch.x + (2 * batch.x - 1) * 1e-6)


class NeverClean(Honest):
    def __call__(self, model, batch, threat, noise) -> Tensor:
        return super().__call__(model, batch, threat, noise) + (1e-3 if threat.eps == 0 else 0)


class LeavesGradients(Honest):
    def __call__(self, model, *given) -> Tensor:
        parameter = next(model.parameters())
        parameter.grad = torch.zeros_like(parameter)
        return super().__call__(model, *given)


class Trains(Honest):
    def __call__(self, model, *given) -> Tensor:
        x = super().__call__(model, *given)
        model.train()
        return x


class Freezes(Honest):
    def __call__(self, model, *given) -> Tensor:
        model.requires_grad_(False)
        return super().__call__(model, *given)


class ChangesWeights(Honest):
    def __call__(self, model, *given) -> Tensor:
        x = super().__call__(model, *given)
        next(model.parameters()).data.add_(1)
        return x


class ChangesBatch(Honest):
    def __call__(self, model, batch, *given) -> Tensor:
        x = super().__call__(model, batch, *given)
        batch.x.mul_(0.5)
        return x


class Reseeds(Honest):
    def __call__(self, *given) -> Tensor:
        torch.manual_seed(0)
        return super().__call__(*given)


class DrawsFromNumpy(Honest):
    def __call__(self, *given) -> Tensor:
        return self.scaled(1 - 1e-3 * np.random.random(), *given)  # noqa: NPY002


class DrawsAndHides(Honest):
    def __call__(self, *given) -> Tensor:
        with torch.random.fork_rng(devices=[]):
            return self.scaled(1 - 1e-3 * torch.rand(()).item(), *given)


@dataclass(frozen=True)
class Counts(Honest):
    calls: list[int] = field(default_factory=list)

    def __call__(self, *given) -> Tensor:
        self.calls.append(1)
        return self.scaled(1 - 1e-4 * len(self.calls), *given)


@dataclass(frozen=True)
class RemembersTheBatch(Honest):
    last: list[Tensor] = field(default_factory=list)

    def __call__(self, model, batch, threat, noise) -> Tensor:
        self.last.append(super().__call__(model, batch, threat, noise) - batch.x)
        alike = len(self.last) > 1 and self.last[-2].shape == batch.x.shape
        return threat.project(batch.x, batch.x + self.last[-2 if alike else -1])


class SetsNumpy(Honest):
    def __call__(self, *given) -> Tensor:
        np.seterr(under="raise")
        return super().__call__(*given)


class Mixes(Honest):
    def __call__(self, model, batch, threat, noise) -> Tensor:
        x = batch.x.clone().requires_grad_()
        gradient = gradient_of_sum(model.losses(batch.at(x)), x)[0]
        return threat.project(batch.x, batch.x + threat.eps * threat.ascend(gradient + gradient.mean(dim=0)))


class RefusesLoneImages(Honest):
    def __call__(self, model, batch, *given) -> Tensor:
        if len(batch.x) == 1:
            raise ValueError("two images\nat least")
        return super().__call__(model, batch, *given)


class Half(Honest):
    def __call__(self, *given) -> Tensor:
        return self.scaled(0.5, *given)


class Descends(Honest):
    """Goes down where there are several tasks."""

    def __call__(self, model, batch, threat, noise) -> Tensor:
        x = self.scaled(1 if len(model.tasks) == 1 else -1, model, batch, threat, noise)
        return threat.project(batch.x, x)


class Overshoots(Honest):
    def __call__(self, *given) -> Tensor:
        return self.scaled(1 if self.steps <= 3 else 0.2, *given)


class FearsRoom(Honest):
    def __call__(self, model, batch, threat, noise) -> Tensor:
        return self.scaled(0.2 if 5 / 255 < threat.eps < 0.1 else 1, model, batch, threat, noise)


FAULTS = {
    TooFar: ("within-budget", "exceeds the budget"),
    OutOfRange: ("within-budget", "leaves [0, 1]"),
    NeverClean: ("zero-budget-is-clean", "differ from the clean images by up to 0.001"),
    LeavesGradients: ("leaves-model-alone", "changed a gradient of"),
    Trains: ("leaves-model-alone", "changed the mode of"),
    Freezes: ("leaves-model-alone", "changed requires_grad of"),
    ChangesWeights: ("leaves-model-alone", "changed net."),
    ChangesBatch: ("leaves-model-alone", "changed the images of the batch"),
    Reseeds: ("leaves-global-randomness-alone", "changed the global state of torch"),
    DrawsFromNumpy: ("leaves-global-randomness-alone", "changed the global state of numpy.random"),
    DrawsAndHides: ("leaves-global-randomness-alone", "differ from those under another global seed"),
    Counts: ("repeats", "differ from those of the first call"),
    RemembersTheBatch: ("repeats", "differ from those before another batch"),
    SetsNumpy: ("leaves-what-all-share-alone", "changed numpy's handling of errors"),
    Mixes: ("batch-size-invariant", "when alone"),
    RefusesLoneImages: ("batch-size-invariant", "ValueError: two images at least"),
    Half: ("reaches-linear-optimum", "linf 50.00%, l2 50.00%"),
    Descends: ("beats-noise", "what it climbs rises by -"),
    Overshoots: ("more-steps-never-clearly-hurt", "with 6 steps"),
    FearsRoom: ("larger-budget-never-clearly-hurts", "with twice the budget"),
}


def test_honest_attack_has_every_property(stage: Stage) -> None:
    assert failed(examine(Honest, ("steps",), *stage)) == {}


def test_every_property_has_a_faulty_attack() -> None:
    assert {name for name, _ in FAULTS.values()} == set(PROPERTIES)


@pytest.mark.parametrize("faulty", FAULTS, ids=lambda faulty: faulty.__name__)
def test_faulty_attack_lacks_one_property_alone(faulty: type[Honest], stage: Stage) -> None:
    name, message = FAULTS[faulty]
    with np.errstate():
        found = failed(examine(faulty, ("steps",), *stage))
    assert list(found) == [name]
    assert message in found[name]
    assert "\n" not in found[name]


def test_the_model_the_batch_and_the_global_state_come_back_as_they_were(stage: Stage) -> None:
    model, batch = stage
    before, x = {name: value.clone() for name, value in model.state_dict().items()}, batch.x.clone()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    examine(ChangesWeights, ("steps",), *stage)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(batch.x, x)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(("what", "code"), [("total-fgsm", 0), ("test_conformance:Half", 1)])
def test_command_says_what_was_found(what: str, code: int, tiny: Path) -> None:
    outcome = mtrbench("validate", "attack", what, "--model", tiny, "--json")
    assert outcome.code == code, outcome.err
    rows = json.loads(outcome.out)
    assert [row["property"] for row in rows] == [*PROPERTIES]
    assert all(set(row) == {"property", "result", "found"} for row in rows)
    assert [row["property"] for row in rows if row["result"] == "fail"] == ["reaches-linear-optimum"] * code


def test_command_prints_a_table(tiny: Path) -> None:
    outcome = mtrbench("validate", "attack", "noise", "--model", tiny)
    assert outcome.code == 0
    assert [line.split()[0] for line in outcome.out.splitlines()[2:]] == [*PROPERTIES]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("attack", "totl-pgd"), ("did you mean total-pgd",)),
        (("attack", "single:TASK-pgd"), ("unknown task", "'TASK'")),
        (("attack", "no.such:thing"), ("no module no is installed",)),
        (("attack", "noise", "--model", "none"), ("unknown model",)),
        (("atack", "noise"), ("'atack' is not",)),
    ],
)
def test_bad_names_are_refused(arguments: tuple[str, ...], words: tuple[str, ...], tiny: Path) -> None:
    assert_refused(mtrbench("validate", *arguments), *words)
