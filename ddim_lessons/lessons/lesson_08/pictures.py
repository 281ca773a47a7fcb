"""Lesson 08: the recorded table as a map, the grid inspector, the bug museum, and the exact recursion, live."""

import numpy as np

from ... import require
from ...figures.controls import choice_slider, menu, number_slider
from ...figures.live import LiveFigure
from ...figures.plots import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    VERMILION,
    digit_mosaic,
    draw_digits,
    draw_points,
    frame,
    panels,
)
from ...files import read_arrays
from ...gaussians import sampler_moments
from ...learning.cases import CASES, CLEAN_HAT, DENOISERS, HAT, LEVELS, STEPS, metrics_of
from ...metrics import off_manifold
from ...remember import remember
from ...schedules import SCHEDULES, alpha_bar_schedule, make_tau
from ...toy_data import data_set
from .bug_museum import EXHIBITS, encodes_ahead, right_encoder, right_sampler
from .grids import GRIDS, inspect

STYLES = {  # how each level is drawn: colour, line, marker
    "0": (BLUE, "-", "o"), "0.2": (SKY, "-", "v"), "0.5": (GREEN, "-", "D"), "1": (VERMILION, "-", "s"),
    HAT: (INK, "--", "^"), CLEAN_HAT: (PURPLE, ":", "P"),
}  # fmt: skip

# The DDIM paper's Table 1 for CIFAR-10: FID at these S.
PAPER_STEPS = (10, 20, 50, 100, 1000)
PAPER = {
    "0": (13.36, 6.84, 4.67, 4.16, 4.04),
    "0.2": (14.04, 7.11, 4.77, 4.25, 4.09),
    "0.5": (16.66, 8.35, 5.25, 4.46, 4.29),
    "1": (41.07, 18.36, 8.01, 5.78, 4.73),
    HAT: (367.43, 133.37, 32.72, 9.99, 3.17),
}


# --- what was recorded by tools/record_quality.py ------------------------------------------------------------------


@remember(1)
def recorded():
    """The recorded arrays by name."""
    return read_arrays("results/lesson_08.npz")


def metric_row(data, metric):
    """Return the row of ``metric`` in the tables of the data set called ``data``."""
    require.choice("metric", metric, metrics_of(data))
    return metrics_of(data).index(metric)


def table(data, denoiser, metric):
    """Return (values, errors), each of shape (levels, steps), of a case in a metric."""
    require.that((data, denoiser) in CASES, "the case", (data, denoiser), f"one of {CASES}")
    return recorded()[f"{data} {denoiser}"][:, metric_row(data, metric)].astype(float)


def floor(data, metric):
    """Return (mean, spread), each of shape (steps,), of the metric of true samples, as many as were measured."""
    require.choice("data", data, dict.fromkeys(data for data, _ in CASES))
    return recorded()[f"{data} floor"][metric_row(data, metric)].astype(float)


def cell(data, denoiser, metric, level, S):
    """Return (value, error) of one cell of a table."""
    require.choice("level", level, LEVELS)
    require.whole("S", S, 1)
    require.that(S in STEPS, "S", S, f"one of {STEPS}")
    return tuple(table(data, denoiser, metric)[:, LEVELS.index(level), STEPS.index(S)])


def table_text(data, denoiser, metric):
    """Return a table as text: value ± standard error for each level and S; below, true samples ± their spread."""
    values, errors = table(data, denoiser, metric)
    digits = 2 if metric == "Fréchet" else 3
    rows = [f"{data}, {denoiser} denoiser: {metric}", f"{'S':>13}" + "".join(f"{S:>14}" for S in STEPS)]
    for level, row, error in zip(LEVELS, values, errors, strict=True):
        cells = "".join(f"{v:>7.{digits}f} ±{e:.{digits}f}".rjust(14) for v, e in zip(row, error, strict=True))
        rows.append(f"{level:>13}" + cells)
    marks = "".join(f"{v:>7.{digits}f} ±{e:.{digits}f}".rjust(14) for v, e in zip(*floor(data, metric), strict=True))
    return "\n".join([*rows, f"{'true samples':>13}" + marks])


