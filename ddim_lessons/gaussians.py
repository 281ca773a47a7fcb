"""Gaussian algebra: what the derivations need and every introduction to probability proves. All arguments broadcast."""

import numpy as np

from .ddim import affine_steps


def log_normal(x, mean, var):
    """Return log N(x; mean, var), elementwise; the log density of d coordinates is the sum over them."""
    return -((x - mean) ** 2) / (2 * var) - np.log(2 * np.pi * var) / 2


def product(mean_1, var_1, mean_2, var_2):
    """Return (mean, var) of the density proportional to N(x; mean_1, var_1) · N(x; mean_2, var_2).

    Precisions add up: 1/var = 1/var_1 + 1/var_2, mean = var · (mean_1/var_1 + mean_2/var_2).
    """
    var = 1 / (1 / var_1 + 1 / var_2)
    return var * (mean_1 / var_1 + mean_2 / var_2), var


def kl(mean_q, var_q, mean_p, var_p):
    """Return KL(N(mean_q, var_q) ‖ N(mean_p, var_p)) in nats, elementwise; sum over coordinates for vectors."""
    return (np.log(var_p / var_q) + (var_q + (mean_q - mean_p) ** 2) / var_p - 1) / 2


# --- Gaussian data: the exact denoiser is a straight line, so a sampler's mean and variance need no draws -------------


def exact_eps(x_t, mean_0, var_0, alpha_bar_t):
    """Return E[ε | x_t] for data N(mean_0, var_0): √(1−ᾱ_t) (x_t − √ᾱ_t mean_0) / (ᾱ_t var_0 + 1 − ᾱ_t)."""
    centred = x_t - alpha_bar_t**0.5 * mean_0
    return (1 - alpha_bar_t) ** 0.5 * centred / (alpha_bar_t * var_0 + 1 - alpha_bar_t)


def affine_moments(step, mean, var, noise_var=0.0):
    """Return (mean, var) of step(x) + √noise_var z for x of the given mean and variance and z ~ N(0, 1), independent.

    ``step`` must be affine, step(x) = a x + b: the new mean is a·mean + b and the new variance a²·var + noise_var.
    """
    b = step(0.0)
    a = step(1.0) - b
    return a * mean + b, a**2 * var + noise_var


def sampler_moments(mean_0, var_0, alpha_bar, tau, eta):
    """Yield the exact (t, mean, var) of DDIM's x_t at each time of ``tau``: data N(mean_0, var_0), exact denoiser.

    The sampler starts at T from N(0, 1). ``mean_0`` and ``var_0`` may be arrays that broadcast.
    """
    mean, var = 0.0, 1.0
    for t, a, b, c in affine_steps(alpha_bar, tau, eta):
        yield t, mean, var
        alpha_bar_t = float(alpha_bar[t])

        def step(x, alpha_bar_t=alpha_bar_t, a=a, b=b):
            return a * x + b * exact_eps(x, mean_0, var_0, alpha_bar_t)

        mean, var = affine_moments(step, mean, var, c**2)
    yield tau[-1], mean, var
