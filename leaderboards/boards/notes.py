"""What a reader must know beside a board's numbers, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.group import Group

LISTED = 6
"""Names that a sentence has room for."""


def common_notes(group: Group) -> list[str]:
    """Sentences about models foreign to the data set, the steps of attacks, and records that do not count as others."""
    dataset = group.setting.dataset
    foreign: dict[str, list[str]] = {}
    for model in group.models:
        trained_on = group.facts(model).trained_on
        if _family(trained_on) != _family(dataset):
            foreign.setdefault(trained_on, []).append(model)
    notes = [
        f"Out of domain: {listed(models)} never saw {dataset} in training (trained on {trained_on}); "
        f"the clean accuracy shown is that on {dataset}."
        for trained_on, models in sorted(foreign.items())
    ]
    if len(group.steps) == 1:
        # A suite's number of steps does not reach what attacks are made of.
        own = [attack for attack in group.attacks if group.attack_facts(attack).kind == "ensemble"]
        but = f"; the members of {listed(own)} have their own" if own else ""
        notes.append(f"Iterative attacks take {group.steps[0]} steps{but}.")
    count, incomplete = len(group.records), group.incomplete
    if incomplete:
        notes.append(f"{incomplete} of {count} records {_are(incomplete)} incomplete (a score is undefined).")
    if group.has_tiers:
        notes.append(f"{group.local} of {count} records {_are(group.local)} local, not published.")
    if group.left_out:
        records_are = "record is" if group.left_out == 1 else "records are"
        notes.append(f"{group.left_out} superseded or invalidated {records_are} left out.")
    return notes


def _family(dataset: str) -> str:
    """rooms3 and rooms5 are the same images under more or fewer tasks."""
    return dataset.rstrip("0123456789")


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def listed(names: Sequence[str]) -> str:
    """Names as code, with commas between them; of many the first and the number of the others."""
    shown = names if len(names) <= LISTED + 1 else names[:LISTED]
    others = f" and {len(names) - len(shown)} others" if len(shown) < len(names) else ""
    return ", ".join(f"`{name}`" for name in shown) + others
