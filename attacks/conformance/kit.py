"""Whether an attack is one: every property on toys and on a pretrained model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ...benchmark.protocol.findings import Finding
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Attack, Batch, MultiTaskModel
from .laws import LAWS
from .scene import Scene
from .strength import STRENGTHS, Subject
from .toys import miniature

PROPERTIES = (*LAWS, *STRENGTHS)

# The other laws have nothing to do with the norm.
IN_EVERY_NORM = ("within-budget", "zero-budget-is-clean", "batch-size-invariant")
# A real network has sizes, modes and buffers that toys lack; to the other laws it adds nothing but time.
ON_REAL_NETWORKS = ("within-budget", "leaves-model-alone")


Run = Callable[[Callable[[], Finding]], Finding]


def here(check: Callable[[], Finding]) -> Finding:
    """What `check` finds, run in this process."""
    try:
        return check()
    except (Exception, SystemExit) as error:  # an attack may raise anything
        return Finding.of(error)


def examine(
    make: Callable[..., Attack], settings: tuple[str, ...], model: MultiTaskModel, batch: Batch, run: Run = here
) -> dict[str, Finding]:
    """What was found of every property of `PROPERTIES`, of the attack that `make(**settings)` makes.

    `settings` are the names that `make` takes; `steps` and `queries` are set to few. `model` is a pretrained model and
    `batch` a few of its images; the toys have the same tasks. An attack that raises inside a property lacks it. `run`
    says where each property is looked for, in this process by default.
    """
    linf, l2 = ThreatModel("linf", 4 / 255), ThreatModel("l2", 0.3)
    toy = miniature(model, batch)
    toys = (Scene("toy, linf", *toy, linf), Scene("toy, l2", *toy, l2))
    pretrained = Scene("model, linf", model, batch, linf)
    subject = Subject(make, settings, pretrained)

    def check(name: str) -> Finding:
        return _on_scenes(name, subject, toys, pretrained) if name in LAWS else STRENGTHS[name](subject)

    return {name: run(partial(check, name)) for name in PROPERTIES}


def _on_scenes(name: str, subject: Subject, toys: tuple[Scene, ...], pretrained: Scene) -> Finding:
    scenes = toys if name in IN_EVERY_NORM else toys[:1]
    if name in ON_REAL_NETWORKS:
        scenes = (*scenes, pretrained.of([0, 1]))
    for scene in scenes:
        fault = LAWS[name](subject.attack, scene)
        if fault:
            return Finding("fail", f"{scene.title}: {fault}")
    return Finding("pass", f"on {'; '.join(scene.title for scene in scenes)}")
