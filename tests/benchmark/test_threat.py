"""Laws of the threat models: distance, projection, ascent, random start."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.threat import ThreatModel

ROUNDING = {"linf": 6e-8, "l2": 0.0}  # x -+ eps in float32; the bisection ends on the feasible side exactly
laws = settings(deadline=None, derandomize=True, database=None)  # repeatable, and nothing is written
each_norm = pytest.mark.parametrize("norm", ["linf", "l2"])


@st.composite
def problems(draw):
    """A budget, images x with pixels at the very bounds among them, and points z near and far."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    norm = draw(st.sampled_from(["linf", "l2"]))
    eps = draw(st.sampled_from([0.0, 1e-4, 4 / 255, 0.1, 0.5, 1.0]))
    shape = (3, *draw(st.sampled_from([(1, 1, 1), (3, 1, 2), (3, 4, 5)])))
    x = (torch.rand(shape, generator=generator) * 1.4 - 0.2).clamp(0, 1)
    far = draw(st.sampled_from([1e-3, 0.05, 1.0, 30.0, 1e6]))
    return ThreatModel(norm, eps), x, x + far * torch.randn(shape, generator=generator), generator


def squared(y, z):
    return (y.double() - z.double()).square().sum((1, 2, 3))


# Projection.


@laws
@given(problems())
def test_projections_are_feasible(problem):
    threat, x, z, _ = problem
    y = threat.project(x, z)
    assert y.dtype == x.dtype
    assert y.min() >= 0
    assert y.max() <= 1
    assert (threat.distance(x, y) <= threat.eps + ROUNDING[threat.norm]).all()


@laws
@given(problems())
def test_projection_is_idempotent(problem):
    threat, x, z, _ = problem
    y = threat.project(x, z)
    assert torch.equal(threat.project(x, y), y)


@laws
@given(problems(), st.floats(0, 0.999))
def test_points_of_the_budget_stay(problem, share):
    threat, x, z, _ = problem
    inside = x + share * (threat.project(x, z) - x)
    inside = torch.where((threat.distance(x, inside) <= threat.eps).view(-1, 1, 1, 1), inside.clamp(0, 1), x)
    assert torch.equal(threat.project(x, inside), inside)


@laws
@given(problems())
def test_no_point_of_the_budget_is_nearer(problem):
    threat, x, z, generator = problem
    y = threat.project(x, z)
    # By convexity, the projection is the y with <z - y, q - y> <= 0 for every q of the budget.
    for spread in (1e-3, 0.03, 1.0):
        for centre in (x, y):
            q = threat.project(x, centre + spread * torch.randn(x.shape, generator=generator))
            angle = ((z.double() - y.double()) * (q.double() - y.double())).sum((1, 2, 3))
            scale = (squared(z, y) * squared(q, y)).sqrt() + squared(z, x).sqrt() * (threat.eps + 1e-2)
            assert (angle <= 1e-5 * scale).all()


@laws
@given(problems(), st.integers(0, 2**32))
def test_no_random_competitor_is_nearer(problem, seed):
    threat, x, z, _ = problem
    ids = [f"{seed}-{i}" for i in range(len(x))]
    best = squared(threat.project(x, z), z).sqrt()
    for trial in range(5):
        competitor = threat.random_start(x, ids, Noise(trial))
        assert (squared(competitor, z).sqrt() >= best * (1 - 1e-6) - 1e-6).all()


@settings(laws, max_examples=30)
@given(st.tuples(*[st.floats(0, 1)] * 2), st.tuples(*[st.floats(-2, 3)] * 2), st.floats(0.01, 1.2))
def test_the_l2_projection_equals_a_fine_search(x, z, eps):
    # Two pixels: the boundary of the ball, cut to the cube, and the cube's edges within the ball.
    angle = torch.linspace(0, 2 * math.pi, 20_001, dtype=torch.float64)
    centre, target = torch.tensor(x, dtype=torch.float64), torch.tensor(z, dtype=torch.float64)
    circle = centre + eps * torch.stack([angle.cos(), angle.sin()], dim=1)
    side = torch.linspace(0, 1, 5_001, dtype=torch.float64)
    ends = torch.zeros_like(side), torch.ones_like(side)
    edges = [torch.stack(pair, dim=1) for end in ends for pair in ((side, end), (end, side))]
    candidates = torch.cat([circle, *edges, target[None]])
    inside = ((candidates - centre).norm(dim=1) <= eps + 1e-9) & (candidates >= 0).all(1) & (candidates <= 1).all(1)
    searched = (candidates[inside] - target).norm(dim=1).min()
    y = ThreatModel("l2", eps).project(centre.view(1, 1, 1, 2), target.view(1, 1, 1, 2)).flatten()
    assert (y - target).norm() == pytest.approx(searched.item(), abs=1e-3)
    assert (y - target).norm() <= searched + 1e-5


