"""The file that an interrupted training goes on from."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.files import write_atomically


@dataclass(frozen=True)
class Checkpoint:
    """A training's state at `path`, whole or not there; `origin` says what is trained, a recipe's digest."""

    path: Path
    origin: str

    def write(self, state: Mapping[str, Any]) -> None:
        """Replace what is there by `state`: tensors, numbers, text, and lists and dictionaries of them."""
        content = io.BytesIO()
        torch.save({"origin": self.origin, "state": state}, content)
        write_atomically(self.path, content.getvalue())

    def read(self) -> dict[str, Any] | None:
        """The state last written, on the CPU; None if there is none.

        Tensors alone are unpickled, never code. Raises BadInputError if the file is broken or another recipe's.
        """
        try:
            content = torch.load(self.path, map_location="cpu", weights_only=True)
            origin, state = content["origin"], content["state"]
        except FileNotFoundError:
            return None
        except Exception as error:  # broken bytes lead torch to errors of many types
            raise self.refused("cannot be read") from error
        if origin != self.origin:
            raise self.refused("is of another recipe")
        return dict(state)

    def refused(self, fault: str) -> BadInputError:
        """The error for a file that no training can go on from."""
        return BadInputError(f"checkpoint {self.path} {fault}; remove it to train from the start")

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
