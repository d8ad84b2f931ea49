"""The first screen: the most robust models and the strongest attacks of the headline suite, and what sharing does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..boards.models import model_boards, ranked_by
from ..boards.strongest import strongest_board
from .html_table import Table
from .sections import Picture, Section, linked_table

MODELS, ATTACKS = 2, 5
"""Rows of the first screen: models of every training, and attacks."""


@dataclass(frozen=True)
class Suite:
    """A suite on the index: what its page is called, and what it holds."""

    name: str
    page: str
    sections: tuple[Section, ...]

    @property
    def models(self) -> int:
        """How many models it has."""
        return len({model for section in self.sections for model in section.part.models})

    @property
    def attacks(self) -> int:
        """How many attacks it has that are no controls."""
        return len({attack for section in self.sections for attack in section.part.attacked})


@dataclass(frozen=True)
class Front:
    """The first screen of the index, about the first section."""

    section: Section
    models: Table
    attacks: Table
    sharing: Picture | None


def front(sections: Sequence[Section], published: Mapping[str, bytes]) -> Front:
    """The first screen; `sections` begin with the one that it is about."""
    first = sections[0]
    models = model_boards([first.part])[0].top_of_each("training", MODELS)
    attacks = strongest_board(first.part).top(ATTACKS)
    answer = "answer.svg"
    about = "Damage to fully shared networks over damage to independent ones, by data set and training"
    return Front(
        first,
        linked_table(first.part, models.pick("rank", "model", ranked_by(models), "training"), "best-models"),
        linked_table(first.part, attacks, "strongest-attacks"),
        Picture(f"../{answer}", about) if answer in published else None,
    )


def suites_of(sections: Sequence[Section]) -> list[Suite]:
    """The suites in the order of their first sections."""
    by_name: dict[str, list[Section]] = {}
    for section in sections:
        by_name.setdefault(section.suite, []).append(section)
    return [Suite(name, parts[0].page, tuple(parts)) for name, parts in by_name.items()]
