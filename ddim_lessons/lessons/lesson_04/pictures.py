"""Lesson 04: one family of posteriors; the marginals stand still while the conditionals and the paths change."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ... import require
from ...ddim import alpha_bar_pair, coefficients, eta_max, forward_coefficients, variance
from ...figures.controls import choice_slider, menu, number_slider
from ...figures.live import LiveFigure
from ...figures.plots import BLUE, GREEN, GREY, INK, ORANGE, PALE, PURPLE, VERMILION, key_below, panels, show
from ...gaussians import log_normal
from ...remember import remember
from ...schedules import alpha_bar_schedule, make_tau
from ...toy_data import three_peaks

ALPHA_BAR = alpha_bar_schedule("linear", 1000)
TAU = make_tau(1000, 10)
JUMP = (500, 400)  # the jump t → s that is looked at closely
BOUND = float(eta_max(*ALPHA_BAR[list(JUMP)]))  # the largest η of that jump, about 1.24
X0, DRAWS, CLOUD, SHOWN = 1.0, 2000, 300, 8
ROOTS = {"+ (DDIM's choice)": 1, "− (the other root)": -1}
MEMBERS = {"DDIM, +": (0.0, 1), "DDPM, +": (1.0, 1), "η = 0, −": (0.0, -1)}  # (η, root)
PLANE, HIGHEST = (-2.6, 3.2), 1.5  # limits of x_t and x_s; highest density drawn
TICKS = (-2, 0, 2)
METER = (-1.15, 2.9)  # of x_0's coefficient, whatever η and the root
BINS = np.linspace(*PLANE, 34)


class Link(NamedTuple):
    """One jump t → s of a member of the family: its posterior (k, λ, σ²), ρ, and its forward step's (slope, c)."""

    k: float
    lam: float
    sigma_sq: float
    rho: float  # correlation of the noise in x_s with the noise in x_t
    slope: float
    c: float  # how much the forward step s → t still looks at x_0


def link(t, s, eta, root=1):
    """Return the ``Link`` of the jump t → s > 0 at noise level η; where η is beyond the jump's bound, σ² = 1−ᾱ_s."""
    s, eta = require.whole("s", s, 1), require.real("eta", eta, 0)
    alpha_bar_t, alpha_bar_s = alpha_bar_pair(ALPHA_BAR, t, s)
    sigma_sq = min(variance(alpha_bar_t, alpha_bar_s, eta), 1 - alpha_bar_s)
    k, lam = coefficients(alpha_bar_t, alpha_bar_s, sigma_sq, root)
    slope, c, _ = forward_coefficients(alpha_bar_t, alpha_bar_s, sigma_sq, root)
    return Link(k, lam, sigma_sq, root * (1 - sigma_sq / (1 - alpha_bar_s)) ** 0.5, slope, c)


@remember(1)
def normals():
    """The standard normal numbers that all settings share: x_T's and one row for each jump; (11, DRAWS)."""
    return np.random.default_rng(4).standard_normal((len(TAU), DRAWS))


@remember(64)
def chain(eta, root=1, x0=X0):
    """Draw the chain down ``TAU`` given x_0, x_s = k x_t + λ x_0 + σ z; shape (S + 1, DRAWS), times as in ``TAU``."""
    z = normals()
    x = [ALPHA_BAR[TAU[0]] ** 0.5 * x0 + (1 - ALPHA_BAR[TAU[0]]) ** 0.5 * z[0]]
    for i, (t, s) in enumerate(pairwise(TAU[:-1]), start=1):
        step = link(t, s, eta, root)
        x.append(step.k * x[-1] + step.lam * x0 + step.sigma_sq**0.5 * z[i])
    return np.array([*x, np.full(DRAWS, x0)])  # the last jump, to time 0, has k = σ = 0 and λ = 1


def looks_back(eta, root=1):
    """Return (times t, x_0 coefficients c) of the forward steps s → t along ``TAU``, all jumps but the one to 0."""
    jumps = list(pairwise(TAU[:-1]))
    return np.array([t for t, _ in jumps]), np.array([link(t, s, eta, root).c for t, s in jumps])


def density(x, mean, var):
    """N(x; mean, var) for drawing: a variance of 0 becomes a spike as narrow as a line."""
    return np.exp(log_normal(x, mean, max(var, 1e-4)))


def posterior_from_joint(x_s, x_t, rho):
    """Return q(x_s | x_t, x_0 = X0) at the points of a grid x_s, where given x_0 both are Gaussian of correlation rho.

    The joint density along the line x_t, divided by its sum: neither Bayes' rule nor a formula of a conditional.
    """
    deviation = np.sqrt(1 - ALPHA_BAR[list(JUMP)])
    covariance = np.outer(deviation, deviation) * [[1, rho], [rho, 1]]
    gap = np.stack([np.full_like(x_s, x_t), x_s]) - np.sqrt(ALPHA_BAR[list(JUMP)])[:, None] * X0
    joint = np.exp(-(gap * np.linalg.solve(covariance, gap)).sum(axis=0) / 2)
    return joint / (joint.sum() * (x_s[1] - x_s[0]))