def paper_text():
    """Return the paper's Table 1 (CIFAR-10) as text."""
    rows = [f"{'S':>13}" + "".join(f"{S:>10}" for S in PAPER_STEPS)]
    return "\n".join(rows + [f"{level:>13}" + "".join(f"{v:>10.2f}" for v in row) for level, row in PAPER.items()])


def spacing_text():
    """Return the digits' Fréchet distances for two spacings, two S and two η as text."""
    values, errors = recorded()["spacing"].astype(float)
    rows = [f"{'digits: Fréchet':>22}" + "".join(f"{f'S = {S}, η = {eta}':>17}" for S in (10, 20) for eta in (0, 1))]
    for i, denoiser in enumerate(DENOISERS):
        for j, spacing in enumerate(("linear", "quadratic")):
            pairs = zip(values[i, j].ravel(), errors[i, j].ravel(), strict=True)
            rows.append(f"{denoiser:>12}{spacing:>10}" + "".join(f"{v:>10.2f} ±{e:.2f}".rjust(17) for v, e in pairs))
    return "\n".join(rows)


def steps_for(steps, values, target):
    """Return the S at which the curve ``values`` over ``steps`` first falls to ``target``, straight in log S.

    0 if it starts below, infinity if it never falls so far.
    """
    steps, values = np.asarray(steps, dtype=float), np.asarray(values, dtype=float)
    if values[0] <= target:
        return 0.0
    below = np.flatnonzero(values <= target)
    if len(below) == 0:
        return float("inf")
    j = below[0]
    share = (values[j - 1] - target) / (values[j - 1] - values[j])
    return float(steps[j - 1] * (steps[j] / steps[j - 1]) ** share)


# --- pictures ----------------------------------------------------------------------------------------------------


def draw_levels(axes, steps, rows, errors=None, levels=LEVELS):
    """Draw one curve for each level over S on two logarithmic axes, with bars of two standard errors."""
    for level, values, error in zip(levels, rows, errors if errors is not None else [None] * len(rows), strict=True):
        color, line, marker = STYLES[level]
        label = f"η = {level}" if level[0] in "01" else level
        bars = None if error is None else np.minimum(2 * np.asarray(error), 0.95 * np.asarray(values))
        axes.errorbar(steps, values, bars, color=color, linestyle=line, marker=marker, markersize=5, label=label)
    axes.set(xscale="log", yscale="log", xlabel="S (steps)")
    axes.set_xticks(steps, [str(S) for S in steps])
    axes.minorticks_off()


def plain_ticks(axes, ticks):
    """Label a logarithmic y axis with plain numbers."""
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()


# --- the map of the record ---------------------------------------------------------------------------------------

KINDS = ("distance to the data", "off the data")  # the first two of metrics_of, in which more is worse
LOWEST, HIGHEST, LIMIT = 0.3, 200.0, 2.5


def quality_map(case="digits · trained") -> LiveFigure:
    """The recorded table: curves over S for each level in noise floors, and samples at the chosen S and level."""
    figure, (left, right) = panels(1, 2, width=10, height=4.6, width_ratios=(1.5, 1))
    curves, bars, dot = _map_axes(left)
    frame(right, LIMIT)
    centres = draw_points(right, np.empty((0, 2)), PALE, size=7, alpha=1.0)
    points = draw_points(right, np.empty((0, 2)), BLUE, size=3.5, alpha=0.8)
    mosaic = draw_digits(right, np.zeros((3, 4, 64)))
    mosaic.set_extent((-LIMIT, LIMIT, -LIMIT * 0.75, LIMIT * 0.75))
    right.set(xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT), xticks=[], yticks=[])
    controls = {
        "case": menu("data · denoiser", [f"{data} · {denoiser}" for data, denoiser in CASES], case),
        "kind": menu("metric", list(KINDS), KINDS[0]),
        "S": choice_slider("S (steps)", STEPS, 10),
        "level": choice_slider("η (noise)", LEVELS, "0"),
    }

    def update(case, kind, S, level):
        data, denoiser = case.split(" · ")
        metric = metrics_of(data)[KINDS.index(kind)]
        _move_curves(curves, bars, data, denoiser, metric)
        value, error = cell(data, denoiser, metric, level, S)
        lowest = floor(data, metric)[0][STEPS.index(S)]
        dot.set_data([S], [max(value / lowest, LOWEST)])
        _move_samples(data, denoiser, level, S, centres, points, mosaic)
        return (
            f"{case} denoiser, {metric}: {value:.3g} ± {error:.2g} at S = {S} and {_level_words(level)} (the circle); "
            f"true samples have {lowest:.3g}, so it is {value / lowest:.2g} times that. Right: such samples."
        )

    return LiveFigure(figure, [*curves, *bars, dot, centres, points, mosaic], controls, update)


