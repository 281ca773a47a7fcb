"""Gaussian algebra: what the derivations need and every introduction to probability proves. All arguments broadcast."""

import numpy as np


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
