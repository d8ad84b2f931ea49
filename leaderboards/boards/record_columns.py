"""Columns of the record that a row is of: its key, and the command that measures it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ...benchmark.protocol.records import Record
from .table import Column, Value

S = TypeVar("S")


def record_columns(record_of: Callable[[S], Record | None]) -> list[Column[S]]:
    """Key and command, in CSV and JSON alone; empty where a row is of no single record."""

    def of(part: Callable[[Record], str]) -> Callable[[S], Value]:
        return lambda subject: None if (record := record_of(subject)) is None else part(record)

    return [
        Column("key", "key", of(lambda record: record.key), where="csv"),
        Column("command", "command", of(lambda record: record.command()), where="csv"),
    ]