def test_an_l2_projection_by_hand():
    # On the ray x + t (4, 1) the cube stops the first pixel at a change of 0.3, from t = 0.075 on. The second may then
    # change by sqrt(0.5**2 - 0.3**2) = 0.4, which is t = 0.4.
    x, z = torch.tensor([0.7, 0.2]).view(1, 1, 1, 2), torch.tensor([4.7, 1.2]).view(1, 1, 1, 2)
    y = ThreatModel("l2", 0.5).project(x, z)
    torch.testing.assert_close(y.flatten(), torch.tensor([1.0, 0.6]))


def test_a_linf_projection_by_hand():
    x, z = torch.tensor([0.95, 0.5, 0.5]).view(1, 1, 1, 3), torch.tensor([2.0, -1.0, 0.55]).view(1, 1, 1, 3)
    y = ThreatModel("linf", 0.1).project(x, z)
    torch.testing.assert_close(y.flatten(), torch.tensor([1.0, 0.4, 0.55]))


@each_norm
def test_a_broken_point_stays_broken(norm):
    z = torch.full((1, 3, 2, 2), torch.nan)
    assert ThreatModel(norm).project(torch.full_like(z, 0.5), z).isnan().any()


# Distance.


def test_distances_by_hand():
    x = torch.zeros(2, 1, 1, 2)
    y = torch.tensor([[0.3, -0.4], [0.0, 0.0]]).view(2, 1, 1, 2)
    torch.testing.assert_close(ThreatModel("linf").distance(x, y).float(), torch.tensor([0.4, 0.0]))
    torch.testing.assert_close(ThreatModel("l2").distance(x, y).float(), torch.tensor([0.5, 0.0]))


# Ascent.


@laws
@given(problems(), st.sampled_from([1e-38, 1e-30, 1e-12, 1.0, 1e30, 1e38]))
def test_ascent_attains_the_dual_norm(problem, scale):
    threat, x, _, generator = problem
    gradient = torch.randn(x.shape, generator=generator).clamp(-3, 3) * scale
    r = threat.ascend(gradient)
    assert (threat.distance(torch.zeros_like(x), r) <= 1 + 1e-6).all()
    exact = gradient.double()
    dual = exact.abs().sum((1, 2, 3)) if threat.norm == "linf" else exact.square().sum((1, 2, 3)).sqrt()
    gain = (exact * r.double()).sum((1, 2, 3))
    torch.testing.assert_close(gain / scale, dual / scale, rtol=1e-5, atol=0)
    for _ in range(5):
        other = torch.randn(x.shape, generator=generator)
        other /= threat.distance(torch.zeros_like(x), other).float().view(-1, 1, 1, 1)
        assert ((exact * other.double()).sum((1, 2, 3)) <= gain * (1 + 1e-5)).all()


@each_norm
def test_no_gradient_gives_no_direction(norm):
    gradient = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    gradient[0] = 0
    gradient[1, 0] = 0
    r = ThreatModel(norm).ascend(gradient)
    assert (r[gradient == 0] == 0).all()
    assert (r[gradient != 0] != 0).all()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_gradient_that_is_no_number_has_no_direction(value):
    gradient = torch.ones(2, 3, 4, 4)
    gradient[1, 2, 3, 3] = value
    with pytest.raises(BadInputError, match="the model's gradient is not finite, so it has no direction under l2"):
        ThreatModel("l2").ascend(gradient)


