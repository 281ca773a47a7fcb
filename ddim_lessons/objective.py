"""The bound on log p(x_0) that training maximises, exactly, for Gaussian data in one dimension.

q and p are those of the split: a chain over the visited times A = ``tau`` without 0, and a star of the times B that
it skips. The denoiser is the exact one of data N(mean, var) (:func:`gaussian_denoiser`), or a wrong one: give it
another mean or variance than the data have. All results are in nats; arguments broadcast, and the links or times are
the last axis.
"""

from typing import NamedTuple

import numpy as np

from . import require
from .ddim import ROUNDING, coefficients, eta_max, variance
from .gaussians import gaussian_denoiser, kl, sampler_moments, variance_of
from .schedules import check_tau, levels


class Bound(NamedTuple):
    """The three groups for one x_0: ``prior`` (1), ``links`` and ``last`` (2), ``star`` (3, an entry per j in B)."""

    prior: np.ndarray
    links: np.ndarray
    last: np.ndarray
    star: np.ndarray

    @property
    def proper(self):
        """The bound of the chain A alone; the star is left out, because its factors are made to cancel."""
        return self.prior + self.links.sum(axis=-1) + self.last


def gamma(alpha_bar_t, alpha_bar_prev, sigma_sq):
    """Return γ = λ² (1−ᾱ_t)/(2σ²ᾱ_t), the weight of ‖ε − ε̂‖² in the jump t → prev; infinite as σ² → 0.

    DDIM's Theorem 1, whose proof has 1/(2dσ²ᾱ_t); equal to DDPM's weight (its eq. 12) at η = 1 and prev = t − 1.
    """
    _, lam = coefficients(alpha_bar_t, alpha_bar_prev, sigma_sq)
    return lam**2 * (1 - alpha_bar_t) / (2 * sigma_sq * alpha_bar_t)


def x0_loss(x0, denoiser, alpha_bar_t):
    """Return E (x_0 − x̂_0)² over x_t ~ q(x_t | x_0)."""
    bias = (1 - denoiser.slope * alpha_bar_t**0.5) * x0 - denoiser.offset
    return bias**2 + denoiser.slope**2 * (1 - alpha_bar_t)


def eps_loss(x0, denoiser, alpha_bar_t):
    """Return E (ε − ε̂)² over x_t ~ q(x_t | x_0): the loss of x_0 times ᾱ_t/(1−ᾱ_t)."""
    return x0_loss(x0, denoiser, alpha_bar_t) * alpha_bar_t / (1 - alpha_bar_t)


def prior_term(x0, alpha_bar_T):
    """Return group 1: −KL(q(x_T | x_0) ‖ N(0, 1))."""
    return -kl(alpha_bar_T**0.5 * x0, 1 - alpha_bar_T, 0.0, 1.0)


def entropy(var):
    """Return the entropy of a Gaussian of variance ``var``: ½ log 2πe·var; negative for a narrow one."""
    return np.log(2 * np.pi * np.e * var) / 2


def reconstruction(x0, denoiser, alpha_bar_t):
    """Return E log p(x_0 | x_t) over x_t ~ q(x_t | x_0), with p(x_0 | x_t) = N(x̂_0, the denoiser's variance)."""
    return -x0_loss(x0, denoiser, alpha_bar_t) / (2 * denoiser.var) - np.log(2 * np.pi * denoiser.var) / 2


def star_term(x0, denoiser, alpha_bar_j):
    """Return an addend of group 3: E[log p(x_0 | x_j) − log q(x_j | x_0)], a reconstruction and an entropy."""
    return reconstruction(x0, denoiser, alpha_bar_j) + entropy(1 - alpha_bar_j)


def bound(x0, mean, var, alpha_bar, tau, eta):
    """Return the ``Bound`` at x_0, a number or shape (n,), with the denoiser of data N(mean, var).

    ``tau`` falls from T to 0; the jump to 0 is the last link. Errors: η ≤ 0 (γ is infinite), or σ² out of bounds.
    """
    steps, sigma_sq, skipped = _chain(alpha_bar, tau, eta)
    x0, mean = (require.real_array(*pair) for pair in (("x0", x0), ("mean", mean)))
    var = variance_of("var", var, np.finfo(float).tiny)
    require.that(eta > 0, "eta", eta, "above 0: at η = 0 the weight γ is infinite and the bound is −∞")
    require.that(eta >= 1e-100, "eta", eta, "at least 1e-100: γ grows with 1/η²")
    x0 = x0[..., None]
    loss = eps_loss(x0, gaussian_denoiser(mean, var, steps[:-1]), steps[:-1])
    last = steps[-1]
    return Bound(
        prior_term(x0, levels(alpha_bar)[-1])[..., 0],
        -gamma(steps[:-1], steps[1:], sigma_sq) * loss,
        reconstruction(x0, gaussian_denoiser(mean, var, last), last)[..., 0],
        star_term(x0, gaussian_denoiser(mean, var, skipped), skipped),
    )


def model_moments(mean, var, alpha_bar, tau, eta):
    """Return (mean, variance) of p(x_0), what the chain A samples: x_T ~ N(0, 1), links, last link; η ≥ 0."""
    var = variance_of("var", var, np.finfo(float).tiny)
    alpha_bar = levels(alpha_bar)
    *_, (t, m, v), _ = sampler_moments(mean, var, alpha_bar, _checked_tau(tau, alpha_bar), eta)
    return gaussian_denoiser(require.real_array("mean", mean)[()], var, alpha_bar[t]).moments(m, v)


def over_data(function, mean, var):
    """Return E ``function(x_0)`` over data N(mean, var), exact for functions quadratic in x_0, as all groups are."""
    return (function(mean - var**0.5) + function(mean + var**0.5)) / 2


def _chain(alpha_bar, tau, eta):
    """Check the arguments; return ᾱ at the times of A from T downwards, σ² of the links between, and ᾱ at B."""
    alpha_bar = levels(alpha_bar)
    A = list(_checked_tau(tau, alpha_bar)[:-1])
    require.that(
        (np.diff(alpha_bar) < 0).all() and alpha_bar[-1] > 0, "alpha_bar", alpha_bar, "falling, from 1 to above 0"
    )
    eta = require.real("eta", eta, 0)
    steps = alpha_bar[A]
    largest = eta_max(steps[:-1], steps[1:]).min(initial=np.inf)
    fits = eta <= largest * (1 + ROUNDING)
    require.that(fits, "eta", eta, f"at most {largest:.6g}, or σ² > 1−ᾱ_prev in one of the links")
    skipped = np.delete(alpha_bar, [0, *A])
    return steps, variance(steps[:-1], steps[1:], eta), skipped


def _checked_tau(tau, alpha_bar):
    """Return ``tau`` as a tuple of ints after checking that it goes all the way, from T to 0."""
    T = len(alpha_bar) - 1
    tau = check_tau(tau, T)
    require.that((tau[0], tau[-1]) == (T, 0), "tau's ends", (tau[0], tau[-1]), f"({T}, 0)")
    return tau
