"""Whatever numbers are written in, the answer is that of float64, up to the rounding of what they are written in; or
it is one sentence that names the argument."""

import re

import numpy as np
import pytest
import torch
from sweeps import (
    CALLS,
    NOT_THERE,
    WRITTEN,
    arrays_of,
    as_in_the_table,
    difference,
    flat,
    is_sentence,
    numbers,
    precision,
    put,
    results,
)
from test_misuse import ALPHA_BAR, MIXTURE, NAMES, NETWORK, TAU, rng

from ddim_lessons import ddim, gaussians, metrics, objective, solvers
from ddim_lessons.detection import boxes
from ddim_lessons.learning import networks, quality

# what a sentence calls an argument otherwise
SAID = {"alpha_bar": r"ᾱ|alpha_bar", "parts": "samples"}


def bases(value):
    """The argument of the table as float64, and in whole numbers that nearly fill eight bits."""
    value = numbers(value)
    return [value, np.round(value * 100)]


@pytest.mark.parametrize("name", NAMES)
def test_one_argument_written_another_way(name):
    function, bad = NAMES[name], []
    for path, value in arrays_of(CALLS[function]):
        for base in bases(value):
            for way, write in WRITTEN.items():
                with np.errstate(all="ignore"):
                    written = write(base)
                    same = as_in_the_table(value, numbers(written))
                right = results(function, put(CALLS[function], path, same))
                other = results(function, put(CALLS[function], path, written))
                wrong = difference(right, other, precision(way))
                bad += [f"{path} = {way}: {wrong}"] if wrong else []
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("name", NAMES)
def test_numbers_that_are_not_there_are_no_numbers(name):
    function, bad = NAMES[name], []
    for path, value in arrays_of(CALLS[function]):
        for way, write in NOT_THERE.items():
            other = results(function, put(CALLS[function], path, write(numbers(value))))
            named = is_sentence(other) and re.search(SAID.get(path[0], path[0]), str(other))
            bad += [] if named else [f"{path} = {way}: {other!r}"]
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("name", [name for name in NAMES if len(list(arrays_of(CALLS[NAMES[name]]))) > 1])
def test_each_argument_written_its_own_way(name):
    function, bad, choose = NAMES[name], [], np.random.default_rng(0)
    for _ in range(30):
        right, other, ways = CALLS[function], CALLS[function], []
        for path, value in arrays_of(CALLS[function]):
            ways.append(str(choose.choice(list(WRITTEN))))
            with np.errstate(all="ignore"):
                written = WRITTEN[ways[-1]](numbers(value))
                right = put(right, path, as_in_the_table(value, numbers(written)))
            other = put(other, path, written)
        wrong = difference(results(function, right), results(function, other), max(map(precision, ways)))
        bad += [f"{ways}: {wrong}"] if wrong else []
    assert not bad, "\n".join(bad)


# --- formulas of values: they check nothing, and are exact all the same ---------------------------------------------

A, B, C = np.array([1.0, 2, 40]), np.array([3.0, 1, 90]), np.array([100.0, 2, 5])
BOX = np.array([[40.0, 40, 20, 60], [100, 90, 30, 40]])
FORMULAS = [
    (ddim.add_noise, (A, B, 0.25)), (ddim.predict_x0, (A, B, 0.25)), (ddim.predict_eps, (A, B, 0.25)),
    (ddim.move, (A, B, 0.25)), (ddim.move, (A, B, 0.25, 0.5, C)), (boxes.encode, (BOX,)), (boxes.decode, (BOX,)),
    (boxes.corners, (BOX,)), (boxes.paired_giou, (BOX, BOX[::-1].copy())), (gaussians.log_normal, (A, B, C)),
    (gaussians.product, (A, B, B, C)), (gaussians.kl, (A, B, C, A)), (gaussians.noised, (A, B, 0.25)),
    (gaussians.exact_eps, (A, B, C, 0.25)), (gaussians.gaussian_denoiser, (A, B, 0.25)),
    (solvers.gaussian_flow, (A, B, C, 0.25)), (networks.make_target, (A, B, 0.25, "v")),
    (networks.to_eps, (A, B, 0.25, "v")), (networks.to_eps, (A, B, 0.25, "x0")), (objective.entropy, (A,)),
    (objective.prior_term, (A, 0.25)), (metrics.standard_error, (A,)),
]  # fmt: skip
# what has arithmetic; of whole numbers torch makes 32 bits, and it subtracts no truth values
ARITHMETIC = [way for way in WRITTEN if way not in ("lists", "tuples", "a column", "a matrix", "torch.bool")]
WITH_NUMPY_S_LOGARITHM = (gaussians.log_normal, gaussians.kl, objective.entropy, objective.prior_term)


@pytest.mark.parametrize("function, values", FORMULAS, ids=[f.__name__ for f, _ in FORMULAS])
def test_formulas_do_not_wrap_around(function, values):
    bad = []
    for way in ARITHMETIC:
        if "torch" in way and function in WITH_NUMPY_S_LOGARITHM:
            continue
        with np.errstate(all="ignore"):
            written = [WRITTEN[way](v) if isinstance(v, np.ndarray) else v for v in values]
            same = [numbers(w) if isinstance(v, np.ndarray) else v for v, w in zip(values, written, strict=True)]
            right, other = (list(flat(function(*given))) for given in (same, written))
            wrong = difference(right, other, max(4 * precision(way), 2e-5 * way.startswith("torch")))
        bad += [f"{way}: {wrong}"] if wrong else []
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, torch.float32, torch.float64])
def test_samplers_keep_the_dtype_of_x_whatever_the_denoiser_answers_in(dtype):
    x = torch.ones(3, 2, dtype=dtype) if isinstance(dtype, torch.dtype) else np.ones((3, 2), dtype)
    double = torch.float64 if isinstance(dtype, torch.dtype) else np.float64
    alpha_bar = ALPHA_BAR
    denoisers = [lambda x, t: x / 2, lambda x, t: x.to(double) if hasattr(x, "to") else x.astype(double)]
    denoisers += [MIXTURE.eps_fn(alpha_bar), networks.eps_fn(NETWORK)]
    for eps_fn in denoisers:
        walk = {"eps_fn": eps_fn, "alpha_bar": getattr(eps_fn, "alpha_bar", alpha_bar), "tau": TAU}
        ends = [
            ddim.ddim_sample(x, **walk), ddim.ddim_sample(x, **walk, eta=1.0, rng=rng()),
            [*ddim.ddim_path(x, **walk, eta=0.5, rng=rng())][-1].x, [*ddim.invert_path(x, **walk)][-1].x,
            solvers.invert(x, **walk, rounds=1), solvers.multistep_sample(x, **walk),
            quality.hat_sample(x, **walk, rng=rng()),
        ]  # fmt: skip
        assert {(type(end), end.dtype) for end in ends} == {(type(x), x.dtype)}


def test_a_sample_carries_the_gradient_of_its_start():
    x = torch.ones(3, 2, requires_grad=True)
    ddim.ddim_sample(x, lambda x, t: x / 2, ALPHA_BAR, TAU).sum().backward()
    a = ddim.ddim_sample(np.ones((3, 2)), lambda x, t: x / 2, ALPHA_BAR, TAU)
    assert np.allclose(x.grad, a, rtol=1e-6)  # everything is linear
