"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from ..attacks.naming import split_settings
from ..benchmark.protocol.arguments import BatchSize, DataRoot
from ..benchmark.protocol.cells import Norm
from ..benchmark.protocol.eps import eps_255
from ..benchmark.protocol.errors import BadInputError

Command = TypeVar("Command", bound=Callable[..., Any])
Result = TypeVar("Result")

out_option = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("mtrbench-results"),
    show_default=True,
    help="Folder for all that is written.",
)


def data_options(command: Callable[..., Result]) -> Callable[..., Result]:
    """`--data-root` and `--format`, which reach the command together as its argument `data_root`."""

    @click.option(
        "--data-root",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="The files of a data set that does not ship with the package.",
    )
    @click.option("--format", "data_format", metavar="NAME", help="How they lie there; default: as they look.")
    @wraps(command)
    def with_root(*args: Any, data_root: Path | None, data_format: str | None, **options: Any) -> Result:
        if data_format is not None and data_root is None:
            raise BadInputError(f"--format {data_format} says how the files of a folder lie; say which by --data-root")
        root = None if data_root is None else DataRoot(data_root, data_format)
        return command(*args, data_root=root, **options)

    return with_root


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def norm_option(default: str | None, help: str) -> Callable[[Command], Command]:
    """`--norm`, which is read before `Eps`."""
    choice = click.Choice(get_args(Norm))
    return click.option("--norm", type=choice, is_eager=True, default=default, show_default=True, help=help)


class Eps(click.ParamType[float]):
    """A budget in 1/255, in (0, 255], or a fraction of the images' range, for the norm that `norm_option` has read."""

    name = "eps"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> float:
        try:
            return eps_255(value, (context and context.params.get("norm")) or "linf")
        except BadInputError as error:
            self.fail(str(error), param, context)


class AtOnce(click.ParamType[BatchSize]):
    """How many images go through a network at once, or `auto`."""

    name = "integer or auto"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> BatchSize:
        return "auto" if value == "auto" else click.IntRange(min=1)(value, param, context)


class Names(click.ParamType[tuple[str, ...]]):
    """Names separated by commas, each once."""

    name = "names"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> tuple[str, ...]:
        names = tuple(name.strip() for name in str(value).split(","))
        if not all(names) or len(set(names)) < len(names):
            self.fail(f"must be names separated by commas, each once, not {value!r}", param, context)
        return names


class Fraction(click.ParamType[tuple[int, int]]):
    """A share of several, `2/3` for the second of three."""

    name = "fraction"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> tuple[int, int]:
        number, _, of = str(value).partition("/")
        if not (number.isascii() and number.isdecimal() and of.isascii() and of.isdecimal()):
            self.fail(f"must be I/N, as 2/3 for the second of three, not {value!r}", param, context)
        if not 1 <= int(number) <= int(of):
            self.fail(f"must be from 1/{of} to {of}/{of}, not {value!r}", param, context)
        return int(number), int(of)


class Size(click.ParamType[tuple[int, int]]):
    """The (height, width) of images: `64`, or `48x64`."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> tuple[int, int]:
        sides = str(value).split("x")
        if len(sides) > 2 or not all(side.isdecimal() and int(side) > 0 for side in sides):
            self.fail(f"must be a number of pixels, or HEIGHTxWIDTH, not {value!r}", param, context)
        return int(sides[0]), int(sides[-1])


class Settings(click.ParamType[tuple[str, Any]]):
    """A setting with its value, written as in TOML, texts without quotes too."""

    name = "setting"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> tuple[str, Any]:
        try:
            _, settings = split_settings(f"it[{value}]")
            ((name, given),) = settings.items()
        except ValueError:
            self.fail(f"must be NAME=VALUE, not {value!r}", param, context)
        return name, given


class TaskOption(click.ParamType[tuple[str, dict[str, Any]]]):
    """A task as cards have it: its name, its kind if that is another, and its settings in brackets."""

    name = "task"

    def convert(
        self, value: object, param: click.Parameter | None, context: click.Context | None
    ) -> tuple[str, dict[str, Any]]:
        try:
            plain, settings = split_settings(str(value))
        except BadInputError:
            self.fail(f"must be NAME[SETTING=VALUE] or NAME=KIND[SETTING=VALUE], not {value!r}", param, context)
        name, _, kind = plain.partition("=")
        return name, {**({"task": kind} if kind else {}), **settings}
