"""Budgets as people write them: in 1/255, or as a fraction of the images' range."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo

from .errors import BadInputError

LARGEST = 255.0
DOUBTED = 0.1
"""In 1/255, and for the largest change of a value, less than this is taken for an eps in the images' unit."""


def eps_255(written: object, norm: object = "linf") -> float:
    """A budget in 1/255, in (0, 255]: the number itself, or 255 times a fraction in text, so that "4/255" means 4.

    Raises BadInputError for anything else, and for a number below 0.1 under `linf`: 4/255 as a number is 0.0157, which
    would be 0.0157/255. To mean so little, write "0.0157/255".
    """
    numerator, slash, denominator = str(written).partition("/")
    try:
        if isinstance(written, bool):
            raise ValueError
        eps, whole = float(numerator), float(denominator) if slash else LARGEST
        if whole != LARGEST:  # x/255 is x, to the last digit
            eps = eps * LARGEST / whole
    except (ValueError, ZeroDivisionError):
        eps = math.nan
    if not 0 < eps <= LARGEST:
        raise BadInputError(
            f"eps must be a number in (0, 255], in units of 1/255, or a fraction such as '4/255', not {written!r}"
        )
    if eps < DOUBTED and norm == "linf" and not slash:
        raise BadInputError(
            f"eps {eps:.3g} is in units of 1/255, so that nothing would change; did you mean {255 * eps:.3g}? "
            f"Write '{eps:.3g}/255' for so little"
        )
    return eps


def written_eps(eps: float, norm: str) -> str:
    """The shortest text that `eps_255` reads as this budget in 1/255."""
    short = f"{eps:g}" if float(f"{eps:g}") == eps else repr(eps)
    return f"{short}/255" if eps < DOUBTED and norm == "linf" else short


def _read(written: object, info: ValidationInfo) -> float | None:
    if written is None:
        return None  # which a field may be or not
    if isinstance(written, str) and "/" not in written:
        raise ValueError("Input should be a valid number, or a fraction such as '4/255'")
    return eps_255(written, (info.data or {}).get("norm", "linf"))


Eps = Annotated[float, BeforeValidator(_read)]
"""A field in 1/255, of cards, recipes and suites: a number, or a fraction in quotes; `norm` may stand before."""
OptionalEps = Annotated[float | None, BeforeValidator(_read)]
