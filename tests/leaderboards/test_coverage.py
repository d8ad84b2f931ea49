"""Intervals by simulation: boards of synthetic records whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.make_records import make_record
from numpy.typing import NDArray

from mtrbench.attacks.conformance.toys import Affine
from mtrbench.benchmark.protocol.estimates import Estimate
from mtrbench.benchmark.protocol.records import Degradation
from mtrbench.benchmark.stats import degradation, scores
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.boards.attacks import attack_boards

IMAGES, BOARDS = 128, 400
TASKS = ("depth", "normals")
MODELS = ("rooms3-shared.clean", "rooms3-independent.clean")
DAMAGE = {"dgba-pgd": (1.0, 0.4), "total-pgd": (0.8, 0.5)}
"""What every attack truly does to the mean error of each task, on every model."""


def drawn(generator: np.random.Generator, hardness: NDArray[np.float64], damage: tuple[float, ...]) -> Degradation:
    """The degradation over images whose errors are their hardness times chance, of mean 1."""
    clean, attacked = {}, {}
    for task, more in zip(TASKS, damage, strict=True):
        errors = hardness * generator.gamma(4, 0.25, IMAGES)
        after = errors * (1 + more * generator.gamma(2, 0.5, IMAGES))
        for found, values in ((clean, errors), (attacked, after)):
            found[task] = np.stack([np.ones(IMAGES), values], axis=1)
    losses = [{task: values[:, 1] for task, values in part.items()} for part in (clean, attacked)]
    tasks = {task: Affine() for task in TASKS}
    return degradation(tasks, scores(tasks, clean), scores(tasks, attacked), *losses)


@pytest.fixture(scope="module")
def boards() -> list[dict[str, Estimate]]:
    """The ARD of every attack, the mean over models, on many boards of fresh images."""
    generator = np.random.default_rng(11)
    found = []
    template = {
        (m, a): make_record(m, a, images=IMAGES, tasks=TASKS, damage=dict.fromkeys(TASKS, 1.0))
        for m in MODELS
        for a in DAMAGE
    }
    for _ in range(BOARDS):
        hardness = generator.lognormal(0, 0.4, IMAGES)  # the same images for every model and attack
        records = [
            record.model_copy(update={"degradation": drawn(generator, hardness, DAMAGE[attack])})
            for (_, attack), record in template.items()
        ]
        (board,) = attack_boards(group(records))
        names = [name.text for name in board.column("attack")]
        found.append(dict(zip(names, board.column("ard"), strict=True)))
    return found


@pytest.mark.parametrize("attack", DAMAGE)
def test_intervals_on_the_board_cover_the_truth(boards: list[dict[str, Estimate]], attack: str) -> None:
    truth = float(np.mean(DAMAGE[attack]))
    hits = [board[attack].low <= truth <= board[attack].high for board in boards]
    assert 0.92 <= np.mean(hits) <= 0.98
