"""Values of settings as people write them behind a name: as in TOML, texts without quotes too."""

from __future__ import annotations

import json
import re
import tomllib


def read_setting(value: str) -> object:
    """What a written value stands for: itself where it is no TOML."""
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return value


def write_setting(value: object) -> str:
    """A value as `read_setting` takes it."""
    bare = isinstance(value, str) and value and read_setting(value) == value and not re.search(r'[,"\[\]=\s]', value)
    return value if isinstance(value, str) and bare else json.dumps(value)
