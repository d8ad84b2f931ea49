"""What stands for models, data sets and attacks in cells: names, versions, settings, and digests of foreign code."""

from __future__ import annotations

from functools import cache
from types import FunctionType

from pydantic import ValidationError

from ..attacks.losses.ascending import Ascending
from ..attacks.losses.registry import losses_of
from ..attacks.objects import name_of, settings_of_object
from ..attacks.parts import innermost
from ..attacks.registry import describe, factories, load_attack, version_of
from ..attacks.traits import Ensemble
from ..benchmark.datasets.objects import inner_dataset
from ..benchmark.datasets.registry import DATASETS
from ..benchmark.protocol.cells import AttackRef, DatasetRef, ModelRef
from ..benchmark.protocol.digest import digest, foreign_sha256
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.faults import first_fault
from ..benchmark.protocol.references import Reference
from ..benchmark.protocol.types import Attack, Dataset, MultiTaskModel
from ..benchmark.protocol.weights import weights_sha256
from ..benchmark.recording import ids_sha256
from ..models.registry import CardModel, CodeModel


def model_ref(model: CardModel | CodeModel) -> ModelRef:
    """A model by its name: its weights' digest and, of a network from outside, that of all that its entry builds on."""
    return _code_model_ref(model) if isinstance(model, CodeModel) else _card_ref(model)


def model_object_ref(name: str, model: MultiTaskModel) -> ModelRef:
    """A model in memory: its weights' digest, and that of every attribute of the network and of all code in it."""
    return ModelRef(name=name, sha256=weights_sha256(model), code=digest(model.net))


def dataset_ref(name: str, source: Dataset, size: tuple[int, int]) -> DatasetRef:
    """A data set by its name."""
    code = foreign_sha256(DATASETS.get(name), type(inner_dataset(source)))
    return _dataset(str(Reference.parse(name) or name), source, size, code)


def dataset_object_ref(source: Dataset, size: tuple[int, int]) -> DatasetRef:
    """A data set in memory."""
    return _dataset(source.name, source, size, foreign_sha256(type(inner_dataset(source))))


def attack_ref(name: str, attack: Attack) -> AttackRef:
    """An attack by its name; raises BadInputError for settings that no record can hold."""
    version, settings = describe(name, attack)
    makers = (part for part in factories(name) if isinstance(part, FunctionType))  # of a class, what it made tells more
    code = _attack_code(attack, *makers)
    try:
        return AttackRef(name=name, version=version, settings=settings, code=code)
    except ValidationError as error:
        where = [part for part in error.errors()[0]["loc"] if part in settings]
        fault = f"setting {where[0]} is {settings[str(where[0])]!r}" if where else first_fault(error)
        raise BadInputError(
            f"attack {name!r}: {fault}; records hold a name of at most 200 letters, and settings that are numbers, "
            "texts, true, false, or lists and tables of these"
        ) from error


def attack_object_ref(attack: Attack) -> AttackRef:
    """An attack in memory."""
    name, settings = name_of(attack), settings_of_object(attack)
    return AttackRef(name=str(name), version=version_of(name, attack), settings=settings, code=_attack_code(attack))


def _card_ref(model: CardModel) -> ModelRef:
    card, architecture = model.card, model.card.architecture
    code = foreign_sha256(architecture.load(model.folder), architecture.settings, architecture.layout)
    return ModelRef(name=card.name, sha256=card.weights.sha256, code=code)


@cache  # of the model as it was made: what it keeps when it runs is nothing that it is made of
def _code_model_ref(model: CodeModel) -> ModelRef:
    return model_object_ref(model.name, model.load())


def _attack_code(attack: Attack, *makers: object) -> str | None:
    """Digest of an attack with foreign parts, of its losses and of the members that it keeps the worst of."""
    inner = innermost(attack)
    losses = losses_of(attack.losses) if isinstance(attack, Ascending) else {}
    members = inner.member_names if isinstance(inner, Ensemble) else ()
    own = foreign_sha256(attack, losses, makers)
    others = [attack_ref(name, load_attack(name)).code for name in members]
    return digest((own, others)) if any(others) else own


def _dataset(name: str, source: Dataset, size: tuple[int, int], code: str | None) -> DatasetRef:
    ids = source.ids
    return DatasetRef(name=name, sha256=source.sha256, code=code, ids=ids_sha256(ids), images=len(ids), size=size)
