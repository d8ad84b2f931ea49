"""The command line that measures a cell."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from .cells import AttackRef, Cell, ThreatRef
from .eps import written_eps
from .facts import AttackFacts
from .settings import write_setting


def run_command(
    cell: Cell, attack: AttackRef, facts: AttackFacts, threat: ThreatRef, others: Sequence[str] = ()
) -> str:
    """`mtrbench run ...` for an attacked cell, every setting said; see `Record.command`."""
    settings = dict(attack.settings)
    steps = settings.pop("steps", None)
    models = [cell.model.name, *([cell.source.name] if cell.source else []), *others]
    words = ["mtrbench", "run"]
    for model in models:
        words += ["--model", model]
    words += ["--attack", attack.name + _brackets(settings, facts), "--dataset", cell.dataset.name]
    words += [
        "--images",
        str(cell.dataset.images),
        "--norm",
        threat.norm,
        "--eps",
        written_eps(threat.eps, threat.norm),
    ]
    words += [] if steps is None else ["--steps", str(steps)]
    words += [] if threat.targets is None else ["--targets", ",".join(threat.targets)]
    words += ["--seed", str(cell.seed), *(["--transfer"] if cell.source else [])]
    return shlex.join(words)


def _brackets(settings: Mapping[str, object], facts: AttackFacts) -> str:
    # All behind the colon of a whole attack is its argument; it has its other settings by default.
    if facts.kind != "product" and facts.argument is not None:
        return ""
    said = [f"{name}={write_setting(value)}" for name, value in settings.items() if value is not None]
    return f"[{','.join(said)}]" if said else ""
