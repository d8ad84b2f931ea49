"""Ray-cast indoor scenes with exact ground truth, generated from a seed: the embedded default data set."""

from .evaluation import Rooms, rooms, rooms3
from .labels import CLASSES
from .render import render
from .training import TrainingScenes

__all__ = ["CLASSES", "Rooms", "TrainingScenes", "render", "rooms", "rooms3"]
