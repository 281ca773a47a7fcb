"""Lesson 11: one path in four coordinates; guidance beside what it is said to sample; paths made straight."""

import numpy as np

from ...ddim import ddim_sample, ddim_states, predict_x0
from ...figures.controls import choice_slider, menu, number_slider
from ...figures.live import LiveFigure
from ...figures.plots import BLUE, GREY, INK, ORANGE, PALE, VERMILION, draw_paths, draw_points, frame, panels, show
from ...learning.runs import distance_in_floors
from ...oracle import gaussian
from ...remember import remember
from ...schedules import make_tau
from ...solvers import smooth_alpha_bar
from ...toy_data import data_set, three_peaks
from . import guidance
from .clocks import CLOCKS, euler_path, scale

LINES = {"one point": gaussian([0.8], 0.001), "one Gaussian": gaussian([0.5], 0.5), "three peaks": three_peaks()}
STEPS = (1, 2, 3, 4, 6, 8, 12, 20, 50)
STRENGTHS = tuple(1 + 0.5 * k for k in range(13))
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
V_C, V_U = 1.0, 2.0  # variances of the Gaussian example, with the condition and without
HEIGHTS = {"time": 2.7, "noise": 6.0, "line": 2.7, "angle": 2.7}  # of the windows of one-dimensional paths

# --- one path in four coordinates ------------------------------------------------------------------------------------


@remember(results=256)
def one_path(x_T, data, S):
    """Return what :func:`four_coordinates` shows of a start: {clock: (exact curve, DDIM's pieces, its points, Euler)}.

    Each is an array (n, 2) of (w, y); the pieces are DDIM's step drawn with x̂_0 and ε̂ held.
    """
    dense, coarse = smooth_alpha_bar(400), smooth_alpha_bar(S)
    start, denoiser = np.array([[x_T]]), LINES[data]
    walk = [
        np.array(list(ddim_states(start, denoiser.eps_fn(ab), ab, range(len(ab) - 1, -1, -1))))
        for ab in (dense, coarse)
    ]
    between = np.concatenate([_between(x.item(), denoiser, coarse, S - i) for i, x in enumerate(walk[1][:-1])])
    found = {}
    for name, clock in CLOCKS.items():
        exact, points = (_seen(clock, ab[::-1], x.ravel()) for ab, x in zip((dense, coarse), walk, strict=True))
        euler = euler_path(clock, start, denoiser.eps_fn(coarse), coarse).ravel()
        found[name] = exact, _seen(clock, *between.T), points, np.column_stack([points[:, 0], euler])
    return found


def _between(x, denoiser, alpha_bar, t, count=12):
    """Points (ᾱ, x) of DDIM's step from x at time t, with x̂_0 and ε̂ held, at angles between the two times."""
    a, b = alpha_bar[t] ** 0.5, (1 - alpha_bar[t]) ** 0.5
    eps_hat = denoiser.eps(np.array([[x]]), alpha_bar[t]).item()
    angles = np.arctan2(*np.sqrt([1 - alpha_bar[[t, t - 1]], alpha_bar[[t, t - 1]]]))
    inside = np.linspace(*angles, count)
    return np.column_stack([np.cos(inside) ** 2, np.cos(inside) * (x - b * eps_hat) / a + np.sin(inside) * eps_hat])


def _seen(clock, alpha_bar, x):
    """Points x at levels ᾱ as (w, y) of a clock."""
    return np.column_stack([clock.reads(alpha_bar), x / scale(clock, alpha_bar)])


PARTS = {  # of each panel, from the lowest up
    "exact": dict(color=PALE, linewidth=7, label="exact curve"),
    "pieces": dict(color=BLUE, linewidth=2, label="DDIM's steps"),
    "points": dict(color=BLUE, marker="o", linestyle="", markersize=6),
    "Euler": dict(color=VERMILION, linewidth=2, linestyle="--", marker="s", markersize=4, label="Euler on this clock"),
}


def draw_four(axes, x_T=2.0, data="one Gaussian", S=3):
    """Draw a path in the four coordinates on four axes, data on the right; returns the artists, four for each."""
    artists = []
    for ax, (name, clock) in zip(axes.flat, CLOCKS.items(), strict=True):
        start = {"noise": 3.0}.get(name, float(clock.reads(smooth_alpha_bar(50)[-1])))
        ax.set(xlim=(start, -0.02 * start), ylim=(-HEIGHTS[name], HEIGHTS[name]), xlabel=clock.w, ylabel=clock.x)
        artists += [ax.plot([], [], **style)[0] for style in PARTS.values()]
    axes.flat[2].set_xticks((1, 0.5, 0))
    axes.flat[0].legend(loc="lower left", fontsize=10)
    move_four(artists, x_T, data, S)
    return artists


