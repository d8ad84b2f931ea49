"""Public backbone weights reach every branch, in their places; a file that does not fit is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from architectures import APART, HALF, SHARED, TASKS, architecture
from commands import assert_refused, mtrbench
from conftest import RECIPE
from safetensors.torch import save_file
from torch import Tensor

from mtrbench import BadInputError, load_model
from mtrbench.models.card import Architecture, build, read_card
from mtrbench.models.nets.pretrained import load_backbone
from mtrbench.models.nets.tree import TreeNet

Weights = dict[str, Tensor]
MEAN, SPREAD = (torch.tensor(values).view(3, 1, 1) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))


class Public:
    """A plain backbone in torchvision's names, which makes its weights as it meets them first, then computes alone."""

    def __init__(self, weights: Weights | None = None) -> None:
        self.weights: Weights = {} if weights is None else weights
        self.made = weights is None

    def _weight(self, name: str, value: Callable[[], Tensor]) -> Tensor:
        if self.made:
            self.weights[name] = value()
        return self.weights[name]

    def conv(
        self, x: Tensor, name: str, outputs: int, size: int, stride: int = 1, rate: int = 1, groups: int = 1
    ) -> Tensor:
        shape = (outputs, x.shape[1] // groups, size, size)
        weight = self._weight(f"{name}.weight", lambda: torch.randn(shape) / (shape[1] * size * size) ** 0.5)
        return F.conv2d(x, weight, None, stride, rate * (size // 2), rate, groups)

    def norm(self, x: Tensor, name: str) -> Tensor:
        count = x.shape[1]
        mean = self._weight(f"{name}.running_mean", lambda: torch.randn(count) / 10)
        var = self._weight(f"{name}.running_var", lambda: 0.5 + torch.rand(count))
        weight = self._weight(f"{name}.weight", lambda: 0.5 + torch.rand(count))
        bias = self._weight(f"{name}.bias", lambda: torch.randn(count) / 10)
        self._weight(f"{name}.num_batches_tracked", lambda: torch.tensor(1))
        return F.batch_norm(x, mean, var, weight, bias)


def resnet34(net: Public, x: Tensor, width: int) -> Tensor:
    x = F.relu(net.norm(net.conv(x, "conv1", width, 7, 2), "bn1"))
    x = F.max_pool2d(x, 3, 2, 1)
    for stage, (count, stride, rate) in enumerate(((3, 1, 1), (4, 2, 1), (6, 1, 2), (3, 1, 4))):
        outputs = width * 2**stage
        for unit in range(count):
            at, step = f"layer{stage + 1}.{unit}", stride if unit == 0 else 1
            y = F.relu(net.norm(net.conv(x, f"{at}.conv1", outputs, 3, step, rate), f"{at}.bn1"))
            y = net.norm(net.conv(y, f"{at}.conv2", outputs, 3, 1, rate), f"{at}.bn2")
            if unit == 0 and stage > 0:
                x = net.norm(net.conv(x, f"{at}.downsample.0", outputs, 1, step), f"{at}.downsample.1")
            x = F.relu(x + y)
    return x


# What public weights of these widths have for the channels of width 1.
PUBLISHED = {
    1.0: {count: count for count in (32, 16, 24, 64, 96, 160, 320)},
    0.75: {32: 24, 16: 16, 24: 24, 64: 48, 96: 72, 160: 120, 320: 240},
    0.5: {32: 16, 16: 8, 24: 16, 64: 32, 96: 48, 160: 80, 320: 160},
    0.25: {32: 8, 16: 8, 24: 8, 64: 16, 96: 24, 160: 40, 320: 80},
}


def mobilenet_v2(net: Public, x: Tensor, width: float) -> Tensor:
    def channels(count: int) -> int:
        return PUBLISHED[width][count]

    x = F.relu6(net.norm(net.conv(x, "features.0.0", channels(32), 3, 2), "features.0.1"))
    layer = 1
    stages = ((16, 1, 1, 1), (24, 2, 2, 1), (32, 3, 2, 1), (64, 4, 1, 2), (96, 3, 1, 2), (160, 3, 1, 4), (320, 1, 1, 4))
    for count, repeats, first, rate in stages:
        expansion = 1 if layer == 1 else 6
        for unit in range(repeats):
            at, y, part = f"features.{layer}.conv", x, 0
            hidden = x.shape[1] * expansion
            if expansion > 1:
                y = F.relu6(net.norm(net.conv(y, f"{at}.0.0", hidden, 1), f"{at}.0.1"))
                part = 1
            step = first if unit == 0 else 1
            y = F.relu6(net.norm(net.conv(y, f"{at}.{part}.0", hidden, 3, step, rate, hidden), f"{at}.{part}.1"))
            y = net.norm(net.conv(y, f"{at}.{part + 1}", channels(count), 1), f"{at}.{part + 2}")
            x = x + y if step == 1 and x.shape == y.shape else y
            layer += 1
    return F.relu6(net.norm(net.conv(x, "features.18.0", 1280, 1), "features.18.1"))


BACKBONES = {
    "resnet34_deeplab": (resnet34, "width", {"fc.weight": (1000, 512), "fc.bias": (1000,)}),
    "mobilenetv2": (
        mobilenet_v2,
        "width_multiplier",
        {"classifier.1.weight": (1000, 1280), "classifier.1.bias": (1000,)},
    ),
}
SMALL = {"resnet34_deeplab": 4, "mobilenetv2": 0.25}
every_backbone = pytest.mark.parametrize("entry", BACKBONES)


def public_weights(entry: str, width: float) -> Weights:
    torch.manual_seed(1)
    forward, _, classifier = BACKBONES[entry]
    net = Public()
    forward(net, torch.rand(1, 3, 32, 32), width)
    return {**net.weights, **{name: torch.rand(shape) for name, shape in classifier.items()}}


def make_net(entry: str, width: float, *layout: str) -> TreeNet:
    torch.manual_seed(0)
    settings = {BACKBONES[entry][1]: width}
    made = Architecture(entry=f"mtrbench.models.nets.{entry}:{entry}", layout=list(layout), settings=settings)
    return build(made, {name: TASKS[name] for name in TASKS if name in layout[0].split()}).net.eval()


def features(net: TreeNet, task: str, x: Tensor) -> Tensor:
    """What the head of `task` reads."""
    seen: list[Tensor] = []
    handle = net.heads[task].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    net(x)
    handle.remove()
    return seen[0]


def saved(path: Path, weights: Weights) -> Path:
    (save_file if path.suffix == ".safetensors" else torch.save)(weights, path)
    return path


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


class Trap:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_code_is_refused_and_never_run(tmp_path: Path) -> None:
    torch.save({**public_weights("mobilenetv2", 0.25), "trap": Trap(tmp_path / "trap")}, tmp_path / "public.pth")
    assert_untouched(tmp_path / "public.pth", "neither safetensors nor a torch state dict")
    assert not (tmp_path / "trap").exists()


@pytest.mark.parametrize("file", ["public.safetensors", "public.pth"])
@pytest.mark.parametrize("content", [b"", b"no weights", b"\x80\x02}q\x00."])
def test_file_that_is_none_is_refused(file: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(content)
    assert_untouched(tmp_path / file, "neither safetensors nor a torch state dict")


@pytest.mark.parametrize("found", [[1, 2], {"epoch": 3}, {"state_dict": {"features.0.0.weight": torch.zeros(3)}}])
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


def test_training_starts_from_them_and_the_card_says_so(tmp_path: Path) -> None:
    weights = public_weights("resnet34_deeplab", 4)
    path = saved(tmp_path / "public.pth", weights)
    recipe = tmp_path / "recipe.toml"
    text = RECIPE.format(name="started", steps=1)
    recipe.write_text(text.replace("compact:compact", "resnet34_deeplab:resnet34_deeplab"))
    outcome = mtrbench("train", recipe, "--out", tmp_path, "--workers", 0, "--backbone-weights", path)
    assert outcome.code == 0, outcome.err
    card = tmp_path / "cards" / "started.toml"
    assert read_card(card).training.backbone_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    # A step of Adam moves no weight by more than its learning rate.
    for stem in load_model(str(card)).net.blocks[0].children():
        torch.testing.assert_close(next(stem.parameters()), weights["conv1.weight"], rtol=0, atol=0.01)


def test_training_refuses_them_in_one_line(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.format(name="refused", steps=1))
    outcome = mtrbench("train", recipe, "--out", tmp_path / "out", "--backbone-weights", tmp_path / "none.pth")
    assert_refused(outcome, "none.pth", "this architecture takes none")
    assert not any(found.is_file() for found in (tmp_path / "out").rglob("*"))
