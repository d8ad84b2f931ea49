"""Damage over budgets, steps and costs, and against clean gain."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.make_records import MODELS, TASKS, make_record
from hypothesis import given
from hypothesis import strategies as st

from mtrbench.benchmark.protocol.estimates import Estimate
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.analysis.sweeps import budget_sweeps, step_sweeps
from mtrbench.leaderboards.boards.costs import cost_boards
from mtrbench.leaderboards.boards.half_lost import half_lost_boards
from mtrbench.leaderboards.output.pages import files
from mtrbench.leaderboards.plots.pareto import Candidate, candidates, front

BUDGETS = (1.0, 2.0, 4.0)
CLEANLY = ("rooms3-shared.clean", "rooms3-independent.clean")


def hit(model, attack, value, **fields):
    return make_record(model, attack, damage=dict.fromkeys(TASKS, value), **fields)


def budgets():
    return [hit(model, "dgba-pgd", eps * (1 + i), eps=eps) for i, model in enumerate(CLEANLY) for eps in BUDGETS]


def costing(record, backwards, forwards=10):
    costs = {"backwards": float(backwards), "forwards": float(forwards)}
    return record.model_copy(update={"costs": replace(record.costs, **costs)})


def test_a_course_is_the_mean_over_the_models_at_every_budget():
    (sweep,) = budget_sweeps(group(budgets()))
    assert (sweep.training, sweep.attack, sweep.models, sweep.xs) == ("clean", "dgba-pgd", 2, BUDGETS)
    assert [score.value for score in sweep.scores] == pytest.approx([1.5 * eps for eps in BUDGETS])


def test_models_without_the_whole_course_and_controls_are_left_out():
    short = hit("rooms3-half.clean", "dgba-pgd", 9.0, eps=4.0, facts={"sharing_index": 0.5})
    noise = [hit(CLEANLY[0], "noise", 0.1, eps=eps) for eps in BUDGETS]
    assert budget_sweeps(group([*budgets(), short, *noise])) == budget_sweeps(group(budgets()))
    assert budget_sweeps(group([record for record in budgets() if record.threat.eps > 1])) == []


def test_half_is_lost_where_the_course_passes_half():
    # ARD is 0.2 eps on one model, a line in log eps between two budgets on the board, and 0.02 eps and 2 eps on others.
    records = [
        hit(f"rooms3-{name}.clean", "dgba-pgd", slope * eps, eps=eps, facts={"sharing_index": 0.5})
        for name, slope in {"a": 0.2, "hard": 0.02, "soft": 2.0}.items()
        for eps in BUDGETS
    ]
    (board,) = half_lost_boards(group(records))
    assert [name.text for name in board.column("model")] == ["rooms3-hard.clean", "rooms3-a.clean", "rooms3-soft.clean"]
    above, found, below = board.column("eps_of_half")
    assert (above, below) == ("above 4", "at most 1")
    assert found.value == pytest.approx(2 * 2 ** ((0.5 - 0.4) / 0.4))
    assert found.low <= found.value <= found.high
    assert "eps_255" not in dict(board.scope)
    assert half_lost_boards(group([record for record in records if record.threat.eps > 1])) == []


def test_trainings_have_courses_of_their_own():
    against = [hit("rooms3-shared.at-total", "dgba-pgd", 0.1 * eps, eps=eps) for eps in BUDGETS]
    assert [sweep.training for sweep in budget_sweeps(group([*budgets(), *against]))] == ["clean", "total-pgd"]


def test_steps_are_a_course_by_what_else_is_set():
    records = [
        hit(CLEANLY[0], "dgba-pgd", steps / 10, settings={"steps": steps, "reach": reach})
        for steps in (5, 10, 20)
        for reach in (1.0, 2.0)
    ]
    (part,) = group(records)
    assert [(sweep.attack, sweep.xs) for sweep in step_sweeps(part)] == [
        ("dgba-pgd [reach=1.0]", (5, 10, 20)),
        ("dgba-pgd [reach=2.0]", (5, 10, 20)),
    ]
    assert step_sweeps(group(budgets())[0]) == []


def test_one_budget_more_or_other_weights_drop_no_model_from_a_course():
    (sweep,) = budget_sweeps(group([*budgets(), hit(CLEANLY[0], "dgba-pgd", 9.0, eps=16.0)]))
    assert (sweep.models, sweep.xs) == (2, BUDGETS)
    other = [
        record.model_copy(
            update={
                "key": f"{place:064x}",
                "cell": record.cell.model_copy(
                    update={"model": record.cell.model.model_copy(update={"sha256": "0" * 64})}
                ),
            }
        )
        for place, record in enumerate(budgets()[:3])
    ]
    (sweep,) = budget_sweeps(group([*budgets(), *other]))
    assert (sweep.models, sweep.xs) == (3, BUDGETS)


def test_pictures_of_courses_lie_by_the_group_with_the_most_records():
    more = [hit(CLEANLY[0], "total-pgd", 1.0, eps=2.0)]
    found = files(group([*budgets(), *more]))
    assert [name for name in found if name.startswith("budgets")] == ["budgets.svg"]
    assert b"2/255" in found["README.md"].split(b"(budgets.svg)")[0].split(b"## ")[-1]


def test_costs_hold_whom_nobody_cheaper_outdoes():
    damage = {"cheap": (1, 0.5), "weak": (1, 0.3), "dear": (10, 0.9), "wasteful": (30, 0.9), "worst": (30, 1.0)}
    # Forward passes are shown, but are no cost: the weak one has fewest.
    records = [costing(hit(CLEANLY[0], name, value), cost, 10 * value) for name, (cost, value) in damage.items()]
    noise = costing(hit(CLEANLY[0], "noise", 2.0), 0)
    (board,) = cost_boards(group([*records, noise]))
    assert [name.text for name in board.column("attack")] == ["cheap", "dear", "worst"]
    assert board.column("backwards") == (1, 10, 30)
    assert board.column("surely_above") == (None, "yes", "yes")


def test_a_step_up_that_the_images_do_not_bear_out_is_not_sure():
    pair = [costing(hit(CLEANLY[0], name, v, own_spread=0.5), c) for name, v, c in (("a", 1.0, 1), ("b", 1.01, 2))]
    (board,) = cost_boards(group(pair))
    assert board.column("surely_above") == (None, "no")


POINTS = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=12)


@given(POINTS)
def test_the_front_is_beaten_by_nobody_and_beats_the_rest(pairs):
    nothing = Estimate(value=None, low=None, high=None)
    found = [Candidate(str(i), "clean", gain, damage, nothing, nothing) for i, (gain, damage) in enumerate(pairs)]
    best = front(found)
    assert [own.gain for own in best] == sorted(own.gain for own in best)
    assert [own.damage for own in best] == sorted(own.damage for own in best)
    for own in found:
        better = [o for o in best if o.gain >= own.gain and o.damage <= own.damage and o is not own]
        assert (own in best) == all((o.gain, o.damage) == (own.gain, own.damage) for o in better)


def test_gain_is_over_the_cleanly_trained_independent_model():
    (part,) = group([make_record(model) for model in MODELS])
    gains = {own.model: own.gain for own in candidates(part)}
    assert gains["rooms3-independent.clean"] == 0
    assert gains["rooms3-shared.clean"] == pytest.approx(6)
    assert candidates(group([make_record("rooms3-shared.clean")])[0]) == []
    assert np.isfinite([own.damage for own in candidates(part)]).all()
