"""Misuse: whatever stands where an argument should be, the answer is a sentence of ours or a finite result."""

import ast
import json
import pickle
import re
import sys
import traceback
from contextlib import chdir
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ddim_lessons import ddim, files, lessons, metrics, own, require, schedules, solvers, split
from ddim_lessons.detection import boxes, detector, sampling, shapes
from ddim_lessons.detection import training as detection_training
from ddim_lessons.files import ROOT
from ddim_lessons.gaussians import sampler_moments
from ddim_lessons.learning import cases, denoisers, networks, quality, runs, training, weights
from ddim_lessons.learning import own as own_networks
from ddim_lessons.lessons.lesson_00 import notation
from ddim_lessons.lessons.lesson_01 import pictures as lesson_01
from ddim_lessons.lessons.lesson_04 import pictures as lesson_04
from ddim_lessons.lessons.lesson_07 import pictures as lesson_07
from ddim_lessons.lessons.lesson_08 import pictures as lesson_08
from ddim_lessons.lessons.lesson_09 import pictures as lesson_09
from ddim_lessons.lessons.lesson_10 import pictures as lesson_10
from ddim_lessons.lessons.lesson_12 import bug_museum, grids
from ddim_lessons.objective import bound
from ddim_lessons.oracle import GaussianMixture, finite_eps_fn
from ddim_lessons.remember import remember
from ddim_lessons.teaching import checks, exercises, progress
from ddim_lessons.teaching.exercises import exercise
from ddim_lessons.toy_data import data_set, digit, ring, two_peaks

PACKAGE = str(Path(require.__file__).parent)
ALPHA_BAR = schedules.alpha_bar_schedule("linear", 10)
X, TAU = np.arange(8.0).reshape(4, 2) / 8 + 0.1, (10, 5, 0)
PATH = {"eps_fn": lambda x, t: x / 2, "alpha_bar": ALPHA_BAR, "tau": TAU}
MIXTURE, SPLIT = ring(), split.chain_and_star(10, {3, 10})
DRAWS = np.random.default_rng(0).standard_normal(100)
torch.manual_seed(0)
NETWORK = networks.PointMLP(width=8, T=10)


def rng():
    return np.random.default_rng(0)


BOXES, PICTURES = np.full((3, 4), 0.5), shapes.draw_pictures(rng(), 2)
DETECTOR = detector.Detector(channels=8, width=16, stages=1, roi=2)
WALK = {"model": DETECTOR, "maps": sampling.maps_of(DETECTOR, PICTURES), "z_T": sampling.draw_codes(rng(), 2, 5)}
VISITS = list(sampling.detection_path(**WALK, tau=(1000, 500, 0), rng=rng()))
FOUND, TRUTH = sampling.results(VISITS), [PICTURES.objects(i) for i in range(2)]
WORKSHOP = TemporaryDirectory()  # what is saved by a name alone is saved here
HERE = Path(WORKSHOP.name)


@pytest.fixture(autouse=True, scope="module")
def in_the_workshop():
    with chdir(HERE):
        yield


