"""The step at η = 0 as a step along a curve: its coordinates, exact curves, second-order solvers; and latents.

With x̄ = x/√ᾱ and σ̃ = √((1−ᾱ)/ᾱ) the step is x̄_s = x̄_t + (σ̃_s − σ̃_t) ε̂, Euler's step of dx̄ = ε̂ dσ̃ (DDIM eq. 13
and 14). Everything here has no noise, and runs on NumPy arrays and torch tensors unless it says otherwise.
"""

from itertools import pairwise
from math import erfc

import numpy as np

from . import require
from .ddim import Moment, checked, move, predict_eps, predict_x0, walk
from .gaussians import noised
from .schedules import LONGEST

GUESSES = ("eps", "x0")
AT_REST = "Rounds come to rest only where the step is a contraction, that is short enough: take more steps"

# --- the two coordinates -----------------------------------------------------------------------------------------


def sigma_bar(alpha_bar_t):
    """Return σ̃ = √((1−ᾱ_t)/ᾱ_t), noise in units of the signal: 0 at the data, 157 at T = 1000, linear (DDIM §4.3)."""
    return ((1 - alpha_bar_t) / alpha_bar_t) ** 0.5


def half_log_snr(alpha_bar_t):
    """Return λ = −log σ̃ = ½ log(ᾱ_t/(1−ᾱ_t)) of a number ᾱ_t; infinite at ᾱ_t = 1."""
    return float("inf") if alpha_bar_t == 1 else 0.5 * float(np.log(alpha_bar_t / (1 - alpha_bar_t)))


def smooth_alpha_bar(S, power=2):
    """Return ᾱ of a schedule with T = S, for :func:`range` as τ: at u = (i/S)^power of the continuous linear schedule.

    ᾱ(u) = exp(−∫β), β from 0.1 to 20. No time is rounded, so halving every step really halves it; shape (S + 1,).
    """
    S, power = require.whole("S", S, 1, LONGEST), require.real("power", power, 1)
    u = (np.arange(S + 1) / S) ** power
    return np.exp(-(0.1 * u + 19.9 * u**2 / 2))


# --- exact solutions ---------------------------------------------------------------------------------------------


def gaussian_flow(x_T, mean, var, alpha_bar_T, alpha_bar_s=1.0):
    """Return where x_T is at ᾱ_s on the exact curve for data N(mean, var I): x̄ − mean ∝ √(var + σ̃²)."""
    start, end = var + sigma_bar(alpha_bar_T) ** 2, var + sigma_bar(alpha_bar_s) ** 2
    return alpha_bar_s**0.5 * (mean + (x_T / alpha_bar_T**0.5 - mean) * (end / start) ** 0.5)


def cdf(mixture, x, alpha_bar_t=1.0):
    """Return the distribution function of a one-dimensional ``mixture`` noised to ᾱ_t, at x of shape (n, 1): (n, 1).

    NumPy only, as is :func:`quantile_map`.
    """
    return _tail(*_in_one_dimension("x", mixture, x, alpha_bar_t), 1)


def quantile_map(mixture, x_T, alpha_bar_T, halvings=64):
    """Return F_0⁻¹(F_T(x_T)) for x_T of shape (n, 1): where the exact curve in one dimension ends. By bisection.

    Above the median 1 − F is compared, so that both tails have all their digits. Error: x_T is so far out (about 38
    standard deviations) that the smaller tail is 0.
    """
    noisy = _in_one_dimension("x_T", mixture, x_T, alpha_bar_T)
    mixture, start, _ = _in_one_dimension("x_T", mixture, x_T, 1.0)
    side = np.where(_tail(*noisy, 1) <= 0.5, 1, -1)  # 1: the tail below x, −1: the one above
    share = _tail(*noisy, side)
    require.that((share > 0).all(), "x_T's farthest", float(abs(start).max()), "so near that a tail beyond it is left")
    low = np.full(start.shape, (mixture.means[:, 0] - 40 * mixture.std).min())
    high = np.full(start.shape, (mixture.means[:, 0] + 40 * mixture.std).max())
    for _ in range(halvings):
        middle = (low + high) / 2
        too_low = side * (_tail(mixture, middle, 1.0, side) - share) < 0
        low, high = np.where(too_low, middle, low), np.where(too_low, high, middle)
    return (low + high) / 2


