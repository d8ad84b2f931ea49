"""Training recipes: a model's training as data."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ...benchmark.protocol.cells import Plain, Size, Strict
from ...benchmark.protocol.eps import Eps
from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.toml import read_toml, validated
from ..card import Architecture, ModelName, Packing
from .augment import Augmentation, check_tasks

Table = dict[str, Any]
Beta = Annotated[float, Field(ge=0, lt=1)]


class Adversary(Strict):
    """The inner attack of adversarial training; it sees the first `share` of each batch; eps in 1/255.

    It joins after `start` clean steps, which costs less and loses little (arXiv 2002.04237).
    """

    attack: Plain
    eps: Eps
    share: float = Field(gt=0, le=1)
    start: int = Field(default=0, ge=0)
    settings: dict[Plain, bool | int | float | Plain] = Field(default_factory=dict)


class Recipe(Strict):
    """What `mtrbench train` does; the same recipe and seed give the same weights on the same machine and versions.

    Trains on `scenes` images, or on all that the data set has, for so many `steps`, or `epochs` of as many images as
    there are; in views of them as `augmentation` says. With `validation` images, the weights are those of the best step
    by these, looked at every `validate_every` steps; with none they are the last step's. The backbone's rate is
    `backbone_rate` times the `learning_rate` of the heads. `initial` is the model whose weights the training starts
    from, `packing` how the trained weights are stored (see `packed`). Rates follow one cycle, or halve after every
    `halve_every` steps, then with `betas` of the optimizer's own: AdamW, or Adam, whose weight decay is a part of the
    gradient.
    """

    name: ModelName
    dataset: Plain
    size: Size
    licence: Plain
    twin: ModelName | None = None
    seed: int = Field(ge=0)
    scenes: int | None = Field(default=None, gt=0)
    steps: int | None = Field(default=None, gt=0)
    epochs: int | None = Field(default=None, gt=0)
    validation: int = Field(default=0, ge=0)
    validate_every: int = Field(default=200, gt=0)
    batch: int = Field(gt=1)
    learning_rate: float = Field(gt=0)
    backbone_rate: float = Field(default=1.0, gt=0)
    optimizer: Literal["adamw", "adam"] = "adamw"
    halve_every: int | None = Field(default=None, gt=0)
    betas: tuple[Beta, Beta] | None = Field(default=None, strict=False)
    weight_decay: float = Field(ge=0)
    clip: float = Field(gt=0)
    ema: float = Field(ge=0, lt=1)
    precision: Literal["float32", "bfloat16"]
    packing: Packing = "float16"
    initial: ModelName | None = None
    tasks: dict[Plain, dict[Plain, bool | int | float | Plain]]
    task_weights: dict[Plain, float]
    architecture: Architecture
    augmentation: Augmentation | None = None
    adversary: Adversary | None = None

    @model_validator(mode="after")
    def _check(self) -> Recipe:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("steps or epochs must be given, and not both")
        if self.betas and self.halve_every is None:
            raise ValueError("betas go with halve_every; one cycle of rates has its own")
        return self

    def total(self, images: int) -> int:
        """How many steps a training on so many images takes; the last batch of the last epoch is full, too."""
        return self.steps if self.steps is not None else -(-(self.epochs or 0) * images // self.batch)

    def clean_start(self, *others: object) -> str:
        """Cache key of the clean warm-up, the steps before an adversary joins: the same for any adversary, or none.

        `others` is all that the warm-up depends on besides the recipe.
        """
        content = [self.model_dump_json(exclude={"name", "licence", "twin", "adversary"}), *map(str, others)]
        return hashlib.sha256("\n".join(content).encode()).hexdigest()


def read_recipe(path: Path) -> tuple[Recipe, str]:
    """The recipe in a TOML file and the sha256 of what it says; raises BadInputError naming file and field.

    `extends = "FILE"`, beside it, takes everything from there that the file does not say itself, table by table.
    """
    content = _read(path)
    recipe = validated(Recipe, content, f"recipe {path}")
    if recipe.adversary and round(recipe.adversary.share * recipe.batch) == 0:
        raise BadInputError(f"recipe {path}: a share of {recipe.adversary.share} of {recipe.batch} images attacks none")
    if recipe.adversary and recipe.steps and recipe.adversary.start >= recipe.steps:
        raise BadInputError(f"recipe {path}: the adversary would join after the last of {recipe.steps} steps")
    if recipe.augmentation:
        check_tasks(recipe.augmentation, recipe.tasks)
    if recipe.task_weights.keys() != recipe.tasks.keys():
        raise BadInputError(f"recipe {path}: task_weights must name the tasks {', '.join(recipe.tasks)}")
    return recipe, hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _read(path: Path, extended_by: tuple[Path, ...] = ()) -> Table:
    """A recipe file with what it extends filled in."""
    content = read_toml(path, f"recipe {path}")
    base = content.pop("extends", None)
    if base is None:
        return content
    if not isinstance(base, str):
        raise BadInputError(f"recipe {path}: field 'extends' must be the path of a file")
    behind = (*extended_by, path.resolve())
    if (path.parent / base).resolve() in behind:
        raise BadInputError(f"recipe {path}: field 'extends': {base} extends this file itself")
    return _filled(content, _read(path.parent / base, behind))


def _filled(content: Table, base: Table) -> Table:
    """`content` with what only `base` has; tables under the same name are filled in turn."""
    return base | {
        key: _filled(value, base[key]) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
        for key, value in content.items()
    }
