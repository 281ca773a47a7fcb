"""DDIM in one file: add noise, predict x_0, the variance, one step, a whole path, the way back, and the fast way.

Everything is written with + − · / ** and indexing alone, so the same lines run on NumPy arrays (float64
derivations), on torch tensors (networks, CPU or GPU) and, for the value functions, on SymPy symbols.

Two kinds of function:

* formulas of *values*: they take ᾱ_t and ᾱ_prev themselves (numbers, or arrays that broadcast) and check nothing;
* the sampler of *times*, which checks all that it is given, once: it takes the whole ``alpha_bar`` of length T + 1
  (ᾱ_0 = 1) and explicit pairs (t, t_prev) with t > t_prev, so no stride, no negative index and no special last step
  can occur.

The DDIM paper (Song, Meng, Ermon, ICLR 2021) writes α_t for what is ᾱ_t here.
"""

from itertools import pairwise
from typing import NamedTuple

from . import require
from .schedules import check_tau
from .schedules import levels as levels_of

ROUNDING = 1e-6  # σ² may exceed its bound by this share of it: what 32 bits round away

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


def move(x0_hat, eps_hat, alpha_bar_prev, sigma_sq=0.0, noise=0.0):
    """Put a point at time prev: √ᾱ_prev x̂_0 + √(1−ᾱ_prev−σ²) ε̂ + σ z (DDIM eq. 12)."""
    direction = left_over(alpha_bar_prev, sigma_sq) ** 0.5 * eps_hat
    return alpha_bar_prev**0.5 * x0_hat + direction + sigma_sq**0.5 * noise


def left_over(alpha_bar_prev, sigma_sq):
    """Return 1−ᾱ_prev−σ², the variance that is left for ε̂; 0 where σ² exceeds its bound by a rounding error alone."""
    left = 1 - alpha_bar_prev - sigma_sq
    if hasattr(left, "free_symbols"):  # SymPy rounds nothing
        return left
    return left * ((left > 0) | (left < -ROUNDING * (1 - alpha_bar_prev)))


class Affine(NamedTuple):
    """A Gaussian around a straight line in x: N(slope · x + offset, var I), or N(slope · x + offset · x_0, var I)."""

    slope: object
    offset: object
    var: object

    def moments(self, mean, var):
        """Return (mean, var) of what this makes of an x of the given mean and variance; given x_0, for x_0 = 1."""
        return self.slope * mean + self.offset, self.slope**2 * var + self.var


def coefficients(alpha_bar_t, alpha_bar_prev, sigma_sq, root=1):
    """Return (k, λ) of q(x_prev | x_t, x_0) = N(k x_t + λ x_0, σ² I), the posterior that keeps the marginals.

    k = ±√((1−ᾱ_prev−σ²)/(1−ᾱ_t)), λ = √ᾱ_prev − k √ᾱ_t (DDIM eq. 7, which takes ``root`` = +1; −1 keeps them too).
    """
    k = root * (left_over(alpha_bar_prev, sigma_sq) / (1 - alpha_bar_t)) ** 0.5
    return k, alpha_bar_prev**0.5 - k * alpha_bar_t**0.5


def forward_coefficients(alpha_bar_t, alpha_bar_prev, sigma_sq, root=1):
    """Return that posterior turned round, an ``Affine``: q(x_t | x_prev, x_0) = N(slope x_prev + offset x_0, var I).

    By Bayes' rule slope = k (1−ᾱ_t)/(1−ᾱ_prev), offset = √ᾱ_t − slope · √ᾱ_prev, var = σ² (1−ᾱ_t)/(1−ᾱ_prev), which
    needs ᾱ_prev < 1. offset = 0, a forward step that ignores x_0, at η = 1 and the positive root alone.
    """
    ratio = (1 - alpha_bar_t) / (1 - alpha_bar_prev)
    slope = coefficients(alpha_bar_t, alpha_bar_prev, sigma_sq, root)[0] * ratio
    return Affine(slope, alpha_bar_t**0.5 - slope * alpha_bar_prev**0.5, sigma_sq * ratio)


# --- one step, and a path ----------------------------------------------------------------------------------------


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
    require.floats("x_t", x_t)
    eps_hat = require.like("eps_hat", eps_hat, "x_t", x_t)
    sigma_sq = checked_variance(alpha_bar_t, alpha_bar_prev, eta)
    x0_hat = predict_x0(x_t, eps_hat, alpha_bar_t)
    if noise is None:
        require.that(sigma_sq == 0, "noise", noise, f"an array like x_t, because eta is {eta}")
        return move(x0_hat, eps_hat, alpha_bar_prev)
    noise = require.like("noise", noise, "x_t", x_t)
    return move(x0_hat, eps_hat, alpha_bar_prev, sigma_sq, noise)