def sample(eta, root, S=50, n=DRAWS):
    """Sample three peaks by k x_t + λ x̂_0 + σ z with their exact denoiser, so that the root can be chosen; (n,)."""
    rng, data = np.random.default_rng(2), three_peaks()
    x = rng.standard_normal((n, 1))
    for t, s in pairwise(make_tau(1000, S)):
        sigma_sq = variance(ALPHA_BAR[t], ALPHA_BAR[s], eta)
        k, lam = coefficients(ALPHA_BAR[t], ALPHA_BAR[s], sigma_sq, root)
        x = k * x + lam * data.x0(x, ALPHA_BAR[t]) + np.sqrt(sigma_sq) * rng.standard_normal(x.shape)
    return x[:, 0]


# --- stills ----------------------------------------------------------------------------------------------------------


def show_posteriors(x_s, x_t, right_side):
    """Show three posteriors q(x_s | x_t, x_0) with equal marginals, and the right side of Bayes' rule without x_0."""
    figure, ax = panels(width=9, height=3.4)
    for rho, color, style, width in ((0.9, BLUE, "-", 2), (0.593, GREEN, "-", 7), (0.0, PURPLE, "-.", 2)):
        law = posterior_from_joint(x_s, x_t, rho)
        ax.plot(x_s, law, style, color=color, linewidth=width, label=f"left side, ρ = {rho:.2f}")
    ax.plot(x_s, right_side, "--", color=INK, label="right side, x_0 left out")
    ax.set(xlim=(-2.5, 3.5), xlabel=f"x_s, s = {JUMP[1]}", ylabel=f"density at x_t = {x_t}")
    ax.legend()
    show(figure, "Three posteriors with equal marginals. Leaving x_0 out always gives the middle one, ρ = 0.59.")


def show_samples(samples):
    """Show histograms of :data:`MEMBERS`' samples (a dict of name to shape (n,)) over the density of the data."""
    x, (figure, axes) = np.linspace(-2.6, 2.6, 300), panels(1, 3, width=10, height=3.2, sharex=True)
    for ax, (name, draws) in zip(axes, samples.items(), strict=True):
        ax.hist(draws, np.linspace(-2.6, 2.6, 66), density=True, color=BLUE, alpha=0.6, label=f"{len(draws)} samples")
        ax.plot(x, np.exp(three_peaks().log_density(x[:, None])), "--", color=INK, label="data")
        ax.set(title=f"{name}: sd = {draws.std():.2f}", xlabel="x_0")
    axes[0].set(ylabel="density")
    axes[2].legend(loc="upper left")
    words = "DDIM and DDPM (no noise in its last step) give the three peaks (data: sd 1.27). "
    show(figure, words + "With the negative root all sit in one spike (sd 0).")


# --- still parts, shared by the lesson's pictures ------------------------------------------------------------------


def draw_plane(axes, title=""):
    """Prepare the plane of (x_t, x_s) for one x_0, with the marginals' ±2 standard deviations as a grey box."""
    (m_k, d_k), (m_s, d_s) = (_mean_and_deviation(t) for t in JUMP)
    box = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]) * 2
    axes.plot(m_k + box[:, 0] * d_k, m_s + box[:, 1] * d_s, color=GREY, linewidth=1)
    labels = {"xlabel": f"x_t, t = {JUMP[0]}", "ylabel": f"x_s, s = {JUMP[1]}"}
    axes.set(xlim=PLANE, ylim=PLANE, xticks=TICKS, yticks=TICKS, title=title, **labels)


def draw_band(axes, title=""):
    """Draw the marginals' mean and ±2 standard deviations over time, from T on the left to 0 on the right."""
    t = np.arange(0, 1001, 10)
    mean, deviation = _mean_and_deviation(t)
    axes.fill_between(t, mean - 2 * deviation, mean + 2 * deviation, color=PALE, linewidth=0, label="marginal, ±2 sd")
    axes.plot(t, mean, color=GREY, linewidth=1, linestyle="--")
    axes.set(xlim=(1000, 0), ylim=PLANE, yticks=TICKS, xlabel="time", ylabel="x given x_0 = 1", title=title)


def as_one_line(paths):
    """Join paths of shape (times, n) into (t, x) of one broken line: NaN lifts the pen between two paths."""
    t = np.append(np.array(TAU, dtype=float), np.nan)
    x = np.vstack([paths, np.full(paths.shape[1], np.nan)])
    return np.tile(t, paths.shape[1]), x.T.ravel()


