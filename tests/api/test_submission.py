"""Submissions: what keeps one out, and the whole way of an attack and of a model to a row with its tier."""

from __future__ import annotations

import csv
import json
import shutil
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import torch
from helpers.commands import Outcome, assert_refused, mtrbench
from helpers.make_records import with_evidence
from helpers.outside import commands, install
from safetensors.torch import load_file, save_file

from mtrbench.api.means import Means
from mtrbench.api.records import PUBLISHED, records_at
from mtrbench.api.submission import opened
from mtrbench.api.submission_checks import examine_submission
from mtrbench.benchmark.engines import Serial
from mtrbench.benchmark.protocol.cells import Cell
from mtrbench.benchmark.protocol.reading import read_records
from mtrbench.benchmark.protocol.records import AnyRecord, Record

MODEL = "rooms3-shared.clean"
MANIFEST: dict[str, Any] = {
    "attacks": ["nudge"],
    "entry": "nudge:Nudge",
    "submission": {
        "name": "nudge",
        "authors": ["A. Nonymous"],
        "licence": "MIT",
        "url": "https://example.org/nudge",
        "date": "2026-01-31",
    },
}


def put(folder: Path, **changed: Any) -> None:
    (folder / "submission.toml").write_text(tomli_w.dumps({**MANIFEST, **changed}))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "leaderboards" / "records").mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> tuple[Path, dict[str, Outcome]]:
    """An attack's way from `new` to a row: the folder, and what each command printed."""
    home = tmp_path_factory.mktemp("walk")
    assert mtrbench("new", "attack", "nudge", "--out", home).code == 0
    site = installed(home / "nudge")
    (home / "handed").mkdir()
    put(home / "handed", claims=[])
    lines = {
        "validate": "validate attack nudge",
        "run": f"run --model {MODEL} --attack nudge --steps 1 --images 2 --workers 1 --out handed",
        "submit": f"submit handed --checkout {checkout} --make-images 1",
        "validate submission": f"validate submission {checkout}/submissions/nudge.zip --json",
        "leaderboard": f"leaderboard --records {checkout}/submissions --out boards",
    }
    return home, dict(zip(lines, commands(home, *lines.values(), path=site), strict=True))


def installed(package: Path) -> Path:
    """What pip makes of a package that `mtrbench new` wrote, without the time that pip takes."""
    project = tomllib.loads((package / "pyproject.toml").read_text())
    site = package / "site"
    site.mkdir()
    for module in project["tool"]["setuptools"]["py-modules"]:
        shutil.copy(package / f"{module}.py", site)
    ((group, points),) = project["project"]["entry-points"].items()
    ((name, target),) = points.items()
    install(site, project["project"]["name"], {group.removeprefix("mtrbench."): f"{name} = {target}"})
    return site


def tiers(boards: Path, of: str) -> dict[str, str]:
    with next(boards.rglob(f"{of}s.csv")).open() as file:
        return {row[of]: row["tier"] for row in csv.DictReader(file)}


class TestWholeWay:
    def test_an_attack_comes_to_a_row_with_its_tier(self, walked: tuple[Path, dict[str, Outcome]]) -> None:
        home, outcomes = walked
        assert {name: outcome.code for name, outcome in outcomes.items()} == dict.fromkeys(outcomes, 0), outcomes
        assert "next: a pull request that adds" in outcomes["submit"].out
        findings = {row["property"]: row["result"] for row in json.loads(outcomes["validate submission"].out)}
        assert findings["images"] == findings["scores"] == findings["models"] == findings["data"] == "pass"
        assert tiers(home / "boards", "attack") == {"nudge": "recomputed"}

    def test_the_file_is_the_same_whenever_it_is_made_and_never_overwritten(
        self, walked: tuple[Path, dict[str, Outcome]], checkout: Path
    ) -> None:
        path = checkout / "submissions" / "nudge.zip"
        with zipfile.ZipFile(path) as archive:
            assert {part.date_time[0] for part in archive.infolist()} == {1980}
        found = [record for record in read_records(path) if isinstance(record, Record)]
        assert [record.submission.authors for record in found if record.submission] == [("A. Nonymous",)]

    def test_a_model_comes_to_a_row_with_its_tier(self, tmp_path: Path, checkout: Path) -> None:
        assert mtrbench("new", "model", "my-net", "--out", tmp_path).code == 0
        site = installed(tmp_path / "my-net")
        (tmp_path / "handed").mkdir()
        manifest = {**MANIFEST["submission"], "name": "my-net"}
        put(tmp_path / "handed", attacks=[], models=["my-net"], entry="my_net:my_net", submission=manifest)
        run, submitted, checked, board = commands(
            tmp_path,
            "run --model my-net --attack total-fgsm --dataset rooms3 --images 2 --workers 1 --out handed",
            f"submit handed --checkout {checkout}",
            f"validate submission {checkout}/submissions/my-net.zip --json",
            f"leaderboard --records {checkout}/submissions/my-net.zip --out boards",
            path=site,
        )
        assert [run.code, submitted.code, checked.code, board.code] == [0] * 4, (run, submitted, checked, board)
        findings = {row["property"]: row for row in json.loads(checked.out)}
        assert findings["models"] == {"property": "models", "result": "flag", "found": "not at hand: my-net"}
        assert findings["images"]["result"] == "does not apply"
        assert tiers(tmp_path / "boards", "model") == {"my-net": "claimed"}


