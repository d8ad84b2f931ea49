"""A run on several machines that have nothing in common: each does a share of the passes, and a merge the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, ValidationError

from .environment import code_sha256, unlike
from .evaluation import draft
from .jobs import Job, Workshop, all_jobs
from .protocol.cells import Cell, Sha256, Strict
from .protocol.errors import BadInputError
from .protocol.faults import first_fault
from .protocol.files import write_atomically
from .protocol.provenance import Environment
from .recording import Draft
from .store import Store

FILE = "share.json"
"""Beside a store's shards, what the run is that they are a share of."""
Place = Annotated[int, Field(ge=1)]


class Share(Strict):
    """Of all passes of a run, in their order, the ones at `number`, `number + of`, `number + 2 of`, ... (from 1).

    `code` is the digest of this package's code.
    """

    number: Place
    of: Place
    code: Sha256
    environment: Environment
    drafts: list[Draft]

    @property
    def title(self) -> str:
        """The share as the option names it."""
        return f"{self.number}/{self.of}"

    @property
    def cells(self) -> dict[str, Cell]:
        """What the run evaluates, by key."""
        return {one.cell.key: one.cell for one in self.drafts}

    @property
    def jobs(self) -> list[Job]:
        """What this share does."""
        return all_jobs([one.passes for one in self.drafts])[self.number - 1 :: self.of]


@dataclass(frozen=True)
class StoredShare:
    """A share, and the store that its passes are in."""

    store: Store
    share: Share

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"{self.store.root} (share {self.share.title})"


def begin_share(
    number: int, of: int, cells: Sequence[Cell], workshop: Workshop, store: Store, place: Environment
) -> list[Job]:
    """The jobs of a share, done or not; what it is a share of, and the `place` where it is done, is left in the store.

    Raises BadInputError if the store holds another share, or one of other code or cells.
    """
    drafts = [draft(cell, workshop) for cell in cells]
    share = Share(number=number, of=of, code=code_sha256(), environment=place, drafts=drafts)
    if (store.root / FILE).exists():
        before = read_share(store)
        if (before.share.number, before.share.of) != (number, of):
            raise BadInputError(f"{before.place} holds another share than {share.title}; choose another --out")
        check_same(before, share, "this run")
    write_atomically(store.root / FILE, share.model_dump_json(by_alias=True).encode())
    return share.jobs


def read_share(store: Store) -> StoredShare:
    """What a store is a share of; raises BadInputError if its file cannot be read."""
    path = store.root / FILE
    try:
        return StoredShare(store, Share.model_validate_json(path.read_bytes()))
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror}; run the share again") from error
    except ValidationError as error:
        raise BadInputError(f"{path} cannot be read: {first_fault(error)}; run the share again") from error


def check_same(one: StoredShare, other: Share, place: str) -> None:
    """Raises BadInputError, which says what differs, unless another share is of the same run by the same code."""
    mine = one.share
    if mine.of != other.of:
        raise BadInputError(
            f"{one.place} and {place} are shares of different runs, one of {mine.of}, one of {other.of}"
        )
    libraries = unlike(mine.environment.versions, other.environment.versions)
    if libraries:
        told = ", ".join(f"{name} {had} and {has}" for name, (had, has) in libraries.items())
        raise BadInputError(f"{one.place} and {place} were made with different libraries: {told}")
    if mine.code != other.code:
        commits = f"commits {mine.environment.commit} and {other.environment.commit}"
        raise BadInputError(f"{one.place} and {place} were made by different code of mtrbench ({commits})")
    made = [share.environment.how for share in (mine, other)]
    if made[0] != made[1]:
        raise BadInputError(f"{one.place} and {place} were made on different devices, {' and '.join(made)}")
    if [*mine.cells] != [*other.cells]:
        raise BadInputError(f"{one.place} and {place} are shares of different runs: {_difference(mine, other)}")


def _difference(one: Share, other: Share) -> str:
    """In a few words, what the first cell is that one run has and the other has not."""
    lacking = [cell for key, cell in one.cells.items() if key not in other.cells]
    more = [cell for key, cell in other.cells.items() if key not in one.cells]
    if not lacking and not more:
        return "the same cells in another order"
    cell = (lacking or more)[0]
    similar = [found for found in more if lacking and found.title == cell.title]
    if not similar:
        return f"only one of them has {cell.title}"
    fields = _fields(cell.model_dump(mode="json"), similar[0].model_dump(mode="json"))
    return f"{cell.title} has another {' and another '.join(fields)}"


def _fields(one: object, other: object, place: str = "") -> list[str]:
    """The places where two nested values differ."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        names = [*dict.fromkeys((*one, *other))]
        return [
            found
            for name in names
            for found in _fields(one.get(name), other.get(name), f"{place}.{name}" if place else name)
        ]
    return [] if one == other else [place]
