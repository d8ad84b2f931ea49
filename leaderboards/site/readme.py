"""The boards on the project's pages, each between two markers."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from ...benchmark.protocol.errors import BadInputError
from ..analysis.gallery import EMPTY, GALLERY, Gallery
from ..analysis.group import Group
from ..analysis.groups import headline
from ..analysis.headline import headline_attack
from ..analysis.labels import Name
from ..analysis.sharing import shown_families
from ..boards.attacks import attack_boards
from ..boards.models import model_boards, ranked_by
from ..boards.sharing import CLEAN_GAIN, sharing_boards
from ..boards.strongest import strongest_board
from ..output.pages import picture
from ..output.render import markdown, unbroken
from ..plots.registry import TRADEOFF
from .suites import Suites, answer_of

BEGIN, END = "<!-- boards:begin -->", "<!-- boards:end -->"
BLOCK = re.compile(r"<!-- (answer|best|boards):begin(?: ([^\s<>]+))? -->.*?<!-- \1:end -->", re.DOTALL)
PUBLISHED = "leaderboards/published/"
"""The folder of the published files, as the README sees it."""
TOP = 5
"""Attacks, and models, shown of every training."""
STRONGEST, BEST = 4, 3
"""Attacks, and models of every training, that a short page shows."""

EXHIBITS = 4


def with_boards(text: str, suites: Suites, gallery: Gallery = EMPTY, published: str = PUBLISHED) -> str:
    """A page's text with what its markers ask for between them.

    - `<!-- answer:begin -->` to `<!-- answer:end -->`: what sharing does over all suites.
    - `<!-- best:begin NAME -->` to `<!-- best:end -->`: a suite's strongest attacks and most robust models, in short.
    - `<!-- boards:begin NAME -->` to `<!-- boards:end -->`: the headline: plot, best rows, exhibits.

    The name is left out where there is just one set of records. `published` is the folder of the published files, as
    the page sees it. Raises BadInputError without any markers or with another name.
    """

    def filled(place: re.Match[str]) -> str:
        kind, name = place[1], place[2] or ""
        begin, end = place[0].partition("-->")[0] + "-->", f"<!-- {kind}:end -->"
        if kind == "answer":
            lines, _ = answer_of(suites, published)
        elif name not in suites:
            known = " or ".join(f"<!-- {f'{kind}:begin {other}'.rstrip()} -->" for other in sorted(suites))
            raise BadInputError(f"the page's marker {begin} names none of the records; write {known}")
        elif kind == "best":
            lines = _best(headline(suites[name]))
        else:
            lines = _boards(suites[name], f"{published}{name}/" if name else published)
            lines += [*_strip(gallery, f"{published}{GALLERY}/"), _all_boards(published)]
        return "\n".join([f"{begin}\n", *lines, end])

    text, count = BLOCK.subn(filled, text)
    if not count:
        raise BadInputError(f"the page lacks the markers {BEGIN} and {END}; add them where the boards shall stand")
    return text


def _best(part: Group) -> list[str]:
    """The strongest attacks on the models of each training, and the most robust of these."""
    models = model_boards([part])[0].top_of_each("training", BEST)
    shown = (strongest_board(part).top(STRONGEST), models.pick("model", ranked_by(models), "training", "sharing_index"))
    return [unbroken(markdown(board, level=3)) for board in shown]


def _boards(groups: Sequence[Group], folder: str) -> list[str]:
    """The trade-off plot of the headline, which lies in a folder, and the best rows of its boards."""
    part = headline(groups)
    shown = [f"{picture(TRADEOFF.about, folder + TRADEOFF.name, has_dark=True)}\n"] if shown_families(part) else []
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
    return shown


def _all_boards(published: str) -> str:
    return f"All boards, as tables and CSV: [{PUBLISHED}]({published}README.md)\n"


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
