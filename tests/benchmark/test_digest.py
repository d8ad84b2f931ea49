"""A digest is the same in any process, and another one for whatever changes what an object does."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from helpers.commands import finish, python
from torch import Tensor, nn

from mtrbench.attacks.registry import load_attack
from mtrbench.benchmark.protocol.digest import digest, foreign_sha256
from mtrbench.benchmark.protocol.source import source_sha256
from mtrbench.models.nets.compact import compact


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass(frozen=True)
class Settings:
    steps: int = 3


def scaled(factor: float) -> nn.Module:
    class Scaled(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return factor * x

    return Scaled()


def with_attribute(name: str, value: object) -> nn.Module:
    net = nn.Identity()
    setattr(net, name, value)
    return net


def hooked(hook: Callable[..., object] | None) -> nn.Module:
    net = nn.Identity()
    if hook:
        net.register_forward_hook(hook)
    return net


PAIRS: dict[str, tuple[object, object]] = {
    "type": (1, True),
    "number": (0.1, 0.2),
    "kind of number": (1, 1.0),
    "order": ([1, 2], [2, 1]),
    "container": ([1, 2], (1, 2)),
    "borders": (["ab", "c"], ["a", "bc"]),
    "value in a dictionary": ({"a": 1}, {"a": 2}),
    "element of a set": ({"a", "b"}, {"a", "c"}),
    "member": (Colour.RED, Colour.BLUE),
    "field": (Settings(3), Settings(4)),
    "path": (Path("a"), Path("b")),
    "element of an array": (np.arange(3), np.array([0, 1, 3])),
    "type of an array": (np.arange(3, dtype="int32"), np.arange(3, dtype="int64")),
    "shape of a tensor": (torch.zeros(2, 3), torch.zeros(3, 2)),
    "element of a tensor": (torch.zeros(2, dtype=torch.bfloat16), torch.ones(2, dtype=torch.bfloat16)),
    "namespace": (SimpleNamespace(a=1), SimpleNamespace(a=2)),
    "argument": (functools.partial(torch.add, 1), functools.partial(torch.add, 2)),
    "function of a library": (torch.add, torch.mul),
    "method's object": (Settings(3).__repr__, Settings(4).__repr__),
    "closure": (scaled(1.0), scaled(2.0)),
    "setting of a layer": (nn.Conv2d(3, 3, 3, stride=1), nn.Conv2d(3, 3, 3, stride=2)),
    "kind of a layer": (nn.ReLU(), nn.GELU()),
    "attribute": (with_attribute("levels", 8), with_attribute("levels", 16)),
    "tensor attribute": (with_attribute("mean", torch.zeros(3)), with_attribute("mean", torch.ones(3))),
    "function attribute": (with_attribute("f", lambda x: x), with_attribute("f", lambda x: x + 1)),
    "hook": (hooked(None), hooked(lambda module, inputs, output: 2 * output)),
}


@pytest.mark.parametrize("what", PAIRS)
def test_another_thing_has_another_digest(what: str) -> None:
    torch.manual_seed(0)
    one, other = PAIRS[what]
    assert digest(one) == digest(one)
    assert digest(one) != digest(other)


def test_equal_things_have_equal_digests_whatever_they_share() -> None:
    text = [1, 2]
    assert digest([text, text]) == digest([[1, 2], [1, 2]])
    assert digest({"a", "b", "c"}) == digest({"c", "b", "a"})
    assert digest(torch.arange(6).view(2, 3).T) == digest(torch.arange(6).view(2, 3).T.contiguous())


def test_what_holds_itself_ends() -> None:
    mine: list[object] = [1]
    mine.append(mine)
    assert digest(mine) != digest([1, [1]])


def test_hooks_count_by_what_they_do_and_not_by_how_many_there_are_in_the_process() -> None:
    def double(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        return 2 * output

    first = digest(hooked(double))
    hooked(double)
    assert digest(hooked(double)) == first


def test_only_what_comes_from_outside_is_foreign() -> None:
    tasks: Any = {}
    assert foreign_sha256(load_attack("dgba-pgd"), nn.Conv2d(3, 3, 3), np.add, compact, OrderedDict(a=1)) is None
    assert foreign_sha256(load_attack("total-pgd"), Settings()) is not None
    assert foreign_sha256(tasks, [{"hidden": (Settings,)}]) is not None
    assert foreign_sha256({Settings}) is not None


SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
from torch import nn, zeros
from dataclasses import dataclass
from mtrbench.benchmark.protocol.digest import digest
from mtrbench.benchmark.protocol.source import source_sha256
import helping
LEVELS = {levels}
def quantised(x):
    return (x * LEVELS).round() / LEVELS
@dataclass(frozen=True)
class Settings:
    levels: int = 3
class Net(nn.Module):
    names = {{"a", "b", "c"}}
    def __init__(self):
        super().__init__()
        self.register_buffer("shift", zeros(2))
        self.settings = Settings()
        self.places = {{"x", "y", "z"}}
    def forward(self, x):  {comment}
        return {{name: quantised(x) for name in self.names}}
print(digest(Net()), digest(lambda x: helping.FACTOR * x), source_sha256("helping"))
"""


def printed(*arguments: object) -> list[str]:
    outcome = finish(python("-c", *arguments))
    assert outcome.err == ""
    return outcome.out.split()


def test_is_the_same_in_any_process_and_follows_what_a_script_refers_to(tmp_path: Path) -> None:
    (tmp_path / "helping.py").write_text("import helped\nFACTOR = 2\n")
    (tmp_path / "helped.py").write_text("NOTHING = 0\n")
    first = printed(SCRIPT.format(folder=str(tmp_path), levels=8, comment=""))
    assert len({*first}) == 3
    # Strings have other hashes in every process, so that sets come in another order.
    assert printed(SCRIPT.format(folder=str(tmp_path), levels=8, comment="# says nothing")) == first
    (tmp_path / "helped.py").write_text("NOTHING = 1\n")
    assert not {*printed(SCRIPT.format(folder=str(tmp_path), levels=16, comment=""))} & {*first}


def test_installed_packages_count_with_all_their_files() -> None:
    import hypothesis.strategies

    assert source_sha256(hypothesis.strategies.__name__) == source_sha256("hypothesis")
    assert source_sha256("hypothesis") != source_sha256("pytest")


def test_other_files_count_with_what_they_import(tmp_path: Path) -> None:
    (tmp_path / "parting").mkdir()
    for name, text in {"__init__": "", "one": "def f(): from . import two", "two": "", "three": ""}.items():
        (tmp_path / "parting" / f"{name}.py").write_text(text)
    text = "import sys; sys.path.insert(0, sys.argv[1]); import parting.one; "
    text += "from mtrbench.benchmark.protocol.source import source_sha256; print(source_sha256('parting.one'))"
    found = []
    for changed in ("three", "three", "two", "__init__"):
        found += printed(text, tmp_path)
        (tmp_path / "parting" / f"{changed}.py").write_text("X = 1")
    found += printed(text, tmp_path)
    assert found[0] == found[1] == found[2]
    assert len({*found}) == 3
