"""Lesson 08: the recorded tables in words and as a map, and the exact recursion."""

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
    WINDOW,
    digit_mosaic,
    draw_digits,
    draw_points,
    frame,
    key_below,
    panels,
    show,
)
from ...files import read_arrays
from ...gaussians import sampler_moments
from ...learning.cases import CASES, CLEAN_HAT, DENOISERS, HAT, LEVELS, STEPS, metrics_of
from ...remember import remember
from ...schedules import alpha_bar_schedule, make_tau
from ...toy_data import data_set, load_digits

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


def eta_gap(data, denoiser, metric, S):
    """Return (η = 1's value divided by η = 0's, their difference in standard errors) at S."""
    (zero, e_zero), (one, e_one) = (cell(data, denoiser, metric, level, S) for level in ("0", "1"))
    return one / zero, (one - zero) / np.hypot(e_zero, e_one)


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


def equal_steps(data, denoiser, S, draws=2000):
    """Return the 5, 50 and 95 % of the number of DDPM steps that equal DDIM's S in the first metric, floors subtracted.

    Every cell of the table is moved at random by its standard error.
    """
    metric = metrics_of(data)[0]
    (values, errors), lowest = table(data, denoiser, metric), floor(data, metric)[0]
    noise = np.random.default_rng(3).standard_normal((draws, *values.shape))
    moved = values + errors * noise - lowest
    equal = [steps_for(STEPS, m[LEVELS.index("1")], m[0, STEPS.index(S)]) for m in moved]
    return np.quantile(equal, [0.05, 0.5, 0.95], method="nearest")


def digit_variances():
    """Return the variances of the digits along their 64 principal directions, the eigenvalues of their covariance."""
    return np.linalg.eigvalsh(np.cov(load_digits()[0], rowvar=False)).clip(min=0)


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


def beside_the_paper():
    """Show the paper's Table 1 beside the digits' Fréchet distances, of the exact denoiser and the trained one."""
    figure, axes = panels(1, 3, width=11, height=4.8)
    draw_levels(axes[0], PAPER_STEPS, PAPER.values(), levels=tuple(PAPER))
    axes[0].set(title="the paper: FID", ylim=(2, 600))
    plain_ticks(axes[0], (3, 10, 30, 100, 300))
    for ax, denoiser in zip(axes[1:], DENOISERS, strict=True):
        draw_levels(ax, STEPS, *table("digits", denoiser, "Fréchet"))
        ax.plot(STEPS, floor("digits", "Fréchet")[0], color=GREY, linewidth=6, alpha=0.4, label="true ones")
        ax.set(title=f"digits, {denoiser}: Fréchet", ylim=(0.08, 120))
        plain_ticks(ax, (0.1, 0.3, 1, 3, 10, 30))
    axes[2].legend(fontsize=11, loc="upper right", labelspacing=0.2)
    show(figure, "Left: the paper; η = 0 lowest up to S = 100, σ̂ far above, lowest at 1000. Middle, right: our "
         "digits, bars of 2 standard errors; η = 0 below η = 1 at S = 5; from S = 10 on the bars touch.")  # fmt: skip


def spreads():
    """Show what is missing of the spread of data N(0, spread²), for three spreads and three η, over S."""
    figure, axes = panels(1, 3, width=10, height=3.9, sharey=True)
    for ax, spread in zip(axes, (0.1, 0.5, 2.0), strict=True):
        for eta, color, line in ((0.0, BLUE, "-"), (0.5, ORANGE, ":"), (1.0, VERMILION, "--")):
            ax.plot(MANY, exact_errors(0.0, spread, eta)[0] / spread, line, color=color, label=f"η = {eta:g}")
        ax.set(xscale="log", yscale="log", xlabel="S (steps)", title=f"spread {spread:g}")
        ax.set_xticks((2, 10, 100, 1000), ["2", "10", "100", "1000"])
        ax.minorticks_off()
    axes[0].set(ylabel="share of the spread that is missing")
    plain_ticks(axes[0], (0.001, 0.01, 0.1, 1))
    axes[0].legend(loc="lower left")
    show(figure, "The error falls with S in all three panels. η = 0 is lowest, η = 1 (no noise in its last "
         "jump) highest; but for spread 0.1 the curves lie on each other up to S = 20, for spread 2 they are apart "
         "from S = 5 on.")  # fmt: skip


# --- the map of the record ---------------------------------------------------------------------------------------

KINDS = ("distance to the data", "off the data")  # the first two of metrics_of, in which more is worse
LOWEST, HIGHEST = 0.3, 200.0


def quality_map(case="digits · trained") -> LiveFigure:
    """The recorded table: curves over S for each level in noise floors, and samples at the chosen S and level."""
    figure, (left, right) = panels(1, 2, width=10, height=4.6, width_ratios=(1.5, 1))
    curves, bars, dot = _map_axes(left)
    centres = draw_points(right, np.empty((0, 2)), PALE, size=7, alpha=1.0)
    points = draw_points(right, np.empty((0, 2)), BLUE, size=3.5, alpha=0.8)
    mosaic = draw_digits(right, np.zeros((3, 4, 64)))
    mosaic.set_extent((-WINDOW[0], WINDOW[0], -WINDOW[0] * 0.75, WINDOW[0] * 0.75))
    frame(right, WINDOW[0], " ", WINDOW[1])
    right.spines[:].set_visible(False)
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
    axes.text(0.99, 0.02, "as good as true samples", transform=axes.transAxes, ha="right", fontsize=11)
    axes.axhline(1, color=GREY, linewidth=1)
    curves, bars = [], []
    for level, (color, line, marker) in STYLES.items():
        curves += axes.plot([1], [1], line, color=color, marker=marker, markersize=5, label=_level_words(level))
        bars.append(axes.vlines([1], [1], [1], color=color, linewidth=1.2))
    (dot,) = axes.plot([1], [1], "o", color=INK, markersize=14, fillstyle="none", markeredgewidth=2)
    axes.set(xscale="log", yscale="log", xlim=(4, 1300), ylim=(LOWEST * 0.9, HIGHEST), xlabel="S (steps)")
    axes.set(ylabel="metric (true samples = 1)")
    axes.set_xticks(STEPS, [str(S) for S in STEPS])
    plain_ticks(axes, (0.3, 1, 3, 10, 30, 100))
    key_below(axes.figure)
    return curves, bars, dot


def _move_curves(curves, bars, data, denoiser, metric):
    """Set the curves to a table, in noise floors."""
    values, errors = table(data, denoiser, metric) / floor(data, metric)[0]
    for curve, bar, row, error in zip(curves, bars, values, errors, strict=True):
        curve.set_data(STEPS, np.clip(row, LOWEST, HIGHEST))
        low, high = (np.clip(row + sign * 2 * error, LOWEST, HIGHEST) for sign in (-1, 1))  # within the panel
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
