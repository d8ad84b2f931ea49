"""One change for all images, made out of the whole split."""

from __future__ import annotations

import pytest
import torch
from helpers.splits import fitted, parts_of
from helpers.threats import both_norms, l2
from helpers.toys import curved_model

from mtrbench import BadInputError, load_attack
from mtrbench.attacks.conformance.toys import linear_model, middle_batch
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.threat import ThreatModel


@both_norms
def test_changes_every_image_alike(threat: ThreatModel) -> None:
    batch = middle_batch(5)
    attack = fitted("uap", curved_model(), parts_of(batch, 3, 2), threat)
    other = middle_batch(3, seed=1)
    changes = [attack(curved_model(), b, threat, Noise()) - b.x for b in (batch, other)]
    for change in changes:
        torch.testing.assert_close(change, changes[0][:1].expand_as(change), rtol=0, atol=1e-6)
    assert changes[0].abs().max() > 0


@both_norms
def test_reaches_the_optimum_for_all_images_of_a_linear_model(threat: ThreatModel) -> None:
    # However many batches the split has: the steps add up to more than the budget.
    model, batch = linear_model(("a",)), middle_batch(5, tasks=("a",))
    attack = fitted("uap", model, parts_of(batch, 2, 2, 1), threat)
    w = model.net.weights["a"].detach()
    dual = w.abs().sum() if threat.norm == "linf" else w.norm()
    gain = model.losses(batch.at(attack(model, batch, threat, Noise())))["a"] - model.losses(batch)["a"]
    torch.testing.assert_close(gain, (threat.eps * dual).expand(5), rtol=1e-4, atol=1e-4)


@both_norms
def test_change_is_in_the_ball(threat: ThreatModel) -> None:
    attack = load_attack("uap", reach=20.0).fitted(curved_model(), [middle_batch()], threat, Noise())
    length = threat.distance(torch.zeros_like(attack.delta), attack.delta).item()
    assert length == pytest.approx(threat.eps, rel=1e-4)


def test_other_losses_leave_it_an_attack_on_the_whole_split() -> None:
    # No set has a loss for the toy's tasks: the same change, out of the same split. In l2, where no sign hides it.
    model, alone = curved_model(), middle_batch(1)
    made = [fitted(name, model, [middle_batch()], l2)(model, alone, l2, Noise()) for name in ("uap", "uap@aligned")]
    assert torch.equal(*made)
    assert not torch.equal(made[0], load_attack("uap")(model, alone, l2, Noise()))


@pytest.mark.parametrize(("settings", "message"), [({"epochs": 0}, "epochs of uap"), ({"reach": 0.0}, "reach of uap")])
def test_refuses(settings: dict[str, float], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        load_attack("uap", **settings)
