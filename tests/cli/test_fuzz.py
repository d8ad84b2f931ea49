"""Whatever a file or an argument holds, the answer is a result or one line: no traceback, nothing unforeseen.

`MTRBENCH_FUZZ=10000 pytest tests/cli/test_fuzz.py` tries so many inputs in all, new ones each time; the suite tries a
few hundred, always the same.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from helpers.commands import mtrbench
from helpers.make_records import make_clean_record, make_record
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtrbench import BadInputError, load_model
from mtrbench.api.suites import find_suite
from mtrbench.benchmark.protocol.cells import Cell
from mtrbench.benchmark.protocol.plain import steering_in
from mtrbench.cli.main import COMMANDS
from mtrbench.models.registry import ZOO

INPUTS = int(os.environ.get("MTRBENCH_FUZZ", "0"))
KINDS = 6
fuzz = settings(
    max_examples=math.ceil(INPUTS / KINDS) or 20,
    derandomize=not INPUTS,
    deadline=None,
    suppress_health_check=[*HealthCheck],
)

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # it would hide what failed

CARD = ZOO / "rooms3-branch1.clean" / "card.toml"
RECIPE = ZOO / "rooms3-branch1.clean" / "recipe.toml"
WEIGHTS = ZOO / "rooms3-branch1.clean" / "weights.safetensors"
SUITE = {
    "dataset": "rooms3",
    "images": 4,
    "seed": 0,
    "eps": [4.0],
    "steps": 2,
    "settings": {"reach": 1.5},
    "models": ["rooms3-*.clean"],
    "attacks": ["total-pgd", "@control", "!*-vmi"],
    "transfer": False,
    "also": [{"eps": [8.0], "attacks": ["single:*-pgd"]}],
}
MANIFEST = {
    "attacks": ["nudge"],
    "models": [],
    "entry": "nudge:Nudge",
    "supersedes": [],
    "submission": {
        "name": "nudge",
        "authors": ["A. Nonymous"],
        "licence": "MIT",
        "url": "https://example.org/nudge",
        "date": "2026-01-31",
    },
    "claims": [{"model": "rooms3-shared.clean", "attack": "nudge", "eps": 4.0, "score": "ard", "value": 0.5}],
}

odd = st.one_of(
    st.sampled_from(
        [
            *(True, -1, 0, 2**31, 2**63, 10**25, 0.5, -0.0, 1e308, 5e-324, math.nan, math.inf),
            *("", " ", "\n", "\x1b[2J", "\u202e", "\x00", "../../etc/passwd", "/dev/zero", "a" * 3000, "=1+1", "<b>"),
            *("{}", "%s", "*", "!", "@", "os:system", "./none.py:x", "nan", "C:\\x", "\N{PILE OF POO}", "1e999"),
            *([], {}, [[]], {"": ""}, [{}], [None], {"a": {"a": {"a": 1}}}),
        ]
    ),
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.recursive(st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=4),
)


def places(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(content, dict | list):
        for key, part in content.items() if isinstance(content, dict) else enumerate(content):
            yield (*place, key)
            yield from places(part, (*place, key))


@st.composite
def changed(draw: st.DrawFn, content: Any) -> Any:
    """Nested data with one to three values changed, moved, left out or added."""
    content = json.loads(json.dumps(content))
    for _ in range(draw(st.integers(1, 3))):
        known = [*places(content)]
        *above, last = draw(st.sampled_from(known)) if known else (None,)
        if last is None:
            break
        parent = content
        for key in above:
            parent = parent[key]
        what = draw(st.sampled_from(["set", "set", "set", "remove", "add", "copy"]))
        if what == "set":
            parent[last] = draw(odd)
        elif what == "remove":
            del parent[last]
        elif isinstance(parent, dict):
            parent[draw(st.text(max_size=12))] = draw(odd) if what == "add" else parent[last]
        else:
            parent.insert(0, draw(odd) if what == "add" else parent[last])
    return content


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Bytes of which one stretch is replaced, taken out, or repeated."""
    start = draw(st.integers(0, min(len(content), 5000)) | st.integers(0, len(content)))
    stop = min(len(content), start + draw(st.integers(0, 8)))
    new = draw(
        st.binary(max_size=8) | st.sampled_from([b"\x00", b"\xef\xbb\xbf", b'"', b"[", b"}", b"\x1b[2J", b"9" * 400])
    )
    return content[:start] + new * draw(st.sampled_from([1, 1, 1, 2000])) + content[stop:]


def written(content: Any) -> bytes:
    """As TOML; what TOML does not know becomes text."""
    try:
        return tomli_w.dumps(content).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError):
        plain = json.loads(json.dumps(content), parse_constant=str)
        return tomli_w.dumps(_without_none(plain)).encode("utf-8", "surrogatepass")


def _without_none(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_none(part) for key, part in content.items()}
    if isinstance(content, list):
        return [_without_none(part) for part in content]
    return "null" if content is None else content


def toml(content: Any, text: bytes) -> st.SearchStrategy[bytes]:
    return changed(content).map(written) | damaged(text)


