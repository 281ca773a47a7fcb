"""Exercises of lesson 02: the posterior mean, two independent noises, the jump, and two planted bugs."""

import operator

import numpy as np

from ...ddim import coefficients, variance
from ...gaussians import exact_eps
from ...schedules import alpha_bar_from_beta, linear_beta
from ...teaching.exercises import Exercise


def _posterior_mean(x_t, x_0, ab_t, ab_s):
    """The mean of q(x_{t−1} | x_t, x_0), which is the jump's at η = 1."""
    k, lam = coefficients(ab_t, ab_s, variance(ab_t, ab_s, 1.0))
    return k * x_t + lam * x_0


def _voices(x_t, x_0, t, s, a=None, says=lambda x, a: x / a**0.5, var=lambda a: (1 - a) / a, power=-1, mean=True):
    """The two voices joined, as the lesson does it, with the places that go wrong as arguments.

    x_t says that x_{t−1} is about ``says``, with variance ``var``; a voice counts by its variance to the ``power``.
    """
    a = t / s if a is None else a
    of_x_t, of_x_0 = var(a) ** power, (1 - s) ** power
    return (of_x_t * says(x_t, a) + of_x_0 * s**0.5 * x_0) / (of_x_t + of_x_0 if mean else 1)


def _std(slopes, sigmas, add=np.hypot):
    """The standard deviation after x ← a x + b + σ z again and again; ``add`` joins two standard deviations."""
    std = 0.0
    for a, sigma in zip(slopes, sigmas, strict=True):
        std = add(a * std, sigma)
    return float(std)


def _jump(t, s, alpha=None, x_power=-0.5, eps_power=-0.5, noise_power=0.5, sigma=None, sign=1):
    """The three numbers of a jump from ᾱ_t to ᾱ_s, with the places that go wrong as arguments."""
    alpha = t / s if alpha is None else alpha
    of_eps = sign * (1 - alpha) / (1 - t) ** noise_power * alpha**eps_power
    return alpha**x_power, of_eps, ((1 - s) / (1 - t) * (1 - alpha)) ** 0.5 if sigma is None else sigma


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


_SIX, _THREE = (alpha_bar_from_beta(linear_beta(T, first=0.1, last=0.4)) for T in (6, 3))
_Z = np.array([0.0, 1.3, -0.4, 0.9, 0.5, -1.1, 0.7])
_LEVELS = np.array([0.95, 0.8, 0.55, 0.2])  # ᾱ_1 … ᾱ_4

