"""Lesson 06's still pictures: floors, what errors become, time features, samples of networks, excess over t, digits."""

from itertools import product

import numpy as np

from ...ddim import add_noise, ddim_sample
from ...figures.plots import BLUE, INK, ORANGE, PALE, VERMILION, draw_digits, draw_points, frame, panels
from ...learning.networks import eps_fn, time_features
from ...schedules import alpha_bar_schedule, make_tau
from .pictures import LIMIT, MOONS, TIMES, error_over_t

LOOKS = {"ε": (BLUE, "--"), "x_0": (VERMILION, ":"), "v": (INK, "-")}


def draw_amplifications(alpha_bar):
    """Return a figure of what an output error of 1 becomes in ε̂ and in x̂_0, over t, for each target."""
    ab = alpha_bar[1:]
    ones, ratio = np.ones_like(ab), ((1 - ab) / ab) ** 0.5
    gains = {"ε": (ones, ratio), "x_0": (1 / ratio, ones), "v": (ab**0.5, (1 - ab) ** 0.5)}
    figure, axes = panels(1, 2, width=9.6, height=4.2, sharey=True)
    for (target, (color, line)), (axis, row) in product(LOOKS.items(), enumerate(axes)):
        row.plot(
            np.arange(1, len(alpha_bar)), gains[target][axis], line, color=color, label=f"network predicts {target}"
        )
    axes[0].set(yscale="log", ylim=(0.005, 300), xlabel="t", ylabel="error", title="in ε̂")
    axes[1].set(xlabel="t", title="in x̂_0")
    axes[1].legend(loc="lower right")
    return figure


def draw_floors(alpha_bar, n=10_000):
    """Return a figure of what the exact denoiser does not know of the noise, over t: of the moons, and of N(0, I)."""
    rng, unknown = np.random.default_rng(7), []
    for t in TIMES:
        noise = rng.standard_normal((n, 2))
        x_t = add_noise(MOONS.sample(n, rng), noise, alpha_bar[t])
        unknown.append(np.mean((noise - MOONS.eps(x_t, alpha_bar[t])) ** 2))
    figure, axes = panels(width=7, height=3.4)
    axes.plot(range(1, len(alpha_bar)), alpha_bar[1:], "--", color=ORANGE, label="round cloud: ᾱ_t")
    axes.plot(TIMES, unknown, color=BLUE, label="two moons")
    axes.set(xlabel="t", ylabel="E(ε − ε*)²", title="the floor of the loss", ylim=(0, 1.05))
    axes.legend()
    return figure


def draw_time_features(alpha_bar):
    """Return a figure of the time features as stripes over t, and of the log-SNR that they are made of."""
    figure, axes = panels(1, 2, width=9.6, height=4.0, width_ratios=(1.3, 1))
    options = dict(extent=(1, 1000, 7.5, -0.5), vmin=-1, vmax=1, cmap="PuOr", interpolation="nearest", aspect="auto")
    image = axes[0].imshow(time_features(alpha_bar)[1::8].T, **options)
    names = [f"{wave} {f}" for wave in ("cos", "sin") for f in (1, 2, 4, 8)]
    axes[0].set(xlabel="t", yticks=range(8), yticklabels=names, title="8 features, linear schedule")
    figure.colorbar(image, ax=axes[0], ticks=(-1, 0, 1), aspect=30)
    cosine = alpha_bar_schedule("cosine", 1000)
    for schedule, color, line, name in ((alpha_bar, BLUE, "-", "linear"), (cosine, ORANGE, "--", "cosine")):
        axes[1].plot(np.log(schedule[1:] / (1 - schedule[1:])), line, color=color, label=name)
    axes[1].set(xlabel="t", ylabel="ℓ_t, log of the SNR", title="what the features are made of", ylim=(-12, 11))
    axes[1].legend()
    return figure


def draw_samples(axes, eps_hat, color, title):
    """Draw 1,000 samples of a denoiser on the linear schedule, η = 0 and S = 50, from the same x_T always."""
    x_T, tau = np.random.default_rng(4).standard_normal((1000, 2)), make_tau(1000, 50)
    draw_points(axes, MOONS.means, PALE, size=7, alpha=1.0)
    draw_points(axes, ddim_sample(x_T, eps_hat, alpha_bar_schedule("linear", 1000), tau), color, size=2)
    frame(axes, LIMIT, title)


def draw_networks(networks):
    """Return a figure of samples of three ``networks``, a dict of name to network."""
    figure, axes = panels(1, 3, width=9.6, height=3.7)
    for axis, (name, network) in zip(axes, networks.items(), strict=True):
        draw_samples(axis, eps_fn(network), VERMILION, name)
    return figure


def draw_errors(errors, alpha_bar):
    """Return a figure of the excess at ``TIMES`` in ε̂ and in x̂_0; ``errors`` is a dict of target to that in ε̂."""
    figure, axes = panels(1, 2, width=9.6, height=4.2, sharey=True)
    for name, row in errors.items():
        color, line = LOOKS[name]
        axes[0].plot(TIMES, row, line, color=color, label=f"network predicts {name}")
        axes[1].plot(TIMES, row * (1 - alpha_bar[TIMES]) / alpha_bar[TIMES], line, color=color, label=name)
    axes[0].set(xscale="log", yscale="log", ylim=(1e-6, 10), xlabel="t (logarithmic)", ylabel="excess", title="in ε̂")
    axes[1].set(xscale="log", xlabel="t (logarithmic)", title="the same, in x̂_0")
    axes[0].legend(loc="lower left", fontsize=11)
    return figure


def draw_duel(denoisers, losses):
    """Return a figure of the excess over t of two ``denoisers``, a dict, and of their samples, titled by ``losses``."""
    figure, axes = panels(1, 3, width=9.6, height=4.2, width_ratios=(1.1, 1, 1))
    alpha_bar = alpha_bar_schedule("linear", 1000)
    for (name, eps_hat), loss, color, line, axis in zip(
        denoisers.items(), losses, (BLUE, VERMILION), "-:", axes[1:], strict=True
    ):
        axes[0].plot(TIMES, error_over_t(eps_hat, MOONS, alpha_bar), line, color=color, label=name)
        draw_samples(axis, eps_hat, color, f"{name}\nL_simple {loss:.3f}")
    axes[0].set(xscale="log", yscale="log", ylim=(1e-5, 20), xlabel="t (logarithmic)", ylabel="excess")
    axes[0].legend(loc="upper right", fontsize=10)
    return figure


def draw_digit_rows(rows, names=None):
    """Return a figure of pictures, ink 0 … 255, shape (rows, columns, 64); ``names`` of the rows: training steps."""
    figure, axes = panels(width=9, height=0.8 * len(rows))
    draw_digits(axes, rows)
    if names:
        axes.set(yticks=5 + 10 * np.arange(len(rows)), yticklabels=names, ylabel="training steps")
    return figure
