"""Numbers of single samples have the same bits in any batch."""

from __future__ import annotations

import pytest
import torch

from mtrbench.benchmark.protocol.per_sample import mean_of_parts


@pytest.mark.parametrize("count", range(1, 8))
@pytest.mark.parametrize("batch", [1, 2, 7, 8, 33])
def test_the_mean_of_parts_is_that_of_each_sample_alone(count: int, batch: int) -> None:
    parts = [*torch.rand(count, batch, 3, generator=torch.Generator().manual_seed(0))]
    alone = [mean_of_parts([part[index : index + 1] for part in parts]) for index in range(batch)]
    assert torch.equal(mean_of_parts(parts), torch.cat(alone))
    assert torch.equal(mean_of_parts(torch.stack(parts)), mean_of_parts(parts))
    torch.testing.assert_close(mean_of_parts(parts), torch.stack(parts).mean(dim=0))
