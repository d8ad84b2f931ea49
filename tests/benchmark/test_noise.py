"""Random numbers are keyed by sample, and distributed as they say."""

import pytest
import torch

from mtrbench.benchmark.protocol.noise import Noise

IDS = ("a", "b", "c")
every_draw = pytest.mark.parametrize("method", ["uniform", "normal", "sign"])


@every_draw
def test_a_sample_has_its_numbers_in_any_batch(method):
    draw = getattr(Noise(3), method)
    together = draw(IDS, (3, 4, 5), draw="start")
    assert together.shape == (3, 3, 4, 5)
    assert together.dtype == torch.float32
    assert torch.equal(together.flip(0), draw(IDS[::-1], (3, 4, 5), draw="start"))
    for i, name in enumerate(IDS):
        assert torch.equal(together[i : i + 1], draw([name], (3, 4, 5), draw="start"))


@every_draw
def test_seed_sample_and_draw_each_change_the_numbers(method):
    def numbers(seed, name, draw):
        return getattr(Noise(seed), method)([name], (100,), draw=draw)

    variants = [numbers(0, "a", "x"), numbers(1, "a", "x"), numbers(0, "b", "x"), numbers(0, "a", "y")]
    for i, left in enumerate(variants):
        for right in variants[:i]:
            assert not torch.equal(left, right)
            assert (left * right).mean().abs() < 0.5  # 5 standard deviations


def test_global_generators_play_no_part():
    torch.manual_seed(0)
    first = Noise().uniform(IDS, (4,), draw="x")
    torch.manual_seed(1)
    state = torch.get_rng_state()
    assert torch.equal(first, Noise().uniform(IDS, (4,), draw="x"))
    assert torch.equal(state, torch.get_rng_state())


def test_uniform_is_uniform():
    values = Noise().uniform(["a"], (100_000,), draw="x")
    assert values.min() >= -1
    assert values.max() < 1
    share = torch.histc(values, bins=10, min=-1, max=1) / len(values[0])
    torch.testing.assert_close(share, torch.full((10,), 0.1), atol=0.005, rtol=0)  # 5 standard deviations


def test_normal_is_normal():
    values = Noise().normal(["a"], (100_000,), draw="x")
    for k in (-2.0, -1.0, 0.0, 1.0, 2.0):
        expected = torch.special.ndtr(torch.tensor(k))
        torch.testing.assert_close((values < k).float().mean(), expected, atol=0.008, rtol=0)


def test_sign_is_fair():
    values = Noise().sign(["a"], (100_000,), draw="x")
    assert set(values.unique().tolist()) == {-1.0, 1.0}
    assert values.mean().abs() < 0.016
