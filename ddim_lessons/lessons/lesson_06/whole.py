"""The whole thing to write in lesson 06: the training loop. A network that takes notes tells what a loop does.

The notes do not depend on what was drawn: from the gradient of the loss follows what the network's answer was compared
with, and from that and x_t whether a point of the data was noised rightly.
"""

import numpy as np
import torch
from torch import nn

from ...schedules import alpha_bar_from_beta, linear_beta
from ...teaching.exercises import Exercise


class NotingNetwork(nn.Module):
    """A network that answers the same everywhere and notes what it is asked, and what the optimizer finds.

    As an array it is (what is wrong first, steps asked for): 0, or the place of a mistake in ``HINTS``, from 1.
    """

    def __init__(self, data, alpha_bar, steps, batch):
        super().__init__()
        self.task = data, alpha_bar, steps, batch
        self.answer = nn.Parameter(torch.linspace(-0.2, 0.3, data.shape[1]))
        self.asked, self.gradients, self.steps = [], [], []

    def forward(self, x, t):
        """Return the same answer for each row of ``x``, and note both arguments and the gradient that comes back."""
        self.asked.append((torch.as_tensor(x).detach().clone(), torch.as_tensor(t).clone(), self.training))
        k = len(self.gradients)
        self.gradients.append(None)
        out = self.answer.expand(len(x), -1) + 0
        if out.requires_grad:
            out.register_hook(lambda gradient: self.gradients.__setitem__(k, gradient))
        return out

    def __array__(self, dtype=None, copy=None):
        return np.array([["", *HINTS].index(first_wrong(self)), self.task[2]], dtype=dtype)


class NotingOptimizer:
    """Gradient descent that notes at each step, in the network, the answer before it and its gradient."""

    def __init__(self, network, lr=1e-3):
        self.network, self.lr = network, lr

    def zero_grad(self):
        self.network.answer.grad = None

    def step(self):
        answer = self.network.answer
        gradient = None if answer.grad is None else answer.grad.clone()
        self.network.steps.append((answer.detach().clone(), gradient, (self.network.gradients or [None])[-1]))
        if gradient is not None:
            answer.data -= self.lr * gradient


# --- what is wrong first -------------------------------------------------------------------------------------------


def first_wrong(network):
    """Return the name of the first mistake that a network's notes show, in the order of ``HINTS``; "" if none."""
    data, alpha_bar, steps, batch = network.task
    if not network.steps:
        return "the optimizer never takes a step"
    return (
        wrong_calls(network.asked, data, len(alpha_bar) - 1)
        or wrong_steps(network.steps, network.gradients)
        or wrong_counts(network, steps, batch)
        or wrong_times([t for _, t, _ in network.asked])
        or wrong_pairs(network, data, alpha_bar)
    )


def wrong_calls(asked, data, T):
    """Mistakes in how the network is called."""
    if any(t.ndim == 2 and t.shape[1] == data.shape[1] for _, t, _ in asked):
        return "x_t and t have changed places in the call of the network"
    if any(t.is_floating_point() for _, t, _ in asked):
        return "the network is told no whole number for t"
    return "" if all(training for *_, training in asked) else "the network is in evaluation mode"


def wrong_steps(steps, gradients):
    """Mistakes in the order of gradient and step."""
    if all(gradient is None for gradient in gradients):
        return "no gradient is computed"
    if any(last is None for *_, last in steps):
        return "the step comes before the gradient"
    if any(found is None or not found.any() for _, found, _ in steps):
        return "the gradient is thrown away before the step"
    alone = [torch.allclose(found, last.sum(dim=0), atol=1e-6) for _, found, last in steps]
    return "" if all(alone) else "the gradients of all steps add up"


def wrong_counts(network, steps, batch):
    """Mistakes in how many steps and points there are."""
    if not len(network.steps) == len(network.asked) == steps:
        return "your loop does not take `steps` steps"
    return "" if all(len(x) == batch for x, *_ in network.asked) else "a step does not have `batch` points"


def wrong_times(times):
    """Mistakes in the drawing of t, its ends left aside."""
    if all(len(t.unique()) == 1 for t in times):
        return "one t serves the whole batch"
    return "t is drawn once, not in every step" if repeated(times) else ""


def wrong_pairs(network, data, alpha_bar):
    """Mistakes in x_t, in what the loss compares with, in the ends of t, and in the draws of noise and points."""
    x, t = (torch.cat([call[k] for call in network.asked]) for k in (0, 1))
    t, batch = t.reshape(-1, 1), len(network.asked[0][0])
    answers = torch.cat([answer.expand(batch, -1) for answer, *_ in network.steps])
    for wrong, noise, points in explanations(x, t, answers, torch.cat(network.gradients), alpha_bar, batch):
        if torch.cdist(points.double(), data.double()).amin(dim=1).amax() < 1e-3:
            return wrong or wrong_ends(t, len(alpha_bar) - 1) or wrong_draws(noise.split(batch), points.split(batch))
    return "the loss does not compare with the noise that is in x_t"


