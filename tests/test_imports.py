"""The floors of docs/architecture.md hold: who imports whom, read from the files."""

from __future__ import annotations

import ast
import configparser
import importlib.util
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from helpers.commands import finish, python

import mtrbench

ROOT = Path(mtrbench.__file__).parent
CHECKOUT = Path(__file__).parent.parent
NO_PACKAGE = {"tests", "docs"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("mtrbench", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def sources() -> dict[str, Path]:
    paths = (path for path in ROOT.rglob("*.py") if not any(p.startswith(".") for p in path.relative_to(ROOT).parts))
    return {module_name(path): path for path in paths if path.relative_to(ROOT).parts[0] not in NO_PACKAGE}


SOURCES = sources()


def imported(name: str) -> Iterator[str]:
    """The modules that a module imports, ours and others', wherever in the file the import stands."""
    package = name if SOURCES[name].name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(SOURCES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            base = importlib.util.resolve_name(source, package) if node.level else source
            for alias in node.names:
                yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in SOURCES else base


GRAPH = {name: {found for found in imported(name) if found in SOURCES} - {name} for name in SOURCES}

RECORDS = [
    *(
        f"benchmark.protocol.{name}"
        for name in ("cells", "facts", "estimates", "records", "reading", "merging", "plain", "kept", "cores")
    ),
    *(f"benchmark.protocol.{name}" for name in ("errors", "files", "metrics", "packing", "signs", "provenance")),
    "benchmark.stats",
]
ROOMS = ["analysis", "boards", "plots", "output", "site"]

# Each module answers to the first line whose name it is, or lies below; what it may import likewise.
FLOORS = {
    "benchmark.protocol": ["benchmark.protocol"],
    "benchmark.datasets": ["benchmark.protocol", "benchmark.datasets"],
    "benchmark.stats": ["benchmark.protocol"],
    "benchmark.measurement": ["benchmark.protocol"],
    "benchmark.child": ["benchmark.protocol"],
    "benchmark.arrays": ["benchmark.protocol"],
    "benchmark.gates": ["benchmark.protocol"],
    "benchmark.speedups": ["benchmark.protocol"],
    "benchmark.victim": ["benchmark.protocol", "benchmark.measurement", "benchmark.gates", "benchmark.speedups"],
    "benchmark.attackers": ["benchmark.protocol", "benchmark.measurement", "benchmark.victim", "benchmark.speedups"],
    "benchmark.apart": [
        *("benchmark.protocol", "benchmark.measurement", "benchmark.memory", "benchmark.attackers", "benchmark.child"),
        *("benchmark.arrays", "benchmark.speedups"),
    ],
    "benchmark.suspicion": ["benchmark.protocol"],
    "benchmark.batches": ["benchmark.protocol"],
    "benchmark.neighbours": ["benchmark.protocol", "benchmark.attackers"],
    "benchmark.memory": ["benchmark.protocol"],
    "benchmark.harness": [
        *("benchmark.protocol", "benchmark.measurement", "benchmark.memory", "benchmark.victim"),
        *("benchmark.attackers", "benchmark.apart", "benchmark.child", "benchmark.neighbours", "benchmark.suspicion"),
    ],
    "benchmark": ["benchmark"],
    "attacks": ["benchmark.protocol", "attacks"],
    "models.training": ["benchmark.protocol", "attacks", "models"],
    "models": ["benchmark.protocol", "models"],
    # Five rooms, each of which may look into those before it; none loads torch.
    **{
        f"leaderboards.{room}": [*RECORDS, *(f"leaderboards.{earlier}" for earlier in ROOMS[: place + 1])]
        for place, room in enumerate(ROOMS)
    },
    "leaderboards": [],
    "api": ["benchmark", "attacks", "models", "leaderboards", "api"],
    "cli": ["benchmark", "attacks", "models", "leaderboards", "api", "cli"],
    "": [""],
}


def within(name: str, floor: str) -> bool:
    return not floor or name == f"mtrbench.{floor}" or name.startswith(f"mtrbench.{floor}.")


@pytest.mark.parametrize("name", SOURCES)
def test_imports_nothing_from_a_floor_above(name: str) -> None:
    allowed = FLOORS[next(floor for floor in FLOORS if within(name, floor))]
    above = [found for found in GRAPH[name] if not any(within(found, floor) for floor in allowed)]
    assert not above


def test_only_training_imports_attacks_and_nothing_else_of_models_imports_training() -> None:
    users = {name for name, found in GRAPH.items() if any(within(module, "models.training") for module in found)}
    assert not {name for name in users if within(name, "models") and not within(name, "models.training")}


def test_every_floor_has_modules() -> None:
    for floor in FLOORS:
        assert any(within(name, floor) for name in SOURCES)


def test_relative_imports_are_seen() -> None:
    assert "mtrbench.benchmark.protocol.errors" in GRAPH["mtrbench.attacks.balancing.dgba"]
    assert "mtrbench.attacks.ilp" in GRAPH["mtrbench.attacks.balancing.dgba"]
    assert "mtrbench.cli.main" in GRAPH["mtrbench.__main__"] | GRAPH["mtrbench.cli"]


def test_no_circle() -> None:
    # The root names its public objects for type checkers; at run time it loads them on demand.
    graph = {name: found for name, found in GRAPH.items() if name != "mtrbench"}
    order = [*TopologicalSorter(graph).static_order()]
    assert set(graph) <= set(order)


def test_setup_lists_every_folder_with_code() -> None:
    setup = configparser.ConfigParser()
    setup.read(CHECKOUT / "setup.cfg", encoding="utf-8")
    # From the checkout: an installed package lacks just what the list forgot.
    tops = [path.parent for path in CHECKOUT.glob("*/__init__.py") if path.parent.name != "tests"]
    folders = {path.parent for top in tops for path in top.rglob("*.py")}
    assert all((folder / "__init__.py").exists() for folder in folders)
    names = [".".join(("mtrbench", *folder.relative_to(CHECKOUT).parts)) for folder in folders]
    assert setup.get("options", "packages").split() == sorted(["mtrbench", *names])


def test_setup_requires_what_is_imported() -> None:
    setup = configparser.ConfigParser()
    setup.read(CHECKOUT / "setup.cfg", encoding="utf-8")
    required = {line.partition(">")[0] for line in setup.get("options", "install_requires").split()}
    distributions = {
        "PIL": "pillow",
        "pydantic_core": "pydantic-core",
        "tomli_w": "tomli-w",
        "typing_extensions": "typing-extensions",
    }
    # Shapes are spelt by jaxtyping where that is installed; the tests do without it below. Pytest loads its plug-in,
    # and an engine of its own is imported when it is asked for (tests/benchmark/test_ray.py does without ray).
    optional = {"mtrbench", "jaxtyping", "pytest", "ray"}
    tops = {found.partition(".")[0] for name in SOURCES for found in imported(name)} - optional
    assert {distributions.get(top, top) for top in tops - sys.stdlib_module_names} <= required


@pytest.mark.parametrize(
    "module", ["mtrbench", "mtrbench.leaderboards.output.publish", "mtrbench.cli", "mtrbench.cli.list"]
)
def test_loads_without_torch(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{'torch', 'ortools'}} & set(sys.modules)))"
    outcome = finish(python("-c", code))
    assert (outcome.code, outcome.out.strip(), outcome.err) == (0, "", "")


def test_names_alone_are_listed_without_torch() -> None:
    outcome = finish(python("-X", "importtime", "-m", "mtrbench", "list", "datasets"))
    assert "rooms3" in outcome.out
    assert not {line.rpartition("|")[2].strip() for line in outcome.err.splitlines()} & {"torch", "ortools"}


def test_shapes_need_no_library() -> None:
    without = "u.find_spec = lambda name, *more: None if name == 'jaxtyping' else find(name, *more)"
    code = f"import sys, importlib.util as u; find = u.find_spec; {without}"
    uses = "import mtrbench.api.resolver as r, mtrbench.benchmark.protocol.tensors as t; print(t.Images.__name__)"
    outcome = finish(python("-c", f"{code}; {uses}; print('jaxtyping' in sys.modules)"))
    assert (outcome.code, outcome.out.split(), outcome.err) == (0, ["Tensor", "False"], "")


def test_public_names_are_there() -> None:
    for name in mtrbench.__all__:
        assert getattr(mtrbench, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'models_'"):
        _ = mtrbench.models_
    assert dir(mtrbench) == sorted(mtrbench.__all__) == [*mtrbench.__all__]


def test_files_of_tests_have_names_of_their_own() -> None:
    # Pytest imports them by name alone, and leaves out the second of a name with an error.
    names = [path.name for path in (CHECKOUT / "tests").rglob("test_*.py")]
    assert len(names) == len({*names})
