"""The chapters of a page about a model or an attack, one per group of records."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...benchmark.protocol.records import Record
from ..analysis.flags import Flags
from ..analysis.group import Group
from ..analysis.labels import flat
from ..boards.pairs import clean_board, gradient_board, pair_board, score_board
from ..boards.table import Board
from .bars import Chart, chart
from .html_table import Table, html_table
from .measured import measured, places
from .rows import attack_tags, links, page_name, training_tags
from .sections import Section

FEWEST = 3
"""Fewest rows that are worth a chart."""

Fact = tuple[str, str, str]
"""A term, what there is to say of it, and the page that this leads to, if any."""


@dataclass(frozen=True)
class Chapter:
    """What a page about a model or an attack says of one group: a chart with tables `beside` it, others below.

    `name` is what records call the model or the attack; a page's title may be longer. `places` is as by `places`.
    """

    section: Section
    name: str
    facts: tuple[Fact, ...]
    chart: Chart | None
    beside: tuple[Table, ...]
    tables: tuple[Table, ...]
    places: Mapping[str, Any]


def model_chapter(
    section: Section, model: str, raised: Mapping[tuple[str, str], Flags], earlier: Sequence[Chapter]
) -> Chapter:
    """A chapter of a model's page without what an earlier one shows: another budget leaves clean scores as they are."""
    part = section.part
    board = pair_board(part, [pair for pair in sorted(part.records) if pair[0] == model], "attack", raised)
    own = [
        html_table(table, f"{section.anchor}-{table.name}", table.title, {}, {})
        for table in (clean_board(part, model), gradient_board(part, model))
    ]
    told = [table.rows for chapter in earlier for table in chapter.beside]
    pages, tags = {"attack": links(part, "attack")}, {"attack": attack_tags(part)}
    return Chapter(
        section=section,
        name=part.any_record(model).cell.model.name,
        facts=_about_model(part, model),
        chart=_chart(board, part, {}),
        beside=tuple(table for table in own if table.rows not in told),
        tables=(
            measured(
                html_table(board, section.anchor, board.title, pages, tags),
                *(part, section.anchor, "attack", dict.fromkeys(part.attacks, (model,))),
                compares=False,
            ),
        ),
        places=places(part, section.anchor, section.suite, [model], part.attacks),
    )


def _about_model(part: Group, model: str) -> tuple[Fact, ...]:
    facts, ref = part.facts(model), part.any_record(model).cell.model
    twin = facts.twin or ""
    return (
        ("Trained on", facts.trained_on, ""),
        ("Training", part.training(model), ""),
        ("Sharing index", "unknown" if facts.sharing_index is None else f"{facts.sharing_index:.2f}", ""),
        ("Parameters", f"{facts.parameters:,}", ""),
        ("Independent twin", twin or "none", page_name("model", twin) if twin in part.models else ""),
        ("Weights, sha256", ref.sha256[:12], ""),
    )


def attack_chapter(section: Section, attack: str, raised: Mapping[tuple[str, str], Flags]) -> Chapter:
    """A chapter of an attack's page."""
    part = section.part
    pairs = [pair for pair in sorted(part.records) if pair[1] == attack]
    board, scores = pair_board(part, pairs, "model", raised), score_board(part, attack)
    trainings = {model: part.training(model) for model in part.models}
    pages, tags = {"model": links(part, "model")}, {"model": training_tags(part)}
    return Chapter(
        section=section,
        name=part.attack_name(attack),
        facts=_about_attack([part.records[pair] for pair in pairs]),
        chart=_chart(board, part, trainings),
        beside=(),
        tables=(
            measured(
                html_table(board, section.anchor, board.title, pages, tags),
                *(part, section.anchor, "model", dict.fromkeys(part.models, (attack,))),
                compares=False,
            ),
            html_table(scores, f"{section.anchor}-scores", scores.title, pages, tags),
        ),
        places=places(part, section.anchor, section.suite, part.models, [attack]),
    )


def _about_attack(records: Sequence[Record]) -> tuple[Fact, ...]:
    """Version, settings and seed, which all of its records share, and what its solver reported in all of them."""
    first = records[0]
    solved: Counter[str] = Counter()
    for record in records:
        solved.update(record.solver.programs)
    gaps = [gap for record in records for gap in record.solver.gaps.values()]
    about = [("Version", first.attack.version, "")]
    for name, value in flat(first.attack.settings).items():
        about.append((name, value if isinstance(value, str) else json.dumps(value), ""))
    about.append(("Seed", str(first.cell.seed), ""))
    for costs, title in (
        ([record.costs.forwards for record in records], "Forward passes per image"),
        ([record.costs.backwards for record in records], "Backward passes per image"),
    ):
        about.append((title, f"{sum(costs) / len(costs):.4g}", ""))
    if solved:
        about.append(("Programs solved", ", ".join(f"{name} {count:,}" for name, count in sorted(solved.items())), ""))
    if gaps:
        about.append(("Largest gap", f"{max(gaps):.3g}", ""))
    return tuple(about)


def _chart(board: Board, part: Group, trainings: Mapping[str, str]) -> Chart | None:
    return chart(board, part.setting.tasks, trainings) if len(board.rows) >= FEWEST else None