def move_four(artists, x_T, data, S):
    """Set the artists of :func:`draw_four`."""
    parts = (part for four in one_path(x_T, data, S).values() for part in four)
    for artist, part in zip(artists, parts, strict=True):
        artist.set_data(*part.T)


def four_coordinates() -> LiveFigure:
    """Move x_T, S and the data: on two of four clocks Euler's step is DDIM's, and its pieces are straight."""
    figure, axes = panels(2, 2, width=9.6, height=6.4)
    artists = draw_four(axes)
    controls = {
        "x_T": number_slider("x_T", -2.5, 2.5, 0.1, 2.0, digits=1),
        "S": choice_slider("S (steps)", STEPS, 3),
        "data": menu("data", list(LINES), "one Gaussian"),
    }

    def update(x_T, S, data):
        move_four(artists, x_T, data, S)
        seen = one_path(x_T, data, S)
        ends = ", ".join(f"{signed(seen[name][3][-1, 1])} in {CLOCKS[name].w}" for name in CLOCKS)
        exact, ddim = (signed(seen["line"][k][-1, 1]) for k in (0, 2))
        exact_end = f"{data}, x_T = {signed(x_T)}: the exact curve ends at {exact}"
        return f"{exact_end}, DDIM's {S} steps at {ddim}; Euler's at {ends}."

    return LiveFigure(figure, artists, controls, update)


def signed(value):
    """Two decimals with a true minus sign."""
    return f"{value:.2f}".replace("-", "−")


# --- guidance --------------------------------------------------------------------------------------------------------


def shades(w):
    """Return the tilted law as a picture (rows, columns): how many of its contours a place lies within, 0 to 3."""
    levels, height = guidance.contours(w)
    return sum(height >= level for level in levels)


def prepare_guided(axes):
    """Prepare the plane for guided samples; returns {"tilted": contours, "other": the other moon, "points": dots}."""
    image = axes.imshow(np.zeros((2, 2)), origin="lower", extent=guidance.WINDOW * 2, cmap="Greys", vmin=0, vmax=7)
    other = draw_points(axes, data_set("moons").means[24:], ORANGE, size=4, alpha=1.0)
    dots = draw_points(axes, np.empty((0, 2)), BLUE, size=3.5, alpha=0.7)
    frame(axes, guidance.WINDOW[1])
    return {"tilted": image, "other": other, "points": dots}


def draw_guided(axes, w, eta):
    """Draw 500 guided samples over the contours of the tilted law; the title says what they do."""
    parts = prepare_guided(axes)
    x = guidance.samples(w, eta)
    parts["tilted"].set_data(shades(w))
    parts["points"].set_data(*x.T)
    axes.set_title(f"w = {w:g}, η = {eta:g}: {guidance.outside(x, w):.1%} outside", fontsize=11)


def draw_variances(axes):
    """Draw the three formulas of (11.7) for the Gaussian example, over w."""
    w = np.linspace(1, 7, 61)
    for eta, color, style in ((0.0, BLUE, "-"), (1.0, ORANGE, "--")):
        values = [guidance.guided_variance(V_C, V_U, strength, eta, 2001) for strength in w]
        axes.semilogy(w, values, style, color=color, linewidth=2, label=f"guidance, η = {eta:g}")
    axes.semilogy(w, 1 / (w / V_C + (1 - w) / V_U), ":", color=INK, linewidth=2, label="the tilted law")
    axes.set(xlabel="w (guidance)", ylabel="variance, one Gaussian", ylim=(0.002, 1.3))
    marks = ("0.005", "0.02", "0.05", "0.1", "0.2", "0.5", "1")
    axes.set_yticks([float(mark) for mark in marks], marks)
    axes.minorticks_off()
    axes.legend(loc="lower left", fontsize=10)


def guidance_lab() -> LiveFigure:
    """Move w, η and S: samples of the upper moon over the contours of the law that guidance is said to sample."""
    figure, (plane, right) = panels(1, 2, width=9.6, height=4.9)
    parts = prepare_guided(plane)
    draw_variances(right)
    (dot,) = right.plot([], [], "o", color=VERMILION, markersize=11, markeredgecolor="white")
    controls = {
        "w": choice_slider("w (guidance)", [(f"{w:.1f}", w) for w in STRENGTHS], 3.0),
        "eta": choice_slider("η (noise)", [(f"{eta:.2f}", eta) for eta in LEVELS], 0.0),
        "S": choice_slider("S (steps)", (10, 20, 50, 100, 200), 50),
    }

    def update(w, eta, S):
        x, var = guidance.samples(w, eta, S), guidance.variance_by_steps(V_C, V_U, w, eta, S)
        parts["tilted"].set_data(shades(w))
        parts["points"].set_data(*x.T)
        dot.set_data([w], [var])
        theirs, ours = guidance.tilted_spread(w), x.std(axis=0)
        return (
            f"w = {w:.1f}, η = {eta:.2f}, S = {S}: {guidance.outside(x, w):.1%} of 500 samples lie outside the contour "
            f"that holds 99 % of the tilted law; across, their standard deviation is {ours[0]:.2f}, the tilted law's "
            f"{theirs[0]:.2f}. One Gaussian: variance {var:.3f}, the tilted law's {1 / (w / V_C + (1 - w) / V_U):.3f}."
        )

    return LiveFigure(figure, [*parts.values(), dot], controls, update)