def _in_one_dimension(argument, mixture, x, alpha_bar_t):
    """Return (mixture, x, ᾱ_t), checked: one dimension, x of shape (n, 1), and every component wide enough to have
    a distribution function without steps."""
    require.that(getattr(mixture, "dim", 0) == 1, "mixture", mixture, "a GaussianMixture in one dimension")
    x = require.real_array(argument, x)
    require.finite(argument, x)
    require.that(x.ndim == 2 and x.shape[1] == 1, f"{argument}'s shape", x.shape, "(n, 1)")
    alpha_bar_t = require.real("alpha_bar_t", alpha_bar_t, 0, 1)
    narrowest = float(noised(0.0, mixture.std**2, alpha_bar_t)[1].min())
    require.that(narrowest > 0, "the mixture's smallest std", 0.0, "above 0 where there is no noise")
    return mixture, x, alpha_bar_t


def _tail(mixture, x, alpha_bar_t, side):
    """Return the probability below x (``side`` = 1) or above it (−1), shape (n, 1)."""
    means, variances = noised(mixture.means[:, 0], mixture.std**2, alpha_bar_t)
    z = side * (means - x) / (2 * variances) ** 0.5
    return np.vectorize(erfc, otypes=[float])(z) / 2 @ mixture.weights[:, None]


# --- second order ------------------------------------------------------------------------------------------------


def multistep_path(x_T, eps_fn, alpha_bar, tau, guess="x0"):
    """Walk down ``tau`` by a second-order solver that calls the denoiser once a step; yields a ``Moment`` at each time.

    The step is DDIM's, with a ``guess`` moved half a step ahead along the line through the last two:

    * ``eps``: ε̂ over σ̃, the two-step method of Adams and Bashforth;
    * ``x0``: x̂_0 over λ = −log σ̃, which is DPM-Solver++(2M) of Lu et al. 2022; its last jump to 0 is DDIM's own.
    """
    require.choice("guess", guess, GUESSES)
    x, old, h_old, predict = x_T, None, None, checked(eps_fn)
    for (t, _), (a_t, a_prev, _) in walk("x_T", x_T, eps_fn, alpha_bar, tau):
        eps_hat = predict(x, t)
        x0_hat = predict_x0(x, eps_hat, a_t)
        yield Moment(t, x, x0_hat)
        now, clock = (eps_hat, sigma_bar) if guess == "eps" else (x0_hat, half_log_snr)
        h = clock(a_prev) - clock(a_t)
        ahead = now if old is None or np.isinf(h) else now + h / (2 * h_old) * (now - old)
        x = _step(x, ahead, a_t, a_prev, guess)
        old, h_old = now, h
    require.finite("the sample", x)
    yield Moment(int(tau[-1]), x, x)


def multistep_sample(x_T, eps_fn, alpha_bar, tau, guess="x0"):
    """Return only the end of :func:`multistep_path`, the sample: shaped like ``x_T``."""
    for moment in multistep_path(x_T, eps_fn, alpha_bar, tau, guess):
        last = moment
    return last.x


def _step(x, ahead, alpha_bar_t, alpha_bar_prev, guess):
    """DDIM's step from ``x`` with ``ahead`` in the place of ε̂ or of x̂_0."""
    if guess == "eps":
        return move(predict_x0(x, ahead, alpha_bar_t), ahead, alpha_bar_prev)
    return move(ahead, predict_eps(x, ahead, alpha_bar_t), alpha_bar_prev)


# --- latents -----------------------------------------------------------------------------------------------------


