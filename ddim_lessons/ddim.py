"""DDIM in one file: add noise, predict x_0, the variance, one step, a whole path, and the way back.

Everything is written with + − · / ** and indexing alone, so the same lines run on NumPy arrays (float64
derivations), on torch tensors (networks, CPU or GPU) and, for the value functions, on SymPy symbols.

Two kinds of function:

* formulas of *values*: they take ᾱ_t and ᾱ_prev themselves (numbers, or arrays that broadcast) and check nothing;
* the sampler of *times*, which checks all that it is given: it takes the whole ``alpha_bar`` of length T + 1 (ᾱ_0 = 1)
  and explicit pairs (t, t_prev) with t > t_prev, so no stride, no negative index and no special last step can occur.

The DDIM paper (Song, Meng, Ermon, ICLR 2021) writes α_t for what is ᾱ_t here.
"""

from itertools import pairwise
from typing import NamedTuple

from . import require
from .schedules import check_tau, horizon

# --- formulas of values ------------------------------------------------------------------------------------------


def add_noise(x0, noise, alpha_bar_t):
    """Jump from the data to time t: x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε (DDPM eq. 4, DDIM eq. 4)."""
    return alpha_bar_t**0.5 * x0 + (1 - alpha_bar_t) ** 0.5 * noise


def predict_x0(x_t, eps, alpha_bar_t):
    """Solve x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε for x_0 (DDIM eq. 9); needs ᾱ_t > 0."""
    return (x_t - (1 - alpha_bar_t) ** 0.5 * eps) / alpha_bar_t**0.5


def predict_eps(x_t, x0, alpha_bar_t):
    """Solve x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε for ε; needs ᾱ_t < 1."""
    return (x_t - alpha_bar_t**0.5 * x0) / (1 - alpha_bar_t) ** 0.5


def variance(alpha_bar_t, alpha_bar_prev, eta):
    """Return σ² = η² (1−ᾱ_prev)(1−ᾱ_t/ᾱ_prev)/(1−ᾱ_t), the noise that one step adds (DDIM eq. 16, squared).

    η = 0 adds none (DDIM), η = 1 is the DDPM posterior. The variance comes first and its root last: squaring a
    rounded σ would make 1−ᾱ_prev−σ² negative in float32.
    """
    return eta**2 * ((1 - alpha_bar_prev) * (1 - alpha_bar_t / alpha_bar_prev) / (1 - alpha_bar_t))


def eta_max(alpha_bar_t, alpha_bar_prev):
    """Return the largest η with σ² ≤ 1−ᾱ_prev: √((1−ᾱ_t)/(1−ᾱ_t/ᾱ_prev)), which is never below 1."""
    return ((1 - alpha_bar_t) / (1 - alpha_bar_t / alpha_bar_prev)) ** 0.5


def coefficients(alpha_bar_t, alpha_bar_prev, sigma_sq, root=1):
    """Return (k, λ) of q(x_prev | x_t, x_0) = N(k x_t + λ x_0, σ² I), the posterior that keeps the marginals.

    k = ±√((1−ᾱ_prev−σ²)/(1−ᾱ_t)), λ = √ᾱ_prev − k √ᾱ_t (DDIM eq. 7, which takes ``root`` = +1; −1 keeps them too).
    """
    k = root * ((1 - alpha_bar_prev - sigma_sq) / (1 - alpha_bar_t)) ** 0.5
    return k, alpha_bar_prev**0.5 - k * alpha_bar_t**0.5


def forward_coefficients(alpha_bar_t, alpha_bar_prev, sigma_sq, root=1):
    """Return (slope, c, v) of the forward step q(x_t | x_prev, x_0) = N(slope · x_prev + c x_0, v I) of the same joint.

    slope = k (1−ᾱ_t)/(1−ᾱ_prev), c = √ᾱ_t − slope · √ᾱ_prev, v = σ² (1−ᾱ_t)/(1−ᾱ_prev); needs ᾱ_prev < 1.
    c = 0, a forward step that ignores x_0, at η = 1 and the positive root alone.
    """
    ratio = (1 - alpha_bar_t) / (1 - alpha_bar_prev)
    slope = coefficients(alpha_bar_t, alpha_bar_prev, sigma_sq, root)[0] * ratio
    return slope, alpha_bar_t**0.5 - slope * alpha_bar_prev**0.5, sigma_sq * ratio


def affine_step(alpha_bar_t, alpha_bar_prev, sigma_sq):
    """Return (a, b, c) of the same step with x̂_0 put in: x_prev = a x_t + b ε̂ + c z (DDIM eq. 12, multiplied out).

    a = √(ᾱ_prev/ᾱ_t), b = √(1−ᾱ_prev−σ²) − a √(1−ᾱ_t), c = σ. Three numbers that no x enters: a sampler that
    needs no x̂_0 computes them for all steps beforehand.
    """
    a = (alpha_bar_prev / alpha_bar_t) ** 0.5
    return a, (1 - alpha_bar_prev - sigma_sq) ** 0.5 - a * (1 - alpha_bar_t) ** 0.5, sigma_sq**0.5