# --- another coupling ------------------------------------------------------------------------------------------------


def line_paths(x_T, eps_hat, alpha_bar, S=50):
    """Return the η = 0 paths from x_T (n, d) in flow matching's coordinates x_u; shape (n, S + 1, d)."""
    tau = make_tau(len(alpha_bar) - 1, S, "quadratic")
    c = scale(CLOCKS["line"], alpha_bar[list(tau)])
    return np.moveaxis(np.array(list(ddim_states(x_T, eps_hat, alpha_bar, tau))) / c[:, None, None], 0, 1)


def detour(paths):
    """Return the mean of length over distance of paths (n, steps, d): 1 if all are straight."""
    length = np.linalg.norm(np.diff(paths, axis=1), axis=2).sum(axis=1)
    return float(np.mean(length / np.linalg.norm(paths[:, -1] - paths[:, 0], axis=1)))


def draw_flow(axes, paths, title):
    """Draw paths (n, steps, 2) in x_u from noise (orange) to data (blue)."""
    draw_paths(axes, paths, GREY, width=0.9, alpha=0.8)
    draw_points(axes, paths[:, 0], ORANGE, size=4, alpha=1.0)
    draw_points(axes, paths[:, -1], BLUE, size=4, alpha=1.0)
    frame(axes, 2.9, title)


def floors(eps_hat, x_T, S, eta=0.0, seed=0):
    """Return the distance of S steps' samples from the moons, in noise floors of sliced W2."""
    rng = np.random.default_rng(seed)
    samples = ddim_sample(x_T, eps_hat, guidance.ALPHA_BAR, make_tau(1000, S, "quadratic"), eta, rng)
    return distance_in_floors(samples, data_set("moons"), rng)


# --- still pictures, each with its caption ---------------------------------------------------------------------------


def four_stills():
    """Show one path in four coordinates."""
    figure, axes = panels(1, 4, width=11, height=3.0)
    draw_four(axes)
    for ax in axes:
        ax.set_ylim(bottom=0)  # this path stays above
    caption = (
        "One path of one Gaussian, data on the right: the exact curve in grey, DDIM's three steps in blue, Euler's in "
        "red and dashed. Blue pieces are straight over σ̃ and u, and there red lies on them. Grey bends in all four."
    )
    show(figure, caption)


def guided_stills():
    """Show guided samples at two strengths and two levels of noise."""
    figure, axes = panels(1, 4, width=11, height=3.1)
    for ax, (w, eta) in zip(axes, ((1, 0), (3, 0), (7, 0), (7, 1)), strict=True):
        draw_guided(ax, w, eta)
    caption = (
        "500 samples of the upper moon (blue) over the contours of the tilted law (grey); the other moon orange. The "
        "law hardly changes with w. The samples crowd at the end that is far from the other moon, and at w = 7 with "
        "η = 0 some leave the law."
    )
    show(figure, caption)


def flow_stills(independent, reflow, x_T):
    """Show the paths in x_u of two denoisers from the same x_T (n, 2)."""
    figure, axes = panels(1, 2, width=9.6, height=4.6)
    for ax, eps_hat, title in zip(axes, (independent, reflow), ("independent", "reflow"), strict=True):
        paths = line_paths(x_T, eps_hat, guidance.ALPHA_BAR)
        draw_flow(ax, paths, f"{title}: length {detour(paths):.2f} × distance")
    caption = (
        "Paths in x_u from noise (orange) to data (blue), 50 steps. Left, independent pairs: they bend, many turn "
        "sharply near the end. Right, reflow: straight lines to nearly the same ends."
    )
    show(figure, caption)


def heun_in_u(x_T, eps_fn, alpha_bar):
    """Return where Heun's steps on the clock u end: the mean of the velocities at both ends of each Euler step."""
    u, c, x = CLOCKS["line"].reads(alpha_bar), scale(CLOCKS["line"], alpha_bar), x_T

    def velocity(x, t):
        eps_hat = eps_fn(x, t)
        return eps_hat - predict_x0(x, eps_hat, alpha_bar[t])

    for t in range(len(alpha_bar) - 1, 0, -1):
        first = velocity(x, t)
        trial = x / c[t] + (u[t - 1] - u[t]) * first
        second = velocity(c[t - 1] * trial, t - 1)
        x = c[t - 1] * (x / c[t] + (u[t - 1] - u[t]) * (first + second) / 2)
    return x