def slerp(a, b, w):
    """Return the point at share ``w`` of the arc from ``a`` to ``b``, both (n, d), NumPy: spherical interpolation.

    sin((1−w)θ)/sin θ · a + sin(wθ)/sin θ · b with θ the angle between a and b, row by row (DDIM eq. 67).
    """
    a, b, w = require.floating("a", a), require.floating("b", b), require.real("w", w, 0, 1)
    require.that(isinstance(a, np.ndarray), "a", a, "a NumPy array")
    b = require.like("b", b, "a", a)
    require.finite("a", a)
    largest = max(float(abs(ends).max(initial=0)) for ends in (a, b))
    require.that(largest < require.LARGEST, "the largest value of a and b", largest, "small enough to be squared")
    lengths = np.linalg.norm(a, axis=-1, keepdims=True) * np.linalg.norm(b, axis=-1, keepdims=True)
    require.that((lengths > 0).all(), "the shortest length of a row", 0.0, "above 0: the origin has no direction")
    theta = np.arccos(np.clip((a * b).sum(axis=-1, keepdims=True) / lengths, -1, 1))
    apart = np.sin(theta) > 1e-6
    require.that(apart.all(), "the angle between a and b", float(theta.min()), "above 0 and below π")
    return (np.sin((1 - w) * theta) * a + np.sin(w * theta) * b) / np.sin(theta)


def invert(x_0, eps_fn, alpha_bar, tau, rounds=0):
    """Encode x_0: walk up ``tau`` (given decreasing) and return x_T, shaped like ``x_0``.

    ``rounds`` = 0 is :func:`ddim_lessons.ddim.invert_path`: the step up from s to t uses ε̂(x_s, s), where it starts.
    The step down that it should undo uses ε̂(x_t, t), at a point not yet known: each round puts the newest guess of
    x_t there. The first guess is x_s, so one round asks for ε̂(x_s, t).

    0 and 1 are approximations for any step. More rounds close in on a point that the step down leads back to, where
    they are a contraction: where the step is short enough. Errors: they move x further and further; or slowly, and
    to a latent over three times as wide as x_0 with its noise, a point that only coarse steps lead back from.
    """
    rounds = require.whole("rounds", rounds, 0, 1000)
    x, predict, slow = x_0, checked(eps_fn), False
    for (t, t_prev), (alpha_bar_t, alpha_bar_prev, _) in reversed(walk("x_0", x_0, eps_fn, alpha_bar, tau)):
        x_t, moves = x, []
        for _ in range(max(rounds, 1)):
            eps_hat, before = predict(x_t, t if rounds else t_prev), x_t
            x_t = move(predict_x0(x, eps_hat, alpha_bar_prev), eps_hat, alpha_bar_t)
            moves.append(abs(x_t - before).sum(-1))
        slow |= _is_slow(moves, x_t, t_prev, t)
        x = x_t
    require.finite("the latent", x)
    if slow:
        _check_width(rounds, _sum_of_squares(x), _sum_of_squares(x_0), np.prod(x_0.shape), alpha_bar_t)
    return x


def _sum_of_squares(x):
    return require.total(x.square() if require.is_tensor(x) else np.square(x))


def _check_width(rounds, latent_sq, data_sq, numbers, alpha_bar_T):
    """Check that a latent is at most three times as wide as x_0 with its noise; given are the sums of squares."""
    times = (latent_sq / (alpha_bar_T * data_sq + (1 - alpha_bar_T) * numbers)) ** 0.5
    if times > 3:
        words = f"they lead to latents {times:.3g} times as wide as x_0 with its noise. {AT_REST}"
        require.refuse("rounds", rounds, f"0 or 1 with this tau: {words}")


def _is_slow(moves, x_t, t_prev, t):
    """Return whether a round of the step up from t_prev to t moved a row, visibly, by over half of the one before.

    ``moves`` is how far each round moved the rows. Error: they move them, all together, further and further.
    """
    sums = [require.total(move) for move in moves]
    if len(sums) > 2 and sums[-1] > max(*sums[:2], 1e-3 * require.total(x_t)):
        words = f"the step from {t_prev} to {t} does not converge, its rounds move x further and further. {AT_REST}"
        require.refuse("rounds", len(moves), f"0 or 1 with this tau: {words}")
    least = 1e-3 * abs(x_t).sum(-1)
    return any(bool(((after > before / 2) & (after > least)).any()) for before, after in pairwise(moves))
