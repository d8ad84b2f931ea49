"""What a reader must know beside a board's numbers, in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...benchmark.protocol.facts import UNKNOWN
from ..analysis.group import Group

COVERAGE = {8: 88, 16: 91, 32: 91}
"""How often a nominal 95 % percentile interval of ARD holds the true value, in percent, by images; simulated."""

ENOUGH = 64
"""Images from which on it is about 95 %."""

NOT_INSTALLED = "not installed"
"""The version of a package that was run from its folder."""

LISTED = 6
"""Names that a sentence has room for."""


def common_notes(group: Group) -> list[str]:
    """Sentences on models trained on other data, steps of attacks, few images, and records that count unlike others."""
    return [*_trained_elsewhere(group), *_steps(group), *_coverage(group), *_not_counted(group), *_origins(group)]


def _trained_elsewhere(group: Group) -> list[str]:
    """Which models were trained on another data set; of one from the same images under more tasks a reader knows."""
    dataset = group.setting.dataset
    models: dict[str, list[str]] = {}
    for model in group.models:
        trained_on = group.facts(model).trained_on
        if trained_on not in (dataset, UNKNOWN):
            models.setdefault(trained_on, []).append(model)
    return [
        f"Trained on {trained_on}, not on {dataset}: {listed(models[trained_on])}; the clean scores shown are those on "
        f"{dataset}."
        for trained_on in sorted(models)
    ]


def _steps(group: Group) -> list[str]:
    """How many steps attacks take, if all take as many."""
    if len(group.steps) != 1:
        return []
    # A suite's number of steps does not reach what attacks are made of.
    own = [attack for attack in group.attacks if group.attack_facts(attack).kind == "ensemble"]
    but = f"; the members of {listed(own)} have their own" if own else ""
    return [f"Iterative attacks take {group.steps[0]} steps{but}."]


def _coverage(group: Group) -> list[str]:
    """What intervals over few images are worth."""
    images = group.setting.images
    if images == 1:
        return ["One image has no interval."]
    found = [percent for least, percent in COVERAGE.items() if images >= least]
    if images >= ENOUGH:
        return []
    about = f"about {found[-1]} %" if found else f"less than {COVERAGE[min(COVERAGE)]} %"
    return [f"Over {images} images the nominal 95 % intervals cover {about}."]


def _not_counted(group: Group) -> list[str]:
    """How many records are incomplete, of which tier, or left out."""
    count, incomplete = len(group.records), group.incomplete
    notes = []
    if incomplete:
        notes.append(f"{incomplete} of {count} records {_are(incomplete)} incomplete (a score is undefined).")
    if group.has_tiers:
        counts = ", ".join(f"{number} {tier}" for tier, number in group.tiers.items())
        notes.append(f"Tiers of the {count} records: {counts}; a row has the least of its records'.")
    if group.left_out:
        records_are = "record is" if group.left_out == 1 else "records are"
        notes.append(f"{group.left_out} superseded or invalidated {records_are} left out.")
    return notes


def _origins(group: Group) -> list[str]:
    """How many records were made with another version, or on another device or platform, than most."""
    kinds = {kind: Counter[str]() for kind in ("device", "platform", "mtrbench", "torch", "ortools")}
    for place, count in group.environments:
        values = {**place.versions, "device": place.device_kind, "platform": place.platform}
        for kind, counted in kinds.items():
            if values.get(kind, NOT_INSTALLED) != NOT_INSTALLED:
                counted[values[kind]] += count
    others = []
    for kind, counted in kinds.items():
        counts = counted.most_common()
        others += [f"{count} {kind} {value} (most: {counts[0][0]})" for value, count in counts[1:]]
    return [f"Records made elsewhere than most: {', '.join(others)}."] if others else []


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def listed(names: Sequence[str]) -> str:
    """Names as code, with commas between them; of many the first and the number of the others."""
    shown = names if len(names) <= LISTED + 1 else names[:LISTED]
    others = f" and {len(names) - len(shown)} others" if len(shown) < len(names) else ""
    return ", ".join(f"`{name}`" for name in shown) + others
