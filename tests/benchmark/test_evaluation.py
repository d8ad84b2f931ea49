"""Cells become records: once, resumably, and the same whatever the batches, shards and workers."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.work import Interrupted, ToyWorkshop, toy_cell

from mtrbench import BadInputError, evaluate
from mtrbench.api.resolver import LocalWorkshop, found_models, threat_ref
from mtrbench.benchmark import jobs
from mtrbench.benchmark.engines.base import Engine
from mtrbench.benchmark.engines.processes import Processes
from mtrbench.benchmark.engines.serial import Serial
from mtrbench.benchmark.evaluation import evaluate_cells, pending, with_clean
from mtrbench.benchmark.jobs import measure_cell
from mtrbench.benchmark.measurement import Measurement
from mtrbench.benchmark.protocol.cells import Cell
from mtrbench.benchmark.protocol.estimates import unpacked
from mtrbench.benchmark.protocol.reading import read_record
from mtrbench.benchmark.protocol.records import AnyRecord, CleanRecord, Record
from mtrbench.benchmark.store import Store, packed
from mtrbench.models.registry import find_card

CELLS = [toy_cell("total-pgd"), toy_cell("signsum-fgsm")]
JOBS = 12  # three shards of 70 images; the clean pass, its control and two attacks


def go(cells: list[Cell], workshop: Any, store: Store, engine: Engine) -> list[AnyRecord]:
    """The new records, in the order in which they came."""
    steps = evaluate_cells(cells, workshop, store, engine, pending(cells, workshop, store))
    return [step.record for step in steps if step.record and not step.stored]


def files(store: Store) -> dict[str, bytes]:
    return {str(p.relative_to(store.root)): p.read_bytes() for p in store.root.rglob("*") if p.is_file()}


def without_costs(record: Record) -> dict[str, Any]:
    content = record.model_dump(mode="json")
    del content["costs"]["seconds"], content["costs"]["peak_memory_mb"]
    return content


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def toys(tmp_path: Path) -> ToyWorkshop:
    return ToyWorkshop(tmp_path / "log")


class TestCleanPasses:
    def test_have_a_record_of_their_own_without_another_pass(self, toys: ToyWorkshop, store: Store) -> None:
        cells = with_clean(CELLS)
        assert [cell.key for cell in cells] == [CELLS[0].clean.key, *(cell.key for cell in CELLS)]
        assert with_clean(cells) == cells
        clean, *attacked = go(cells, toys, store, Serial())
        assert toys.passes == JOBS
        assert isinstance(clean, CleanRecord)
        assert all(record.clean == clean.scores for record in attacked)
        assert read_record(store.records / f"{clean.key}.json") == clean
        for task, scores in clean.scores.items():
            for name, score in scores.items():
                spread = unpacked([clean.replicates[task][name]])
                assert [score.low, score.high] == pytest.approx(np.quantile(spread, [0.025, 0.975]), rel=1e-3)

    def test_stay_as_they_are_when_their_shards_are_made_again(self, toys: ToyWorkshop, store: Store) -> None:
        go(with_clean(CELLS[:1]), toys, store, Serial())
        clean = CELLS[0].clean
        before = (store.records / f"{clean.key}.json").read_bytes()
        shutil.rmtree(store.root / "shards" / clean.key)
        (record,) = go(with_clean(CELLS), toys, store, Serial())
        assert record.key == CELLS[1].key
        assert (store.records / f"{clean.key}.json").read_bytes() == before

    def test_of_transfers_are_those_of_the_models_they_hit(self) -> None:
        hit = CELLS[0].model_copy(update={"source": CELLS[0].model.model_copy(update={"name": "other"})})
        assert with_clean([CELLS[0], hit]) == [CELLS[0].clean, CELLS[0], hit]

    def test_are_recorded_where_only_attacks_had_been(self, toys: ToyWorkshop, store: Store) -> None:
        go(CELLS, toys, store, Serial())
        passes = toys.passes
        (record,) = go(with_clean(CELLS), toys, store, Serial())
        assert isinstance(record, CleanRecord)
        assert toys.passes == passes


class TestResuming:
    def test_every_pass_is_made_once_and_the_clean_one_shared(self, toys: ToyWorkshop, store: Store) -> None:
        assert len(pending(CELLS, toys, store)) == JOBS
        records = go(CELLS, toys, store, Serial())
        assert {record.key for record in records} == {cell.key for cell in CELLS}
        assert toys.passes == JOBS

    def test_progress_adds_up_to_the_images_of_all_passes(self, toys: ToyWorkshop, store: Store) -> None:
        steps = evaluate_cells(CELLS, toys, store, Serial(), pending(CELLS, toys, store))
        assert sum(step.images for step in steps) == 4 * 70

    @pytest.mark.parametrize("after", [0, 1, 4, 8])
    def test_interrupted_run_is_completed_by_the_next(self, toys: ToyWorkshop, store: Store, after: int) -> None:
        with pytest.raises(KeyboardInterrupt):
            go(CELLS, toys, store, Interrupted(after))
        kept = files(store)
        # The job in hand when the key was pressed had been finished too.
        assert sum(name.startswith("shards") for name in kept) == after + 1 == toys.passes
        go(CELLS, toys, store, Serial())
        assert toys.passes == JOBS
        assert kept.items() <= files(store).items()

    def test_interrupted_and_whole_runs_agree(self, toys: ToyWorkshop, store: Store, tmp_path: Path) -> None:
        with pytest.raises(KeyboardInterrupt):
            go(CELLS, toys, store, Interrupted(4))
        go(CELLS, toys, store, Serial())
        other = Store(tmp_path / "other")
        go(CELLS, toys, other, Serial())
        for cell in CELLS:
            assert without_costs(store.record(cell)) == without_costs(other.record(cell))

    def test_stored_record_is_never_computed_again(self, toys: ToyWorkshop, store: Store) -> None:
        go(CELLS, toys, store, Serial())
        before, passes = files(store), toys.passes
        assert pending(CELLS, toys, store) == []
        steps = list(evaluate_cells(CELLS, toys, store, Serial(), []))
        assert [(step.images, step.stored) for step in steps] == [(0, True), (0, True)]
        assert (files(store), toys.passes) == (before, passes)

    def test_new_cell_reuses_the_clean_pass(self, toys: ToyWorkshop, store: Store) -> None:
        go(CELLS[:1], toys, store, Serial())
        assert [job.cell for job in pending(CELLS, toys, store)] == CELLS[1:] * 3

    def test_lost_record_is_made_again_from_its_shards(self, toys: ToyWorkshop, store: Store) -> None:
        (record,) = go(CELLS[:1], toys, store, Serial())
        passes = toys.passes
        (store.records / f"{record.key}.json").unlink()
        assert pending(CELLS[:1], toys, store) == []
        assert go(CELLS[:1], toys, store, Serial()) == [record]
        assert toys.passes == passes


class TestFaults:
    def test_failing_job_raises_and_keeps_what_was_done(self, toys: ToyWorkshop, store: Store) -> None:
        cells = [CELLS[0], toy_cell("no-such")]
        with pytest.raises(BadInputError, match="no-such"):
            go(cells, toys, store, Serial())
        assert store.record(CELLS[0]) is not None
        assert len(pending(cells, toys, store)) == 3

    def test_failing_worker_raises_and_keeps_what_was_done(self, toys: ToyWorkshop, store: Store) -> None:
        cells = [toy_cell("noise", images=8), toy_cell("no-such", images=8)]
        with pytest.raises(BadInputError, match="no-such"):
            go(cells, toys, store, Processes(1))
        assert [job.cell for job in pending(cells, toys, store)] == cells[1:]

    def test_broken_shard_is_refused_by_name(self, toys: ToyWorkshop, store: Store) -> None:
        with pytest.raises(KeyboardInterrupt):
            go(CELLS, toys, store, Interrupted(0))
        (path,) = store.root.rglob("*.npz")
        path.write_bytes(path.read_bytes()[:-30])
        with pytest.raises(BadInputError, match=path.name):
            go(CELLS, toys, store, Serial())

    def test_shard_of_other_samples_is_refused(self, toys: ToyWorkshop, store: Store) -> None:
        cell = toy_cell(images=8)
        store.save_shard(cell, (0, 8), packed(measure_cell(toys, toy_cell(images=9), (1, 9))))
        with pytest.raises(BadInputError, match="other samples"):
            go([cell], toys, store, Serial())

    def test_broken_record_is_refused_before_any_work(self, toys: ToyWorkshop, store: Store) -> None:
        store.records.mkdir(parents=True)
        (store.records / f"{CELLS[0].key}.json").write_text("{")
        with pytest.raises(BadInputError, match=CELLS[0].key):
            pending(CELLS, toys, store)


def real_case(source: str, attack: str, images: int, batch: int) -> tuple[LocalWorkshop, Cell]:
    workshop = LocalWorkshop(found_models([source]), None, "cpu", batch)
    card, _ = find_card(source)
    return workshop, workshop.cell(
        card.name, card.dataset, images, attack, threat_ref("linf", 4.0, None), 0, {"steps": 2}
    )


def whole(store: Store, cell: Cell) -> Measurement:
    return Measurement.merge(store.shard(cell, span) for span in jobs.spans(cell))


def assert_same(one: Measurement, other: Measurement) -> None:
    assert one.ids == other.ids
    assert (one.forwards, one.backwards, one.tally) == (other.forwards, other.backwards, other.tally)
    for field in ("statistics", "losses"):
        for task, values in getattr(one, field).items():
            np.testing.assert_allclose(getattr(other, field)[task], values, rtol=1e-4, atol=1e-4)


SHIPPED = ("rooms3-shared.clean",)


class TestInvariance:
    @pytest.mark.parametrize("attack", ["dgba-pgd", "signsum-fgsm", "noise"])
    @pytest.mark.parametrize(("batch", "shard"), [(1, 32), (7, 32), (64, 64), (64, 5)])
    def test_of_batches_and_shards(
        self,
        tiny: Path,
        store: Store,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        attack: str,
        batch: int,
        shard: int,
    ) -> None:
        workshop, cell = real_case(str(tiny), attack, 40, 32)
        (reference,) = go([cell], workshop, store, Serial())
        expected = whole(store, cell)
        monkeypatch.setattr(jobs, "SHARD", shard)
        other, (workshop, cell) = Store(tmp_path / "other"), real_case(str(tiny), attack, 40, batch)
        assert cell.key == reference.key
        go([cell], workshop, other, Serial())
        assert_same(expected, whole(other, cell))

    @pytest.mark.parametrize("source", SHIPPED or [pytest.param("", marks=pytest.mark.skip("no model is shipped"))])
    @pytest.mark.parametrize("batch", [1, 7])
    def test_of_batches_on_a_shipped_model(self, source: str, store: Store, tmp_path: Path, batch: int) -> None:
        passes = []
        for size in (64, batch):
            workshop, cell = real_case(source, "dgba-pgd", 12, size)
            go([cell], workshop, Store(tmp_path / str(size)), Serial())
            passes.append(whole(Store(tmp_path / str(size)), cell))
        assert_same(*passes)

    def test_of_workers(self, tiny: Path, store: Store, tmp_path: Path) -> None:
        workshop, cell = real_case(str(tiny), "dgba-pgd", 70, 32)
        (serial,) = go([cell], workshop, store, Serial())
        (spread,) = go([cell], workshop, Store(tmp_path / "other"), Processes(2))
        assert without_costs(serial) == without_costs(spread)

    def test_of_the_way_it_is_asked_for(self, tiny: Path, store: Store) -> None:
        workshop, cell = real_case(str(tiny), "total-pgd", 40, 32)
        (stored,) = go([cell], workshop, store, Serial())
        record = evaluate(str(tiny), "total-pgd", images=40, steps=2)
        assert record.key == stored.key
        for task, estimate in record.degradation.tasks.items():
            assert estimate.value == pytest.approx(stored.degradation.tasks[task].value, rel=1e-4)


def test_record_is_complete_on_a_trained_model(tiny: Path) -> None:
    record = evaluate(str(tiny), "total-pgd", images=40, steps=2)
    assert record.complete
    assert record.degradation.ard.value > 0


def test_record_tells_a_broken_attack_from_a_robust_model(tiny: Path) -> None:
    attack, noise = (evaluate(str(tiny), name, images=40) for name in ("total-fgsm", "noise"))
    assert attack.diagnostics.noise == noise.diagnostics.noise == noise.degradation.ard
    tasks = ["segmentation", "depth", "normals"]
    assert list(attack.diagnostics.gradient_length) == list(attack.diagnostics.zero_gradient) == tasks
    assert all(length > 0 for length in attack.diagnostics.gradient_length.values())
    assert attack.diagnostics.gradient_cosine.keys() == {"segmentation depth", "segmentation normals", "depth normals"}
    assert all(abs(cosine) <= 1 for cosine in attack.diagnostics.gradient_cosine.values())
    least = min(loss.value for loss in attack.degradation.losses.values())
    assert attack.degradation.least_loss.value == pytest.approx(least)
