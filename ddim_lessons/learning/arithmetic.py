"""What a network is told and what it answers, as arithmetic on NumPy arrays and torch tensors alike."""

import numpy as np

from .. import require
from ..ddim import predict_eps

TARGETS = ("eps", "x0", "v")
FREQUENCIES = (1, 2, 4, 8)  # in half turns while log-SNR goes from −10 to 10


def make_target(x0, noise, alpha_bar_t, target):
    """Return what a network that predicts ``target`` should say; all arrays are shaped like ``x0``."""
    require.choice("target", target, TARGETS)
    if target == "v":
        return alpha_bar_t**0.5 * noise - (1 - alpha_bar_t) ** 0.5 * x0
    return noise if target == "eps" else x0


def to_eps(output, x_t, alpha_bar_t, target):
    """Turn a network's ``output`` for ``target`` into ε̂, shaped like ``x_t``; needs ᾱ_t < 1 if the target is x_0.

    From v = √ᾱ_t ε − √(1−ᾱ_t) x_0 and x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε: ε = √ᾱ_t v + √(1−ᾱ_t) x_t.
    """
    require.choice("target", target, TARGETS)
    if target == "v":
        return alpha_bar_t**0.5 * output + (1 - alpha_bar_t) ** 0.5 * x_t
    return output if target == "eps" else predict_eps(x_t, output, alpha_bar_t)


def snr_features(alpha_bar):
    """Return 8 Fourier features of log-SNR = log ᾱ_t/(1−ᾱ_t) for all t = 0…T; shape (T + 1, 8).

    log-SNR says how noisy x_t is whatever the schedule is. At t = 0 it is infinite, so t = 0 gets the features of 1;
    a last ᾱ of 0 (zero terminal SNR) gets those of 1e-9.
    """
    signal = np.concatenate([alpha_bar[1:2], alpha_bar[1:]])
    signal[signal == 0] = 1e-9
    angle = np.pi / 20 * np.outer(np.log(signal / (1 - signal)), FREQUENCIES)
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
