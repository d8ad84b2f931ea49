"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

out_option = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("mtrbench-results"),
    show_default=True,
    help="Folder for all that is written.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class Eps(click.ParamType[float]):
    """A budget in 1/255, in (0, 255]."""

    name = "eps"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> float:
        try:
            eps = float(str(value))
        except ValueError:
            eps = float("nan")
        if not 0 < eps <= 255:
            self.fail(f"must be a number in (0, 255], in units of 1/255, not {value!r}", param, context)
        return eps


class Names(click.ParamType[tuple[str, ...]]):
    """Names separated by commas, each once."""

    name = "names"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> tuple[str, ...]:
        names = tuple(name.strip() for name in str(value).split(","))
        if not all(names) or len(set(names)) < len(names):
            self.fail(f"must be names separated by commas, each once, not {value!r}", param, context)
        return names
