"""Who is compared with whom where records are missing: models that were all evaluated under the same attacks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


Core = tuple[tuple[str, ...], tuple[str, ...]]


def core(models: Sequence[str], attacks: Sequence[str], evaluated: Collection[tuple[str, str]]) -> Core:
    """Models and attacks without a missing record between them; `evaluated` are the pairs of both that have one.

    As long as a record is missing, whatever lacks the largest share of its own is left out, of equal shares attacks
    before models. So an attack that is new on some of the models takes no rank from the others, and a model that is new
    under some of the attacks does not narrow what the others are judged by. Names and their order do not matter.
    """
    has = np.array([[(model, attack) in evaluated for attack in attacks] for model in models], bool)
    has = has.reshape(len(models), len(attacks))
    rows: Mask = np.ones(len(models), bool)
    columns: Mask = np.ones(len(attacks), bool)
    while not (kept := has[np.ix_(rows, columns)]).all():
        by_model, by_attack = 1 - kept.mean(axis=1), 1 - kept.mean(axis=0)
        if by_attack.max() >= by_model.max():
            columns[columns] = by_attack < by_attack.max()
        else:
            rows[rows] = by_model < by_model.max()
    columns = np.all(has[rows], axis=0)  # an attack may have lacked only models that are left out by now
    rows = np.all(has[:, columns], axis=1)
    return tuple(compress(models, rows)), tuple(compress(attacks, columns))
