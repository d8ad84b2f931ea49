"""What a comparison of records says, for whoever reads a build: a job summary, JUnit, annotations, JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from io import BytesIO
from xml.etree import ElementTree

from ..analysis.comparison import Compared, Comparison, LeftOut, told
from ..boards.changes import change_board, remarks
from .render import markdown, terminal

ROWS = 60
"""Most rows of a table on a terminal or in a job summary; JUnit and JSON hold all."""


def check_text(comparison: Comparison) -> str:
    """The table of what moved, and what else differs, for a terminal."""
    board = change_board(comparison).top(ROWS)
    table = terminal(board) if board.rows else f"{board.title}\n\n{board.note}\n"
    return "\n".join([table, *remarks(comparison)]).rstrip() + "\n"


def check_markdown(comparison: Comparison) -> str:
    """The same as Markdown, below a heading that says how it ended."""
    ended = {0: "passed", 1: "failed", 2: "could not compare everything"}[comparison.exit_code]
    lines = [f"- {_plain(text)}" for text in remarks(comparison)]
    board = change_board(comparison).top(ROWS)
    table = markdown(board, 3) if board.rows else f"{board.title}. {board.note}\n"
    return "\n".join([f"## Robustness check {ended}\n", table, *lines, ""])


def check_json(comparison: Comparison) -> str:
    """Everything that the comparison says."""
    found = {
        "exit_code": comparison.exit_code,
        "rule": comparison.rule.said,
        "cells": [
            {
                "key": one.key,
                "title": one.cell.title,
                "cell": one.cell.model_dump(mode="json"),
                "verdict": one.verdict,
                "obstacle": one.obstacle or None,
                "changes": [
                    {
                        "score": judged.change.of,
                        "before": judged.change.before,
                        "after": judged.change.after,
                        "by": {name: getattr(judged.change.by, name) for name in ("value", "low", "high")},
                        "verdict": judged.verdict,
                    }
                    for judged in one.changes
                ],
                "contents": one.contents,
                "circumstances": one.circumstances,
            }
            for one in comparison.cells
        ],
        "new": [{"key": record.key, "title": record.cell.title} for record in comparison.new],
        "left_out": [{"key": one.key, "title": one.cell.title, "reason": one.reason} for one in comparison.left_out],
    }
    return json.dumps(found, indent=1, allow_nan=False)


def check_junit(comparison: Comparison) -> bytes:
    """JUnit's XML: a suite per model, a case per cell.

    What cannot be compared is an error, and what was left out is skipped.
    """
    everything: list[Compared | LeftOut] = [*comparison.cells, *comparison.left_out]
    models = dict.fromkeys(one.cell.model.name for one in everything)
    root = ElementTree.Element("testsuites", name="mtrbench check")
    for model in models:
        cells = [one for one in comparison.cells if one.cell.model.name == model]
        left = [one for one in comparison.left_out if one.cell.model.name == model]
        counts = {
            "tests": len(cells) + len(left),
            "failures": sum(one.failing for one in cells),
            "errors": sum(bool(one.obstacle) for one in cells),
            "skipped": len(left),
        }
        about = {"name": _xml(model), **{name: str(count) for name, count in counts.items()}}
        suite = ElementTree.SubElement(root, "testsuite", about)
        for one in cells:
            case = _case(suite, one)
            kind = "error" if one.obstacle else "failure" if one.failing else None
            if kind:
                fault = ElementTree.SubElement(case, kind, message=_xml(one.found), type=one.verdict)
                fault.text = _xml("\n".join([*(told(judged.change) for judged in one.moved), *one.circumstances]))
        for missed in left:
            ElementTree.SubElement(_case(suite, missed), "skipped", message=_xml(missed.reason))
    ElementTree.indent(root)
    file = BytesIO()
    ElementTree.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)
    return file.getvalue() + b"\n"


def check_annotations(comparison: Comparison) -> list[str]:
    """Commands of GitHub's runners: an error per cell that fails or cannot be compared, a notice of those left out."""
    found = [_command("error", one.cell.title, one.found) for one in comparison.cells if one.failing or one.obstacle]
    if comparison.left_out:
        reasons = sorted({one.reason for one in comparison.left_out})
        found.append(_command("notice", f"{len(comparison.left_out)} cells left out", "; ".join(reasons)))
    return found


def _case(suite: ElementTree.Element, one: Compared | LeftOut) -> ElementTree.Element:
    data = one.cell.dataset
    name = f"{one.cell.title}, {data.images} images of {data.name}, {one.key[:10]}"
    seconds = one.seconds if isinstance(one, Compared) else 0.0
    return ElementTree.SubElement(
        suite, "testcase", classname=_xml(one.cell.model.name), name=_xml(name), time=f"{seconds:.3f}"
    )


def _command(kind: str, title: str, message: str) -> str:
    shown = _escaped(title, "%\r\n:,")
    return f"::{kind} title={shown}::{_escaped(message, '%' + chr(13) + chr(10))}"


def _escaped(text: str, letters: Iterable[str]) -> str:
    return "".join(f"%{ord(letter):02X}" if letter in letters else letter for letter in text)


def _xml(text: str) -> str:
    """A text without the characters that XML 1.0 has no way to write."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)


def _plain(text: str) -> str:
    """A text in which Markdown sees no markup."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", text)