OWN, WORD = own.own_data(X).on_schedule(ALPHA_BAR), own.own_data("o")
ANSWER = own_networks.own_network(lambda x, t: 0 * x, OWN)
MODEL, SCHEDULER = torch.nn.Identity(), SimpleNamespace(  # what is read of diffusers' classes
    alphas_cumprod=torch.linspace(0.9, 0.1, 10), timesteps=torch.tensor([9, 4]), set_timesteps=lambda S: None,
    config=SimpleNamespace(prediction_type="epsilon", num_train_timesteps=10, set_alpha_to_one=True,
                           timestep_spacing="trailing"),
)  # fmt: skip
MODEL.config = SimpleNamespace(in_channels=1, sample_size=8)
own_networks.save_own(OWN, HERE / "mine")
SYMBOLS = notation.schedule_in_the_notation_of("DDIM paper", np.array([0, 0.1, 0.2]))

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
    ddim.walk: {"argument": "x_T", "x": X, **PATH, "eta": 0.5},
    ddim.jumps: {"alpha_bar": ALPHA_BAR, "tau": TAU, "eta": 0.5},
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
    remember: {"results": 2, "megabytes": 1.0},
    boxes.iou: {"a": BOXES, "b": BOXES},
    boxes.giou: {"a": BOXES, "b": BOXES},
    boxes.average_precision: {"found": FOUND, "truth": TRUTH, "classes": 3},
    boxes.nms: {"boxes": BOXES, "scores": np.ones(3), "labels": np.zeros(3), "threshold": 0.5},
    shapes.draw_pictures: {"rng": rng(), "n": 2, "fewest": 1, "most": 3},
    shapes.crowd_pictures: {"rng": rng(), "n": 2},
    PICTURES.objects: {"i": 0},
    PICTURES.only: {"i": 0},
    detector.Detector: {"channels": 8, "width": 16, "stages": 1, "roi": 2},
    sampling.draw_codes: {"rng": rng(), "B": 2, "N": 5},
    sampling.detection_path: WALK | {"tau": (1000, 500, 0), "rng": rng(), "eta": 1.0, "update": "DDIM", "told": 9},
    sampling.ensemble_of: {"visits": VISITS, "ensemble": "all"},
    sampling.results: {"visits": VISITS, "ensemble": "all", "lowest": 0.0},
    sampling.maps_of: {"model": DETECTOR, "pictures": PICTURES},
    sampling.precision_of: {"found": FOUND, "pictures": PICTURES},
    detection_training.noisy_boxes: {"rng": rng(), "pictures": PICTURES, "N": 8, "alpha_bar_t": 0.5},
    detection_training.DetectionRun: {
        "model": DETECTOR, "steps": 2, "batch": 1, "lr": 0.1, "decay": 0.9, "earliest": 1, "seed": 0, "device": "cpu",
    },
    grids.leading_from_0: {"T": 10, "S": 3},
    grids.leading_offset_1: {"T": 10, "S": 3},
    grids.strided_range: {"T": 10, "S": 3},
    grids.strided_range_plus_1: {"T": 10, "S": 3},
    grids.squares_to_80_percent: {"T": 10, "S": 3},
    grids.even_to_both_ends: {"T": 10, "S": 3},
    grids.trailing_in_floats: {"T": 10, "S": 3},
    grids.inspect: {"times": (10, 5), "alpha_bar": ALPHA_BAR},
    notation.translate: {"meaning": "clean sample"},
    notation.schedule_in_the_notation_of: {"author": "DDIM paper", "beta": np.array([0, 0.1, 0.2])},
    notation.beta_in_the_notation_of: {"author": "DDIM paper", "symbols": SYMBOLS, "t": 1},
    notation.marginal_in_the_notation_of: {"author": "DDIM paper", "symbols": SYMBOLS, "t": 1},
    cases.metrics_of: {"data": "moons"},
    denoisers.network: {"name": "moons"},
    denoisers.denoiser_of: {"data": "moons", "denoiser": "exact"},
    runs.floor_of: {"data": MIXTURE, "n": 10},
    finite_eps_fn: {"points": X, "alpha_bar": ALPHA_BAR},
    quality.hat_sample: {"x_T": X, **PATH, "rng": rng()},
    quality.sample_case: {
        "data": "moons", "denoiser": "exact", "S": 2, "level": "0.5", "seed": 0, "n": 5,
    },
    quality.true_draw: {"data": "moons", "seed": 0, "stream": 2, "n": 5},
    quality.measure_with_error: {"data": "moons", "parts": [X, X]},
    quality.floors: {"data": "moons", "n": 5, "repeats": 2},
    bug_museum.right_sampler: {"x": X, "eps_fn": PATH["eps_fn"], "alpha_bar": ALPHA_BAR, "S": 3, "rng": rng()},
    bug_museum.right_encoder: {"x": X, "eps_fn": PATH["eps_fn"], "alpha_bar": ALPHA_BAR, "S": 3, "rng": None},
    lesson_01.chain: {"x0": X[:, 0], "beta": schedules.linear_beta(10), "rng": rng()},
    lesson_04.link: {"t": 10, "s": 5, "eta": 0.5},
    lesson_07.starts: {"seed": 0, "n": 5},
    lesson_08.cell: {"data": "moons", "denoiser": "exact", "metric": "coverage", "level": "0", "S": 5},
    lesson_08.floor: {"data": "moons", "metric": "coverage"},
    lesson_09.class_shares: {"x": np.zeros((2, 64))},
    lesson_10.control: {"name": "full", "ensemble": "all", "kind": "AP"},
    files.read_data: {"name": "digits.npz"},
    files.read_json: {"name": "results/lesson_09.json"},
    files.read_arrays: {"name": "digits.npz"},
    networks.DigitClassifier: {"width": 8, "features": 4},
    networks.PointMLP: {"dim": 2, "width": 8, "depth": 2, "target": "v", "schedule": "linear", "T": 10},
    networks.DigitUNet: {"channels": 4, "target": "v", "schedule": "linear", "T": 10},
    networks.eps_fn: {"model": NETWORK},
    networks.eps_fn(NETWORK): {"x": X, "t": 3},
    networks.network_states: {"model": NETWORK, "x_T": X, "tau": TAU, "eta": 0.5, "rng": rng()},
    own.own_data: {"source": X, "name": "mine"},
    own.mixture_of: {"points": X, "most": 2},
    OWN.scaled: {"x": X},
    OWN.back: {"x": X},
    OWN.on_schedule: {"alpha_bar": ALPHA_BAR},
    OWN.with_network: {"network": NETWORK},
    WORD.in_ink: {"x": X},
    schedules.own_schedule: {"alpha_bar": ALPHA_BAR, "T": 10},
    own_networks.own_run: {
        "data": OWN, "steps": 2, "batch": 4, "width": 8, "waves": 1, "power": 1.0, "target": "v", "seed": 0,
        "device": "cpu",
    },
    own_networks.trained: {"data": OWN, "steps": 2, "width": 8},
    own_networks.as_data: {"data": OWN},
    own_networks.OwnNetwork: {
        "call": lambda x, t: x, "alpha_bar": ALPHA_BAR, "predicts": "eps", "time": "1..T", "shape": (2,), "clip": 1.0,
    },
    ANSWER.pair: {"x": X, "t": 5},
    ANSWER.states: {"x_T": X, "tau": TAU, "eta": 0.5, "rng": rng()},
    own_networks.pair_states: {
        "x_T": X, "pair": ANSWER.pair, "alpha_bar": ALPHA_BAR, "tau": TAU, "eta": 0.5, "rng": rng(),
    },
    own_networks.own_pair: {"data": OWN, "denoiser": "exact"},
    own_networks.own_states: {
        "data": OWN, "denoiser": "exact", "x_T": X, "tau": TAU, "eta": 0.5, "rng": rng(),
    },
    own_networks.own_network: {
        "call": lambda x, t: 0 * x, "data": OWN, "predicts": "eps", "time": "1..T", "shape": (2,), "clip": 1.0,
    },
    own_networks.from_diffusers: {"model": MODEL, "scheduler": SCHEDULER},
    own_networks.diffusers_tau: {"scheduler": SCHEDULER, "S": 2},
    own_networks.save_own: {"data": OWN, "path": HERE / "mine"},
    own_networks.load_own: {"path": HERE / "mine"},
    weights.load_weights: {"name": "moons"},
    weights.load_model: {"path": weights.weights_path("moons")},
    training.Run: {
        "model": NETWORK, "x0": X, "steps": 5, "batch": 4, "lr": 0.1, "decay": 0.9, "power": 1.0, "seed": 0,
        "device": "cpu",
    },
}  # fmt: skip
NAMES = {getattr(function, "__qualname__", str(function)): function for function in CALLS}
FREE = {("verify", "equation"), ("verify_mean", "equation"), ("verify_true", "equation")}  # shown, never computed with
FREE |= {("verify_true", "statement"), ("claim", "statement"), ("own_data", "name"), ("sampler_moments", "mean_0")}
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
    changeable = sorted(argument for argument in right if (name, argument) not in FREE | {("save_own", "path")})
    chosen = data.draw(st.sets(st.sampled_from(changeable), min_size=1, max_size=3))
    wrong = {argument: data.draw(strange_things(), label=argument) for argument in sorted(chosen)}
    for argument in SIZES & set(wrong):
        if isinstance(wrong[argument], int) and 1000 < wrong[argument] < 10**300:
            wrong[argument] = 1000
    assert complaint(function, right | wrong) is None


