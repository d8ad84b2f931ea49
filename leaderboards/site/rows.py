"""What rows of the site's tables lead to, and what a reader can pick them by."""

from __future__ import annotations

import hashlib
import re
from collections import Counter

from ..analysis.group import Group

OTHER = "other"
"""What stands for every optimizer that only one attack has."""


def page_name(kind: str, name: str) -> str:
    """The file of a page: what is harmless of the name, and a digest that tells all apart."""
    return f"{kind}-{slug(name, name)}.html"


def slug(text: str, whole: str) -> str:
    """What is harmless of `text`, and a digest of the `whole`."""
    harmless = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60]
    return f"{harmless}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def links(part: Group, kind: str) -> dict[str, str]:
    """The page of every model, or of every attack."""
    return {name: page_name(kind, name) for name in (part.models if kind == "model" else part.attacks)}


def training_tags(part: Group) -> dict[str, dict[str, str]]:
    """The training of every model."""
    return {model: {"training": part.training(model)} for model in part.models}


def attack_tags(part: Group) -> dict[str, dict[str, str]]:
    """The optimizer and the losses of every attack, to pick rows by."""
    facts = {attack: part.attack_facts(attack) for attack in part.attacks}
    counts = Counter(of.optimizer for of in facts.values())
    return {
        attack: {"optimizer": of.optimizer if of.optimizer and counts[of.optimizer] > 1 else OTHER, "losses": of.losses}
        for attack, of in facts.items()
    }
