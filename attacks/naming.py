"""The grammar of attacks' names: from text to its parts and back.

    attack     = part ["@" losses] ["[" settings "]"]        total-pgd, dgba-apgd@aligned[steps=40]
    part       = balancing [":" argument] "-" optimizer      single:depth-pgd
               | whole                                       noise
    balancing, optimizer, losses, whole
               = a registered name | reference               my.module:Mine, ./file.py:Mine (see references.py)
    settings   = setting {"," setting},  setting = name "=" value, as in TOML, texts without quotes too
    attack     = registered whole ":" argument               worst-of:total-pgd@aligned,square[queries=40]

No registered optimizer has a dash in its name, and no argument of a balancing a slash or a colon: a name can be read in
one way only. All that follows the colon of a registered whole attack is its argument.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.facts import TRAIN
from ..benchmark.protocol.references import PATTERN, Reference
from ..benchmark.protocol.settings import read_setting, write_setting

_ARGUMENT = r"[^/\\:,@\[\]]*"
_COMPONENT = re.compile(rf"(?P<name>{PATTERN})(?::(?P<argument>{_ARGUMENT}))?")
# Commas in quotes or in brackets separate nothing.
_MARK = re.compile(r'[,\[\]]|"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True)
class AttackName:
    """An attack's name in its parts; a product has an `optimizer`, and its `head` is a balancing, else a whole attack.

    `head`, `optimizer` and `losses` are registered names or references, as `str` writes them.
    """

    head: str
    argument: str | None = None
    optimizer: str | None = None
    losses: str = TRAIN
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def plain(self) -> AttackName:
        """The name without settings, as records keep it: they have the settings beside it."""
        return replace(self, settings={})

    def __str__(self) -> str:
        argument = "" if self.argument is None else f":{self.argument}"
        optimizer = "" if self.optimizer is None else f"-{self.optimizer}"
        losses = "" if self.losses == TRAIN else f"@{self.losses}"
        settings = ",".join(f"{name}={write_setting(value)}" for name, value in self.settings.items())
        return f"{self.head}{argument}{optimizer}{losses}{f'[{settings}]' if settings else ''}"


@dataclass(frozen=True)
class Grammar:
    """What names mean depends on which ones are registered."""

    balancings: Container[str]
    optimizers: Container[str]
    whole: Container[str]

    def parse(self, text: str) -> AttackName | None:
        """The parts of an attack's name, None if it is none; references in it need not lead anywhere.

        Raises BadInputError for settings that cannot be read.
        """
        head, colon, argument = text.partition(":")
        if colon and head in self.whole:
            return AttackName(head, argument)
        plain, settings = split_settings(text)
        plain, at, losses = plain.partition("@")
        found = AttackName(plain) if plain in self.whole else self._product(plain) or _reference(plain)
        if found is None:
            return None
        return replace(found, losses=_canonical(losses) if at else TRAIN, settings=settings)

    def component(self, text: str) -> tuple[str, str | None] | None:
        """A balancing's name and its argument, out of `name[:argument]`; None if it is none."""
        name, colon, argument = text.partition(":")
        if name in self.balancings and re.fullmatch(_ARGUMENT, argument):
            return name, argument if colon else None
        found = _COMPONENT.fullmatch(text)
        return (_canonical(found["name"]), found["argument"]) if found else None

    def _product(self, text: str) -> AttackName | None:
        for dash in re.finditer("-", text):
            balancing, optimizer = self.component(text[: dash.start()]), text[dash.end() :]
            if balancing and (optimizer in self.optimizers or Reference.parse(optimizer)):
                return AttackName(*balancing, _canonical(optimizer))
        return None


def split_settings(text: str) -> tuple[str, dict[str, object]]:
    """What stands before the settings in brackets at the end, and these: `tau=0.1` or `random_start=true`.

    Values are written as in TOML, texts without quotes too. Raises BadInputError if they cannot be read.
    """
    plain, bracket, rest = text.partition("[")
    if not bracket:
        return text, {}
    settings: dict[str, object] = {}
    fault = BadInputError(f"attack {text!r}: write its settings as {plain}[steps=20,reach=2], each once")
    if not plain or not rest.endswith("]"):
        raise fault
    for part in split_at_commas(rest[:-1]):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if not name.isidentifier() or not value or name in settings:
            raise fault
        settings[name] = read_setting(value)
    return plain, settings


def split_at_commas(text: str) -> Iterator[str]:
    """The parts of a list, such as the members of `worst-of`; a comma in brackets or quotes separates settings."""
    start = depth = 0
    for mark in _MARK.finditer(text):
        depth += {"[": 1, "]": -1}.get(mark[0], 0)
        if mark[0] == "," and depth == 0:
            yield text[start : mark.start()].strip()
            start = mark.end()
    yield text[start:].strip()


def _reference(text: str) -> AttackName | None:
    return AttackName(_canonical(text)) if Reference.parse(text) else None


def _canonical(name: str) -> str:
    """The one spelling of a reference; a registered name is its own."""
    reference = Reference.parse(name)
    return name if reference is None else str(reference)
