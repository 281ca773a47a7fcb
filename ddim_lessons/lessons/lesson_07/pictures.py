"""Lesson 07: one step taken apart, and the trajectory lab: DDPM beside DDIM from one x_T, for points and for digits."""

from functools import wraps
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.patches import FancyArrowPatch

from ... import require
from ...ddim import checked_variance, ddim_states, eta_max, move, predict_x0, variance
from ...figures.ahead import shares
from ...figures.controls import choice_slider, control_values, data_menu, menu, number_slider, toggle, whole_slider
from ...figures.live import Aside, LiveFigure
from ...figures.plots import (
    BLUE,
    GREEN,
    INK,
    PALE,
    PURPLE,
    VERMILION,
    WINDOW,
    as_ink,
    digit_mosaic,
    draw_digits,
    draw_paths,
    draw_points,
    draw_started,
    frame,
    house,
    key_below,
    move_paths,
    move_started,
    panels,
    sides_key,
)
from ...figures.sketch import own_drawing as own_drawing
from ...learning.backend import network_walk
from ...learning.backend import one_thread as one_thread
from ...learning.cases import ALPHA_BAR, DENOISERS, alpha_bar_of
from ...learning.denoisers import denoiser_of, network
from ...learning.lab import as_data, own_pair, own_walk
from ...learning.lab import own_run as own_run  # for the reader: the notebook imports in its first cell alone
from ...learning.lab import trained as trained
from ...learning.quality import classifier, true_features
from ...learning.runs import kept_side
from ...metrics import coverage, frechet_distance, nearest, noise_floor, off_manifold, sliced_w2
from ...own import OwnData
from ...own import own_data as own_data
from ...remember import remember
from ...schedules import SPACINGS, make_tau
from ...toy_data import DATA_SETS, data_set, load_digits

STEPS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 200, 500, 1000)
BOUND = "bound"  # the largest η that every jump of the path allows
ETAS = (*(k / 10 for k in range(11)), BOUND)
CLOCK = tuple(range(1000, -1, -50))  # the times at which a path can be looked at
POINTS, FOLLOWED = 2000, 6
FEW = 32  # colours of a lab's still: it is in the file, and thousands of dots do not pack well


def eta_of(choice, tau, alpha_bar=ALPHA_BAR):
    """Return the number that stands for a ``choice`` of η: itself, or the largest that all jumps of ``tau`` allow.

    The last jump, to time 0, adds no noise whatever η is; a path of that jump alone has no bound and gets 1.
    """
    if choice != BOUND:
        return require.real(f"the choice of η, which may also be {BOUND!r},", choice, 0)
    return min((float(eta_max(alpha_bar[t], alpha_bar[s])) for t, s in pairwise(tau) if s > 0), default=1.0)


def visited(tau, t):
    """Return the position in ``tau`` of what a path shows at clock time ``t``: its latest time that is not below t."""
    return max(i for i, time in enumerate(tau) if time >= t)


# --- one step taken apart ------------------------------------------------------------------------------------------


class Parts(NamedTuple):
    """One step of one particle: x̂_0 and the three summands of x_s, each of shape (2,)."""

    x0_hat: np.ndarray
    signal: np.ndarray  # √ᾱ_s x̂_0
    direction: np.ndarray  # √(1−ᾱ_s−σ²) ε̂
    noise: np.ndarray  # σ z

    @property
    def x_s(self):
        """Where the step ends: the three summands together."""
        return self.signal + self.direction + self.noise


def take_apart(x_t, eps_hat, t, s, eta, z):
    """Return the ``Parts`` of the step from t to s: :func:`ddim_lessons.ddim.move` with one summand at a time.

    At the largest η the direction is 0 up to the root of a rounding error. Error: an η beyond it.
    """
    x0_hat = predict_x0(x_t, eps_hat, ALPHA_BAR[t])
    sigma_sq = checked_variance(float(ALPHA_BAR[t]), float(ALPHA_BAR[s]), eta)
    zero = np.zeros_like(x_t)
    signal = move(x0_hat, zero, ALPHA_BAR[s])
    return Parts(x0_hat, signal, move(zero, eps_hat, ALPHA_BAR[s], sigma_sq), sigma_sq**0.5 * z)


