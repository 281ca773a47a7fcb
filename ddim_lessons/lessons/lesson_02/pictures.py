"""Lesson 02: the posterior as a product of two Gaussians; the wrong skip and the right one on Gaussian data."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ... import require
from ...ddim import variance
from ...figures.controls import choice_slider, number_slider, whole_slider
from ...figures.live import LiveFigure
from ...figures.plots import BLUE, GREY, INK, ORANGE, VERMILION, panels
from ...gaussians import affine, exact_eps, log_normal, moments_along, product, sampler_moments
from ...remember import remember
from ...schedules import alpha_bar_from_beta, alpha_bar_schedule, linear_beta, make_tau

COARSE = alpha_bar_from_beta(linear_beta(T=8, first=0.05, last=0.35))  # few and large steps: a picture can show one
DATA_MEAN = 1.0
DATA_VARIANCES = (0.01, 0.02, 0.04, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
STEPS = (5, 10, 20, 50, 100, 200, 500, 1000)
LOOKS = {  # curves differ in colour and in line style
    "x_t says": (ORANGE, "--", 2),
    "x_0 says": (BLUE, "-.", 2),
    "posterior": (INK, "-", 3),
    "data": (INK, ":", 2),
    "one-step formula reused": (VERMILION, "--", 2),
    "respaced DDPM": (BLUE, "-", 2),
}

# --- the posterior -----------------------------------------------------------------------------------------------


class Three(NamedTuple):
    """Three Gaussians in x_{t−1}, each a pair (mean, var), and the weight of the first in the posterior's mean."""

    likelihood: tuple  # q(x_t | x_{t−1}), scaled to area 1
    prior: tuple  # q(x_{t−1} | x_0)
    posterior: tuple  # q(x_{t−1} | x_t, x_0), proportional to their product
    weight: float


def three_gaussians(x_t, x_0, alpha_bar, t):
    """Return what x_t says about x_{t−1}, what x_0 says, and both together; t ≥ 2, since x_0 itself is at time 0."""
    t = require.whole("t", t, 2, len(alpha_bar) - 1)
    alpha = alpha_bar[t] / alpha_bar[t - 1]
    likelihood = x_t / alpha**0.5, (1 - alpha) / alpha
    prior = alpha_bar[t - 1] ** 0.5 * x_0, 1 - alpha_bar[t - 1]
    posterior = product(*likelihood, *prior)
    return Three(likelihood, prior, posterior, float(posterior[1] / likelihood[1]))


def bell(mean, var):
    """Return (x, density) of N(mean, var) on a grid of its own, 4.5 standard deviations to both sides."""
    x = mean + var**0.5 * np.linspace(-4.5, 4.5, 201)
    return x, np.exp(log_normal(x, mean, var))


def draw_curve(axes, name, x=(), y=(), marker=None):
    """Draw one curve in the look that its ``name`` has in this lesson; returns the Line2D."""
    color, style, width = LOOKS[name]
    (line,) = axes.plot(x, y, color=color, linestyle=style, linewidth=width, marker=marker, label=name)
    return line


def prepare_posterior(axes, title=""):
    """Set the fixed window in which the three Gaussians are drawn."""
    axes.set(xlim=(-3.5, 3.5), ylim=(0, 2.4), xlabel="x at time t − 1", ylabel="density", title=title)


def draw_three(axes, three):
    """Draw the three Gaussians; returns three Line2D."""
    names = ("x_t says", "x_0 says", "posterior")
    return [draw_curve(axes, name, *bell(*pair)) for name, pair in zip(names, three[:3], strict=True)]


def posterior_at(times, x_t=-0.8, x_0=1.5):
    """Draw the three Gaussians at each of ``times`` of ``COARSE``, a panel each; returns the Figure."""
    figure, axes = panels(1, len(times), width=9, height=3.2, sharey=True)
    for ax, t in zip(axes, times, strict=True):
        three = three_gaussians(x_t, x_0, COARSE, t)
        prepare_posterior(ax, f"t = {t}: {three.weight:.0%} of the weight is x_t's")
        draw_three(ax, three)
        ax.title.set_fontsize(11)
        ax.label_outer()
    axes[-1].legend(loc="upper right", fontsize=10)
    return figure


