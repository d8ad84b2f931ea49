"""Pages of the documentation, run as they stand."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)


def run_page(name: str) -> dict[str, Any]:
    """Run the Python of a page from top to bottom, and return its names.

    A block of text behind one of Python must be what that prints, and every print must have one.
    """
    names: dict[str, Any] = {}
    for code, printed in BLOCK.findall((DOCS / name).read_text(encoding="utf-8")):
        with redirect_stdout(io.StringIO()) as out:
            exec(code, names)  # noqa: S102
        assert out.getvalue() == printed, f"{name} says\n{printed}and prints\n{out.getvalue()}"
    return names
