"""Lesson 12: grids as they are, the grid inspector, and the bug museum."""

import numpy as np

from ... import require
from ...figures.controls import choice_slider, menu
from ...figures.live import LiveFigure
from ...figures.plots import BLUE, INK, ORANGE, PALE, VERMILION, draw_points, frame, key_below, panels, show
from ...metrics import off_manifold
from ...remember import remember
from ...schedules import SCHEDULES, alpha_bar_schedule
from ...toy_data import data_set
from .bug_museum import EXHIBITS, encodes_ahead, right_encoder, right_sampler
from .grids import GRIDS, inspect

PLANE = (2.5, 2.0)  # half the width and height of a plane

# --- grids -----------------------------------------------------------------------------------------------------------


def grids_of(S):
    """Show all grids for S steps: the times asked about, the start and the last jump."""
    figure, axes = panels(width=9.5, height=4.6)
    for row, make in enumerate(GRIDS.values()):
        times = np.array(make(1000, S))
        axes.plot(times, np.full(len(times), row), "|", color=BLUE, markersize=13, markeredgewidth=1.8)
        axes.plot([times[-1], 0], [row, row], color=ORANGE, linewidth=4)
        axes.plot(times[:1], [row], "s", color=VERMILION, markersize=9, fillstyle="none", markeredgewidth=2)
    axes.set(xlim=(1020, -10), xlabel="time t, sampling runs to the right", yticks=range(len(GRIDS)))
    axes.set(yticklabels=GRIDS)
    axes.invert_yaxis()
    show(figure, f"{len(GRIDS)} grids for {S} steps; bars: times asked, red square: start, orange: last jump. Six "
         "start at 1000, five at 992 to 801. The quadratic ones are dense near 0.")  # fmt: skip


# --- the grid inspector ------------------------------------------------------------------------------------------

COUNTS = (1, 2, 5, 10, 20, 30, 50, 100, 300, 600, 999, 1000)


def grid_inspector(grid="leading, from index 0") -> LiveFigure:
    """Where a grid really starts, where its last jump begins, how many steps it has, and what does not exist."""
    figure, axes = panels(width=9.5, height=4.0)
    axes.set(xlim=(1030, -15), ylim=(-0.04, 1.08), xlabel="time t, sampling runs to the right", ylabel="noise √(1−ᾱ_t)")
    (curve,) = axes.plot([], [], color=PALE, linewidth=3, label="all times")
    (asked,) = axes.plot([], [], "o", color=BLUE, markersize=5, label="the denoiser is asked")
    (jump,) = axes.plot([], [], color=ORANGE, linewidth=3, label="last jump")
    (start,) = axes.plot(
        [], [], "s", color=VERMILION, markersize=11, fillstyle="none", markeredgewidth=2.5, label="start"
    )
    (outside,) = axes.plot([], [], "X", color=INK, markersize=11, label="does not exist")
    axes.legend(loc="lower left")
    controls = {
        "grid": menu("grid", list(GRIDS), grid),
        "S": choice_slider("S (asked for)", COUNTS, 10),
        "schedule": menu("schedule", list(SCHEDULES), "linear"),
    }

    def update(grid, S, schedule):
        alpha_bar = alpha_bar_schedule(schedule, 1000)
        noise, times = np.sqrt(1 - alpha_bar), GRIDS[grid](1000, S)
        found = inspect(times, alpha_bar)
        there = [t for t in times if t <= 1000]
        curve.set_data(np.arange(1001), noise)
        asked.set_data(there, noise[there])
        start.set_data(times[:1], [noise[min(times[0], 1000)]])
        jump.set_data([times[-1], 0], [noise[times[-1]], 0])
        outside.set_data(found.out_of_range, noise[[1000] * len(found.out_of_range)])
        return _grid_words(grid, S, times, found)

    return LiveFigure(figure, [curve, jump, asked, start, outside], controls, update)


def _grid_words(grid, S, times, found):
    """What the inspector found, in words."""
    begins = (
        f"It starts at t = {times[0]}, where √ᾱ = {found.start**0.5:.4f}"
        if found.start is not None
        else f"It starts at t = {times[0]}, which does not exist"
    )
    twice = f" Steps that go nowhere: {found.repeated}." if found.repeated else ""
    often = "once" if found.steps == 1 else f"{found.steps} times"
    return (
        f"“{grid}”, S = {S}: the denoiser is asked {often}. {begins}; the last jump starts at "
        f"t = {times[-1]} and removes noise of variance {found.last_jump:.2g} at once.{twice}"
    )


# --- the bug museum ----------------------------------------------------------------------------------------------

MUSEUM_POINTS = 500


