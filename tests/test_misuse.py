"""Misuse: whatever stands where an argument should be, the answer is a sentence of ours or a finite result."""

import re
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ddim_lessons import checks, ddim, errors, grids, metrics, networks, notation, schedules, solvers, split, training
from ddim_lessons.boxes import nms
from ddim_lessons.cache import bounded_cache
from ddim_lessons.digits import digit
from ddim_lessons.exercises import exercise
from ddim_lessons.gaussians import sampler_moments
from ddim_lessons.objective import bound
from ddim_lessons.oracle import GaussianMixture
from ddim_lessons.toy_data import data_set, ring, two_peaks

PACKAGE = str(Path(errors.__file__).parent)
ALPHA_BAR = schedules.alpha_bar_schedule("linear", 10)
X, TAU = np.arange(8.0).reshape(4, 2) / 8 + 0.1, (10, 5, 0)
PATH = {"eps_fn": lambda x, t: x / 2, "alpha_bar": ALPHA_BAR, "tau": TAU}
MIXTURE, SPLIT = ring(), split.chain_and_star(10, {3, 10})
DRAWS = np.random.default_rng(0).standard_normal(100)
torch.manual_seed(0)
NETWORK = networks.PointMLP(width=8, T=10)


def rng():
    return np.random.default_rng(0)


