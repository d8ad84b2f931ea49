"""Model cards: everything about a pretrained model that is data, and the strict loader that trusts none of it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, model_validator
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from ..benchmark.protocol.cells import Name, Setting, Sha256, Strict
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.findings import Finding
from ..benchmark.protocol.registry import import_object
from ..benchmark.protocol.tasks.base import Task
from ..benchmark.protocol.tasks.registry import make_tasks
from ..benchmark.protocol.tasks.shapes import is_dense
from ..benchmark.protocol.toml import read_toml, validated
from ..benchmark.protocol.types import MultiTaskModel
from .nets.layout import Layout

SCALE = ".scale"
Scores = dict[str, dict[str, float]]
Interval = Annotated[tuple[float, float], Field(strict=False)]
Packing = Literal["float16", "int8"]
ModelName = Annotated[str, Field(max_length=100, pattern=r"^\w[\w.@+-]*$")]  # files are called by it


class Architecture(Strict):
    """`entry` is `pkg.module:function`, called with the tasks and `settings`; `layout` has one line per block.

    `names` say what a file of backbone weights calls the blocks' parts, if not as the network's public weights do: see
    `load_backbone`.
    """

    entry: str
    layout: list[str]
    settings: dict[str, int | float | str] = Field(default_factory=dict)
    names: dict[str, str] | None = None

    @property
    def label(self) -> str:
        """The network and its settings, without the layout."""
        settings = ",".join(f"{name}={self.settings[name]}" for name in sorted(self.settings))
        return f"{self.entry}[{settings}]" if settings else self.entry


class Weights(Strict):
    """A safetensors file beside the card, and the digest that it must have."""

    file: str
    sha256: Sha256


class Training(Strict):
    """Where the weights come from; `attack` is absent for a cleanly trained model, `eps` is in 1/255.

    `settings` are all that the inner attack has, defaults included; it saw the first `share` of every batch from step
    `start` on. All three are absent from cards that do not tell.
    `initial` and `initial_sha256` are the model that training started from, if from one, and its weights' digest;
    `backbone_sha256` is the digest of the file of backbone weights that training started from, absent if from none;
    `best_step` is the step that validation took the weights from, absent if they are the last step's.
    """

    recipe: str
    recipe_sha256: Sha256
    initial: ModelName | None = None
    initial_sha256: Sha256 | None = None
    backbone_sha256: Sha256 | None = None
    attack: str | None = None
    eps: float | None = None
    settings: dict[str, Setting] | None = None
    start: int | None = None
    share: float | None = None
    steps: int
    best_step: int | None = None
    seed: int
    scenes: int
    seconds: float
    hardware: str
    versions: dict[str, str]

    @model_validator(mode="after")
    def _check(self) -> Training:
        if (self.attack is None) != (self.eps is None):
            raise ValueError("attack and eps stand together or not at all")
        if self.attack is None and (self.settings, self.start, self.share) != (None, None, None):
            raise ValueError("settings, start and share are those of an attack, and there is none")
        return self


class Clean(Strict):
    """Scores on the evaluation split without attack; `tolerance` is relative, for other machines' rounding.

    `intervals` are their 95 % bootstrap intervals [low, high], absent from cards that do not tell and for a score that
    a resample leaves undefined.
    """

    images: int
    tolerance: float = Field(ge=0, le=0.05)
    scores: Scores
    intervals: dict[str, dict[str, Interval]] | None = None

    @model_validator(mode="after")
    def _check(self) -> Clean:
        for task, metrics in (self.intervals or {}).items():
            for metric, (low, high) in metrics.items():
                if metric not in self.scores.get(task, {}) or low > high:
                    raise ValueError(f"interval of {task} {metric} must be [low, high] of one of the scores")
        return self


class Card(Strict):
    """A pretrained model as data; `twin` names the independent model of the same training."""

    name: ModelName
    dataset: Name
    size: tuple[int, int] = Field(strict=False)
    licence: str
    paper: str | None = None
    twin: ModelName | None = None
    superseded_by: str | None = None
    tasks: dict[str, dict[str, bool | int | float | str]]
    architecture: Architecture
    weights: Weights
    training: Training
    clean: Clean
    fingerprint: dict[str, list[float]]

    def make_tasks(self) -> dict[str, Task]:
        return make_tasks(self.tasks)


def read_card(path: Path) -> Card:
    """The card in a TOML file; raises BadInputError naming file and field."""
    where = f"card {path}"
    return validated(Card, read_toml(path, where), where)


def build(architecture: Architecture, tasks: Mapping[str, Task]) -> MultiTaskModel:
    """An untrained model: the architecture's entry called with the tasks.

    Raises BadInputError if that fails, if the layout is of other tasks, and for a network with layers of no channels.
    """
    entry: Any = import_object(architecture.entry, "architecture")
    parted = Layout.parse(architecture.layout).tasks
    if {*parted} != {*tasks}:
        raise BadInputError(
            f"the layout has the tasks {', '.join(parted)}, the model {', '.join(tasks)}; name the same"
        )
    try:
        net = entry(tasks=tasks, layout=architecture.layout, **architecture.settings)
    except BadInputError:
        raise
    except Exception as error:  # the settings go to the entry unchecked
        raise BadInputError(f"architecture {architecture.entry} cannot be built: {error}") from error
    if not isinstance(net, nn.Module):
        raise BadInputError(f"architecture {architecture.entry} gives a {type(net).__name__}, not a torch module")
    if not all(parameter.numel() for parameter in net.parameters()):
        raise BadInputError(f"architecture {architecture.entry} has layers without weights; its settings are too small")
    # Channels-last convolutions are about a quarter faster on CPUs, and what GPUs prefer in half precision.
    return MultiTaskModel(net.to(memory_format=torch.channels_last), tasks)  # type: ignore[call-overload]


def load_card_model(card: Card, folder: Path) -> MultiTaskModel:
    """The card's model with its weights from `folder`, in eval mode.

    Raises BadInputError if the file is missing, has another sha256, does not fit the architecture, or if the outputs on
    the probe images differ from the card's fingerprint.
    """
    path = folder / card.weights.file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"weights {path} of model {card.name} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != card.weights.sha256:
        raise BadInputError(
            f"weights {path} of model {card.name} have sha256 {found[:12]}..., "
            f"the card says {card.weights.sha256[:12]}...; restore the file"
        )
    model = build(card.architecture, card.make_tasks())
    try:
        unpack(model, content)
    except (SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInputError(f"weights {path} do not fit model {card.name}: {reason}") from error
    model.eval()
    try:
        answers = fingerprint(model, card.size)
    except Exception as error:  # a network may raise anything
        raise BadInputError(f"model {card.name} cannot answer the probe images: {Finding.of(error).found}") from error
    for task, values in answers.items():
        known = card.fingerprint.get(task, [])
        if len(known) != len(values) or not all(
            math.isclose(a, b, rel_tol=1e-2, abs_tol=1e-3) for a, b in zip(values, known, strict=True)
        ):
            raise BadInputError(f"model {card.name} answers the probe images otherwise than its card says, task {task}")
    return model


def packed(model: MultiTaskModel, packing: Packing = "float16") -> bytes:
    """The model's weights as a safetensors file: matrices and kernels in `packing`, everything else as it is.

    The models are evaluated in float32 from these rounded weights, which take half the room, or a quarter: "int8" is
    eight bits with a float32 scale per output channel, under the weight's name and `.scale`.
    """
    state = model.net.state_dict()
    if packing == "float16":
        return save({key: _halved(value).contiguous() for key, value in state.items()})
    rounded: dict[str, Tensor] = {}
    for key, value in state.items():
        if value.is_floating_point() and value.dim() > 1:
            # A channel of zeros has no scale of its own.
            scale = value.abs().flatten(1).amax(dim=1).clamp(min=torch.finfo(torch.float32).tiny) / 127
            rounded[key] = (value / _along(scale, value)).round().to(torch.int8)
            rounded[key + SCALE] = scale
        else:
            rounded[key] = value
    return save({key: value.contiguous() for key, value in rounded.items()})


def _along(scale: Tensor, value: Tensor) -> Tensor:
    """One number per output channel, shaped to multiply `value`."""
    return scale.view(-1, *[1] * (value.dim() - 1))


def _halved(value: Tensor) -> Tensor:
    """Numbers of two dimensions and more in float16, as long as they are not beyond its range."""
    half = value.half() if value.is_floating_point() and value.dim() > 1 else value
    return half if torch.equal(half.isfinite(), value.isfinite()) else value


def unpack(model: MultiTaskModel, content: bytes) -> None:
    """Load weights that `packed` made; raises RuntimeError or SafetensorError if they do not fit."""
    state = load(content)
    scales = {key: state.pop(key + SCALE) for key in [*state] if key + SCALE in state}
    for key, scale in scales.items():
        state[key] = state[key].float() * _along(scale, state[key])
    model.net.load_state_dict(
        {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    )


@torch.no_grad()
def fingerprint(model: MultiTaskModel, size: tuple[int, int]) -> dict[str, list[float]]:
    """Mean and spread of every task's prediction on two fixed images of smooth waves: {task: [m1, s1, m2, s2]}.

    The images are of 32 x 32 if all predictions are maps, else of `size`, which the network is made for.
    """
    maps = all(is_dense(task.prediction_shape) for task in model.tasks.values())
    height, width = (32, 32) if maps else size
    axes = torch.arange(height) / height, torch.arange(width) / width
    rows, columns = torch.meshgrid(*axes, indexing="ij")
    waves = [
        torch.sin(2 * math.pi * (a * rows + b * columns)) for a, b in ((1, 0), (0, 2), (3, 1), (2, 2), (1, 4), (5, 0))
    ]
    probes = torch.stack(waves).view(2, 3, height, width) / 2 + 0.5
    return {
        task: [
            round(value.item(), 5)
            for image in answer.double()
            for value in (image.mean(), image.std() if image.numel() > 1 else torch.zeros(()))
        ]
        for task, answer in model(probes).items()
    }
