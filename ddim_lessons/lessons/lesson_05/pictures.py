"""Lesson 05: the weights γ_t beside the losses they weigh, and a "KL divergence" that goes negative."""

from typing import NamedTuple

import numpy as np

from ... import require
from ...ddim import add_noise, coefficients, ddim_sample, variance
from ...figures.controls import choice_slider, menu, number_slider, whole_slider
from ...figures.live import LiveFigure
from ...figures.plots import BLUE, GREEN, GREY, INK, ORANGE, PALE, VERMILION, panels, show
from ...gaussians import gaussian_denoiser, log_normal, noised
from ...objective import bound, entropy, eps_loss, gamma, model_moments, over_data
from ...remember import remember
from ...schedules import alpha_bar_from_beta, alpha_bar_schedule, linear_beta, make_tau
from ...toy_data import two_peaks

T, MEAN, VAR = 1000, 0.5, 0.25  # the data of these figures are N(0.5, 0.5²)
STEPS = (2, 5, 10, 20, 50, 100, 1000)
SHORT = alpha_bar_from_beta(linear_beta(8, 0.05, 0.35))  # ᾱ of the lesson's example: T = 8, A = {2, 5, 8}
LINKS, STAR = ((8, 5), (5, 2)), (1, 3, 4, 6, 7)
DENOISERS = {"exact": 1.0, "believes in data twice as wide": 4.0, "believes in data half as wide": 0.25}


def link(t, s, eta):
    """Return (k, λ, σ²) of the link t → s of the example."""
    sigma_sq = variance(SHORT[t], SHORT[s], eta)
    return *coefficients(SHORT[t], SHORT[s], sigma_sq), sigma_sq


def log_p_over_q(draws, guesses, eta):
    """Return log p − log q of the three groups, factor by factor, for draws of (x_0 … x_8); three arrays (n,).

    ``guesses`` is a dict of t to (slope, offset, variance): p(x_0 | x_t), and with its mean the links.
    """
    x = draws.T
    guess = {t: guesses[t].slope * x[t] + guesses[t].offset for t in guesses}
    log_q = {t: log_normal(x[t], SHORT[t] ** 0.5 * x[0], 1 - SHORT[t]) for t in guesses}
    chain = log_normal(x[0], guess[2], guesses[2].var)  # the last link, then the others
    for t, s in LINKS:
        k, lam, sigma_sq = link(t, s, eta)
        chain = chain + log_normal(x[s], k * x[t] + lam * guess[t], sigma_sq)
        chain = chain - log_normal(x[s], k * x[t] + lam * x[0], sigma_sq)
    star = sum(log_normal(x[0], guess[j], guesses[j].var) - log_q[j] for j in STAR)
    return log_normal(x[8], 0, 1) - log_q[8], chain, star


def l_gamma(gammas, guesses):
    """Return the weighted loss Σ γ_t E (ε − ε̂)² of the example, averaged over the data; both are dicts over t."""
    return over_data(lambda x0: sum(g * eps_loss(x0, guesses[t], SHORT[t]) for t, g in gammas.items()), MEAN, VAR)


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


def show_weights():
    """Show weights, losses and products of three samplers."""
    figure, axes = panels(1, 3, width=9.6, height=4.2)
    for S, eta, color, line in ((1000, 0.2, BLUE, "-"), (1000, 1.0, ORANGE, "--"), (10, 1.0, VERMILION, ":")):
        draw_weights(axes, weights(S, eta), color, "o" if S == 10 else "", line, f"S = {S}, η = {eta:g}")
    frame_weights(axes)
    words = "Left, weights on a logarithmic axis: for S = 1000 the curves of η = 0.2 and 1 run parallel, a factor of 7 "
    words += "apart; the nine of S = 10 lie near 1. Middle: one loss curve for all. Right: the products."
    show(figure, words)


