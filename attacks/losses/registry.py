"""The sets of losses by name, which stands behind the `@` of an attack's."""

from __future__ import annotations

from ...benchmark.protocol.facts import TRAIN
from ...benchmark.protocol.registry import Registry
from ..doors import Losses, check_losses

SCORE = "score"
"""The set whose losses are the tasks' soft damage, relative to the clean split; see score.py."""

LOSSES: Registry[Losses] = Registry(
    "losses",
    {
        "aligned": "mtrbench.attacks.losses.sets:ALIGNED",
        "masked-ce": "mtrbench.attacks.losses.sets:MASKED_CE",
        "margin": "mtrbench.attacks.losses.sets:MARGIN",
        "js": "mtrbench.attacks.losses.sets:JS",
        "segpgd": "mtrbench.attacks.losses.sets:SEGPGD",
        "cospgd": "mtrbench.attacks.losses.sets:COSPGD",
        "relative": "mtrbench.attacks.losses.sets:RELATIVE",
        "log": "mtrbench.attacks.losses.sets:LOG",
        "angle": "mtrbench.attacks.losses.sets:ANGLE",
    },
    check_losses,
    group="mtrbench.losses",
    refuses=lambda name: f"{name} is taken" if name in (TRAIN, SCORE) else None,
)


def losses_of(name: str) -> Losses:
    """The set called `name`, empty for `train` and `score`; raises BadInputError for an unknown one."""
    return {} if name in (TRAIN, SCORE) else LOSSES.get(name)
