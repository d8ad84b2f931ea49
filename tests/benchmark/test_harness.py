"""The harness verifies and counts, and trusts no attack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from mtrbench import BadInputError, load_attack
from mtrbench.attacks.conformance.toys import SHAPE, Linear, linear_model, middle_batch
from mtrbench.benchmark.harness import measure
from mtrbench.benchmark.measurement import Measurement
from mtrbench.benchmark.protocol.errors import AttackError
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.tally import tally
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Attack, Batch, MultiTaskModel
from mtrbench.benchmark.protocol.weights import weights_sha256

threat = ThreatModel("linf", 0.1)


def cheat(change: Callable[[MultiTaskModel, Tensor], object]) -> Callable[..., object]:
    def attack(model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> object:
        return change(model, batch.x.clone())

    return attack


def bump(model: MultiTaskModel, x: Tensor) -> Tensor:
    with torch.no_grad():
        model.net.weights["a"] += 1
    return x


def spoil(x: Tensor, value: float) -> Tensor:
    x[2, 0, 0, 0] = value
    return x


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model, x: spoil(x, float("nan")), "sample toy-2 is not finite"),
        (lambda model, x: spoil(x, float("inf")), "sample toy-2 is not finite"),
        (lambda model, x: spoil(x, 1.001), r"sample toy-2 leaves \[0, 1\]"),
        (lambda model, x: spoil(x, -0.001), r"sample toy-2 leaves \[0, 1\]"),
        (lambda model, x: spoil(x, x[2, 0, 0, 0].item() + 0.101), "sample toy-2 exceeds the budget 0.1"),
        (lambda model, x: x[:3], r"returned \(3, 3, 6, 5\)"),
        (lambda model, x: x.double(), "float64"),
        (lambda model, x: x.numpy(), "returned ndarray"),
        (bump, "changed the model's weights"),
        (lambda model, x: (model.train(), x)[1], "changed the model's weights, buffers, mode"),
    ],
)
def test_a_violation_is_an_error_naming_cell_and_sample(
    change: Callable[[MultiTaskModel, Tensor], object], message: str
) -> None:
    with pytest.raises(BadInputError, match=f"cheat on toy: .*{message}"):
        measure(linear_model(), [middle_batch()], cheat(change), threat, Noise(), "cheat on toy")


class Quantised(Linear):
    """What it keeps beside its weights is no tensor."""

    bits = 8

    def get_extra_state(self) -> dict[str, int]:
        return {"bits": self.bits}

    def set_extra_state(self, state: dict[str, int]) -> None:
        self.bits = state["bits"]


def test_extra_state_is_copied_counted_and_watched_like_weights() -> None:
    plain = linear_model()
    model = MultiTaskModel(Quantised(tuple(plain.tasks), SHAPE, 0, 50.0), plain.tasks).eval()
    digests = {weights_sha256(plain), weights_sha256(model)}
    measure(model, [middle_batch()], load_attack("total-fgsm"), threat, Noise())
    digests.add(weights_sha256(model))
    assert len(digests) == 2

    def coarser(model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        model.net.set_extra_state({"bits": 4})
        return batch.x

    with pytest.raises(BadInputError, match="changed the model's weights, buffers, mode"):
        measure(model, [middle_batch()], coarser, threat, Noise())
    assert weights_sha256(model) in digests


@pytest.mark.parametrize(
    ("name", "forwards", "backwards"),
    [("noise", 0, 0), ("total-fgsm", 1, 1), ("total-pgd", 10, 10), ("dgba-pgd", 10, 10), ("signsum-pgd", 10, 20)],
)
def test_passes_are_counted_per_image(name: str, forwards: int, backwards: int) -> None:
    found = measure(linear_model(), [middle_batch(4), middle_batch(3)], load_attack(name), threat, Noise())
    assert (found.forwards, found.backwards) == (7 * forwards, 7 * backwards)


def test_the_attacker_sees_its_targets_alone() -> None:
    seen = []

    def spy(model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        seen.append(tuple(model.losses(batch)))
        return batch.x

    found = measure(linear_model(), [middle_batch()], spy, ThreatModel("linf", 0.1, ("b",)), Noise())
    assert seen == [("b",)]
    assert set(found.losses) == {"a", "b"}


def add_to_weights(model: MultiTaskModel) -> None:
    with torch.no_grad():
        model.net.weights["a"] += 1


def add_by_data(model: MultiTaskModel) -> None:
    model.net.weights["a"].data = model.net.weights["a"].data + 1


def add_by_hook(model: MultiTaskModel) -> None:
    model.net.register_forward_hook(lambda module, inputs, found: {name: 2 * value for name, value in found.items()})


@pytest.mark.parametrize("change", [lambda model: None, add_to_weights, add_by_data, add_by_hook])
def test_every_attack_sees_the_model_as_it_is_by_then(change: Callable[[MultiTaskModel], object]) -> None:
    seen = []

    @torch.no_grad()
    def spy(model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        seen.append((model, model(batch.x)["b"], model(batch.x).get("a")))
        return batch.x

    model, batch = linear_model(), middle_batch()
    for targets in (None, ("b",), None):
        with pytest.raises(AttackError, match="changed the model's weights"):
            measure(model, [batch], cheat(bump), threat, Noise())
        for _ in range(2):
            measure(model, [batch], spy, ThreatModel("linf", 0.1, targets), Noise())
            answers = model(batch.x)
            assert torch.equal(seen[-1][1], answers["b"])
            assert seen[-1][2] is None if targets else torch.equal(seen[-1][2], answers["a"])
            assert seen[-1][0] is not model
        assert seen[-1][0] is seen[-2][0]  # nothing is copied twice
        change(model)


@pytest.mark.parametrize(
    "leave",
    [
        lambda model: setattr(model.net, "scale", 2.0),
        lambda model: model.net.shape.append(1),
        lambda model: model.net.requires_grad_(False),
        lambda model: sum(model(torch.zeros(1, *SHAPE)).values()).sum().backward(),
        lambda model: model.tasks.pop("a"),
        lambda model: model.net.register_state_dict_pre_hook(lambda *_: None),
    ],
)
def test_what_an_attack_leaves_in_its_model_no_other_finds(leave: Callable[[MultiTaskModel], object]) -> None:
    seen = []

    def spy(model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        seen.append(model)
        return batch.x

    def careless(model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        leave(model)
        return spy(model, batch, threat, noise)

    model, batch = linear_model(), middle_batch()
    model.net.shape = [2, 2]
    for attack in (spy, careless, spy, spy):
        measure(model, [batch], attack, ThreatModel("linf", 0.1), Noise())
    assert seen[0] is seen[1]
    assert seen[1] is not seen[2]
    assert seen[2] is seen[3]


@pytest.mark.parametrize("cuts", [[4], [1, 3], [2, 1, 1]])
def test_parts_merge_into_the_whole(cuts: list[int]) -> None:
    batch = middle_batch(4)
    edges = np.cumsum([0, *cuts])
    parts = [
        Batch(batch.x[a:b], {t: v[a:b] for t, v in batch.truth.items()}, batch.ids[a:b]) for a, b in pairwise(edges)
    ]
    attack = load_attack("dgba-pgd")
    whole = measure(linear_model(), [batch], attack, threat, Noise())
    merged = Measurement.merge(measure(linear_model(), [part], attack, threat, Noise()) for part in parts)
    assert merged.ids == whole.ids
    assert (merged.forwards, merged.backwards) == (whole.forwards, whole.backwards)
    assert merged.tally == whole.tally
    for task in whole.losses:
        np.testing.assert_allclose(merged.losses[task], whole.losses[task], rtol=1e-6)
        np.testing.assert_allclose(merged.statistics[task], whole.statistics[task], rtol=1e-6)


def test_counts_go_nowhere_outside_a_measurement() -> None:
    tally().count("lost")
    assert not tally().sums


def test_an_attack_cannot_reach_the_images_or_the_truth() -> None:
    def vandal(model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        clean = batch.x.clone()
        batch.x.mul_(0)
        for value in batch.truth.values():
            value.add_(9)
        return clean

    batch = middle_batch()
    found = measure(linear_model(), [batch], vandal, threat, Noise())
    assert np.array_equal(found.losses["a"], measure(linear_model(), [batch]).losses["a"])
    assert torch.equal(batch.x, middle_batch().x)


def test_what_an_attack_hooks_onto_a_model_is_found_and_gone_with_it() -> None:
    model = linear_model()

    def hooked(model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        model.net.register_forward_hook(lambda module, inputs, output: {task: v + 100 for task, v in output.items()})
        return batch.x

    before = measure(model, [middle_batch()]).losses["a"]
    with pytest.raises(AttackError, match="hooks"):
        measure(model, [middle_batch()], hooked, threat, Noise())
    assert np.array_equal(measure(model, [middle_batch()]).losses["a"], before)


@pytest.mark.parametrize("targets", [None, ("a",)])
def test_a_lone_image_is_counted_once(targets: tuple[str, ...] | None) -> None:
    found = measure(
        linear_model(), [middle_batch(1)], load_attack("total-pgd"), ThreatModel("linf", 0.1, targets), Noise()
    )
    assert (found.forwards, found.backwards) == (10, 10)


@dataclass(frozen=True)
class Shifting:
    """Moves every image by the mean of the split's first pixel; `fitted` asks the model once about each sample."""

    by: float = 0.0

    def fitted(self, model: MultiTaskModel, split: Sequence[Batch], threat: ThreatModel, noise: Noise) -> Attack:
        for batch in split:
            model.losses(batch)
        tally().count("seen", sum(len(batch.x) for batch in split))
        first = torch.cat([batch.x[:, 0, 0, 0] for batch in split])
        return Shifting(first.mean().item())

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return threat.project(batch.x, batch.x + self.by)