def show_bounds(tau):
    """Show the proper bound and log p of the example over x_0, for three η."""
    x0, (figure, ax) = np.linspace(-1.0, 2.0, 61), panels(width=9, height=4.2)
    for eta, color, line in ((1.0, VERMILION, "--"), (0.5, GREEN, "-."), (0.2, BLUE, ":")):
        log_p = log_normal(x0, *model_moments(MEAN, VAR, SHORT, tau, eta))
        proper = bound(x0, MEAN, VAR, SHORT, tau, eta).proper
        ax.plot(x0, proper, line, color=color, label=f"bound, η = {eta:g}")
        ax.plot(x0, log_p, "-", color=color, linewidth=1, label=f"log p, η = {eta:g}")
    ax.plot(x0, log_normal(x0, MEAN, VAR), color=PALE, linewidth=6, zorder=0, label="log density of the data")
    ax.set(xlabel="x_0", ylabel="nats", ylim=(-8, 0.5))
    ax.legend(loc="lower left", bbox_to_anchor=(1.0, 0.2))
    words = "Three thin parabolas, log p for η = 1, 0.5, 0.2, lie near the grey one of the data. The bounds lie below "
    show(figure, words + "them: close for η = 1, lower for 0.5, far lower for 0.2.")


def bounds_over_eta(S, etas):
    """Return (bounds of the chain, log p of the chain) for S steps at each η, averages over the data."""
    rows = [weights(S, float(eta)).groups for eta in etas]
    return [np.array([row[name] for row in rows]) for name in ("bound of the chain", "log p of the chain")]


def show_bounds_over_eta():
    """Show how the bound collapses as η goes to 0, and log p does not."""
    etas, (figure, ax) = np.geomspace(0.02, 1, 40), panels(width=9, height=4.0)
    ax.axhline(-entropy(VAR), color=PALE, linewidth=7, label="log density of the data")
    for S, color, line in ((5, BLUE, "-"), (20, ORANGE, "--"), (1000, VERMILION, "-.")):
        lower, log_p = bounds_over_eta(S, etas)
        ax.plot(etas, lower, line, color=color, label=f"bound, S = {S}")
        ax.plot(etas, log_p, color=INK, linewidth=1, label="log p, all three S" if S == 1000 else None)
    ax.set(xscale="log", ylim=(-20, 1), xlabel="η (logarithmic)", ylabel="nats, mean over the data")
    ax.legend(loc="lower right")
    words = "Averaged over the data: the bounds fall without end as η goes to 0, first for many steps; at η = 1 they "
    show(figure, words + "are within 0.6 nats of the data's −0.73. All log p stay on the grey line, for every η.")


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
        f"γ(t) goes from {state.gamma.min():.3g} to {state.gamma.max():.3g}; the links cost "
        f"{np.sum(state.gamma * state.loss):.3g} nats. η = {eta:.2f}, S = {S} ({spacing}), denoiser: {denoiser}. "
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


def show_false_kl():
    """Show the false KL over t for data of four widths."""
    figure, axes = panels(width=9, height=4.0)
    for std, color, line in ((2.0, VERMILION, "-."), (1.0, GREEN, "--"), (0.5, BLUE, "-"), (0.1, INK, ":")):
        draw_false_kl(axes, std**2, color, line, label=f"std of data {std:g}")
    frame_false_kl(axes)
    axes.legend(loc="lower left", bbox_to_anchor=(1.0, 0.3))
    words = "The so-called KL over t for data of four widths: it ends at +0.69 for standard deviation 2, is 0 "
    show(figure, words + "everywhere for 1, ends at −0.69 for 0.5 and −2.30 for 0.1. No KL enters the grey half.")


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
            f"The so-called KL, averaged over the data, is {value:.2f} nats"
            + (": negative, which no KL divergence can be." if value < 0 else ".")
            + f" t = {t}, data of standard deviation {std:.2f}: given x_0, x_j has the standard deviation "
            f"{noise**0.5:.2f}; given x_j, x_0 has {left**0.5:.2f}."
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


ALPHA_BAR, TIMES = alpha_bar_schedule("linear", T), np.array(make_tau(T, 20, "quadratic")[:-1])