ARROWS = {  # name: (colour, formula)
    "signal": (VERMILION, "√ᾱ_s x̂_0"),
    "direction": (BLUE, "√(1−ᾱ_s−σ²) ε̂"),
    "noise": (PURPLE, "σ z"),
}
DOTS = {"x_t": (INK, 13), "x0_hat": (VERMILION, 9), "x_s": (GREEN, 10)}  # name: (colour, size)
SHORTEST = 0.02  # an arrow that is shorter is not drawn


@house()
def draw_step(axes, title=""):
    """Prepare a plane for one step; return its artists: places that x_s may take, points, arrows, the way to x̂_0.

    The arrows' heads have one size, however short the arrows are.
    """
    frame(axes, WINDOW[0], title, WINDOW[1])
    draw_points(axes, data_set("moons").means, PALE, size=7, alpha=1.0)
    axes.plot(0, 0, "+", color=INK, markersize=10)
    axes.annotate("0", (0, 0), (-12, 4), textcoords="offset points", fontsize=12)
    nothing = np.empty((0, 2))
    parts = {"cloud": draw_points(axes, nothing, GREEN, size=2.5, alpha=0.3)}
    parts["way"] = axes.plot([], [], "--", color=VERMILION, linewidth=1.2)[0]
    for name, (color, size) in DOTS.items():
        parts[name] = draw_points(axes, nothing, color, size=size, alpha=1.0)
    for name, (color, _) in ARROWS.items():
        parts[name] = FancyArrowPatch(
            (0, 0), (0, 0), color=color, arrowstyle="-|>,head_length=5,head_width=2.5", mutation_scale=1,
            linewidth=2.5, shrinkA=0, shrinkB=0,
        )  # fmt: skip
        axes.add_patch(parts[name])
    parts["x0_hat"].set(markerfacecolor="white", markeredgecolor=VERMILION, markeredgewidth=2.5)
    return parts


def move_step(parts, x_t, step, cloud=None):
    """Set the artists of :func:`draw_step` to a particle at ``x_t`` and the ``Parts`` of its step."""
    for name, xy in (("x_t", x_t), ("x0_hat", step.x0_hat), ("x_s", step.x_s)):
        parts[name].set_data(*xy[:, None])
    parts["way"].set_data(*np.stack([x_t, step.x0_hat], axis=1))
    parts["cloud"].set_data(*(np.empty((2, 0)) if cloud is None else cloud.T))
    start = np.zeros(2)
    for name in ARROWS:
        end = start + getattr(step, name)
        parts[name].set_positions(start, end)
        parts[name].set_visible(bool(np.hypot(*(end - start)) > SHORTEST))
        start = end


def step_key(figure, columns):
    """Say under the panels what the points and the arrows of :func:`draw_step` are, the arrows with their formulas."""
    axes = np.ravel(figure.axes)[0]
    for (color, size), words in zip(DOTS.values(), ("x_t", "x̂_0, where x_t points to", "x_s"), strict=True):
        fill = "white" if "where" in words else color
        axes.plot([], [], "o", markersize=size - 2, color=color, markerfacecolor=fill, markeredgewidth=2, label=words)
    for name, (color, formula) in ARROWS.items():
        axes.plot([], [], color=color, linewidth=3, label=f"{name}  {formula}")
    key_below(figure, columns=columns)


JUMPS = (1, 10, 50, 100, 200, 300)
PARTICLE = np.array([1.5, -1.1])


