"""The command group, and what becomes of errors."""

from __future__ import annotations

import signal
import sys
import traceback
from importlib import import_module
from typing import NoReturn

import click

from ..benchmark.protocol.errors import BadInputError, unknown
from .terminal import echo, harmless_streams

COMMANDS = {
    "run": "evaluate attacks against models",
    "budget": "find the budget at which models lose half",
    "check": "measure published results again, or fail a build whose robustness fell",
    "merge": "make one set of records of a run's shares",
    "leaderboard": "make tables and plots from records",
    "records": "pack records into the files of a repository",
    "list": "name what is registered",
    "show": "show a model, an attack or a record",
    "data": "look at, convert and draw data sets on disk",
    "gallery": "draw what attacks do to images",
    "train": "train a model from its recipe",
    "card": "make a card of a network from anywhere",
    "validate": "check an attack or a model for the properties of one",
    "submit": "check what is to be handed in, and put it into a checkout",
    "new": "write a package with an attack, a model or the like of one's own",
}


class Commands(click.Group):
    """Loads a command's file only when it is asked for: most need no torch, and help should be quick."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = getattr(import_module(f".{name}", __package__), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise unknown("command", args[0], COMMANDS)
        return super().resolve_command(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mtrbench")
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
def cli() -> None:
    """Attack multi-task models, and see how far they fall in one task or in all at once."""


def main(command: click.Command = cli, name: str = "mtrbench") -> None:
    """Run a command line: what goes wrong is one line on stderr and exit code 2, Ctrl-C is exit code 130."""
    # What a scheduler sends: as an exception, so that workers end and half-written files are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with harmless_streams():
        _run(command, name)


def _run(command: click.Command, name: str) -> NoReturn:
    try:
        # A command's own exit code comes back as the value.
        sys.exit(command.main(prog_name=name, standalone_mode=False))
    except (KeyboardInterrupt, click.Abort):
        print("mtrbench: interrupted; what was saved is kept", file=sys.stderr)  # noqa: T201
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        echo(error.format_message(), err=True)
        sys.exit(2)
    except Exception as error:
        if "--debug" in sys.argv:
            traceback.print_exc()
        else:
            hint = "; mtrbench --debug ... shows where" if command is cli else ""
            print("mtrbench:", *_message(error, hint).split(), file=sys.stderr)  # noqa: T201
        # Not Python's own 1, which is a command's answer: boards that differ, numbers that are worse.
        sys.exit(2)


def _message(error: Exception, hint: str) -> str:
    if isinstance(error, BadInputError):
        return str(error)
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return f"unexpected {type(error).__name__}: {error}{hint}"