def training_set(rng, n=16_000):
    """Draw what a network trains on, data two peaks: (x_t, which of ``TIMES``, the noise ε), each of shape (n,)."""
    which, noise = rng.integers(len(TIMES), size=n), rng.standard_normal(n)
    return add_noise(two_peaks().sample(n, rng)[:, 0], noise, ALPHA_BAR[TIMES[which]]), which, noise


def separate(x, which):
    """Return the features of a denoiser with five coefficients of its own for each of ``TIMES``: shape (n, 100)."""
    columns = np.zeros((len(x), len(TIMES), 5))
    columns[np.arange(len(x)), which] = odd_features(x)
    return columns.reshape(len(x), -1)


def sampler_weights(tau, eta, w=0.1):
    """Return γ_t at the times of a sampler's own objective, ``tau`` without 0; the last link has variance w."""
    now, before = ALPHA_BAR[list(tau[:-1])], ALPHA_BAR[list(tau[1:])]
    chain = gamma(now[:-1], before[:-1], variance(now[:-1], before[:-1], eta))
    return np.append(chain, (1 - now[-1]) / (2 * w * now[-1]))


def show_excess(loss):
    """Show excess losses over ``TIMES``: a dict of four names to arrays."""
    figure, ax = panels(width=9, height=4.0)
    looks = (("-", BLUE, "o"), ("-", VERMILION, "s"), ("--", INK, "x"), (":", GREEN, "^"))
    for (name, row), (line, color, marker) in zip(loss.items(), looks, strict=True):
        ax.plot(TIMES, row, line, color=color, marker=marker, markersize=5, label=name)
    ax.set(xscale="log", yscale="log", ylim=(1e-4, 0.5), xlabel="t (logarithmic)", ylabel="excess loss over exact")
    ax.legend(loc="lower left", bbox_to_anchor=(1.0, 0.3))
    words = "Excess loss per time. The model with three shared coefficients is better at t ≤ 10 when trained with γ_t "
    show(figure, words + "and from 250 to 423 with γ = 1; η = 1 and 0.2 nearly coincide. Separate: lowest from t = 40.")


def run(eps_fn, every, eta):
    """Sample 8,000 points with every ``every``-th of ``TIMES``, always from the same x_T and the same fresh noise."""
    rng, tau = np.random.default_rng(5), (*TIMES[::every].tolist(), 0)
    return ddim_sample(rng.standard_normal((8000, 1)), eps_fn, ALPHA_BAR, tau, eta, rng)


def show_samples(eps_fn):
    """Show the samples of nine samplers, three sets A and three η, that share one denoiser."""
    x, (figure, axes) = np.linspace(-2.2, 2.2, 200), panels(1, 3, width=9.6, height=3.8, sharey=True)
    for ax, every in zip(axes, (4, 2, 1), strict=True):
        ax.fill_between(x, np.exp(two_peaks().log_density(x[:, None])), color=PALE, label="the data")
        for eta in (0.0, 0.5, 1.0):
            draw_samples(ax, run(eps_fn, every, eta), eta)
        ax.set(title=f"S = {20 // every}", xlabel="x_0", xlim=(-2.2, 2.2), ylim=(0, 1.8))
    axes[0].set_ylabel("density")
    axes[0].legend(loc="upper center", fontsize=10, ncols=2)
    words = "Grey: the data. Nine histograms from one trained denoiser (η = 1: no noise in the last step): each has a "
    words += "peak near −1 and one near 1. With 5 steps the peaks are too narrow, with 10 less so; with 20 they fit."
    show(figure, words)


COLORS = {0.0: BLUE, 0.5: GREEN, 1.0: VERMILION}
LINES = {0.0: "-", 0.5: "--", 1.0: ":"}


def draw_samples(axes, samples, eta, bins=60):
    """Draw the histogram of one-dimensional samples as an outline in the colour and line style of η."""
    height, edges = np.histogram(samples, np.linspace(-2.2, 2.2, bins + 1), density=True)
    middle = (edges[1:] + edges[:-1]) / 2
    return axes.plot(middle, height, color=COLORS[eta], linestyle=LINES[eta], label=f"η = {eta:g}", linewidth=1.6)[0]