def step_taken_apart(t=500) -> LiveFigure:
    """One particle and one step, at any time, over any jump, with any η: the three arrows and where they may lead."""
    figure, axes = panels(width=6.4, height=6.0)
    parts, exact = draw_step(axes), data_set("moons").eps_fn(ALPHA_BAR)
    step_key(figure, columns=2)
    controls = {
        "t": whole_slider("t", 300, 1000, t),
        "jump": choice_slider("t − s", JUMPS, 200),
        "eta": number_slider("η (noise)", 0.0, 1.0, 0.05, 0.5),
        "draw": whole_slider("draw of z", 0, 20, 1),
    }

    def update(t, jump, eta, draw):
        s, z = t - jump, np.random.default_rng(draw).standard_normal((301, 2))
        eps_hat = exact(PARTICLE[None], t)[0]
        step = take_apart(PARTICLE, eps_hat, t, s, eta, z[0])
        sigma = variance(ALPHA_BAR[t], ALPHA_BAR[s], eta) ** 0.5
        cloud = step.signal + step.direction + sigma * z[1:] if sigma > 0 else None
        move_step(parts, PARTICLE, step, cloud)
        length = np.linalg.norm
        places = "one of the 300 places in green"
        if sigma == 0:
            places = f"the only place there is at {'η = 0' if s > 0 else 's = 0'}"
        return (
            f"The step {t} → {s} of one particle, η = {eta:.2f}, σ = {sigma:.2f}. Arrows, in turn: signal of length "
            f"{length(step.signal):.2f}, direction {length(step.direction):.2f}, noise {length(step.noise):.2f} "
            f"(draw {draw}). They lead to x_s = ({step.x_s[0]:.2f}, {step.x_s[1]:.2f}), {places}."
        )

    return LiveFigure(figure, parts.values(), controls, update)


# --- the lab for points ----------------------------------------------------------------------------------------------


class Run(NamedTuple):
    """One sampler's run: what the lab shows of it."""

    tau: tuple
    eta: float
    frames: np.ndarray  # (21, POINTS, 2): all points at the times of CLOCK
    paths: np.ndarray  # (S + 1, FOLLOWED, 2)
    coverage: float  # share of the data's parts that get at least half of their share of samples
    off: float  # root mean square distance from the data's parts, as a multiple of a true sample's
    distance: float  # sliced W2 to true samples, as a multiple of its noise floor
    wiggle: float  # length of all paths as a multiple of the distances from their starts to their ends
    kept_side: float  # share of samples that end on the side (left or right) on which they started
    ink: float | None  # share of samples in the ink of a word or picture of one's own
    calls: int  # of the denoiser


class Truth(NamedTuple):
    """What true samples get: the yardsticks of a data set."""

    points: np.ndarray  # (POINTS, 2)
    coverage: float
    off: float
    floor: float


@remember(len(DATA_SETS) + 4)
def truth(data):
    """Return the ``Truth`` of the set called ``data``, or of one's own."""
    mixture, rng = data_set(data), np.random.default_rng(70)
    points = mixture.sample(POINTS, rng)
    return Truth(
        points,
        coverage(points, mixture.means),
        off_manifold(points, mixture.means),
        noise_floor(sliced_w2, mixture, POINTS, rng, repeats=9),
    )


def starts(seed, n=POINTS, dim=2):
    """Return x_T ~ N(0, I), shape (n, dim): they depend on the seed alone, so every S and η share them."""
    seed, n = require.seed(seed), require.whole("n", n, 1, require.MANY)
    return np.random.default_rng([7, seed]).standard_normal((n, dim))


def states(data, kind, x_T, tau, eta, rng):
    """Yield x at every time of ``tau``, arrays shaped like ``x_T``."""
    if isinstance(data, OwnData):
        yield from own_walk(data, kind, x_T, tau, eta, rng)
    elif kind == "trained":
        yield from (np.asarray(x) for x in network_walk(network(data), x_T, tau, eta, rng))
    else:
        yield from ddim_states(x_T, denoiser_of(data, kind), ALPHA_BAR, tau, eta, rng)


def walked(data, kind, x_T, tau, eta, rng):
    """Yield the share of :func:`states` that is done, and return them as a list at the end."""
    x = []
    for state in states(data, kind, x_T, tau, eta, rng):
        x.append(state)
        yield len(x) / len(tau)
    return x


