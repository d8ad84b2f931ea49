"""The kit's laws as assertions, for attacks on a model, a batch and a budget of a test's own."""

from __future__ import annotations

from mtrbench.attacks.conformance import laws
from mtrbench.attacks.conformance.scene import Scene
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Attack, Batch, MultiTaskModel


def assert_holds(law: laws.Law, attack: Attack, model: MultiTaskModel, batch: Batch, threat: ThreatModel) -> None:
    fault = law(lambda: attack, Scene("test", model, batch, threat))
    assert fault is None, fault


def assert_within_budget(attack: Attack, model: MultiTaskModel, batch: Batch, threat: ThreatModel) -> None:
    assert_holds(laws.within_budget, attack, model, batch, threat)


def assert_zero_budget_is_clean(attack: Attack, model: MultiTaskModel, batch: Batch, norm: str) -> None:
    assert_holds(laws.zero_budget_is_clean, attack, model, batch, ThreatModel(norm))


def assert_leaves_model_untouched(attack: Attack, model: MultiTaskModel, batch: Batch, threat: ThreatModel) -> None:
    assert_holds(laws.leaves_model_alone, attack, model, batch, threat)
    assert_holds(laws.leaves_global_randomness_alone, attack, model, batch, threat)


def assert_repeats(attack: Attack, model: MultiTaskModel, batch: Batch, threat: ThreatModel) -> None:
    assert_holds(laws.repeats, attack, model, batch, threat)


def assert_batch_size_invariant(attack: Attack, model: MultiTaskModel, batch: Batch, threat: ThreatModel) -> None:
    assert_holds(laws.batch_size_invariant, attack, model, batch, threat)
