"""Lesson 00: DDPM beside DDIM from the same starting points, on an exact denoiser."""

from html import escape
from typing import NamedTuple

import numpy as np

from ... import require
from ...ddim import add_noise, ddim_path
from ...figures.ahead import shares
from ...figures.controls import choice_slider, data_menu, menu, number_slider, whole_slider
from ...figures.live import LiveFigure, LiveHTML
from ...figures.plots import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE,
    WINDOW,
    corner_text,
    draw_paths,
    draw_points,
    draw_started,
    frame,
    move_paths,
    move_started,
    panels,
    sides_key,
)
from ...learning.cases import alpha_bar_of
from ...learning.runs import distance_in_floors, kept_side
from ...remember import remember
from ...schedules import make_tau
from ...teaching import progress
from ...toy_data import data_set
from .notation import SYMBOLS, translate

STEPS = (1, 2, 3, 5, 10, 20, 50, 100)
POINTS, PATHS = 800, 12


PATH_KEY = ((INK, "o", "start of a path"),)


class Run(NamedTuple):
    """One sampler's run: ``paths`` (S + 1, n, 2) from x_T to the sample, and two figures of merit."""

    paths: np.ndarray
    distance: float  # sliced W2 to as many true samples, as a multiple of its noise floor
    kept_side: float  # share of samples that end on the side (left or right) on which they started


@remember(32)
def run_sampler(data, S, eta, seed):
    """Sample ``POINTS`` points of the set called ``data`` in S steps at noise level η; returns a ``Run``.

    The starting points x_T ~ N(0, I) depend on the seed alone, so every S and η share them.
    """
    require.seed(seed)
    mixture, alpha_bar = data_set(data), alpha_bar_of(data)
    start_rng, noise_rng, truth_rng = (np.random.default_rng([seed, part]) for part in range(3))
    x_T = start_rng.standard_normal((POINTS, 2))
    paths = np.empty((S + 1, *x_T.shape))
    moments = ddim_path(x_T, mixture.eps_fn(alpha_bar), alpha_bar, make_tau(len(alpha_bar) - 1, S), eta, noise_rng)
    for k, moment in enumerate(moments):
        paths[k] = moment.x
        yield k / S
    return Run(paths, distance_in_floors(paths[-1], mixture, truth_rng), kept_side(x_T, paths[-1]))


def seconds_a_picture(seconds):
    """Draw the seconds that one picture takes, a bar for each sampler of the dict ``seconds``; returns the Figure."""
    figure, ax = panels(width=9, height=1.8)
    ax.barh(list(seconds), list(seconds.values()), color=[INK, BLUE], height=0.6)
    for row, value in enumerate(seconds.values()):
        ax.text(value + 1, row, f"{value:.3g} s", va="center", fontsize=12)
    ax.set(xlabel="seconds for one picture of 256 × 256 pixels", xlim=(0, 1.12 * max(seconds.values())))
    ax.invert_yaxis()
    return figure


def dissolving(x0, noise, alpha_bar, times):
    """Draw points x_0 of shape (n, 2) noised to each of ``times``, a panel each; returns the Figure."""
    figure, axes = panels(1, len(times), width=9, height=2.7)
    for ax, t in zip(axes, times, strict=True):
        draw_points(ax, add_noise(x0, noise, alpha_bar[t]), BLUE)
        frame(ax, 3.2, f"t = {t},  ᾱ = {alpha_bar[t]:.2f}")
    return figure


def two_samplers(data, S, seed):
    """Draw DDPM (left) and DDIM (right) from the same starting points, six paths of each; returns the Figure."""
    figure, axes = panels(1, 2, width=9, height=4.2)
    sides_key(figure, axes[0], *PATH_KEY)
    for ax, eta, name in zip(axes, (1.0, 0.0), ("DDPM (η = 1)", "DDIM (η = 0)"), strict=True):
        run = run_sampler(data, S, eta, seed)
        right = run.paths[0, :, 0] > 0
        draw_points(ax, data_set(data).means, PALE, size=7, alpha=1.0)
        draw_points(ax, run.paths[-1, right], BLUE)
        draw_points(ax, run.paths[-1, ~right], ORANGE)
        move_paths(draw_paths(ax, []), run.paths[:, :6].transpose(1, 0, 2))
        draw_points(ax, run.paths[0, :6], INK, size=6, alpha=1.0)
        ax.axvline(0, color=GREY, linestyle="--", linewidth=1)
        frame(ax, WINDOW[0], f"{name}, S = {S}", WINDOW[1])
    return figure


def detour(run):
    """Return the median over the points of a ``Run`` of path length over the straight line from start to end."""
    length = np.linalg.norm(np.diff(run.paths, axis=0), axis=-1).sum(axis=0)
    return np.median(length / np.linalg.norm(run.paths[-1] - run.paths[0], axis=-1))