@pytest.fixture
def handed(walked: tuple[Path, dict[str, Outcome]], tmp_path: Path) -> Path:
    """A folder that is all right."""
    return Path(shutil.copytree(walked[0] / "handed", tmp_path / "handed"))


def examined(folder: Path, published: list[AnyRecord] | None = None) -> dict[str, tuple[str, str]]:
    with opened(folder) as handed:
        found = examine_submission(handed, Means(Serial()), published or []).findings
    return {title: (finding.result, finding.found) for title, finding in found.items() if finding.result == "fail"}


def attacked(folder: Path) -> tuple[Path, Record]:
    found = ((path, read_records(path)[0]) for path in (folder / "records").glob("*.json"))
    return next((path, record) for path, record in found if isinstance(record, Record))


def change_images(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        (path,) = (folder / "images").iterdir()
        save_file({"images": change(load_file(path)["images"])}, path)

    return changed


def change_cell(*names: str, to: object) -> Callable[[Path], None]:
    """Another value in the cell of the attacked record, which so has another key; images go along."""

    def changed(folder: Path) -> None:
        path, _ = attacked(folder)
        data = json.loads(path.read_text())
        inner = data["cell"]
        for name in names[:-1]:
            inner = inner[name]
        inner[names[-1]] = to
        data["key"] = Cell.model_validate(data["cell"]).key
        path.write_text(json.dumps(data))
        (images,) = (folder / "images").iterdir()
        images.rename(images.with_name(f"{data['key']}.safetensors"))

    return changed


def more_damage(folder: Path) -> None:
    """Numbers that agree with one another, and not with the images."""
    path, _ = attacked(folder)
    data = json.loads(path.read_text())
    found = data["degradation"]

    def shift(estimate: dict[str, float | None], by: float) -> None:
        estimate |= {
            bound: None if estimate[bound] is None else estimate[bound] + by for bound in ("low", "value", "high")
        }

    for estimate in (found["ard"], found["flat"], found["worst_task"], *found["tasks"].values()):
        shift(estimate, 0.1)
    for replicates in found["replicates"].values():
        replicates |= {"low": replicates["low"] + 0.1, "high": replicates["high"] + 0.1}
    for task, metrics in found["metrics"].items():
        for name, estimate in metrics.items():
            shift(estimate, 0.1)
            sign = 1 if data["task_facts"][task]["metrics"][name]["higher_is_better"] else -1
            shift(data["attacked"][task][name], -0.1 * sign * abs(data["clean"][task][name]["value"]))
    path.write_text(json.dumps(data))


def typed_evidence(kind: str) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        path, record = attacked(folder)
        path.write_text(with_evidence(record, kind).to_json())

    return changed


def of_others(folder: Path) -> None:
    put(folder, attacks=["another"])


def no_attack(folder: Path) -> None:
    attacked(folder)[0].unlink()
    shutil.rmtree(folder / "images")


def claim(**given: object) -> Callable[[Path], None]:
    return lambda folder: put(folder, claims=[{"model": MODEL, "attack": "nudge", **given}])


class TestRefusals:
    def test_what_is_all_right_has_no_fault(self, handed: Path) -> None:
        assert examined(handed) == {}
        ard = attacked(handed)[1].degradation.ard.value
        assert ard is not None
        claim(value=round(ard, 2))(handed)
        assert examined(handed) == {}

    @pytest.mark.parametrize(
        ("spoil", "title", "said"),
        [
            (change_images(lambda x: x + 0.02), "images", "rooms-00"),
            (change_images(lambda x: x * 0 + 1.01), "images", "rooms-00"),
            (change_images(lambda x: x * float("nan")), "images", "rooms-00"),
            (change_images(lambda x: x.flip(0)), "images", "rooms-00"),
            (change_images(lambda x: x[:1]), "images", "(2, 3, 64, 64)"),
            (change_images(lambda x: x.double()), "images", "float64"),
            (lambda folder: next((folder / "images").iterdir()).write_bytes(b"no"), "images", "safetensors"),
            (lambda folder: save_file({}, folder / "images" / "0.safetensors"), "images", "no record"),
            (more_damage, "scores", "nudge on"),
            (typed_evidence("re-run"), "records", "others have to say"),
            (typed_evidence("recomputed"), "records", "images that are not there"),
            (of_others, "records", "neither of the attacks"),
            (no_attack, "records", "none of an attack"),
            (change_cell("model", "sha256", to="9" * 64), "models", "other weights here"),
            (change_cell("dataset", "sha256", to="9" * 64), "data", "other images here"),
            (change_cell("tasks", "depth", to={"version": 99}), "data", "other versions here"),
            (change_cell("protocol", to=1), "records", "protocol 1"),
            (claim(value=9.9), "claims", "and not 9.9"),
            (claim(value=0.1, score="dept"), "claims", "known: ard"),
            (claim(value=0.1, eps=2.0), "claims", "0 records are of it"),
            (lambda folder: put(folder, supersedes=[{"key": "0" * 64, "reason": "r"}]), "supersedes", "000000000000"),
        ],
    )
    def test_what_is_wrong_is_named(self, handed: Path, spoil: Callable[[Path], None], title: str, said: str) -> None:
        spoil(handed)
        faults = examined(handed)
        assert title in faults
        assert said in faults[title][1]

    def test_unchanged_images_in_place_of_the_attack_give_other_scores(self, handed: Path) -> None:
        _, record = attacked(handed)
        from mtrbench import load_dataset, load_model

        clean = load_dataset("rooms3", load_model(MODEL).tasks, images=2).batch([0, 1]).x
        change_images(lambda _: clean)(handed)
        assert set(examined(handed)) == {"scores"}
        assert record.evidence == ()

    def test_a_newer_record_supersedes_with_reason_author_and_date(self, handed: Path) -> None:
        _, record = attacked(handed)
        content = json.loads(record.to_json())
        content["cell"]["attack"]["version"] = "0"
        content["key"] = Cell.model_validate(content["cell"]).key
        old = Record.model_validate_json(json.dumps(content))
        put(handed, supersedes=[{"key": old.key, "reason": "the step was too short"}])
        with opened(handed) as one:
            found = examine_submission(one, Means(Serial()), [old])
        assert not found.failed
        (new,) = (of for of in found.records if isinstance(of, Record))
        assert new.supersedes is not None
        assert new.supersedes.model_dump() == {
            "key": old.key,
            "reason": "the step was too short",
            "author": "A. Nonymous",
            "date": "2026-01-31",
        }
        assert (new.tier, new.submission) == ("recomputed", one.manifest.submission)

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"tier": "re-run"}, "tier"),
            ({"attacks": []}, "which attacks or models"),
            ({"submission": {**MANIFEST["submission"], "date": "soon"}}, "submission.date"),
            ({"card": "../card.toml"}, "card"),
            ({"claims": [{"model": MODEL, "attack": "nudge", "value": "high"}]}, "claims.0.value"),
        ],
    )
    def test_a_bad_manifest_is_one_line(self, handed: Path, changed: dict[str, object], said: str) -> None:
        put(handed, **changed)
        assert_refused(mtrbench("validate", "submission", handed), said)

    def test_a_card_that_is_not_of_the_weights_is_named(self, handed: Path, tiny: Path) -> None:
        shutil.copy(tiny, handed / "card.toml")
        put(handed, models=["tiny"], card="card.toml")
        (handed / "weights.safetensors").write_bytes(b"others")
        assert "not those of the card" in examined(handed)["card"][1]
        shutil.copy(tiny.with_name("weights.safetensors"), handed)
        assert "records are not of the card's weights" in examined(handed)["card"][1]

    def test_a_folder_that_is_no_checkout_gets_nothing(self, handed: Path, tmp_path: Path) -> None:
        assert_refused(mtrbench("submit", handed, "--checkout", tmp_path), "no checkout")

    def test_published_records_can_be_superseded(self) -> None:
        assert any(isinstance(record, Record) for record in records_at([PUBLISHED]))
