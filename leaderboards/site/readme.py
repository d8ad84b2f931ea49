"""The boards in the project's README, between two markers."""

from __future__ import annotations

import os
import re
from html import escape
from pathlib import Path

from ...benchmark.protocol.errors import BadInputError
from ..analysis.gallery import EMPTY, GALLERY, Gallery
from ..analysis.groups import group, headline
from ..analysis.headline import headline_attack
from ..analysis.labels import Name
from ..analysis.sharing import shown_families
from ..boards.attacks import attack_boards
from ..boards.models import model_boards
from ..boards.sharing import CLEAN_GAIN, sharing_boards
from ..output.pages import picture
from ..output.render import markdown
from ..plots.registry import TRADEOFF
from .suites import Suites, answer_of

BEGIN, END = "<!-- boards:begin -->", "<!-- boards:end -->"
ANSWER = re.compile(r"(<!-- answer:begin -->).*?(<!-- answer:end -->)", re.DOTALL)
BETWEEN = re.compile(r"(<!-- boards:begin(?: ([^\s<>]+))? -->).*?(<!-- boards:end -->)", re.DOTALL)
PUBLISHED = "leaderboards/published/"
"""The folder of the published files, as the README sees it."""
TOP = 5
"""Attacks, and models, shown of every training."""

EXHIBITS = 4


def with_boards(text: str, suites: Suites, gallery: Gallery = EMPTY, published: str = PUBLISHED) -> str:
    """A page's text with the headline's trade-off plot, best rows and first exhibits between the markers.

    Of several suites the first marker names the one that is shown: `<!-- boards:begin NAME -->`. Between
    `<!-- answer:begin -->` and `<!-- answer:end -->` stands what sharing does over all suites. `published` is the
    folder of the published files, as the page sees it. Raises BadInputError without any markers or with another name.
    """

    def answered_at(place: re.Match[str]) -> str:
        lines, _ = answer_of(suites, published)
        return "\n".join([f"{place[1]}\n", *lines, place[2]])

    text, answered = ANSWER.subn(answered_at, text)
    found = BETWEEN.search(text)
    if not found and answered:
        return text
    if not found:
        raise BadInputError(f"the README lacks the markers {BEGIN} and {END}; add them where the boards shall stand")
    name = found[2] or ""
    if name not in suites:
        known = " or ".join(BEGIN.replace("begin", f"begin {other}".rstrip()) for other in sorted(suites))
        raise BadInputError(f"the README's marker {found[1]} names none of the records; write {known}")
    groups = group(suites[name])
    part = headline(groups)
    shown = (
        [f"{picture(TRADEOFF, folder=f'{published}{name}/' if name else published)}\n"] if shown_families(part) else []
    )
    for board in attack_boards([part]):
        tasks = [f"d_{task}" for task in part.setting.tasks]
        top = board.top(TOP).pick("rank", "attack", "ard", "worst_task", *tasks, "backwards")
        shown.append(markdown(top, level=3))
    shown += [
        markdown(board.where("everywhere").top_of_each("training", TOP), level=3) for board in model_boards([part])
    ]
    budget = (part.setting.norm, part.setting.eps)
    like = [other for other in groups if (other.setting.norm, other.setting.eps) == budget]
    attacks = [Name(attack) for attack in dict.fromkeys(map(headline_attack, like)) if attack is not None]
    shown += [
        markdown(board.only("measure", (CLEAN_GAIN, *attacks)).where("everywhere"), level=3)
        for board in sharing_boards(like)
    ]
    shown += _strip(gallery, f"{published}{GALLERY}/")
    shown.append(f"All boards, as tables and CSV: [{PUBLISHED}]({published}README.md)\n")
    return "\n".join([f"{text[: found.start()]}{found[1]}\n", *shown, f"{found[3]}{text[found.end() :]}"])


def _strip(gallery: Gallery, folder: str) -> list[str]:
    """The first exhibits in rows of two, each a link to itself in full size."""
    images = [
        f'<a href="{folder}{name}.png"><img src="{folder}{name}.png" width="49%" alt="{escape(exhibit.caption)}"></a>'
        for name, (exhibit, _) in [*gallery.items()][:EXHIBITS]
    ]
    captions = [f"- {exhibit.caption}" for exhibit, _ in [*gallery.values()][:EXHIBITS]]
    return ["### What attacks do\n", *images, "", "Row by row:\n", *captions, ""] if images else []


def updated(page: Path, suites: Suites, gallery: Gallery, published: Path) -> tuple[str, str]:
    """A page's text as it is, and as it is with the boards that are published in a folder; raises as `with_boards`."""
    text = page.read_text(encoding="utf-8")
    folder = os.path.relpath(published, page.parent).replace(os.sep, "/")
    return text, with_boards(text, suites, gallery, f"{folder}/")
