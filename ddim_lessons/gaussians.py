"""Gaussian algebra: what the derivations need and every introduction to probability proves. All arguments broadcast."""

import numpy as np

from . import require
from .ddim import Affine, coefficients, jumps


def log_normal(x, mean, var):
    """Return log N(x; mean, var), elementwise; the log density of d coordinates is the sum over them."""
    return -((x - 1.0 * mean) ** 2) / (2.0 * var) - np.log(2 * np.pi * var) / 2  # 1.0: whole numbers may wrap around


def product(mean_1, var_1, mean_2, var_2):
    """Return (mean, var) of the density proportional to N(x; mean_1, var_1) · N(x; mean_2, var_2).

    Precisions add up: 1/var = 1/var_1 + 1/var_2, mean = var · (mean_1/var_1 + mean_2/var_2).
    """
    var = 1 / (1 / var_1 + 1 / var_2)
    return var * (mean_1 / var_1 + mean_2 / var_2), var


def kl(mean_q, var_q, mean_p, var_p):
    """Return KL(N(mean_q, var_q) ‖ N(mean_p, var_p)) in nats, elementwise; sum over coordinates for vectors."""
    return (np.log(var_p / var_q) + (var_q + (mean_q - 1.0 * mean_p) ** 2) / var_p - 1) / 2


# --- Gaussian data: the exact denoiser is a straight line, so a sampler's mean and variance need no draws -------------


def noised(mean_0, var_0, alpha_bar_t):
    """Return (mean, var) of x_t for data N(mean_0, var_0): √ᾱ_t mean_0 and ᾱ_t var_0 + 1 − ᾱ_t."""
    return alpha_bar_t**0.5 * mean_0, alpha_bar_t * var_0 + (1 - alpha_bar_t)


def exact_eps(x_t, mean_0, var_0, alpha_bar_t):
    """Return E[ε | x_t] for data N(mean_0, var_0): √(1−ᾱ_t) (x_t − √ᾱ_t mean_0) / (ᾱ_t var_0 + 1 − ᾱ_t)."""
    mean, var = noised(mean_0, var_0, alpha_bar_t)
    return (1 - alpha_bar_t) ** 0.5 * (x_t - mean) / var


def gaussian_denoiser(mean_0, var_0, alpha_bar_t):
    """Return the ``Affine`` q(x_0 | x_t) = N(slope · x_t + offset, var) of data N(mean_0, var_0), by Bayes' rule.

    Its mean is the exact x̂_0, its ``var`` = var_0 (1−ᾱ_t)/(ᾱ_t var_0 + 1 − ᾱ_t) what x_t leaves open; fine at ᾱ_t = 0.
    """
    _, var = noised(mean_0, var_0, alpha_bar_t)
    return Affine(alpha_bar_t**0.5 * var_0 / var, (1 - alpha_bar_t) * mean_0 / var, var_0 * (1 - alpha_bar_t) / var)


def affine(step, noise_var=0.0):
    """Return a function ``step``, x -> a x + b, as an ``Affine``; noise of variance ``noise_var`` is added after it."""
    b = step(0.0)
    return Affine(step(1.0) - b, b, noise_var)


def affine_moments(step, mean, var, noise_var=0.0):
    """Return (mean, var) of step(x) + √noise_var z for x of the given mean and variance and z ~ N(0, 1), independent.

    ``step`` must be affine, step(x) = a x + b: the new mean is a·mean + b and the new variance a²·var + noise_var.
    """
    return affine(step, noise_var).moments(mean, var)


def moments_along(steps, end=0):
    """Yield the exact (t, mean, var) at each time that x visits, from N(0, 1) at the first of them to time ``end``.

    ``steps`` holds pairs (t, ``Affine``), what leaves time t.
    """
    mean, var = 0.0, 1.0
    for t, step in steps:
        yield t, mean, var
        mean, var = step.moments(mean, var)
    yield end, mean, var


def sampler_moments(mean_0, var_0, alpha_bar, tau, eta):
    """Return an iterator over the exact (t, mean, var) of DDIM's x_t at each time of ``tau``, from N(0, 1) at the top.

    Data N(mean_0, var_0), which may be arrays that broadcast; exact denoiser: x̂_0 is affine in x_t, and so is the
    step k x_t + λ x̂_0 + σ z. Error: var_0 is negative.
    """
    mean_0, var_0 = require.real_array("mean_0", mean_0)[()], variance_of("var_0", var_0)

    def step(alpha_bar_t, alpha_bar_prev, sigma_sq):
        k, lam = coefficients(alpha_bar_t, alpha_bar_prev, sigma_sq)
        slope, offset, _ = gaussian_denoiser(mean_0, var_0, alpha_bar_t)
        return Affine(k + lam * slope, lam * offset, sigma_sq)

    walk = jumps(alpha_bar, tau, eta)
    return moments_along([(t, step(*levels)) for (t, _), levels in walk], walk[-1][0][1])


def variance_of(argument, values, lowest=0.0):
    """Return a variance, a number or an array, as NumPy's after checking that it is finite and at least ``lowest``."""
    values = require.real_array(argument, values)
    fits = np.isfinite(values).all() and (values >= lowest).all()
    require.that(fits, argument, values, f"finite and at least {lowest:.3g}")
    return values[()]