def keyed(content: Any) -> Any:
    try:
        return content | {"key": Cell.model_validate_json(json.dumps(content["cell"])).key}
    except (ValueError, KeyError, TypeError):
        return content


def records() -> st.SearchStrategy[bytes]:
    found = [make_record(), make_clean_record(make_record()), make_record(source="rooms3-independent.clean")]
    contents = [json.loads(record.to_json()) for record in found]
    return st.one_of(
        *(changed(content).map(json.dumps).map(str.encode) for content in contents),
        *(changed(content).map(keyed).map(json.dumps).map(str.encode) for content in contents),
        *(damaged(record.to_json().encode()) for record in found),
    )


def assert_answers(*arguments: object) -> None:
    """A command gives its results, or says one line of what is wrong, and lets nothing steer the terminal."""
    outcome = mtrbench(*arguments)
    assert outcome.code in (0, 1, 2)
    assert outcome.err.strip() if outcome.code == 2 else outcome.out, arguments
    for text in (outcome.out, outcome.err):
        assert "Traceback" not in text
        assert not re.search(r"unexpected [A-Z]\w*: ", text), text  # an exception that no line is meant for
        assert steering_in(re.sub(r"[\n\t]", "", text)) is None, text
    if outcome.code == 2 and outcome.err.startswith("mtrbench: "):
        assert outcome.err.count("\n") == 1, outcome.err


def assert_refused_or(made: Callable[[], object]) -> None:
    said = "a result"
    try:
        made()
    except BadInputError as error:
        said = str(error)
    assert said.strip()
    assert steering_in(said) is None


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder, before = tmp_path_factory.mktemp("fuzz"), Path.cwd()
    os.chdir(folder)  # where what an argument names lands, if it does
    yield folder
    os.chdir(before)


@fuzz
@given(content=toml(tomllib.loads(CARD.read_text()), CARD.read_bytes()))
def test_cards(place: Path, content: bytes) -> None:
    (place / "card.toml").write_bytes(content)
    assert_answers("show", "model", place / "card.toml")


@fuzz
@given(content=records())
def test_records(place: Path, content: bytes) -> None:
    (place / "record.json").write_bytes(content)
    assert_answers("show", "record", place / "record.json")


@fuzz
@given(content=toml(SUITE, tomli_w.dumps(SUITE).encode()))
def test_suites(place: Path, content: bytes) -> None:
    (place / "suite.toml").write_bytes(content)
    assert_refused_or(lambda: find_suite(str(place / "suite.toml")))


@fuzz
@given(content=toml(MANIFEST, tomli_w.dumps(MANIFEST).encode()), record=st.none() | records())
def test_submissions(place: Path, content: bytes, record: bytes | None) -> None:
    (place / "records").mkdir(exist_ok=True)
    (place / "submission.toml").write_bytes(content)
    (place / "records" / "record.json").write_bytes(record or make_record().to_json().encode())
    assert_answers("validate", "submission", place)


@fuzz
@given(content=damaged(WEIGHTS.read_bytes()))
def test_weights(place: Path, content: bytes) -> None:
    (place / "weights.safetensors").write_bytes(content)
    card = tomllib.loads(CARD.read_text())
    card["weights"]["sha256"] = hashlib.sha256(content).hexdigest()
    (place / "card.toml").write_text(tomli_w.dumps(card))
    assert_refused_or(lambda: load_model(str(place / "card.toml")))


PIECES = [
    *("total", "dgba", "single", "depth", "pgd", "apgd", "fgsm", "square", "worst-of", "auto", "aligned", "score"),
    *("noise", "steps", "reach", "queries", "true", "1", "-1", "1e9", "1e999", "nan", '"', ".py", "./x.py", "mtrbench"),
    *("os", "path", ":", "-", "@", "[", "]", ",", "=", "/", ";", ".", "*", "!", " ", "%"),
    *("\x1b[2J", "\u202e", "\ud800", "\x00", "\n"),
]
names = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=9).map("".join)
OPTIONS = [
    *("--model", "--attack", "--dataset", "--eps", "--norm", "--targets", "--images", "--steps", "--seed", "--metrics"),
    *("--shard", "--batch", "--decode-workers", "--device", "--format", "--engine"),
]
runs = st.lists(st.sampled_from(OPTIONS) | names, max_size=6)


@fuzz
@given(
    arguments=st.one_of(
        names.map(lambda name: ["show", "attack", name]),
        names.map(lambda name: ["show", "model", name]),
        names.map(lambda name: ["show", "record", name]),
        names.map(lambda name: ["run", "quick", "--attack", name, "--model", "there-is-no-such-model"]),
        runs.map(lambda given: ["run", *given, "--model", "there-is-no-such-model"]),
        st.tuples(st.sampled_from([*COMMANDS]) | names, st.sampled_from(["--bogus", "-x", "--json="])).map(list),
        st.tuples(st.just("list"), names).map(list),
    )
)
def test_arguments(place: Path, arguments: list[str]) -> None:
    assert_answers(*arguments)
