"""What MkDocs does with pages that are written for the repository: links, pictures and formulas.

Pages say where things lie in the repository. A link to another page stays one, a picture comes along, and everything
else leads to the repository on the web. What is not there is a warning, which ends a strict build.
"""

from __future__ import annotations

import html
import logging
import os
import posixpath
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
CONTRIBUTING = "contributing.md"
BOARDS, SITE = "leaderboards/published/README.md", "leaderboards/site/index.html"
"""The boards in the repository, and the site of them, which is published beside the pages."""

PICTURES = (".svg", ".png")
LOG = logging.getLogger("mkdocs.hooks.mtrbench")

CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]+`", re.MULTILINE | re.DOTALL)
MARKDOWN = re.compile(r"(?<=\]\()(?P<to>[^)\s]+)(?=\))")
MARKUP = re.compile(r'(?<=(?: src|href)=")(?P<to>[^"]+)(?=")|(?<=srcset=")(?P<set>[^"]+)(?=")')
FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\(?P<open>[(\[])(?P<tex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)


def on_files(files: Files, config: Any) -> Files:
    """The contributors' page, which lies outside of docs, and every picture that pages may show."""
    files.append(File.generated(config, CONTRIBUTING, content=(ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    for folder in ("leaderboards/published", "leaderboards/gallery"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in PICTURES:
                place = f"pictures/{path.relative_to(ROOT).as_posix()}"
                files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """The page with its links as the site needs them; code stays as it is."""
    source = page.file.src_uri
    here = "CONTRIBUTING.md" if source == CONTRIBUTING else f"docs/{source}"
    parts, last = [], 0
    for code in CODE.finditer(markdown):
        parts += [_linked(markdown[last : code.start()], here, page, config), code[0]]
        last = code.end()
    return "".join([*parts, _linked(markdown[last:], here, page, config)])


def _linked(text: str, here: str, page: Any, config: Any) -> str:
    text = MARKDOWN.sub(lambda found: _place(found["to"], here, page, config), text)

    def in_markup(found: re.Match[str]) -> str:
        place = _place(found["to"] or found["set"], here, page, config)
        # MkDocs sees no links in markup: they are said as the built page needs them.
        return place if "://" in place else _from_page(place, page)

    return MARKUP.sub(in_markup, text)


def _place(target: str, here: str, page: Any, config: Any) -> str:
    """Where a link of a page of the repository leads on the site, relative to the page's source."""
    path, hash_, anchor = target.partition("#")
    if not path or "://" in target or target.startswith("mailto:"):
        return target
    place = posixpath.normpath(posixpath.join(posixpath.dirname(here), path))
    folder = posixpath.dirname(page.file.src_uri) or "."
    if not (ROOT / place).exists():
        LOG.warning("%s leads to %s, which is not in the repository", here, place)
    if place == BOARDS:
        return posixpath.relpath(SITE, page.file.url or ".")
    if place == "CONTRIBUTING.md":
        return posixpath.relpath(CONTRIBUTING, folder) + hash_ + anchor
    if place.startswith("docs/") and place.endswith(".md"):
        return posixpath.relpath(place.removeprefix("docs/"), folder) + hash_ + anchor
    if place.endswith(PICTURES) and place.startswith("leaderboards/"):
        return posixpath.relpath(f"pictures/{place}", folder)
    kind = "tree" if (ROOT / place).is_dir() else "blob"
    return f"{config['extra']['repository']}/{kind}/main/{place}{hash_}{anchor}"


def _from_page(place: str, page: Any) -> str:
    """The same from where the page is built."""
    source = posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), place))
    return posixpath.relpath(source, page.file.url or ".")


def on_page_content(content: str, page: Any, **_: Any) -> str:
    """Formulas as MathML, which browsers draw by themselves."""

    def drawn(found: re.Match[str]) -> str:
        try:
            return convert(html.unescape(found["tex"]), display="inline" if found["open"] == "(" else "block")
        except Exception as error:  # whatever a formula does to the converter, the page is to be told
            LOG.warning("%s: formula %r: %s", page.file.src_uri, found["tex"], error)
            return found[0]

    return FORMULA.sub(drawn, content)


def on_config(config: Any) -> Any:
    """The way back to the repository, which on GitHub is that of the build."""
    if repository := os.environ.get("GITHUB_REPOSITORY"):
        config["extra"]["repository"] = f"https://github.com/{repository}"
    config["nav"].append({"Repository": config["extra"]["repository"]})
    return config
