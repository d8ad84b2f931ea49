"""The clean gain of sharing, by hand and with its interval."""

import numpy as np
import pytest
from helpers.boards import one, row
from helpers.make_records import make_clean_record, make_record

from mtrbench.benchmark.protocol.facts import TaskFacts
from mtrbench.benchmark.protocol.tasks.registry import make_task
from mtrbench.benchmark.stats import Bootstrapped
from mtrbench.leaderboards.analysis.gain import clean_gain
from mtrbench.leaderboards.boards.models import model_boards

FACTS = {task: TaskFacts.of(make_task(task).metrics) for task in ("segmentation", "keypoints2d")}


def test_clean_gain_by_hand():
    def scores(miou, accuracy, mae, power=0):
        values = {"segmentation": {"miou": miou, "pixel_accuracy": accuracy}, "keypoints2d": {"mae": mae}}
        spread = np.array([1.0, 1.5, 2.0])
        return {t: {m: Bootstrapped(v, v * spread**power) for m, v in part.items()} for t, part in values.items()}

    def gains(clean, twin):
        return {task: gain.value for task, gain in clean_gain(FACTS, clean, twin).items()}

    twin = scores(0.5, 0.8, 0.2)
    # miou +10 %, accuracy -5 %: +2.5 % for the task; an error that falls by 20 % is a gain of 20 %.
    assert gains(scores(0.55, 0.76, 0.16), twin) == pytest.approx({"segmentation": 2.5, "keypoints2d": 20})
    assert gains(twin, twin) == {"segmentation": 0, "keypoints2d": 0}
    assert clean_gain(FACTS, scores(0.5, 0.8, np.nan), twin) is None
    assert clean_gain(FACTS, twin, scores(0.0, 0.8, 0.2)) is None
    # Resample by resample, both scores are those of the same images.
    found = clean_gain(FACTS, scores(0.55, 0.76, 0.16, power=2), scores(0.5, 0.8, 0.2, power=1))
    assert found["keypoints2d"].replicates == pytest.approx([20, 100 * (1 - 0.8 * 1.5), 100 * (1 - 0.8 * 2)])
    assert found["segmentation"].replicates == pytest.approx([2.5, 100 * (1.025 * 1.5 - 1), 100 * (1.025 * 2 - 1)])


def test_a_gain_has_an_interval_where_both_clean_passes_are_there():
    pair = [make_record(m) for m in ("rooms3-shared.clean", "rooms3-independent.clean")]
    wide, narrow = make_clean_record(pair[0], 0.02), make_clean_record(pair[1], 0.01)

    def gain(*passes):
        return row(one(model_boards, [*pair, *passes]), "rooms3-shared.clean")["clean_gain_percent"]

    assert [gain().low, gain(wide).low, gain(narrow).high] == [None] * 3
    found = gain(wide, narrow)
    assert found.value == pytest.approx(6)
    assert found.low < 6 < found.high
    assert row(one(model_boards, [*pair, wide, narrow]), "rooms3-independent.clean")["clean_gain_percent"].low == 0
    # The same change of both in every resample cancels out.
    paired = gain(make_clean_record(pair[0], 0.01), narrow)
    assert paired.high - paired.low < 1e-3 * (found.high - found.low)


def test_gain_is_unknown_without_the_twin():
    assert row(one(model_boards, [make_record()]), "rooms3-shared.clean")["clean_gain_percent"] is None
