"""Named properties that every attack must have."""

from __future__ import annotations

import torch

from mtrbench.benchmark.harness import verified, weights_sha256
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Attack, Batch, MultiTaskModel


def assert_within_budget(attack: Attack, model: MultiTaskModel, batch: Batch, threat: ThreatModel) -> None:
    verified(attack(model, batch, threat, Noise()), batch, threat, "attack")


def assert_zero_budget_is_clean(attack: Attack, model: MultiTaskModel, batch: Batch, norm: str) -> None:
    assert torch.equal(attack(model, batch, ThreatModel(norm, 0.0), Noise()), batch.x)


def assert_leaves_model_untouched(attack: Attack, model: MultiTaskModel, batch: Batch, threat: ThreatModel) -> None:
    def state() -> tuple[object, ...]:
        parameters = list(model.parameters())
        return (
            weights_sha256(model),
            [module.training for module in model.modules()],
            [(parameter.requires_grad, parameter.grad) for parameter in parameters],
            torch.get_rng_state().tolist(),
        )

    before, x = state(), batch.x.clone()
    attack(model, batch, threat, Noise())
    assert state() == before
    assert torch.equal(batch.x, x)
    assert not batch.x.requires_grad


def assert_repeats(attack: Attack, model: MultiTaskModel, batch: Batch, threat: ThreatModel) -> None:
    assert torch.equal(attack(model, batch, threat, Noise(3)), attack(model, batch, threat, Noise(3)))


def assert_batch_size_invariant(attack: Attack, model: MultiTaskModel, batch: Batch, threat: ThreatModel) -> None:
    together = attack(model, batch, threat, Noise())
    for i in range(len(batch.x)):
        alone = Batch(batch.x[i : i + 1], {t: v[i : i + 1] for t, v in batch.truth.items()}, batch.ids[i : i + 1])
        torch.testing.assert_close(attack(model, alone, threat, Noise())[0], together[i])


def assert_beats_noise(attack: Attack, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Attack) -> None:
    def arlc(x: torch.Tensor) -> float:
        clean, attacked = model.losses(batch), model.losses(batch.at(x))
        changes = [(attacked[task] - clean[task]) / clean[task] for task in clean]
        return torch.stack(changes).mean().item()

    assert arlc(attack(model, batch, threat, Noise())) > arlc(noise(model, batch, threat, Noise()))