# --- a reader's answer to an exercise may be anything --------------------------------------------------------------

EXERCISES = {
    number: found for info in iter_modules(lessons.__path__) if info.ispkg
    for number, found in import_module(f"{lessons.__name__}.{info.name}.exercises").EXERCISES.items()
}  # fmt: skip


class Hostile:
    """Neither compared, nor shown, nor made an array of."""

    def __eq__(self, other):
        raise RuntimeError("no comparison")

    __hash__ = None

    def __str__(self):
        raise RuntimeError("no words")

    def __array__(self, *more):
        raise RuntimeError("no array")


def calls_itself(*arguments):
    return calls_itself(*arguments)


def leaves(*arguments):
    sys.exit()


ANSWERS = list(HOSTILE.values()) + [
    ..., 1j, np.ones(3) * 1j, "1", (None, 1.0), b"a", range(3), np, int, [[[1, [2]]]], np.zeros(10**6), Hostile(),
    np.datetime64("2020-01-01"), torch.ones(2, requires_grad=True), torch.ones(2, dtype=torch.bfloat16),
]  # fmt: skip
FUNCTIONS = [lambda: 1, lambda *_, key: 1, lambda *a: a, lambda *a: (yield 1), calls_itself, leaves, Hostile]


@pytest.mark.parametrize("number", EXERCISES)
def test_any_answer_gets_one_line_and_none_of_these_is_right(number, capsys):
    for answer in ANSWERS + FUNCTIONS + [lambda *_, value=value: value for value in ANSWERS]:
        verdict, sentence = exercises.judge(EXERCISES[number], answer)
        assert verdict in ("open", "wrong", "known mistake"), answer
        assert len(sentence) < 600 and "\n" not in sentence


