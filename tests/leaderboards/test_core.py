"""Who is compared where records are missing: laws of the core of models and attacks."""

from itertools import product

import numpy as np
import pytest

from mtrbench.leaderboards.analysis.core import core

SOME = range(30)


def names(kind, count):
    return tuple(f"{kind}{number}" for number in range(count))


def at_random(seed):
    """Models, attacks and pairs of them, of which up to a half are missing."""
    random = np.random.default_rng(seed)
    models, attacks = names("m", random.integers(1, 7)), names("a", random.integers(1, 9))
    missing = random.uniform(0, 0.5)
    return models, attacks, {pair for pair in product(models, attacks) if random.random() >= missing}


@pytest.mark.parametrize("seed", SOME)
def test_no_record_of_the_core_is_missing_and_nothing_that_lacks_none_is_left_out(seed):
    models, attacks, evaluated = at_random(seed)
    compared, under = core(models, attacks, evaluated)
    assert evaluated >= {*product(compared, under)}
    assert tuple(a for a in attacks if all((m, a) in evaluated for m in compared)) == under
    assert tuple(m for m in models if all((m, a) in evaluated for a in under)) == compared


@pytest.mark.parametrize("seed", SOME)
def test_names_and_their_order_do_not_matter(seed):
    models, attacks, evaluated = at_random(seed)
    random = np.random.default_rng(seed)
    shuffled = [dict(zip(of, random.permutation(of), strict=True)) for of in (models, attacks)]
    renamed = {(shuffled[0][model], shuffled[1][attack]) for model, attack in evaluated}
    before, after = core(models, attacks, evaluated), core(models, attacks, renamed)
    for names_before, names_after, new in zip(before, after, shuffled, strict=True):
        assert {new[name] for name in names_before} == {*names_after}


@pytest.mark.parametrize(("models", "attacks"), [(1, 1), (4, 16), (33, 16)])
def test_without_a_missing_record_all_are_compared(models, attacks):
    models, attacks = names("m", models), names("a", attacks)
    assert core(models, attacks, {*product(models, attacks)}) == (models, attacks)


@pytest.mark.parametrize("place", range(3))
def test_an_attack_new_on_all_models_but_one_is_left_out_and_no_model_is(place):
    models, attacks = names("m", 4), names("a", 16)
    evaluated = {*product(models, attacks), *product(models[: place + 1], ["new"])}
    assert core(models, (*attacks, "new"), evaluated) == (models, attacks)
    evaluated |= {*product(models, ["new"])}
    assert core(models, (*attacks, "new"), evaluated) == (models, (*attacks, "new"))


@pytest.mark.parametrize(("new", "count"), [(1, 1), (1, 8), (1, 12), (5, 1), (3, 8)])
def test_models_new_under_some_attacks_narrow_nothing(new, count):
    models, attacks, new = names("m", 4), names("a", 16), names("new", new)
    evaluated = {*product(models, attacks), *product(new, attacks[:count])}
    assert core((*models, *new), attacks, evaluated) == (models, attacks)


def test_where_nothing_is_comparable_nobody_comes_first():
    assert core(("m0", "m1"), ("a0", "a1"), {("m0", "a0"), ("m1", "a1")}) == (("m0", "m1"), ())
    assert core(("m0",), (), ()) == (("m0",), ())
