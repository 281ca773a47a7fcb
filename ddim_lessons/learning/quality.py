"""How good samples are: drawn for each case, step count and level of :mod:`cases`, and measured with an error bar."""

import numpy as np

from .. import require
from ..ddim import checked, ddim_sample, move, predict_x0, standard_normal_like, walk
from ..metrics import coverage, frechet_distance, nearest, off_manifold, sliced_w2, squared_distances
from ..remember import remember
from ..schedules import make_tau
from ..toy_data import data_set, load_digits
from .cases import CLEAN_HAT, HAT, LEVELS, alpha_bar_of, require_data
from .denoisers import denoiser_of, network

POINTS, DIGITS = 2000, 600  # samples, where nobody says how many


# --- samples -----------------------------------------------------------------------------------------------------


def hat_sample(x_T, eps_fn, alpha_bar, tau, rng, clean_end=False):
    """Sample with σ̂: η = 1's mean, fresh noise of variance 1−ᾱ_t/ᾱ_prev, none in the last jump if ``clean_end``."""
    clean_end = require.yes_no("clean_end", clean_end)
    require.rng(rng)
    x, predict = x_T, checked(eps_fn)
    for (t, s), (a_t, a_s, sigma_sq) in walk("x_T", x_T, eps_fn, alpha_bar, tau, eta=1.0):
        eps_hat = predict(x, t)
        x = move(predict_x0(x, eps_hat, a_t), eps_hat, a_s, sigma_sq)
        if s > 0 or not clean_end:
            x = x + (1 - a_t / a_s) ** 0.5 * standard_normal_like(x, rng)
    return x


def sample_case(data, denoiser, S, level, seed, n=None):
    """Return n samples (``POINTS`` or ``DIGITS`` if None): shape (n, 2), or (n, 64) in 32 bits.

    x_T depends on ``seed``, n and the kind of data alone, so that all levels, S and denoisers start from the same x_T.
    """
    seed, n = _checked(data, seed, n)
    require.choice("level", level, LEVELS)
    kind, dim, count = (np.float32, 64, DIGITS) if data == "digits" else (np.float64, data_set(data).dim, POINTS)
    x_T = np.random.default_rng([8, seed]).standard_normal((n or count, dim)).astype(kind)
    rng = np.random.default_rng([8, seed, 1])
    alpha_bar, eps_hat = alpha_bar_of(data), denoiser_of(data, denoiser)
    tau = make_tau(len(alpha_bar) - 1, S)
    if level in (HAT, CLEAN_HAT):
        return hat_sample(x_T, eps_hat, alpha_bar, tau, rng, level == CLEAN_HAT)
    return ddim_sample(x_T, eps_hat, alpha_bar, tau, float(level), rng)


def _checked(data, seed, n):
    """Return (seed, n) as ints after checking what names a set of samples; ``n`` None is the usual number."""
    require_data(data)
    return require.seed(seed), None if n is None else require.whole("n", n, 1, require.MANY)


def true_draw(data, seed, stream=2, n=None):
    """Return n fresh true samples (``POINTS`` or ``DIGITS`` if None); digits are drawn with replacement."""
    seed, n = _checked(data, seed, n)
    stream = require.whole("stream", stream, 0, require.MANY)
    rng = np.random.default_rng([8, seed, stream])
    if data == "digits":
        return load_digits()[0][rng.integers(0, 1797, n or DIGITS)]
    return data_set(data).sample(n or POINTS, rng)


# --- metrics -----------------------------------------------------------------------------------------------------


def classifier(pictures):
    """Return (features, confidence) of pictures (n, 64), shapes (n, 32) and (n,): what the small classifier sees."""
    return network("digit classifier").judge(pictures)


@remember(1)
def true_features():
    """The classifier's features of the 1,797 true digits."""
    return classifier(load_digits()[0])[0]


def facts_of(data, samples):
    """Return what the metrics need to know of each sample, a dict of arrays of length n.

    Points: the samples themselves. Digits: the classifier's features and confidence, and the distance to the nearest
    true digit (root mean square over the pixels).
    """
    require_data(data)
    samples = require.real_array("samples", samples)
    require.that(samples.ndim == 2, "samples' shape", tuple(samples.shape), "(n, d)")
    if data != "digits":
        return {"samples": samples}
    features, confidence = classifier(samples)
    away = nearest(samples, load_digits()[0])[1] / 8  # √64 pixels
    return {"features": features, "away": away, "confidence": confidence}


def metrics_from(data, facts, truth=None):
    """Return the metrics of :func:`cases.metrics_of`, in their order, from the samples' :func:`facts_of`.

    Points: sliced W2 to as many points ``truth``, root mean square distance to the nearest centre, share of centres
    that got half their fair share. Digits: Fréchet distance to all true digits in the classifier's features, mean
    distance to the nearest true digit, share of pictures of which the classifier is sure (> 0.8).
    """
    require_data(data)
    if data == "digits":
        distance = frechet_distance(facts["features"], true_features())
        return distance, float(facts["away"].mean()), float(np.mean(facts["confidence"] > 0.8))
    samples, centres = facts["samples"], data_set(data).means
    distance = sliced_w2(samples, truth, 32, np.random.default_rng(0))
    return distance, off_manifold(samples, centres), coverage(samples, centres)


def measure_with_error(data, parts):
    """Return (metrics, errors) of the samples ``parts``, a list of arrays, one for each seed.

    All seeds together are measured, then all but one at a time; how much that changes is the jackknife's standard
    error √((m−1)/m Σ (θ_without_i − mean)²). For a metric that is a mean it is the usual standard error.
    """
    require.sequence("parts", parts, "a list of arrays of samples")
    m, facts_of_parts = len(parts), [facts_of(data, part) for part in parts]
    require.that(m >= 2, "the number of parts", m, "at least 2: the error is the change when one is left out")
    truths = None if data == "digits" else [true_draw(data, seed, n=len(part)) for seed, part in enumerate(parts)]

    def without(left_out):
        kept = [k for k in range(m) if k != left_out]
        facts = {name: np.concatenate([facts_of_parts[k][name] for k in kept]) for name in facts_of_parts[0]}
        return metrics_from(data, facts, truths and np.concatenate([truths[k] for k in kept]))

    rest = np.array([without(k) for k in range(m)])
    return np.array(without(None)), np.sqrt((m - 1) * rest.var(axis=0))


def floors(data, n, repeats=12):
    """Return (mean, standard deviation) of the metrics of ``n`` true samples.

    Only "nearest picture" is special: a true digit is in the set, so its distance is to the nearest *other* one.
    """
    repeats = require.whole("repeats", repeats, 2, 10_000)
    draws = [[true_draw(data, k, stream, n) for stream in (3, 4)] for k in range(repeats)]
    rows = [metrics_from(data, facts_of(data, samples), truth) for samples, truth in draws]
    mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1)
    if data == "digits":
        mean[1], spread[1] = nearest_other().mean(), 0.0
    return mean, spread


def nearest_other():
    """Return each true digit's distance to the nearest other true digit, root mean square a pixel; shape (1797,)."""
    x, _ = load_digits()
    squared = squared_distances(x, x)
    np.fill_diagonal(squared, np.inf)
    return np.sqrt(squared.min(axis=1)) / 8
