"""What runs in continuous integration: our workflows, the action and the hook for others, the page about them."""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from helpers.commands import mtrbench, search_path

import mtrbench as package
from mtrbench.attacks.optimizers.pgd import PGD
from mtrbench.cli.main import cli

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = yaml.safe_load((ROOT / ".github" / "actions" / "check" / "action.yml").read_text())
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
SUITE = """
dataset = "rooms3"
images = 2
eps = [4]
steps = 1
models = ["{model}"]
attacks = ["total-pgd"]
"""


def commands() -> Iterator[tuple[str, str]]:
    """Every `mtrbench ...` that a workflow or the page says, with where it stands."""
    for path in WORKFLOWS:
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            for step in job["steps"]:
                for line in step.get("run", "").splitlines():
                    if line.startswith("mtrbench "):
                        yield path.name, line
    for line in re.findall(r"^\$ (mtrbench .*)$", PAGE, re.MULTILINE):
        yield "docs/ci.md", line


@pytest.mark.parametrize(("where", "line"), [*commands()])
def test_commands_are_such(where: str, line: str) -> None:
    _, name, *words = shlex.split(line)
    command = cli.get_command(click.Context(cli), name)
    assert command, where
    assert command.make_context(name, words).params  # raises for what it does not take


def test_every_workflow_may_only_read_but_the_site() -> None:
    assert {path.stem for path in WORKFLOWS} >= {"tests", "nightly", "lowest", "platforms", "pages"}
    for path in WORKFLOWS:
        allowed = yaml.safe_load(path.read_text())["permissions"]
        assert allowed.pop("contents") == "read"
        assert {*allowed} == ({"pages", "id-token"} if path.stem == "pages" else set())


def test_tests_run_on_every_version_from_the_oldest() -> None:
    matrix = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())["jobs"]["tests"]["strategy"]
    oldest = re.search(r"python_requires = >=(3\.\d+)", (ROOT / "setup.cfg").read_text())
    assert oldest
    assert matrix["matrix"]["python"] == [f"3.{minor}" for minor in range(int(oldest[1][2:]), 15)]


def test_inputs_of_the_action_are_those_that_are_used() -> None:
    used = {name for step in ACTION["runs"]["steps"] for name in re.findall(r"inputs\.([\w-]+)", str(step))}
    assert used == {*ACTION["inputs"]}
    steps = copied_workflow()["jobs"]["robustness"]["steps"]
    copied = next(step for step in steps if "/.github/actions/check@" in step["uses"])
    assert {*copied["with"]} <= used


def copied_workflow() -> Any:
    return yaml.safe_load(re.findall(r"^```yaml\n(name.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0])


class TestAction:
    """Its steps, run as a runner does, in a repository of somebody else's."""

    @pytest.fixture
    def project(self, tiny: Path, tmp_path: Path) -> Path:
        (tmp_path / "mine.toml").write_text(SUITE.format(model=tiny))
        subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)  # noqa: S603, S607
        # Whether it is installed or not, the command is this package.
        put(tmp_path / "bin" / "mtrbench", f'exec {shlex.quote(sys.executable)} -m mtrbench "$@"')
        words = ("check", tmp_path / "mine.toml", "--baseline", tmp_path / "robustness.json", "--update")
        assert mtrbench(*words, "--workers", 1, "--out", tmp_path / "before").code == 0
        return tmp_path

    def run(self, project: Path, **given: str) -> tuple[int, str, dict[str, str]]:
        """The exit code, what was printed, and what the steps left in the runner's files."""
        inputs = {name: about["default"] for name, about in ACTION["inputs"].items()} | {"install": ""} | given
        inputs = {name.replace("_", "-"): value for name, value in inputs.items()}
        files = {"GITHUB_STEP_SUMMARY": project / "summary.md", "GITHUB_OUTPUT": project / "output"}
        package_root = Path(package.__file__).parents[1]
        runner = {
            **os.environ,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": search_path(package_root),
            "PATH": f"{project / 'bin'}{os.pathsep}{os.environ['PATH']}",
            **{name: str(path) for name, path in files.items()},
        }
        code, said = 0, ""
        for step in ACTION["runs"]["steps"]:
            if step.get("if") == "inputs.install != ''" and not inputs["install"]:
                continue
            values = {name: filled(value, inputs) for name, value in step.get("env", {}).items()}
            done = subprocess.run(  # noqa: S603
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", filled(step["run"], inputs)],  # noqa: S607
                cwd=project / filled(step.get("working-directory", "."), inputs),
                env={**runner, **values},
                capture_output=True,
                text=True,
                check=False,
            )
            code, said = code or done.returncode, said + done.stdout + done.stderr
        return code, said, {name: path.read_text() for name, path in files.items() if path.exists()}

    def test_green_where_nothing_changed(self, project: Path) -> None:
        code, said, left = self.run(project, suite="mine.toml")
        assert code == 0, said
        assert left["GITHUB_OUTPUT"] == "exit-code=0\n"
        assert left["GITHUB_STEP_SUMMARY"].startswith("## Robustness check passed")
        assert "2 cells compared: 2 same" in said
        assert '<testsuite name="tiny" tests="2" failures="0"' in (project / "mtrbench-junit.xml").read_text()

    def test_red_where_robustness_fell_and_inputs_are_no_shell_code(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = PGD._run
        monkeypatch.setattr(PGD, "_run", lambda self, *given: run(replace(self, reach=self.reach / 10), *given))
        weak = ("check", project / "mine.toml", "--baseline", project / "weak; exit 7.json", "--update")
        assert mtrbench(*weak, "--workers", 1, "--out", project / "weak").code == 0
        given = {"records": "before/records\n", "baseline": "weak; exit 7.json", "fail_if": "clean:+0.1\ntasks:+0.0"}
        code, said, left = self.run(project, **given)
        assert (code, left["GITHUB_OUTPUT"]) == (1, "exit-code=1\n"), said
        assert "::error title=total-pgd on tiny (eps 4/255)::" in said
        assert "fell" in left["GITHUB_STEP_SUMMARY"]

    def test_it_installs_the_mtrbench_that_it_is_part_of(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        put(tmp_path / "bin" / "python", 'echo "asked: $*"')
        put(tmp_path / "bin" / "mtrbench", "exit 0")
        monkeypatch.setenv("GITHUB_ACTION_PATH", str(ROOT / ".github" / "actions" / "check"))
        _, said, _ = self.run(tmp_path, suite="mine.toml", install=ACTION["inputs"]["install"]["default"])
        asked = re.findall(r"^asked: -m pip install (\S+)$", said, re.MULTILINE)
        assert [Path(place).resolve() for place in asked] == [ROOT]
        _, said, _ = self.run(tmp_path, suite="mine.toml", install="mtrbench==0.1.0")
        assert "asked: -m pip install mtrbench==0.1.0\n" in said


def put(program: Path, line: str) -> None:
    """A program that is one line of shell."""
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{line}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def filled(text: str, inputs: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: inputs[found[1]], text)


def test_the_hook_runs_the_command() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    shown = yaml.safe_load(re.findall(r"^```yaml\n(repos.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0])
    (used,) = shown["repos"][0]["hooks"]
    assert used["id"] == hook["id"]
    for args in (hook["args"], used["args"]):
        program, name, *words = [*shlex.split(hook["entry"]), *args]
        command = cli.get_command(click.Context(cli), name)
        assert program == "mtrbench"
        assert command.make_context(name, words).params["baseline"] == Path("robustness.json")
