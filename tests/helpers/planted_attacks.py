"""Attacks that are wrong in one way each, whole attacks from outside, as `planted_attacks:NAME`.

Those of `CAUGHT` are caught where they run. Those of `SUBTLE` move no number but their own, and the kit alone tells
them.
"""

from __future__ import annotations

import builtins
import functools
import os
import pickle
import random
import signal
import stat
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


class Honest:
    """One step along the sum of the losses' gradients."""

    version = 1

    def __call__(self, model, batch, threat, noise):
        return self.step(model, batch, threat)

    @staticmethod
    def gradient(model, batch):
        x = batch.x.clone().requires_grad_()
        return torch.autograd.grad(sum(loss.sum() for loss in model.losses(batch.at(x)).values()), x)[0]

    @classmethod
    def step(cls, model, batch, threat):
        return threat.project(batch.x, batch.x + threat.eps * threat.ascend(cls.gradient(model, batch)))


def after(harm):
    """An honest attack that does harm once it is done."""

    class Harmful(Honest):
        def __call__(self, model, batch, threat, noise):
            x = super().__call__(model, batch, threat, noise)
            found = harm(model, batch, threat, x)
            return x if found is None else found

    Harmful.__name__ = Harmful.__qualname__ = harm.__name__
    return Harmful


# What none may do to the images.
@after
def too_far(model, batch, threat, x):
    return (batch.x + 1.01 * (x - batch.x)).clamp(0, 1)


@after
def out_of_range(model, batch, threat, x):
    return batch.x + threat.eps * torch.where(batch.x > 0.5, 1.0, -1.0) * (1 + (batch.x - 0.5).abs())


@after
def not_finite(model, batch, threat, x):
    x[0, 0, 0, 0] = torch.nan


@after
def another_shape(model, batch, threat, x):
    return x[:, :, 1:]


@after
def another_type(model, batch, threat, x):
    return x.double()


@after
def numpy(model, batch, threat, x):
    return x.numpy()


@after
def more_images(model, batch, threat, x):
    return torch.cat([x, x])


class Flatterer(Tensor):
    """Answers every comparison as it likes best."""

    @classmethod
    def __torch_function__(cls, function, types, arguments=(), named=None):
        return torch.tensor(True)


@after
def lying_tensor(model, batch, threat, x):
    return torch.zeros_like(x).as_subclass(Flatterer)


@after
def moves_the_goal(model, batch, threat, x):
    object.__setattr__(threat, "eps", 1.0)
    return 1 - batch.x


@after
def moves_the_images(model, batch, threat, x):
    batch.x.copy_(1 - batch.x)
    return batch.x


# What none may do to the model.
@after
def leaves_hook(model, batch, threat, x):
    model.register_forward_hook(lambda m, i, out: {k: v * 0 for k, v in out.items()})


@after
def leaves_backward_hook(model, batch, threat, x):
    next(model.net.children()).register_full_backward_hook(lambda m, i, o: None)


@after
def changes_weights(model, batch, threat, x):
    with torch.no_grad():
        next(model.parameters()).mul_(0.5)


@after
def changes_weights_unseen(model, batch, threat, x):
    next(model.parameters()).detach().numpy()[:] *= 0.5


@after
def changes_buffers(model, batch, threat, x):
    next(model.buffers()).add_(1)


@after
def trains(model, batch, threat, x):
    model.train()


@after
def patches_its_forward(model, batch, threat, x):
    model.net.forward = lambda images: {}


@after
def patches_the_class(model, batch, threat, x):
    type(model.net).forward = lambda self, images: {}


# What none may do to what all code shares.
@after
def patches_loss(model, batch, threat, x):
    F.cross_entropy = lambda logits, labels, **settings: logits.sum(1) * 0


@after
def patches_in_disguise(model, batch, threat, x):
    F.l1_loss = functools.wraps(F.l1_loss)(lambda *given, **settings: 0)


@after
def swaps_code(model, batch, threat, x):
    def nothing(*given, **settings):
        return 0

    F.cross_entropy.__code__ = nothing.__code__


@after
def patches_tensor(model, batch, threat, x):
    Tensor.isfinite = lambda self: torch.ones_like(self, dtype=torch.bool)


@after
def patches_builtins(model, batch, threat, x):
    builtins.sum = lambda values, start=0: start