@remember(megabytes=48)
def run_sampler(data, kind, S, choice, spacing, seed):
    """Sample ``POINTS`` points and measure them; returns a ``Run``. ``choice`` is one of ``ETAS``."""
    alpha_bar = alpha_bar_of(data)
    tau = make_tau(len(alpha_bar) - 1, S, spacing)
    eta = eta_of(choice, tau, alpha_bar)
    x = yield from walked(data, kind, starts(seed), tau, eta, np.random.default_rng([8, seed]))
    return run_of(data, tau, eta, x)


def run_of(data, tau, eta, x):
    """Return the ``Run`` of x at all times of ``tau``, a list of arrays (POINTS, 2)."""
    paths = np.array([state[:FOLLOWED] for state in x])
    frames = np.array([x[visited(tau, at(t, data))] for t in CLOCK], dtype=np.float32)
    ink = None if ink_of(data) is None else data.in_ink(x[-1])
    return Run(tau, eta, frames, paths, *measure(data, x), ink, len(tau) - 1)


def at(t, data):
    """Return the time, on the schedule of ``data``, at which the clock says ``t`` of 1000."""
    return t * (len(alpha_bar_of(data)) - 1) / 1000


def ink_of(data):
    """Return the ink of a word or picture of one's own; None for all other data."""
    return getattr(data, "ink", None)


def measure(data, x):
    """Return the five figures of a ``Run`` from x at all its times: coverage, off, distance, wiggle, kept_side."""
    true, centres = truth(data), data_set(data).means
    samples = np.asarray(x[-1], dtype=float)
    distance = sliced_w2(samples, true.points) / true.floor
    length = sum(total_distance(x_t, x_s) for x_t, x_s in pairwise(x))
    wiggle = length / total_distance(x[0], x[-1])
    off = off_manifold(samples, centres) / true.off
    return coverage(samples, centres), off, distance, wiggle, kept_side(x[0], samples)


def total_distance(x, y):
    """Return the sum of the distances between the points of two sets of shape (n, 2), pair by pair."""
    return float(np.hypot(*(x - y).T).sum(dtype=float))


def trajectory_lab(data="moons", kind=None, sampler=None) -> LiveFigure:
    """DDPM (η = 1) on the left, the chosen η on the right, from the same x_T; numbers beside, with the noise floor.

    ``data`` is a set's name or a set of one's own (anything that ``own_data`` takes, or a ``Run``: with its network);
    small pictures get :func:`digits_lab`. ``kind`` None is the network if there is one. ``sampler``, one's own
    ``(x_T, eps_fn, alpha_bar, tau) -> x_0``, makes the right side at η = 0.
    """
    data = as_data(data)
    if getattr(data, "shape", None) is not None:
        return digits_lab(kind, data)
    require.that(sampler is None or callable(sampler), "sampler", sampler, "a function (x_T, eps_fn, alpha_bar, tau)")
    choice = data_menu("data", data)
    figure, axes = panels(1, 2, width=9, height=4.2)
    sides, table = [draw_side(ax, "DDPM", window_of(data)) for ax in axes], Aside()
    sides_key(figure, axes[0], (INK, "o", "followed"))
    start = 10 if ink_of(data) is None else 50  # a word is to be read
    controls = _walk_controls(data, "right", STEPS, start) | {"data": choice}
    controls |= _denoiser_controls(data, kind) | {"paths": toggle("paths", True), "ghosts": toggle("x̂_0 ghosts", False)}

    @begins_anyway
    def update(S, eta, t, seed, data, kind, spacing, paths, ghosts):
        runs = [run_sampler(data, kind, S, 1.0, spacing, seed)]
        own, told = own_sampler_run(sampler, data, kind, S, spacing, seed) if sampler and eta == 0 else (None, "")
        runs.append(own or run_sampler(data, kind, S, eta, spacing, seed))
        for side, name, run in zip(sides, ("DDPM", "yours"), runs, strict=True):
            move_side(side, name, data, kind, run, t, paths, ghosts)
        table.fill(*_numbers(data, *runs))
        return told + _words(S, data, kind, spacing, seed, t, paths, ghosts, *runs)

    def compute(S, eta, t, seed, data, kind, spacing, paths, ghosts):
        return shares([run_sampler.slices(data, kind, S, choice, spacing, seed) for choice in (1.0, eta)])

    moving = [artist for side in sides for artist in side.values()]
    live = LiveFigure(figure, moving, controls, update, "t", aside=table).computes(compute, *_ahead(controls))
    live.colors = FEW
    return live


