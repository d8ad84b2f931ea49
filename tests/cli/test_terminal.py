"""What reaches a terminal: nothing that steers it, results alone on stdout, and text on consoles of any encoding."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import click
import pytest
from helpers.commands import assert_refused, finish, mtrbench, start
from helpers.make_records import make_clean_record, make_record
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from mtrbench import BadInputError
from mtrbench.api.submission import Manifest
from mtrbench.benchmark.protocol.plain import harmless, one_line, steering_in
from mtrbench.benchmark.protocol.records import CleanRecord, Record
from mtrbench.benchmark.shares import Share
from mtrbench.benchmark.suites.suite import Suite
from mtrbench.cli.main import COMMANDS, cli
from mtrbench.cli.terminal import Command, Group, Harmless, table, width
from mtrbench.leaderboards.analysis.gallery import Exhibit
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.boards.attacks import attack_boards
from mtrbench.leaderboards.output.render import terminal
from mtrbench.models.card import Card
from mtrbench.models.training.recipe import Recipe

STEERING = ["\x00", "\x07", "\x1b", "\x1b[2J", "\x7f", "\x9b31m", "\u061c", "\u200f", "\u2028", "\u202e", "\u2067"]
HOSTILE = "a\x1b[2J\x9b\u202eb"
SCHEMAS = [Record, CleanRecord, Card, Recipe, Suite, Manifest, Share, Exhibit]


def texts(schema: dict[str, Any], place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The texts that a JSON schema allows, keys of tables among them, and where."""
    if schema.get("type") == "string":
        yield place, schema
    if schema.get("type") == "object" and "properties" not in schema:
        pattern = next(iter(schema.get("patternProperties", {})), "")
        yield f"{place}, keys", {"pattern": pattern} if pattern else schema.get("propertyNames", {})
    for name, part in schema.items():
        for number, one in enumerate(part if isinstance(part, list) else [part]):
            if isinstance(one, dict):
                yield from texts(one, f"{place}.{name}{number or ''}")


@pytest.mark.parametrize("kind", SCHEMAS)
def test_no_field_of_any_file_takes_what_steers(kind: type[BaseModel]) -> None:
    schema = kind.model_json_schema()
    found = dict(texts(schema))
    assert len(found) > 2
    for place, text in found.items():
        while "$ref" in text:
            text = reduce(lambda part, name: part[name], text["$ref"].split("/")[1:], schema)
        assert {"enum", "const"} & text.keys() or text.get("pattern") or text.get("format") == "base64", place
        for pattern in filter(None, [text.get("pattern")]):
            # Patterns name either what they allow, or what they do not.
            assert pattern.startswith("^"), place
            assert pattern.endswith("$"), place
            assert "[^" not in pattern or r"\u202e" in pattern, place


@pytest.mark.parametrize("text", STEERING)
class TestFields:
    def test_of_records_are_refused(self, tmp_path: Path, text: str) -> None:
        for record in (make_record(), make_clean_record(make_record())):
            content = json.loads(record.to_json())
            content["environment"]["platform"] += text
            path = tmp_path / "hostile.json"
            path.write_text(json.dumps(content))
            written = harmless(text[0])
            assert_refused(mtrbench("show", "record", path), "hostile.json: environment.platform", f"{written} steers")

    def test_of_cards_are_refused(self, tiny: Path, tmp_path: Path, text: str) -> None:
        quoted = json.dumps(f"MIT {text}")  # which TOML reads alike
        lines = [
            f"licence = {quoted}" if line.startswith("licence") else line for line in tiny.read_text().splitlines()
        ]
        card = tmp_path / "hostile.toml"
        card.write_text("\n".join(lines))
        assert_refused(mtrbench("show", "model", card), f"field 'licence': {harmless(text[0])} steers")

    def test_of_what_is_typed_are_written_out(self, text: str) -> None:
        assert_refused(mtrbench("show", "model", f"./{text}.toml".replace("\x00", "\x01")), "cannot be read")
        outcome = mtrbench("run", "--attack", f"total{text}-pgd")
        assert_refused(outcome)
        assert steering_in(outcome.err.rstrip("\n")) is None


class TestHarmless:
    @given(st.text())
    def test_leaves_nothing_that_steers_and_all_else(self, text: str) -> None:
        found = harmless(text)
        assert steering_in(found) is None
        assert harmless(found) == found
        assert (found == text) == (steering_in(text) is None)
        found.encode()

    @given(st.text())
    def test_errors_are_one_line(self, text: str) -> None:
        message = str(BadInputError(text))
        assert message == one_line(text)
        assert len(message.splitlines()) <= 1

    @pytest.mark.parametrize(
        ("encoding", "expected"),
        [("utf-8", "ARD ↓ ε 世"), ("ascii", r"ARD v eps \u4e16"), ("latin-1", r"ARD v eps \u4e16")],
    )
    def test_consoles_of_other_encodings_get_text(self, encoding: str, expected: str) -> None:
        content = io.BytesIO()
        stream = Harmless(io.TextIOWrapper(content, encoding=encoding))
        stream.write("ARD ↓ ε 世")
        stream.flush()
        assert content.getvalue().decode(encoding) == expected