# a mistake: its name, what it answers, a hint
# fmt: off
EXERCISES = {
    "2.1": Exercise(
        _posterior_mean,
        [(0.7, -1.2, 0.5, 0.65), (-0.3, 0.8, 0.2, 0.3), (1.1, 0.4, 0.1, 0.6), (0.5, -0.9, 0.8, 0.95)], [
        ("you wrote √ᾱ_t for √α_t in front of x_t",
         lambda x, x0, t, s: (x0 * s**0.5 * (1 - t / s) + x * t**0.5 * (1 - s)) / (1 - t),
         "x_t speaks about x_{t−1} through one step, and one step scales by √α_t."),
        ("you forgot the root of α_t",
         lambda x, x0, t, s: (x0 * s**0.5 * (1 - t / s) + x * t / s * (1 - s)) / (1 - t),
         "means scale with the root, variances with α_t itself."),
        ("you forgot the root of ᾱ_{t−1}",
         lambda x, x0, t, s: (x0 * s * (1 - t / s) + x * (t / s) ** 0.5 * (1 - s)) / (1 - t),
         "the mean of x_{t−1} given x_0 is √ᾱ_{t−1} x_0."),
        ("you wrote √ᾱ_t for √ᾱ_{t−1} in front of x_0",
         lambda x, x0, t, s: (x0 * t**0.5 * (1 - t / s) + x * (t / s) ** 0.5 * (1 - s)) / (1 - t),
         "the question is about x at time t−1: what does x_0 say about that time?"),
        ("you exchanged the two weights",
         lambda x, x0, t, s: _posterior_mean(x0, x, t, s),
         "when β_t is tiny, x_{t−1} is nearly x_t: which weight must then be near 1?"),
        ("you wrote β_t for 1 − ᾱ_{t−1} in front of x_t",
         lambda x, x0, t, s: (x0 * s**0.5 * (1 - t / s) + x * (t / s) ** 0.5 * (1 - t / s)) / (1 - t),
         "each voice is weighted by the variance of the other one."),
        ("each voice counts by its own variance, not by its precision", lambda *c: _voices(*c, power=1),
         "the more certain voice counts more: the precision is 1/variance."),
        ("each voice counts by 1 / its standard deviation",             lambda *c: _voices(*c, power=-0.5),
         "the precision is 1/variance."),
        ("you did not divide by the sum of the precisions",             lambda *c: _voices(*c, mean=False),
         "a mean's weights add up to 1."),
        ("you multiplied x_t by √α_t, where it must be divided",
         lambda *c: _voices(*c, says=lambda x, a: x * a**0.5),
         "x_t is about √α_t x_{t−1}: solve for x_{t−1}."),
        ("you divided x_t by α_t, not by √α_t",                         lambda *c: _voices(*c, says=lambda x, a: x / a),
         "means scale with the root, variances with α_t itself."),
        ("the variance of what x_t says is not divided by α_t",         lambda *c: _voices(*c, var=lambda a: 1 - a),
         "x_t/√α_t has the noise of the step divided by √α_t as well."),
        ("ᾱ_t and ᾱ_{t−1} have changed places",
         lambda x, x0, t, s: _voices(x, x0, s, t),
         "ᾱ_t is the smaller one, and α_t = ᾱ_t/ᾱ_{t−1} lies below 1."),
        ("you took ᾱ_t for the step's α_t",                             lambda x, x0, t, s: _voices(x, x0, t, s, a=t),
         "α_t is the quotient of the two ᾱ."),
        ("both roots are missing",
         lambda x, x0, t, s: (x0 * s * (1 - t / s) + x * t / s * (1 - s)) / (1 - t),
         "means scale with roots."),
        ("you did not divide by 1−ᾱ_t",    lambda x, x0, t, s: _posterior_mean(x, x0, t, s) * (1 - t),
         "a mean's weights: divide by the sum of the two precisions."),
        ("you wrote ᾱ_t for α_t in both weights",
         lambda x, x0, t, s: (x0 * s**0.5 * (1 - t) + x * t**0.5 * (1 - s)) / (1 - t),
         "α_t is the quotient of the two ᾱ."),
    ]),
    "2.2": Exercise(
        lambda ab, t: 1.0 if t == 1 else ab[t - 2],
        [(_LEVELS, 1), (_LEVELS, 4), (_LEVELS[::2], 2), (_LEVELS[1:], 1), (_LEVELS[1:], 3)], [
        ("at t = 1 your index is −1, and Python reads the last entry, the noisiest level", lambda ab, t: ab[t - 2],
         "ᾱ_0 is not in this array; what is its value?"),
        ("you returned the level of time t itself",                        lambda ab, t: ab[t - 1],
         "entry 0 of this array belongs to time 1."),
        ("at t = 1 you stop at ᾱ_1, so the sample never reaches the data", lambda ab, t: ab[max(t - 2, 0)],
         "the last step goes to time 0, where nothing of the noise is left."),
        ("at t = 1 you say that no signal is left",                        lambda ab, t: 0.0 if t == 1 else ab[t - 2],
         "ᾱ is the share of signal, and time 0 is the data."),
    ]),
    "2.3": Exercise(
        _std,
        [(np.array([0.9, 0.5]), np.array([0.3, 0.2])), (np.array([1.1, 0.7, 0.4]), np.array([0.2, 0.8, 0.1])),
         (np.array([0.8, 1.2, 0.9, 0.6, 0.7]), np.array([0.1, 0.5, 0.2, 0.3, 0.4]))], [
        ("you added standard deviations, as if every step drew the same z",
         lambda a, s: _std(a, s, add=operator.add),
         "for independent noises it is the variances that add."),
        ("you gave the variance",                      lambda a, s: _std(a, s) ** 2,
         "the question asks for the standard deviation."),
        ("you left out the slopes",                    lambda a, s: _std(np.ones_like(a), s),
         "earlier noise is part of x, and every later step scales x."),
        ("you did not square the slopes",              lambda a, s: _std(a**0.5, s),
         "scaling a variable by a scales its variance by a²."),
        ("you scaled each noise by its own step's slope too",
         lambda a, s: _std(a, a * s),
         "in a step the noise is added after the scaling."),
        ("you walked from the last step to the first", lambda a, s: _std(a[::-1], s[::-1]),
         "the noise that is drawn first is scaled most often."),
    ]),
    "2.4": Exercise(
        _chain,
        [(0.8, _Z, _SIX, 0.04), (-1.5, _Z[::-1].copy(), _SIX, 0.5), (1.1, _Z[2:6], _THREE, 1.0)], [
        ("noise is still added in the last step", lambda *c: _chain(*c, noisy=lambda t, T: True),
         "in this loop t is never 0. In which round does x become x_0?"),
        ("noise is added in no step",             lambda *c: _chain(*c, noisy=lambda t, T: False),
         "only one step must stay without noise."),
        ("you left out the noise of the first step, not of the last",
         lambda *c: _chain(*c, noisy=lambda t, T: t < T),
         "the loop counts down."),
        ("the last two steps are without noise",  lambda *c: _chain(*c, noisy=lambda t, T: t > 2),
         "x becomes x_0 in one round only."),
        ("you changed the variance to β̃_t",      lambda *c: _chain(*c, smaller=True),
         "that also ends without noise, but the task keeps σ² = β_t: mend the condition."),
        ("z is multiplied by the variance",       lambda *c: _chain(*c, root=1),
         "variance first, root last."),
        ("ε̂ is added, not subtracted",           lambda *c: _chain(*c, sign=1),
         "denoising takes the predicted noise away."),
        ("ε̂ is asked for at time t−1",           lambda *c: _chain(*c, shift=1),
         "x is still at time t when the network is called."),
        ("ᾱ_t stands where α_t belongs",          lambda *c: _chain(*c, bar=True),
         "one step keeps α_t = ᾱ_t/ᾱ_{t−1} of the signal."),
    ]),
    "2.5": Exercise(
        _jump,
        [(0.2, 0.6), (0.45, 0.9), (0.05, 0.1), (0.7, 1.0)], [
        ("you took ᾱ_t for the signal that the jump keeps", lambda t, s: _jump(t, s, alpha=t),
         "from time s to time t the signal shrinks by a quotient of two ᾱ."),
        ("your third number is a variance",     lambda t, s: _jump(t, s, sigma=variance(t, s, 1.0)),
         "z is multiplied by a standard deviation."),
        ("your noise is β of the jump, not the posterior's β̃",
         lambda t, s: _jump(t, s, sigma=(1 - t / s) ** 0.5),
         "knowing x_0 narrows what is possible for x_s: there is one more factor below 1."),
        ("the factor in front of ε̂ is not divided by the root of the jump's α",
         lambda t, s: _jump(t, s, eps_power=0),
         "the whole bracket is divided by it."),
        ("you forgot the root of 1 − ᾱ_t",      lambda t, s: _jump(t, s, noise_power=1),
         "ε̂ enters x_t with a standard deviation, not with a variance."),
        ("you forgot the root of the jump's α", lambda t, s: _jump(t, s, x_power=-1, eps_power=-1),
         "x scales with roots."),
        ("the sign in front of ε̂ is counted twice", lambda t, s: _jump(t, s, sign=-1),
         "the minus stands already in the formula of the task."),
    ]),
}
# fmt: on
