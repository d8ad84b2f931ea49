"""Weights are found in whatever tools save them in, or the message says what to save."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.trap import Trap
from safetensors.torch import save_file
from torch import Tensor, nn

from mtrbench import BadInputError
from mtrbench.models.foreign_weights import load_weights, without_prefix

Weights = dict[str, Tensor]


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def under(prefix: str, weights: Weights) -> Weights:
    return {f"{prefix}{name}": value for name, value in weights.items()}


FORMS: dict[str, Callable[[Weights], Any]] = {
    "plain": lambda w: w,
    "data parallel": lambda w: under("module.", w),
    "a training's": lambda w: {"state_dict": w, "epoch": 3, "best_acc1": 71.0},
    "both": lambda w: {"state_dict": under("module.", w), "optimizer": {"state": {}, "param_groups": [1]}},
    "under another name": lambda w: {"model": w, "args": {"lr": 0.1}},
    "lightning": lambda w: {"state_dict": under("model.net.", w), "pytorch-lightning_version": "2.1"},
    "half": lambda w: {name: value.half() if value.is_floating_point() else value for name, value in w.items()},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_checkpoint_is_read(form: str, tmp_path: Path) -> None:
    trained, fresh = net(), net()
    torch.save(FORMS[form](trained.state_dict()), tmp_path / "checkpoint.pth")
    load_weights(fresh, tmp_path / "checkpoint.pth")
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(fresh.state_dict()[name], value, rtol=1e-3, atol=1e-3)
    save_file(under("module.", trained.state_dict()), tmp_path / "weights.safetensors")
    load_weights(fresh, tmp_path / "weights.safetensors")
    assert all(torch.equal(fresh.state_dict()[name], value) for name, value in trained.state_dict().items())


def test_names_that_fit_are_left_alone() -> None:
    weights = {"module.a": torch.zeros(1), "module.b": torch.zeros(1)}
    assert without_prefix(weights, {"module.a"}) == weights
    assert {*without_prefix(weights, {"a"})} == {"a", "b"}
    assert {*without_prefix({"a.x": torch.zeros(1), "b.x": torch.zeros(1)}, {"x"})} == {"a.x", "b.x"}


REFUSED: dict[str, tuple[Callable[[Weights], Any], str]] = {
    "missing": (lambda w: {"0.weight": w["0.weight"]}, "lack 0.bias and 5 more"),
    "left over": (lambda w: {**w, "2.weight": torch.zeros(1)}, "hold 2.weight, which the network lacks"),
    "misshaped": (
        lambda w: {**w, "0.weight": torch.zeros(3, 5)},
        "0.weight is 3x5, in the network 3x2; say the settings that it was trained with",
    ),
    "several": (lambda w: {"model": w, "ema": w}, "hold several state dicts, model, ema; save the one that counts"),
    "none": (lambda w: {"epoch": 3}, "are no state dict; save one tensor per name, as state_dict() has them"),
    "a list": (lambda w: [*w.values()], "are no state dict"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_refused_and_changes_nothing(what: str, tmp_path: Path) -> None:
    change, message = REFUSED[what]
    fresh = net()
    before = {name: value.clone() for name, value in fresh.state_dict().items()}
    torch.save(change(net().state_dict()), tmp_path / "checkpoint.pth")
    with pytest.raises(BadInputError, match=re.escape(message)) as caught:
        load_weights(fresh, tmp_path / "checkpoint.pth")
    assert "\n" not in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in fresh.state_dict().items())


def test_a_whole_network_is_refused_and_no_code_is_run(tmp_path: Path) -> None:
    torch.save(net(), tmp_path / "whole.pth")
    torch.save({"state_dict": net().state_dict(), "trap": Trap(tmp_path / "trap")}, tmp_path / "trapped.pth")
    for file in ("whole.pth", "trapped.pth"):
        with pytest.raises(BadInputError, match=r"pickled with code.*save the network's state_dict"):
            load_weights(net(), tmp_path / file)
    assert not (tmp_path / "trap").exists()


def test_a_file_that_is_not_there_or_no_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(b"nothing")
    (tmp_path / "a.safetensors").write_bytes(b"nothing")
    for file, message in {
        "b.pth": "cannot be read: No such file",
        "a.pth": "are neither safetensors nor a torch state dict",
        "a.safetensors": "are neither safetensors nor a torch state dict",
    }.items():
        with pytest.raises(BadInputError, match=message):
            load_weights(net(), tmp_path / file)
