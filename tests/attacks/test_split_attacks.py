"""The worst of several attacks per image, and several in turn, which look at the whole split."""

from __future__ import annotations

import re
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest
import torch
from helpers.splits import fitted, parts_of
from helpers.threats import both_norms, linf
from helpers.toys import curved_model
from torch import Tensor

from mtrbench import BadInputError, load_attack
from mtrbench.attacks.conformance.toys import linear_model, middle_batch
from mtrbench.attacks.registry import attack_facts, describe
from mtrbench.attacks.whole import auto, in_turn
from mtrbench.attacks.whole.noise import RandomNoise
from mtrbench.benchmark.harness import measure
from mtrbench.benchmark.measurement import Measurement
from mtrbench.benchmark.protocol.damage import on_images
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel

ROUNDS = auto.ROUNDS
MEMBERS = ("single:a-fgsm", "single:b-fgsm", "total-fgsm", "noise")
WORST = f"worst-of:{','.join(MEMBERS)}"


@pytest.fixture(autouse=True)
def _few_members(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quick ones for `auto`."""
    monkeypatch.setattr(
        auto, "ROUNDS", dict.fromkeys(in_turn.GOALS, (("dgba-fgsm", "noise"), ("total-apgd[steps=2]",)))
    )


def damage_by_hand(model: MultiTaskModel, batch: Batch, x: Tensor) -> np.ndarray:
    """The toy's metric is the mean of its loss and an error: D = (a - c) / |c|, c the mean over the batch."""
    clean, attacked = model.losses(batch), model.losses(batch.at(x))
    changes = [(attacked[t].double() - clean[t].double().mean()) / clean[t].double().mean().abs() for t in clean]
    return torch.stack(changes).mean(dim=0).detach().numpy()


class TestWorstOf:
    @both_norms
    def test_is_the_best_member_of_every_image(self, threat: ThreatModel) -> None:
        model, batch = curved_model(), middle_batch(6)
        members = [load_attack(name)(model, batch, threat, Noise()) for name in MEMBERS]
        scores = np.stack([damage_by_hand(model, batch, x) for x in members])
        found = fitted(WORST, model, parts_of(batch, 4, 2), threat)(model, batch, threat, Noise())
        best = torch.stack(members)[torch.from_numpy(scores.argmax(axis=0)), torch.arange(6)]
        assert torch.equal(found, best)
        np.testing.assert_array_equal(damage_by_hand(model, batch, found), scores.max(axis=0))

    def test_members_take_turns(self) -> None:
        # Else the tests around would hold of an attack that always asks the same member.
        model, batch = curved_model(), middle_batch(8)
        names = ("worst-of:noise,noise:uniform", "noise", "noise:uniform")
        found, *members = (load_attack(name)(model, batch, linf, Noise()) for name in names)
        taken = [[bool(torch.equal(x[i], found[i])) for x in members] for i in range(8)]
        assert sorted(taken)[0] == [False, True]
        assert sorted(taken)[-1] == [True, False]

    def test_order_of_members_decides_ties_only(self) -> None:
        model, batch = curved_model(), middle_batch()
        made = [
            load_attack(f"worst-of:{','.join(names)}")(model, batch, linf, Noise())
            for names in permutations(("single:a-fgsm", "total-fgsm", "noise"))
        ]
        assert all(torch.equal(x, made[0]) for x in made)

    def test_first_member_wins_a_tie(self) -> None:
        # With one task, both have one optimum: the same score to the bit from other images.
        batch = middle_batch(tasks=("a",))
        model = MultiTaskModel(_Flat(), linear_model(("a",)).tasks)
        for names in (("noise", "total-fgsm"), ("total-fgsm", "noise")):
            found = load_attack(f"worst-of:{','.join(names)}")(model, batch, linf, Noise())
            assert torch.equal(found, load_attack(names[0])(model, batch, linf, Noise()))

    def test_sees_its_targets_alone(self) -> None:
        model, batch = linear_model(), middle_batch(6)
        threat = ThreatModel("linf", linf.eps, ("b",))
        found = measure(model, [batch], load_attack("worst-of:noise,noise:uniform"), threat, Noise())
        members = [measure(model, [batch], load_attack(n), threat, Noise()) for n in ("noise", "noise:uniform")]
        np.testing.assert_array_equal(found.losses["b"], np.maximum(*(part.losses["b"] for part in members)))
        assert not np.array_equal(found.losses["a"], np.maximum(*(part.losses["a"] for part in members)))

    def test_settings_in_brackets_do_not_end_a_member(self) -> None:
        attack = load_attack("worst-of:total-pgd[steps=2,reach=2.0], single:a-pgd@aligned")
        assert attack.attacks == (load_attack("total-pgd", steps=2, reach=2.0), load_attack("single:a-pgd@aligned"))

    @pytest.mark.parametrize(
        ("members", "message"),
        [
            ("total-pgd", "worst-of has the one member 'total-pgd'; write worst-of:total-pgd,"),
            ("total-pgd,totl-pgd", "unknown attack 'totl-pgd'; did you mean"),
            ("total-pgd,", "unknown attack ''"),
            ("total-pgd,total-pgd[steps=10]", "member 'total-pgd' of worst-of is there twice"),
            ("noise,worst-of:total-pgd,uap", "'worst-of:total-pgd' of worst-of is a worst-of itself"),
            ("total-pgd,single:a-pgd[stps=2]", "unknown setting of attack 'single:a-pgd': 'stps'"),
        ],
    )
    def test_refuses(self, members: str, message: str) -> None:
        with pytest.raises(BadInputError, match=re.escape(message)) as caught:
            load_attack(f"worst-of:{members}")
        assert "\n" not in str(caught.value)


class _Flat(torch.nn.Module):
    """A model that no change of the image moves, with a gradient nonetheless."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"a": 5 + (x - x.detach()).sum(dim=(1, 2, 3))}


@pytest.mark.parametrize("name", ["uap", WORST, "worst-of:uap,noise", "in-turn:uap;total-pgd,noise", "auto"])
def test_shards_merge_into_the_whole(name: str) -> None:
    model, parts = curved_model(), parts_of(middle_batch(5), 3, 2)
    attack = load_attack(name)
    whole = measure(model, parts, attack, linf, Noise())
    merged = Measurement.merge(measure(model, [part], attack, linf, Noise(), split=parts) for part in parts)
    assert merged.ids == whole.ids
    assert (merged.forwards, merged.backwards) == (whole.forwards, whole.backwards)
    for task in whole.losses:
        np.testing.assert_array_equal(merged.losses[task], whole.losses[task])


@pytest.mark.parametrize(
    ("name", "forwards", "backwards"),
    [("uap", 5, 5), ("worst-of:total-pgd,noise", 10 + 2 + 1, 10), ("worst-of:uap,noise", 5 + 2 + 1, 5)],
)
def test_passes_are_counted_once(name: str, forwards: int, backwards: int) -> None:
    parts = parts_of(middle_batch(5), 3, 2)
    found = measure(linear_model(), parts, load_attack(name), linf, Noise())
    assert (found.forwards, found.backwards) == (5 * forwards, 5 * backwards)


TURNS = "in-turn:single:a-fgsm,noise;total-apgd[steps=3];single:b-apgd[steps=3]"


class TestInTurn:
    @both_norms
    def test_every_round_leaves_every_image_at_least_as_damaged(self, threat: ThreatModel) -> None:
        model, batch = curved_model(), middle_batch(4)
        damages = []
        for rounds in (TURNS.rpartition(";")[0].rpartition(";")[0], TURNS.rpartition(";")[0], TURNS):
            x = load_attack(rounds)(model, batch, threat, Noise())
            assert (threat.distance(batch.x, x) <= threat.eps * (1 + 1e-6) + 1e-6).all()
            damages.append(damage_by_hand(model, batch, x))
        for before, after in pairwise(damages):
            assert (after >= before - 1e-6).all()
        assert (damages[2] > damages[0]).all()

    def test_one_round_is_the_worst_of(self) -> None:
        model, batch = curved_model(), middle_batch(4)
        made = [
            load_attack(f"{kind}:{','.join(MEMBERS)}")(model, batch, linf, Noise()) for kind in ("in-turn", "worst-of")
        ]
        assert torch.equal(*made)

    def test_a_round_goes_on_from_the_images_so_far(self) -> None:
        starts: list[Tensor] = []

        class Spy:
            def __call__(self, *given: object) -> Tensor:
                raise AssertionError("a later round began anew")

            def from_start(self, *given: Any) -> Tensor:
                starts.append(given[-1])
                return given[-1]

        model, batch = curved_model(), middle_batch(3)
        first = load_attack("total-fgsm")
        turns = in_turn.in_turn([[first], [Spy()]], in_turn.GOALS["ard"], 0, model, [batch], linf, Noise())
        assert torch.equal(turns(model, batch, linf, Noise()), first(model, batch, linf, Noise()))
        assert torch.equal(starts[0], first(model, batch, linf, Noise()))

    def test_an_image_is_done_when_a_round_adds_too_little(self) -> None:
        asked: list[tuple[str, ...]] = []
        rises = {"toy-0": 1.0, "toy-1": 0.001, "toy-2": 1.0}

        def climb(model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
            asked.append(batch.ids)
            away = torch.tensor([len(asked) * rises[name] for name in batch.ids]).view(-1, 1, 1, 1)
            w = model.net.weights["a"].detach()
            return threat.project(batch.x, batch.x + 0.2 * away * threat.eps * w.sign())

        model, batch = linear_model(("a",)), middle_batch(3, tasks=("a",))
        turns = in_turn.in_turn([[climb]] * 4, in_turn.GOALS["ard"], 0.02, model, [batch], linf, Noise())
        turns(model, batch, linf, Noise())
        assert asked == [batch.ids, batch.ids, ("toy-0", "toy-2"), ("toy-0", "toy-2")]

    def test_the_other_goal_is_the_task_that_is_hit_least(self) -> None:
        model, batch = curved_model(), middle_batch(4)
        members = ("single:a-fgsm", "single:b-fgsm", "total-fgsm")
        made = [load_attack(name)(model, batch, linf, Noise()) for name in members]
        clean = model.losses(batch)
        least = torch.stack(
            [
                torch.stack(
                    [
                        (loss.double() - clean[task].double().mean()) / clean[task].double().mean().abs()
                        for task, loss in model.losses(batch.at(x)).items()
                    ]
                ).amin(dim=0)
                for x in made
            ]
        )
        expected = torch.stack(made)[least.argmax(dim=0), torch.arange(4)]
        found = load_attack(f"in-turn:{','.join(members)}", goal="worst-task")(model, batch, linf, Noise())
        assert torch.equal(found, expected)

    @pytest.mark.parametrize(
        ("name", "settings", "said"),
        [
            ("in-turn:total-pgd;noise", {"goal": "all"}, "unknown goal of in-turn 'all'"),
            ("in-turn:total-pgd;noise", {"least": 1.0}, "least of in-turn must be at least 0 and below 1, not 1.0"),
            ("in-turn:total-pgd;;noise", {}, "unknown attack"),
        ],
    )
    def test_refusals(self, name: str, settings: dict[str, object], said: str) -> None:
        with pytest.raises(BadInputError, match=re.escape(said)):
            load_attack(name, **settings)


class TestAuto:
    @pytest.mark.parametrize("goal", ["ard", "worst-task"])
    def test_is_its_rounds_in_turn(self, goal: str) -> None:
        model, batch = curved_model(), middle_batch(3)
        rounds = ";".join(",".join(members) for members in auto.ROUNDS[goal])
        explicit = load_attack(f"in-turn:{rounds}", goal=goal)
        made = [attack(model, batch, linf, Noise()) for attack in (load_attack(f"auto:{goal}"), explicit)]
        assert torch.equal(*made)

    def test_leaves_out_members_after_tasks_that_are_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rounds = (("single:depth-fgsm",), ("single:b-fgsm", "dgba-protected:depth-pgd"))
        monkeypatch.setattr(auto, "ROUNDS", {"ard": rounds})
        model, batch = linear_model(), middle_batch()
        found = load_attack("auto")(model, batch, linf, Noise())
        assert torch.equal(found, load_attack("single:b-fgsm")(model, batch, linf, Noise()))
        with pytest.raises(BadInputError, match="all of auto's members name a task that is not among a"):
            load_attack("auto")(model.only(["a"]), batch, linf, Noise())

    def test_one_goal_is_the_standard_evaluation(self) -> None:
        facts = {goal: attack_facts(f"auto:{goal}", load_attack(f"auto:{goal}")) for goal in ROUNDS}
        assert {goal: fact.standard for goal, fact in facts.items()} == {"ard": True, "worst-task": False}
        assert attack_facts("auto", load_attack("auto")).standard

    @pytest.mark.parametrize("goal", ROUNDS)
    def test_its_own_rounds_make_an_in_turn(self, goal: str) -> None:
        rounds = ";".join(",".join(members) for members in ROUNDS[goal])
        assert load_attack(f"in-turn:{rounds}").members_by_round == ROUNDS[goal]

    def test_takes_no_other_goal(self) -> None:
        with pytest.raises(BadInputError, match="unknown goal of auto 'total-pgd'"):
            load_attack("auto:total-pgd")


@pytest.mark.parametrize(
    "name", ["auto", "worst-of:total-pgd,dgba-pgd", "worst-of:noise,auto", "in-turn:dgba-pgd;noise"]
)
def test_version_changes_with_every_member(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A version, and a default setting.
    def version() -> str:
        return describe(name, load_attack(name))[0]

    found = [version(), version()]
    assert found[0] == found[1]
    monkeypatch.setattr("mtrbench.attacks.balancing.dgba.Dgba.version", 99)
    found.append(version())
    monkeypatch.setattr(auto, "ROUNDS", {"ard": (("dgba-fgsm", "uap"),)})
    found.append(version())
    monkeypatch.setattr(auto, "ROUNDS", {"ard": (("dgba-fgsm",), ("uap",))})
    found.append(version())
    assert len(set(found)) == (2 if "auto" not in name else 4)


def test_version_changes_with_a_members_default(monkeypatch: pytest.MonkeyPatch) -> None:
    before = describe(WORST, load_attack(WORST))[0]
    monkeypatch.setattr(RandomNoise.__init__, "__defaults__", ("uniform",))
    assert describe(WORST, load_attack(WORST))[0] != before


def test_undefined_parts_are_left_out_for_all() -> None:
    tasks = linear_model().tasks
    clean = {"a": np.array([3.0, 12.0]), "b": np.array([3.0, 6.0])}  # three images, of mean 4 and 2
    a = np.array([[8.0, np.nan, np.nan], [4.0, 6.0, np.nan]])  # one attack breaks the answer on the second image
    b = np.array([[3.0, 5.0, np.nan], [2.0, 1.0, 1.0]])
    attacked = {name: np.stack([np.ones_like(value), value], axis=-1) for name, value in (("a", a), ("b", b))}
    np.testing.assert_allclose(on_images(tasks, clean, attacked), [[0.75, 1.5, 0.0], [0.0, -0.5, 0.0]])
