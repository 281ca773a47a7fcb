"""Exercises of lesson 02: the posterior mean, two independent noises, the jump, and two planted bugs."""

import numpy as np

from ...gaussians import exact_eps
from ...schedules import alpha_bar_from_beta, linear_beta
from ...teaching.exercises import Exercise, Mistake


def _posterior_mean(of_x_0, of_x_t):
    """Build a formula (x_t, x_0, ᾱ_t, ᾱ_{t−1}) -> number from the two weights' numerators, both over 1 − ᾱ_t."""

    def formula(x_t, x_0, alpha_bar_t, alpha_bar_prev):
        alpha = alpha_bar_t / alpha_bar_prev
        weights = of_x_0(alpha, alpha_bar_t, alpha_bar_prev), of_x_t(alpha, alpha_bar_t, alpha_bar_prev)
        return (weights[0] * x_0 + weights[1] * x_t) / (1 - alpha_bar_t)

    return formula


def _of_x_0(alpha, _, prev):
    return prev**0.5 * (1 - alpha)


def _of_x_t(alpha, _, prev):
    return alpha**0.5 * (1 - prev)


def _std_of_end(slopes, sigmas, add=np.hypot):
    """The standard deviation after x ← a x + b + σ z again and again; ``add`` joins two standard deviations."""
    std = 0.0
    for a, sigma in zip(slopes, sigmas, strict=True):
        std = add(a * std, sigma)
    return float(std)


def _jump(alpha_bar_t, alpha_bar_s, alpha=None, x_power=-0.5, eps_power=-0.5, noise_power=0.5, sigma=None, sign=1):
    """The three numbers of a jump, with the places that go wrong as arguments."""
    alpha = alpha_bar_t / alpha_bar_s if alpha is None else alpha
    of_eps = sign * (1 - alpha) / (1 - alpha_bar_t) ** noise_power * alpha**eps_power
    posterior = ((1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha)) ** 0.5
    return np.array([alpha**x_power, of_eps, posterior if sigma is None else sigma])


def _chain(x_T, z, alpha_bar, var_0, noisy=lambda t, T: t > 1, sign=-1, root=0.5, shift=0, smaller=False, bar=False):
    """DDPM with noise β_t for data N(0, var_0), with the places that go wrong as arguments."""
    x, T = x_T, len(alpha_bar) - 1
    for t in range(T, 0, -1):
        alpha = alpha_bar[t] / alpha_bar[t - 1]
        eps_hat = exact_eps(x, 0.0, var_0, alpha_bar[max(t - shift, 1)])
        scale = alpha_bar[t] if bar else alpha
        x = (x + sign * (1 - scale) / (1 - alpha_bar[t]) ** 0.5 * eps_hat) / scale**0.5
        var = (1 - alpha) * ((1 - alpha_bar[t - 1]) / (1 - alpha_bar[t]) if smaller else 1)
        x = x + noisy(t, T) * var**root * z[t]
    return x


_SHORT = alpha_bar_from_beta(linear_beta(T=6, first=0.1, last=0.4))
_Z = np.array([0.0, 1.3, -0.4, 0.9, 0.5, -1.1, 0.7])
_LEVELS = np.array([0.95, 0.8, 0.55, 0.2])  # ᾱ_1 … ᾱ_4

