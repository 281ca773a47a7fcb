"""Noise schedules β → ᾱ, and the grids τ of times that sampling visits.

Index is time, everywhere: every array of a schedule has length T + 1, and entry 0 belongs to the data
(β_0 = 0, α_0 = ᾱ_0 = 1), so there is no shift by one and no special last step.
"""

from itertools import pairwise

import numpy as np

from . import require

SPACINGS = ("linear", "quadratic", "leading", "trailing")
SCHEDULES = ("linear", "cosine")
LONGEST = 1_000_000  # a T beyond is a slip of the finger, and its arrays would fill the memory
LONGEST_LINEAR = 70_015  # with DDPM's β: beyond, ᾱ_T is less than the smallest number of full precision


def linear_beta(T=1000, first=1e-4, last=0.02):
    """β_t rising in equal steps from ``first`` at t = 1 to ``last`` at t = T (DDPM §4); shape (T + 1,), β_0 = 0."""
    T = require.whole("T", T, 1, LONGEST)
    first, last = require.real("first", first, 0, 1), require.real("last", last, 0, 1)
    return np.concatenate([[0.0], np.linspace(first, last, T)])


def cosine_beta(T=1000, offset=0.008, beta_max=0.999):
    """β_t of Nichol and Dhariwal's cosine schedule (eq. 17), at most ``beta_max``; shape (T + 1,), β_0 = 0."""
    T = require.whole("T", T, 1, LONGEST)
    offset, beta_max = require.real("offset", offset, 0), require.real("beta_max", beta_max, 0, 1)
    angle = (np.arange(T + 1) / T + offset) / (1 + offset) * np.pi / 2
    signal = np.cos(angle) ** 2
    return np.concatenate([[0.0], np.minimum(1 - signal[1:] / signal[:-1], beta_max)])


def alpha_bar_from_beta(beta):
    """Return ᾱ_t = ∏_{s≤t} (1 − β_s), the share of the signal's variance left at time t.

    ``beta`` has shape (T + 1,) with β_0 = 0 and 0 ≤ β_t < 1; so has the result, with ᾱ_0 = 1.
    """
    beta = require.real_array("beta", beta)
    require.that(beta.ndim == 1 and len(beta) >= 2, "beta's shape", beta.shape, "(T + 1,) with T at least 1")
    require.that(beta[0] == 0, "beta[0]", float(beta[0]), "0: index is time, and no noise is added at time 0")
    inside = (beta >= 0) & (beta < 1)
    require.that(inside.all(), "beta", float(beta[~inside][0]) if not inside.all() else None, "from 0 to below 1")
    alpha_bar = np.cumprod(1 - beta)
    smallest = float(alpha_bar[-1])
    if smallest < np.finfo(float).tiny:
        require.refuse("ᾱ_T, the product of all 1 − beta,", smallest, "at least 2.3e-308: take a smaller beta")
    return alpha_bar


def alpha_bar_schedule(name="linear", T=1000):
    """Return ᾱ of the schedule called ``name`` ("linear" or "cosine"); shape (T + 1,), ᾱ_0 = 1."""
    require.choice("name", name, SCHEDULES)
    T = require.whole("T", T, 1, LONGEST)
    if name == "linear" and T > LONGEST_LINEAR:
        require.refuse("T", T, f"at most {LONGEST_LINEAR} for the linear schedule, whose ᾱ_T would be 0")
    return alpha_bar_from_beta({"linear": linear_beta, "cosine": cosine_beta}[name](T))


def own_schedule(alpha_bar=None, *, beta=None, sigmas=None, T=1000):
    """Return ᾱ, shape (T + 1,), of a schedule of your own, given in one of the forms in which libraries hold it.

    ``alpha_bar`` or ``beta``: numbers, with the entry of time 0 (1, or 0) or without it, as other libraries have them.
    Also ``alpha_bar``: "linear", "cosine", "sigmoid", or a function of u = t/T, scaled so that it is 1 at u = 0; these
    two for ``T``. ``sigmas``: noise σ per signal 1 (EDM), in either order, so that ᾱ = 1/(1 + σ²).
    ᾱ must fall all the way; its last value may be 0 (zero terminal SNR), for networks that do not predict ε.
    """
    given = sum(form is not None for form in (alpha_bar, beta, sigmas))
    require.that(given == 1, "the number of forms given", given, "1: alpha_bar, beta or sigmas")
    T = require.whole("T", T, 1, require.MANY)
    if isinstance(alpha_bar, str) and alpha_bar != "sigmoid":
        return alpha_bar_schedule(alpha_bar, T)
    if beta is not None:
        values = np.cumprod(1 - _with_first(0.0, "beta", beta))
    elif sigmas is not None:
        values = 1 / (1 + _with_first(0.0, "sigmas", np.sort(require.real_array("sigmas", sigmas))) ** 2)
    elif isinstance(alpha_bar, str) or callable(alpha_bar):
        values = _along(_sigmoid if isinstance(alpha_bar, str) else alpha_bar, T)
    else:
        values = _with_first(1.0, "alpha_bar", alpha_bar)
    rises = np.flatnonzero(~(np.diff(values) < 0))
    if len(rises):
        t = int(rises[0])
        require.refuse(f"(ᾱ_{t}, ᾱ_{t + 1})", (float(values[t]), float(values[t + 1])), "falling with time")
    require.that(values[-1] >= 0, f"ᾱ_{len(values) - 1}", float(values[-1]), "at least 0")
    return values


