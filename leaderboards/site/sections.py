"""The sections of the index: a group of records each, with its boards and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..analysis.group import Group
from ..boards.attacks import attack_boards
from ..boards.models import model_boards
from ..plots.registry import PLOTS, TRADEOFF
from .html_table import Table, html_table
from .rows import attack_tags, links, slug, training_tags


@dataclass(frozen=True)
class Picture:
    """A picture that is published beside the site."""

    source: str
    about: str


@dataclass(frozen=True)
class Section:
    """A group of comparable records on the index; `folder` is where its tables lie, as the site sees it."""

    suite: str
    part: Group
    anchor: str
    folder: str
    tradeoff: Picture | None
    pictures: tuple[Picture, ...]
    tables: tuple[Table, ...]
    incomplete: int


def section(suite: str, part: Group, suffix: str, published: Mapping[str, bytes]) -> Section:
    """A group of a suite, with those of its pictures that are `published`; `suffix` ends their names."""
    anchor = slug(suite or "boards", f"{suite} {part.title}")
    prefix = f"{suite}/" if suite else ""
    drawn = {
        plot: Picture(f"../{prefix}{plot.name}{suffix}.svg", plot.about)
        for plot in PLOTS
        if f"{prefix}{plot.name}{suffix}.svg" in published
    }
    pages = {kind: links(part, kind) for kind in ("model", "attack")}
    tags = {"model": training_tags(part), "attack": attack_tags(part)}
    boards = [*model_boards([part]), *attack_boards([part])]
    captions = [board.title.removesuffix(f": {part.title}") for board in boards]
    return Section(
        suite,
        part,
        anchor,
        f"../{prefix}",
        drawn.pop(TRADEOFF, None),
        tuple(drawn.values()),
        tuple(
            html_table(board, f"{anchor}-{i}", caption, pages, tags)
            for i, (board, caption) in enumerate(zip(boards, captions, strict=True))
        ),
        part.incomplete,
    )