def explanations(x, t, answers, gradients, alpha_bar, batch):
    """Yield (mistake or "", the noise that the loss compared with, what then were the points of the data)."""
    level, before, after = (alpha_bar[(t + k).clamp(0, len(alpha_bar) - 1)] for k in (0, -1, 1))
    target = answers - gradients * batch * x.shape[1] / 2  # what a mean square was compared with

    def clean(noise, a):
        return (x - (1 - a) ** 0.5 * noise) / a**0.5

    yield "", target, clean(target, level)
    yield "the network is told t − 1", target, clean(target, after)
    yield "x_t is made with ᾱ[t − 1]", target, clean(target, before)
    yield "the roots are missing in x_t", target, (x - (1 - level) * target) / level
    yield "in x_t the two factors have changed places", target, (x - level**0.5 * target) / (1 - level) ** 0.5
    yield "the loss compares with x_0", target, target
    yield "the network sees x_0, not x_t", target, x
    for count in (1, batch, x.shape[1]):  # a sum over all, over coordinates, over points
        noise = answers - gradients * count / 2
        yield "the loss is a sum, not a mean", noise, clean(noise, level)


def wrong_ends(t, T):
    """Mistakes in the ends of the times."""
    if t.min() < 1:
        return "your times begin at 0"
    return "" if t.max() == T else "the last time, T, is never drawn"


def wrong_draws(noise, points):
    """Mistakes in the draws, one part for each step."""
    if all(part.min() >= 0 and part.max() <= 1 for part in noise):
        return "the noise is uniform, not normal"
    if any(torch.allclose(part, part[:1], atol=1e-4) for part in noise):
        return "one noise serves the whole batch"
    if repeated(noise):
        return "the noise is drawn once, not in every step"
    return "every step has the same points" if repeated(points) else ""


def repeated(parts):
    """Whether all parts are like the first one."""
    return all(part.shape == parts[0].shape and torch.allclose(part, parts[0], atol=1e-4) for part in parts)


# --- the exercise --------------------------------------------------------------------------------------------------

HINTS = {  # in the order in which the mistakes are looked for
    "the optimizer never takes a step": "a gradient alone changes no weight.",
    "x_t and t have changed places in the call of the network": "it is model(x_t, t).",
    "the network is told no whole number for t": "index is time: t is one of 1 … T.",
    "the network is in evaluation mode": "model.eval() is for sampling; some layers do other things in it.",
    "no gradient is computed": "the loss is a number that knows how it was made: send it backward.",
    "the step comes before the gradient": "the optimizer follows the gradient that it finds.",
    "the gradient is thrown away before the step": "zero_grad() belongs before backward(), or after the step.",
    "the gradients of all steps add up": "backward() adds to what is there: begin each step at zero.",
    "your loop does not take `steps` steps": "count the rounds.",
    "a step does not have `batch` points": "draw as many whole numbers below len(data) as the batch has points.",
    "one t serves the whole batch": "each point has a time of its own.",
    "t is drawn once, not in every step": "a network that sees few times learns few times.",
    "the network is told t − 1": "it must be told the time of the x_t that it sees.",
    "x_t is made with ᾱ[t − 1]": "index is time: entry t of ᾱ belongs to time t.",
    "the roots are missing in x_t": "ᾱ and 1−ᾱ are variances.",
    "in x_t the two factors have changed places": "ᾱ near 1 is nearly clean.",
    "the loss compares with x_0": "in (6.1) the network guesses the noise.",
    "the network sees x_0, not x_t": "in clean data there is no noise to guess.",
    "the loss is a sum, not a mean": "take the mean over points and coordinates: a sum grows with their number.",
    "your times begin at 0": "at t = 0 there is no noise to guess: training needs t = 1 … T.",
    "the last time, T, is never drawn": "torch.randint leaves its upper end out, and every sampler begins at T.",
    "the noise is uniform, not normal": "one letter: rand is uniform, randn normal.",
    "one noise serves the whole batch": "each point has a noise of its own.",
    "the noise is drawn once, not in every step": "a network can learn one noise by heart.",
    "every step has the same points": "draw inside the loop.",
    "the loss does not compare with the noise that is in x_t": "draw one noise, use it twice, take a mean square.",
}


def case(seed, points, dim, T, steps, batch):
    """Return arguments of a training loop: ``points`` points in ``dim`` dimensions, T times."""
    data = torch.randn(points, dim, generator=torch.Generator().manual_seed(seed))
    alpha_bar = torch.tensor(alpha_bar_from_beta(linear_beta(T, 0.1, 0.3)), dtype=torch.float32)
    model = NotingNetwork(data, alpha_bar, steps, batch)
    return model, NotingOptimizer(model), data, alpha_bar, steps, batch


def notes(k):
    """Return the function from a case to what a network's notes must be if mistake k, or none, was made."""
    return lambda model, optimizer, data, alpha_bar, steps, batch: np.array([k, steps])


TRAINING_LOOP = Exercise(
    notes(0),
    [case(0, 60, 2, 4, 6, 40), case(1, 45, 2, 9, 8, 40), case(2, 80, 3, 6, 5, 47)],
    [(name, notes(k), hint) for k, (name, hint) in enumerate(HINTS.items(), 1)],
)