def ddpm_beside_ddim(data="moons") -> LiveFigure:
    """Samples and paths of the same x_T: DDPM (η = 1) on the left, DDIM with the chosen η on the right."""
    figure, axes = panels(1, 2, width=9, height=4.2)
    sides = [_side(ax) for ax in axes]
    sides_key(figure, axes[0], *PATH_KEY)
    controls = {
        "S": choice_slider("S (steps)", STEPS, 10),
        "eta": number_slider("η (noise)", 0.0, 1.0, 0.1, 0.0, digits=1),
        "seed": whole_slider("seed", 0, 9, 0),
        "data": data_menu("data", data),
    }

    def update(S, eta, seed, data):
        runs = [run_sampler(data, S, level, seed) for level in (1.0, round(eta, 6))]
        names = "DDPM, η = 1", f"yours, η = {eta:.1f}" + (", DDIM" if eta == 0 else "")
        for side, name, run in zip(sides, names, runs, strict=True):
            _move_side(side, name, data_set(data).means, run)
        return _words(S, eta, seed, data, *runs)

    def compute(S, eta, seed, data):
        return shares([run_sampler.slices(data, S, level, seed) for level in (1.0, round(eta, 6))])

    moving = [artist for side in sides for artist in side.values()]
    return LiveFigure(figure, moving, controls, update).computes(compute, {"S": 10}, ("S", "eta"))


def notation_translator(meaning="signal left at t") -> LiveHTML:
    """Pick what is meant; see how each author writes it."""
    controls = {"meaning": menu("what is meant", list(SYMBOLS), meaning)}

    def update(meaning):
        symbols = translate(meaning)
        head = "".join(f"<th>{escape(author)}</th>" for author in symbols)
        body = "".join(f"<td>{escape(symbol)}</td>" for symbol in symbols.values())
        words = "; ".join(f"{author}: {symbol}" for author, symbol in symbols.items())
        return f"<table><tr>{head}</tr><tr>{body}</tr></table>", f"{meaning}. {words}."

    return LiveHTML(controls, update)


def progress_table(show="all lessons") -> LiveHTML:
    """What this reader has done so far, per lesson and overall; one lesson shows what is still open in it."""
    rows = {title: found for title, found in progress.overview()}
    controls = {"show": menu("show", ["all lessons", *rows], show)}

    def update(show):
        now = dict(progress.overview())
        if show != "all lessons":
            return _lesson_table(now[show]), f"{show}: {_score(now[show])}."
        head = "<tr><th>lesson</th><th>exercises solved</th><th>equations checked</th></tr>"
        body = "".join(_row(title, now[title]) for title in rows)
        total = {kind: [sum((f[kind][k] for f in now.values()), []) for k in (0, 1)] for kind in progress.KINDS}
        return f"<table>{head}{body}{_row('all', total)}</table>", f"All lessons: {_score(total)}."

    return LiveHTML(controls, update)


def _score(found):
    """The two counts of a lesson, or of all, in words."""
    (solved, exercises), (checked, equations) = found["exercise"], found["equation"]
    return f"{len(solved)} of {len(exercises)} exercises solved, {len(checked)} of {len(equations)} equations checked"


def _row(title, found):
    cells = "".join(f"<td>{len(ready)} of {len(all_)}</td>" for ready, all_ in found.values())
    return f"<tr><td style='text-align:left'>{escape(title)}</td>{cells}</tr>"


def _lesson_table(found):
    """One row for each kind: every number, with a tick if it is done."""
    rows = (
        f"<tr><th>{kind}s</th>" + "".join(f"<td>{n}{' ✓' if n in ready else ''}</td>" for n in all_) + "</tr>"
        for kind, (ready, all_) in found.items()
    )
    return f"<table>{''.join(rows)}</table>"


def _words(S, eta, seed, data, ddpm, ddim):
    """The caption: what the two halves show now."""
    last = np.concatenate([ddpm.paths[-1], ddim.paths[-1]])
    reach = float(np.linalg.norm(last - last.mean(axis=0), axis=1).max())
    hair = f" One call puts every point within {reach:.2f} of the middle: its side is kept by a hair." if S == 1 else ""
    return (
        f"Still on their side: {ddpm.kept_side:.0%} with DDPM, {ddim.kept_side:.0%} with η = {eta:.1f}. {POINTS} "
        f"samples of the set “{data}”, S = {S} network calls each, from the same starting points (seed {seed}); blue "
        f"started on the right, orange on the left. Distance to the data, in noise floors: DDPM {ddpm.distance:.1f}, "
        f"yours {ddim.distance:.1f}.{hair}"
    )


def _side(axes):
    """Prepare one half of the figure and return its moving artists by name."""
    frame(axes, WINDOW[0], "DDPM", WINDOW[1])
    return draw_started(axes, dot=3.5, alpha=0.8) | {
        "paths": draw_paths(axes, [], INK, width=1.0, alpha=0.75),
        "starts": draw_points(axes, np.empty((0, 2)), INK, size=5, alpha=1.0),
        "words": corner_text(axes),
        "title": axes.title,
    }


def _move_side(side, name, truth, run):
    """Set one half's artists to its name, the data's centres and a run."""
    side["title"].set_text(name)
    move_started(side, truth, run.paths[0], run.paths[-1])
    move_paths(side["paths"], run.paths[:, :PATHS].transpose(1, 0, 2))
    side["starts"].set_data(*run.paths[0, :PATHS].T)
    side["words"].set_text(f"still on their side: {run.kept_side:.0%}\ndistance: {run.distance:.1f} × floor")
