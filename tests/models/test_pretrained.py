"""Public backbone weights reach every branch, in their places; a file that does not fit is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers.architectures import APART, HALF, SHARED, TASKS, architecture
from helpers.commands import assert_refused
from helpers.public_backbones import (
    BACKBONES,
    MEAN,
    SMALL,
    SPREAD,
    Public,
    Weights,
    every_backbone,
    features,
    make_net,
    public_weights,
    saved,
)
from helpers.trainings import recipe, train, trained
from helpers.trap import Trap

from mtrbench import BadInputError, load_model
from mtrbench.models.building import build
from mtrbench.models.card import read_card
from mtrbench.models.nets.pretrained import load_backbone


@every_backbone
@pytest.mark.parametrize(
    ("file", "layout"),
    [
        ("public.safetensors", [SHARED] * 5),
        ("public.pth", [SHARED, HALF, HALF, APART, APART]),
        ("public.safetensors", [APART] * 5),
    ],
)
@torch.no_grad()
def test_every_branch_computes_the_public_backbone(entry: str, file: str, layout: list[str], tmp_path: Path) -> None:
    width = SMALL[entry]
    weights = public_weights(entry, width)
    net = make_net(entry, width, *layout)
    path = saved(tmp_path / file, weights)
    heads = {name: value.clone() for name, value in net.heads.state_dict().items()}
    assert load_backbone(net, path) == hashlib.sha256(path.read_bytes()).hexdigest()
    x = torch.rand(2, 3, 40, 48)
    expected = BACKBONES[entry][0](Public(weights), (x - MEAN) / SPREAD, width)
    scale = expected.abs().mean()
    assert scale > 1e-3
    for task in TASKS:
        torch.testing.assert_close(features(net, task, x) / scale, expected / scale, rtol=1e-4, atol=1e-4)
    assert all(torch.equal(value, heads[name]) for name, value in net.heads.state_dict().items())


@pytest.mark.parametrize(
    ("entry", "width", "known"),
    [
        ("resnet34_deeplab", 64, {"conv1.weight": (64, 3, 7, 7), "layer4.0.downsample.0.weight": (512, 256, 1, 1)}),
        (
            "mobilenetv2",
            1.0,
            {"features.1.conv.0.0.weight": (32, 1, 3, 3), "features.17.conv.2.weight": (320, 960, 1, 1)},
        ),
        (
            "mobilenetv2",
            0.75,
            {"features.1.conv.0.0.weight": (24, 1, 3, 3), "features.17.conv.2.weight": (240, 720, 1, 1)},
        ),
    ],
)
def test_files_of_the_published_size_fit(
    entry: str, width: float, known: dict[str, tuple[int, ...]], tmp_path: Path
) -> None:
    weights = public_weights(entry, width)
    assert {name: tuple(weights[name].shape) for name in known} == known
    net = make_net(entry, width, *["segmentation depth"] * 4, "segmentation | depth")
    load_backbone(net, saved(tmp_path / "public.safetensors", weights))
    first, second = (branch.state_dict() for branch in net.blocks[4].children())
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_half_precision_and_missing_counters_are_no_obstacle(tmp_path: Path) -> None:
    weights = public_weights("mobilenetv2", 0.25)
    less = {name: value.half() for name, value in weights.items() if not name.endswith("num_batches_tracked")}
    net = make_net("mobilenetv2", 0.25, *[SHARED] * 5)
    load_backbone(net, saved(tmp_path / "half.safetensors", less))
    assert {value.dtype for value in net.parameters()} == {torch.float32}
    assert torch.equal(next(net.blocks[0].parameters()), less["features.0.0.weight"].float())


SPOILED: dict[str, tuple[Callable[[Weights], Weights], str]] = {
    "missing": (
        lambda w: {k: v for k, v in w.items() if k != "features.3.conv.2.weight"},
        "lack features.3.conv.2.weight",
    ),
    "left over": (lambda w: {**w, "features.19.0.weight": torch.zeros(3)}, "hold features.19.0.weight"),
    "misshaped": (
        lambda w: {**w, "features.0.0.weight": torch.zeros(8, 3, 5, 5)},
        "features.0.0.weight is float32 8x3x5x5, the network has float32 8x3x3x3",
    ),
    "whole numbers": (
        lambda w: {**w, "features.0.1.bias": torch.zeros(8, dtype=torch.int8)},
        "features.0.1.bias is int8 8",
    ),
    "of another width": (lambda w: public_weights("mobilenetv2", 0.5), "is float32"),
    "of another backbone": (lambda w: public_weights("resnet34_deeplab", 4), "lack features.0.0.weight"),
    "empty": (lambda w: {}, "lack features.0.0.weight"),
}


def assert_untouched(path: Path, *words: str) -> None:
    net = make_net("mobilenetv2", 0.25, *[HALF] * 5)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with pytest.raises(BadInputError) as caught:
        load_backbone(net, path)
    assert "\n" not in str(caught.value)
    for word in (str(path), *words):
        assert word in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize("spoil", SPOILED)
@pytest.mark.parametrize("file", ["public.safetensors", "public.pth"])
def test_file_that_does_not_fit_is_refused(spoil: str, file: str, tmp_path: Path) -> None:
    change, message = SPOILED[spoil]
    assert_untouched(saved(tmp_path / file, change(public_weights("mobilenetv2", 0.25))), message)


def test_code_is_refused_and_never_run(tmp_path: Path) -> None:
    torch.save({**public_weights("mobilenetv2", 0.25), "trap": Trap(tmp_path / "trap")}, tmp_path / "public.pth")
    assert_untouched(tmp_path / "public.pth", "pickled with code")
    assert not (tmp_path / "trap").exists()


@pytest.mark.parametrize("file", ["public.safetensors", "public.pth"])
@pytest.mark.parametrize("content", [b"", b"no weights", b"\x80\x02}q\x00."])
def test_file_that_is_none_is_refused(file: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(content)
    assert_untouched(tmp_path / file, "neither safetensors nor a torch state dict")


@pytest.mark.parametrize("found", [[1, 2], {"epoch": 3}, {"a": {"b": {"features.0.0.weight": torch.zeros(3)}}}])
def test_other_content_is_refused(found: object, tmp_path: Path) -> None:
    torch.save(found, tmp_path / "public.pth")
    assert_untouched(tmp_path / "public.pth", "no state dict")


def test_missing_file_is_refused(tmp_path: Path) -> None:
    assert_untouched(tmp_path / "none.pth", "No such file")


@pytest.mark.parametrize("net", [build(architecture("compact", *[SHARED] * 5), TASKS).net, torch.nn.Identity()])
def test_networks_without_public_names_take_none(net: torch.nn.Module, tmp_path: Path) -> None:
    path = saved(tmp_path / "public.pth", public_weights("mobilenetv2", 0.25))
    with pytest.raises(BadInputError, match=r"public.pth: this architecture takes none; leave them out"):
        load_backbone(net, path)


def test_a_cards_names_lead_into_files_with_others(tmp_path: Path) -> None:
    weights = public_weights("mobilenetv2", 0.25)
    others = {f"body.{name}": value for name, value in weights.items() if not name.startswith("classifier")}
    path = saved(tmp_path / "other.safetensors", others)
    net, same = make_net("mobilenetv2", 0.25, *[SHARED] * 5), make_net("mobilenetv2", 0.25, *[SHARED] * 5)
    assert net.names is not None
    load_backbone(net, path, {ours: f"body.{public}" for ours, public in net.names.items()})
    load_backbone(same, saved(tmp_path / "public.safetensors", weights))
    assert all(torch.equal(value, same.blocks.state_dict()[name]) for name, value in net.blocks.state_dict().items())
    first = {r"0\.(0|18)\.(\d)": r"body.features.\1.\2", r"0\.(\d+)\.(.+)": r"body.features.\1.conv.\2"}
    with pytest.raises(BadInputError, match=r"no pattern among .* fits part 1"):
        load_backbone(net, path, first)
    for broken in ({"(": "x"}, {".*": r"\9"}):
        with pytest.raises(BadInputError, match="is no pattern with its replacement"):
            load_backbone(net, path, broken)


def test_training_starts_from_them_and_the_card_says_so(tmp_path: Path) -> None:
    weights = public_weights("resnet34_deeplab", 4)
    path = saved(tmp_path / "public.pth", weights)
    text = recipe("started", steps=1).replace("compact:compact", "resnet34_deeplab:resnet34_deeplab")
    card = trained(tmp_path, text, "--backbone-weights", path)
    assert read_card(card).training.backbone_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    # A step of Adam moves no weight by more than its learning rate.
    for stem in load_model(str(card)).net.blocks[0].children():
        torch.testing.assert_close(next(stem.parameters()), weights["conv1.weight"], rtol=0, atol=0.01)


def test_training_refuses_them_in_one_line(tmp_path: Path) -> None:
    outcome = train(tmp_path, recipe("refused", steps=1), "--backbone-weights", tmp_path / "none.pth")
    assert_refused(outcome, "none.pth", "this architecture takes none")
    assert [found.name for found in tmp_path.rglob("*") if found.is_file()] == ["recipe.toml"]
