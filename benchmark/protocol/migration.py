"""Records of older schemas as the present one has them: nothing is measured again, and no key changes.

Frozen: what schema 3 said in an attack's name is read here and nowhere else.
"""

from __future__ import annotations

import re
from typing import Any

SCHEMA = 5

_FRACTION = {"unit": "", "higher_is_better": True}
_ERROR = {"unit": "", "higher_is_better": False}
_METRICS_3: dict[str, dict[str, dict[str, Any]]] = {
    "segmentation": {"miou": _FRACTION, "pixel_accuracy": _FRACTION},
    "depth": {
        "abs_err": {"unit": "m", "higher_is_better": False},
        "rel_err": _ERROR,
        **{f"delta{k}": _FRACTION for k in (1, 2, 3)},
    },
    "normals": {
        **{f"angle_{kind}": {"unit": "deg", "higher_is_better": False} for kind in ("mean", "median")},
        **{f"within_{limit}": _FRACTION for limit in ("11.25", "22.5", "30")},
    },
    "keypoints2d": {"mae": _ERROR},
    "edge_texture": {"mae": _ERROR},
}
_OPTIMIZERS_3 = ("fgsm", "pgd", "mim", "ni", "vmi", "apgd")
_KINDS_3 = {"noise": "control", "square": "black box", "auto": "ensemble", "worst-of": "ensemble"}
_AUTO_3 = ["total-apgd@aligned", "single:normals-apgd@aligned", "dgba-apgd", "square[queries=200]"]
_AFTER_A_TASK_3 = ("single", "smta", "dgba-protected")


def migrated(content: dict[str, Any]) -> dict[str, Any]:
    """A record's content under the present schema; that of an unknown schema, or no record, as it is."""
    if content.get("schema") == 3:
        content = _with_facts(content)
    if content.get("schema") != 4:
        return content
    # What was typed there, nobody had to show.
    return {name: value for name, value in content.items() if name != "tier"} | {"schema": SCHEMA}


def _with_facts(content: dict[str, Any]) -> dict[str, Any]:
    """Schema 4, out of schema 3."""
    if not isinstance(content.get("cell"), dict) or "facts" not in content:
        return content
    cell = content["cell"]
    facts: dict[str, Any] = {"model_facts": content["facts"], "task_facts": task_facts(cell.get("tasks"))}
    attack = cell.get("attack")
    if isinstance(attack, dict):
        facts["attack_facts"] = attack_facts(str(attack.get("name")))
    return {name: value for name, value in content.items() if name != "facts"} | {"schema": 4, **facts}


def task_facts(tasks: object) -> dict[str, Any]:
    """What schema 3 knew of the tasks by their names."""
    names = tasks if isinstance(tasks, dict) else {}
    return {name: {"metrics": _METRICS_3[name]} for name in names if name in _METRICS_3}


def attack_facts(name: str) -> dict[str, Any]:
    """What schema 3 said of an attack by its name alone."""
    whole, _, rest = name.partition(":")
    if whole == "worst-of" and rest:
        return {"kind": "ensemble", "argument": rest, "members": re.split(r",(?![^\[]*\])", rest)}
    plain, _, losses = name.partition("@")
    found: dict[str, Any] = {"losses": losses or "train"}
    head, _, optimizer = plain.rpartition("-")
    if optimizer in _OPTIMIZERS_3 and head:
        balancing, _, argument = head.partition(":")
        found |= {"kind": "product", "balancing": balancing, "optimizer": optimizer, "one_step": optimizer == "fgsm"}
        if argument:
            found["argument"] = argument
        if balancing in _AFTER_A_TASK_3:
            found |= {"task": argument, "spares": balancing == "dgba-protected"}
        return found
    base, _, argument = plain.partition(":")
    found["kind"] = _KINDS_3.get(base, "whole")
    if argument:
        found["argument"] = argument
    if base == "auto":
        found |= {"members": _AUTO_3, "standard": True}
    return found