def draw_own(data):
    """Return a figure of 4,000 points drawn from own data, or from the set of a name."""
    figure, axes = panels(width=4, height=4)
    draw_points(axes, data_set(data).sample(4000, np.random.default_rng(0)), BLUE, size=2)
    frame(axes, 3.0)
    return figure


def begins_anyway(update):
    """Decorate a live figure's ``update``: where its first picture fails, as of a reader's network, it is empty.

    The caption says why, and the figure is there to choose something else. Later failures are the figure's to tell.
    """
    begun = []

    @wraps(update)
    def tried(**state):
        try:
            return update(**state)
        except ValueError as error:
            if begun:
                raise
            return f"Nothing can be shown yet: {error}"
        finally:
            begun.append(True)

    return tried


def _ahead(controls):
    """Return a lab's settings of a quick likeness, and the controls whose neighbouring values are computed ahead."""
    return {"S": max(S for S in control_values(controls["S"]) if S <= 20)}, ("S", "eta")


def _walk_controls(data, where, steps, start=10):
    """Return a lab's controls of a walk: S of ``steps``, η (``where`` it is yours), time and seed.

    ``data`` may have a schedule of its own, which ends the steps and numbers the clock.
    """
    T = len(alpha_bar_of(data)) - 1
    steps = [S for S in steps if S <= T]
    return {
        "S": choice_slider("S (steps)", steps, min(start, steps[-1])),
        "eta": choice_slider(f"η ({where})", ETAS, 0.0),
        "t": choice_slider("time t", CLOCK if T == 1000 else [(f"{at(t, data):g}", t) for t in CLOCK], 0),
        "seed": whole_slider("seed", 0, 9, 0),
    }


def _denoiser_controls(data, kind):
    """Return a lab's controls of the denoiser, ``kind`` or the network if ``data`` has one, and of the grid."""
    kind = kind or ("exact" if getattr(data, "network", data) is None else "trained")
    return {
        "kind": menu("denoiser", DENOISERS, kind),
        "spacing": menu("spacing of τ", SPACINGS, "linear"),
    }


def own_sampler_run(sampler, data, kind, S, spacing, seed):
    """Run one's own sampler at η = 0; return its ``Run`` and what to say of it, or None and why there is none.

    Its path is what it asked the denoiser. It is run anew each time: a function may change without its name.
    """
    alpha_bar, x_T, asked = alpha_bar_of(data), starts(seed).astype(np.float32), []
    tau, eps_hat = make_tau(len(alpha_bar) - 1, S, spacing), denoiser_of(data, kind)

    def eps_fn(x, t):
        asked.append((int(t), np.array(x)))
        return eps_hat(x, t)

    try:
        x_0 = sampler(x_T, eps_fn, alpha_bar, tau)
        if x_0 is ...:
            return None, "Your sampler is not written yet, so the package's is shown. "
        x_0 = require.real_array("what it returns", x_0)
        require.that(x_0.shape == x_T.shape, "the shape of what it returns", x_0.shape, f"x_T's, {x_T.shape}")
        require.finite("what it returns", x_0)
        whole = asked and all(x.shape == x_T.shape for _, x in asked)
        require.that(whole, "the number of calls of eps_fn", len(asked), "at least 1, each with all points")
    except Exception as error:  # whatever a reader writes: the figure lives on
        return None, f"Your sampler cannot be shown, the package's is ({type(error).__name__}: {error}). "
    apart = float(abs(x_0 - list(states(data, kind, x_T, tau, 0.0, None))[-1]).max())
    times = tuple(t for t, _ in asked)
    walks = "" if times == tau[:-1] else f" It asked at {', '.join(map(str, times[:4]))} …, not at the times of τ."
    told = f"Right: your sampler, which differs from the package's by at most {apart:.1g}.{walks} "
    return run_of(data, (*times, 0), 0.0, [*(x for _, x in asked), x_0]), told


