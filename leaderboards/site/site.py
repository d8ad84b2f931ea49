"""The static site: an index of all boards, a page per model and a page per attack, without any request to elsewhere."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ...benchmark.protocol.records import AnyRecord
from ..analysis.flags import Flags, flags
from ..analysis.gallery import EMPTY, GALLERY, Gallery
from ..analysis.group import Group
from ..analysis.groups import group
from ..analysis.labels import flat
from ..boards.attacks import attack_boards
from ..boards.models import model_boards
from ..boards.pairs import clean_board, gradient_board, pair_board, score_board
from ..output.pages import LEGEND, TITLES, picture_names
from ..plots.registry import PLOTS, TRADEOFF
from .bars import Chart, chart
from .html_table import Table, html_table, prose

TEMPLATES = Path(__file__).parent.parent / "templates"
BESIDE = ("site.css", "site.js")
FEWEST = 3
"""Rows from which on a chart shows more than their table."""
OTHER = "other"
"""The optimizer of attacks that share theirs with no other attack."""


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


@dataclass(frozen=True)
class Chapter:
    """What a page about a model or an attack says of one group: a chart with tables `beside` it, others below.

    `name` is what records call the model or the attack; a page's title may be longer.
    """

    section: Section
    name: str
    facts: tuple[tuple[str, str, str], ...]
    chart: Chart | None
    beside: tuple[Table, ...]
    tables: tuple[Table, ...]


def site_files(
    suites: Mapping[str, Sequence[AnyRecord]], published: Mapping[str, bytes], gallery: Gallery = EMPTY
) -> dict[str, bytes]:
    """Every file of the site by its name; `published` are the paths beside the site's folder that it may refer to.

    `gallery` holds what attacks do to images, for the index and for the pages of the models and attacks they show.

    The same records in any order give the same bytes. Names of models and attacks are text wherever they stand, and no
    name of a file holds more than letters, digits and dashes of them.
    """
    sections: list[Section] = []
    models: dict[str, list[Chapter]] = {}
    attacks: dict[str, list[Chapter]] = {}
    for suite in sorted(suites):
        groups = group(suites[suite])
        sections += [_section(suite, *of, published) for of in zip(groups, picture_names(groups), strict=True)]
    sections.sort(key=_most_models_first)
    for section in sections:
        raised = flags(section.part)
        for model in section.part.models:
            chapters = models.setdefault(model, [])
            chapters.append(_model(section, model, raised, chapters))
        for attack in section.part.attacks:
            attacks.setdefault(attack, []).append(_attack(section, attack, raised))

    def page(template: str, **found: object) -> bytes:
        return _environment().get_template(template).render(**found).encode()

    files = {name: (TEMPLATES / name).read_bytes() for name in BESIDE}
    shown = [(exhibit, Picture(f"../{GALLERY}/{name}.png", exhibit.caption)) for name, (exhibit, _) in gallery.items()]
    files["index.html"] = page("index.html", sections=sections, gallery=[picture for _, picture in shown])
    for kind, pages in (("model", models), ("attack", attacks)):
        for name, chapters in pages.items():
            own = [picture for exhibit, picture in shown if getattr(exhibit, kind) == chapters[0].name]
            files[page_name(kind, name)] = page("page.html", kind=kind, name=name, chapters=chapters, gallery=own)
    return files


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
    found.globals.update(formats=TITLES, legend=prose(LEGEND))
    return found


def page_name(kind: str, name: str) -> str:
    """The file of a model's or an attack's page: what is harmless of the name, and a digest that tells all apart."""
    return f"{kind}-{_slug(name, name)}.html"


def _slug(text: str, whole: str) -> str:
    """What is harmless of `text`, and a digest of the `whole`."""
    harmless = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60]
    return f"{harmless}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def _most_models_first(section: Section) -> tuple[int, int]:
    return -len(section.part.models), -len(section.part.records)


def _section(suite: str, part: Group, suffix: str, published: Mapping[str, bytes]) -> Section:
    anchor = _slug(suite or "boards", f"{suite} {part.title}")
    prefix = f"{suite}/" if suite else ""
    drawn = {
        plot: Picture(f"../{prefix}{plot.name}{suffix}.svg", plot.about)
        for plot in PLOTS
        if f"{prefix}{plot.name}{suffix}.svg" in published
    }
    links = {kind: _links(part, kind) for kind in ("model", "attack")}
    tags = {"model": _training_tags(part), "attack": _attack_tags(part)}
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
            html_table(board, f"{anchor}-{i}", caption, links, tags)
            for i, (board, caption) in enumerate(zip(boards, captions, strict=True))
        ),
        part.incomplete,
    )


def _model(
    section: Section, model: str, raised: Mapping[tuple[str, str], Flags], earlier: Sequence[Chapter]
) -> Chapter:
    """A chapter of a model's page without what an earlier one shows: another budget leaves clean scores as they are."""
    part = section.part
    board = pair_board(part, [pair for pair in sorted(part.records) if pair[0] == model], "attack", raised)
    facts, ref = part.facts(model), part.any_record(model).cell.model
    twin = facts.twin or ""
    about = (
        ("Trained on", facts.trained_on, ""),
        ("Training", part.training(model), ""),
        ("Sharing index", "unknown" if facts.sharing_index is None else f"{facts.sharing_index:.2f}", ""),
        ("Parameters", f"{facts.parameters:,}", ""),
        ("Independent twin", twin or "none", page_name("model", twin) if twin in part.models else ""),
        ("Weights, sha256", ref.sha256[:12], ""),
    )
    own = [
        html_table(table, f"{section.anchor}-{table.name}", table.title, {}, {})
        for table in (clean_board(part, model), gradient_board(part, model))
    ]
    told = [table.rows for chapter in earlier for table in chapter.beside]
    links, tags = {"attack": _links(part, "attack")}, {"attack": _attack_tags(part)}
    return Chapter(
        section,
        ref.name,
        about,
        chart(board, part.setting.tasks) if len(board.rows) >= FEWEST else None,
        tuple(table for table in own if table.rows not in told),
        (html_table(board, section.anchor, board.title, links, tags),),
    )


