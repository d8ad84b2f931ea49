"""Synthetic records for the tests of boards: valid, seeded, with effects of known size."""

import hashlib
import json
from itertools import combinations

import numpy as np
from pydantic_core import to_jsonable_python

from mtrbench.benchmark.protocol.cells import Cell
from mtrbench.benchmark.protocol.estimates import Replicates
from mtrbench.benchmark.protocol.migration import attack_facts as attack_facts_of
from mtrbench.benchmark.protocol.migration import task_facts
from mtrbench.benchmark.protocol.provenance import Evidence
from mtrbench.benchmark.protocol.records import CleanRecord, Record
from mtrbench.benchmark.stats import RESAMPLES

TASKS = ("segmentation", "depth", "normals")
CLEAN = {
    "segmentation": {"miou": 0.68, "pixel_accuracy": 0.9},
    "depth": {"abs_err": 0.4, "rel_err": 0.15, "delta1": 0.8, "delta2": 0.93, "delta3": 0.97},
    "normals": {"angle_mean": 11.9, "angle_median": 8.0, "within_11.25": 0.6, "within_22.5": 0.85, "within_30": 0.92},
}
MODELS = {
    # name: sharing index, adversary, factor on every attack's damage, relative clean advantage
    "rooms3-shared.clean": (1.0, None, 1.0, 0.06),
    "rooms3-independent.clean": (0.0, None, 0.85, 0.0),
    "rooms3-shared.at-total": (1.0, "total-pgd", 0.1, 0.02),
    "rooms3-independent.at-total": (0.0, "total-pgd", 0.075, 0.0),
}
DAMAGE = {
    # attack: (segmentation, depth, normals)
    "noise": (0.01, 0.03, 0.02),
    "total-fgsm": (0.5, 1.1, 0.9),
    "dgba-fgsm": (0.5, 1.2, 1.0),
    "single:segmentation-pgd": (0.97, 1.2, 1.3),
    "single:depth-pgd": (0.6, 5.1, 1.4),
    "single:normals-pgd": (0.65, 2.0, 3.1),
    "total-pgd": (0.9, 4.1, 2.6),
    "signsum-pgd": (0.85, 4.0, 2.5),
    "dgba-pgd": (0.93, 4.2, 2.75),
    "dgba:clean-pgd": (0.93, 4.2, 2.74),
}


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def estimate(value, spread=0.0):
    if value is None:
        return {"value": None, "low": None, "high": None}
    low, high = sorted((value * (1 - spread), value * (1 + spread)))
    return {"value": value, "low": low, "high": high}


def interval(value, rows):
    """The value with the interval of what it is over resamples."""
    if value is None:
        return estimate(None)
    low, high = np.quantile(rows, (0.025, 0.975)).tolist()
    return {"value": value, "low": min(low, value), "high": max(high, value)}


def common_noise(task, spread):
    """What all attacks and models share over a resample: the same images are hard for all of them."""
    return spread * np.random.default_rng(len(task)).standard_normal(RESAMPLES)


def make_record(
    model="rooms3-shared.clean",
    attack="dgba-pgd",
    damage=None,
    clean=None,
    facts=(),
    attack_facts=(),
    spread=0.03,
    own_spread=0.004,
    protocol=1,
    version=1,
    images=256,
    ids="ids",
    dataset="rooms3",
    size=(64, 64),
    eps=8.0,
    norm="linf",
    tasks=TASKS,
    settings=(),
    diagnostics=(),
    source=None,
    **fields,
):
    """A valid record; `damage` is D_t by task, None for an undefined one.

    `facts` (of the model), `attack_facts` and `diagnostics` override.
    """
    sharing, adversary, factor, advantage = MODELS.get(model, (0.5, None, 0.9, 0.03))
    if damage is None:
        damage = {task: factor * DAMAGE[attack][TASKS.index(task) % 3] for task in tasks}
    judged = task_facts(dict.fromkeys(tasks))
    sign = {(t, name): 1 if m["higher_is_better"] else -1 for t in tasks for name, m in judged[t]["metrics"].items()}
    if clean is None:
        clean = {t: {m: v * (1 + sign[t, m] * advantage) for m, v in CLEAN[t].items()} for t in tasks}
    undefined = [task for task in tasks if damage[task] is None]
    own = np.random.default_rng(int(sha256(model + attack)[:8], 16))
    rows = {
        task: np.full(RESAMPLES, np.nan)
        if damage[task] is None
        else damage[task] * (1 + common_noise(task, spread) + own_spread * own.standard_normal(RESAMPLES))
        for task in tasks
    }
    replicates = {task: to_jsonable_python(Replicates.pack(row)) for task, row in rows.items()}
    known = None if undefined else [damage[task] for task in tasks]
    cell = {
        "protocol": protocol,
        "model": {"name": model, "sha256": sha256(model)},
        "source": source and {"name": source, "sha256": sha256(source)},
        "dataset": {"name": dataset, "sha256": sha256(dataset), "ids": sha256(ids), "images": images, "size": [*size]},
        "tasks": {task: {"version": version} for task in tasks},
        "attack": {"name": attack, "version": "1", "settings": {"steps": 10, **dict(settings)}},
        "threat": {"norm": norm, "eps": eps, "targets": None},
        "seed": 0,
    }
    base = f"rooms3-independent.{model.rpartition('.')[2]}"
    content = {
        "schema": 5,
        "cell": cell,
        "attack_facts": {**attack_facts_of(attack), **dict(attack_facts)},
        "task_facts": judged,
        "model_facts": {
            "trained_on": "rooms3",
            "sharing_index": sharing,
            "adversary": adversary,
            "parameters": 500_000,
            "twin": None if model == base else base,
            **dict(facts),
        },
        "complete": not undefined,
        "clean": {t: {m: estimate(v, 0.02) for m, v in part.items()} for t, part in clean.items()},
        "attacked": {
            t: {
                m: estimate(None if damage[t] is None else v - sign[t, m] * damage[t] * abs(v), 0.03)
                for m, v in part.items()
            }
            for t, part in clean.items()
        },
        "degradation": {
            "ard": interval(known and sum(known) / len(known), np.mean([*rows.values()], axis=0)),
            "flat": estimate(known and np.average(known, weights=[len(clean[t]) for t in tasks]).item(), 0.04),
            "worst_task": estimate(known and min(known), 0.04),
            "tasks": {task: interval(damage[task], rows[task]) for task in tasks},
            "metrics": {t: {m: estimate(damage[t], 0.04) for m in part} for t, part in clean.items()},
            "arlc": estimate(known and sum(known) / len(known), 0.04),
            "least_loss": estimate(known and min(known), 0.04),
            "losses": {task: estimate(damage[task], 0.04) for task in tasks},
            "replicates": replicates,
        },
        "diagnostics": {
            "zero_gradient": dict.fromkeys(tasks, 0.0),
            "gradient_length": dict.fromkeys(tasks, 1.5),
            "gradient_cosine": {f"{a} {b}": 0.1 for a, b in combinations(tasks, 2)},
            "noise": estimate(0.01, 0.04),
            **dict(diagnostics),
        },
        "costs": {"forwards": 10.0, "backwards": 10.0, "seconds": 12.8, "peak_memory_mb": 800.0},
        "solver": {"programs": {}, "gaps": {}},
        "environment": {"versions": {}, "python": "3.11", "platform": "test", "device": "cpu", "commit": None},
        **fields,
    }
    return Record.model_validate_json(json.dumps({**content, "key": Cell.model_validate(cell).key}))


