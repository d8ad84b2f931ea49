"""DGBA of few pixels and DGBA of 8-bit images keep their promises with every optimizer, and reach the known optima."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.asserts import assert_batch_size_invariant, assert_within_budget
from helpers.threats import both_norms, l2, linf
from helpers.toys import curved_model
from PIL import Image
from torch import Tensor

from mtrbench import BadInputError, load_attack
from mtrbench.attacks.balancing.base import Iterate
from mtrbench.attacks.balancing.dgba_grid import DgbaGrid
from mtrbench.attacks.balancing.dgba_sparse import DgbaSparse
from mtrbench.attacks.conformance.toys import linear_model, middle_batch
from mtrbench.attacks.registry import describe, settings_of
from mtrbench.attacks.tables import OPTIMIZERS
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.tally import tallying
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Attack, Batch, MultiTaskModel

PIXELS = 30  # of a toy image
STARTS = [
    *((optimizer, {}) for optimizer in OPTIMIZERS),
    *((optimizer, {"random_start": True}) for optimizer in ("pgd", "apgd")),
    ("pgd", {"random_start": True, "restarts": 2}),
]

every_optimizer = pytest.mark.parametrize("optimizer", list(OPTIMIZERS))


def brief(name: str, **settings: object) -> Attack:
    return load_attack(name, **({"steps": 3} if "steps" in settings_of(name) else {}), **settings)


def eight_bit(size: int = 3) -> Batch:
    """Images of 8-bit levels, dark and bright ones among them."""
    batch = middle_batch(size)
    levels = torch.randint(0, 256, batch.x.shape, generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    levels[0, :, :3] = 255 * (levels[0, :, :3] > 127)
    return batch.at(levels.float() / 255)


def iterate(model: MultiTaskModel, batch: Batch, x: Tensor, threat: ThreatModel, memory: dict[str, Tensor]) -> Iterate:
    x = x.detach().requires_grad_()
    clean = {task: loss.detach() for task, loss in model.losses(batch).items()}
    return Iterate(x, model.losses(batch.at(x)), clean, batch.ids, 0, Noise(), memory, threat)


# Few pixels.


@both_norms
@pytest.mark.parametrize(("optimizer", "settings"), STARTS)
def test_at_most_so_many_pixels_change(optimizer: str, settings: dict[str, object], threat: ThreatModel) -> None:
    batch = middle_batch(3)
    attack = brief(f"dgba-sparse:4-{optimizer}", **settings)
    changed = (attack(curved_model(), batch, threat, Noise()) != batch.x).any(dim=1)
    assert (changed.sum(dim=(1, 2)) == 4).all()


@both_norms
@every_optimizer
def test_few_pixels_reach_the_optimum_of_a_linear_model(optimizer: str, threat: ThreatModel) -> None:
    model, batch = linear_model(("a",)), middle_batch(tasks=("a",))
    w = model.net.weights["a"].detach()
    if threat.norm == "linf":
        best = threat.eps * w.abs().sum(dim=0).flatten().topk(4).values.sum()
    else:
        best = threat.eps * w.square().sum(dim=0).flatten().topk(4).values.sum().sqrt()
    x = load_attack(f"dgba-sparse:4-{optimizer}")(model, batch, threat, Noise())
    gain = model.losses(batch.at(x))["a"] - model.losses(batch)["a"]
    torch.testing.assert_close(gain, best.expand(len(gain)), rtol=1e-4, atol=1e-4)


@both_norms
@every_optimizer
@pytest.mark.parametrize("pixels", [PIXELS, 10 * PIXELS])
def test_all_pixels_are_dgba(optimizer: str, pixels: int, threat: ThreatModel) -> None:
    made = [brief(f"{name}-{optimizer}") for name in (f"dgba-sparse:{pixels}", "dgba")]
    assert torch.equal(*(attack(curved_model(), middle_batch(), threat, Noise()) for attack in made))


@both_norms
def test_the_set_of_pixels_stays_that_of_the_first_iterate(threat: ThreatModel) -> None:
    balancing, model, batch = DgbaSparse(4), curved_model(), middle_batch()
    memory: dict[str, Tensor] = {}
    first = balancing.fields(iterate(model, batch, batch.x, threat, memory))
    elsewhere = 1 - batch.x
    later = balancing.fields(iterate(model, batch, elsewhere, threat, memory))
    fresh = balancing.fields(iterate(model, batch, elsewhere, threat, {}))
    chosen, held, other = (field[0].any(dim=1).flatten(1) for field in (first, later, fresh))
    assert (chosen.sum(dim=1) == 4).all()
    assert torch.equal(held, chosen)
    assert not torch.equal(other, chosen)


@both_norms
def test_random_starts_of_few_pixels_are_the_samples_own(threat: ThreatModel) -> None:
    assert_batch_size_invariant(brief("dgba-sparse:4-pgd", random_start=True), curved_model(), middle_batch(), threat)


def test_both_solvers_choose_the_same_pixels() -> None:
    made = [load_attack("dgba-sparse:7-pgd", solver=solver) for solver in ("cp-sat", "closed-form")]
    assert torch.equal(*(attack(curved_model(), middle_batch(), linf, Noise()) for attack in made))


def test_an_image_without_gradient_stays() -> None:
    model, batch = linear_model(bias=0.0), middle_batch()
    batch = batch.at(torch.zeros_like(batch.x))
    for weights in model.net.weights.values():
        weights.data.zero_()
    assert torch.equal(load_attack("dgba-sparse:4-pgd")(model, batch, linf, Noise()), batch.x)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("dgba-sparse:x-pgd", {}, "pixels of dgba-sparse must be a whole number of at least 1, not 'x'"),
        ("dgba-sparse:2.5-pgd", {}, "pixels of dgba-sparse must be a whole number of at least 1, not '2.5'"),
        ("dgba-sparse:0-pgd", {}, "pixels of dgba-sparse must be a whole number of at least 1, not 0"),
        ("dgba-sparse-pgd", {}, "lacks its pixels; write dgba-sparse:PIXELS-pgd"),
        ("dgba-sparse:4-pgd", {"solver": "simplex"}, "unknown solver of dgba-sparse 'simplex'"),
    ],
)
def test_bad_numbers_of_pixels(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(message)) as caught:
        load_attack(name, **settings)
    assert "\n" not in str(caught.value)


def test_the_number_of_pixels_is_part_of_the_name() -> None:
    attack = load_attack("dgba-sparse:512-pgd")
    assert attack.balancing == DgbaSparse(512)
    assert "pixels" not in describe("dgba-sparse:512-pgd", attack)[1]


# 8-bit images.


@both_norms
@every_optimizer
def test_images_survive_being_saved_as_png(optimizer: str, threat: ThreatModel, tmp_path: Path) -> None:
    batch = eight_bit()
    x = brief(f"dgba-grid-{optimizer}")(curved_model(), batch, threat, Noise())
    assert not torch.equal(x, batch.x)
    for i, image in enumerate(x):
        Image.fromarray((image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()).save(tmp_path / f"{i}.png")
        read = np.asarray(Image.open(tmp_path / f"{i}.png"), np.float32) / 255
        assert torch.equal(torch.from_numpy(read).permute(2, 0, 1), image)


@both_norms
@every_optimizer
def test_8_bit_images_keep_their_budget(optimizer: str, threat: ThreatModel) -> None:
    assert_within_budget(brief(f"dgba-grid-{optimizer}"), curved_model(), eight_bit(), threat)


@every_optimizer
@pytest.mark.parametrize("batch", [middle_batch(), eight_bit()], ids=["any", "8-bit"])
def test_levels_reach_the_optimum_of_a_linear_model(optimizer: str, batch: Batch) -> None:
    # The best level of every value for itself: the budget of 4/255 holds eight or nine of them.
    model = linear_model(("a",))
    w = model.net.weights["a"].detach()
    levels = torch.arange(256).float() / 255
    within = (levels - batch.x.unsqueeze(-1)).abs() <= linf.eps + 1e-6
    best = (w.unsqueeze(-1) * levels).where(within, -torch.inf).amax(dim=-1).sum(dim=(1, 2, 3))
    x = load_attack(f"dgba-grid-{optimizer}")(model, batch, linf, Noise())
    torch.testing.assert_close(model.losses(batch.at(x))["a"] - model.net.bias, best, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("solver", ["cp-sat", "closed-form"])
def test_last_levels_are_the_best_by_brute_force(solver: str, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x, clean = torch.rand(2, 1, 3, 1, 2, generator=generator)
    row = torch.randn(x.shape, generator=generator)
    row[0, 0, 0, 0] = 0
    eps = float((x - clean).abs().max()) + 0.5 / 255
    threat, at = ThreatModel("linf", eps), x.clone().requires_grad_()
    losses = {"a": (at * row).sum(dim=(1, 2, 3)) + 7}
    found = (
        DgbaGrid(solver=solver).finish(Iterate(at, losses, losses, ("one",), 1, Noise(), {}, threat), clean).flatten()
    )
    # To be allowed, a level must be next to x and within the budget.
    x, clean, row = x.flatten(), clean.flatten(), row.flatten()
    levels = torch.arange(256).float() / 255
    choices = [
        levels[((levels - x[i]).abs() < 1 / 255) & ((levels - clean[i]).abs() <= eps)].tolist() for i in range(6)
    ]
    assert all(value in choice for value, choice in zip(found.tolist(), choices, strict=True))
    best = max(float(row @ (torch.tensor(y) - x)) for y in product(*choices))
    assert float(row @ (found - x)) == pytest.approx(best, abs=1e-6)
    assert abs(found[0] - x[0]) == min(abs(torch.tensor(y) - x[0]) for y in choices[0])


@pytest.mark.parametrize("optimizer", ["pgd", "apgd"])
def test_l2_rounds_towards_the_clean_image(optimizer: str) -> None:
    batch, threat = eight_bit(), l2
    free, rounded = (
        brief(f"{name}-{optimizer}")(curved_model(), batch, threat, Noise()) for name in ("dgba", "dgba-grid")
    )
    change, kept = free - batch.x, rounded - batch.x
    assert (kept * change >= 0).all()
    assert (kept.abs() <= change.abs()).all()
    assert (change.abs() - kept.abs() < 1.001 / 255).all()


@both_norms
@pytest.mark.parametrize("eps", [1e-12, 1e-8, 1e-5, 0.3 / 255, 1 / 255])
def test_values_without_a_level_in_the_budget_stay(eps: float, threat: ThreatModel) -> None:
    batch, threat = middle_batch(), replace(threat, eps=eps)
    x = load_attack("dgba-grid-pgd")(curved_model(), batch, threat, Noise())
    level = torch.isin(x, torch.arange(256).float() / 255)
    assert (level | (x == batch.x)).all()
    assert (x == batch.x).any() or eps == 1 / 255
    assert_within_budget(load_attack("dgba-grid-pgd"), curved_model(), batch, threat)


# Counts.


@pytest.mark.parametrize("name", ["dgba-sparse:4-pgd", "dgba-grid-pgd"])
def test_the_extra_program_of_every_image_is_counted(name: str) -> None:
    counts = {}
    for threat in (linf, l2):
        with tallying() as found:
            load_attack(name, steps=3)(curved_model(), eight_bit(5), threat, Noise())
        counts[threat.norm] = found.sums
    assert counts == {"linf": {"cp-sat": 5 * (3 + 1), "optimal": 5 * (3 + 1)}, "l2": {}}
