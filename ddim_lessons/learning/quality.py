"""What lesson 08 measures: samples of every data set, denoiser, step count and noise level, and their quality.

A *case* is a data set and a denoiser. A *level* of noise is η, or σ̂: the direction coefficient of η = 1 with fresh
noise of the larger variance 1−ᾱ_t/ᾱ_prev (DDIM appendix D.3), with noise in the last jump or without.
"""

from itertools import pairwise

import numpy as np

from .. import require
from ..ddim import alpha_bar_pair, ddim_sample, move, predict_eps, predict_x0, standard_normal_like, variance
from ..metrics import frechet_distance, nearest, sliced_w2
from ..remember import remember
from ..schedules import alpha_bar_schedule, check_tau, horizon, make_tau
from ..toy_data import DATA_SETS, data_set, load_digits
from .networks import eps_fn
from .weights import load_weights

ALPHA_BAR = alpha_bar_schedule("linear", 1000)
DENOISERS = ("exact", "trained")
CASES = tuple((data, denoiser) for data in ("ring", "moons", "digits") for denoiser in DENOISERS)
STEPS = (5, 10, 20, 50, 100, 1000)
HAT, CLEAN_HAT = "σ̂", "σ̂, clean end"
LEVELS = ("0", "0.2", "0.5", "1", HAT, CLEAN_HAT)
POINTS, DIGITS = 2000, 600
METRICS = {"points": ("sliced W2", "off-manifold", "coverage"), "digits": ("Fréchet", "nearest picture", "confident")}


def metrics_of(data):
    """Return the names of the metrics of the data set called ``data``."""
    return METRICS["digits" if data == "digits" else "points"]


# --- denoisers and samplers --------------------------------------------------------------------------------------


def finite_eps_fn(points, alpha_bar):
    """Return ``(x, t) -> ε̂`` as :func:`ddim_lessons.oracle.finite_data` has it, in 32 bits and faster.

    x̂_0 is the mean of ``points`` (K, d) with the weights softmax(−|x − √ᾱ_t p|²/(2(1−ᾱ_t))); |x|² cancels.
    """
    points = np.asarray(points, dtype=np.float32)
    half_square = (points**2).sum(axis=1) / 2

    def eps_hat(x, t):
        a = float(alpha_bar[t])
        weights = (a**0.5 * (x @ points.T) - a * half_square) / (1 - a)
        np.exp(weights - weights.max(axis=1, keepdims=True), out=weights)
        return predict_eps(x, weights @ points / weights.sum(axis=1, keepdims=True), a)

    return eps_hat


@remember(len(CASES))
def denoiser_of(data, denoiser):
    """Return ``(x, t) -> ε̂`` of a case, for x of 32 bits where ``data`` is "digits" and of 64 bits elsewhere."""
    require.choice("denoiser", denoiser, DENOISERS)
    if denoiser == "trained":
        return eps_fn(load_weights(data))
    if data == "digits":
        return finite_eps_fn(load_digits()[0], ALPHA_BAR)
    return data_set(data).eps_fn(ALPHA_BAR)


def hat_sample(x_T, eps_fn, alpha_bar, tau, rng, clean_end=False):
    """Sample with σ̂: η = 1's mean, fresh noise of variance 1−ᾱ_t/ᾱ_prev, none in the last jump if ``clean_end``."""
    check_tau(tau, horizon(alpha_bar))
    require.floats("x_T", x_T)
    require.function("eps_fn", eps_fn, "(x, t) -> ε̂")
    require.rng(rng)
    x = x_T
    for t, s in pairwise(tau):
        a_t, a_s = alpha_bar_pair(alpha_bar, t, s)
        eps_hat = eps_fn(x, t)
        require.same_shape(f"eps_hat at t = {t}", eps_hat, "x", x)
        require.finite(f"eps_hat at t = {t}", eps_hat)
        x = move(predict_x0(x, eps_hat, a_t), eps_hat, a_s, variance(a_t, a_s, 1.0))
        if s > 0 or not clean_end:
            x = x + (1 - a_t / a_s) ** 0.5 * standard_normal_like(x, rng)
    return x


def draw(data, denoiser, S, level, seed, spacing="linear", n=None):
    """Return n samples of a case (``POINTS`` or ``DIGITS`` if None).

    x_T depends on ``seed``, n and the kind of data alone, so that all levels, S and denoisers start from the same x_T.
    """
    _check(data, seed, n)
    require.choice("denoiser", denoiser, DENOISERS)
    require.choice("level", level, LEVELS)
    kind, dim, count = (np.float32, 64, DIGITS) if data == "digits" else (np.float64, 2, POINTS)
    x_T = np.random.default_rng([8, seed]).standard_normal((n or count, dim)).astype(kind)
    rng = np.random.default_rng([8, seed, 1])
    tau, eps_hat = make_tau(1000, S, spacing), denoiser_of(data, denoiser)
    if level in (HAT, CLEAN_HAT):
        return hat_sample(x_T, eps_hat, ALPHA_BAR, tau, rng, level == CLEAN_HAT)
    return ddim_sample(x_T, eps_hat, ALPHA_BAR, tau, float(level), rng)