def moving_posterior() -> LiveFigure:
    """The two Gaussians that speak about x_{t−1} and their product, as t, x_t and x_0 move."""
    figure, axes = panels(1, 1, width=9, height=4.2)
    prepare_posterior(axes, "What is known of the point one step earlier (a chain of T = 8 steps)")
    curves = draw_three(axes, three_gaussians(0.0, 0.0, COARSE, 2))
    axes.legend(loc="upper left")
    words = axes.text(0.98, 0.96, "", transform=axes.transAxes, va="top", ha="right", fontsize=12)
    controls = {
        "t": whole_slider("t (time)", 2, 8, 5),
        "x_t": number_slider("x_t", -2.0, 2.0, 0.1, -0.8, digits=1),
        "x_0": number_slider("x_0", -2.0, 2.0, 0.1, 1.5, digits=1),
    }

    def update(t, x_t, x_0):
        three = three_gaussians(x_t, x_0, COARSE, t)
        for curve, pair in zip(curves, three[:3], strict=True):
            curve.set_data(*bell(*pair))
        words.set_text(_posterior_numbers(three))
        return _posterior_words(t, x_t, x_0, three)

    return LiveFigure(figure, [*curves, words], controls, update)


def _posterior_numbers(three):
    rows = [f"{name}: {m:+.2f} ± {v**0.5:.2f}" for name, (m, v) in zip(("x_t", "x_0", "both"), three[:3], strict=True)]
    return "mean ± std\n" + "\n".join(rows)


def _posterior_words(t, x_t, x_0, three):
    likelihood, prior, posterior, weight = three
    return (
        f"t = {t}, x_t = {x_t:.1f}, x_0 = {x_0:.1f}: {weight:.0%} of the weight is x_t's. About x at time {t - 1}, "
        f"x_t alone says {likelihood[0]:.2f} ± {likelihood[1] ** 0.5:.2f} (dashed), x_0 alone {prior[0]:.2f} ± "
        f"{prior[1] ** 0.5:.2f} (dash-dotted), both together {posterior[0]:.2f} ± {posterior[1] ** 0.5:.2f} (solid)."
    )


# --- the wrong skip and the right one ----------------------------------------------------------------------------


def one_step_reused(mean_0, var_0, alpha_bar, tau, larger=False):
    """Return an iterator over a sampler's exact (t, mean, var): DDPM's formula of ONE step on every jump of ``tau``.

    The noise is β̃_t; if ``larger``, β_t with none in the last step. Data N(mean_0, var_0), exact denoiser,
    started from N(0, 1); ``mean_0`` and ``var_0`` may be arrays that broadcast.
    """

    def step(t, s):
        a_t, a_before = float(alpha_bar[t]), float(alpha_bar[t - 1])
        alpha = a_t / a_before
        sigma_sq = (1 - alpha) * (s > 0) if larger else variance(a_t, a_before, eta=1)
        ratio = (1 - alpha) / (1 - a_t) ** 0.5
        return affine(lambda x: (x - ratio * exact_eps(x, mean_0, var_0, a_t)) / alpha**0.5, sigma_sq)

    return moments_along([(t, step(t, s)) for t, s in pairwise(tau)], tau[-1])


SKIPS = {
    "one-step formula reused": one_step_reused,
    "respaced DDPM": lambda *arguments: sampler_moments(*arguments, eta=1),
}


@remember(len(SKIPS) * len(STEPS))
def output_moments(skip, S):
    """Return (means, variances) at time 0 for all of ``DATA_VARIANCES`` after S steps of the ``skip`` so named."""
    require.choice("skip", skip, SKIPS)
    alpha_bar = alpha_bar_schedule("linear", 1000)
    moments = SKIPS[skip](DATA_MEAN, np.array(DATA_VARIANCES), alpha_bar, make_tau(1000, S))
    *_, (_, mean, var) = moments
    return mean, var


def output_curve(skip, var_0):
    """Return the output variances for all of ``STEPS``, for data of one of ``DATA_VARIANCES``; shape (len(STEPS),)."""
    return np.array([output_moments(skip, S)[1][DATA_VARIANCES.index(var_0)] for S in STEPS])


def prepare_skips(left, right):
    """Set the fixed windows: output variance against S on the left, densities on the right."""
    left.set(xscale="log", yscale="log", xlim=(4, 1300), ylim=(2e-4, 8), xticks=[5, 10, 100, 1000])
    left.set(xticklabels=["5", "10", "100", "1000"], xlabel="S (steps)", ylabel="variance of the output")
    left.set_yticks([0.001, 0.01, 0.1, 1], ["0.001", "0.01", "0.1", "1"])
    left.minorticks_off()
    right.set(xlim=(-2.5, 4), ylim=(0, 4.6), xlabel="output x at time 0", ylabel="density")


