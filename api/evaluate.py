"""One cell from Python, without a store."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..benchmark.datasets.registry import load_dataset
from ..benchmark.evaluation import Workshop, evaluate_cell
from ..benchmark.protocol.cells import ModelRef
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.records import Record
from ..benchmark.protocol.types import MultiTaskModel
from ..benchmark.victim import weights_sha256
from ..models.registry import find_model
from .devices import device_of
from .in_memory import OwnWorkshop
from .resolver import LocalWorkshop, dataset_ref, found_models, make_cell, threat_ref


def evaluate(
    model: str | MultiTaskModel,
    attack: str,
    dataset: str | None = None,
    *,
    eps: float = 4.0,
    norm: Literal["linf", "l2"] = "linf",
    targets: tuple[str, ...] | None = None,
    images: int | None = None,
    size: tuple[int, int] | None = None,
    steps: int | None = None,
    seed: int = 0,
    data_root: Path | None = None,
    batch_size: int = 32,
    device: str = "cpu",
) -> Record:
    """The record of one attack against one model, as `mtrbench run` makes it; `eps` is in 1/255.

    `model` is a registered name, the path of a card, or a model in memory, as `wrap` makes it, which is moved to
    `device` and called "own". A card says the data set, if `dataset` is None, and the images' size; a model in memory
    needs a data set, and gets images of `size` (H, W), 64 x 64 by default. `images` None is all of the data set.
    Raises BadInputError for anything that the command would refuse.
    """
    threat, defaults = threat_ref(norm, eps, targets), {} if steps is None else {"steps": steps}
    workshop: Workshop
    if isinstance(model, str):
        if size is not None:
            raise BadInputError(f"the card of {model} says the images' size; leave out size {size}")
        workshop = LocalWorkshop(found_models([model]), data_root, device, batch_size)
        found = find_model(model)
        if dataset is None and found.dataset is None:
            raise BadInputError(f"no card of {model} says a data set; name one")
        cell = workshop.cell(found.name, dataset or str(found.dataset), images, attack, threat, seed, defaults)
    elif dataset is None or not isinstance(model, MultiTaskModel):
        raise BadInputError("a model without a card must come from mtrbench.wrap, and with the name of a data set")
    elif any(module.training for module in model.modules()):
        raise BadInputError("the model is in training mode, in which answers depend on the batch; call its eval()")
    else:
        size = size or (64, 64)
        data = load_dataset(dataset, model.tasks, root=data_root, size=size, images=images)
        workshop = OwnWorkshop(model.to(device_of(device)), data, device, batch_size)
        ref = ModelRef(name="own", sha256=weights_sha256(model))
        cell = make_cell(ref, model.tasks, dataset_ref(dataset, data, size), attack, threat, seed, defaults)
    return evaluate_cell(cell, workshop)
