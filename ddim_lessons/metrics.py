"""How good a set of samples is; every figure means something only beside its noise floor (:func:`noise_floor`)."""

import numpy as np

from . import require

TOO_LARGE = require.LARGEST  # what cannot be squared
FEW = 8  # dimensions in which differences are taken one by one: as fast as a matrix product, and exact


def sliced_w2(x, y, directions=64, rng=None):
    """Return the sliced Wasserstein-2 distance between two point sets of one shape (n, d).

    Both are projected on ``directions`` lines, sorted, and compared; the root mean square over all lines and
    points, in the data's unit. Lines are equally spaced in two dimensions, drawn from ``rng`` (a NumPy
    generator) in more.
    """
    x, y = _points("x", x, "y", y)
    require.that(len(x) == len(y), "the number of points", (len(x), len(y)), "the same in both sets")
    lines = _lines(x.shape[1], directions, rng)
    gap = np.sort(x @ lines, axis=0) - np.sort(y @ lines, axis=0)
    return float(np.sqrt(np.mean(gap**2)))


def frechet_distance(a, b):
    """Return the Fréchet distance of two sets of features (n, d), each taken as a Gaussian N(m, C).

    |m_a − m_b|² + tr(C_a + C_b − 2 (C_a C_b)^½); the trace of the root is the sum of the roots of the eigenvalues.
    """
    a, b = _points("a", a, "b", b)
    require.that(min(len(a), len(b)) >= 2, "the number of rows", (len(a), len(b)), "at least 2 in both sets")
    middle = a.mean(axis=0)
    a, b = a - middle, b - middle
    scale = max(abs(a).max(initial=0), abs(b).max(initial=0)) or 1.0  # squares neither overflow nor vanish
    C_a, C_b = (np.atleast_2d(np.cov(features / scale, rowvar=False)) for features in (a, b))
    roots = np.linalg.eigvals(C_a @ C_b).real.clip(min=0) ** 0.5
    between = ((a.mean(axis=0) - b.mean(axis=0)) / scale) ** 2
    square = between.sum() + np.trace(C_a + C_b) - 2 * roots.sum()
    return float(max(square, 0.0) * scale**2)  # of sets that are all but equal it may round below 0


def coverage(x, centres):
    """Return the share of ``centres``, shape (K, d), that get at least half of their fair share n/K of the points."""
    x, centres = _points("x", x, "centres", centres)
    counts = np.bincount(nearest(x, centres)[0], minlength=len(centres))
    return float(np.mean(counts >= len(x) / len(centres) / 2))


def off_manifold(x, centres):
    """Return the root mean square distance of the points (n, d) to their nearest centre (K, d), in the data's unit."""
    x, centres = _points("x", x, "centres", centres)
    return float(np.sqrt(np.mean(nearest(x, centres)[1] ** 2)))


def nearest(x, centres):
    """Return, for each of the points (n, d), the index of the nearest of the centres (K, d) and its distance."""
    x, centres = _points("x", x, "centres", centres)
    squared = squared_distances(x, centres)
    index = squared.argmin(axis=1)
    if x.shape[1] > FEW:  # several may be nearest as far as rounding tells
        size = abs(x - centres.mean(axis=0)).max(axis=1) + np.ptp(centres, axis=0).max()
        close = squared <= squared.min(axis=1, keepdims=True) + 1e-14 * x.shape[1] * size[:, None] ** 2
        for i in np.flatnonzero(close.sum(axis=1) > 1):
            some = np.flatnonzero(close[i])
            index[i] = some[np.linalg.norm(x[i] - centres[some], axis=1).argmin()]
    return index, np.linalg.norm(x - centres[index], axis=1)


def squared_distances(x, centres):
    """Return |x_i − c_k|² of points (n, d) and centres (K, d), arrays of 64 bits; shape (n, K), at least 0.

    In ``FEW`` dimensions exact to the last digits; in more the square is multiplied out, around the centres' middle.
    """
    if x.shape[1] <= FEW:
        return sum((x[:, k, None] - centres[:, k]) ** 2 for k in range(x.shape[1]))
    middle = centres.mean(axis=0)
    x, centres = x - middle, centres - middle
    return ((x**2).sum(axis=1)[:, None] - 2 * x @ centres.T + (centres**2).sum(axis=1)).clip(min=0)


def noise_floor(distance, data, n, rng, repeats=5):
    """Return the median of ``distance(x, y)`` over ``repeats`` pairs of independent true samples of ``n`` points.

    No sampler can be told from the truth below it. ``data`` has ``sample(n, rng)``.
    """
    repeats = require.whole("repeats", repeats, 1, 10_000)
    n = require.whole("n", n, 1, require.MANY)
    require.function("distance", distance, "(x, y) -> number")
    require.that(hasattr(data, "sample"), "data", data, "something with sample(n, rng), such as data_set('moons')")
    require.rng(rng)
    distances = [distance(data.sample(n, rng), data.sample(n, rng)) for _ in range(repeats)]
    return float(np.median([require.real("a distance", number, 0) for number in distances]))


def standard_error(draws):
    """Return the standard error of the mean over axis 0: the error bar of a Monte Carlo estimate."""
    draws = require.real_array("draws", draws)
    require.that(not (abs(draws) >= TOO_LARGE).any(), "draws", draws, "finite and small enough to be squared")
    require.whole("the number of draws", draws.shape[0] if draws.ndim else 0, 2)
    return draws.std(axis=0, ddof=1) / np.sqrt(draws.shape[0])


def _lines(dim, directions, rng):
    """Return unit vectors as columns, shape (dim, directions)."""
    directions = require.whole("directions", directions, 1, 1_000_000)
    if dim <= 2:
        angle = np.pi * np.arange(directions) / directions
        return np.array([np.cos(angle), np.sin(angle)]) if dim == 2 else np.ones((1, 1))
    require.rng(rng)  # to draw directions in more than two dimensions
    lines = rng.standard_normal((dim, directions))
    return lines / np.linalg.norm(lines, axis=0)


def _points(argument, x, other_argument, y):
    """Return two point sets as arrays after checking them: finite, not empty, shape (n, d) with one d."""
    x, y = require.real_array(argument, x), require.real_array(other_argument, y)
    for name, points in ((argument, x), (other_argument, y)):
        require.that(points.ndim == 2 and points.size > 0, f"{name}'s shape", points.shape, "(n, d), not empty")
        require.finite(name, points)
        largest = float(abs(points).max(initial=0))
        require.that(largest < TOO_LARGE, f"{name}'s largest value", largest, "small enough to be squared")
    require.that(x.shape[1] == y.shape[1], "the dimensions", (x.shape[1], y.shape[1]), "equal")
    return x, y
