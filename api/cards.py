"""Cards made: of trained models, and of networks from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import tomli_w
from safetensors.torch import save
from torch import Tensor

from ..benchmark.datasets.registry import load_dataset
from ..benchmark.harness import clean_pass, in_batches
from ..benchmark.protocol.cells import Setting
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.files import write_atomically
from ..benchmark.protocol.tasks.base import Task
from ..benchmark.protocol.tasks.registry import KIND, TASKS, make_tasks
from ..benchmark.protocol.toml import validated
from ..benchmark.protocol.types import Dataset, MultiTaskModel
from ..benchmark.speedups import products
from ..benchmark.stats import bootstrap_scores, resampling_weights
from ..models.building import build, load_card_model, network
from ..models.card import Architecture, Card, Clean
from ..models.fingerprint import fingerprint
from ..models.foreign_weights import load_weights
from ..models.nets.layout import Layout
from ..models.sharing import Reach, measured_reach
from ..models.wrap import inner_network

FILE = "weights.safetensors"
# Rounded weights are the same everywhere; what differs between machines is the rounding of sums.
TOLERANCE = 0.01
BATCH = 32
SHARING_IMAGES = 2


def clean_scores_of(model: MultiTaskModel, data: Dataset) -> Clean:
    """What a card says of a model's clean scores on all of a data set."""
    count = len(data.ids)
    with products():  # as in a cell
        clean = clean_pass(model, in_batches(data, range(count), BATCH))
    weights = resampling_weights(count)
    scores = {name: bootstrap_scores(task, clean.statistics[name], weights) for name, task in model.tasks.items()}
    return Clean(
        images=count,
        tolerance=TOLERANCE,
        scores={
            task: {name: round(score.value, 5) for name, score in metrics.items()} for task, metrics in scores.items()
        },
        intervals={
            task: {
                name: (round(estimate.low, 5), round(estimate.high, 5))
                for name, score in metrics.items()
                for estimate in [score.estimate()]
                if estimate.low is not None and estimate.high is not None
            }
            for task, metrics in scores.items()
        },
    )


def write_card(card: Card, content: bytes, place: Path) -> Path:
    """Write the card and its weights into a folder; returns the card's path."""
    text = tomli_w.dumps(card.model_dump(mode="json", exclude_none=True))
    place.mkdir(parents=True, exist_ok=True)
    write_atomically(place / card.weights.file, content)
    write_atomically(place / "card.toml", text.encode())
    return place / "card.toml"


@dataclass(frozen=True)
class Made:
    """A card that was written, and what was measured on the way."""

    path: Path
    card: Card
    reach: Reach


def make_card(
    entry: str,
    weights: Path | None,
    *,
    name: str,
    dataset: str,
    out: Path,
    size: tuple[int, int],
    tasks: Mapping[str, Mapping[str, Setting]],
    layout: Sequence[str] | None,
    settings: Mapping[str, object],
    said: Mapping[str, Any],
    images: int | None = None,
    data_root: str | PathLike[str] | None = None,
) -> Made:
    """Make a card of the network that `entry` builds, with the weights in a file if there is one, in the folder `out`.

    `entry` is a card's `architecture.entry`; `tasks` are the card's, and may be empty if the entry gives what `wrap`
    makes. `said` is what nobody can measure: licence, training and the like. Clean scores (on the first `images`),
    fingerprint and sharing are measured. Raises BadInputError, with nothing written, for whatever does not fit, for a
    layout that says otherwise than the network does, and for a model that would not come back from its card.
    """
    architecture = validated(
        Architecture, _without_none(entry=entry, layout=layout, settings=dict(settings)), "the network"
    )
    tasks = tasks or _tasks_of(architecture)
    model = build(architecture, make_tasks(tasks)).eval()
    if weights is not None:
        load_weights(inner_network(model), weights)
    data = load_dataset(dataset, model.tasks, root=data_root, size=size, images=images)
    reach = measured_reach(model, data.batch(range(min(SHARING_IMAGES, len(data.ids)))))
    fault = reach.fault(Layout.parse(layout)) if layout else None
    if fault:
        raise BadInputError(f"the layout is not the network's: {fault}; leave it out, or correct it")
    content = stored(model)
    card = validated(
        Card,
        {
            **_without_none(**said),
            "name": name,
            "dataset": dataset,
            "size": size,
            "tasks": tasks,
            "architecture": architecture.model_dump(exclude_none=True),
            "weights": {"file": FILE, "sha256": sha256(content).hexdigest()},
            "clean": clean_scores_of(model, data).model_dump(exclude_none=True),
            "fingerprint": fingerprint(model, size),
        },
        f"card {name}",
    )
    with TemporaryDirectory() as trial:
        load_card_model(card, write_card(card, content, Path(trial)).parent)
    return Made(write_card(card, content, out / card.name), card, reach)


def stored(model: MultiTaskModel) -> bytes:
    """The model's weights as a safetensors file, as they are; raises BadInputError for state that is no tensor."""
    state = model.net.state_dict()
    others = [key for key, value in state.items() if not isinstance(value, Tensor)]
    if others:
        raise BadInputError(f"{others[0]} is no tensor, and a card's weights hold nothing else; make it a setting")
    # Tied weights have one place in memory, which the format refuses; each name gets a copy.
    return save({key: value.detach().cpu().clone().contiguous() for key, value in state.items()})


def _tasks_of(architecture: Architecture) -> dict[str, dict[str, Setting]]:
    """The tasks of what the entry makes by itself, as a card has them."""
    made = network(architecture, None)
    if not isinstance(made, MultiTaskModel):
        raise BadInputError(
            f"nothing says which tasks {architecture.entry} has; name each by --task, or let it return what "
            "mtrbench.wrap makes of the network"
        )
    return {name: _as_on_a_card(name, task) for name, task in made.tasks.items()}


def _as_on_a_card(name: str, task: Task) -> dict[str, Setting]:
    kind = type(task)
    registered = task.kind in TASKS and TASKS.get(task.kind) is kind
    called = task.kind if registered else f"{kind.__module__}:{kind.__qualname__}"
    return {**({} if called == name else {KIND: called}), **asdict(cast(Any, task))}


def _without_none(**given: object) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}