# Every public function that checks its arguments, with arguments that are right. (The formulas of values, such as
# ``ddim.variance`` and ``gaussians.kl``, run on SymPy symbols too and check nothing: ddim.py says so.)
CALLS = {
    schedules.linear_beta: {"T": 10, "first": 1e-4, "last": 0.02},
    schedules.cosine_beta: {"T": 10, "offset": 0.008, "beta_max": 0.999},
    schedules.alpha_bar_from_beta: {"beta": np.array([0, 0.1, 0.2])},
    schedules.alpha_bar_schedule: {"name": "linear", "T": 10},
    schedules.horizon: {"alpha_bar": ALPHA_BAR},
    schedules.make_tau: {"T": 10, "S": 3, "spacing": "linear"},
    schedules.check_tau: {"tau": TAU, "T": 10},
    ddim.ddim_step: {"x_t": X, "eps_hat": X, "alpha_bar": ALPHA_BAR, "t": 10, "t_prev": 5, "eta": 0.5, "noise": X},
    ddim.ddim_path: {"x_T": X, **PATH, "eta": 0.5, "rng": rng()},
    ddim.ddim_states: {"x_T": X, **PATH, "eta": 0.5, "rng": rng()},
    ddim.ddim_sample: {"x_T": X, **PATH, "eta": 0.5, "rng": rng()},
    ddim.affine_steps: {"alpha_bar": ALPHA_BAR, "tau": TAU, "eta": 0.5},
    ddim.invert_step: {"x_prev": X, "eps_hat": X, "alpha_bar": ALPHA_BAR, "t_prev": 5, "t": 10},
    ddim.invert_path: {"x_0": X, **PATH},
    ddim.alpha_bar_pair: {"alpha_bar": ALPHA_BAR, "t": 10, "t_prev": 5},
    ddim.checked_variance: {"alpha_bar_t": 0.3, "alpha_bar_prev": 0.6, "eta": 0.5},
    ddim.standard_normal_like: {"x": X, "rng": rng()},
    split.chain_and_star: {"T": 10, "A": {3, 10}},
    split.full_chain: {"T": 5},
    split.star: {"T": 5},
    split.read_literally: {"T": 10, "A": {3, 10}},
    split.generative: {"T": 10, "A": {3, 10}},
    split.lint: {"factors": SPLIT, "T": 10},
    split.in_order: {"factors": SPLIT},
    split.law: {"factor": SPLIT[1], "alpha_bar": ALPHA_BAR, "eta": 0.5},
    split.jump: {"alpha_bar": ALPHA_BAR, "t": 10, "t_prev": 3, "eta": 0.5, "sigma_sq": {(10, 3): 0.001}, "root": 1},
    split.system: {"factors": SPLIT, "alpha_bar": ALPHA_BAR, "eta": 0.5},
    split.joint: {"factors": SPLIT, "alpha_bar": ALPHA_BAR, "eta": 0.5, "root": 1},
    split.sample: {"factors": SPLIT, "x0": 1.0, "alpha_bar": ALPHA_BAR, "n": 3, "rng": rng(), "eta": 0.5},
    split.log_product: {"x": np.ones((3, 11)), "factors": SPLIT, "alpha_bar": ALPHA_BAR, "eta": 0.5},
    split.normaliser: {"factors": SPLIT, "alpha_bar": ALPHA_BAR, "eta": 0.5},
    split.integral: {"R": np.eye(3), "var": np.ones(3)},
    split.latex: {"factors": SPLIT, "name": "q"},
    solvers.smooth_alpha_bar: {"S": 10, "power": 2},
    solvers.cdf: {"mixture": two_peaks(), "x": np.ones((3, 1)), "alpha_bar_t": 0.5},
    solvers.quantile_map: {"mixture": two_peaks(), "x_T": np.ones((3, 1)), "alpha_bar_T": 0.5},
    solvers.multistep_path: {"x_T": X, **PATH, "guess": "x0"},
    solvers.multistep_sample: {"x_T": X, **PATH, "guess": "eps"},
    solvers.slerp: {"a": X, "b": X[::-1].copy(), "w": 0.5},
    solvers.invert: {"x_0": X, **PATH, "rounds": 1},
    GaussianMixture: {"means": X, "std": 0.1, "weights": [1, 1, 1, 1]},
    MIXTURE.sample: {"n": 3, "rng": rng()},
    MIXTURE.eps: {"x_t": X, "alpha_bar_t": 0.5},
    MIXTURE.x0: {"x_t": X, "alpha_bar_t": 0.5},
    MIXTURE.log_density: {"x_t": X, "alpha_bar_t": 0.5},
    MIXTURE.responsibilities: {"x_t": X, "alpha_bar_t": 0.5},
    MIXTURE.eps_fn: {"alpha_bar": ALPHA_BAR},
    ring: {"modes": 8, "std": 0.05},
    data_set: {"name": "moons"},
    metrics.sliced_w2: {"x": X, "y": X, "directions": 8, "rng": rng()},
    metrics.frechet_distance: {"a": X, "b": X},
    metrics.coverage: {"x": X, "centres": X},
    metrics.off_manifold: {"x": X, "centres": X},
    metrics.nearest: {"x": X, "centres": X},
    metrics.noise_floor: {"distance": metrics.sliced_w2, "data": MIXTURE, "n": 10, "rng": rng(), "repeats": 2},
    digit: {"label": 3, "index": 0},
    sampler_moments: {"mean_0": 0.0, "var_0": 1.0, "alpha_bar": ALPHA_BAR, "tau": TAU, "eta": 0.5},
    bound: {"x0": 0.3, "mean": 0.0, "var": 1.0, "alpha_bar": ALPHA_BAR, "tau": TAU, "eta": 0.5},
    checks.verify: {"equation": "1.1", "left": 1.0, "right": 1.0, "tol": 1e-9},
    checks.verify_mean: {"equation": "1.1", "draws": DRAWS, "expected": 0.0, "sigmas": 5},
    checks.verify_true: {"equation": "1.1", "statement": "it is so", "condition": True},
    checks.claim: {"statement": "it is so", "condition": True},
    exercise: {"number": "0.1"},
    bounded_cache: {"megabytes": 1.0},
    nms: {"boxes": np.full((3, 4), 0.5), "scores": np.ones(3), "labels": np.zeros(3), "threshold": 0.5},
    grids.inspect: {"times": (10, 5), "alpha_bar": ALPHA_BAR},
    notation.translate: {"meaning": "clean sample"},
    notation.schedule_in_the_notation_of: {"author": "DDIM paper", "beta": np.array([0, 0.1, 0.2])},
    networks.PointMLP: {"dim": 2, "width": 8, "depth": 2, "target": "v", "schedule": "linear", "T": 10},
    networks.DigitUNet: {"channels": 4, "target": "v", "schedule": "linear", "T": 10},
    networks.eps_fn: {"model": NETWORK},
    networks.eps_fn(NETWORK): {"x": X, "t": 3},
    networks.network_states: {"model": NETWORK, "x_T": X, "tau": TAU, "eta": 0.5, "rng": rng()},
    training.load_weights: {"name": "moons"},
    training.load_model: {"path": training.weights_path("moons")},
    training.Run: {
        "model": NETWORK, "x0": X, "steps": 5, "batch": 4, "lr": 0.1, "decay": 0.9, "power": 1.0, "seed": 0,
        "device": "cpu",
    },
}  # fmt: skip
NAMES = {getattr(function, "__qualname__", str(function)): function for function in CALLS}
FREE = {("verify", "equation"), ("verify_mean", "equation"), ("verify_true", "equation")}  # shown, never computed with
FREE |= {("verify_true", "statement"), ("claim", "statement"), ("sampler_moments", "mean_0")}
FREE |= {("sampler_moments", "var_0"), ("bound", "x0"), ("bound", "mean"), ("bound", "var")}  # parts of formulas
FREE |= {("eps_fn.<locals>.eps_hat", "x")}  # NaN comes out as NaN, and the sampler that called says where
SIZES = {
    "T",
    "S",
    "n",
    "steps",
    "batch",
    "modes",
    "directions",
    "repeats",
    "rounds",
    "dim",
    "width",
    "depth",
    "channels",
}