@remember(128)
def exhibit(letter, data, S):
    """Run an exhibit, or the right sampler for "right"; returns (points, times asked, how far two runs differ).

    The encoder's points are true ones, encoded by the exhibit and decoded by the right sampler.
    """
    samplers = {"right": right_sampler, "right encoder": right_encoder, **EXHIBITS}
    require.choice("letter", letter, samplers)
    sampler = samplers[letter]
    mixture, alpha_bar, times = data_set(data), alpha_bar_schedule("linear", 1000), []
    encodes = sampler in (encodes_ahead, right_encoder)

    def eps_fn(x, t):
        times.append(t)
        return mixture.eps(x, float(alpha_bar[t]))

    x = np.random.default_rng(0).standard_normal((MUSEUM_POINTS, 2))
    if encodes:
        x = mixture.sample(MUSEUM_POINTS, np.random.default_rng(1))
    runs = [sampler(x, eps_fn, alpha_bar, S, np.random.default_rng(seed)) for seed in (2, 3)]
    if encodes:
        runs = [right_sampler(z, mixture.eps_fn(alpha_bar), alpha_bar, S, None) for z in runs]
    differ = float(np.sqrt(np.mean((runs[0] - runs[1]) ** 2)))
    return runs[0], tuple(times[: len(times) // 2]), differ


def draw_samples(axes, letter, data, S):
    """Draw an exhibit's samples over the data's centres, its letter as the title."""
    samples = exhibit(letter, data, S)[0]
    frame(axes, PLANE[0], letter, PLANE[1])
    draw_points(axes, data_set(data).means, PALE, size=7, alpha=1.0)
    draw_points(axes, samples, BLUE, size=2.5)


def exhibits():
    """Show the samples of all exhibits, on the moons with 20 steps."""
    figure, axes = panels(2, 4, width=10.5, height=4.8)
    for ax, letter in zip(axes.flat, EXHIBITS, strict=True):
        draw_samples(ax, letter, "moons", 20)
    show(figure, "Eight clouds of 500 points over the grey moons. A: drawn together, the ends empty. B: drawn to "
         "the middle and off the lines. C: nearly right. D, G: fuzzy. E: far off. F: right. H: too wide.")  # fmt: skip


def bug_museum(letter="A") -> LiveFigure:
    """An exhibit's samples over the data, and the times it asked about beside those of the right sampler."""
    figure, (plane, clock) = panels(2, 1, width=6.6, height=6.4, height_ratios=(5, 1))
    frame(plane, PLANE[0], high=PLANE[1])
    centres = draw_points(plane, np.empty((0, 2)), PALE, size=7, alpha=1.0, label="the data")
    points = draw_points(plane, np.empty((0, 2)), BLUE, size=3.5, alpha=0.8, label="samples")
    (truth,) = clock.plot([], [], "o", color=INK, markersize=6)
    (times,) = clock.plot([], [], "o", color=VERMILION, markersize=6)
    clock.set(xlim=(1030, -30), ylim=(-0.6, 1.6), xlabel="times t at which the denoiser was asked")
    clock.set_yticks((1, 0), ("right", "exhibit"))
    key_below(figure)
    controls = {
        "letter": choice_slider("exhibit", tuple(EXHIBITS), letter),
        "data": menu("data", ["moons", "ring"], "moons"),
        "S": choice_slider("S (asked for)", (10, 20, 30, 50), 20),
    }

    def update(letter, data, S):
        samples, asked, differ = exhibit(letter, data, S)
        centres.set_data(*data_set(data).means.T)
        points.set_data(*samples.T)
        times.set_data(asked, np.zeros(len(asked)))
        expected = exhibit("right", data, S)
        truth.set_data(expected[1], np.ones(len(expected[1])))
        return _museum_words(letter, data, S, samples, asked, differ, expected[0])

    return LiveFigure(figure, [centres, points, truth, times], controls, update)


def _museum_words(letter, data, S, samples, asked, differ, expected):
    """The evidence, in words and numbers."""
    means = data_set(data).means
    kind = "An encoder; its points were decoded by the right sampler. " if letter == _encoder() else ""
    return (
        f"Exhibit {letter}, “{data}”, S = {S}. {kind}{len(asked)} calls, from t = {asked[0]} to t = {asked[-1]}. "
        f"Off the data {off_manifold(samples, means):.2f} (right: {off_manifold(expected, means):.2f}), spread "
        f"{samples.std():.2f} (right: {expected.std():.2f}). Two runs from the same start differ by {differ:.2f}."
    )


def _encoder():
    """The letter of the exhibit that encodes."""
    return next(letter for letter, sampler in EXHIBITS.items() if sampler is encodes_ahead)
