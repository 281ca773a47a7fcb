"""Lesson 05: the weights γ_t beside the losses they weigh, and a "KL divergence" that goes negative."""

from typing import NamedTuple

import numpy as np

from ... import require
from ...ddim import variance
from ...figures.controls import choice_slider, menu, number_slider, whole_slider
from ...figures.live import LiveFigure
from ...figures.plots import BLUE, GREEN, GREY, INK, ORANGE, PALE, VERMILION, panels
from ...gaussians import gaussian_denoiser, log_normal, noised
from ...objective import bound, eps_loss, gamma, model_moments, over_data
from ...remember import remember
from ...schedules import alpha_bar_schedule, make_tau

T, MEAN, VAR = 1000, 0.5, 0.25  # the data of these figures are N(0.5, 0.5²)
STEPS = (2, 5, 10, 20, 50, 100, 1000)
DENOISERS = {"exact": 1.0, "believes in data twice as wide": 4.0, "believes in data half as wide": 0.25}


class Weights(NamedTuple):
    """What one sampler's bound is made of: arrays over its links, and averages over the data in nats."""

    t: np.ndarray  # the times from which the links start, falling
    gamma: np.ndarray
    loss: np.ndarray  # E (ε − ε̂)² there, averaged over the data
    groups: dict  # the three groups, the last link, the proper bound, and log p(x_0) of the chain


@remember(64)
def weights(S, eta, spacing="linear", denoiser="exact"):
    """Return the ``Weights`` of the bound for S steps of the given spacing at η > 0, with a right or wrong denoiser."""
    require.choice("denoiser", denoiser, DENOISERS)
    alpha_bar, tau, var = alpha_bar_schedule("linear", T), make_tau(T, S, spacing), VAR * DENOISERS[denoiser]
    t = np.array(tau[:-1])
    ab_t, ab_prev = alpha_bar[t[:-1]], alpha_bar[t[1:]]

    ends = MEAN + np.array([-1, 1]) * VAR**0.5  # all is quadratic in x_0: the mean over these two is that over the data
    parts = bound(ends, MEAN, var, alpha_bar, tau, eta)
    model_mean, model_var = model_moments(MEAN, var, alpha_bar, tau, eta)
    rows = {
        "1: top": parts.prior,
        "2: links": parts.links.sum(axis=1),
        "2: last link": parts.last,
        "3: star": parts.star.sum(axis=1),
        "bound of the chain": parts.proper,
        "log p of the chain": log_normal(ends, model_mean, model_var),
    }
    groups = {name: float(row.mean()) for name, row in rows.items()}
    loss = over_data(lambda x0: eps_loss(x0, gaussian_denoiser(MEAN, var, ab_t), ab_t), MEAN, VAR)
    return Weights(t[:-1], gamma(ab_t, ab_prev, variance(ab_t, ab_prev, eta)), loss, groups)


def draw_weights(axes, state, color=BLUE, marker="o", line="-", label=None):
    """Draw γ_t, the loss and their product on three axes; returns the three lines."""
    rows = (state.gamma, state.loss, state.gamma * state.loss)
    look = {"color": color, "marker": marker, "linestyle": line, "markersize": 4, "linewidth": 1.5, "label": label}
    return [ax.plot(state.t, row, **look)[0] for ax, row in zip(axes, rows, strict=True)]


def frame_weights(axes):
    """Give the three axes their fixed logarithmic limits, labels and, on the first, L_simple's weight 1."""
    names = ("weight γ(t)", "loss  E (ε − ε̂)²", "product, nats")
    for ax, name, limits in zip(axes, names, ((1e-3, 1e4), (1e-5, 3), (1e-6, 1e3)), strict=True):
        ax.set(yscale="log", ylim=limits, xlim=(-20, 1030), title=name, xlabel="t, the link starts here")
        ax.set_xticks([0, 500, 1000])
    axes[0].axhline(1, color=GREY, linestyle="--", linewidth=1.5, label="1, in L_simple")
    axes[0].legend(loc="upper right", borderaxespad=0.1, handlelength=1.5)


def gamma_and_loss() -> LiveFigure:
    """The weights, the losses and the three groups of the bound follow η, the visited times and the denoiser."""
    figure, axes = panels(1, 3, width=9.6, height=4.2)
    frame_weights(axes)
    exact = weights(T, 1.0)
    axes[1].plot(exact.t, exact.loss, color=ORANGE, linestyle="--", linewidth=1.5, label="exact denoiser")
    axes[1].legend(loc="lower left", borderaxespad=0.1, handlelength=1.5)
    lines = draw_weights(axes, weights(10, 1.0))
    table = axes[2].text(0.03, 0.02, "", transform=axes[2].transAxes, fontsize=11, va="bottom", family="monospace")
    controls = {
        "eta": number_slider("η", 0.05, 1.0, 0.05, 1.0),
        "S": choice_slider("S (links)", STEPS, 10),
        "spacing": menu("spacing", ["linear", "quadratic"], "linear"),
        "denoiser": menu("denoiser", list(DENOISERS), "exact"),
    }

    def update(eta, S, spacing, denoiser):
        state = weights(S, round(eta, 6), spacing, denoiser)
        for line, row in zip(lines, (state.gamma, state.loss, state.gamma * state.loss), strict=True):
            line.set_data(state.t, row)
            line.set_markersize(4 if S <= 100 else 1.5)
        bound_, log_p = state.groups["bound of the chain"], state.groups["log p of the chain"]
        table.set_text(f"bound {bound_:8.3g}\nlog p {log_p:8.3g}")
        return _weight_words(S, eta, spacing, denoiser, state)

    return LiveFigure(figure, [*lines, table], controls, update)


