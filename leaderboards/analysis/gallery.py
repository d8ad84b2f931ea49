"""The pictures of what attacks do: each a PNG with a few lines of JSON beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from ...benchmark.protocol.cells import Name, Norm, Plain, Strict
from ...benchmark.protocol.errors import BadInputError

GALLERY = "gallery"
"""The folder of the published pictures."""

SIGNATURE = b"\x89PNG\r\n\x1a\n"
Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[Plain, Field(max_length=60)]
Colour = Annotated[str, Field(pattern="^#[0-9a-f]{6}$")]

LARGEST = 2**20
"""Bytes of a picture, at most."""


Box = Annotated[tuple[Share, Share, Share, Share], Field(strict=False)]
"""Left, top, width and height of a part of a picture, as shares of the whole."""


class Panel(Strict):
    """A column of a picture: where the image, or a task's map, lies in it without and with the attack.

    `scores` are two texts, before and after, empty for the image. `classes` are the names of the colours that occur,
    `scale` what the ends of a scale of colours mean.
    """

    name: Name
    clean: Box
    attacked: Box
    scores: Annotated[tuple[Text, Text], Field(strict=False)] = ("", "")
    classes: dict[Colour, Text] = Field(default_factory=dict)
    scale: Annotated[tuple[Text, Text], Field(strict=False)] | None = None


class Exhibit(Strict):
    """What a picture shows; `eps` is in 1/255, and the perturbation is drawn `factor` times as large as it is.

    `attack` is called as records call it; `settings` are those that it was given, as `[queries=200]`. `steps` are the
    attack's, None if it has none. `private` are pictures of a data set that does not ship with the package: they stay
    with whoever has it, and are not published. `panels` are the columns that are maps; a picture without any is shown
    as it is.
    """

    model: Name
    attack: Name
    settings: Annotated[Plain, Field(max_length=200)] = ""
    dataset: Name
    sample: Name
    norm: Norm
    eps: Annotated[float, Field(gt=0)]
    steps: Annotated[int, Field(gt=0)] | None = None
    factor: Annotated[int, Field(gt=0)]
    private: bool = False
    panels: Annotated[tuple[Panel, ...], Field(strict=False, max_length=20)] = ()

    @property
    def caption(self) -> str:
        steps = f", {self.steps} steps" if self.steps else ""
        attack = f"{self.attack}{self.settings}, eps {self.eps:g}/255{steps}"
        return f"{self.sample} of {self.dataset} under {attack}, seen by {self.model}"


Gallery = Mapping[str, tuple[Exhibit, bytes]]
"""Exhibits with their pictures, by the picture's name without the ending."""

EMPTY: Gallery = MappingProxyType({})


def read_gallery(folder: Path) -> Gallery:
    """The exhibits of a folder that are not private; none without a folder.

    Raises BadInputError naming the file that is broken, or a picture or text without the other.
    """
    found = {}
    texts, pictures = ({path.stem: path for path in folder.glob(f"*.{kind}")} for kind in ("json", "png"))
    for name in sorted(texts.keys() ^ pictures.keys()):
        raise BadInputError(f"gallery {folder}: {name} has no {'picture' if name in texts else 'text'}; remove it")
    for name in sorted(texts):
        try:
            exhibit = Exhibit.model_validate(json.loads(texts[name].read_bytes()))
        except (ValueError, RecursionError) as error:
            raise BadInputError(f"exhibit {texts[name]}: {' '.join(str(error).split())[:200]}") from error
        content = pictures[name].read_bytes()
        if not content.startswith(SIGNATURE) or len(content) > LARGEST:
            raise BadInputError(f"exhibit {pictures[name]} is no PNG of {LARGEST >> 20} MiB at most")
        if not exhibit.private:
            found[name] = exhibit, content
    return found
