"""What the site says of models and attacks beyond their records: cards, and the maths of attacks."""

from __future__ import annotations

from collections.abc import Iterable

from ..attacks.registry import attack_facts, load_attack
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.records import AnyRecord, Record
from ..leaderboards.site.library import Library
from ..models.nets.cost import sharing_indices
from ..models.registry import CodeModel, find_model
from .card_text import card_text
from .show import said_of


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
    """The paragraphs on an attack's parts and on its members, none if there is no such attack here."""
    try:
        made = load_attack(name)
    except BadInputError:
        return ()
    own = said_of(made).split("\n\n")
    members = [f"`{member}`: {said_of(load_attack(member))}" for member in attack_facts(name, made).members]
    # What a call refuses is for programmers.
    said = (" ".join(text.split()).partition("Raises BadInputError")[0].strip() for text in (*own, *members))
    return tuple(text for text in said if text)


def _card(name: str) -> str:
    try:
        found = find_model(name)
    except BadInputError:
        return ""
    if isinstance(found, CodeModel):
        return ""
    return card_text(found.card, sharing_indices(found.card, found.folder), found.folder)
