"""No name, kind or option that is not known is ever taken for another: each gets a sentence that names the argument.

Every public function and class of the package that has an argument with one of the ``WORDS`` is called; the other
arguments are right ones, found by their own names.
"""

import inspect
import pkgutil
from importlib import import_module

import numpy as np
import pytest
from sweeps import CALLS, is_sentence, results
from test_misuse import ALPHA_BAR, DETECTOR, FREE, NAMES, PATH, PICTURES, SPLIT, SYMBOLS, TAU, VISITS, WALK, X, rng

import ddim_lessons

# the arguments that take a name out of a few
WORDS = {
    "author", "case", "choice", "data", "denoiser", "edit", "ensemble", "grid", "guess", "kind", "letter", "level",
    "meaning", "metric", "name", "path", "reading", "schedule", "show", "skip", "spacing", "target", "update",
}  # fmt: skip
# where such a word is something else: a file, a function, a number, a class, a text to be shown
ELSEWHERE = {
    "load_model.path", "build.path", "fit.path", "save_run.path", "load_run.path", "save_model.path", "read_bytes.path",
    "write_tensors.path", "read_tensors.path", "read_tensors.data", "read_tensors.kind", "card_of.kind", "run.path",
    "write.path", "write.name", "Live.update", "LiveFigure.update", "LiveHTML.update", "Landing.path", "stage.name",
    "x0_loss.denoiser", "eps_loss.denoiser", "reconstruction.denoiser", "star_term.denoiser", "noise_floor.data",
    "error_over_t.data", "quality.data", "sample_distance.data", "loss_floor.data", "floor_of.data",
    "distance_in_floors.data", "new_network.kind", "snr_words.level", "up.level", "steps_for.target", "Mistake.name",
    "weights_path.name", "run_lesson.path", "server_command.name", "write_file.path", "draw_density_map.schedule",
    "move_side.data", "move_side.kind",  # drawn with what run_sampler has checked
    "weighted_fit.target", "draw_curve.name", "bridge.target", "edit_digit.target", "require_path.path",
    "display_live.kind", "write_whole.path", "write_whole.data", "draw_loss.target", "named.data", "as_data.data",
    "own_data.name", "OwnData.name", "require_name.name", "ink_of.data", "begins_anyway.update",
    "mark_file.path", "lesson_of.path", "own_digest.path", "wrong_start.level",
    "one_path.data", "draw_four.data", "move_four.data",  # what four_coordinates' menu offers
    "trajectory_lab.kind", "digits_lab.kind",  # None is the network if there is one
}  # fmt: skip
GOOD = {
    "S": 5, "T": 8, "alpha_bar": ALPHA_BAR, "eta": 0.0, "seed": 0, "rng": rng(), "x": X, "x_T": X, "x_0": X, "x0": X,
    "eps_fn": PATH["eps_fn"], "eps_hat": X, "tau": TAU, "n": 5, "t": 5, "s": 2, "model": DETECTOR, "noise": X, "x_t": X,
    "alpha_bar_t": 0.5, "factors": SPLIT, "data": "moons", "denoiser": "exact", "metric": "coverage", "level": "0",
    "kind": "exact", "spacing": "linear", "choice": 0.0, "visits": VISITS, "pictures": PICTURES, "samples": X,
    "facts": {}, "parts": [X, X], "output": X, "label": 3, "A": (3, 8), "skip": "substituted", "var_0": 1.0,
    "first": 0.5, "second": 0.5, "seed_a": 0, "seed_b": 1, "target": 4, "strength": 0.5, "update": "DDIM", "N": 5,
    "renew": True, "index": 0, "number": "1.1", "kinds": (), "schedule": "linear, T = 1000", "axes": None, "side": {},
    "run": None, "paths": False, "ghosts": False, "letter": "A", "maps": None, "z": VISITS[0].z,
    "x0_hat": VISITS[0].x0_hat, "beta": np.array([0, 0.1, 0.2]), "symbols": SYMBOLS, "features": X, "edit": "bolder",
    "z_T": WALK["z_T"], "call": PATH["eps_fn"], "found": PATH["eps_fn"], "sampler": PATH["eps_fn"], "source": X,
    "name": "full", "author": "DDIM paper", "reading": "as meant", "path": "slerp",
}  # fmt: skip


def functions():
    """Yield (name, function) of the public functions and classes of the package, each in its own module."""
    for info in pkgutil.walk_packages(ddim_lessons.__path__, "ddim_lessons."):
        if not info.name.endswith(("__main__", ".exercises", ".whole")):
            for name, thing in vars(import_module(info.name)).items():
                here = callable(thing) and getattr(thing, "__module__", None) == info.name
                if here and not name.startswith("_") and not name.endswith("Error"):
                    yield f"{info.name.removeprefix('ddim_lessons.')}.{name}", thing


def arguments(function):
    """The function's arguments, name by name: those that it must be given, and those that it may be given."""
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.default is p.empty], [p.name for p in parameters]


NAMED = [
    (name, function, word)
    for name, function in functions()
    for word in arguments(function)[1]
    if word in WORDS and f"{name.rpartition('.')[2]}.{word}" not in ELSEWHERE
]


@pytest.mark.parametrize("name, function, word", NAMED, ids=[f"{name}-{word}" for name, _, word in NAMED])
def test_a_name_that_is_not_known_is_refused(name, function, word):
    right = {needed: GOOD[needed] for needed in arguments(function)[0] if needed != word}
    for unknown in ("no such name", "", "EXACT", "Moons ", None, *([7] if word != "choice" else [])):
        with pytest.raises(ValueError) as error:
            result = function(**right, **{word: unknown})
            list(result) if hasattr(result, "__next__") else None
        assert is_sentence(error.value), error.value


@pytest.mark.parametrize("name", NAMES)
def test_a_text_that_is_not_known_is_refused(name):
    function = NAMES[name]
    for argument, value in CALLS[function].items():
        if isinstance(value, str) and (name, argument) not in FREE | {("walk", "argument")}:
            assert is_sentence(results(function, CALLS[function] | {argument: "no such name"})), argument


@pytest.mark.parametrize("name", NAMES)
def test_a_switch_is_yes_or_no(name):
    function = NAMES[name]
    switches = [p.name for p in inspect.signature(function).parameters.values() if isinstance(p.default, bool)]
    for switch in switches:
        for value in ("no", 0, 2.0, None, [False]):
            assert is_sentence(results(function, CALLS[function] | {switch: value})), (switch, value)


def test_the_sweep_reaches_what_was_reported():
    assert {("lessons.lesson_07.pictures.run_sampler", "kind"), ("lessons.lesson_07.pictures.states", "kind")} <= {
        (name, word) for name, _, word in NAMED
    }
