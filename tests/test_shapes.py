"""Shapes in signatures are checked while tests run."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from jaxtyping import TypeCheckError

from mtrbench.attacks.balancing.total import Total
from mtrbench.attacks.conformance.toys import linear_model, middle_batch
from mtrbench.benchmark.protocol.tasks.depth import Depth
from mtrbench.benchmark.protocol.threat import ThreatModel

X = torch.full((2, 3, 4, 5), 0.5)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: ThreatModel().project(X, X[:1]), "'z'"),
        (lambda: ThreatModel().ascend(X[0]), "'gradient'"),
        (lambda: ThreatModel().distance(X, X.long()), "'x_adv'"),
        (lambda: Total().direction(X, ThreatModel()), "'fields'"),
        (lambda: Depth().loss(X.long(), X), "'prediction'"),
        (lambda: linear_model()(X[0]), "'x'"),
    ],
)
def test_another_shape_or_type_is_an_error(call: Any, argument: str) -> None:
    with pytest.raises(TypeCheckError, match=argument):
        call()


def test_what_has_its_shape_passes() -> None:
    assert torch.equal(ThreatModel().project(X, X), X)
    assert {*linear_model().losses(middle_batch())} == {"a", "b"}
