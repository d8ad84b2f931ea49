"""The static site: an index, a page per suite, per model and per attack, without any request to elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from math import prod
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..analysis.flags import flags
from ..analysis.gallery import EMPTY, GALLERY, Gallery
from ..analysis.group import Group
from ..analysis.headline import standard_of
from ..output.pages import LEGEND, picture_names
from .chapters import Chapter, attack_chapter, model_chapter
from .front import front, suites_of
from .html_table import prose
from .library import EMPTY as UNKNOWN
from .library import Library, with_papers
from .measured import places, record_files
from .rows import links, page_name
from .sections import Picture, Section, section

TEMPLATES = Path(__file__).parent.parent / "templates"
SCRIPTS = ("site.js", "tables.js", "records.js", "compare.js")


def site_files(
    suites: Mapping[str, Sequence[Group]],
    published: Mapping[str, bytes],
    gallery: Gallery = EMPTY,
    library: Library = UNKNOWN,
) -> dict[str, bytes]:
    """Every file of the site by its name; `published` are the paths beside the site's folder that it may refer to.

    `gallery` holds what attacks do to images, for the index and for the pages of the models and attacks they show,
    `library` what else is known of these.

    The same records in any order give the same bytes. Names of models and attacks are text wherever they stand, and no
    name of a file holds more than letters, digits and dashes of them.
    """
    sections: list[Section] = []
    models: dict[str, list[Chapter]] = {}
    attacks: dict[str, list[Chapter]] = {}
    for suite in sorted(suites):
        of_suite = zip(suites[suite], picture_names(suites[suite]), strict=True)
        sections += [section(suite, *of, published) for of in of_suite]
    sections.sort(key=_photographs_first)
    for place in sections:
        raised = place.part.once(flags)
        for model in place.part.models:
            chapters = models.setdefault(model, [])
            chapters.append(model_chapter(place, model, raised, chapters))
        for attack in place.part.attacks:
            attacks.setdefault(attack, []).append(attack_chapter(place, attack, raised))
    found = suites_of(sections)

    def page(template: str, **about: object) -> bytes:
        return _environment().get_template(template).render(suites=found, **about).encode()

    files = {name: (TEMPLATES / name).read_bytes() for name in ("site.css", *SCRIPTS)}
    shown = [
        (exhibit, Picture(f"../{GALLERY}/{name}.png", exhibit.caption, exhibit.panels, _ratio(content)))
        for name, (exhibit, content) in gallery.items()
    ]
    files["index.html"] = page("index.html", front=front(sections, published), gallery=[of for _, of in shown])
    for one in found:
        known = [places(of.part, of.anchor, one.name, of.part.models, of.part.attacks) for of in one.sections]
        files[one.page] = page("suite.html", suite=one, places=known)
        files |= record_files(one.name, [of.part for of in one.sections])
    for kind, pages in (("model", models), ("attack", attacks)):
        for name, chapters in pages.items():
            called = chapters[0].name
            own = [picture for exhibit, picture in shown if getattr(exhibit, kind) == called]
            files[page_name(kind, name)] = page(
                "page.html",
                kind=kind,
                name=name,
                chapters=chapters,
                gallery=own,
                card=library.cards.get(called, "") if kind == "model" else "",
                maths=[with_papers(text) for text in library.maths.get(called, ())] if kind == "attack" else [],
                members=_members(chapters[0]) if kind == "attack" else [],
            )
    return files


def _ratio(png: bytes) -> float:
    """A picture's width over its height, which stand at the beginning of the file."""
    width, height = (int.from_bytes(png[start : start + 4], "big") for start in (16, 20))
    return width / height if height else 1.0


def _members(chapter: Chapter) -> list[tuple[str, str]]:
    """The attacks that an ensemble is made of, with the pages of those that have one."""
    part = chapter.section.part
    label = next(attack for attack in part.attacks if part.attack_name(attack) == chapter.name)
    pages = links(part, "attack")
    return [(name, pages.get(name, "")) for name in part.attack_facts(label).members]


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.globals.update(legend=prose(LEGEND), scripts=SCRIPTS)
    return found


def _photographs_first(section: Section) -> tuple[bool, bool, int, int, int]:
    """The largest images that the standard evaluation was run on, then the most models."""
    part = section.part
    size = prod(part.setting.size)
    return part.out_of_domain, standard_of(part) is None, -size, -len(part.models), -len(part.records)
