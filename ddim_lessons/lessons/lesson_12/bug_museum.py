"""The bug museum: eight samplers with one bug each, as seen in public code, rewritten here; and one that is right.

All have the arguments ``(x, eps_fn, alpha_bar, S, rng)``: points (n, d), the denoiser ``(x, t) -> ε̂``, ᾱ of length
T + 1, the number of steps, a NumPy generator. Each runs without an error. The last one is an *encoder*: it walks from
the data to noise. Do not copy from this file.
"""

from itertools import pairwise

from ...ddim import ddim_sample, invert_path, invert_step, move, predict_x0, variance
from ...schedules import horizon, make_tau


def right_sampler(x, eps_fn, alpha_bar, S, rng, eta=0.0):
    """What the exhibits should be: :func:`ddim_lessons.ddim.ddim_sample` on a linear grid."""
    return ddim_sample(x, eps_fn, alpha_bar, make_tau(horizon(alpha_bar), S), eta, rng)


def right_encoder(x, eps_fn, alpha_bar, S, rng):
    """What the last exhibit should be: the end of :func:`ddim_lessons.ddim.invert_path`."""
    for moment in invert_path(x, eps_fn, alpha_bar, make_tau(horizon(alpha_bar), S)):
        last = moment
    return last.x


def negative_index(x, eps_fn, alpha_bar, S, rng):
    """The last earlier time is −1, and an array's entry −1 is its last one: the noisiest level of all."""
    T = len(alpha_bar) - 1
    gap = T // S
    for i in range(S):
        t = T - 1 - i * gap
        eps_hat = eps_fn(x, t)
        x = move(predict_x0(x, eps_hat, alpha_bar[t]), eps_hat, alpha_bar[t - gap])
    return x


def noise_at_the_end(x, eps_fn, alpha_bar, S, rng):
    """``if t > 0`` is always true, as t is the time *from* which a step starts: the last step adds noise, too."""
    for t, t_prev in pairwise(make_tau(len(alpha_bar) - 1, S)):
        a_t, a_prev = alpha_bar[t], alpha_bar[t_prev]
        eps_hat = eps_fn(x, t)
        x = move(predict_x0(x, eps_hat, a_t), eps_hat, a_prev, variance(a_t, a_prev, 1.0))
        if t > 0:
            x = x + (1 - a_t / a_prev) ** 0.5 * rng.standard_normal(x.shape)
    return x


def clamped_variance(x, eps_fn, alpha_bar, S, rng):
    """σ stands where σ² belongs; the root would be imaginary on some steps, and a clamp hides it."""
    for t, t_prev in pairwise(make_tau(len(alpha_bar) - 1, S)):
        a_t, a_prev = alpha_bar[t], alpha_bar[t_prev]
        eps_hat = eps_fn(x, t)
        sigma = variance(a_t, a_prev, 1.0) ** 0.5
        direction = max(1 - a_prev - sigma, 0.0) ** 0.5 * eps_hat
        x = a_prev**0.5 * predict_x0(x, eps_hat, a_t) + direction + sigma * rng.standard_normal(x.shape)
    return x


def late_start(x, eps_fn, alpha_bar, S, rng):
    """The number of times, 100, was left in from a shorter schedule: pure noise is taken for x_100."""
    for t, t_prev in pairwise(make_tau(100, S)):
        eps_hat = eps_fn(x, t)
        x = move(predict_x0(x, eps_hat, alpha_bar[t]), eps_hat, alpha_bar[t_prev])
    return x


def told_the_next_time(x, eps_fn, alpha_bar, S, rng):
    """Off by one: the denoiser is told the time that the step goes to, not the one where the point is."""
    for t, t_prev in pairwise(make_tau(len(alpha_bar) - 1, S)):
        eps_hat = eps_fn(x, t_prev)
        x = move(predict_x0(x, eps_hat, alpha_bar[t]), eps_hat, alpha_bar[t_prev])
    return x


def never_arrives(x, eps_fn, alpha_bar, S, rng):
    """The list of noise levels starts at the first visited time, not at the data: the last jump is missing."""
    times = make_tau(len(alpha_bar) - 1, S)[:-1]
    for t, t_prev in pairwise((*times, times[-1])):
        eps_hat = eps_fn(x, t)
        x = move(predict_x0(x, eps_hat, alpha_bar[t]), eps_hat, alpha_bar[t_prev])
    return x


def wrong_count(x, eps_fn, alpha_bar, S, rng):
    """A range with the stride ⌊T/S⌋ holds S times only if S divides T; and it starts below T."""
    T = len(alpha_bar) - 1
    times = list(range(1, T + 1, T // S))[::-1]
    for t, t_prev in pairwise([*times, 0]):
        eps_hat = eps_fn(x, t)
        x = move(predict_x0(x, eps_hat, alpha_bar[t]), eps_hat, alpha_bar[t_prev])
    return x


def encodes_ahead(x, eps_fn, alpha_bar, S, rng):
    """An encoder that asks about the point at hand, but at the time where it goes: not the step read backwards."""
    for t_prev, t in pairwise(make_tau(len(alpha_bar) - 1, S)[::-1]):
        x = invert_step(x, eps_fn(x, t), alpha_bar, t_prev, t)
    return x


EXHIBITS = {  # the letters are in no order, so that a letter gives nothing away
    "A": clamped_variance,
    "B": late_start,
    "C": wrong_count,
    "D": never_arrives,
    "E": negative_index,
    "F": encodes_ahead,
    "G": noise_at_the_end,
    "H": told_the_next_time,
}