def window_of(data):
    """Return half the width and height of a plane on which the points sets, and data of one's own, are seen."""
    reach = 1.1 * np.quantile(np.abs(truth(data).points), 0.999, axis=0)
    return tuple(np.maximum(WINDOW, reach) if isinstance(data, OwnData) else WINDOW)


def draw_side(axes, title, window=WINDOW):
    """Prepare one half of the lab and return its moving artists by name."""
    frame(axes, window[0], title, window[1])
    return draw_started(axes, dot=3, alpha=0.7) | {
        "paths": draw_paths(axes, [], INK, width=1.0, alpha=0.8),
        "leash": draw_paths(axes, [], VERMILION, width=1.0, alpha=0.9),
        "ghosts": axes.plot([], [], "o", markerfacecolor="white", markeredgecolor=VERMILION, markersize=7)[0],
        "followed": draw_points(axes, np.empty((0, 2)), INK, size=5.5, alpha=1.0),
        "clock": axes.title,
    }


def move_side(side, title, data, kind, run, t, paths, ghosts):
    """Set one half's artists to a run, called ``title``, at clock time t."""
    i = visited(run.tau, at(t, data))
    followed = run.paths[i]
    move_started(side, data_set(data).means, run.frames[0], run.frames[CLOCK.index(t)])
    side["followed"].set_data(*followed.T)
    move_paths(side["paths"], run.paths[: i + 1].transpose(1, 0, 2) if paths else [])
    x0_hat = ghosts_of(data, kind, followed, run.tau[i]) if ghosts else np.empty((0, 2))
    side["ghosts"].set_data(*x0_hat.T)
    side["leash"].set_segments(list(np.stack([followed, x0_hat], axis=1)) if ghosts else [])
    side["clock"].set_text(f"{title}, η = {run.eta:.3g}, t = {run.tau[i]}")


def ghosts_of(data, kind, x_t, t):
    """Return x̂_0 of points at time t, shaped like them; at t = 0 they are their own."""
    if t == 0 or isinstance(data, OwnData):
        return x_t if t == 0 else own_pair(data, kind)(x_t, t)[0]
    return predict_x0(x_t, denoiser_of(data, kind)(x_t, t), ALPHA_BAR[t])


def _numbers(data, ddpm, yours):
    """The table beside the lab: the columns' names, and a row for each figure in words."""
    true = truth(data)
    rows = [
        ("parts of the data covered", f"{ddpm.coverage:.0%}", f"{yours.coverage:.0%}", f"{true.coverage:.0%}"),
        ("off the data, × a true sample", f"{ddpm.off:.2f}", f"{yours.off:.2f}", "1"),
        ("distance to the data, × its floor", f"{ddpm.distance:.1f}", f"{yours.distance:.1f}", "1"),
        ("still on their side", f"{ddpm.kept_side:.0%}", f"{yours.kept_side:.0%}", ""),
        ("path’s length ÷ straight way", f"{ddpm.wiggle:.1f}", f"{yours.wiggle:.1f}", ""),
        ("calls of the denoiser", f"{ddpm.calls}", f"{yours.calls}", ""),
    ]
    if ddpm.ink is not None:
        rows.append(("in the ink", f"{ddpm.ink:.0%}", f"{yours.ink:.0%}", f"{data.in_ink(true.points):.0%}"))
    return ("DDPM", f"η = {yours.eta:.3g}", "true"), rows


def _words(S, data, kind, spacing, seed, t, paths, ghosts, ddpm, ddim):
    """The caption: what the lab shows now."""
    shown = ddpm.tau[visited(ddpm.tau, at(t, data))]
    extra = " Lines: the paths of 6 of them." if paths else " Paths are hidden."
    extra += " Hollow circles: where each of the 6 points to, its x̂_0." if ghosts else ""
    return (
        f"In the end {ddpm.kept_side:.0%} (DDPM) and {ddim.kept_side:.0%} (η = {ddim.eta:.2f}) are on their side; "
        f"shown at time t = {shown}. {POINTS:,} points of “{data}”, {kind} denoiser, S = {S} steps ({spacing}), "
        f"seed {seed}; blue started on the right, orange on the left.{extra} DDPM / η = {ddim.eta:.2f}: coverage "
        f"{ddpm.coverage:.0%} / {ddim.coverage:.0%}, off the data {ddpm.off:.2f} / {ddim.off:.2f}, sliced distance "
        f"{ddpm.distance:.1f} / {ddim.distance:.1f} times a true sample's, path length {ddpm.wiggle:.1f} / "
        f"{ddim.wiggle:.1f} times the way."
        + ("" if ddpm.ink is None else f" In the ink: {ddpm.ink:.0%} / {ddim.ink:.0%} of the samples.")
    )


