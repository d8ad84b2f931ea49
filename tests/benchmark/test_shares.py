"""Shares of a run come to the records of the whole, in whatever number and order; what does not fit is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from helpers.commands import FAST, assert_refused, files, mtrbench
from helpers.work import Interrupted, ToyWorkshop, toy_cell

from mtrbench import BadInputError
from mtrbench.benchmark import shares
from mtrbench.benchmark.engines import Engine, Processes, Serial
from mtrbench.benchmark.environment import environment
from mtrbench.benchmark.evaluation import do_jobs, evaluate_cells, pending, with_clean
from mtrbench.benchmark.jobs import undone
from mtrbench.benchmark.merge import merge_stores
from mtrbench.benchmark.protocol.cells import Cell
from mtrbench.benchmark.protocol.records import AnyRecord
from mtrbench.benchmark.shares import FILE, begin_share
from mtrbench.benchmark.store import Store

CELLS = with_clean([toy_cell("total-pgd"), toy_cell("signsum-fgsm"), toy_cell("uap", images=40)])
JOBS = 5 + 5 + 3 + 3 + 2  # clean passes and controls over 70 and 40 images, and the attacks


def do_share(
    folder: Path, number: int, of: int, cells: Sequence[Cell] = CELLS, engine: Engine | None = None, device: str = "cpu"
) -> Path:
    """The folder, with a share done in it."""
    workshop, store = ToyWorkshop(folder.parent / "log", device=device), Store(folder)
    jobs = undone(begin_share(number, of, cells, workshop, store, environment(device)), store)
    done = [job for job, came in do_jobs(workshop, store, engine or Serial(), jobs) if came.state == "measured"]
    assert sorted(map(repr, done)) == sorted(map(repr, jobs))
    return folder


def contents(records: Sequence[AnyRecord]) -> list[dict[str, Any]]:
    """All that records say but for time and machine."""
    found = [record.model_dump(mode="json") for record in records]
    for record in found:
        for machine in ("seconds", "peak_memory_mb"):
            record.get("costs", {}).pop(machine, None)
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("whole")
    workshop, store = ToyWorkshop(folder / "log"), Store(folder / "out")
    jobs = pending(CELLS, workshop, store)
    assert len(jobs) == JOBS
    for _ in evaluate_cells(CELLS, workshop, store, Serial(), jobs):
        pass
    return contents([record for cell in CELLS for record in [store.record(cell)] if record is not None])


class TestMerging:
    @pytest.mark.parametrize("of", [1, 2, 3, JOBS, JOBS + 2])
    def test_shares_make_the_records_of_one_run(self, of: int, tmp_path: Path, whole: list[dict[str, Any]]) -> None:
        folders = [do_share(tmp_path / str(number), number, of) for number in range(1, of + 1)]
        out = Store(tmp_path / "out")
        assert contents(merge_stores(folders[::-1], out)) == whole
        assert contents([record for cell in CELLS for record in [out.record(cell)] if record]) == whole
        assert (tmp_path / "log").read_text().count("\n") == JOBS
        # All passes are there too: nothing is left to do.
        for path in out.records.iterdir():
            path.unlink()
        assert pending(CELLS, ToyWorkshop(tmp_path / "log"), out) == []

    def test_in_any_order_by_any_engine(self, tmp_path: Path, whole: list[dict[str, Any]]) -> None:
        engines = (Serial(), Processes(2), Serial())
        folders = [do_share(tmp_path / str(i), i + 1, 3, engine=engine) for i, engine in enumerate(engines)]
        for number, order in enumerate(permutations(folders)):
            assert contents(merge_stores(order, Store(tmp_path / f"out{number}"))) == whole

    def test_an_interrupted_share_goes_on_where_it_stopped(self, tmp_path: Path, whole: list[dict[str, Any]]) -> None:
        with pytest.raises(KeyboardInterrupt):
            do_share(tmp_path / "a", 1, 2, engine=Interrupted(3))
        folders = [do_share(tmp_path / "b", 2, 2), do_share(tmp_path / "a", 1, 2)]
        assert contents(merge_stores(folders, Store(tmp_path / "out"))) == whole
        assert (tmp_path / "log").read_text().count("\n") == JOBS


class TestRuns:
    def run(self, folder: Path, cells: Sequence[Cell]) -> Path:
        workshop, store = ToyWorkshop(folder.parent / "log"), Store(folder)
        for _ in evaluate_cells(cells, workshop, store, Serial(), pending(cells, workshop, store)):
            pass
        return folder

    def test_of_several_machines_are_united_each_cell_once(self, tmp_path: Path, whole: list[dict[str, Any]]) -> None:
        folders = [self.run(tmp_path / str(i), CELLS[i : i + 2]) for i in range(0, len(CELLS), 2)]
        folders += [self.run(tmp_path / "again", CELLS[1:3])]
        records = contents(merge_stores(folders, Store(tmp_path / "out")))
        assert records == sorted(whole, key=lambda record: str(record["key"]))
        assert pending(CELLS, ToyWorkshop(tmp_path / "log"), Store(tmp_path / "out")) == []

    def test_and_shares_beside_them(self, tmp_path: Path, whole: list[dict[str, Any]]) -> None:
        folders = [do_share(tmp_path / str(number), number, 2, CELLS[:3]) for number in (1, 2)]
        folders += [self.run(tmp_path / "run", CELLS[2:])]
        records = contents(merge_stores(folders, Store(tmp_path / "out")))
        assert records == sorted(whole, key=lambda record: str(record["key"]))

    def test_with_two_results_of_one_cell_are_refused(self, tmp_path: Path) -> None:
        folders = [self.run(tmp_path / name, CELLS[2:3]) for name in "ab"]
        path = folders[1] / "records" / f"{CELLS[2].key}.json"
        record = json.loads(path.read_text())
        record["solver"]["programs"] = {"optimal": 1}
        path.write_text(json.dumps(record))
        with pytest.raises(BadInputError, match=r"differ in solver\.programs"):
            merge_stores(folders, Store(tmp_path / "out"))
        assert not (tmp_path / "out").exists()


class TestRefusals:
    def refused(self, folders: Sequence[Path], tmp_path: Path, *words: str) -> None:
        before = files(tmp_path)
        with pytest.raises(BadInputError) as caught:
            merge_stores(folders, Store(tmp_path / "out"))
        for word in words:
            assert word in str(caught.value)
        assert files(tmp_path) == before

    @pytest.mark.parametrize(
        ("other", "reason"),
        [
            (toy_cell(dataset=toy_cell().dataset.model_copy(update={"sha256": "2" * 64})), "another dataset.sha256"),
            (toy_cell(model=toy_cell().model.model_copy(update={"sha256": "2" * 64})), "another model.sha256"),
            (toy_cell(seed=1), "total-pgd on toy (eps 4/255) has another seed"),
            (toy_cell("total-fgsm"), "only one of them has total-pgd on toy"),
        ],
    )
    def test_other_data_models_and_cells(self, other: Cell, reason: str, tmp_path: Path) -> None:
        folders = [do_share(tmp_path / "a", 1, 2, [toy_cell()]), do_share(tmp_path / "b", 2, 2, [other])]
        self.refused(folders, tmp_path, "are shares of different runs", reason, str(folders[0]), str(folders[1]))

    def test_other_code_libraries_and_devices(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        cells = [toy_cell(images=8)]
        first = do_share(tmp_path / "a", 1, 2, cells)
        second = do_share(tmp_path / "b", 2, 2, cells)
        text = (second / FILE).read_text()
        own = json.loads(text)
        for change, reason in [
            ({"code": "0" * 64}, "different code of mtrbench (commits "),
            (
                {"environment": {**own["environment"], "versions": {**own["environment"]["versions"], "torch": "0.1"}}},
                f"different libraries: torch {own['environment']['versions']['torch']} and 0.1",
            ),
            ({"environment": {**own["environment"], "device": "cuda"}}, "different devices, cpu and cuda"),
            ({"of": 3}, "different runs, one of 2, one of 3"),
        ]:
            (second / FILE).write_text(json.dumps({**own, **change}))
            self.refused([first, second], tmp_path, reason)
        (second / FILE).write_text(json.dumps({**own, "environment": {**own["environment"], "device": "cpu:0"}}))
        assert len(merge_stores([first, second], Store(tmp_path / "both"))) == 1
        (second / FILE).write_text(text)
        monkeypatch.setattr("mtrbench.benchmark.merge.code_sha256", lambda: "1" * 64)
        self.refused([first, second], tmp_path, "made by other code than this")

    def test_a_share_that_lacks_stands_twice_or_is_not_done(self, tmp_path: Path) -> None:
        cells = [toy_cell(images=70)]
        first, second = (do_share(tmp_path / str(number), number, 3, cells) for number in (1, 2))
        self.refused([first, second], tmp_path, "without share 3/3; run it too")
        self.refused([first, second, first], tmp_path, f"share 1/3 stands twice, in {first} and {first}")
        third = do_share(tmp_path / "3", 3, 3, cells)
        next(second.rglob("*.npz")).unlink()
        self.refused([first, second, third], tmp_path, f"{second} (share 2/3) lacks 1 of its 3 parts; run it again")

    def test_folders_that_are_no_shares(self, tmp_path: Path) -> None:
        self.refused([tmp_path / "none"], tmp_path, "none holds neither records nor a share of a run", "mtrbench run")
        (tmp_path / FILE).write_text("{")
        self.refused([tmp_path], tmp_path, f"{tmp_path / FILE} cannot be read")

    def test_another_share_in_the_same_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        cells = [toy_cell(images=8)]
        do_share(tmp_path / "a", 1, 2, cells)
        for arguments, reason in [
            ((2, 2, cells), "holds another share than 2/2; choose another --out"),
            ((1, 2, [toy_cell(images=9)]), "this run are shares of different runs"),
        ]:
            with pytest.raises(BadInputError, match=reason):
                do_share(tmp_path / "a", *arguments)
        monkeypatch.setattr(shares, "code_sha256", lambda: "1" * 64)
        with pytest.raises(BadInputError, match="different code"):
            do_share(tmp_path / "a", 1, 2, cells)


class TestCommands:
    def test_shares_are_run_and_merged(self, tiny: Path, tmp_path: Path) -> None:
        what = ("run", "quick", "--model", tiny, "--attack", "total-fgsm", "--images", 40, "--workers", 1)
        folders = [tmp_path / str(number) for number in (1, 2)]
        for number, folder in enumerate(folders, 1):
            outcome = mtrbench(*what, "--out", folder, "--shard", f"{number}/2")
            assert (outcome.code, outcome.out) == (0, "")
            assert f"share {number}/2: 3 parts, 0 from the store, 3 computed" in outcome.err
        again = mtrbench(*what, "--out", folders[0], "--shard", "1/2")
        assert "3 parts, 3 from the store, 0 computed" in again.err
        merged = mtrbench("merge", *folders, "--out", tmp_path / "merged", "--json")
        whole = mtrbench(*what, "--out", tmp_path / "whole", "--json")
        found, expected = (json.loads(outcome.out) for outcome in (merged, whole))
        for row in (*found, *expected):
            del row["costs"]["seconds"], row["costs"]["peak_memory_mb"]
        assert found == expected
        assert (tmp_path / "merged" / "boards" / "attacks.md").is_file()
        after = mtrbench(*what, "--out", tmp_path / "merged")
        assert "2 cells: 2 from the store, 0 computed" in after.err

    @pytest.mark.parametrize("value", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/2/3"])
    def test_a_bad_share_is_refused(self, value: str, out: Path) -> None:
        assert_refused(mtrbench("run", *FAST, "--shard", value, "--out", out), "'--shard'", "must be", repr(value))
        assert not out.exists()

    def test_merging_nothing_is_refused(self, out: Path) -> None:
        assert_refused(mtrbench("merge", "--out", out), "Missing argument 'DIR...'")
        assert_refused(mtrbench("merge", out / "none", "--out", out), "holds neither records nor a share of a run")
        assert not out.exists()
