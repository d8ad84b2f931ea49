"""Flags: signs that an attack is broken rather than its model robust."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .groups import Group, is_black_box, is_control
from .ranking import is_above

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
    for model in group.models:
        scores = {attack: score for attack in group.attacks if (score := group.ard(model, attack))}
        black = [scores[attack] for attack in scores if is_black_box(attack)]
        for attack in filter(_is_judged, scores):
            record, score = group.records[model, attack], scores[attack]
            diagnostics = record.diagnostics
            one_step = group.counterpart(model, attack, _one_step(record.attack.name))
            holds = {
                NO_GRADIENT: max(diagnostics.zero_gradient.values(), default=0.0) > ZERO_GRADIENT,
                NOISE: diagnostics.noise.value is not None and diagnostics.noise.value >= score.value,
                ONE_STEP: one_step is not None and is_above(scores[one_step], score),
                BLACK_BOX: any(is_above(other, score) for other in black),
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


def _is_judged(attack: str) -> bool:
    return not is_control(attack) and not is_black_box(attack)


def _one_step(name: str) -> str:
    """`dgba:clean-pgd@margin` as `dgba:clean-fgsm@margin`; a name without an optimizer becomes none that exists."""
    return re.sub(r"-\w+(@.*)?$", r"-fgsm\1", name)