def _weight_words(S, eta, spacing, denoiser, state):
    """The caption: the range of the weights, and the groups."""
    groups = ", ".join(f"{name} {value:.3g}" for name, value in state.groups.items())
    return (
        f"η = {eta:.2f}, S = {S} ({spacing}), denoiser: {denoiser}. γ(t) goes from {state.gamma.min():.3g} to "
        f"{state.gamma.max():.3g}; the links cost {np.sum(state.gamma * state.loss):.3g} nats. "
        f"On average over the data, in nats: {groups}."
    )


# --- the third group ---------------------------------------------------------------------------------------------


def false_kl(var, alpha_bar_j):
    """Return what is written "KL(q(x_j|x_0) ‖ p(x_0|x_j))", averaged over data of variance ``var``, exact denoiser.

    It is h(x_0) − h(x_j) = ½ log(var/(ᾱ_j var + 1 − ᾱ_j)), a difference of entropies.
    """
    return np.log(var / noised(0.0, var, alpha_bar_j)[1]) / 2


def draw_false_kl(axes, var, color=INK, line="-", label=None):
    """Draw the false KL over all times t ≥ 1 for data of variance ``var``; returns the line."""
    t = np.arange(1, T + 1)
    look = {"color": color, "linestyle": line, "label": label}
    return axes.plot(t, false_kl(var, alpha_bar_schedule("linear", T)[t]), **look)[0]


def frame_false_kl(axes):
    """Label the axes of the false KL and draw the line that no KL divergence goes below."""
    axes.set(xlabel="t", ylabel="“KL”, nats", xlim=(0, T), ylim=(-3.2, 1.2))
    axes.axhline(0, color=GREY, linewidth=1)
    axes.axhspan(-3.2, 0, color=PALE, alpha=0.5, linewidth=0)


def kl_that_is_none() -> LiveFigure:
    """Both densities under the name KL, each over its own variable, and the number: sliders t and the data's width."""
    figure, axes = panels(1, 3, width=9.6, height=3.8)
    x, alpha_bar = np.linspace(-3, 3, 301), alpha_bar_schedule("linear", T)
    noisy = axes[0].plot(x, x, color=BLUE)[0]
    clean = axes[1].plot(x, x, color=ORANGE)[0]
    axes[0].set(title="q(x_j | x_0 = 0)", xlabel="x_j", ylabel="density, highest = 1", ylim=(0, 1.1))
    axes[1].set(title="p(x_0 | x_j = 0)", xlabel="x_0", ylim=(0, 1.1))
    frame_false_kl(axes[2])
    axes[2].set_title("“KL” of the two")
    curve = draw_false_kl(axes[2], 0.01)
    dot = axes[2].plot([400], [0], "o", color=VERMILION, markersize=9)[0]
    controls = {"t": whole_slider("t (= j)", 1, T, 400), "std": number_slider("std of data", 0.05, 2.0, 0.05, 0.1)}

    def update(t, std):
        var, noise = std**2, 1 - alpha_bar[t]
        left = gaussian_denoiser(0.0, var, alpha_bar[t]).var
        value = float(false_kl(var, alpha_bar[t]))
        noisy.set_ydata(np.exp(-(x**2) / (2 * noise)))
        clean.set_ydata(np.exp(-(x**2) / (2 * left)))
        curve.set_ydata(false_kl(var, alpha_bar[1:]))
        dot.set_data([t], [value])
        return (
            f"t = {t}, data of standard deviation {std:.2f}: given x_0, x_j has the standard deviation "
            f"{noise**0.5:.2f}; given x_j, x_0 has {left**0.5:.2f}. The so-called KL, averaged over the data, is "
            f"{value:.2f} nats" + (": negative, which no KL divergence can be." if value < 0 else ".")
        )

    return LiveFigure(figure, [noisy, clean, curve, dot], controls, update)


# --- one trained model -------------------------------------------------------------------------------------------


def odd_features(x):
    """Return the columns x, tanh x, tanh 2x, tanh 4x, tanh 8x: what a denoiser of symmetric peaks is built from."""
    x = np.asarray(x)[:, None]
    return np.concatenate([x, np.tanh(x * 2.0 ** np.arange(4))], axis=1)


def weighted_fit(features, target, weight=1.0):
    """Return the coefficients w that minimise Σ weight · (target − features · w)², by least squares."""
    root = np.sqrt(np.broadcast_to(weight, target.shape))
    return np.linalg.lstsq(features * root[:, None], target * root, rcond=None)[0]


COLORS = {0.0: BLUE, 0.5: GREEN, 1.0: VERMILION}
LINES = {0.0: "-", 0.5: "--", 1.0: ":"}


def draw_samples(axes, samples, eta, bins=60):
    """Draw the histogram of one-dimensional samples as an outline in the colour and line style of η."""
    height, edges = np.histogram(samples, np.linspace(-2.2, 2.2, bins + 1), density=True)
    middle = (edges[1:] + edges[:-1]) / 2
    return axes.plot(middle, height, color=COLORS[eta], linestyle=LINES[eta], label=f"η = {eta:g}", linewidth=1.6)[0]
