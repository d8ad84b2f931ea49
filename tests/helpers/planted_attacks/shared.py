"""Attacks that change what all code of a process shares."""

from __future__ import annotations

import builtins
import functools
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .honest import after


@after("changed torch.nn.functional.cross_entropy")
def patches_loss(model, batch, threat, x):
    F.cross_entropy = lambda logits, labels, **settings: logits.sum(1) * 0


@after("changed torch.nn.functional.l1_loss")
def patches_in_disguise(model, batch, threat, x):
    F.l1_loss = functools.wraps(F.l1_loss)(lambda *given, **settings: 0)


@after("changed torch.nn.functional.cross_entropy")
def swaps_code(model, batch, threat, x):
    def nothing(*given, **settings):
        return 0

    F.cross_entropy.__code__ = nothing.__code__


@after("changed Tensor.isfinite")
def patches_tensor(model, batch, threat, x):
    Tensor.isfinite = lambda self: torch.ones_like(self, dtype=torch.bool)


@after("changed builtins.sum")
def patches_builtins(model, batch, threat, x):
    builtins.sum = lambda values, start=0: start


@after("changed numpy.mean")
def patches_numpy(model, batch, threat, x):
    np.mean = lambda *given, **settings: 0.0


@after("changed mtrbench.benchmark.harness.verified")
def patches_the_check(model, batch, threat, x):
    harness = sys.modules["mtrbench.benchmark.harness"]
    harness.verified = lambda found, *more: found


@after("ThreatModel.distance")
def patches_the_budget(model, batch, threat, x):
    type(threat).distance = lambda self, clean, found: torch.zeros(len(clean))


@after(".statistics")
def patches_the_score(model, batch, threat, x):
    type(next(iter(model.tasks.values()))).statistics = lambda self, prediction, truth: torch.ones(len(truth), 9)


@after("the hooks on all modules")
def global_hook(model, batch, threat, x):
    torch.nn.modules.module.register_module_forward_hook(lambda m, i, out: None)


@after("torch's default dtype")
def default_type(model, batch, threat, x):
    torch.set_default_dtype(torch.float64)


@after("torch's number of threads")
def threads(model, batch, threat, x):
    torch.set_num_threads(3)


@after("whether torch keeps gradients")
def no_gradients(model, batch, threat, x):
    torch.set_grad_enabled(False)


@after("torch's autocast")
def autocast(model, batch, threat, x):
    torch.set_autocast_enabled("cpu", True)


@after("torch's deterministic mode")
def deterministic(model, batch, threat, x):
    torch.use_deterministic_algorithms(True)


@after("torch's precision of products")
def precision(model, batch, threat, x):
    torch.set_float32_matmul_precision("medium")


@after("numpy's handling of errors")
def errors(model, batch, threat, x):
    np.seterr(all="raise")
