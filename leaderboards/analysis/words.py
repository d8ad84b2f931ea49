"""Attacks and layouts in words, for pictures: whoever looks at one has not learnt the names."""

from __future__ import annotations

from ...benchmark.protocol.facts import TRAIN, AttackFacts, ModelFacts

BALANCINGS = {
    "total": "sum of losses",
    "signsum": "sum of signs",
    "dgba": "DGBA",
    "dgba-worst": "DGBA on the worst task",
    "dgba-grid": "DGBA on 8 bits",
    "relative": "relative losses",
    "wgd": "WGD",
    "moo": "MOO",
    "minmax": "min-max",
    "random-task": "a task at random",
    "mgda": "MGDA",
    "pcgrad": "PCGrad",
    "imtl-g": "IMTL-G",
    "cagrad": "CAGrad",
    "nash-mtl": "Nash-MTL",
    "upgrad": "UPGrad",
    "aligned-mtl": "Aligned-MTL",
}
ON_ONE_TASK = {"single": "{} alone", "dgba-protected": "DGBA sparing {}", "smta": "stealthy on {}"}
OPTIMIZERS = {"fgsm": "one step", "pgd": "PGD", "mim": "MIM", "ni": "NI", "vmi": "VMI", "apgd": "APGD"}
WHOLE = {"noise": "noise", "auto": "auto, the standard"}
LOSSES = {"score": "the score itself"}


def attack_words(label: str, name: str, facts: AttackFacts) -> str:
    """An attack in words, its name where there are none; `label` is the name with what tells it apart."""
    apart = label.removeprefix(name)
    if facts.kind != "product":
        return WHOLE.get(name, name) + apart
    balancing = facts.balancing or ""
    if facts.task and balancing in ON_ONE_TASK:
        words = ON_ONE_TASK[balancing].format(facts.task)
    else:
        words = BALANCINGS.get(balancing, balancing) + (f" ({facts.argument})" if facts.argument else "")
    on = "" if facts.losses == TRAIN else f" on {LOSSES.get(facts.losses, f'{facts.losses} losses')}"
    return f"{words}, {OPTIMIZERS.get(facts.optimizer or '', facts.optimizer)}{on}{apart}"


def layout_words(facts: ModelFacts) -> str:
    """A layout as the zoo's names have it: shared, branch3 (three blocks, then apart), depth+normals, independent."""
    blocks = [[group.split() for group in line.split("/")] for line in facts.layout or ()]
    if not blocks:
        return "" if facts.sharing_index is None else f"sharing {facts.sharing_index:.2f}"
    shared = sum(len(groups) == 1 for groups in blocks)
    if shared == len(blocks):
        return "shared"
    together = sorted({"+".join(group) for groups in blocks[shared:] for group in groups if len(group) > 1})
    if together:
        return ", ".join(together)
    return f"branch{shared}" if shared else "independent"