EXERCISES = {
    "2.1": Exercise(
        truth=_posterior_mean(_of_x_0, _of_x_t),
        cases=[(0.7, -1.2, 0.5, 0.65), (-0.3, 0.8, 0.2, 0.3)],
        mistakes=[
            Mistake(
                "you wrote √ᾱ_t for √α_t in front of x_t",
                _posterior_mean(_of_x_0, lambda alpha, now, prev: now**0.5 * (1 - prev)),
                "x_t speaks about x_{t−1} through one step, and one step scales by √α_t.",
            ),
            Mistake(
                "you forgot the root of α_t",
                _posterior_mean(_of_x_0, lambda alpha, now, prev: alpha * (1 - prev)),
                "means scale with the root, variances with α_t itself.",
            ),
            Mistake(
                "you forgot the root of ᾱ_{t−1}",
                _posterior_mean(lambda alpha, now, prev: prev * (1 - alpha), _of_x_t),
                "the mean of x_{t−1} given x_0 is √ᾱ_{t−1} x_0.",
            ),
            Mistake(
                "you wrote √ᾱ_t for √ᾱ_{t−1} in front of x_0",
                _posterior_mean(lambda alpha, now, prev: now**0.5 * (1 - alpha), _of_x_t),
                "the question is about x at time t−1: what does x_0 say about that time?",
            ),
            Mistake(
                "you exchanged the two weights",
                lambda x_t, x_0, now, prev: _posterior_mean(_of_x_0, _of_x_t)(x_0, x_t, now, prev),
                "when β_t is tiny, x_{t−1} is nearly x_t: which weight must then be near 1?",
            ),
            Mistake(
                "you wrote β_t for 1 − ᾱ_{t−1} in front of x_t",
                _posterior_mean(_of_x_0, lambda alpha, now, prev: alpha**0.5 * (1 - alpha)),
                "each voice is weighted by the variance of the other one.",
            ),
        ],
    ),
    "2.2": Exercise(
        truth=lambda ab, t: 1.0 if t == 1 else ab[t - 2],
        cases=[(_LEVELS, t) for t in (1, 2, 3, 4)],
        mistakes=[
            Mistake(
                "at t = 1 your index is −1, and Python reads the last entry, the noisiest level",
                lambda ab, t: ab[t - 2],
                "ᾱ_0 is not in this array; what is its value?",
            ),
            Mistake(
                "you returned the level of time t itself",
                lambda ab, t: ab[t - 1],
                "entry 0 of this array belongs to time 1.",
            ),
            Mistake(
                "at t = 1 you stop at ᾱ_1, so the sample never reaches the data",
                lambda ab, t: ab[max(t - 2, 0)],
                "the last step goes to time 0, where nothing of the noise is left.",
            ),
            Mistake(
                "at t = 1 you say that no signal is left",
                lambda ab, t: 0.0 if t == 1 else ab[t - 2],
                "ᾱ is the share of signal, and time 0 is the data.",
            ),
        ],
    ),
    "2.3": Exercise(
        truth=_std_of_end,
        cases=[(np.array([0.9, 0.5]), np.array([0.3, 0.2])), (np.array([1.1, 0.7, 0.4]), np.array([0.2, 0.8, 0.1]))],
        mistakes=[
            Mistake(
                "you added standard deviations, as if every step drew the same z",
                lambda slopes, sigmas: _std_of_end(slopes, sigmas, add=lambda std, sigma: std + sigma),
                "for independent noises it is the variances that add.",
            ),
            Mistake(
                "you gave the variance",
                lambda slopes, sigmas: _std_of_end(slopes, sigmas) ** 2,
                "the question asks for the standard deviation.",
            ),
            Mistake(
                "you left out the slopes",
                lambda slopes, sigmas: _std_of_end(np.ones_like(slopes), sigmas),
                "earlier noise is part of x, and every later step scales x.",
            ),
            Mistake(
                "you did not square the slopes",
                lambda slopes, sigmas: _std_of_end(slopes**0.5, sigmas),
                "scaling a variable by a scales its variance by a².",
            ),
            Mistake(
                "you scaled each noise by its own step's slope too",
                lambda slopes, sigmas: _std_of_end(slopes, slopes * sigmas),
                "in a step the noise is added after the scaling.",
            ),
            Mistake(
                "you walked from the last step to the first",
                lambda slopes, sigmas: _std_of_end(slopes[::-1], sigmas[::-1]),
                "the noise that is drawn first is scaled most often.",
            ),
        ],
    ),
    "2.4": Exercise(
        truth=_chain,
        cases=[(0.8, _Z, _SHORT, 0.04), (-1.5, _Z[::-1].copy(), _SHORT, 0.5)],
        mistakes=[
            Mistake(
                "noise is still added in the last step",
                lambda *case: _chain(*case, noisy=lambda t, T: True),
                "in this loop t is never 0. In which round does x become x_0?",
            ),
            Mistake(
                "noise is added in no step",
                lambda *case: _chain(*case, noisy=lambda t, T: False),
                "only one step must stay without noise.",
            ),
            Mistake(
                "you left out the noise of the first step, not of the last",
                lambda *case: _chain(*case, noisy=lambda t, T: t < T),
                "the loop counts down.",
            ),
            Mistake(
                "the last two steps are without noise",
                lambda *case: _chain(*case, noisy=lambda t, T: t > 2),
                "x becomes x_0 in one round only.",
            ),
            Mistake(
                "you changed the variance to β̃_t",
                lambda *case: _chain(*case, smaller=True),
                "that also ends without noise, but the task keeps σ² = β_t: mend the condition.",
            ),
            Mistake(
                "z is multiplied by the variance",
                lambda *case: _chain(*case, root=1),
                "variance first, root last.",
            ),
            Mistake(
                "ε̂ is added, not subtracted",
                lambda *case: _chain(*case, sign=1),
                "denoising takes the predicted noise away.",
            ),
            Mistake(
                "ε̂ is asked for at time t−1",
                lambda *case: _chain(*case, shift=1),
                "x is still at time t when the network is called.",
            ),
            Mistake(
                "ᾱ_t stands where α_t belongs",
                lambda *case: _chain(*case, bar=True),
                "one step keeps α_t = ᾱ_t/ᾱ_{t−1} of the signal.",
            ),
        ],
    ),
    "2.5": Exercise(
        truth=lambda now, s: _jump(now, s),
        cases=[(0.2, 0.6), (0.45, 0.9)],
        mistakes=[
            Mistake(
                "you took ᾱ_t for the signal that the jump keeps",
                lambda now, s: _jump(now, s, alpha=now),
                "from time s to time t the signal shrinks by a quotient of two ᾱ.",
            ),
            Mistake(
                "your third number is a variance",
                lambda now, s: _jump(now, s, sigma=(1 - s) / (1 - now) * (1 - now / s)),
                "z is multiplied by a standard deviation.",
            ),
            Mistake(
                "your noise is β of the jump, not the posterior's β̃",
                lambda now, s: _jump(now, s, sigma=(1 - now / s) ** 0.5),
                "knowing x_0 narrows what is possible for x_s: there is one more factor below 1.",
            ),
            Mistake(
                "the factor in front of ε̂ is not divided by the root of the jump's α",
                lambda now, s: _jump(now, s, eps_power=0),
                "the whole bracket is divided by it.",
            ),
            Mistake(
                "you forgot the root of 1 − ᾱ_t",
                lambda now, s: _jump(now, s, noise_power=1),
                "ε̂ enters x_t with a standard deviation, not with a variance.",
            ),
            Mistake(
                "you forgot the root of the jump's α",
                lambda now, s: _jump(now, s, x_power=-1, eps_power=-1),
                "x scales with roots.",
            ),
            Mistake(
                "the sign in front of ε̂ is counted twice",
                lambda now, s: _jump(now, s, sign=-1),
                "the minus stands already in the formula of the task.",
            ),
        ],
    ),
}
