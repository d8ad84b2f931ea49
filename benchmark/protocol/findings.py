"""What examining an attack or a model brings to light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .errors import BadInputError

Result = Literal["pass", "fail", "flag", "does not apply"]


@dataclass(frozen=True)
class Finding:
    """Whether what is examined has a property, and in one line how that shows.

    A flag is a sign of trouble, and no failure.
    """

    result: Result
    found: str

    @classmethod
    def of(cls, error: BaseException) -> Finding:
        """The failure of what raised `error` while it was examined: whatever the property, it lacks it."""
        kind = "" if isinstance(error, BadInputError) else f"{type(error).__name__}: "
        return cls("fail", f"{kind}{' '.join(str(error).split())[:200]}")
