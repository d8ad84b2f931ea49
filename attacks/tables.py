"""Every balancing, optimizer and whole attack by name: a new one is a file, and a line here."""

from __future__ import annotations

from collections.abc import Callable

from ..benchmark.protocol.registry import Registry
from ..benchmark.protocol.types import Attack
from .balancing.base import Balancing
from .doors import check_attack, check_balancing, check_optimizer
from .naming import Grammar

BALANCINGS: Registry[Callable[..., Balancing]] = Registry(
    "balancing",
    {
        "single": "mtrbench.attacks.balancing.single:Single",
        "total": "mtrbench.attacks.balancing.total:Total",
        "signsum": "mtrbench.attacks.balancing.signsum:SignSum",
        "dgba": "mtrbench.attacks.balancing.dgba:Dgba",
        "dgba-worst": "mtrbench.attacks.balancing.dgba_worst:DgbaWorst",
        "dgba-protected": "mtrbench.attacks.balancing.dgba_protected:DgbaProtected",
        "dgba-sparse": "mtrbench.attacks.balancing.dgba_sparse:DgbaSparse",
        "dgba-grid": "mtrbench.attacks.balancing.dgba_grid:DgbaGrid",
        "wgd": "mtrbench.attacks.balancing.wgd:Wgd",
        "smta": "mtrbench.attacks.balancing.smta:Smta",
        "minmax": "mtrbench.attacks.balancing.minmax:MinMax",
        "moo": "mtrbench.attacks.balancing.moo:Moo",
        "random-task": "mtrbench.attacks.balancing.random_task:RandomTask",
        "mgda": "mtrbench.attacks.balancing.jacobian:MGDA",
        "pcgrad": "mtrbench.attacks.balancing.jacobian:PCGrad",
        "cagrad": "mtrbench.attacks.balancing.jacobian:CAGrad",
        "imtl-g": "mtrbench.attacks.balancing.jacobian:IMTLG",
        "nash-mtl": "mtrbench.attacks.balancing.jacobian:NashMTL",
        "upgrad": "mtrbench.attacks.balancing.jacobian:UPGrad",
        "aligned-mtl": "mtrbench.attacks.balancing.jacobian:AlignedMTL",
    },
    check_balancing,
    group="mtrbench.balancings",
    refuses=lambda name: "a whole attack is called so" if name in WHOLE.entries else None,
)
OPTIMIZERS: Registry[Callable[..., Attack]] = Registry(
    "optimizer",
    {
        "fgsm": "mtrbench.attacks.optimizers.fgsm:FGSM",
        "pgd": "mtrbench.attacks.optimizers.pgd:PGD",
        "mim": "mtrbench.attacks.optimizers.mim:MIM",
        "ni": "mtrbench.attacks.optimizers.ni:NI",
        "vmi": "mtrbench.attacks.optimizers.vmi:VMI",
        "apgd": "mtrbench.attacks.optimizers.apgd:APGD",
    },
    check_optimizer,
    group="mtrbench.optimizers",
    refuses=lambda name: "the name of an optimizer has no dash" if "-" in name else None,
)
WHOLE: Registry[Callable[..., Attack]] = Registry(
    "attack",
    {
        "noise": "mtrbench.attacks.whole.noise:RandomNoise",
        "segpgd": "mtrbench.attacks.whole.segpgd:SegPGD",
        "cospgd": "mtrbench.attacks.whole.cospgd:CosPGD",
        "auto-saga": "mtrbench.attacks.whole.auto_saga:AutoSaga",
        "square": "mtrbench.attacks.whole.square:Square",
        "uap": "mtrbench.attacks.whole.uap:Uap",
        "worst-of": "mtrbench.attacks.whole.worst_of:WorstOf",
        "in-turn": "mtrbench.attacks.whole.in_turn:InTurn",
        "auto": "mtrbench.attacks.whole.auto:Auto",
    },
    check_attack,
    group="mtrbench.attacks",
    refuses=lambda name: "the name is taken" if name in BALANCINGS or _is_product(name) else None,
)
NAMES = Grammar(BALANCINGS, OPTIMIZERS, WHOLE)


def _is_product(name: str) -> bool:
    head, _, optimizer = name.rpartition("-")
    return head in BALANCINGS and optimizer in OPTIMIZERS
