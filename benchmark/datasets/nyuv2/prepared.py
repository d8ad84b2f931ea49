"""NYUv2 written anew in AdaShare's layout, at one size, with normals derived from depth where there are none."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ...protocol.errors import BadInputError
from ...protocol.files import write_atomically
from ..disk.files import Pixels, reading
from ..disk.fitting import fitted
from ..disk.source import PHOTOGRAPH, Source
from ..disk.surface import Pinhole, derived_normals
from .adashare import ABOUT, SPLITS, AdaShare

PLACES = {layer: files.places[0] for layer, files in AdaShare.tables[40].items()}
"""Where the file of each layer is written."""


@dataclass(frozen=True)
class Preparation:
    """A sample to be written below `out`; `stem` is what its files are called there."""

    source: Source
    sample: str
    stem: str
    out: Path
    size: tuple[int, int]
    camera: Pinhole

    @property
    def paths(self) -> Mapping[str, Path]:
        """The files, by layer."""
        return {layer: self.out / place.format(sample=self.stem) for layer, place in PLACES.items()}


def write_sample(work: Preparation) -> bool:
    """Write the four files of a sample; False if all were there. Each file is written whole or not at all.

    Photographs are scaled with a triangle filter, labels and depth by the nearest pixel. Normals are derived from depth
    and labels so written (see `derived_normals`), unless the source has them.
    """
    if all(path.is_file() for path in work.paths.values()):
        return False
    layers = {
        layer: fitted(work.source.read(work.sample, layer), work.size, mix=layer == PHOTOGRAPH)
        for layer in work.source.layers
    }
    if "normals" in layers:
        normals = work.source.decode("normals", layers["normals"]).permute(1, 2, 0).numpy()
    else:
        normals = derived_normals(layers["depth"], layers["segmentation"], work.camera.fitted(work.size))
    known = (normals != 0).any(axis=-1, keepdims=True)
    colours = np.where(known, np.rint((normals + 1) * 127.5), 255).astype(np.uint8)
    contents = {
        PHOTOGRAPH: _png(layers[PHOTOGRAPH]),
        "segmentation": _png(np.asarray(layers["segmentation"], np.uint8)),
        "depth": _npy(np.asarray(layers["depth"], np.float32)),
        "normals": _png(colours),
    }
    for layer, path in work.paths.items():
        write_atomically(path, contents[layer])
    return True


def begin(out: Path, about: Mapping[str, object]) -> None:
    """Say in the folder what is being written to it.

    Raises BadInputError if it holds anything else than what is being written, or the same otherwise made.
    """
    path, content = out / ABOUT, dict(about)
    if path.is_file():
        with reading(path, "what mtrbench data prepare wrote") as file:
            before = json.load(file)
        if before != content:
            differing = [key for key in content if not isinstance(before, dict) or before.get(key) != content[key]]
            raise BadInputError(f"{out} was prepared with another {', '.join(differing)}; give another --out")
        return
    if out.is_dir() and any(out.iterdir()):
        raise BadInputError(f"{out} holds files already, and none of mtrbench data prepare; give another --out")
    write_atomically(path, json.dumps(content, indent=1).encode() + b"\n")


def finish(out: Path, splits: Mapping[str, Sequence[str]]) -> None:
    """Write the list of splits, which makes the folder a data set."""
    entries = {
        split: [[place.format(sample=stem) for place in PLACES.values()] for stem in stems]
        for split, stems in splits.items()
    }
    write_atomically(out / SPLITS, json.dumps(entries).encode() + b"\n")


def _png(pixels: Pixels) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "PNG")
    return stream.getvalue()


def _npy(array: Pixels) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()