# --- the lab for digits ----------------------------------------------------------------------------------------------

PICTURES, COLUMNS = 20, 10
SURE = 0.8  # a classifier that gives its digit a probability above this is sure of it
DIGIT_STEPS = tuple(S for S in STEPS if S <= 200)  # a network for pictures takes its time


class DigitRun(NamedTuple):
    """Pictures on their way: x_t and x̂_0 at the times of CLOCK, (21, PICTURES, 64) each, and how good they get."""

    tau: tuple
    eta: float
    x: np.ndarray
    x0_hat: np.ndarray
    sure: np.ndarray | None  # of which digits a classifier is sure (above 0.8), (PICTURES,)
    away: float  # root mean square difference from the nearest true picture, per pixel, paper to ink = 2

    @property
    def confident(self):
        """Share of digits of which the classifier is sure, or None."""
        return None if self.sure is None else float(self.sure.mean())


@remember(megabytes=32)
def run_digits(kind, S, choice, spacing, seed, data="digits"):
    """Sample ``PICTURES`` digits, or small pictures like those of one's own ``data``; returns a ``DigitRun``."""
    alpha_bar, digits = alpha_bar_of(data), data == "digits"
    tau = make_tau(len(alpha_bar) - 1, S, spacing)
    eta = eta_of(choice, tau, alpha_bar)
    dim = 64 if digits else data.dim
    x = yield from walked(data, kind, starts(seed, PICTURES, dim), tau, eta, np.random.default_rng([9, seed]))
    shown = [visited(tau, at(t, data)) for t in CLOCK]
    x0_hat = np.array([ghosts_of(data, kind, x[i], tau[i]) for i in shown], dtype=np.float32)
    sure = classifier(x[-1])[1] > SURE if digits else None
    figures = sure, away(x[-1], load_digits()[0] if digits else data.points)
    return DigitRun(tau, eta, np.array([x[i] for i in shown], dtype=np.float32), x0_hat, *figures)


@remember(1)
def digit_truth():
    """Return what 200 true digits get, beside the others: (share the classifier is sure of, away); see ``DigitRun``."""
    order = np.random.default_rng(71).permutation(load_digits()[0])
    return confident(order[:200]), away(order[:200], order[200:])


def confident(pictures):
    """Return the share of pictures (n, 64) of which the classifier is sure."""
    return float(np.mean(classifier(pictures)[1] > SURE))


def away(pictures, digits):
    """Return the root mean square difference of pictures (n, h·w) from the nearest of ``digits``, per pixel."""
    return float(np.sqrt(np.mean(nearest(pictures, digits)[1] ** 2) / digits.shape[1]))


def digit_distance(S, eta, seed=0, n=600):
    """Return the Fréchet distance, in the classifier's features, of n sampled digits to the true ones (spacing linear).

    The floor of it, for n true digits drawn without replacement, is about 1.
    """
    x_T, rng = starts(seed, n, 64), np.random.default_rng([5, seed])
    samples = list(states("digits", "trained", x_T, make_tau(1000, S), eta, rng))[-1]
    return frechet_distance(true_features(), classifier(samples)[0])