def ddim_path(x_T, eps_fn, alpha_bar, tau, eta=0.0, rng=None):
    """Walk down ``tau`` and yield a ``Moment`` at each of its times, the start and the end included.

    ``eps_fn(x, t)`` returns the predicted noise at time t, shaped like x. ``tau`` is strictly decreasing
    (:func:`ddim_lessons.schedules.make_tau`). ``rng``, a NumPy generator, draws z where η > 0. Errors: what
    :func:`walk` and :func:`checked` refuse.
    """
    x, predict = x_T, checked(eps_fn)
    for (t, _), (alpha_bar_t, alpha_bar_prev, sigma_sq) in walk("x_T", x_T, eps_fn, alpha_bar, tau, eta):
        eps_hat = predict(x, t)
        x0_hat = predict_x0(x, eps_hat, alpha_bar_t)
        yield Moment(t, x, x0_hat)
        noise = standard_normal_like(x, rng) if eta > 0 else 0.0
        x = move(x0_hat, eps_hat, alpha_bar_prev, sigma_sq, noise)
    require.finite("the sample", x)
    yield Moment(int(tau[-1]), x, x)


# --- the way back ------------------------------------------------------------------------------------------------


def invert_step(x_prev, eps_hat, alpha_bar, t_prev, t):
    """Take the η = 0 step backwards, from t_prev up to t > t_prev (DDIM §4.3).

    ``eps_hat`` is the noise predicted at ``x_prev`` *and its own time* t_prev: the step up is the step down read
    from right to left, with the ε that is at hand.
    """
    alpha_bar_t, alpha_bar_prev = alpha_bar_pair(alpha_bar, t, t_prev)
    require.floats("x_prev", x_prev)
    eps_hat = require.like("eps_hat", eps_hat, "x_prev", x_prev)
    return move(predict_x0(x_prev, eps_hat, alpha_bar_prev), eps_hat, alpha_bar_t)


def invert_path(x_0, eps_fn, alpha_bar, tau):
    """Walk up ``tau`` (given, as always, decreasing) and yield a ``Moment`` at each of its times: x_0 is encoded."""
    x, predict = x_0, checked(eps_fn)
    for (_, t_prev), (alpha_bar_t, alpha_bar_prev, _) in reversed(walk("x_0", x_0, eps_fn, alpha_bar, tau)):
        eps_hat = predict(x, t_prev)
        x0_hat = predict_x0(x, eps_hat, alpha_bar_prev)
        yield Moment(t_prev, x, x0_hat)
        x = move(x0_hat, eps_hat, alpha_bar_t)
    require.finite("the latent", x)
    yield Moment(int(tau[0]), x, x0_hat)


# --- the door: what a sampler is given is checked here, once -------------------------------------------------------


def walk(argument, x, eps_fn, alpha_bar, tau, eta=0.0):
    """Check all that a walk is given and return its :func:`jumps`; ``argument`` is what errors call the start ``x``.

    A denoiser that carries the schedule it was made for, ``eps_fn.alpha_bar``, must be walked on that schedule.
    """
    found = jumps(alpha_bar, tau, eta)
    require.floats(argument, x)
    require.function("eps_fn", eps_fn, "(x, t) -> ε̂")
    its_own = getattr(eps_fn, "alpha_bar", alpha_bar)
    if its_own is not alpha_bar:
        mine, here = levels_of(its_own), levels_of(alpha_bar)
        T = len(here) - 1
        require.that(len(mine) == len(here), "the T of eps_fn's schedule", len(mine) - 1, f"alpha_bar's, {T}")
        for t in {t for times, _ in found for t in times}:
            near = abs(mine[t] - here[t]) <= 1e-6 * here[t]  # one of the two may be in 32 bits
            require.that(near, f"ᾱ_{t} of eps_fn's schedule", float(mine[t]), f"alpha_bar's, {float(here[t])}")
    return found


def checked(eps_fn):
    """Return ``eps_fn`` as a function that checks each answer, shaped like x and finite, and has it in x's dtype."""

    def predict(x, t):
        return require.like(f"eps_hat at t = {t}", eps_fn(x, t), "x_t", x)

    return predict


def jumps(alpha_bar, tau, eta=0.0, from_noise_alone=False):
    """Return the jumps of ``tau`` as a list of ((t, t_prev), (ᾱ_t, ᾱ_prev, σ²)), all of them checked.

    ᾱ_T may be 0 ``from_noise_alone``, for steps that do not divide by √ᾱ_t.
    """
    alpha_bar, from_noise_alone = levels_of(alpha_bar), require.yes_no("from_noise_alone", from_noise_alone)
    tau, eta = check_tau(tau, len(alpha_bar) - 1), require.real("eta", eta, 0)
    both = zip(pairwise(tau), pairwise(alpha_bar[list(tau)].tolist()), strict=True)
    pairs = [(times, _falling(*times, *pair, from_noise_alone)) for times, pair in both]
    return [(times, (*pair, _bounded_variance(*pair, eta))) for times, pair in pairs]


