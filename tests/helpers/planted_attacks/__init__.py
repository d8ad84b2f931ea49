"""Attacks that are wrong in one way each, whole attacks from outside, as `planted_attacks.FILE:NAME`.

A file holds what one guard catches: what is verified, the watch over the model, that over what all code shares, the
process of its own, and samples that are attacked again alone.
"""

from . import images, model, process, samples, shared
from .honest import CAUGHT, Honest
from .subtle import SUBTLE

__all__ = ["CAUGHT", "SUBTLE", "Honest", "images", "model", "process", "samples", "shared"]
