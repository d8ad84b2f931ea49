"""What an attack should achieve, where it is known what that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

import torch
from torch import Tensor

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.findings import Finding
from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.per_sample import sum_of
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Attack
from ..balancing.base import Finishing, Iterate, objective_of, relative_change
from ..parts import balancing_of, innermost
from ..traits import is_control, sees_no_gradients
from ..whole.noise import RandomNoise
from .scene import Scene, perturbed
from .toys import steered

# Rounding of the images, and of programs whose coefficients are quantised.
SHORT_OF_OPTIMUM = 2e-3
# Attacks climb by signs and by lot, and may lose a little where they could stay: a tenth is no accident.
CLEAR_LOSS = 0.1
FEW = {"steps": 3, "queries": 40, "neighbours": 2}
"""Settings that decide how long an attack takes, as they are under test."""


@dataclass(frozen=True)
class Subject:
    """An attack under test: `make(**settings)` makes it, out of `settings`, on few steps unless told otherwise.

    `scene` is the pretrained model that it is to be strong on.
    """

    make: Callable[..., Attack]
    settings: tuple[str, ...]
    scene: Scene

    def attack(self, **settings: object) -> Attack:
        return self.make(**{**{key: FEW[key] for key in FEW if key in self.settings}, **settings})

    @cached_property
    def gain(self) -> float:
        """What the attack gains on the scene; see `gain_of`."""
        return gain_of(self.attack(), self.scene)


def reaches_linear_optimum(subject: Subject) -> Finding:
    """Where the loss rises with <w, x>, that gains eps times the dual norm of w, as much as the budget allows.

    On the model of one task that `steered` makes, for the first of the tasks that the attack does not refuse, and
    without a `random_start`, which takes steps to forget. Does not apply to attacks that see no gradients
    (`BlackBox`), whose images have to meet more than the budget (`Finishing`), or that refuse to attack one task alone.
    """
    straight = {"random_start": False} if "random_start" in subject.settings else {}
    attack = subject.attack(**straight)
    if sees_no_gradients(innermost(attack)):
        return Finding("does not apply", "sees no gradients")
    if isinstance(balancing_of(attack), Finishing):
        return Finding("does not apply", "its images have to meet more than the budget")
    for name, task in subject.scene.model.tasks.items():
        model, batch = steered(name, task, size=3)
        shares = {}
        for threat in (ThreatModel("linf", 4 / 255), ThreatModel("l2", 0.3)):
            scene = Scene("linear", model, batch, threat)
            try:
                x = perturbed(subject.attack(**straight), scene)
            except BadInputError:
                break
            weight = model.net.get_parameter("weight").detach().unsqueeze(0)
            shares[threat.norm] = _share_of_optimum(scene, weight, x)
        else:
            found = ", ".join(f"{norm} {share:.2%}" for norm, share in shares.items())
            enough = all(share >= 1 - SHORT_OF_OPTIMUM for share in shares.values())
            return Finding("pass" if enough else "fail", f"of the most that {name} can gain: {found}")
    return Finding("does not apply", "refuses to attack one task alone")


def beats_noise(subject: Subject) -> Finding:
    """On the pretrained model it raises what it climbs further than signs at random of the budget's size.

    Where its images have to meet more than the budget (`Finishing`), the control changes only the values
    that the attack changes too.
    """
    attack, scene = subject.attack(), subject.scene
    if is_control(innermost(attack)):
        return Finding("does not apply", "is the control itself")
    control = perturbed(RandomNoise(), scene)
    if isinstance(balancing_of(attack), Finishing):
        control = torch.where(perturbed(attack, scene) != scene.batch.x, control, scene.batch.x)
    noise = raised(attack, scene, control)
    found = f"what it climbs rises by {subject.gain:.3g}, under noise by {noise:.3g}"
    return Finding("pass" if subject.gain > noise else "fail", found)


def more_steps_never_clearly_hurt(subject: Subject) -> Finding:
    """On the pretrained model twice the steps keep nine tenths of the gain; does not apply without `steps`."""
    if "steps" not in subject.settings:
        return Finding("does not apply", "has no setting steps")
    many = 2 * FEW["steps"]
    return _kept(subject.gain, gain_of(subject.attack(steps=many), subject.scene), f"{many} steps")


def larger_budget_never_clearly_hurts(subject: Subject) -> Finding:
    """On the pretrained model twice the budget keeps nine tenths of the gain."""
    threat = subject.scene.threat
    larger = subject.scene.within(replace(threat, eps=2 * threat.eps))
    return _kept(subject.gain, gain_of(subject.attack(), larger), "twice the budget")


STRENGTHS: Mapping[str, Callable[[Subject], Finding]] = MappingProxyType(
    {
        "reaches-linear-optimum": reaches_linear_optimum,
        "beats-noise": beats_noise,
        "more-steps-never-clearly-hurt": more_steps_never_clearly_hurt,
        "larger-budget-never-clearly-hurts": larger_budget_never_clearly_hurts,
    }
)


def gain_of(attack: Attack, scene: Scene) -> float:
    """How far the attack raises what it climbs on a scene."""
    return raised(attack, scene, perturbed(attack, scene))


def raised(attack: Attack, scene: Scene, x: Tensor) -> float:
    """How far `x` raises what the attack climbs above its value at the clean images, mean over samples.

    That is the objective of its balancing, the loss of one task for `single`, and the averaged relative loss change of
    all tasks where it has none; in the model's own losses, whatever losses it ascends.
    """
    clean = scene.model.losses(scene.batch)
    balancing = balancing_of(attack)

    def objective(images: Tensor) -> Tensor:
        losses = scene.model.losses(scene.batch.at(images))
        at = Iterate(images, losses, clean, scene.batch.ids, 0, Noise(), {}, scene.threat)
        return relative_change(at) if balancing is None else objective_of(balancing, at)

    with torch.no_grad():
        return (objective(x) - objective(scene.batch.x)).double().mean().item()


def _kept(before: float, after: float, what: str) -> Finding:
    # Who gained nothing has nothing to lose; beats-noise is there to see it.
    lost = before > 0 and not after >= (1 - CLEAR_LOSS) * before
    return Finding(
        "fail" if lost else "pass", f"with {what} what it climbs rises by {after:.3g} instead of {before:.3g}"
    )


def _share_of_optimum(scene: Scene, weight: Tensor, x: Tensor) -> float:
    """The least of the samples' <w, x_adv - x> / (eps |w|_dual)."""
    most = scene.threat.eps * (weight * scene.threat.ascend(weight)).sum()
    return sum_of((x - scene.batch.x) * weight).min().item() / most.item()
