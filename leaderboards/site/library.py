"""What whoever has the models and the attacks can say of them, for the site's pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from markupsafe import Markup, escape

ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")


@dataclass(frozen=True)
class Library:
    """Texts by the name of a model, its card, and by that of an attack, its maths and sources in paragraphs."""

    cards: Mapping[str, str] = field(default_factory=dict)
    maths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


EMPTY = Library()


def with_papers(text: str) -> Markup:
    """A text whose arXiv ids lead there."""
    found = ARXIV.sub(r'<a href="https://arxiv.org/abs/\1" rel="noreferrer">arXiv \1</a>', str(escape(text)))
    found = re.sub(r"`([^`]+)`", r"<code>\1</code>", found)
    return Markup(found)  # noqa: S704  escaped before it was marked up
