"""`evaluate` takes names or objects, computes nothing twice, and refuses in one line what is neither."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from helpers.work import Points
from torch import Tensor, nn

from mtrbench import BadInputError, evaluate, load_attack, load_dataset, load_model, wrap
from mtrbench.attacks.conformance.toys import linear_model
from mtrbench.attacks.optimizers.pgd import PGD
from mtrbench.benchmark.protocol.facts import UNKNOWN
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.records import Record
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel


@dataclass(frozen=True)
class Dimmed:
    """A whole attack of a notebook's."""

    version: ClassVar[int] = 3

    share: float = 0.5

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return (batch.x - self.share * threat.eps).clamp(0, 1)


class Summed:
    """A balancing of a notebook's."""

    version = 2

    def fields(self, at: Any) -> Tensor:
        (gradient,) = torch.autograd.grad(sum(loss.sum() for loss in at.losses.values()), at.x)
        return gradient[None]

    def direction(self, fields: Tensor, threat: ThreatModel) -> Tensor:
        return threat.ascend(fields[0])


def of_toys(attack: Any = "total-fgsm", **given: Any) -> Record:
    return evaluate(given.pop("model", linear_model()), attack, given.pop("dataset", Points(4)), **given)


def numbers(record: Record) -> tuple[Any, ...]:
    return record.degradation, record.clean, record.attacked


class TestObjects:
    def test_an_attack_is_the_same_by_its_name_and_as_an_object(self) -> None:
        for name in ("dgba-pgd[steps=2]", "single:b-fgsm", "total-fgsm@aligned", "noise"):
            named, made = of_toys(name), of_toys(load_attack(name))
            assert (named.key, numbers(named), named.attack_facts) == (made.key, numbers(made), made.attack_facts)

    def test_a_model_and_a_data_set_are_the_same_by_their_names_and_as_objects(self, tiny: Path) -> None:
        named = evaluate(str(tiny), "total-fgsm", images=4)
        model = load_model(str(tiny))
        data = load_dataset("rooms3", model.tasks, size=16)
        records = [
            evaluate(model, "total-fgsm", "rooms3", images=4, size=16),
            evaluate(model, "total-fgsm", data, images=4),
            evaluate(str(tiny), "total-fgsm", data, images=4),
            evaluate(model, load_attack("total-fgsm"), data, images=4),
        ]
        assert [numbers(record) for record in records] == [numbers(named)] * 4
        assert len({named.key, *(record.key for record in records)}) == 4

    def test_what_is_in_memory_has_a_name(self) -> None:
        assert of_toys().cell.model.name == "Linear"
        assert of_toys(name="mine").cell.model.name == "mine"
        whole = of_toys(Dimmed(0.25))
        assert (whole.attack.name, whole.attack.version) == ("test_evaluate:Dimmed", "3")
        assert (whole.attack.settings, whole.attack_facts.kind) == ({"share": 0.25}, "whole")
        product = of_toys(PGD(balancing=Summed(), steps=2))
        assert (product.attack.name, product.attack.version) == ("test_evaluate:Summed-pgd", "1.2")
        assert (product.attack_facts.kind, product.attack_facts.optimizer) == ("product", "pgd")
        assert numbers(product) == numbers(of_toys("total-pgd[steps=2]"))
        assert of_toys(lambda model, batch, threat, noise: batch.x).attack.name == "lambda"

    def test_nothing_is_claimed_of_a_models_training(self) -> None:
        facts = of_toys().model_facts
        assert (facts.trained_on, facts.adversary, facts.twin, facts.layout) == (UNKNOWN, UNKNOWN, None, None)

    def test_objects_that_are_made_otherwise_have_other_keys(self) -> None:
        keys = {
            of_toys(attack).key
            for attack in (Dimmed(), Dimmed(0.25), lambda m, b, t, n: b.x, lambda m, b, t, n: 1 * b.x)
        }
        assert len(keys) == 4
        assert of_toys(Dimmed()).key == of_toys(Dimmed()).key


