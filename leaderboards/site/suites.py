"""Several folders of records, one per suite, and all that is published of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.reading import read_records, record_paths
from ...benchmark.protocol.records import AnyRecord
from ..analysis.answer import answers
from ..analysis.gallery import EMPTY, GALLERY, Gallery
from ..analysis.group import Group
from ..boards.answer import answer_board
from ..output.pages import NO_EXTRAS, Extras, files, picture
from ..output.render import markdown, to_csv, unbroken
from ..plots.answer import answer
from ..plots.layouts import LAYOUTS, layouts
from .library import EMPTY as UNKNOWN
from .library import Library
from .site import site_files

SITE = "site"
ANSWER = "answer"
"""The picture and the table of what sharing does, over all suites."""

Suites = Mapping[str, Sequence[Group]]
"""Groups of records by the name of their folder; the name is empty where there is just one folder."""


def read_suites(*places: Path, workers: int = 1) -> dict[str, list[AnyRecord]]:
    """The records of several places, united: each a file or folder of records, or a folder with such a one per suite.

    `workers` are those of `read_records`. Raises as that does, and if some places tell suites and some do not.
    """
    parts: dict[str, list[Path]] = {}
    for place in places:
        for name, part in _suites(place).items():
            parts.setdefault(name, []).append(part)
    if "" in parts and len(parts) > 1:
        alone, example = parts[""][0], next(found[0] for name, found in parts.items() if name)
        raise BadInputError(f"{alone} holds records, {example.parent} folders of them; name one of these, as {example}")
    return {name: read_records(*parts[name], workers=workers) for name in sorted(parts)}


def _suites(place: Path) -> dict[str, Path]:
    """Where the records of each suite are; the name is empty where a place holds records itself."""
    if not place.is_dir() or record_paths(place):
        return {"": place}
    return {part.name: part for part in place.glob("*") if record_paths(part)} or {"": place}


def suite_files(
    suites: Suites, gallery: Gallery = EMPTY, extras: Extras = NO_EXTRAS, library: Library = UNKNOWN
) -> dict[str, bytes]:
    """Every published file by its path: each suite's in a folder of its name, an index of them, the gallery, the site.

    The site is of all suites, and shows the pictures that are published beside it; `library` is what else it says.
    """
    if "" in suites:
        found = files(suites[""], extras)
    else:
        found = {f"{name}/{path}": content for name in suites for path, content in files(suites[name], extras).items()}
        links = [f"- [{name}]({name}/README.md): {_about(suites[name])}" for name in sorted(suites)]
        lines, beside = answer_of(suites, extras=extras)
        found["README.md"] = "\n".join(["# Leaderboards", "", *lines, *links, ""]).encode()
        found |= beside | {f"{LAYOUTS}.{kind}": content for kind, content in extras.drawn(layouts()).items()}
    found |= {f"{GALLERY}/{name}.png": content for name, (_, content) in gallery.items()}
    if extras.site:
        found |= {f"{SITE}/{path}": content for path, content in site_files(suites, found, gallery, library).items()}
    return found


def answer_of(suites: Suites, folder: str = "", extras: Extras = NO_EXTRAS) -> tuple[list[str], dict[str, bytes]]:
    """Does sharing hurt, over all suites: a page's lines, picture and table, and the files that lie beside it.

    `folder` is where these lie, as the page sees it. Nothing if no suite has both ends of sharing.
    """
    found = answers([part for name in suites for part in suites[name]])
    board, drawn = answer_board(found), extras.drawn(answer(found) or {})
    if board is None:
        return [], {}
    image = picture(
        "Damage to fully shared networks over damage to independent ones", f"{folder}{ANSWER}", has_dark=True
    )
    files = {f"{ANSWER}.{kind}": content for kind, content in drawn.items()} | {
        f"{ANSWER}.csv": to_csv([board]).encode()
    }
    return [*([image, ""] if drawn else []), unbroken(markdown(board))], files


def _about(groups: Sequence[Group]) -> str:
    found = []
    for part in groups:
        controls = len(part.attacks) - len(part.attacked)
        counts = f"models: {len(part.models)}, attacks: {len(part.attacks) - controls}"
        found.append(f"{part.title} ({counts}{f', controls: {controls}' if controls else ''})")
    return "; ".join(found)
