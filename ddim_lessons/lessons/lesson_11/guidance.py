"""Guidance with exact denoisers: what it is said to sample, what it samples, and by how much that leaves the first.

The condition is "the upper moon": its denoiser is that of 24 of the 48 components.
"""

import numpy as np

from ...ddim import affine_steps, ddim_sample
from ...gaussians import exact_eps
from ...oracle import GaussianMixture
from ...remember import remember
from ...schedules import alpha_bar_schedule, make_tau
from ...toy_data import data_set

ALPHA_BAR = alpha_bar_schedule("linear", 1000)
WINDOW, CELLS = (-2.4, 2.4), 240  # the square on which densities are looked at
SHARES = (0.5, 0.9, 0.99)  # of the tilted law, inside its contours


def upper_moon():
    """Return the data of the condition, the 24 components of the upper moon."""
    moons = data_set("moons")
    return GaussianMixture(moons.means[:24], moons.std[:24])


def guided(w, told, free):
    """Return ``(x, t) -> (1−w) ε̂_u + w ε̂_c``, classifier-free guidance of strength w (Ho and Salimans 2022).

    ``told`` and ``free`` are the data given the condition and all data, each with its exact denoiser.
    """
    eps_c, eps_u = told.eps_fn(ALPHA_BAR), free.eps_fn(ALPHA_BAR)
    return lambda x, t: (1 - w) * eps_u(x, t) + w * eps_c(x, t)


@remember(results=128)
def samples(w, eta, S=50, n=500, seed=0):
    """Return ``n`` guided samples of the upper moon, shape (n, 2)."""
    rng = np.random.default_rng(seed)
    x_T = rng.standard_normal((n, 2))
    return ddim_sample(
        x_T, guided(w, upper_moon(), data_set("moons")), ALPHA_BAR, make_tau(1000, S, "quadratic"), eta, rng
    )


def log_tilted(x, w):
    """Return log p(x|c)^w p(x)^{1−w}, without its constant, at points (n, 2); shape (n,)."""
    return w * upper_moon().log_density(x) + (1 - w) * data_set("moons").log_density(x)


@remember(1)
def _grid():
    """(points (CELLS², 2), log p(x|c), log p(x)) on the window."""
    line = np.linspace(*WINDOW, CELLS)
    points = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    return points, log_tilted(points, 1), log_tilted(points, 0)


@remember(results=32)
def contours(w):
    """Return (levels of :func:`log_tilted` that hold ``SHARES`` of the tilted law, its log on the grid)."""
    _, told, free = _grid()
    height = w * told + (1 - w) * free
    rising = np.sort(height)[::-1]
    mass = np.exp(rising - rising[0])
    held = np.cumsum(mass) / mass.sum()
    return rising[[np.searchsorted(held, share) for share in SHARES]], height.reshape(CELLS, CELLS)


def outside(x, w):
    """Return the share of points (n, 2) where the tilted law has its thinnest hundredth: 1 % of its own samples."""
    return float(np.mean(log_tilted(x, w) < contours(w)[0][-1]))


def tilted_spread(w):
    """Return the standard deviations of the two coordinates of the tilted law."""
    points, told, free = _grid()
    height = w * told + (1 - w) * free
    mass = np.exp(height - height.max())
    mass /= mass.sum()
    return np.sqrt(mass @ (points - mass @ points) ** 2)


# --- one Gaussian --------------------------------------------------------------------------------------------------


def guided_variance(v_c, v_u, w, eta, points=20_001):
    """Return the variance to which guidance leads as S → ∞, of data N(0, v_c) given c and N(0, v_u) in all; (11.7).

    With s = σ̃² the variance obeys dV/ds = (1+η²) V (w/(v_c+s) + (1−w)/(v_u+s)) − η², solved by quadrature.
    """
    s_T = (1 - ALPHA_BAR[-1]) / ALPHA_BAR[-1]
    s = np.expm1(np.linspace(0, np.log1p(s_T), points))
    log_H = (1 + eta**2) * (w * np.log(v_c + s) + (1 - w) * np.log(v_u + s))
    ratio = np.exp(log_H[0] - log_H)
    return ratio[-1] / ALPHA_BAR[-1] + eta**2 * np.trapezoid(ratio, s)


def variance_by_steps(v_c, v_u, w, eta, S):
    """Return the variance after S steps on the quadratic grid, exactly: each step is a straight line in x."""
    var = 1.0
    for t, a, b, c in affine_steps(ALPHA_BAR, make_tau(1000, S, "quadratic"), eta):
        told, free = (exact_eps(1.0, 0.0, v, ALPHA_BAR[t]) for v in (v_c, v_u))
        var = (a + b * ((1 - w) * free + w * told)) ** 2 * var + c**2
    return float(var)