class TestIdentity:
    """Weights alone do not say what a model answers (shared/cases: blur, quantisation, size and outputs)."""

    TASKS: ClassVar[dict[str, dict[str, Any]]] = {"segmentation": {"classes": 13}, "depth": {}}

    def test_a_defence_without_weights_is_another_model(self, tmp_path: Path) -> None:
        torch.manual_seed(0)
        body = nn.Conv2d(3, 14, 3, padding=1)

        class Net(nn.Module):
            levels = 4

            def __init__(self) -> None:
                super().__init__()
                self.body = body

            def seen(self, x: Tensor) -> Tensor:
                return x

            def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
                out = self.body(self.seen(x))
                return out[:, :13], out[:, 13:].exp()

        class Blurred(Net):
            def seen(self, x: Tensor) -> Tensor:
                return nn.functional.avg_pool2d(x, 3, 1, 1)

        class Quantised(Net):
            def seen(self, x: Tensor) -> Tensor:
                return x + ((x * self.levels).round() / self.levels - x).detach()

        class Finer(Quantised):
            levels = 16

        models = {
            "plain": wrap(Net(), self.TASKS),
            "blurred": wrap(Blurred(), self.TASKS),
            "quantised": wrap(Quantised(), self.TASKS),
            "finer": wrap(Finer(), self.TASKS),
            "small": wrap(Net(), self.TASKS, size=8),
            "centred": wrap(Net(), self.TASKS, mean=(0.5, 0.5, 0.5)),
            "deeper": wrap(Net(), self.TASKS, outputs={"segmentation": 0, "depth": lambda out: out[1] + 1}),
            "deepest": wrap(Net(), self.TASKS, outputs={"segmentation": 0, "depth": lambda out: out[1] + 2}),
        }
        given: dict[str, Any] = {"dataset": "rooms3", "images": 2, "size": 16, "name": "net", "store": tmp_path}
        records = {name: evaluate(model, "total-fgsm", **given) for name, model in models.items()}
        assert len({record.key for record in records.values()}) == len(models)
        assert len({record.attacked["depth"]["abs_err"] for record in records.values()}) == len(models)
        again = evaluate(wrap(Net(), self.TASKS), "total-fgsm", **given)
        assert again.key == records["plain"].key

    def test_edited_code_is_computed_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        text = "class Mine:\n    version = 1\n    def __call__(self, model, batch, threat, noise):\n        return {}\n"
        found = []
        for answer in ("batch.x", "threat.project(batch.x, batch.x + 1)", "batch.x"):
            Path("mine.py").write_text(text.format(answer))
            found.append(of_toys("./mine.py:Mine", store=tmp_path / "store"))
        assert [record.degradation.ard.value == 0 for record in found] == [True, False, True]
        assert found[0].key == found[2].key != found[1].key