LOUD_ATTACK = '''
import os, subprocess
from dataclasses import dataclass
print("IMPORTED")

@dataclass(frozen=True)
class Loud:
    """Says something wherever it can."""

    def __call__(self, model, batch, threat, noise):
        print("CALLED")
        os.write(1, b"WRITTEN")
        subprocess.run(["echo", "STARTED"])
        return threat.project(batch.x, batch.x + threat.eps)
'''
LOUD_MODEL = """
import os, mtrbench, torch
print("IMPORTED")

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 1, 1)

    def forward(self, x):
        print("MODEL")
        os.write(1, b"WRITTEN")
        return {"depth": self.layer(x).exp()}

def made():
    print("MADE")
    torch.manual_seed(0)
    return mtrbench.wrap(Net().eval(), {"depth": {}})
"""


def test_stdout_is_the_results_whatever_others_print(tmp_path: Path) -> None:
    for name, text in {"loud.py": LOUD_ATTACK, "net.py": LOUD_MODEL}.items():
        (tmp_path / name).write_text(text)
    arguments = ("--model", tmp_path / "net.py:made", "--attack", tmp_path / "loud.py:Loud", "--dataset", "rooms3")
    outcome = finish(start("run", *arguments, "--images", 2, "--workers", 2, "--out", tmp_path / "out", "--json"))
    assert outcome.code == 0, outcome.err
    (record,) = json.loads(outcome.out)
    assert record["attack"].endswith("Loud")
    for word in ("IMPORTED", "CALLED", "WRITTEN", "STARTED", "MADE", "MODEL"):
        assert word in outcome.err


def test_what_others_raise_steers_nothing(tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "hostile.py"
    path.write_text(LOUD_ATTACK.replace('print("CALLED")', f"raise ValueError({HOSTILE!r})"))
    outcome = mtrbench("run", "--model", tiny, "--attack", f"{path}:Loud", "--images", 2, "--out", tmp_path / "out")
    assert outcome.code == 2
    assert r"ValueError: a\x1b[2J\x9b\u202eb" in outcome.err
    assert steering_in(outcome.err.replace("\n", "").replace("\r", "")) is None


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_stdout_for_itself(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert isinstance(command, Command | Group)
    for one in command.commands.values() if isinstance(command, Group) else ():
        assert isinstance(one, Command)


def test_reader_that_has_seen_enough_is_no_error() -> None:
    command = [sys.executable, "-m", "mtrbench", "list", "suites"]
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


class TestFilesOfOtherKinds:
    def test_mark_of_the_order_of_bytes_is_no_content(self, tiny: Path, tmp_path: Path) -> None:
        for name, content in {"card.toml": tiny.read_bytes(), "record.json": make_record().to_json().encode()}.items():
            (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + content)
        assert mtrbench("show", "model", tmp_path / "card.toml").code == 0
        assert mtrbench("show", "record", tmp_path / "record.json").code == 0

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes among files here")
    def test_pipes_are_not_waited_for(self, tmp_path: Path) -> None:
        for name in ("card.toml", "record.json", "recipe.toml"):
            os.mkfifo(tmp_path / name)
        assert_refused(mtrbench("show", "model", tmp_path / "card.toml"), "card.toml", "no regular file")
        assert_refused(mtrbench("train", tmp_path / "recipe.toml"), "recipe.toml", "no regular file")
        assert_refused(mtrbench("run", tmp_path / "recipe.toml"), "recipe.toml", "no regular file")
        assert_refused(mtrbench("show", "record", tmp_path / "record.json"), "record.json")
        assert_refused(mtrbench("leaderboard", "--records", tmp_path), "record.json", "no regular file")

    @pytest.mark.parametrize("name", ["DGBA", "Dgba-PGD", "TOTAL-pgd"])
    def test_capital_letters_find_the_name(self, name: str) -> None:
        assert_refused(mtrbench("show", "attack", name), f"did you mean {name.lower()}")


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", [72, 80, 100])
def test_tables_fit_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    rows = [{"name": "a" * 30, "summary": "word " * 30, "number": 1.5}, {"name": "b", "summary": None, "number": None}]
    boards = [*attack_boards(group([make_record(attack=name) for name in ("total-pgd", "dgba-pgd", "noise")]))]
    for stream, fits in ((Screen(), True), (io.StringIO(), False)):
        monkeypatch.setattr("sys.stdout", stream)
        tables = [part for board in boards for part in terminal(board, width()).split("\n\n")[1:-1]]
        lines = [line for text in [table(rows, headers="keys"), *tables] for line in text.splitlines()]
        assert (max(map(len, lines)) <= columns) == fits


def test_a_board_in_parts_has_every_column_and_the_names_in_each() -> None:
    (board, *_) = attack_boards(group([make_record(attack=name) for name in ("total-pgd", "dgba-pgd", "noise")]))
    whole, parts = terminal(board), terminal(board, 50)
    heads = [line for line in parts.splitlines() if line.startswith("  rank  attack")]
    assert len(heads) > 1
    assert {*whole.split()} == {*parts.split()}
    assert parts.count("dgba-pgd") >= len(heads)
