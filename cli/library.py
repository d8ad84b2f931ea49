"""What the site says of models and attacks beyond their records: cards, and the maths of attacks."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from ..attacks.parts import components
from ..attacks.registry import load_attack
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.records import AnyRecord, Record
from ..leaderboards.site.library import Library
from ..models.nets.cost import sharing_indices
from ..models.registry import CodeModel, find_model
from .card_text import card_text


def library(records: Iterable[AnyRecord]) -> Library:
    """What is known of the models and the attacks of records; nothing of those that are not here."""
    records = [*records]
    models = sorted({record.cell.model.name for record in records})
    attacks = sorted({record.attack.name for record in records if isinstance(record, Record)})
    return Library(
        cards={name: text for name in models if (text := _card(name))},
        maths={name: said for name in attacks if (said := maths(name))},
    )


def maths(name: str) -> tuple[str, ...]:
    """The paragraphs on an attack's parts, none if there is no such attack here."""
    try:
        parts = components(load_attack(name))
    except BadInputError:
        return ()
    paragraphs = [paragraph for part in parts for paragraph in (inspect.getdoc(part) or "").split("\n\n")]
    # What a call refuses is for programmers.
    said = (" ".join(paragraph.split()).partition("Raises BadInputError")[0].strip() for paragraph in paragraphs)
    return tuple(text for text in said if text)


def _card(name: str) -> str:
    try:
        found = find_model(name)
    except BadInputError:
        return ""
    return (
        ""
        if isinstance(found, CodeModel)
        else card_text(found.card, sharing_indices(found.card, found.folder), found.folder)
    )
