"""A suite: lists of models, attacks and budgets, every one with every other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from pydantic import Field

from ..protocol.cells import Name, Norm, Setting, Strict
from ..protocol.eps import Eps
from ..protocol.plain import STEERING

Images = Annotated[int, Field(gt=0)]
Steps = Annotated[int, Field(gt=0)]
Budgets = Annotated[list[Eps], Field(min_length=1)]
# Names, and selectors as selectors.py has them: no control characters, no markup.
Entry = Annotated[str, Field(min_length=1, max_length=200, pattern=f"^[^{STEERING}<>|`]*$")]
Entries = Annotated[list[Entry], Field(min_length=1)]
Settings = dict[Name, Setting]
Listed = Literal["models", "attacks"]


class Addition(Strict):
    """More cells of a suite, which differ from its own in what is named here."""

    dataset: Name | None = None
    images: Images | None = None
    eps: Budgets | None = None
    steps: Steps | None = None
    settings: Settings | None = None
    models: Entries | None = None
    attacks: Entries | None = None


class Suite(Strict):
    """Every model under every attack at every `eps` (in 1/255), on the first `images` samples (None: all).

    `steps` and `settings` go to every attack that has such a setting, unless its name says otherwise. `also` adds
    cells. With `transfer` every model is attacked with what was made on each of the others, too. `models` and `attacks`
    may hold selectors (selectors.py), until `with_names` puts names in their place. Without `models` it is a protocol
    for models that its user names. `about` says in a sentence what it is there for.
    """

    about: Annotated[str, Field(max_length=200, pattern=f"^[^{STEERING}<>|`]*$")] = ""
    dataset: Name
    images: Images | None = None
    seed: int = 0
    norm: Norm = "linf"
    eps: Budgets
    steps: Steps | None = None
    settings: Settings = Field(default_factory=dict)
    models: list[Entry] = Field(default_factory=list)
    attacks: Entries
    transfer: bool = False
    also: list[Addition] = Field(default_factory=list)

    @property
    def every_model(self) -> list[str]:
        """All models of the suite, each once."""
        return [*dict.fromkeys(model for part in self.parts for model in part.models)]

    @property
    def parts(self) -> list[Suite]:
        """The suite's own cells, and those of every addition, each as a suite without additions."""
        own = self.model_copy(update={"also": []})
        return [own, *(own.model_copy(update=addition.model_dump(exclude_none=True)) for addition in self.also)]

    @property
    def defaults(self) -> Settings:
        """What goes to every attack that has such a setting."""
        return self.settings if self.steps is None else {**self.settings, "steps": self.steps}

    def with_names(self, listed: Listed, select: Callable[[Suite], list[str]]) -> Suite:
        """The suite with the names that `select` finds for each of its parts in place of the part's models or attacks.

        An addition goes on taking what it does not name from the suite, unless other names are found for it.
        """
        names, *others = (select(part) for part in self.parts)
        also = [
            addition
            if getattr(addition, listed) is None and found == names
            else addition.model_copy(update={listed: found})
            for addition, found in zip(self.also, others, strict=True)
        ]
        return self.model_copy(update={listed: names, "also": also})

    def instead(self, models: Sequence[str] = (), attacks: Sequence[str] = (), **given: object) -> Suite:
        """The suite with what is `given` in place of its own and its additions'; None and empty are not given.

        Another data set comes with all its images, if no number is given.

        Chosen models and attacks keep the data, budgets and steps of wherever the suite names them. Of a suite that
        runs `total-pgd` and `noise` on the model `a` at eps 4, `total-pgd` on it at eps 8 too, and both on the model
        `b` of other data,

            instead(eps=(2,))            runs both attacks on `a` and both on `b`, all at eps 2;
            instead(models=["b"])        runs both attacks on `b`, on its data;
            instead(attacks=["noise"])   runs noise on `a` and on `b` at eps 4: the part at eps 8 does not name it;
            instead(models=["mine"])     runs all that `a` would have run, since the suite names `mine` nowhere;
            instead(attacks=["mine"])    runs `mine` on `a` and on `b` at eps 4, for the same reason.
        """
        changes = {name: value for name, value in given.items() if value not in (None, ())}
        if changes.get("dataset", self.dataset) != self.dataset:
            changes.setdefault("images", None)
        also = [addition.model_copy(update=dict.fromkeys(changes)) for addition in self.also]
        suite = self.model_copy(update={**changes, "also": also})
        if models:
            suite = suite._only("models", models)
        return suite._only("attacks", attacks) if attacks else suite

    def _only(self, listed: Listed, chosen: Sequence[str]) -> Suite:
        named = {entry for part in self.parts for entry in getattr(part, listed)}

        def kept(addition: Addition) -> list[str] | None:
            entries = getattr(addition, listed)
            # Attacks of its own on models of its own are a suite within the suite: what is chosen takes their place.
            everything = listed == "attacks" and addition.models is not None
            return None if entries is None else [entry for entry in chosen if everything or entry in entries]

        own = [entry for entry in chosen if entry in getattr(self, listed) or entry not in named]
        also = [addition.model_copy(update={listed: kept(addition)}) for addition in self.also]
        return self.model_copy(update={listed: own, "also": also})
