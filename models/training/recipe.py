"""Training recipes: a model's training as data."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.records import Strict
from ..card import Architecture, ModelName


class Adversary(Strict):
    """The inner attack of adversarial training; it sees the first `share` of each batch; eps in 1/255."""

    attack: str
    eps: float = Field(gt=0, le=255)
    share: float = Field(gt=0, le=1)
    settings: dict[str, bool | int | float | str] = Field(default_factory=dict)


class Recipe(Strict):
    """What `mtrbench train` does; the same recipe and seed give the same weights on the same machine and versions.

    With `validation` scenes, the weights are those of the best step by these scenes, looked at every `validate_every`
    steps; with none they are the last step's.
    """

    name: ModelName
    dataset: str
    size: tuple[int, int] = Field(strict=False)
    licence: str
    twin: ModelName | None = None
    seed: int
    scenes: int = Field(gt=0)
    steps: int = Field(gt=0)
    validation: int = Field(default=0, ge=0)
    validate_every: int = Field(default=200, gt=0)
    batch: int = Field(gt=1)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    clip: float = Field(gt=0)
    ema: float = Field(ge=0, lt=1)
    precision: Literal["float32", "bfloat16"]
    tasks: dict[str, dict[str, int | float | str]]
    task_weights: dict[str, float]
    architecture: Architecture
    adversary: Adversary | None = None


def read_recipe(path: Path) -> tuple[Recipe, str]:
    """The recipe in a TOML file and the file's sha256; raises BadInputError naming file and field."""
    try:
        content = path.read_bytes()
        recipe = Recipe.model_validate(tomllib.loads(content.decode()))
    except OSError as error:
        raise BadInputError(f"recipe {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"recipe {path} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInputError(f"recipe {path}: field {where!r}: {first['msg']}") from error
    if recipe.adversary and round(recipe.adversary.share * recipe.batch) == 0:
        raise BadInputError(f"recipe {path}: a share of {recipe.adversary.share} of {recipe.batch} images attacks none")
    if recipe.task_weights.keys() != recipe.tasks.keys():
        raise BadInputError(f"recipe {path}: task_weights must name the tasks {', '.join(recipe.tasks)}")
    return recipe, hashlib.sha256(content).hexdigest()
