"""What holds for every attack on any model, batch and budget: each law finds a fault, in a few words, or none."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from ...benchmark.protocol.surroundings import Surroundings
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import MultiTaskModel
from ...benchmark.protocol.verify import verified
from ...benchmark.protocol.weights import code_of, hooks_of
from .scene import Make, Scene, answer, global_randomness, next_draws, perturbed

Law = Callable[[Make, Scene], str | None]

# Far from the seeds that an attack might set by itself.
SEEDS = (270_343, 618_034)


def within_budget(make: Make, scene: Scene) -> str | None:
    """Shape, type, finite, in [0, 1] and within eps, for the batch and for its images at the limits, all 0 or 1.

    The harness's own check; raises its BadInputError.
    """
    for batch in (scene.batch, scene.batch.at((scene.batch.x > 0.5).to(scene.batch.x))):
        there = Scene(scene.title, scene.model, batch, scene.threat)
        verified(perturbed(make(), there), batch, scene.threat, "the batch")
    return None


def zero_budget_is_clean(make: Make, scene: Scene) -> str | None:
    """With eps 0 the clean images come back bit for bit."""
    x = perturbed(make(), scene.within(ThreatModel(scene.threat.norm, 0.0)))
    return _difference(x, scene.batch.x, "the clean images", exactly=True)


def leaves_model_alone(make: Make, scene: Scene) -> str | None:
    """Parameters, buffers, gradients, modes, hooks, code and the batch are afterwards what they were."""
    model, batch = copy.deepcopy(scene.model), scene.batch.clone()
    with global_randomness(0):
        answer(make(), model, batch, scene.threat)
    before, after = _state(scene.model), _state(model)
    for what, value in {**before, **after}.items():
        if what not in before or what not in after or not _same(before[what], after[what]):
            return f"changed {what} of the model" if value is not None else f"left {what} on the model"
    for what, value in {"images": batch.x, **batch.truth}.items():
        if not _same(value, scene.batch.x if what == "images" else scene.batch.truth[what]):
            return f"changed the {what} of the batch"
    return "left a gradient on the batch" if batch.x.requires_grad or batch.x.grad is not None else None


def leaves_global_randomness_alone(make: Make, scene: Scene) -> str | None:
    """Global random states are afterwards what they were, and have no say in the answer."""
    with global_randomness(SEEDS[0]):
        expected = next_draws()
    with global_randomness(SEEDS[0]):
        first = answer(make(), copy.deepcopy(scene.model), scene.batch.clone(), scene.threat)
        found = next_draws()
    for name, draw in expected.items():
        if found[name] != draw:
            return f"changed the global state of {name}"
    second = perturbed(make(), scene, seed=SEEDS[1])
    return _difference(first, second, "those under another global seed", exactly=True)


def repeats(make: Make, scene: Scene) -> str | None:
    """Called twice, and again after another batch, the same attack gives the same images bit for bit."""
    attack, other = make(), scene.of([*range(len(scene.batch.ids))][::-1])
    first, second, _, last = (perturbed(attack, where) for where in (scene, scene, other, scene))
    return _difference(second, first, "those of the first call", exactly=True) or _difference(
        last, first, "those before another batch", exactly=True
    )


def leaves_what_all_share_alone(make: Make, scene: Scene) -> str | None:
    """PyTorch's and this package's functions, global hooks, modes, threads and types are what they were."""
    attack, before = make(), Surroundings()
    perturbed(attack, scene)
    change = before.change()
    return change and f"changed {change}"


def batch_size_invariant(make: Make, scene: Scene) -> str | None:
    """A sample's image is the same alone, in a pair, in the whole batch and in another order, but for rounding.

    A SplitAttack is fitted on the whole batch first.
    """
    size = len(scene.batch.ids)
    whole = perturbed(make(), scene)
    for how, rows in {
        "alone": [0],
        "in a pair": [size - 1, size - 2],
        "in another order": [*range(size)][::-1],
    }.items():
        x = perturbed(make(), scene.of(rows), split=scene.batch)
        fault = _difference(x, whole[rows], f"those of the whole batch when {how}")
        if fault:
            return fault
    return None


LAWS: Mapping[str, Law] = MappingProxyType(
    {
        # The first, as what it looks for would be there already after another.
        "leaves-what-all-share-alone": leaves_what_all_share_alone,
        "within-budget": within_budget,
        "zero-budget-is-clean": zero_budget_is_clean,
        "leaves-model-alone": leaves_model_alone,
        "leaves-global-randomness-alone": leaves_global_randomness_alone,
        "repeats": repeats,
        "batch-size-invariant": batch_size_invariant,
    }
)


def _difference(x: Tensor, other: Tensor, what: str, exactly: bool = False) -> str | None:
    """None if the images agree: bit for bit, or to the rounding of float32."""
    if x.shape != other.shape:
        return f"the images are {tuple(x.shape)}, {what} {tuple(other.shape)}"
    if torch.equal(x, other) or (not exactly and torch.allclose(x, other, rtol=1e-6, atol=1e-5)):
        return None
    return f"the images differ from {what} by up to {(x - other).abs().max().item():.3g}"


def _state(model: MultiTaskModel) -> dict[str, object]:
    state: dict[str, object] = {}
    for name, parameter in model.named_parameters():
        state[name] = parameter.detach()
        state[f"requires_grad of {name}"] = parameter.requires_grad
        state[f"a gradient of {name}"] = parameter.grad
    state.update(model.named_buffers())
    for name, module in model.named_modules():
        state[f"the mode of {name or 'all'}"] = module.training
        # A copy of a hook is another one.
        state[f"the hooks of {name or 'all'}"] = [len(hooks) for hooks in hooks_of(module)]
        state[f"the code of {name or 'all'}"] = code_of(module)
    return state


def _same(first: object, second: object) -> bool:
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        if first.shape != second.shape or first.dtype != second.dtype:
            return False
        # NaN stands for ground truth that is not known.
        return bool(((first == second) | (first.isnan() & second.isnan())).all())
    return first is second if isinstance(first, Tensor) or isinstance(second, Tensor) else first == second