@after
def patches_numpy(model, batch, threat, x):
    np.mean = lambda *given, **settings: 0.0


@after
def patches_the_check(model, batch, threat, x):
    harness = sys.modules["mtrbench.benchmark.harness"]
    harness.verified = lambda found, *more: found


@after
def patches_the_budget(model, batch, threat, x):
    type(threat).distance = lambda self, clean, found: torch.zeros(len(clean))


@after
def patches_the_score(model, batch, threat, x):
    type(next(iter(model.tasks.values()))).statistics = lambda self, prediction, truth: torch.ones(len(truth), 9)


@after
def global_hook(model, batch, threat, x):
    torch.nn.modules.module.register_module_forward_hook(lambda m, i, out: None)


@after
def default_type(model, batch, threat, x):
    torch.set_default_dtype(torch.float64)


@after
def threads(model, batch, threat, x):
    torch.set_num_threads(3)


@after
def no_gradients(model, batch, threat, x):
    torch.set_grad_enabled(False)


@after
def autocast(model, batch, threat, x):
    torch.set_autocast_enabled("cpu", True)


@after
def deterministic(model, batch, threat, x):
    torch.use_deterministic_algorithms(True)


@after
def precision(model, batch, threat, x):
    torch.set_float32_matmul_precision("medium")


@after
def errors(model, batch, threat, x):
    np.seterr(all="raise")


# What none may do to the process.
@after
def exits(model, batch, threat, x):
    sys.exit(0)


@after
def ends_the_process(model, batch, threat, x):
    os._exit(0)


@after
def crashes(model, batch, threat, x):
    os.kill(os.getpid(), signal.SIGABRT)


@after
def is_killed(model, batch, threat, x):
    os.kill(os.getpid(), signal.SIGKILL)


@after
def raises(model, batch, threat, x):
    raise LookupError("nothing\nthere")


@after
def interrupts(model, batch, threat, x):
    raise KeyboardInterrupt


@after
def forever(model, batch, threat, x):
    time.sleep(600)


@after
def closes(model, batch, threat, x):
    os.closerange(3, 200)
    time.sleep(600)


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("bombed",)


@after
def talks_for_itself(model, batch, threat, x):
    """Writes a pickle into every socket that it finds."""
    content = pickle.dumps(Bomb())
    for place in range(3, 100):
        try:
            if stat.S_ISSOCK(os.fstat(place).st_mode):
                os.write(place, len(content).to_bytes(4, "big") + content)
        except OSError:
            continue


# What none may make of a sample.
class RemembersLast(Honest):
    """Gives the change of the sample before."""

    last = None

    def __call__(self, model, batch, threat, noise):
        x = super().__call__(model, batch, threat, noise)
        before, self.last = self.last, x - batch.x
        return x if before is None or before.shape != x.shape else threat.project(batch.x, batch.x + before)


class WearsOut(Honest):
    """Gives half of its change at every call."""

    share = 1.0

    def __call__(self, model, batch, threat, noise):
        x = super().__call__(model, batch, threat, noise)
        self.share /= 2
        return batch.x + 2 * self.share * (x - batch.x)


class Mixes(Honest):
    """Gives all samples one change."""

    def __call__(self, model, batch, threat, noise):
        gradient = self.gradient(model, batch).mean(dim=0, keepdim=True).expand_as(batch.x)
        return threat.project(batch.x, batch.x + threat.eps * threat.ascend(gradient))


@after
def first_alone(model, batch, threat, x):
    x[1:] = batch.x[1:]


@after
def shuffles(model, batch, threat, x):
    return threat.project(batch.x, batch.x + (x - batch.x).flip(0))


class DrawsFromTorch(Honest):
    def __call__(self, model, batch, threat, noise):
        return threat.project(batch.x, batch.x + threat.eps * torch.randn(batch.x.shape).sign())


class DrawsFromNumpy(Honest):
    def __call__(self, model, batch, threat, noise):
        draws = torch.from_numpy(np.random.randn(*batch.x.shape)).float()  # noqa: NPY002
        return threat.project(batch.x, batch.x + threat.eps * draws.sign())


class DrawsFromPython(Honest):
    def __call__(self, model, batch, threat, noise):
        x = super().__call__(model, batch, threat, noise)
        return batch.x + random.choice([-1, 1]) * (x - batch.x) if random.random() < 0.9 else batch.x  # noqa: S311