def test_only_linf_takes_integer_steps():
    gradient = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    for norm in ("linf", "l2"):
        threat = ThreatModel(norm)
        assert threat.integer_steps == set(threat.ascend(gradient).unique().tolist()).issubset({-1, 0, 1})


# Random start.


@laws
@given(problems())
def test_random_starts_are_feasible_and_keyed_by_sample(problem):
    threat, x, _, _ = problem
    ids = ("a", "b", "c")
    start = threat.random_start(x, ids, Noise(5))
    assert torch.equal(threat.project(x, start), start)
    assert torch.equal(start.flip(0), threat.random_start(x.flip(0), ids[::-1], Noise(5)))
    if threat.eps >= 0.1:
        assert not torch.equal(start, threat.random_start(x, ids, Noise(6)))


@each_norm
def test_random_starts_fill_the_budget_evenly(norm):
    # The radius of a uniform point to the power of the dimension is uniform; so is, for linf, the largest coordinate's.
    threat = ThreatModel(norm, 0.25)
    x = torch.full((2000, 1, 1, 3), 0.5)
    start = threat.random_start(x, [str(i) for i in range(2000)], Noise())
    volume = (threat.distance(x, start) / threat.eps) ** 3
    share = torch.histc(volume, bins=5, min=0, max=1) / 2000
    torch.testing.assert_close(share, torch.full((5,), 0.2, dtype=share.dtype), atol=0.045, rtol=0)  # 5 deviations
    assert (start - x).mean(0).abs().max() < 0.02


# All of it.


@each_norm
def test_zero_eps_allows_no_change(norm):
    threat = ThreatModel(norm, 0)
    x = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(threat.project(x, x + 1), x)
    assert torch.equal(threat.project(x, 1 - x), x)
    assert torch.equal(threat.random_start(x, ("a", "b"), Noise()), x)


@laws
@given(problems())
def test_samples_are_apart(problem):
    threat, x, z, _ = problem
    for i in range(len(x)):
        one = slice(i, i + 1)
        assert torch.equal(threat.project(x, z)[one], threat.project(x[one], z[one]))
        assert torch.equal(threat.ascend(z)[one], threat.ascend(z[one]))
        assert torch.equal(threat.distance(x, z)[one], threat.distance(x[one], z[one]))


@pytest.fixture
def four_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


@each_norm
@pytest.mark.usefixtures("four_threads")
def test_samples_are_apart_in_large_images(norm):
    # Large enough for torch to split one sample's sum among threads.
    generator = torch.Generator().manual_seed(0)
    x, z = torch.rand(4, 3, 128, 160, generator=generator), torch.randn(4, 3, 128, 160, generator=generator)
    threat = ThreatModel(norm, 0.05)
    for method in (threat.project, threat.distance, lambda _, z: threat.ascend(z)):
        alone = torch.cat([method(x[i : i + 1], z[i : i + 1]) for i in range(4)])
        assert torch.equal(method(x, z), alone)


@pytest.mark.parametrize("eps", [1e-8, 4e-8, 1e-7])
def test_an_l2_eps_below_the_resolution_of_float32_is_kept(eps):
    generator = torch.Generator().manual_seed(0)
    x, z = torch.rand(64, 3, 2, 2, generator=generator), torch.randn(64, 3, 2, 2, generator=generator)
    threat = ThreatModel("l2", eps)
    assert (threat.distance(x, threat.project(x, z)) <= eps).all()


@each_norm
@pytest.mark.parametrize("eps", [-0.1, math.nan, math.inf, -math.inf])
def test_a_bad_eps_is_refused(norm, eps):
    with pytest.raises(BadInputError, match="eps"):
        ThreatModel(norm, eps)


def test_an_eps_in_levels_is_refused_for_linf_alone():
    with pytest.raises(BadInputError, match="4/255"):
        ThreatModel("linf", 4)
    assert ThreatModel("l2", 4).eps == 4


def test_an_unknown_norm_and_empty_targets_are_refused():
    with pytest.raises(BadInputError, match="did you mean linf"):
        ThreatModel("inf")
    with pytest.raises(BadInputError, match="targets"):
        ThreatModel(targets=())