def move(x0_hat, eps_hat, alpha_bar_prev, sigma_sq=0.0, noise=0.0):
    """Put a point at time prev: √ᾱ_prev x̂_0 + √(1−ᾱ_prev−σ²) ε̂ + σ z (DDIM eq. 12)."""
    direction = (1 - alpha_bar_prev - sigma_sq) ** 0.5 * eps_hat
    return alpha_bar_prev**0.5 * x0_hat + direction + sigma_sq**0.5 * noise


# --- the sampler of times ----------------------------------------------------------------------------------------


class Moment(NamedTuple):
    """Where a path is at time ``t``: the point ``x`` and the clean sample ``x0_hat`` it points to (both like x_T)."""

    t: int
    x: object
    x0_hat: object


def ddim_step(x_t, eps_hat, alpha_bar, t, t_prev, eta=0.0, noise=None):
    """Take one step from time t to any earlier time t_prev (DDIM eq. 12).

    ``x_t`` and ``eps_hat``, the predicted noise, have one shape; ``noise`` is z ~ N(0, I) of that shape, needed
    where η > 0. Errors: t_prev ≥ t, a time outside 0…T, η < 0 or so large that σ² > 1−ᾱ_prev.
    """
    alpha_bar_t, alpha_bar_prev = alpha_bar_pair(alpha_bar, t, t_prev)
    require.finite("x_t", x_t)
    require.same_shape("eps_hat", eps_hat, "x_t", x_t)
    require.finite("eps_hat", eps_hat)
    sigma_sq = checked_variance(alpha_bar_t, alpha_bar_prev, eta)
    x0_hat = predict_x0(x_t, eps_hat, alpha_bar_t)
    if noise is None:
        require.that(sigma_sq == 0, "noise", noise, f"an array like x_t, because eta is {eta}")
        return move(x0_hat, eps_hat, alpha_bar_prev)
    require.same_shape("noise", noise, "x_t", x_t)
    require.finite("noise", noise)
    return move(x0_hat, eps_hat, alpha_bar_prev, sigma_sq, noise)


def ddim_path(x_T, eps_fn, alpha_bar, tau, eta=0.0, rng=None):
    """Walk down ``tau`` and yield a ``Moment`` at each of its times, the start and the end included.

    ``eps_fn(x, t)`` returns the predicted noise at time t, shaped like x. ``tau`` is strictly decreasing
    (:func:`ddim_lessons.schedules.make_tau`). ``rng``, a NumPy generator, draws z where η > 0.
    """
    check_tau(tau, horizon(alpha_bar))
    require.real("eta", eta, 0)
    require.floats("x_T", x_T)
    require.function("eps_fn", eps_fn, "(x, t) -> ε̂")
    x = x_T
    for t, t_prev in pairwise(tau):
        eps_hat = eps_fn(x, t)
        require.same_shape(f"eps_hat at t = {t}", eps_hat, "x_t", x)
        require.finite(f"eps_hat at t = {t}", eps_hat)
        yield Moment(t, x, predict_x0(x, eps_hat, float(alpha_bar[t])))
        noise = None if eta == 0 else standard_normal_like(x, rng)
        x = ddim_step(x, eps_hat, alpha_bar, t, t_prev, eta, noise)
    yield Moment(tau[-1], x, x)


def ddim_states(x_T, eps_fn, alpha_bar, tau, eta=0.0, rng=None):
    """Walk down ``tau`` as :func:`ddim_path` does and yield x alone at each of its times, x_T and the sample included.

    The fast way: :func:`affine_step` makes every step two or three operations. Values agree with the path's up to
    rounding. Arguments and errors are :func:`ddim_path`'s, but NaN is noticed at the end only.
    """
    steps = affine_steps(alpha_bar, tau, eta)
    require.floats("x_T", x_T)
    require.function("eps_fn", eps_fn, "(x, t) -> ε̂")
    x = x_T
    for t, a, b, c in steps:
        yield x
        eps_hat = eps_fn(x, t)
        require.same_shape("eps_hat", eps_hat, "x_t", x)
        x = a * x + b * eps_hat
        if eta > 0:
            x = x + c * standard_normal_like(x, rng)
    require.finite("the sample, and so an eps_hat on the way,", x)
    yield x


def ddim_sample(x_T, eps_fn, alpha_bar, tau, eta=0.0, rng=None):
    """Return only the end of :func:`ddim_states`, the sample: shaped like ``x_T``."""
    for x in ddim_states(x_T, eps_fn, alpha_bar, tau, eta, rng):
        last = x
    return last