def _level_words(level):
    return f"η = {level}" if level[0] in "01" else level


def _map_axes(axes):
    """Prepare the left panel; returns (curves, error bars, dot)."""
    axes.axhspan(LOWEST / 2, 1, color=PALE, alpha=0.7)
    axes.axhline(1, color=GREY, linewidth=1)
    curves, bars = [], []
    for level, (color, line, marker) in STYLES.items():
        curves += axes.plot([1], [1], line, color=color, marker=marker, markersize=5, label=_level_words(level))
        bars.append(axes.vlines([1], [1], [1], color=color, linewidth=1.2))
    (dot,) = axes.plot([1], [1], "o", color=INK, markersize=14, fillstyle="none", markeredgewidth=2)
    axes.set(xscale="log", yscale="log", xlim=(4, 1300), ylim=(LOWEST * 0.9, HIGHEST), xlabel="S (steps)")
    axes.set(ylabel="metric (true samples = 1)", title="grey: below true samples")
    axes.set_xticks(STEPS, [str(S) for S in STEPS])
    plain_ticks(axes, (0.3, 1, 3, 10, 30, 100))
    axes.legend(fontsize=11, ncols=2, loc="upper right")
    return curves, bars, dot


def _move_curves(curves, bars, data, denoiser, metric):
    """Set the curves to a table, in noise floors."""
    values, errors = table(data, denoiser, metric) / floor(data, metric)[0]
    for curve, bar, row, error in zip(curves, bars, values, errors, strict=True):
        curve.set_data(STEPS, np.clip(row, LOWEST, HIGHEST))
        low, high = (np.clip(row + sign * 2 * error, LOWEST, HIGHEST) for sign in (-1, 1))
        bar.set_segments([[(S, a), (S, b)] for S, a, b in zip(STEPS, low, high, strict=True)])


def _move_samples(data, denoiser, level, S, centres, points, mosaic):
    """Show the recorded samples of a setting: a mosaic of digits, or points over the data's centres."""
    samples = recorded()[f"{data} {denoiser} samples"][LEVELS.index(level), STEPS.index(S)]
    pictures = data == "digits"
    mosaic.set_visible(pictures)
    points.set_visible(not pictures)
    centres.set_visible(not pictures)
    if pictures:
        mosaic.set_data(digit_mosaic(samples.reshape(3, 4, 64)))
    else:
        points.set_data(*samples.T.astype(float))
        centres.set_data(*data_set(data).means.T)


# --- the exact recursion -----------------------------------------------------------------------------------------

MANY = (2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 1000)
SPREADS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0)


@remember(256)
def exact_errors(mean, spread, eta, steps=MANY):
    """Return (distance, mean error, error of the spread) over ``steps``; data N(mean, spread²), exact denoiser.

    The distance is the exact W2 of the output to the data, √(Δmean² + Δspread²).
    """
    alpha_bar, found = alpha_bar_schedule("linear", 1000), []
    for S in steps:
        *_, (_, m, var) = sampler_moments(mean, spread**2, alpha_bar, make_tau(1000, S), eta)
        found.append((m - mean, var**0.5 - spread))
    shift, narrowing = np.array(found, dtype=float).T
    return np.hypot(shift, narrowing), shift, narrowing


