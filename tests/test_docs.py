"""The documentation: every command on a page is one, the reference is complete, every page can be found."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

import mtrbench
from mtrbench.cli.main import cli

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands() -> Iterator[tuple[str, str]]:
    """Every `mtrbench ...` in a block of a page, with the page."""
    for path in PAGES:
        for block in re.findall(r"^```(?:console|sh)\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S):
            for line in block.replace("\\\n", " ").splitlines():
                for part in re.split(r" && |; ", line.removeprefix("$ ")):
                    if part.startswith("mtrbench "):
                        yield path.name, part


@pytest.mark.parametrize(("page", "line"), sorted(set(commands())))
def test_commands_are_such(page: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, name, *words = shlex.split(line, comments=True)
    command: click.Command | None = cli.get_command(click.Context(cli), name)
    context = click.Context(command or cli, info_name=name)
    while isinstance(command, click.Group):
        command, words = command.get_command(context, words[0]), words[1:]
    assert command, page
    # Raises for what it does not take; files that a reader has need not be here.
    for parameter in command.params:
        if isinstance(parameter.type, click.Path):
            monkeypatch.setattr(parameter.type, "exists", False)
    assert command.make_context(name, words).params is not None


def test_the_reference_names_everything_public() -> None:
    found = re.findall(r"^::: mtrbench\.(?:\w+\.)*(\w+)$", (ROOT / "docs" / "api.md").read_text(), re.M)
    assert sorted(found) == sorted(mtrbench.__all__)


def test_every_page_is_in_the_navigation() -> None:
    text = re.sub(r"!!python\S+|!ENV", "", (ROOT / "mkdocs.yml").read_text())
    shown = set(re.findall(r"[\w-]+\.md", yaml.safe_dump(yaml.safe_load(text)["nav"])))
    assert shown == {path.name for path in (ROOT / "docs").glob("*.md")} | {"contributing.md"}


def test_every_decision_has_a_number_of_its_own_and_is_listed() -> None:
    listed = re.findall(
        r"^(\d+)\. \[(.+)\]\(decisions/(.+)\)$", (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"), re.M
    )
    titles = {
        path.name: path.read_text(encoding="utf-8").splitlines()[0] for path in (ROOT / "docs/decisions").iterdir()
    }
    assert {name: f"# {number}. {title}" for number, title, name in listed} == titles
    assert [f"{number:03}" for number in range(1, len(titles) + 1)] == sorted(name[:3] for name in titles)