def affine_steps(alpha_bar, tau, eta):
    """Return the list of (t, a, b, c) of the jumps of ``tau``: :func:`affine_step` for each, all arguments checked."""
    check_tau(tau, horizon(alpha_bar))
    require.real("eta", eta, 0)
    steps = []
    for t, t_prev in pairwise(tau):
        pair = float(alpha_bar[t]), float(alpha_bar[t_prev])
        if not 0 < pair[0] < pair[1] <= 1:
            alpha_bar_pair(alpha_bar, t, t_prev)  # says what is wrong
        sigma_sq = variance(*pair, eta)
        if sigma_sq > 1 - pair[1]:
            sigma_sq = checked_variance(*pair, eta)  # says so, or takes off a rounding error
        steps.append((t, *affine_step(*pair, sigma_sq)))
    return steps


def invert_step(x_prev, eps_hat, alpha_bar, t_prev, t):
    """Take the η = 0 step backwards, from t_prev up to t > t_prev (DDIM §4.3).

    ``eps_hat`` is the noise predicted at ``x_prev`` *and its own time* t_prev: the step up is the step down read
    from right to left, with the ε that is at hand.
    """
    alpha_bar_t, alpha_bar_prev = alpha_bar_pair(alpha_bar, t, t_prev)
    require.finite("x_prev", x_prev)
    require.same_shape("eps_hat", eps_hat, "x_prev", x_prev)
    require.finite("eps_hat", eps_hat)
    return move(predict_x0(x_prev, eps_hat, alpha_bar_prev), eps_hat, alpha_bar_t)


def invert_path(x_0, eps_fn, alpha_bar, tau):
    """Walk up ``tau`` (given, as always, decreasing) and yield a ``Moment`` at each of its times: x_0 is encoded."""
    check_tau(tau, horizon(alpha_bar))
    require.floats("x_0", x_0)
    require.function("eps_fn", eps_fn, "(x, t) -> ε̂")
    x = x_0
    for t_prev, t in pairwise(reversed(tau)):
        eps_hat = eps_fn(x, t_prev)
        require.same_shape(f"eps_hat at t = {t_prev}", eps_hat, "x", x)
        require.finite(f"eps_hat at t = {t_prev}", eps_hat)
        x0_hat = predict_x0(x, eps_hat, float(alpha_bar[t_prev]))
        yield Moment(t_prev, x, x0_hat)
        x = invert_step(x, eps_hat, alpha_bar, t_prev, t)
    yield Moment(tau[0], x, x0_hat)


# --- small helpers of the sampler --------------------------------------------------------------------------------


def alpha_bar_pair(alpha_bar, t, t_prev):
    """Return (ᾱ_t, ᾱ_prev) as floats after checking 0 ≤ t_prev < t ≤ T and 0 < ᾱ_t ≤ ᾱ_prev ≤ 1."""
    require.whole("t", t, 1, horizon(alpha_bar))
    require.whole("t_prev", t_prev, 0, int(t) - 1)
    pair = float(alpha_bar[t]), float(alpha_bar[t_prev])
    require.that(0 < pair[0] < pair[1] <= 1, f"(ᾱ_{t}, ᾱ_{t_prev})", pair, "falling with time, within (0, 1]")
    return pair


def checked_variance(alpha_bar_t, alpha_bar_prev, eta):
    """Return :func:`variance`, which must not exceed 1−ᾱ_prev: beyond, the direction's root would be imaginary."""
    for name, value in (("ᾱ_t", alpha_bar_t), ("ᾱ_prev", alpha_bar_prev)):
        require.real(name, value, 0, 1)
    require.that(0 < alpha_bar_t < alpha_bar_prev, "ᾱ_t", alpha_bar_t, f"above 0 and below ᾱ_prev = {alpha_bar_prev}")
    require.real("eta", eta, 0)
    sigma_sq, room = variance(alpha_bar_t, alpha_bar_prev, eta), 1 - alpha_bar_prev
    largest = eta_max(alpha_bar_t, alpha_bar_prev)
    require.that(sigma_sq <= room * (1 + 1e-12), "eta", eta, f"at most {largest:.6g} on this jump, or σ² > 1−ᾱ_prev")
    return min(sigma_sq, room)  # exactly at the bound the two differ by a rounding error


def standard_normal_like(x, rng):
    """Draw z ~ N(0, I) shaped like ``x`` from a NumPy generator: the same numbers for NumPy, CPU and GPU."""
    require.rng(rng)
    require.array("x", x, ("float",))
    z = rng.standard_normal(tuple(x.shape))
    return x.new_tensor(z) if hasattr(x, "new_tensor") else z.astype(x.dtype, copy=False)