def _sigmoid(u):
    """Jabri et al. 2022: a logistic curve from −3 to 3, scaled to go from 1 to 0, cut off at 1e-9 as they do."""
    low, here, high = (1 / (1 + np.exp(-x)) for x in (-3.0, 6 * u - 3, 3.0))
    return max((high - here) / (high - low), 1e-9)


def _along(curve, T):
    """Return the function ``curve`` of u at u = 0, 1/T … 1, scaled so that it begins with 1."""
    times = np.arange(require.whole("T", T, 1, LONGEST) + 1) / T
    values = np.array([require.real(f"alpha_bar({u:.3g})", curve(float(u)), 0) for u in times])
    require.that(values[0] > 0, "alpha_bar(0)", float(values[0]), "above 0")
    return values / values[0]


def _with_first(first, name, values):
    """Return a list of numbers as an array that begins with the entry ``first`` of time 0, added if it is not there."""
    values = require.real_array(name, values)
    require.that(values.ndim == 1 and len(values) >= 1, f"{name}'s shape", values.shape, "(T,) or (T + 1,)")
    require.finite(name, values)
    return values if values[0] == first else np.concatenate([[first], values])


def horizon(alpha_bar):
    """Return T of a schedule ``alpha_bar``, an array, tensor or list of numbers, checked as :func:`levels` does."""
    return len(levels(alpha_bar)) - 1


def levels(alpha_bar):
    """Return a schedule ``alpha_bar`` as a NumPy array of 64 bits after checking its shape (T + 1,) and its first 1.

    The other values are looked at where they are used: :func:`ddim_lessons.ddim.jumps`.
    """
    alpha_bar = require.real_array("alpha_bar", alpha_bar)
    shape = alpha_bar.shape
    require.that(len(shape) == 1 and shape[0] >= 2, "alpha_bar's shape", shape, "(T + 1,) with T at least 1")
    if alpha_bar[0] != 1:
        require.refuse("alpha_bar[0]", float(alpha_bar[0]), "1: prepend 1, for index is time, and time 0 is the data")
    return alpha_bar


def make_tau(T, S, spacing="linear"):
    """Return the S + 1 times T = τ_S > … > τ_1 > τ_0 = 0 that a sampler with S steps visits, as a tuple of ints.

    For i = 0 … S, from the data upwards (DDIM appendix D.2):

    * ``linear``: i·T/S, rounded to the nearest time;
    * ``quadratic``: T·(i/S)², rounded, but at least i, so that no time is visited twice;
    * ``leading``: i·⌊T/S⌋, except that the top is T: the first jump takes what is left over;
    * ``trailing``: T − (S − i)·⌊T/S⌋, except that the bottom is 0: the last jump takes what is left over.
    """
    T = require.whole("T", T, 1, LONGEST)
    S = require.whole("S", S, 1, T)
    require.choice("spacing", spacing, SPACINGS)
    i, gap = np.arange(S + 1), T // S
    rising = {
        "linear": (2 * i * T + S) // (2 * S),
        "quadratic": np.maximum((2 * i**2 * T + S**2) // (2 * S**2), i),
        "leading": np.where(i == S, T, i * gap),
        "trailing": np.where(i == 0, 0, T - (S - i) * gap),
    }[spacing]
    return tuple(int(t) for t in rising[::-1])


def check_tau(tau, T):
    """Return ``tau`` as a tuple of ints if it is a list of two or more whole times that fall strictly, from T to 0."""
    T = require.whole("T", T, 1, LONGEST)
    require.sequence("tau", tau, "a list of times, such as make_tau(T, S)")
    require.there("tau", tau)
    tau = tuple(require.whole("a time in tau", t, 0, T) for t in tau)
    require.that(len(tau) >= 2, "tau", tau, "at least two times")
    for t, t_prev in pairwise(tau):
        if t_prev >= t:
            require.refuse("tau", tau, f"strictly decreasing, but {t_prev} follows {t}")
    return tau
