"""Exact denoisers: for a Gaussian mixture, E[ε | x_t] is a closed formula, so nothing has to be trained.

A single Gaussian is a mixture of one component, and a finite data set is a mixture of points (``std`` = 0).
"""

import numpy as np

from . import require
from .gaussians import gaussian_denoiser, noised
from .metrics import squared_distances
from .schedules import levels

BLOCK = 100_000  # of numbers that are looked at together


class GaussianMixture:
    """The density Σ_k w_k N(x; μ_k, s_k² I) on R^d: data to draw from, and its exact denoiser at every noise level.

    Parameters: ``means`` of shape (K, d); ``std`` s_k ≥ 0, a number or shape (K,); ``weights`` w_k > 0 of shape
    (K,), scaled to sum 1 (all equal if None).
    """

    def __init__(self, means, std=0.0, weights=None):
        self.means = require.real_array("means", means).copy()
        require.that(
            self.means.ndim == 2 and self.means.size > 0, "means' shape", self.means.shape, "(K, d), not empty"
        )
        require.finite("means", self.means)
        largest = float(abs(self.means).max())
        require.that(largest < require.LARGEST, "means' largest value", largest, "small enough to be squared")
        self.middle = self.means.mean(axis=0)  # differences are taken around it: far from 0 squares lose their digits
        self.std = self._per_component("std", std, lowest=0.0)
        weights = self._per_component("weights", 1.0 if weights is None else weights, lowest=np.finfo(float).tiny)
        self.weights = weights / weights.sum()

    def _per_component(self, name, value, lowest):
        """Spread a number, or an array of shape (K,), over the K components after checking it."""
        array = require.real_array(name, value)
        K = len(self.means)
        require.that(array.shape in [(), (K,)], f"{name}'s shape", array.shape, f"() or ({K},), one for each mean")
        fits = (array >= lowest).all() and (array < require.LARGEST).all()
        require.that(fits, name, value, f"finite and at least {lowest:.3g}, with a finite square")
        return np.broadcast_to(array, (K,)).copy()

    @property
    def dim(self):
        """The dimension d of the space."""
        return self.means.shape[1]

    def sample(self, n, rng):
        """Draw ``n`` points; shape (n, d). ``rng`` is a NumPy generator."""
        n = require.whole("n", n, 0, require.MANY)
        require.rng(rng)
        component = rng.choice(len(self.means), size=n, p=self.weights)
        return self.means[component] + self.std[component, None] * rng.standard_normal((n, self.dim))

    def mean(self):
        """The mean of the data; shape (d,)."""
        return self.weights @ self.means

    def variance(self):
        """The variance of each coordinate of the data; shape (d,)."""
        return self.weights @ (self.std[:, None] ** 2 + (self.means - self.mean()) ** 2)

    def log_density(self, x_t, alpha_bar_t=1.0):
        """Return log q(x_t), the density after noising to ᾱ_t, at the points x_t of shape (n, d); shape (n,)."""
        log_joint = self._log_joint(*self._checked(x_t, alpha_bar_t))
        highest = log_joint.max(axis=1, keepdims=True)
        return highest[:, 0] + np.log(np.exp(log_joint - highest).sum(axis=1)) - self.dim / 2 * np.log(2 * np.pi)

    def responsibilities(self, x_t, alpha_bar_t):
        """Return the posterior probability of each component given x_t; shape (n, K), rows sum to 1."""
        log_joint = self._log_joint(*self._checked(x_t, alpha_bar_t))
        share = np.exp(log_joint - log_joint.max(axis=1, keepdims=True))
        return share / share.sum(axis=1, keepdims=True)

    def eps(self, x_t, alpha_bar_t):
        """Return E[ε | x_t], what a perfectly trained ε-network would say (DDPM eq. 14's minimiser).

        With v_k = ᾱ_t s_k² + 1 − ᾱ_t and responsibilities r_k: √(1−ᾱ_t) Σ_k r_k (x_t − √ᾱ_t μ_k)/v_k, which is
        −√(1−ᾱ_t) ∇ log q(x_t). ``x_t`` has shape (n, d), and so has the result.
        """
        x_t, alpha_bar_t = self._checked(x_t, alpha_bar_t)
        x, centres, noised_var = self._noised(x_t, alpha_bar_t)
        share = self.responsibilities(x_t, alpha_bar_t) / noised_var
        return (1 - alpha_bar_t) ** 0.5 * (x * share.sum(axis=1, keepdims=True) - share @ centres)

    def x0(self, x_t, alpha_bar_t):
        """Return E[x_0 | x_t] = Σ_k r_k E_k[x_0 | x_t], each component by :func:`gaussian_denoiser`; also fine at
        ᾱ_t = 0, where it is the mean of the data. ``x_t`` has shape (n, d), and so has the result."""
        x_t, alpha_bar_t = self._checked(x_t, alpha_bar_t)
        share = self.responsibilities(x_t, alpha_bar_t)
        slope, offset, _ = gaussian_denoiser(self.means - self.middle, self.std[:, None] ** 2, alpha_bar_t)
        return self.middle + (x_t - alpha_bar_t**0.5 * self.middle) * (share @ slope) + share @ offset

    def eps_fn(self, alpha_bar):
        """Return ``(x_t, t) -> ε̂`` for the schedule ``alpha_bar``: what :func:`ddim_lessons.ddim.ddim_path` takes.

        ε̂ comes back as what x_t was, in its dtype. It carries ``alpha_bar``, so that a sampler notices when it is told
        another one.
        """
        schedule = levels(alpha_bar)

        def eps_hat(x_t, t):
            return require.returned(self.eps(x_t, schedule[require.whole("t", t, 0, len(schedule) - 1)]), x_t)

        eps_hat.alpha_bar = alpha_bar
        return eps_hat

    def _noised(self, x_t, alpha_bar_t):
        """(x_t, √ᾱ_t μ_k, v_k), points, mean and variance of component k at ᾱ_t; x_t and μ counted from the middle."""
        means, variances = noised(self.means - self.middle, self.std**2, alpha_bar_t)
        return x_t - alpha_bar_t**0.5 * self.middle, means, variances

    def _log_joint(self, x_t, alpha_bar_t):
        """log w_k + log N(x_t; √ᾱ_t μ_k, v_k I) without the constant (2π)^{-d/2}; shape (n, K)."""
        x, centres, noised_var = self._noised(x_t, alpha_bar_t)
        squared = squared_distances(x, centres)
        return np.log(self.weights) - self.dim / 2 * np.log(noised_var) - squared / (2 * noised_var)

    def _checked(self, x_t, alpha_bar_t):
        """Check and return (x_t as an array, ᾱ_t)."""
        x_t = require.real_array("x_t", x_t)
        require.that(x_t.ndim == 2 and x_t.shape[1] == self.dim, "x_t's shape", x_t.shape, f"(n, {self.dim})")
        if not (abs(x_t) < require.LARGEST).all():
            raise ValueError("x_t contains NaN, infinity or numbers too large to square, but must be finite everywhere")
        alpha_bar_t = require.real("alpha_bar_t", alpha_bar_t, 0, 1)
        narrowest = noised(0.0, self.std**2, alpha_bar_t)[1].min()
        require.that(
            narrowest > 0, "alpha_bar_t", alpha_bar_t, "below 1: a point set (std 0) has no density without noise"
        )
        return x_t, alpha_bar_t


