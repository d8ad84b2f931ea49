"""Attacks that see another model than the one they hit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.commands import assert_refused, mtrbench
from helpers.make_records import TASKS, make_record
from helpers.trainings import recipe, trained
from helpers.work import Points
from torch import Tensor

from mtrbench import BadInputError, Batch, MultiTaskModel, Noise, ThreatModel, load_attack
from mtrbench.attacks.conformance.toys import linear_model
from mtrbench.benchmark.harness import measure
from mtrbench.benchmark.protocol.cells import ModelRef
from mtrbench.benchmark.protocol.reading import read_records
from mtrbench.benchmark.protocol.records import Record
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.boards.models import model_boards
from mtrbench.leaderboards.boards.transfer import transfer_boards
from mtrbench.leaderboards.output.pages import files
from mtrbench.leaderboards.site.site import site_files

MODELS = ("rooms3-shared.clean", "rooms3-independent.clean", "rooms3-shared.at-total")


@dataclass
class Kept:
    """An attack that keeps what it made."""

    images: list[Tensor]

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        self.images.append(load_attack("total-pgd")(model, batch, threat, noise))
        return self.images[-1]


class TestHarness:
    def test_images_are_those_made_on_the_source(self) -> None:
        source, victim = linear_model(seed=1), linear_model(seed=2)
        batch, threat = Points(6).batch(range(6)), ThreatModel(eps=4 / 255)
        own, kept = Kept([]), Kept([])
        measure(source, [batch], own, threat, Noise(0))
        found = measure(victim, [batch], kept, threat, Noise(0), source=source)
        assert torch.equal(own.images[0], kept.images[0])
        scored = victim.losses(batch.at(kept.images[0]))
        for task, losses in scored.items():
            np.testing.assert_allclose(found.losses[task], losses.detach().numpy(), rtol=1e-6)

    def test_the_source_of_an_attack_on_itself_changes_nothing(self) -> None:
        model, batch, threat = linear_model(), Points(5).batch(range(5)), ThreatModel(eps=4 / 255)
        attack = load_attack("dgba-pgd")
        plain = measure(model, [batch], attack, threat, Noise(0))
        same = measure(model, [batch], attack, threat, Noise(0), source=model)
        assert all(np.array_equal(plain.losses[task], same.losses[task]) for task in plain.losses)


class TestRun:
    def test_every_model_is_attacked_with_what_was_made_on_the_others(
        self, tiny: Path, tiny_adversarial: Path, tmp_path: Path
    ) -> None:
        run = ["run", "--model", tiny, "--model", tiny_adversarial, "--attack", "total-fgsm", "--images", 3]
        outcome = mtrbench(*run, "--transfer", "--workers", 1, "--out", tmp_path)
        assert outcome.code == 0, outcome.err
        records = [record for record in read_records(tmp_path / "records") if isinstance(record, Record)]
        made = {(r.cell.source and r.cell.source.name, r.cell.model.name): r.degradation.arlc.value for r in records}
        assert set(made) == {
            (None, "tiny"),
            (None, "tiny-at"),
            ("tiny", "tiny-at"),
            ("tiny-at", "tiny"),
        }
        assert len({*made.values()}) == 4
        assert (tmp_path / "boards" / "transfer.md").is_file()
        again = mtrbench(*run, "--workers", 1, "--out", tmp_path)
        assert "4 cells: 4 from the store" in again.err

    def test_models_of_other_tasks_are_refused(self, tiny: Path, tmp_path: Path) -> None:
        text = recipe("alone", steps=1)
        for line in ("normals = {}\n", "normals = 3.0\n"):
            text = text.replace(line, "")
        alone = trained(tmp_path, text.replace(" | normals", "").replace(" normals", ""))
        models = ["--model", tiny, "--model", alone]
        refused = mtrbench(
            "run", *models, "--transfer", "--attack", "total-fgsm", "--images", 2, "--out", tmp_path / "o"
        )
        assert_refused(refused, "nothing transfers between tiny and alone: other tasks")


def square(attack: str = "dgba-pgd") -> list[object]:
    """Every model under what was made on each, half as bad elsewhere."""
    return [
        make_record(
            model,
            attack,
            damage=dict.fromkeys(TASKS, 1.0 if source == model else 0.5),
            source=None if source == model else source,
        )
        for model in MODELS
        for source in MODELS
    ]


class TestBoard:
    def test_rows_are_sources_and_columns_targets(self) -> None:
        (board,) = transfer_boards(group(square()))
        assert [name.text for name in board.column("made_on")] == list(MODELS)
        for row, source in zip(board.rows, MODELS, strict=True):
            values = [cell.value for cell in row[1:]]
            assert values == pytest.approx([1.0 if target == source else 0.5 for target in MODELS] + [0.5])

    def test_transfers_stand_on_no_other_board(self) -> None:
        own = [record for record in square() if record.cell.source is None]
        (part,) = group(square())
        assert part.records == group(own)[0].records
        assert "transfer.md" in files(group(square()))
        assert "transfer.md" not in files(group(own))

    def test_what_lacks_is_shown_as_lacking(self) -> None:
        records = [record for record in square() if record.cell.source is None or record.cell.model.name != MODELS[1]]
        (board,) = transfer_boards(group(records))
        assert [column.title for column in board.columns[1:-1]] == [f"`{MODELS[0]}`", f"`{MODELS[2]}`"]

    def test_transfers_without_the_attack_itself_are_shown(self) -> None:
        records = [record for record in square() if record.cell.source is not None]
        (board,) = transfer_boards(group(records))
        assert board.column("elsewhere") == transfer_boards(group(square()))[0].column("elsewhere")
        assert board.column(f"ard:{MODELS[0]}")[0] is None
        assert "transfer.md" in files(group(records))

    def test_a_model_with_one_transfer_changes_no_mean_and_no_rank(self) -> None:
        records = [*square(), make_record("newcomer", damage=dict.fromkeys(TASKS, 9.0), source=MODELS[0])]
        (before,), (after,) = transfer_boards(group(square())), transfer_boards(group(records))
        assert after.column("elsewhere") == before.column("elsewhere")
        assert after.column("ard:newcomer")[:2] == (records[-1].degradation.ard, None)
        assert "in no mean: `newcomer`." in after.note
        (before,), (after,) = model_boards(group(square())), model_boards(group(records))
        assert after.column("rank") == (*before.column("rank"), None)
        assert site_files({"": group(records)}, {})

    def test_two_records_of_one_transfer_are_refused(self) -> None:
        # Made on two models of one name, neither of which is there to be told apart by its weights.
        record = make_record(MODELS[0], source="gone", damage=dict.fromkeys(TASKS, 0.4))
        cell = record.cell.model_copy(update={"source": ModelRef(name="gone", sha256="0" * 64)})
        with pytest.raises(BadInputError, match=f"two records of gone and {MODELS[0]} and dgba-pgd; remove"):
            group([*square(), record, record.model_copy(update={"cell": cell, "key": cell.key})])