class DrawsByTheClock(Honest):
    def __call__(self, model, batch, threat, noise):
        generator = torch.Generator().manual_seed(time.perf_counter_ns())
        signs = torch.randn(batch.x.shape, generator=generator).sign()
        return threat.project(batch.x, batch.x + threat.eps * signs)


class TellsTheKit(Honest):
    """Behaves as long as there are as few samples as the kit has."""

    def __call__(self, model, batch, threat, noise):
        x = super().__call__(model, batch, threat, noise)
        return x if len(x) < 16 else threat.project(batch.x, batch.x + (x - batch.x).roll(1, 0))


# Only the kit tells these.
class SlightlyWearsOut(Honest):
    share = 1.0

    def __call__(self, model, batch, threat, noise):
        x = super().__call__(model, batch, threat, noise)
        self.share *= 0.999
        return batch.x + self.share * (x - batch.x)


class SlightlyRandom(Honest):
    def __call__(self, model, batch, threat, noise):
        x = super().__call__(model, batch, threat, noise)
        return batch.x + (1 - 1e-3 * torch.rand(()).item()) * (x - batch.x)


@after
def reseeds(model, batch, threat, x):
    torch.manual_seed(0)


@after
def freezes(model, batch, threat, x):
    model.requires_grad_(False)


@after
def leaves_gradients(model, batch, threat, x):
    parameter = next(model.parameters())
    parameter.grad = torch.zeros_like(parameter)


@after
def half_hearted(model, batch, threat, x):
    return batch.x + 0.5 * (x - batch.x)


class Backwards(Honest):
    def __call__(self, model, batch, threat, noise):
        x = super().__call__(model, batch, threat, noise)
        return threat.project(batch.x, 2 * batch.x - x)


SUBTLE = (SlightlyWearsOut, SlightlyRandom, reseeds, freezes, leaves_gradients, half_hearted, Backwards)
CAUGHT = {
    too_far: "exceeds the budget",
    out_of_range: "",  # leaves the range or the budget
    not_finite: "is not finite",
    another_shape: "the attack returned",
    another_type: "torch.float64",
    numpy: "the attack returned ndarray",
    more_images: "the attack returned",
    lying_tensor: "exceeds the budget",
    moves_the_goal: "exceeds the budget",
    moves_the_images: "exceeds the budget",
    leaves_hook: "hooks",
    leaves_backward_hook: "hooks",
    changes_weights: "changed the model's weights",
    changes_weights_unseen: "changed the model's weights",
    changes_buffers: "changed the model's weights, buffers",
    trains: "mode",
    patches_its_forward: "code",
    patches_the_class: "code",
    patches_loss: "changed torch.nn.functional.cross_entropy",
    patches_in_disguise: "changed torch.nn.functional.l1_loss",
    swaps_code: "changed torch.nn.functional.cross_entropy",
    patches_tensor: "changed Tensor.isfinite",
    patches_builtins: "changed builtins.sum",
    patches_numpy: "changed numpy.mean",
    patches_the_check: "changed mtrbench.benchmark.harness.verified",
    patches_the_budget: "ThreatModel.distance",
    patches_the_score: ".statistics",
    global_hook: "the hooks on all modules",
    default_type: "torch's default dtype",
    threads: "torch's number of threads",
    no_gradients: "whether torch keeps gradients",
    autocast: "torch's autocast",
    deterministic: "torch's deterministic mode",
    precision: "torch's precision of products",
    errors: "numpy's handling of errors",
    exits: "calls exit(0)",
    ends_the_process: "with exit code 0",
    crashes: "killed by SIGABRT",
    is_killed: "killed by SIGKILL",
    raises: "LookupError: nothing there",
    interrupts: "KeyboardInterrupt",
    forever: "no answer within",
    closes: "closed its connection",
    talks_for_itself: "something that is no answer",
    RemembersLast: "another image of sample",
    WearsOut: "another image of sample",
    Mixes: "another image of sample",
    first_alone: "another image of sample",
    shuffles: "another image of sample",
    DrawsFromTorch: "another image of sample",
    DrawsFromNumpy: "another image of sample",
    DrawsFromPython: "another image of sample",
    DrawsByTheClock: "another image of sample",
    TellsTheKit: "another image of sample",
}
"""By those that are caught where they run, what they are told by."""