def _mean_and_deviation(t):
    """Mean and standard deviation of x_t given x_0 = X0."""
    return ALPHA_BAR[t] ** 0.5 * X0, (1 - ALPHA_BAR[t]) ** 0.5


def draw_partial(axes, precision, first, title=""):
    """Draw the partial correlations −P_ij/√(P_ii P_jj) of the times from ``first`` on: 0 where i and j do not touch.

    Each cell shows the number, a point where it is 0; the diagonal is empty.
    """
    scale = np.sqrt(np.diag(precision))
    partial = -precision / np.outer(scale, scale)
    np.fill_diagonal(partial, 0)
    names = [f"x{i}" for i in range(first, first + len(partial))]
    axes.imshow(np.abs(partial), cmap="Blues", vmin=0, vmax=1)
    for i, j in zip(*np.nonzero(~np.eye(len(partial), dtype=bool)), strict=True):
        value = round(partial[i, j], 2) + 0.0
        words = "·" if abs(partial[i, j]) < 1e-9 else f"{value:.2f}".replace("-", "−").replace("0.", ".", 1)
        axes.text(j, i, words, ha="center", va="center", fontsize=9, color="white" if abs(value) > 0.55 else INK)
    axes.set(xticks=range(len(names)), yticks=range(len(names)), xticklabels=names, yticklabels=names)
    axes.tick_params(length=0, labelsize=9)
    axes.set_title(title, fontsize=11)


# --- the live figure -------------------------------------------------------------------------------------------------


def marginals_stand_still() -> LiveFigure:
    """Move η and the root: the grey marginals stay, the conditional, the paths and the look back at x_0 change."""
    figure, axes = panels(2, 2, width=9.6, height=6.4)
    draw_plane(axes[0, 0], " ")
    draw_band(axes[1, 0], f"{SHOWN} paths down to x_0 = 1")
    parts = _plane_artists(axes[0, 0]) | _density_artists(axes[0, 1]) | _path_artists(axes[1, 0])
    parts |= _meter_artists(axes[1, 1])
    draw_key(figure, axes[0, 0])
    levels = [(f"{eta:.1f}", round(float(eta), 1)) for eta in np.arange(0, 1.25, 0.1)]
    controls = {
        "eta": choice_slider("η (noise)", [*levels, (f"{BOUND:.2f}, the bound", BOUND)], 0.0),
        "root": menu("root of k", list(ROOTS), list(ROOTS)[0]),
        "x_t": number_slider("x_t (slice at)", -2.0, 2.5, 0.1, 1.5, digits=1),
    }

    def update(eta, root, x_t):
        step, samples = link(*JUMP, eta, ROOTS[root]), chain(eta, ROOTS[root])
        _move_plane(parts, step, samples, x_t)
        _move_rest(parts, step, samples, x_t, looks_back(eta, ROOTS[root]))
        return _words(eta, root, x_t, step, samples[TAU.index(JUMP[1])])

    return LiveFigure(figure, parts.values(), controls, update)


def draw_key(figure, axes):
    """Say under the panels what the colours are, the same in all of them."""
    axes.plot([], [], color=BLUE, linewidth=3, label="draws")
    axes.plot([], [], color=ORANGE, linewidth=3, label="q(x_s | x_t, x_0)")
    axes.plot([], [], "_", color=VERMILION, markersize=12, markeredgewidth=2.5, label="±2 sd of the draws")
    key_below(figure)


def _plane_artists(axes):
    (cloud,) = axes.plot([], [], "o", color=BLUE, markersize=3, markeredgewidth=0, alpha=0.5)
    (slice_,) = axes.plot([], [], color=INK, linewidth=1, linestyle=":")
    (edges,) = axes.plot([], [], color=ORANGE, linewidth=1.5, linestyle="--")
    (mean,) = axes.plot([], [], color=ORANGE, linewidth=2.5)
    return {"slice": slice_, "edges": edges, "mean": mean, "cloud": cloud, "law": axes.title}


def _density_artists(axes):
    s = JUMP[1]
    mean, deviation = _mean_and_deviation(s)
    x = np.linspace(*PLANE, 200)
    axes.fill_betweenx(x, density(x, mean, deviation**2), color=PALE, linewidth=0)
    (histogram,) = axes.plot([], [], color=BLUE, linewidth=1.5, drawstyle="steps-mid")
    (conditional,) = axes.plot([], [], color=ORANGE, linewidth=2.5)
    axes.set(xlim=(0, HIGHEST), ylim=PLANE, yticks=TICKS, xlabel="density", ylabel=f"x_s, s = {s}", title=" ")
    return {"histogram": histogram, "conditional": conditional, "slice_at": axes.title}


