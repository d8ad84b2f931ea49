"""The sections of a suite's page: a group of records each, with its boards and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..analysis.gallery import Panel
from ..analysis.group import Group
from ..analysis.headline import standard_of, worst_cases
from ..boards.attacks import attack_boards
from ..boards.models import model_boards
from ..boards.records import RECORDS
from ..boards.table import Board
from ..output.pages import TITLES
from ..plots.registry import PLOTS
from .html_table import Kind, Table, html_table
from .measured import measured
from .rows import attack_tags, links, page_name, slug, training_tags
from .scatter import Scatter, scatter


@dataclass(frozen=True)
class Picture:
    """A picture that is published beside the site; a gallery's has `panels` and a `ratio`, width over height."""

    source: str
    about: str
    panels: tuple[Panel, ...] = ()
    ratio: float = 1.0


@dataclass(frozen=True)
class Section:
    """A group of comparable records on its suite's page.

    `folder` is where its tables lie, as the site sees it; `files` are the places of tables, by what they are about and
    then by their format's title.
    """

    suite: str
    part: Group
    anchor: str
    folder: str
    pictures: tuple[Picture, ...]
    tables: tuple[Table, ...]
    files: Mapping[str, Mapping[str, str]]
    incomplete: int
    scatter: Scatter | None

    @property
    def page(self) -> str:
        """The file of its suite's page."""
        return suite_page(self.suite)

    @property
    def controls(self) -> int:
        """How many of the attacks are controls."""
        return len(self.part.attacks) - len(self.part.attacked)


def suite_page(suite: str) -> str:
    """The file of a suite's page."""
    return page_name("suite", suite or "boards")


def section(suite: str, part: Group, suffix: str, published: Mapping[str, bytes]) -> Section:
    """A group of a suite, with those of its pictures and files that are `published`; `suffix` ends pictures' names."""
    anchor = slug(suite or "boards", f"{suite} {part.title}")
    prefix = f"{suite}/" if suite else ""
    pictures = [
        Picture(f"../{prefix}{plot.name}{suffix}.svg", plot.about)
        for plot in PLOTS
        if f"{prefix}{plot.name}{suffix}.svg" in published
    ]
    tables = [
        measured(linked_table(part, board, f"{anchor}-{i}"), part, anchor, kind, against, compares=True)
        for i, (board, kind, against) in enumerate(_measured_boards(part))
    ]
    files = {name: _files(f"{prefix}{name}", published) for name in ("models", "attacks", RECORDS)}
    return Section(
        suite, part, anchor, f"../{prefix}", tuple(pictures), tuple(tables), files, part.incomplete, scatter(part)
    )


def _files(path: str, published: Mapping[str, bytes]) -> dict[str, str]:
    return {title: f"../{path}.{ending}" for ending, title in TITLES.items() if f"{path}.{ending}" in published}


def _measured_boards(part: Group) -> list[tuple[Board, Kind, dict[str, tuple[str, ...]]]]:
    """The boards of models and attacks, and what their rows' scores are over."""
    standard = standard_of(part)
    worst = {model: found.attack for model, found in worst_cases(part).items()}
    over: dict[str, tuple[str, ...]] = {
        model: (attack,) for model, attack in (dict.fromkeys(part.models, standard) if standard else worst).items()
    }
    boards: list[tuple[Board, Kind, dict[str, tuple[str, ...]]]] = []
    boards += [(board, "model", over) for board in model_boards([part])]
    for of in part.parts:
        means = dict.fromkeys(of.attacks, of.core.models)
        boards += [(board, "attack", means) for board in attack_boards([of])]
    return boards


def linked_table(part: Group, board: Board, anchor: str) -> Table:
    """A board of a group whose models and attacks lead to their pages."""
    pages = {kind: links(part, kind) for kind in ("model", "attack")}
    tags = {"model": training_tags(part), "attack": attack_tags(part)}
    return html_table(board, anchor, board.title.removesuffix(f": {part.title}"), pages, tags)
