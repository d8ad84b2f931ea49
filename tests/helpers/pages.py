"""Pages of the documentation, run as they stand."""

from __future__ import annotations

import io
import os
import re
import shlex
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from helpers.commands import mtrbench

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
DECIMAL = r"-?\d+\.\d+"
WRITE = "MTRBENCH_WRITE_PAGES"
"""Set in the environment, a page is given what it prints instead of being compared with it."""


def run_page(name: str, within: float) -> dict[str, Any]:
    """Run the Python and the commands of a page from top to bottom, and return Python's names.

    A block of text behind another one must be what that prints, and all that is printed must stand there; decimals may
    differ by `within`, as training goes otherwise on other machines.
    """
    names: dict[str, Any] = {}
    page = (DOCS / name).read_text(encoding="utf-8")
    for block in [*BLOCK.finditer(page)]:
        kind, code, said = block.groups()
        found = _printed(code, names) if kind == "python" else "".join(map(_output, code.splitlines()))
        if os.environ.get(WRITE) and said is not None:
            page = page.replace(block[0], f"```{kind}\n{code}```\n\n```text\n{found}```\n")
        else:
            assert alike(found, said or "", within), f"{name} says\n{said}and prints\n{found}"
    if os.environ.get(WRITE):
        (DOCS / name).write_text(page, encoding="utf-8")
    return names


def alike(one: str, other: str, within: float) -> bool:
    """Whether texts agree in all but blanks and decimals, and these are no further than `within` apart."""
    if re.sub(DECIMAL, "#", one).split() != re.sub(DECIMAL, "#", other).split():
        return False
    pairs = zip(re.findall(DECIMAL, one), re.findall(DECIMAL, other), strict=True)
    return all(abs(float(a) - float(b)) <= within for a, b in pairs)


def _printed(code: str, names: dict[str, Any]) -> str:
    with redirect_stdout(io.StringIO()) as out:
        # Without the future that this file imports, which is not the page's.
        exec(compile(code, "page", "exec", dont_inherit=True), names)  # noqa: S102
    return out.getvalue()


def _output(line: str) -> str:
    program, *arguments = shlex.split(line.removeprefix("$ "))
    assert program == "mtrbench"
    outcome = mtrbench(*arguments)
    assert outcome.code == 0, outcome.err
    return "\n".join(part.rstrip() for part in outcome.out.strip("\n").splitlines()) + "\n"
