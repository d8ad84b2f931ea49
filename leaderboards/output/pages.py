"""The published files: every board and picture as the content of a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from types import MappingProxyType

from ..analysis.group import Group
from ..analysis.groups import headline
from ..boards.attacks import attack_boards
from ..boards.metrics import metric_boards
from ..boards.models import model_boards
from ..boards.records import RECORDS, record_boards
from ..boards.registry import all_boards
from ..boards.table import Board
from ..plots.registry import PLOTS
from ..plots.style import DARK
from .latex import to_latex
from .render import markdown, to_csv, to_json

LEGEND = (
    "ARD is the averaged relative degradation: 1 means that on average the scores fell (errors grew) by 100 % of "
    "their clean value; positive is damage. Least hit task is the smallest degradation of any task: did the attack "
    "hit all of them? ARLC is the averaged relative loss change, least loss change the smallest of any task's; fwd "
    "and bwd are images through the network per image attacked, s is seconds per image on the kind of device that "
    "most records were made on. Clean gain is measured against the independent model of the same training, whose own "
    "is 0. Intervals are 95 % over the images (bootstrap), not over training runs. A rank of 1-2 is a tie: the paired "
    "differences cannot tell the rows apart. A control knows nothing of the model and is not ranked; a black box asks "
    "for losses, never for gradients."
)

WRITERS: Mapping[str, Callable[[Sequence[Board]], str]] = MappingProxyType(
    {"csv": to_csv, "json": to_json, "tex": to_latex}
)
TITLES = {"csv": "CSV", "json": "JSON", "tex": "LaTeX"}
FORMATS = ("json", "png", "tex")
"""What boards and pictures are also written as if that is asked for."""

METRICS = "metrics"
"""The folder of one file per task and metric."""


@dataclass(frozen=True)
class Extras:
    """What is published beside the boards as Markdown and CSV and the pictures on their pages.

    `site` adds the static site and a file per task and metric, `formats` some of FORMATS.
    """

    site: bool = False
    formats: frozenset[str] = frozenset()

    @property
    def writers(self) -> dict[str, Callable[[Sequence[Board]], str]]:
        """What writes boards, by the ending of the file."""
        return {ending: write for ending, write in WRITERS.items() if ending == "csv" or ending in self.formats}

    def drawn(self, picture: Mapping[str, bytes]) -> dict[str, bytes]:
        """A picture in the formats that are published."""
        return {kind: picture[kind] for kind in picture if kind in {"svg", DARK, *self.formats}}


NO_EXTRAS = Extras()


def files(groups: Sequence[Group], extras: Extras = NO_EXTRAS) -> dict[str, bytes]:
    """Every published file by its path; the same records in any order give the same bytes."""
    boards = all_boards(groups)
    found: dict[str, str | bytes] = {f"{RECORDS}.csv": to_csv(record_boards(groups))}
    for name, (title, tables) in boards.items():
        page = "\n".join([f"# {title}", "", LEGEND, "", *(markdown(board) for board in tables)])
        found |= {f"{name}.md": page}
        found |= {f"{name}.{ending}": write(tables) for ending, write in extras.writers.items()}
    metrics = metric_boards(groups) if extras.site else {}
    found |= {f"{METRICS}/{name}.csv": to_csv(tables) for name, tables in metrics.items()}
    names = picture_names(groups)
    sections = []
    for part, suffix in zip(groups, names, strict=True):
        shown = []
        for plot in PLOTS:
            drawn = plot.draw(part, groups)
            if drawn is not None:
                found |= {f"{plot.name}{suffix}.{kind}": content for kind, content in extras.drawn(drawn).items()}
                shown.append(picture(plot.about, f"{plot.name}{suffix}", DARK in drawn))
        sections.append(_section(part, shown))
    links = [_links(title, name, extras) for name, (title, _) in boards.items()]
    links.append(f"[Every record, with the command that measures it again]({RECORDS}.csv) (CSV)")
    if metrics:
        links.append(f"Every metric, as CSV: {', '.join(f'[{name}]({METRICS}/{name}.csv)' for name in metrics)}")
    found["README.md"] = "\n".join(["# Leaderboards", "", LEGEND, "", *(f"- {link}" for link in links), "", *sections])
    return {path: _encoded(found[path]) for path in sorted(found)}


def _encoded(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def picture_names(groups: Sequence[Group]) -> list[str]:
    """What each group's pictures have after their name: nothing for the headline, else dataset, images and budget."""
    first = headline(groups)
    return [
        "" if part is first else "-" + re.sub(r"[^a-z0-9.]+", "-", part.title.lower().replace("∞", "inf")).strip("-")
        for part in groups
    ]


def picture(about: str, path: str, has_dark: bool) -> str:
    """A picture on a page, in dark where the page is; `path` is where its files lie, without the ending."""
    if not has_dark:
        return f"![{about}]({path}.svg)"
    dark = f'<source media="(prefers-color-scheme: dark)" srcset="{path}.{DARK}">'
    return f'<picture>{dark}<img alt="{escape(about)}" src="{path}.svg"></picture>'


def _links(title: str, path: str, extras: Extras) -> str:
    others = ", ".join(f"[{TITLES[ending]}]({path}.{ending})" for ending in extras.writers)
    return f"[{title}]({path}.md) ({others})"


def _section(part: Group, drawn: Sequence[str]) -> str:
    tables = [markdown(board, level=3) for board in (*model_boards([part]), *attack_boards([part]))]
    shown = [f"{image}\n" for image in drawn]
    return "\n".join([f"## {part.title}", "", *shown, *tables])
