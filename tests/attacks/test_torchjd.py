"""Balancings by TorchJD's rules of multi-task training: the library's own answers, and the laws of every rule."""

from __future__ import annotations

import re
import sys
import warnings
from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch
from helpers.asserts import assert_batch_size_invariant, assert_repeats
from helpers.iterates import TASKS, iterate, made_of
from helpers.threats import linf

from mtrbench import BadInputError, load_attack
from mtrbench.attacks.balancing import jacobian
from mtrbench.attacks.balancing.base import gradients_apart
from mtrbench.attacks.conformance.toys import linear_model, middle_batch
from mtrbench.attacks.listing import names

AGGREGATORS: dict[str, type[jacobian.Jacobian]] = {
    "mgda": jacobian.MGDA,
    "pcgrad": jacobian.PCGrad,
    "cagrad": jacobian.CAGrad,
    "imtl-g": jacobian.IMTLG,
    "nash-mtl": jacobian.NashMTL,
    "upgrad": jacobian.UPGrad,
    "aligned-mtl": jacobian.AlignedMTL,
}


@pytest.mark.skipif(
    not all(map(find_spec, ("torchjd", "qpsolvers", "quadprog", "cvxpy"))),
    reason="needs the extra: pip install 'mtrbench[mtl]'",
)
class TestTorchJD:
    # With three tasks PCGrad draws the order of its projections.
    @pytest.mark.parametrize(
        ("name", "tasks"), [(name, tasks) for name in AGGREGATORS for tasks in (2, 3) if (name, tasks) != ("pcgrad", 3)]
    )
    def test_is_the_library_on_every_samples_jacobian(self, name: str, tasks: int) -> None:
        balancing = AGGREGATORS[name]()
        library = sys.modules["torchjd.aggregation"]

        def aggregated(rows: torch.Tensor) -> torch.Tensor:
            aggregator = getattr(library, balancing.aggregator)(**balancing.arguments(tasks))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return comparable(aggregator(rows.double()).float())

        def comparable(field: torch.Tensor) -> torch.Tensor:
            # Nash-MTL's length is no multiple of its gradients'.
            return field / field.norm() if name == "nash-mtl" else field

        whole = iterate()
        at = replace(whole, losses={task: whole.losses[task] for task in TASKS[:tasks]})
        jacobians = gradients_apart(whole.losses, whole.x)[:tasks].unbind(1)
        for found, rows in zip(balancing.fields(at)[0], jacobians, strict=True):
            torch.testing.assert_close(comparable(found.flatten()), aggregated(rows.flatten(1)), rtol=1e-4, atol=1e-5)
        conflicting = torch.tensor([[1.0, 0.0, 0.2], [-0.6, 0.8, 0.1], [-0.7, -0.5, 0.3]])[:tasks]
        torch.testing.assert_close(
            comparable(balancing.fields(made_of(conflicting)).flatten()), aggregated(conflicting)
        )

    @pytest.mark.parametrize("name", AGGREGATORS)
    def test_does_not_care_for_a_common_scale(self, name: str) -> None:
        rows = torch.randn(3, 7, generator=torch.Generator().manual_seed(1))
        plain, tiny = (AGGREGATORS[name]().fields(made_of(scale * rows)) for scale in (1.0, 2.0**-30))
        torch.testing.assert_close(tiny * 2.0**30, plain)

    @pytest.mark.parametrize("name", AGGREGATORS)
    def test_tasks_without_gradient_take_no_part(self, name: str) -> None:
        rows = torch.randn(3, 7, generator=torch.Generator().manual_seed(1))
        with_zero = torch.cat([rows[:2], torch.zeros(1, 7), rows[2:]])
        balancing = AGGREGATORS[name]()
        torch.testing.assert_close(balancing.fields(made_of(with_zero)), balancing.fields(made_of(rows)))
        assert not balancing.fields(made_of(torch.zeros(3, 7))).any()

    @pytest.mark.parametrize("name", AGGREGATORS)
    @pytest.mark.parametrize("seed", range(5))
    def test_conflicting_and_parallel_gradients_give_a_finite_step(self, name: str, seed: int) -> None:
        first, second = torch.randn(2, 4, generator=torch.Generator().manual_seed(seed))
        for rows in (
            torch.stack([first, -first, second]),
            torch.stack([first, first, second]),
            torch.stack([first, -2 * first]),
            torch.stack([first, 1e-7 * second]),
        ):
            assert AGGREGATORS[name]().fields(made_of(rows)).isfinite().all()

    @pytest.mark.parametrize("name", ["mgda", "upgrad"])
    @pytest.mark.parametrize("seed", range(5))
    def test_harms_no_task(self, name: str, seed: int) -> None:
        rows = torch.randn(3, 7, generator=torch.Generator().manual_seed(seed))
        direction = AGGREGATORS[name]().fields(made_of(rows)).flatten()
        assert (rows @ direction >= -0.02 * direction.norm() * rows.norm(dim=1)).all()

    def test_mgda_finds_the_shortest_vector(self) -> None:
        field = jacobian.MGDA().fields(made_of(torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])))
        torch.testing.assert_close(field.flatten(), torch.tensor([0.8, 0.4, 0.0]))

    @pytest.mark.parametrize("c", [0.0, 0.4, 0.9])
    def test_cagrad_stays_near_the_mean_and_leaves_no_task_worse_than_it(self, c: float) -> None:
        rows = torch.tensor([[1.0, 0.0, 0.2], [-0.6, 0.8, 0.1], [-0.7, -0.5, 0.3]])
        mean, direction = rows.mean(dim=0), jacobian.CAGrad(c).fields(made_of(rows)).flatten()
        assert (direction - mean).norm() <= (c + 1e-3) * mean.norm()
        assert (rows @ direction).min() >= (rows @ mean).min() - 1e-5
        if c:
            assert (rows @ direction).min() > (rows @ mean).min() + 1e-3

    def test_nash_mtl_bargains(self) -> None:
        # sum_t a_t g_t with a_t <g_t, sum> the same for all tasks.
        rows = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
        direction = jacobian.NashMTL().fields(made_of(rows)).flatten()
        shares = torch.linalg.lstsq(rows.T, direction.unsqueeze(1)).solution.flatten() * (rows @ direction)
        torch.testing.assert_close(shares / shares.mean(), torch.ones(3), rtol=0.02, atol=0.02)

    def test_solvers_beside_or_tools_are_not_loaded(self) -> None:
        jacobian.CAGrad().fields(made_of(torch.eye(3)))
        assert sys.modules.get("highspy") is None
        assert "highspy" not in sys.modules

    def test_imtl_g_projects_equally_on_all(self) -> None:
        rows = torch.randn(3, 7, generator=torch.Generator().manual_seed(0))
        shares = rows @ jacobian.IMTLG().fields(made_of(rows)).flatten() / rows.norm(dim=1)
        torch.testing.assert_close(shares, shares[:1].expand(3), rtol=1e-4, atol=1e-4)

    def test_pcgrads_order_is_the_samples_own(self) -> None:
        model, batch = linear_model(TASKS), middle_batch(tasks=TASKS)
        attack = load_attack("pcgrad-pgd")
        assert_repeats(attack, model, batch, linf)
        assert_batch_size_invariant(attack, model, batch, linf)
        rows = torch.tensor([[1.0, 0.0], [-0.6, 0.8], [-0.7, -0.5]])
        drawn = [jacobian.PCGrad().fields(made_of(rows, seed=seed)) for seed in range(20)]
        assert len({tuple(field.flatten().tolist()) for field in drawn}) > 1


def test_without_the_extra_the_names_are_left_out_and_the_error_says_what_to_install(monkeypatch) -> None:
    for module in ("torchjd", "torchjd.aggregation"):
        monkeypatch.setitem(sys.modules, module, None)
    assert not any(name.startswith(("mgda", "upgrad", "imtl-g")) for name in names())
    assert "total-pgd" in names()
    with pytest.raises(BadInputError, match=re.escape("MGDA needs torchjd: pip install 'mtrbench[mtl]'")) as caught:
        load_attack("mgda-pgd")
    assert "\n" not in str(caught.value)