def _attack(section: Section, attack: str, raised: Mapping[tuple[str, str], Flags]) -> Chapter:
    part = section.part
    pairs = [pair for pair in sorted(part.records) if pair[1] == attack]
    board = pair_board(part, pairs, "model", raised)
    records = [part.records[pair] for pair in pairs]
    solved: Counter[str] = Counter()
    for record in records:
        solved.update(record.solver.programs)
    gaps = [gap for record in records for gap in record.solver.gaps.values()]
    ref = records[0].attack
    about = [
        ("Version", ref.version, ""),
        *(
            (name, value if isinstance(value, str) else json.dumps(value), "")
            for name, value in flat(ref.settings).items()
        ),
        ("Seed", str(records[0].cell.seed), ""),
    ]
    if solved:
        about.append(("Programs solved", ", ".join(f"{name} {count:,}" for name, count in sorted(solved.items())), ""))
    if gaps:
        about.append(("Largest gap", f"{max(gaps):.3g}", ""))
    scores = score_board(part, attack)
    trainings = {model: part.training(model) for model in part.models}
    links, tags = {"model": _links(part, "model")}, {"model": _training_tags(part)}
    return Chapter(
        section,
        ref.name,
        tuple(about),
        chart(board, part.setting.tasks, trainings) if len(board.rows) >= FEWEST else None,
        (),
        (
            html_table(board, section.anchor, board.title, links, tags),
            html_table(scores, f"{section.anchor}-scores", scores.title, links, tags),
        ),
    )


def _links(part: Group, kind: str) -> dict[str, str]:
    return {name: page_name(kind, name) for name in (part.models if kind == "model" else part.attacks)}


def _training_tags(part: Group) -> dict[str, dict[str, str]]:
    return {model: {"training": part.training(model)} for model in part.models}


def _attack_tags(part: Group) -> dict[str, dict[str, str]]:
    """The optimizer and the losses of every attack; an optimizer that just one of them has is no choice."""
    facts = {attack: part.attack_facts(attack) for attack in part.attacks}
    counts = Counter(of.optimizer for of in facts.values())
    return {
        attack: {"optimizer": of.optimizer if of.optimizer and counts[of.optimizer] > 1 else OTHER, "losses": of.losses}
        for attack, of in facts.items()
    }
