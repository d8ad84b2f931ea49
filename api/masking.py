"""Signs that a model hides its gradients rather than being robust (arXiv 1802.00420, 1902.06705), on a few images."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray

from ..attacks.conformance.scene import Scene, perturbed
from ..attacks.registry import load_attack
from ..benchmark.protocol.findings import Finding
from ..benchmark.protocol.threat import ThreatModel
from ..benchmark.protocol.types import Attack, Batch, MultiTaskModel
from ..benchmark.stats import Bootstrapped, mean, relative_loss_change, resampling_weights
from ..leaderboards.analysis.flags import BLACK_BOX_BEATS, NOISE, ONE_STEP
from ..leaderboards.analysis.ranking import is_above
from ..models.conformance import Property

ATTACK, STEPS = "total-pgd", 10
BUDGET = ThreatModel("linf", 4 / 255)
# Any image at all is within reach.
UNBOUNDED = ThreatModel("linf", 1.0)
MANY_STEPS, QUERIES = 20, 100
BROKEN = 2.0
"""How many times its clean value every task's mean loss must reach without a budget."""


def not_beaten_by(control: str, flag: str, **settings: object) -> Property:
    """ARLC under `control` is below that under TOTAL by PGD, both of eps 4/255; not significantly above, if not noise.

    The criteria are those of the boards' flags.
    """

    def check(model: MultiTaskModel, batch: Batch) -> Finding:
        attack = arlc(model, batch, ATTACK, BUDGET, steps=STEPS)
        other = arlc(model, batch, control, BUDGET, **settings)
        beaten = other.value >= attack.value if flag == NOISE else is_above(other, attack)
        found = f"ARLC is {other.value:.3g} under {control}, {attack.value:.3g} under {ATTACK}"
        return Finding("flag", f"{flag}: {found}") if beaten else Finding("pass", found)

    return check


def falls_without_budget(model: MultiTaskModel, batch: Batch) -> Finding:
    """TOTAL by PGD of eps 1, which may make any image of any other, at least doubles every task's mean loss."""
    attack = load_attack(ATTACK, steps=MANY_STEPS)
    clean, attacked = _losses(model, batch), _losses(model, batch, attack, UNBOUNDED)
    means = {name: (clean[name].mean(), attacked[name].mean()) for name in clean}
    found = ", ".join(f"{name} from {before:.3g} to {after:.3g}" for name, (before, after) in means.items())
    falls = all(after >= BROKEN * before for before, after in means.values())
    return Finding("pass" if falls else "flag", f"mean losses under eps 255/255: {found}")


SIGNS: Mapping[str, Property] = MappingProxyType(
    {
        "attack-beats-noise": not_beaten_by("noise", NOISE),
        "many-steps-beat-one": not_beaten_by("total-fgsm", ONE_STEP),
        "white-box-beats-black": not_beaten_by("square", BLACK_BOX_BEATS, queries=QUERIES),
        "falls-without-budget": falls_without_budget,
    }
)
"""Each passes or raises a flag."""


def arlc(model: MultiTaskModel, batch: Batch, name: str, threat: ThreatModel, **settings: object) -> Bootstrapped:
    """The mean relative change of the losses under an attack."""
    clean, attacked = _losses(model, batch), _losses(model, batch, load_attack(name, **settings), threat)
    weights = resampling_weights(len(batch.ids))
    return mean([relative_loss_change(clean[task], attacked[task], weights) for task in clean])


def _losses(
    model: MultiTaskModel, batch: Batch, attack: Attack | None = None, threat: ThreatModel = BUDGET
) -> dict[str, NDArray[np.float64]]:
    """Per-sample losses by task, on what the attack makes of the images, or on the images."""
    if attack is not None:
        batch = batch.at(perturbed(attack, Scene("model", model, batch, threat)))
    with torch.no_grad():
        return {task: loss.double().numpy() for task, loss in model.losses(batch).items()}
