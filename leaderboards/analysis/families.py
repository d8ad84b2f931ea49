"""Models that differ in layout and seed alone: what can be said about sharing is said about one family of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import compress

from ...benchmark.protocol.facts import UNKNOWN
from ...benchmark.stats import Bootstrapped, mean
from .group import Group
from .trainings import training_label


@dataclass(frozen=True)
class Family:
    """Models of one network, data set and training by layout, the most shared first.

    Several of one layout differ in their seed. `label` says how they were trained, `sharing` the sharing index of every
    layout.
    """

    label: str
    layouts: tuple[tuple[str, ...], ...]
    sharing: tuple[float, ...]

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(model for models in self.layouts for model in models)

    @property
    def independent(self) -> tuple[str, ...]:
        """The models whose tasks share nothing."""
        return self._at(0.0)

    @property
    def shared(self) -> tuple[str, ...]:
        """The models whose tasks share the whole backbone."""
        return self._at(1.0)

    def _at(self, index: float) -> tuple[str, ...]:
        found = zip(self.layouts, self.sharing, strict=True)
        return tuple(model for models, sharing in found if sharing == index for model in models)

    def by_layout(self, scores: Mapping[str, Bootstrapped]) -> tuple[list[float], list[Bootstrapped]]:
        """The sharing index and the score of every layout that has one: the mean over those of its seeds that have."""
        xs, means = [], []
        for models, sharing in zip(self.layouts, self.sharing, strict=True):
            known = [scores[model] for model in models if model in scores]
            if known:
                xs.append(sharing)
                means.append(mean(known))
        return xs, means


def families(group: Group) -> list[Family]:
    """The families of a group's models with a sharing index, in the order of its parts.

    A model whose record does not tell its layout counts as a layout of its own. Models of unknown training differ in
    more than layouts, and are in no family.
    """
    found = []
    for part in group.parts:
        if part.training(part.models[0]) == UNKNOWN:
            continue
        networks: dict[tuple[str, str], dict[tuple[str, ...], list[str]]] = {}
        for model in part.models:
            facts = part.facts(model)
            if facts.sharing_index is not None:
                by_layout = networks.setdefault((facts.architecture or "", facts.trained_on), {})
                by_layout.setdefault(facts.layout or (model,), []).append(model)
        label = training_label(part.training(part.models[0]))
        differ = [len({*values}) > 1 for values in zip(*networks, strict=True)]
        for network in sorted(networks):
            layouts = tuple(tuple(models) for models in networks[network].values())
            sharing = tuple(part.facts(models[0]).sharing_index or 0.0 for models in layouts)
            found.append(Family(", ".join([label, *compress(network, differ)]), layouts, sharing))
    return found