def exact_recursion(spread=1.0) -> LiveFigure:
    """The exact W2 of a sampler's output to Gaussian data, for the chosen η between η = 0 and η = 1."""
    figure, axes = panels(width=9, height=4.2)
    ends = [
        axes.plot([1], [1], line, color=c, label=f"η = {e}")[0] for e, c, line in ((0, BLUE, "-"), (1, VERMILION, "--"))
    ]
    (mine,) = axes.plot([1], [1], "-.", color=INK, label="your η")
    (dot,) = axes.plot([1], [1], "o", color=INK, markersize=9)
    axes.set(xscale="log", yscale="log", xlim=(1.8, 1150), ylim=(1e-3, 4), xlabel="S (steps)", ylabel="W2 to the data")
    axes.set_xticks((2, 5, 10, 20, 50, 100, 1000), ["2", "5", "10", "20", "50", "100", "1000"])
    plain_ticks(axes, (0.001, 0.01, 0.1, 1))
    axes.legend(loc="lower left")
    controls = {
        "spread": choice_slider("data's spread", SPREADS, spread),
        "mean": choice_slider("data's mean", (0.0, 1.0, 2.0, 4.0), 0.0),
        "eta": number_slider("η (noise)", 0.0, 1.0, 0.1, 0.5, digits=1),
        "S": choice_slider("S (steps)", MANY, 10),
    }

    def update(spread, mean, eta, S):
        rows = [exact_errors(mean, spread, e)[0] for e in (0.0, 1.0, round(eta, 6))]
        for curve, row in zip([*ends, mine], rows, strict=True):
            curve.set_data(MANY, row)
        at = [row[MANY.index(S)] for row in rows]
        dot.set_data([S], [at[2]])
        return (
            f"Data N({mean:g}, {spread:g}²), S = {S}: the output is {at[2]:.3g} from the data at η = {eta:.1f}, "
            f"{at[0]:.3g} at η = 0 and {at[1]:.3g} at η = 1. {_closest(eta, at)}"
        )

    return LiveFigure(figure, [*ends, mine, dot], controls, update)


def _closest(eta, at):
    """Which of the distances ``at`` of η = 0, η = 1 and the chosen η is the smallest, in words."""
    if max(at) < 1.01 * min(at):
        return "The three agree to 1%."
    return f"{('η = 0', 'η = 1', f'η = {eta:.1f}')[at.index(min(at))]} is closest."


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
    frame(axes, LIMIT, letter)
    draw_points(axes, data_set(data).means, PALE, size=7, alpha=1.0)
    draw_points(axes, samples, BLUE, size=2.5)


def bug_museum(letter="A") -> LiveFigure:
    """An exhibit's samples over the data, and the times it asked about beside those of the right sampler."""
    figure, (left, right) = panels(1, 2, width=9.5, height=4.5)
    frame(left, LIMIT, "grey: the data, blue: samples")
    centres = draw_points(left, np.empty((0, 2)), PALE, size=7, alpha=1.0)
    points = draw_points(left, np.empty((0, 2)), BLUE, size=3.5, alpha=0.8)
    (truth,) = right.plot([], [], "o-", color=PALE, markersize=9, linewidth=4, label="the right sampler")
    (times,) = right.plot([], [], "o-", color=VERMILION, markersize=4, linewidth=1.2, label="the exhibit")
    right.set(xlim=(0, 54), ylim=(-30, 1030), xlabel="call of the denoiser", ylabel="time t it was asked about")
    right.legend(loc="upper right")
    controls = {
        "letter": choice_slider("exhibit", tuple(EXHIBITS), letter),
        "data": menu("data", ["moons", "ring"], "moons"),
        "S": choice_slider("S (asked for)", (10, 20, 30, 50), 20),
    }

    def update(letter, data, S):
        samples, asked, differ = exhibit(letter, data, S)
        centres.set_data(*data_set(data).means.T)
        points.set_data(*samples.T)
        times.set_data(1 + np.arange(len(asked)), asked)
        expected = exhibit("right", data, S)
        truth.set_data(1 + np.arange(S), expected[1])
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
