"""The command that a record gives leads to the record's cell again."""

import shlex

import pytest

from mtrbench.api.resolver import LocalWorkshop, threat_ref
from mtrbench.api.suites import find_suite
from mtrbench.attacks.listing import full_names
from mtrbench.attacks.registry import attack_facts, load_attack
from mtrbench.benchmark.protocol.commands import run_command
from mtrbench.cli.run import run

MODELS = ("rooms3-shared.clean", "rooms3-independent.clean")
TASKS = ("segmentation", "depth", "normals")
WORKSHOP = LocalWorkshop({name: name for name in MODELS}, data_root=None, device="cpu", batch_size=32)


def keys_of(command):
    """The keys of the cells that a command line measures."""
    program, name, *words = shlex.split(command)
    assert (program, name) == ("mtrbench", "run")
    given = run.make_context("run", words).params
    chosen = {key: given[key] for key in ("dataset", "eps", "norm", "images", "steps", "seed", "transfer")}
    suite = find_suite(given["suite"], given["models"], given["attacks"], **chosen)
    return {cell.key for cell in WORKSHOP.cells(suite, given["targets"])}


def cell_of(attack, targets=None):
    threat = threat_ref("l2", 2.345678901, targets)
    return WORKSHOP.cell(MODELS[0], "rooms3", 3, attack, threat, 7, {"steps": 23, "random_start": True, "rho": 1e-05})


def command_of(cell):
    made = load_attack(cell.attack.name, **cell.attack.settings)
    return run_command(cell, cell.attack, attack_facts(cell.attack.name, made), cell.threat)


@pytest.mark.parametrize("attack", full_names(TASKS))
def test_the_command_of_every_attack_leads_back(attack):
    try:
        cell = cell_of(attack)
    except ValueError as error:
        pytest.skip(f"not under L2: {error}")
    assert keys_of(command_of(cell)) == {cell.key}


def test_targets_and_sources_come_along():
    cell = cell_of("dgba-apgd@aligned", ("depth", "normals"))
    assert keys_of(command_of(cell)) == {cell.key}
    transfer = cell.model_copy(
        update={
            "source": cell.model_copy().model,
            "model": WORKSHOP.cell(MODELS[1], "rooms3", 3, "noise", cell.threat, 7, {}).model,
        }
    )
    assert transfer.key in keys_of(command_of(transfer))