def test_an_attack_may_look_at_the_whole_split_first_and_pays_for_it_once() -> None:
    whole = middle_batch(8)
    halves = [
        Batch(whole.x[span], {task: truth[span] for task, truth in whole.truth.items()}, whole.ids[span])
        for span in (slice(0, 4), slice(4, 8))
    ]
    expected = measure(linear_model(), [whole], Shifting(), threat, Noise())
    found = Measurement.merge(
        measure(linear_model(), [half], Shifting(), threat, Noise(), split=[whole]) for half in halves
    )
    for task, losses in expected.losses.items():
        np.testing.assert_allclose(found.losses[task], losses, rtol=1e-6)
    assert expected.forwards == found.forwards == 8
    assert expected.tally.sums["seen"] == found.tally.sums["seen"] == 8


def test_the_clean_pass_holds_the_gradients_of_the_losses() -> None:
    model = linear_model()
    found = measure(model, [middle_batch(3)]).gradients
    a, b = (model.net.weights[task].detach().flatten().double() for task in "ab")
    np.testing.assert_allclose(found["a"], a.norm().repeat(3), rtol=1e-6)
    np.testing.assert_allclose(found["a b"], (a @ b / (a.norm() * b.norm())).repeat(3), rtol=1e-5)


def test_a_loss_without_gradient_has_length_and_cosines_of_zero() -> None:
    model = linear_model()
    with torch.no_grad():
        model.net.weights["a"].zero_()
    found = measure(model, [middle_batch(3)]).gradients
    assert not found["a"].any()
    assert not found["a b"].any()
    assert found["b"].all()
