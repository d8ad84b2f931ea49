"""What an attacker of labels may ascend: logits (B, classes, ...) against labels (B, ...), of images or of pixels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ...benchmark.protocol.per_sample import masked_mean


@dataclass(frozen=True)
class Labels:
    """Losses where `valid(truth)` (B, 1, ...); what is a pixel below is a whole image where that has one label."""

    valid: Callable[[Tensor], Tensor]

    def masked_ce(self, prediction: Tensor, truth: Tensor) -> Tensor:
        """Cross entropy of the pixels that are right, summed and divided by the number of valid ones; in nats, (B,).

        A pixel that is wrong already adds 0 and has no gradient, so that no step is spent on it (arXiv 2306.14217).
        Hence the loss falls whenever a pixel turns wrong: good to climb, bad to compare two points by, as apgd does.
        """
        logits, label, valid = self._known(prediction, truth)
        right = logits.argmax(dim=1, keepdim=True) == label
        return masked_mean(torch.where(right, -_log_likelihood(logits, label), 0), valid)

    def margin(self, prediction: Tensor, truth: Tensor) -> Tensor:
        """Mean over valid pixels of max_{j != y} z_j - z_y, in logits and not clipped, (B,): negative if right."""
        logits, label, valid = self._known(prediction, truth)
        others = logits.scatter(1, label, -math.inf).amax(dim=1, keepdim=True)
        return masked_mean(others - logits.gather(1, label), valid)

    def js(self, prediction: Tensor, truth: Tensor) -> Tensor:
        """Mean over valid pixels of the Jensen-Shannon divergence of softmax and one-hot, in nats, (B,) in [0, log 2].

        It depends on the probability p of the true class only, and levels off where a pixel is wrong (arXiv
        2306.14217): JS = log 2 + (p log p - (1 + p) log(1 + p)) / 2.
        """
        logits, label, valid = self._known(prediction, truth)
        log_p = _log_likelihood(logits, label)
        p = log_p.exp()
        return masked_mean(math.log(2) + (p * log_p - (1 + p) * p.log1p()) / 2, valid)

    def segpgd(self, prediction: Tensor, truth: Tensor, wrong: float = 0.25) -> Tensor:
        """Mean over valid pixels of cross entropy times 1 - `wrong` where right and `wrong` elsewhere; in nats, (B,).

        SegPGD's loss (arXiv 2207.12391): `masked_ce` at `wrong` 0, half the training loss at 1/2. The paper goes evenly
        from one to the other; 1/4 is the mean of that for many steps.
        """
        logits, label, valid = self._known(prediction, truth)
        right = logits.argmax(dim=1, keepdim=True) == label
        entropy = -_log_likelihood(logits, label)
        return masked_mean(torch.where(right, (1 - wrong) * entropy, wrong * entropy), valid)

    def cospgd(self, prediction: Tensor, truth: Tensor) -> Tensor:
        """Mean over valid pixels of w CE, w = cos(softmax(z), one-hot) = p_y / |p|, a constant; in nats, (B,).

        CosPGD's loss (arXiv 2302.02213): w in [0, 1] fades out where a pixel is wrong and sure of it.
        """
        logits, label, valid = self._known(prediction, truth)
        p = logits.detach().softmax(dim=1)
        weight = p.gather(1, label) / torch.linalg.vector_norm(p, dim=1, keepdim=True)
        return masked_mean(weight * -_log_likelihood(logits, label), valid)

    def _known(self, prediction: Tensor, truth: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, labels (B, 1, ...) and where they are valid; elsewhere both are 0, whatever the model says there."""
        label, valid = truth.long().unsqueeze(1), self.valid(truth)
        return torch.where(valid, prediction, 0), torch.where(valid, label, 0), valid


def _log_likelihood(logits: Tensor, label: Tensor) -> Tensor:
    return F.log_softmax(logits, dim=1).gather(1, label)
