"""The way of somebody who has read the README and nothing else: every block of it, from top to bottom, timed.

    python tests/newcomer.py            # what is printed there, in a new folder with an environment of its own
    python tests/newcomer.py --short    # the mtrbench that is here, on two images, and of `mtrbench run` a few cells

A line that begins with the seconds is left for every command; the first that fails ends the way with its exit code.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
CLONE = "git clone --depth 1 https://github.com/OWNER/mtrbench && cd mtrbench"
INSTALL = "pip install -c constraints.txt ."
RUN = "mtrbench run"


def steps(readme: str) -> Iterator[str]:
    """The commands of the README in order; its Python is one, as its blocks go on from each other."""
    code = "".join(re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL))
    for kind, block in re.findall(r"^```(sh|python)\n(.*?)^```", readme, re.MULTILINE | re.DOTALL):
        if kind == "sh":
            yield from block.splitlines()
        elif code:
            yield f"python -c {shlex.quote(code)}"
            code = ""


def main() -> int:
    """Walk it, and say how long every step took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--short", action="store_true")
    short = parser.parse_args().short
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        programs = _programs(folder) if short else _environment(folder)
        place, settings = folder, {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
        if short:
            settings["PYTHONPATH"] = os.pathsep.join([str(ROOT.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
        for said in steps((ROOT / "README.md").read_text(encoding="utf-8")):
            done = said.replace("https://github.com/OWNER/mtrbench", ROOT.as_uri())
            if short and said in (CLONE, INSTALL):
                continue
            if short:
                done = re.sub(r"\bimages([ =])\d+", r"images\g<1>2", done)
            if short and said == RUN:
                done = f"{said} --model rooms3-shared.clean --attack total-fgsm --images 2 --workers 1"
            start = time.perf_counter()
            code = subprocess.run(done, shell=True, cwd=place, env=settings, stdout=sys.stderr, check=False).returncode  # noqa: S602
            print(f"{time.perf_counter() - start:7.1f} s  {said.splitlines()[0]}", flush=True)
            if code:
                return code
            if moved := re.search(r"&& cd (\S+)", said):  # a shell's folder ends with the shell
                place /= moved[1]
    return 0


def _programs(folder: Path) -> Path:
    """A folder with `mtrbench` and `python` that are those of here."""
    programs = folder / "bin"
    programs.mkdir()
    for name, words in (("mtrbench", "-m mtrbench"), ("python", "")):
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {words} "$@"\n')
        (programs / name).chmod(0o755)
    return programs


def _environment(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", str(folder / "environment")], check=True)  # noqa: S603
    return folder / "environment" / "bin"


if __name__ == "__main__":
    sys.exit(main())