HOSTILE = {
    "None": None, "a text": "seven", "an empty text": "", "NaN": float("nan"), "∞": float("inf"), "negative": -3,
    "zero": 0, "huge": 10**400, "a fraction": 2.5, "True": True, "an empty list": [], "a dict": {}, "a set": {1, 2},
    "lists": [[1.0, 2.0], [3.0, 4.0]], "lists of unequal lengths": [[1.0], [2.0, 3.0]], "an object": object(),
    "no rows": np.zeros((0, 2)), "NaN inside": np.full((4, 2), np.nan), "∞ inside": np.full((4, 2), np.inf),
    "another shape": np.ones((4, 3)), "one axis": np.ones(4), "no axis": np.array(1.0), "texts": np.array(["a", "b"]),
    "objects": np.array([None, 1], dtype=object), "rising": np.linspace(0.1, 1, 11), "flat": np.full(11, 0.5),
    "whole numbers": np.ones((4, 2), dtype=int), "complex": np.ones((4, 2)) * 1j, "too large": np.full((4, 2), 1e300),
    "yes and no": np.ones((4, 2), dtype=bool), "a tensor": torch.ones(4, 2), "a function": lambda *_: None,
    "a function to NaN": lambda x, t=0: x * float("nan"), "a function to a number": lambda *_: 0.5,
}  # fmt: skip


def is_finite(result):
    """Whether a result holds no NaN, no infinity and nothing complex; what is no number is fine."""
    if isinstance(result, tuple | list):
        return all(map(is_finite, result))
    if isinstance(result, torch.Tensor):
        return bool(torch.isfinite(result).all())
    if not isinstance(result, np.ndarray | float | complex | np.generic):
        return True
    return not np.iscomplexobj(result) and (np.asarray(result).dtype.kind != "f" or bool(np.isfinite(result).all()))


def complaint(function, arguments):
    """Return what is wrong with how ``function`` takes ``arguments``, or None."""
    try:
        result = function(**arguments)
        result = list(result) if hasattr(result, "__next__") else result
    except (ValueError, AssertionError) as error:
        last = traceback.extract_tb(sys.exc_info()[2])[-1]
        sentence = re.search(r"\b(is|are|has|have|contains?|compares|not|holds) ", str(error))
        return None if last.filename.startswith(PACKAGE) and sentence else f"{last.filename}: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None if is_finite(result) else f"returned {result!r}"


@pytest.mark.parametrize("name", NAMES)
def test_arguments_that_are_right_are_taken(name):
    assert complaint(NAMES[name], CALLS[NAMES[name]]) is None


@pytest.mark.parametrize("name", NAMES)
def test_one_wrong_argument_gets_a_sentence(name):
    function, bad = NAMES[name], []
    for argument in CALLS[function]:
        for what, value in HOSTILE.items():
            if (name, argument) not in FREE:
                found = complaint(function, CALLS[function] | {argument: value})
                bad += [f"{argument} = {what}: {found}"] if found else []
    assert not bad, "\n".join(bad)


def numbers():
    small = st.integers(-3, 12) | st.floats(-2, 12) | st.floats(allow_nan=True, allow_infinity=True)
    return small | st.sampled_from([0, 1, -1, 1e-300, 1e300, 5e-324, 0.9999999999999999])


def strange_things():
    kinds = st.sampled_from([float, np.float32, int, bool, complex, "U2"])
    shapes = array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=11)
    lists = st.lists(numbers() | st.none() | st.text(max_size=2) | st.lists(numbers(), max_size=3), max_size=4)
    return st.sampled_from([*HOSTILE.values()]) | numbers() | lists | arrays(kinds, shapes) | st.text(max_size=3)


@given(st.sampled_from(sorted(NAMES)), st.data())
def test_fuzz_any_arguments_at_all(name, data):
    function = NAMES[name]
    right = CALLS[function]
    changeable = sorted(argument for argument in right if (name, argument) not in FREE)
    chosen = data.draw(st.sets(st.sampled_from(changeable), min_size=1, max_size=3))
    wrong = {argument: data.draw(strange_things(), label=argument) for argument in sorted(chosen)}
    for argument in SIZES & set(wrong):
        if isinstance(wrong[argument], int) and 1000 < wrong[argument] < 10**300:
            wrong[argument] = 1000
    assert complaint(function, right | wrong) is None
