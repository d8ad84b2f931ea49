"""A model's card for people."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from tabulate import tabulate

from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.tasks.base import Task
from ..models.card import Card, Clean, Training
from ..models.nets.layout import Layout


def card_text(card: Card, sharing: Mapping[str, float | None], folder: Path) -> str:
    """What the model is, how its tasks share it, where it comes from and how well it does; `sharing` by its kinds.

    The card lies in `folder`.
    """
    tasks = ", ".join(name + _settings(settings) for name, settings in card.tasks.items())
    header = {
        "name": card.name,
        "trained on": f"{card.dataset}, images of {card.size[0]} x {card.size[1]}",
        "tasks": tasks,
        "licence": card.licence,
        "paper": card.paper,
        "twin": card.twin,
        "superseded by": card.superseded_by,
        "architecture": card.architecture.entry + _settings(card.architecture.settings),
        "weights": f"{card.weights.file}, sha256 {card.weights.sha256[:12]}...",
    }
    shared = ", ".join(
        f"{'-' if index is None else f'{index:.2f}'} by {kind.replace('_', '-')}" for kind, index in sharing.items()
    )
    return "\n".join(
        [
            *(f"{title}: {value}" for title, value in header.items() if value is not None),
            "",
            *_layout(card.architecture.parsed),
            f"sharing index: {shared}",
            "",
            "training:",
            *_indented(_provenance(card.training)),
            "",
            f"clean scores on {card.clean.images} images, with 95 % intervals:",
            *_indented(_scores(card.clean, _tasks(card, folder)).splitlines()),
        ]
    )


def _layout(layout: Layout | None) -> list[str]:
    if layout is None:
        return ["layout: not known"]
    return ["layout: tasks between the same brackets share the block", *_indented(drawn(layout))]


def drawn(layout: Layout) -> list[str]:
    """A line per block, the tasks in columns: `[a  b  c]` where all share it, `[a  b][c]` where c has parted.

    The order of the tasks keeps those that part last side by side, so that every group is one bracket.
    """
    places = {
        task: [next(i for i, group in enumerate(partition) if task in group) for partition in layout.blocks]
        for task in layout.tasks
    }
    order = sorted(layout.tasks, key=places.__getitem__)
    lines = []
    for number in range(len(layout.blocks)):
        line = order[0]
        for before, task in pairwise(order):
            line += ("  " if places[before][number] == places[task][number] else "][") + task
        lines.append(f"block {number + 1:{len(str(len(layout.blocks)))}}  [{line}]")
    return lines


def _provenance(training: Training | None) -> list[str]:
    """What is known of a training, a line for each kind of thing."""
    if training is None:
        return ["not known"]
    lines = [_origin(training), _attack(training), _course(training), _machine(training), _versions(training)]
    return [line for line in lines if line]


def _origin(training: Training) -> str:
    recipe = f"recipe {training.recipe}" if training.recipe else ""
    if training.recipe_sha256:
        recipe += f", sha256 {training.recipe_sha256[:12]}..."
    start = "from scratch" if recipe else ""
    if training.initial:
        start = f"from {training.initial}"
    elif training.backbone_sha256:
        start = f"from backbone weights, sha256 {training.backbone_sha256[:12]}..."
    return ", ".join(filter(None, [recipe, start]))


def _attack(training: Training) -> str:
    if training.adversary is None:
        return "without attack"
    attack = f"against {training.adversary}{_settings(training.settings or {})}"
    if training.start is not None and training.share is not None:
        attack += f", from step {training.start} on, {training.share:.0%} of every batch"
    return attack


def _course(training: Training) -> str:
    parts = {
        "{} steps": training.steps,
        "weights of step {}": training.best_step,
        "seed {}": training.seed,
        "{} scenes": training.scenes,
    }
    return ", ".join(text.format(value) for text, value in parts.items() if value is not None)


def _machine(training: Training) -> str:
    time = "" if training.seconds is None else f"{training.seconds / 60:.1f} minutes"
    return " on ".join(filter(None, [time, training.hardware]))


def _versions(training: Training) -> str:
    return ", ".join(f"{package} {version}" for package, version in (training.versions or {}).items())


def _tasks(card: Card, folder: Path) -> Mapping[str, Task]:
    """The card's tasks; none if one is not installed: the rest of the card can be read all the same."""
    try:
        return card.make_tasks(folder)
    except BadInputError:
        return {}


def _scores(clean: Clean, tasks: Mapping[str, Task]) -> str:
    rows = []
    for task, scores in clean.scores.items():
        metrics = {metric.name: metric for metric in (tasks[task].metrics if task in tasks else ())}
        for name, value in scores.items():
            metric = metrics.get(name)  # a card may state what nobody knows
            interval = (clean.intervals or {}).get(task, {}).get(name)
            rows.append(
                {
                    "task": task,
                    "metric": f"{name} {'↑' if metric.higher_is_better else '↓'}" if metric else name,
                    "score": f"{value:.3f}",
                    "interval": f"[{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "-",
                    "unit": metric.unit if metric else "",
                }
            )
    return tabulate(rows, headers="keys", colalign=("left", "left", "right", "left", "left"), disable_numparse=True)


def _settings(settings: Mapping[str, object]) -> str:
    return f" ({', '.join(f'{name} {value}' for name, value in settings.items())})" if settings else ""


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}".rstrip() for line in lines]