def draw_skips(left, right, var_0, S):
    """Draw both panels for data N(1, var_0) and mark S; returns the artists, in the order that ``move_skips`` takes."""
    curves = [draw_curve(left, "data")] + [draw_curve(left, skip, marker="o") for skip in SKIPS]
    bells = [draw_curve(right, name) for name in ("data", *SKIPS)]
    (mark,) = left.plot([], [], color=GREY, linewidth=1)
    artists = [mark, *curves, *bells]
    move_skips(artists, var_0, S)
    return artists


def move_skips(artists, var_0, S):
    """Bring the artists to data of variance ``var_0`` and S steps; returns {name: (mean, var) at S steps}."""
    mark, data_line, *rest = artists
    outputs = {"data": (DATA_MEAN, var_0)}
    for skip in SKIPS:
        mean, var = output_moments(skip, S)
        outputs[skip] = mean[DATA_VARIANCES.index(var_0)], var[DATA_VARIANCES.index(var_0)]
    mark.set_data([S, S], [1e-4, 10])
    data_line.set_data([4, 1300], [var_0, var_0])
    for curve, skip in zip(rest[:2], SKIPS, strict=True):
        curve.set_data(STEPS, output_curve(skip, var_0))
    for curve, pair in zip(rest[2:], outputs.values(), strict=True):
        curve.set_data(*bell(*pair))
    return outputs


def three_names(x, guesses):
    """Draw the three ``guesses`` (x̂_0, ε̂ and the score, each like ``x``) over x_t, a panel each; returns the Figure."""
    figure, axes = panels(1, 3, width=9, height=2.9)
    names = ("guess of the clean point", "guess of the noise", "score: slope of log q(x_t)")
    for ax, y, name in zip(axes, guesses, names, strict=True):
        ax.plot(x, y, color=BLUE)
        ax.set(title=name, xlabel="x_t")
        ax.title.set_fontsize(11)
    return figure


def variance_on_the_way(alpha_bar, tau, var_0):
    """Draw the variance of x_t over t for both skips and the truth, data N(1, var_0); returns the Figure."""
    figure, ax = panels(1, 1, width=9, height=3.6)
    ax.plot(np.arange(len(alpha_bar)), alpha_bar * var_0 + 1 - alpha_bar, ":", color=INK, label="q(x_t), the truth")
    looks = {"one-step formula reused": ("--o", VERMILION), "respaced DDPM": ("-s", BLUE)}
    for skip, (style, color) in looks.items():
        t, _, var = np.array(list(SKIPS[skip](DATA_MEAN, var_0, alpha_bar, tau))).T
        ax.plot(t, var, style, color=color, label=skip)
    ax.set(xlabel="t (sampling runs from right to left)", ylabel="variance of x_t", ylim=(0, 1.1))
    ax.legend(loc="lower right")
    return figure


def both_skips(var_0, S):
    """Draw output variance against S, and the output's density at one S, as the live figure does."""
    figure, (left, right) = panels(1, 2, width=9, height=4.2)
    prepare_skips(left, right)
    draw_skips(left, right, var_0, S)
    left.legend(loc="lower right", fontsize=10)
    return figure


def two_skips() -> LiveFigure:
    """Output variance against S, and the output's density at one S: the one-step formula reused, and respaced DDPM."""
    figure, (left, right) = panels(1, 2, width=9, height=4.4)
    prepare_skips(left, right)
    artists = draw_skips(left, right, var_0=0.04, S=10)
    left.legend(loc="lower right", fontsize=10)
    controls = {
        "S": choice_slider("S (steps)", STEPS, 10),
        "var_0": choice_slider("data variance", DATA_VARIANCES, 0.04),
    }

    def update(S, var_0):
        return _skip_words(S, var_0, move_skips(artists, var_0, S))

    return LiveFigure(figure, artists, controls, update)


def _skip_words(S, var_0, outputs):
    told = "; ".join(f"{skip} mean {outputs[skip][0]:.2f}, variance {outputs[skip][1]:.2g}" for skip in SKIPS)
    return f"Data of mean {DATA_MEAN:.0f} and variance {var_0:g}; output of S = {S} steps: {told}."
