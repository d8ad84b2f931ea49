"""Workers must have what the machine that sends them jobs has."""

from __future__ import annotations

import re

import pytest

from mtrbench import BadInputError
from mtrbench.benchmark.environment import code_sha256, versions
from mtrbench.benchmark.parcels import Alike


def test_workers_of_other_libraries_are_refused() -> None:
    mine = versions()
    Alike(code_sha256(), mine).check()
    for sender, told in (
        ({**mine, "torch": "0.1"}, f"torch {mine['torch']} and not 0.1"),
        ({**mine, "more": "1.0"}, "more None and not 1.0"),
        ({"numpy": mine["numpy"]}, f"torch {mine['torch']} and not None"),
    ):
        with pytest.raises(BadInputError, match=f"has other libraries than this machine: .*{re.escape(told)}"):
            Alike(code_sha256(), sender).check()
