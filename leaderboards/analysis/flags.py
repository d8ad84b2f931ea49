"""Flags: signs that an attack is broken rather than its model robust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...benchmark.protocol.records import AnyRecord, Record
from ...benchmark.protocol.signs import SIGNS
from .group import Group
from .names import BLACK_BOX, REMARKED
from .ranking import surely_positive

Flags = tuple[str, ...]

ZERO_GRADIENT = 0.05
"""Share of images without a gradient of some task's loss above which the flag is raised."""

NO_GRADIENT, NOISE, ONE_STEP = "no gradient", "noise beats it", "one step beats it"
BLACK_BOX_BEATS = "black box beats it"
SPED_UP = "sped up"

MEANINGS = {
    NO_GRADIENT: f"more than {ZERO_GRADIENT:.0%} of the clean images have no gradient of some task's loss",
    NOISE: "sign noise of the same budget does at least as much damage",
    ONE_STEP: "the same attack in one step (`fgsm`) does significantly more damage",
    BLACK_BOX_BEATS: "an attack that asks for losses only does significantly more damage",
    SPED_UP: "the attack's passes were made faster at the price of other digits (`--speed-up`)",
    **SIGNS,
}


def signs_of(record: AnyRecord) -> Flags:
    """What a record by itself says against its model: what its clean pass found, and that gradients are missing."""
    lacking = isinstance(record, Record) and max(record.diagnostics.zero_gradient.values(), default=0.0) > ZERO_GRADIENT
    return (*record.signs, *([NO_GRADIENT] if lacking else []))


def flags(group: Group) -> dict[tuple[str, str], Flags]:
    """The flags of every complete pair of model and attack but controls and black boxes (arXiv 1902.06705)."""
    found = {}
    kinds = {attack: group.attack_facts(attack).kind for attack in group.attacks}
    black_boxes = [attack for attack, kind in kinds.items() if kind == BLACK_BOX]
    white_boxes = [attack for attack, kind in kinds.items() if kind not in REMARKED]
    for model in group.models:
        scores = {attack: score for attack in group.attacks if (score := group.ard(model, attack))}
        judged = [attack for attack in white_boxes if attack in scores]
        if not judged:
            continue
        own = np.stack([scores[attack].replicates for attack in judged])
        # An attack without such a counterpart is its own, which it does not beat.
        rivals = [group.in_one_step(model, attack) or attack for attack in judged]
        one_step_wins = surely_positive(np.stack([scores[rival].replicates for rival in rivals]) - own)
        black_box_wins = np.zeros(len(judged), bool)
        for attack in black_boxes:
            if attack in scores:
                black_box_wins |= surely_positive(scores[attack].replicates - own)
        for attack, in_one_step, by_losses in zip(judged, one_step_wins, black_box_wins, strict=True):
            record = group.records[model, attack]
            noise = record.diagnostics.noise.value
            holds = {
                NOISE: noise is not None and noise >= scores[attack].value,
                ONE_STEP: in_one_step,
                BLACK_BOX_BEATS: by_losses,
                SPED_UP: bool(record.environment.speedups),
            }
            signs = signs_of(record)
            found[model, attack] = tuple(flag for flag in MEANINGS if holds.get(flag, flag in signs))
    return found


def model_flags(group: Group) -> dict[str, Flags]:
    """The flags of every model: those of the white-box attack that does it the most damage."""
    raised: dict[str, Flags] = dict.fromkeys(group.models, ())
    strongest = dict.fromkeys(group.models, float("-inf"))
    for part in group.parts:
        for (model, attack), signs in part.once(flags).items():
            score = group.ard(model, attack)
            if score and score.value > strongest[model]:
                strongest[model], raised[model] = score.value, signs
    return raised


@dataclass(frozen=True)
class Raised:
    """A flag that `count` of several models raise."""

    flag: str
    count: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.flag} ({self.count} of {self.of})" if self.of > 1 else self.flag


def counted(raised: Sequence[Flags]) -> tuple[Raised, ...] | None:
    """The flags that any of several models raises, with the number of models that do; None without any."""
    counts = {flag: sum(flag in signs for signs in raised) for flag in MEANINGS}
    return tuple(Raised(flag, count, len(raised)) for flag, count in counts.items() if count) or None


def explained(raised: Sequence[Flags], subject: str = "an attack") -> str:
    """A sentence on every flag that occurs, empty without any; `subject` is what the flags are about."""
    meanings = [f"*{flag}*: {text}" for flag, text in MEANINGS.items() if any(flag in signs for signs in raised)]
    start = f"Flags are signs that {subject} is broken rather than the model robust"
    return f"{start}: {'; '.join(meanings)}." if meanings else ""
