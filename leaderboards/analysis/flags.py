"""Flags: signs that an attack is broken rather than its model robust."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from .attack_kinds import is_black_box, is_control
from .groups import Group
from .labels import name_of
from .ranking import surely_positive

Flags = tuple[str, ...]

ZERO_GRADIENT = 0.05
"""The largest share of images without a gradient of a task's loss that is no sign of anything."""

NO_GRADIENT, NOISE, ONE_STEP, BLACK_BOX = "no gradient", "noise beats it", "one step beats it", "black box beats it"

MEANINGS = {
    NO_GRADIENT: f"more than {ZERO_GRADIENT:.0%} of the clean images have no gradient of some task's loss",
    NOISE: "sign noise of the same budget does at least as much damage",
    ONE_STEP: "the same attack in one step (`fgsm`) does significantly more damage",
    BLACK_BOX: "an attack that asks for losses only does significantly more damage",
}


def flags(group: Group) -> dict[tuple[str, str], Flags]:
    """The flags of every complete pair of model and attack but controls and black boxes (arXiv 1902.06705)."""
    found = {}
    black_boxes = [attack for attack in group.attacks if is_black_box(attack)]
    one_steps = {a: _one_step(a) for a in group.attacks if not is_control(a) and not is_black_box(a)}
    for model in group.models:
        scores = {attack: score for attack in group.attacks if (score := group.ard(model, attack))}
        judged = [attack for attack in one_steps if attack in scores]
        if not judged:
            continue
        own = np.stack([scores[attack].replicates for attack in judged])
        # An attack without such a counterpart is its own, which it does not beat.
        rivals = [group.counterpart(model, attack, one_steps[attack]) or attack for attack in judged]
        one_step_wins = surely_positive(np.stack([scores[rival].replicates for rival in rivals]) - own)
        black_box_wins = np.zeros(len(judged), bool)
        for attack in black_boxes:
            if attack in scores:
                black_box_wins |= surely_positive(scores[attack].replicates - own)
        for attack, in_one_step, by_losses in zip(judged, one_step_wins, black_box_wins, strict=True):
            diagnostics = group.records[model, attack].diagnostics
            noise = diagnostics.noise.value
            holds = {
                NO_GRADIENT: max(diagnostics.zero_gradient.values(), default=0.0) > ZERO_GRADIENT,
                NOISE: noise is not None and noise >= scores[attack].value,
                ONE_STEP: in_one_step,
                BLACK_BOX: by_losses,
            }
            found[model, attack] = tuple(flag for flag in MEANINGS if holds[flag])
    return found


def model_flags(group: Group) -> dict[str, Flags]:
    """The flags of every model: those of the white-box attack that does it the most damage."""
    raised: dict[str, Flags] = dict.fromkeys(group.models, ())
    strongest = dict.fromkeys(group.models, float("-inf"))
    for (model, attack), signs in flags(group).items():
        score = group.ard(model, attack)
        if score and score.value > strongest[model]:
            strongest[model], raised[model] = score.value, signs
    return raised


def counted(raised: Sequence[Flags]) -> str | None:
    """The flags that any of several models raises, with the number of models that do; None without any."""
    counts = {flag: sum(flag in signs for signs in raised) for flag in MEANINGS}
    of = f" ({{}} of {len(raised)})" if len(raised) > 1 else ""
    return "; ".join(f"{flag}{of.format(count)}" for flag, count in counts.items() if count) or None


def explained(raised: Sequence[Flags], subject: str = "an attack") -> str:
    """A sentence on every flag that occurs, empty without any; `subject` is what the flags are about."""
    meanings = [f"*{flag}*: {text}" for flag, text in MEANINGS.items() if any(flag in signs for signs in raised)]
    start = f"Flags are signs that {subject} is broken rather than the model robust"
    return f"{start}: {'; '.join(meanings)}." if meanings else ""


def _one_step(attack: str) -> str:
    """`dgba:clean-pgd@margin` as `dgba:clean-fgsm@margin`; a name without an optimizer becomes none that exists."""
    return re.sub(r"-\w+(@.*)?$", r"-fgsm\1", name_of(attack))