def gaussian(mean, std):
    """Return the one-component mixture N(mean, std² I); ``mean`` is a list of d numbers."""
    return GaussianMixture(require.real_array("mean", mean)[None], std)


def finite_data(points):
    """Return the exact denoiser of a finite data set: equal weights on ``points`` of shape (n, d), no width."""
    return GaussianMixture(points, 0.0)


def finite_eps_fn(points, alpha_bar, std=0.0, weights=None):
    """Return ``(x, t) -> ε̂`` as :class:`GaussianMixture` has it, in the precision of x (``points`` in 32 bits), faster.

    The parts ``points`` (K, d) have one width ``std``, which is 0 for a finite data set, so v = ᾱ_t std² + 1 − ᾱ_t.
    ε̂ = √(1−ᾱ_t)/v (x − √ᾱ_t m), m the mean of the points p with weights softmax(log w − |x − √ᾱ_t p|²/(2v)).
    """
    schedule, std = levels(alpha_bar), require.real("std", std, 0)
    parts = GaussianMixture(require.real_array("points", points), std, weights)
    points, log_weights = parts.means, np.log(parts.weights * len(parts.means)).astype(np.float32)
    middle = np.round(points.mean(axis=0))  # whole numbers, so that the difference stays exact
    points = points - middle
    largest = float(abs(points).max())
    require.that(largest < 1e15, "points' largest value", largest, "below 1e15, to be squared in 32 bits")
    points = points.astype(np.float32)
    half_square = (points**2).sum(axis=1) / 2
    block = max(1, BLOCK // len(points))  # rows of shares that stay in the cache, and start no threads of the library's
    with_one = np.column_stack([points, np.ones(len(points), dtype=np.float32)])

    def eps_hat(x, t):
        a, x_t = float(schedule[require.whole("t", t, 0, len(schedule) - 1)]), require.floating("x", x)
        require.that(isinstance(x_t, np.ndarray), "x", x, "a NumPy array")
        x_t = x_t - (a**0.5 * middle).astype(x_t.dtype)
        v = a * std**2 + 1 - a
        if v == 0:
            require.refuse("t", t, "at least 1: points without width have no density at time 0")
        slope, offset = a**0.5 / v * points.T.astype(x_t.dtype), log_weights - a / v * half_square.astype(x_t.dtype)
        means = np.empty_like(x_t)
        for first in range(0, len(x_t), block):
            shares = x_t[first : first + block] @ slope
            shares += offset
            shares -= shares.max(axis=1, keepdims=True)
            sums = np.exp(shares, out=shares) @ with_one
            means[first : first + block] = sums[:, :-1] / sums[:, -1:]
        gap = x_t - a**0.5 * means
        return gap / (1 - a) ** 0.5 if std == 0 else gap * ((1 - a) ** 0.5 / v)

    eps_hat.alpha_bar = alpha_bar
    return eps_hat