@pytest.mark.parametrize("number", EXERCISES)
def test_an_answer_that_works_in_place_does_not_change_the_question(number):
    def spoils(*arguments):
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                argument *= 0

    exercise = EXERCISES[number]
    before = pickle.dumps(exercise.cases)
    exercises.judge(exercise, spoils)
    assert pickle.dumps(exercise.cases) == before
    assert exercises.judge(exercise, exercise.truth)[0] == "right"


# --- cells: out of order, interrupted, with a name written over ------------------------------------------------------

LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def code_cells(path):
    return ["".join(c["source"]) for c in json.loads(path.read_text("utf-8"))["cells"] if c["cell_type"] == "code"]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_imports_stand_first_in_their_cell_and_no_cell_writes_over_one(path):
    cells = [ast.parse(source).body for source in code_cells(path)]
    kinds = [[isinstance(node, ast.Import | ast.ImportFrom) for node in cell] for cell in cells]
    assert all(first == sorted(first, reverse=True) for first in kinds)
    nodes = [node for cell in cells for statement in cell for node in ast.walk(statement)]
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.asname or alias.name for node in imports for alias in node.names}
    assert len(imports) == sum(map(sum, kinds)), "no function of a cell imports"
    for node in nodes:
        assert not (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in names), node.id
        assert getattr(node, "name", "") not in names or isinstance(node, ast.alias)


@pytest.mark.parametrize("number", [0, 3])
def test_after_a_name_was_written_over_or_a_cell_was_left_out_the_first_cell_helps(number, capsys):
    setup, *cells = (compile(source, "a cell", "exec") for source in code_cells(LESSONS[number]))
    names = {"display": lambda *shown, **more: None}
    with pytest.raises(NameError) as too_early:
        exec(cells[0], names)
    exec(setup, names)
    exec(cells[0], names | {})
    mine = {name: 5 for name in names if name not in ("display", "__builtins__")}
    with pytest.raises((TypeError, AttributeError)) as written_over:
        exec(cells[0], names | mine)
    for error in (too_early, written_over):
        assert str(error.traceback[-1].path) == "a cell", "the reader's own line"
    names |= mine
    for cell in (setup, cells[0], setup, cells[0], cells[0]):
        exec(cell, names)


def test_an_interrupted_cell_leaves_nothing_half_done(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DDIM_LESSONS_PROGRESS", str(tmp_path / "progress.json"))
    calls = []

    @remember(megabytes=1)
    def sampler(S):
        calls.append(S)

        def eps_fn(x, t):
            if len(calls) == 1 and t == 5:
                raise KeyboardInterrupt
            return x / 2

        return ddim.ddim_sample(X, eps_fn, ALPHA_BAR, TAU)

    with pytest.raises(KeyboardInterrupt):
        sampler(2)
    assert np.array_equal(sampler(2), ddim.ddim_sample(X, PATH["eps_fn"], ALPHA_BAR, TAU)) and calls == [2, 2]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        checks.verify("1.1", 1.0, 1.0)
    assert progress.done("equation") == set()
    checks.verify("1.1", 1.0, 1.0)
    assert progress.done("equation") == {"1.1"}