def _path_artists(axes):
    (paths,) = axes.plot([], [], "o-", color=BLUE, linewidth=1.2, markersize=3)
    (edges,) = axes.plot([], [], "_", color=VERMILION, markersize=12, markeredgewidth=2.5, clip_on=False)
    edges.set_in_layout(False)  # it is empty while the panels find their places
    return {"paths": paths, "measured": edges}


def _meter_artists(axes):
    axes.axhline(0, color=INK, linewidth=1)
    axes.text(0.02, 0.06, "0: the step is Markov", transform=axes.get_yaxis_transform(), fontsize=11)
    axes.set_yscale("asinh", linear_width=0.2)  # those of the other root are ten times as large
    axes.set(
        xlim=(1050, 150), ylim=METER, title=" ", xlabel="time t of the forward step s → t", ylabel="x_0's coefficient"
    )
    axes.set_yticks((-1, -0.3, 0, 0.3, 1, 2.5), ["−1", "−0.3", "0", "0.3", "1", "2.5"])
    axes.minorticks_off()
    (stems,) = axes.plot([], [], color=VERMILION, linewidth=3)
    (dots,) = axes.plot([], [], "o", color=VERMILION, markersize=6)
    return {"stems": stems, "dots": dots, "meter": axes.title}


def _move_plane(parts, step, samples, x_t):
    """Set the cloud, the conditional's mean line and its edges, and the slice at x_t."""
    line = np.array(PLANE)
    mean, sigma = step.k * line + step.lam * X0, step.sigma_sq**0.5
    i = TAU.index(JUMP[0])
    parts["cloud"].set_data(samples[i, :CLOUD], samples[i + 1, :CLOUD])
    parts["mean"].set_data(line, mean)
    parts["edges"].set_data([*line, np.nan, *line], [*(mean - 2 * sigma), np.nan, *(mean + 2 * sigma)])
    parts["slice"].set_data([x_t, x_t], PLANE)
    parts["law"].set_text(f"x_s = {_two(step.k)} x_t + {_two(step.lam)} x_0 + {_two(sigma)} z")


def _move_rest(parts, step, samples, x_t, meter):
    """Set the densities over x_s, the paths with their measured spread, and the meter."""
    x = np.linspace(*PLANE, 400)
    centre = step.k * x_t + step.lam * X0
    x = np.sort(np.append(x, centre + 0.01 * np.array([-3, -1.5, -0.7, 0, 0.7, 1.5, 3])))
    parts["conditional"].set_data(density(x, centre, step.sigma_sq), x)
    height, _ = np.histogram(samples[TAU.index(JUMP[1])], BINS, density=True)
    parts["histogram"].set_data(height, (BINS[1:] + BINS[:-1]) / 2)
    parts["paths"].set_data(*as_one_line(samples[:, :SHOWN]))
    mean, deviation = samples.mean(axis=1), samples.std(axis=1)
    parts["measured"].set_data([*TAU, *TAU], [*(mean - 2 * deviation), *(mean + 2 * deviation)])
    times, c = meter
    parts["dots"].set_data(times, c)
    parts["stems"].set_data(np.repeat(times, 3), np.ravel([(0, value, np.nan) for value in c]))
    parts["meter"].set_text(f"forward, {JUMP[1]} → {JUMP[0]}: looks back by {_two(step.c)}")
    parts["slice_at"].set_text(f"cut at x_t = {_two(x_t)}")


def _two(value):
    """Two decimals with a true minus sign, and no minus before 0.00."""
    return f"{round(float(value), 2) + 0.0:.2f}".replace("-", "−")


def _words(eta, root, x_t, step, x_s):
    """The caption: what stands still and what has changed."""
    beyond = sum(eta > eta_max(ALPHA_BAR[t], ALPHA_BAR[s]) + 1e-9 for t, s in pairwise(TAU[:-1]))
    note = f" η is beyond the bound of {beyond} of the 9 jumps; these take σ² = 1−ᾱ_s, so k = 0." if beyond else ""
    return (
        f"η = {eta:.2f}, root {root[0]}: the draws of x_s have mean {_two(x_s.mean())} and standard deviation "
        f"{_two(x_s.std())}, up to sampling error the same for all settings. At x_t = {_two(x_t)} the conditional has "
        f"mean {_two(step.k * x_t + step.lam * X0)} and standard deviation {_two(step.sigma_sq**0.5)}; "
        f"k = {_two(step.k)}, ρ = {_two(step.rho)}. The forward step {JUMP[1]} → {JUMP[0]} has the x_0 coefficient "
        f"{_two(step.c)}.{note}"
    )