def ink(x):
    """Return pictures of values −1…1 as 0 (paper) … 255 (ink), values outside cut off; shape (2, COLUMNS, h·w)."""
    return as_ink(x).reshape(PICTURES // COLUMNS, COLUMNS, -1)


def digits_lab(kind=None, data="digits") -> LiveFigure:
    """Twenty digits, or pictures like those of one's own ``data``, from the same x_T: DDPM above, your η below."""
    shape = getattr(data, "shape", (8, 8))
    figure, axes = panels(2, 1, width=9, height=4.6)
    images, frames, titles = zip(*(_digit_row(ax, shape) for ax in axes), strict=True)
    controls = _walk_controls(data, "below", DIGIT_STEPS) | _denoiser_controls(data, kind)
    controls["ghosts"] = toggle("show x̂_0", False)

    @begins_anyway
    def update(S, eta, t, seed, kind, spacing, ghosts):
        runs = [run_digits(kind, S, choice, spacing, seed, data) for choice in (1.0, eta)]
        for image, around, title, name, run in zip(images, frames, titles, ("DDPM", "yours"), runs, strict=True):
            around.set_verts(_around(run.sure, shape))
            image.set_data(digit_mosaic(ink((run.x0_hat if ghosts else run.x)[CLOCK.index(t)]), shape=shape))
            sure = "" if run.confident is None else f"{run.confident:.0%} are plain (the others framed), "
            end = f"in the end {sure}{run.away:.2f} a pixel off the nearest true one"
            title.set_text(f"{name}, η = {run.eta:.2f}, t = {run.tau[visited(run.tau, at(t, data))]}; {end}")
        if data == "digits":
            return _digit_words(S, t, seed, kind, spacing, ghosts, *runs)
        what = "the x̂_0 of" if ghosts else "the noisy pictures x_t of"
        return (
            f"{what.capitalize()} {PICTURES} pictures like “{data}”, {kind} denoiser, S = {S} ({spacing}), seed "
            f"{seed}; above DDPM, below η = {runs[1].eta:.2f}, from the same x_T. They differ from the nearest true "
            f"picture by {runs[0].away:.2f} and {runs[1].away:.2f} per pixel (lowest to highest value is 2)."
        )

    def compute(S, eta, t, seed, kind, spacing, ghosts):
        return shares([run_digits.slices(kind, S, choice, spacing, seed, data) for choice in (1.0, eta)])

    live = LiveFigure(figure, [*images, *frames, *titles], controls, update, "t").computes(compute, *_ahead(controls))
    live.colors = FEW
    return live


@house()
def _digit_row(axes, shape):
    """Prepare one row of pictures; returns its image, the frames on it and its title, all artists that change."""
    image = draw_digits(axes, np.zeros((PICTURES // COLUMNS, COLUMNS, shape[0] * shape[1])), shape)
    frames = axes.add_collection(PolyCollection([], facecolors="none", edgecolors=VERMILION, linewidths=2.5))
    return image, frames, axes.text(0, 1.02, "", transform=axes.transAxes, va="bottom", fontsize=12)


def _around(sure, shape, gap=1):
    """Return the outlines, in pixels of the mosaic, of the pictures of which the classifier is not ``sure``."""
    height, width = shape[0] + 2 * gap, shape[1] + 2 * gap
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * [width - gap, height - gap] + gap / 2 - 0.5
    unsure = [] if sure is None else np.flatnonzero(~sure)
    return [square + [k % COLUMNS * width, k // COLUMNS * height] for k in unsure]


def _digit_words(S, t, seed, kind, spacing, ghosts, ddpm, ddim):
    """The caption: what the two rows show now."""
    what, true = "the x̂_0 of" if ghosts else "the noisy pictures x_t of", digit_truth()
    return (
        f"{what.capitalize()} {PICTURES} digits at time t = {ddpm.tau[visited(ddpm.tau, t)]}, S = {S}; above DDPM, "
        f"below η = {ddim.eta:.2f}, from the same x_T. The denoiser is {kind}, spacing {spacing}, seed {seed}. A "
        f"classifier is "
        f"sure of {ddpm.confident:.0%} above and {ddim.confident:.0%} below at the end; they differ from the nearest "
        f"true digit by {ddpm.away:.2f} and {ddim.away:.2f} per pixel (paper to ink is 2). True digits: {true[0]:.0%}, "
        f"and {true[1]:.2f} from the nearest other."
    )