def with_evidence(record, kind="re-run", run=None):
    """The record, and that somebody has found its numbers again."""
    evidence = Evidence(
        kind=kind,
        results=record.results_sha256(),
        exact=True,
        date="2026-01-31",
        environment=record.environment,
        run=run,
    )
    return type(record).model_validate_json(
        record.model_copy(update={"evidence": (*record.evidence, evidence)}).model_dump_json(by_alias=True)
    )


def supersession(record):
    """That a record takes the place of this one."""
    return {"key": record.key, "reason": "the attack was mended", "author": "A. Nonymous", "date": "2026-01-31"}


def make_clean_record(record, spread=0.01):
    """The clean pass behind a record, whose scores vary over resamples as those of all models do."""
    return CleanRecord(
        schema=5,
        key=record.cell.clean.key,
        cell=record.cell.clean,
        model_facts=record.model_facts,
        task_facts=record.task_facts,
        scores=record.clean,
        replicates={
            task: {name: Replicates.pack(e.value * (1 + common_noise(name, spread))) for name, e in scores.items()}
            for task, scores in record.clean.items()
        },
        environment=record.environment,
    )


def all_records():
    """Four models under ten attacks."""
    return [make_record(model, attack) for model in MODELS for attack in DAMAGE]


OPTIMIZERS = {"fgsm": 0.3, "pgd": 1.0, "mim": 0.95, "ni": 0.9, "vmi": 0.97, "apgd": 1.1}
BALANCINGS = (
    *("total", "signsum", "dgba", "dgba:clean", "dgba-worst", "wgd", "minmax", "moo", "random-task", "mgda", "pcgrad"),
    *("imtl-g", "upgrad", "aligned-mtl"),
    *(f"{name}:{task}" for name in ("single", "smta", "dgba-protected") for task in TASKS),
)
WHOLE = {"noise": 0.02, "noise:uniform": 0.01, "square": 0.4, "worst-of": 1.2, "auto": 1.15}
SETS = ("train", "aligned", "masked-ce", "margin", "js", "relative", "log", "angle")
TAUS = (0.003, 0.01, 0.03, 0.1, 0.3)


def seeded(name, model, factor):
    """Damage by task that a name determines."""
    drawn = np.random.default_rng(int(sha256(name)[:8], 16)).uniform(0.5, 1.0, len(TASKS))
    scale = factor * MODELS[model][2] * np.array([1.0, 4.0, 2.5]) * drawn
    return dict(zip(TASKS, scale.tolist(), strict=True))


def many_records():
    """Four models under 140 attacks, whole ones among them."""
    products = {f"{b}-{o}": factor for b in BALANCINGS for o, factor in OPTIMIZERS.items()}
    attacks = {**products, **WHOLE}
    return [make_record(m, a, damage=seeded(a, m, factor), images=64) for m in MODELS for a, factor in attacks.items()]


def loss_records(balancings=BALANCINGS[:8]):
    """Four models under the PGD attacks of these balancings with every set of losses, and a control."""
    names = [f"{b}-pgd" + ("" if s == "train" else f"@{s}") for b in balancings for s in SETS]
    return [make_record(m, a, damage=seeded(a, m, 1.0)) for m in MODELS for a in (*names, "noise")]


def protected_records(models=tuple(MODELS), tasks=TASKS):
    """Models under DGBA, and under DGBA with each task protected: a small tau spares it, and a bit of the others."""
    records = [make_record(model) for model in models]
    for model in models:
        factor = MODELS[model][2]
        plain = dict(zip(TASKS, DAMAGE["dgba-pgd"], strict=True))
        for task in tasks:
            for tau in TAUS:
                kept = {t: tau**0.7 if t == task else 1 - 0.3 * factor**0.2 * (1 - tau) ** 4 for t in TASKS}
                damage = {t: factor * plain[t] * kept[t] for t in TASKS}
                attack = f"dgba-protected:{task}-pgd"
                records.append(make_record(model, attack, damage=damage, settings={"tau": tau}))
    return records