def alpha_bar_pair(alpha_bar, t, t_prev):
    """Return (ᾱ_t, ᾱ_prev) as floats after checking 0 ≤ t_prev < t ≤ T and 0 < ᾱ_t < ᾱ_prev ≤ 1."""
    alpha_bar = levels_of(alpha_bar)
    t = require.whole("t", t, 1, len(alpha_bar) - 1)
    t_prev = require.whole("t_prev", t_prev, 0, t - 1)
    return _falling(t, t_prev, float(alpha_bar[t]), float(alpha_bar[t_prev]))


def _falling(t, t_prev, alpha_bar_t, alpha_bar_prev, from_noise_alone=False):
    """Return the pair (ᾱ_t, ᾱ_prev) of times that were checked, if it may stand there."""
    signal = alpha_bar_t > 0 or from_noise_alone and alpha_bar_t == 0
    if not (signal and alpha_bar_t < alpha_bar_prev <= 1):
        pair = alpha_bar_t, alpha_bar_prev
        require.refuse(f"(ᾱ_{t}, ᾱ_{t_prev})", pair, "falling with time, within (0, 1]")
    return alpha_bar_t, alpha_bar_prev


def checked_variance(alpha_bar_t, alpha_bar_prev, eta):
    """Return :func:`variance`, which must not exceed 1−ᾱ_prev: beyond, the direction's root would be imaginary."""
    alpha_bar_t = require.real("ᾱ_t", alpha_bar_t, 0, 1)
    alpha_bar_prev = require.real("ᾱ_prev", alpha_bar_prev, 0, 1)
    require.that(0 < alpha_bar_t < alpha_bar_prev, "ᾱ_t", alpha_bar_t, f"above 0 and below ᾱ_prev = {alpha_bar_prev}")
    eta = require.real("eta", eta, 0)
    return _bounded_variance(alpha_bar_t, alpha_bar_prev, eta)


def _bounded_variance(alpha_bar_t, alpha_bar_prev, eta):
    """Return :func:`variance` of levels that were checked."""
    sigma_sq, room = variance(alpha_bar_t, alpha_bar_prev, eta), 1 - alpha_bar_prev
    if sigma_sq > room * (1 + ROUNDING):
        largest = eta_max(alpha_bar_t, alpha_bar_prev)
        require.refuse("eta", eta, f"at most {largest:.6g} on this jump, or σ² > 1−ᾱ_prev")
    return min(sigma_sq, room)  # exactly at the bound the two differ by a rounding error


def standard_normal_like(x, rng):
    """Draw z ~ N(0, I) shaped like ``x`` from a NumPy generator: the same numbers for NumPy, CPU and GPU."""
    require.rng(rng)
    require.array("x", x, ("float",))
    z = rng.standard_normal(tuple(x.shape))
    return x.new_tensor(z) if hasattr(x, "new_tensor") else z.astype(x.dtype, copy=False)


# --- the fast way: the same walk, multiplied out -------------------------------------------------------------------


def affine_step(alpha_bar_t, alpha_bar_prev, sigma_sq):
    """Return (a, b, c) of the step with x̂_0 put in: x_prev = a x_t + b ε̂ + c z (DDIM eq. 12, multiplied out).

    a = √(ᾱ_prev/ᾱ_t), b = √(1−ᾱ_prev−σ²) − a √(1−ᾱ_t), c = σ. Three numbers that no x enters: a sampler that
    needs no x̂_0 computes them for all steps beforehand.
    """
    a = (alpha_bar_prev / alpha_bar_t) ** 0.5
    return a, left_over(alpha_bar_prev, sigma_sq) ** 0.5 - a * (1 - alpha_bar_t) ** 0.5, sigma_sq**0.5


def affine_steps(alpha_bar, tau, eta):
    """Return the list of (t, a, b, c) of the jumps of ``tau``: :func:`affine_step` for each, all arguments checked."""
    return [(t, *affine_step(*levels)) for (t, _), levels in jumps(alpha_bar, tau, eta)]


def ddim_states(x_T, eps_fn, alpha_bar, tau, eta=0.0, rng=None):
    """Walk down ``tau`` as :func:`ddim_path` does and yield x alone at each of its times, x_T and the sample included.

    :func:`affine_step` makes every step two or three operations. Values agree with the path's up to rounding.
    Arguments and errors are :func:`ddim_path`'s, but NaN is noticed at the end only.
    """
    x = x_T
    for (t, _), levels in walk("x_T", x_T, eps_fn, alpha_bar, tau, eta):
        yield x
        eps_hat = require.same_shape("eps_hat", eps_fn(x, t), "x_t", x)
        a, b, c = affine_step(*levels)
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