class TestStore:
    def test_nothing_is_computed_twice(self, tmp_path: Path) -> None:
        told: list[tuple[int, int]] = []

        def progress(done: int, images: int) -> None:
            told.append((done, images))

        of_toys(dataset=Points(40), store=tmp_path, progress=progress)
        assert told == [(32, 120), (40, 120), (72, 120), (80, 120), (112, 120), (120, 120)]
        told.clear()
        first = of_toys("dgba-fgsm", dataset=Points(40), store=str(tmp_path), progress=progress)
        assert told == [(32, 40), (40, 40)]  # clean pass and control are there
        told.clear()
        assert of_toys("dgba-fgsm", dataset=Points(40), store=tmp_path, progress=progress) == first
        assert told == []
        assert len([*(tmp_path / "records").iterdir()]) == 2

    def test_a_bar_is_drawn_on_demand(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        of_toys()
        assert capsys.readouterr() == ("", "")
        of_toys(progress=True)
        out, err = capsys.readouterr()
        assert out == ""
        assert "12/12" in err


class Other(Points):
    def __init__(self, **changes: Any) -> None:
        super().__init__(4)
        for name, value in changes.items():
            object.__setattr__(self, name, value)


class Odd(Points):
    """Its first batch is not what it should be."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(4)
        object.__setattr__(self, "changes", changes)

    def batch(self, indices: Sequence[int]) -> Batch:
        batch = super().batch(indices)
        return replace(batch, **{name: change(getattr(batch, name)) for name, change in self.changes.items()})


class Silent:
    name, sha256, ids = "silent", "0" * 64, ("a",)

    def bacth(self, indices: Sequence[int]) -> None: ...


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"eps": 4 / 255}, "did you mean 4?"),
    ({"eps": 0}, "eps must be a number in (0, 255]"),
    ({"norm": "Linf"}, "unknown norm 'Linf'; did you mean linf?"),
    ({"norm": float("inf")}, "unknown norm 'inf'"),
    ({"targets": ()}, "targets names no task"),
    ({"targets": 3}, "targets must be names of tasks, not 3"),
    ({"targets": ("a", "a")}, "name a task twice"),
    ({"targets": "c"}, "unknown task of model Linear 'c'"),
    ({"images": 0}, "the data set 'points' has 1 to 4 images, not 0"),
    ({"images": 5}, "the data set 'points' has 1 to 4 images, not 5"),
    ({"images": 2.0}, "images must be a whole number, not 2.0"),
    ({"images": True}, "images must be a whole number, not True"),
    ({"seed": None}, "seed must be a whole number, not None"),
    ({"seed": 1.5}, "seed must be a whole number, not 1.5"),
    ({"steps": 2.5}, "steps must be a whole number, not 2.5"),
    ({"batch_size": 0}, "batch_size must be at least 1, not 0"),
    ({"batch_size": 2.0}, "batch_size must be a whole number, not 2.0"),
    ({"device": "cuda:99"}, "there is no device 'cuda:99' here"),
    ({"device": torch.device("meta")}, "there is no device 'meta' here"),
    ({"data_root": 3}, "data_root must be the path of a folder, not 3"),
    ({"store": 3}, "store must be the path of a folder, not 3"),
    ({"size": (48.0, 64)}, "size must be (height, width) or one number for both, not (48.0, 64)"),
    ({"size": (64,)}, "size must be (height, width) or one number for both, not (64,)"),
    ({"size": "64"}, "size must be (height, width) or one number for both, not '64'"),
    ({"size": 64}, "the images of data set points are 6 x 5; no other size can be given"),
    ({"name": "a/b <c>"}, "a model cannot be called 'a/b <c>'"),
    ({"name": 3}, "a model cannot be called 3"),
    ({"model": nn.Identity()}, "the model must be a name, a card's path or what mtrbench.wrap makes, not a Identity"),
    ({"model": MultiTaskModel}, "not the class MultiTaskModel"),
    ({"model": linear_model().train()}, "the model is in training mode"),
    ({"model": "rooms3-shared.clean", "size": 32}, "model rooms3-shared.clean has a size already; leave out size 32"),
    ({"model": "rooms3-shared.clean", "name": "x"}, "model rooms3-shared.clean has a name already; leave out name x"),
    ({"dataset": None}, "model Linear has no card that says a data set; name one, or give one"),
    ({"dataset": "rooms3"}, "no ground truth for task 'a'"),
    ({"dataset": Silent()}, "the data set 'silent' has no batch; did you mean it by bacth?"),
    ({"dataset": Other(sha256="abc")}, "the data set 'points': sha256 must be 64 hexadecimal digits, not 'abc'"),
    ({"dataset": Other(name=3)}, "has name = 3"),
    ({"dataset": Points(0)}, "ids must name at least one sample, and each once"),
    ({"dataset": Odd(x=Tensor.double)}, "images must be float32 (1, 3, 6, 5), not torch.float64 (1, 3, 6, 5)"),
    ({"dataset": Odd(x=lambda x: 255 * x)}, "images must lie in [0, 1], not in ["),
    (
        {"dataset": Odd(truth=lambda truth: {"a": truth["a"]})},
        "the ground truth of task b is not there; it must be (1,)",
    ),
    ({"attack": Dimmed}, "the attack is the class Dimmed; call it, as in Dimmed()"),
    (
        {"attack": 3},
        "the attack must be a name or an object of an attack's class; a int is a int, which cannot be called",
    ),
    ({"attack": lambda model, batch: batch.x}, "takes (model, batch), not (model, batch, threat, noise)"),
    ({"attack": Dimmed(), "steps": 3}, "the attack is made already; leave out steps 3"),
]


@pytest.mark.parametrize(("given", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_what_cannot_be_evaluated_is_refused_in_one_line(given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(message)) as caught:
        of_toys(given.pop("attack", "total-fgsm"), **given)
    assert "\n" not in str(caught.value)


def test_arguments_have_several_spellings() -> None:
    plain = of_toys("total-pgd[steps=2]", targets=("a",))
    others: list[dict[str, Any]] = [
        {"eps": "4/255", "targets": "a"},
        {"eps": np.float32(4), "targets": ["a"], "seed": np.int64(0)},
        {"device": torch.device("cpu"), "targets": {"a"}, "size": (6, 5), "batch_size": 1},
    ]
    assert {of_toys("total-pgd[steps=2]", **given).key for given in others} == {plain.key}
    assert of_toys("total-pgd", steps=2, targets="a").key == plain.key
