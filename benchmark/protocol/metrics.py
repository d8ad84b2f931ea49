"""What a task is judged by; free of torch, which boards must not load."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One number that a task is judged by; `unit` is "" for fractions in [0, 1]."""

    name: str
    unit: str
    higher_is_better: bool