def _check(data, seed, n):
    """Check what all draws are told: the data set, a seed, and how many (None for the usual number)."""
    require.choice("data", data, (*DATA_SETS, "digits"))
    require.seed(seed)
    if n is not None:
        require.whole("n", n, 1, require.MANY)


# --- metrics -----------------------------------------------------------------------------------------------------


@remember(1)
def judge():
    """Return the judge of pictures: (n, 64) -> (features, confidence), of the small classifier."""
    return load_weights("digit classifier").judge


@remember(1)
def true_features():
    """The features of the 1,797 true digits."""
    return judge()(load_digits()[0])[0]


def true_draw(data, seed, stream=2, n=None):
    """Return n fresh true samples (``POINTS`` or ``DIGITS`` if None); digits are drawn with replacement."""
    _check(data, seed, n)
    require.whole("stream", stream, 0, require.MANY)
    rng = np.random.default_rng([8, seed, stream])
    if data == "digits":
        return load_digits()[0][rng.integers(0, 1797, n or DIGITS)]
    return data_set(data).sample(n or POINTS, rng)


def describe(data, samples):
    """Return what the metrics need to know of each sample, a dict of arrays of length n.

    Points: the samples, the distance to the nearest centre and its index. Digits: the classifier's features and
    confidence, and the distance to the nearest true digit (root mean square over the pixels).
    """
    if data == "digits":
        features, confidence = judge()(samples)
        away = nearest(samples.astype(float), load_digits()[0])[1] / 8  # √64 pixels
        return {"features": features, "away": away, "confidence": confidence}
    index, away = nearest(samples, data_set(data).means)
    return {"samples": samples, "away": away, "index": index}


def measure(data, facts, truth=None):
    """Return the metrics of :func:`metrics_of`, in their order, from the samples' :func:`describe`.

    Points: sliced W2 to as many points ``truth``, root mean square distance to the nearest centre, share of centres
    that got half their fair share. Digits: Fréchet distance to all true digits in the classifier's features, mean
    distance to the nearest true digit, share of pictures of which the classifier is sure (> 0.8).
    """
    if data == "digits":
        distance = frechet_distance(facts["features"], true_features())
        return distance, float(facts["away"].mean()), float(np.mean(facts["confidence"] > 0.8))
    centres = len(data_set(data).means)
    counts = np.bincount(facts["index"], minlength=centres)
    off = float(np.sqrt(np.mean(facts["away"] ** 2)))
    return sliced_w2(facts["samples"], truth, 32), off, float(np.mean(counts >= counts.sum() / centres / 2))


def measure_with_error(data, parts):
    """Return (metrics, errors) of the samples ``parts``, a list of arrays, one for each seed.

    All seeds together are measured, then all but one at a time; how much that changes is the jackknife's standard
    error √((m−1)/m Σ (θ_without_i − mean)²). For a metric that is a mean it is the usual standard error.
    """
    require.sequence("parts", parts, "a list of arrays of samples")
    m, described = len(parts), [describe(data, part) for part in parts]
    require.that(m >= 2, "the number of parts", m, "at least 2: the error is the change when one is left out")
    truths = None if data == "digits" else [true_draw(data, seed, n=len(part)) for seed, part in enumerate(parts)]

    def without(left_out):
        kept = [k for k in range(m) if k != left_out]
        facts = {name: np.concatenate([described[k][name] for k in kept]) for name in described[0]}
        return measure(data, facts, truths and np.concatenate([truths[k] for k in kept]))

    rest = np.array([without(k) for k in range(m)])
    return np.array(without(None)), np.sqrt((m - 1) * rest.var(axis=0))


def floors(data, n, repeats=12):
    """Return (mean, standard deviation) of the metrics of ``n`` true samples.

    Only "nearest picture" is special: a true digit is in the set, so its distance is to the nearest *other* one.
    """
    require.whole("repeats", repeats, 2, 10_000)
    draws = [[true_draw(data, k, stream, n) for stream in (3, 4)] for k in range(repeats)]
    rows = [measure(data, describe(data, samples), truth) for samples, truth in draws]
    mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1)
    if data == "digits":
        mean[1], spread[1] = nearest_other().mean(), 0.0
    return mean, spread


def nearest_other():
    """Return each true digit's distance to the nearest other true digit, root mean square a pixel; shape (1797,)."""
    x, _ = load_digits()
    squared = (x**2).sum(axis=1)[:, None] - 2 * x @ x.T + (x**2).sum(axis=1)
    np.fill_diagonal(squared, np.inf)
    return np.sqrt(squared.min(axis=1)) / 8
