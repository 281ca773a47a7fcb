"""Lesson 01: the marginals q(x_t) over time, three kinds of path that have them, a cloud and a digit dissolving."""

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap

from ... import require
from ...ddim import add_noise
from ...figures.controls import choice_slider, data_menu, menu, number_slider, whole_slider
from ...figures.live import LiveFigure
from ...figures.plots import BLUE, GREY, INK, ORANGE, VERMILION, draw_paths, draw_points, frame, panels
from ...gaussians import log_normal
from ...oracle import finite_data
from ...remember import remember
from ...schedules import SCHEDULES, alpha_bar_from_beta, alpha_bar_schedule, cosine_beta, linear_beta
from ...toy_data import data_set, digit, load_digits, three_peaks

X = np.linspace(-3.6, 3.6, 181)  # the heights at which densities are shown
STOPS = 50  # times shown are 0, T/50, 2T/50 … T
WALKERS, DRAWN = 2000, 7
BRIGHTEST = 0.9  # the density that gets the darkest colour of the heat map
SHADES = ListedColormap(colormaps["Blues"](np.linspace(0, 1, 256) ** 0.6))  # spread, so that low peaks show
BETAS = {
    "linear, T = 1000": linear_beta(1000),
    "cosine, T = 1000": cosine_beta(1000),
    "linear, T = 50": linear_beta(50),
}
KINDS = ("chain: T small steps", "jump: one ε for all t", "jump: a new ε for each t")


# --- state -> arrays ---------------------------------------------------------------------------------------------


@remember(len(BETAS))
def density_map(schedule):
    """Return q(x_t) of the three peaks at the heights X (rows) and the times shown (columns); shape (181, 51)."""
    alpha_bar = alpha_bar_shown(schedule)
    return np.exp([three_peaks().log_density(X[:, None], level) for level in alpha_bar]).T


def alpha_bar_shown(schedule):
    """Return ᾱ at the times shown of the schedule, a key of ``BETAS``; shape (51,)."""
    require.choice("schedule", schedule, BETAS)
    alpha_bar = alpha_bar_from_beta(BETAS[schedule])
    return alpha_bar[:: (len(alpha_bar) - 1) // STOPS]


@remember(24)
def walks(schedule, kind, seed):
    """Noise ``WALKERS`` draws of the three peaks in one of the ways of ``KINDS``; shape (2000, 51).

    Every kind gives x_t the same law at each single time; what differs is how two times hang together.
    """
    require.choice("schedule", schedule, BETAS)
    require.choice("kind", kind, KINDS)
    require.seed(seed)
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    x0 = three_peaks().sample(WALKERS, np.random.default_rng(seed))
    if kind == KINDS[0]:
        every = (len(BETAS[schedule]) - 1) // STOPS
        return chain(x0[:, 0], BETAS[schedule], rng)[:, ::every].copy()  # a view would keep all T steps in memory
    noise = rng.standard_normal((WALKERS, 1 if kind == KINDS[1] else STOPS + 1))
    return add_noise(x0, noise, alpha_bar_shown(schedule))


def noise_of(x, schedule):
    """Return x_t − √ᾱ_t x_0 of walks of shape (n, 51): what noise alone has done; same shape."""
    return x - alpha_bar_shown(schedule) ** 0.5 * x[:, :1]


def chain(x0, beta, rng):
    """Take all the T small steps x_t = √(1−β_t) x_{t−1} + √β_t ε_t from ``x0`` of shape (n,); shape (n, T + 1)."""
    x0, beta = require.real_array("x0", x0), require.real_array("beta", beta)
    require.finite("x0", x0)
    require.rng(rng)
    alpha_bar_from_beta(beta)  # checks β
    path = [x0]
    for beta_t in beta[1:]:
        path.append((1 - beta_t) ** 0.5 * path[-1] + beta_t**0.5 * rng.standard_normal(x0.shape))
    return np.column_stack(path)


@remember(1)
def observer():
    """Return the exact denoiser of the 1,797 digits and their labels: one who knows every digit that can occur."""
    x, labels = load_digits()
    return finite_data(x), labels


def label_probability(x_t, alpha_bar_t, label):
    """Return, for each x_t of shape (n, 64), how sure the observer of all digits is that it shows ``label``; (n,)."""
    if alpha_bar_t == 1:
        return np.ones(len(x_t))
    known, labels = observer()
    return known.responsibilities(x_t, float(alpha_bar_t))[:, labels == label].sum(axis=1)


# --- drawings that the still pictures share ----------------------------------------------------------------------


def draw_density_map(axes, schedule):
    """Draw q(x_t) over t/T as a heat map, dark where it is high; returns the AxesImage."""
    image = axes.imshow(
        density_map(schedule),
        extent=(0, 1, X[0], X[-1]),
        origin="lower",
        aspect="auto",
        cmap=SHADES,
        vmin=0,
        vmax=BRIGHTEST,
        interpolation="bilinear",
        interpolation_stage="data",
    )
    axes.set(xlim=(0, 1), ylim=(X[0], X[-1]), xlabel="t / T")
    return image


def as_paths(x):
    """Return walks of shape (n, 51) as paths over t/T for ``draw_paths``; shape (n, 51, 2)."""
    return np.stack(np.broadcast_arrays(np.linspace(0, 1, x.shape[1]), x), axis=-1)


def draw_digit(axes, x, title=""):
    """Draw one point of 64 dimensions as a picture of 8 × 8, −2 white to 2 black; returns the AxesImage."""
    image = axes.imshow(np.reshape(x, (8, 8)), cmap="gray_r", vmin=-2, vmax=2)
    axes.set(xticks=[], yticks=[], title=title)
    axes.spines[:].set_visible(True)
    return image


def one_step_and_all(beta, alpha_bar, t):
    """Draw β_t, what one step adds, and 1−ᾱ_t, the noise that is there, over time, both marked at ``t``."""
    figure, ax = panels(width=9, height=3.4)
    times = np.arange(1, len(beta))
    ax.semilogy(times, 1 - alpha_bar[1:], color=BLUE, label="$1-\\barα_t$: noise in $x_t$")
    ax.semilogy(times, beta[1:], color=ORANGE, linestyle="--", label="$β_t$: noise added by step t")
    ax.plot([t, t], [beta[t], 1 - alpha_bar[t]], "o-", color=VERMILION, label=f"t = {t}")
    ax.set(xlabel="t", ylabel="variance", xlim=(0, len(beta) - 1))
    ax.legend()
    return figure


def three_kinds(seed):
    """Draw seven walkers of each of ``KINDS`` over the density of x_t; returns the Figure."""
    figure, axes = panels(1, 3, width=9, height=3.2, sharey=True)
    for ax, kind in zip(axes, KINDS, strict=True):
        draw_density_map(ax, "linear, T = 1000")
        draw_paths(ax, as_paths(walks("linear, T = 1000", kind, seed)[:DRAWN]), INK, width=1.1, alpha=0.8)
        ax.set_title(kind, fontsize=11)
        ax.set_xticks([0, 0.5, 1])
    axes[0].set_ylabel("x")
    return figure


def guesses(points, alpha_bar, times):
    """Draw the exact x̂_0 over x_t for ``points`` of shape (n, 1), a panel for each of ``times``; returns the Figure."""
    figure, axes = panels(1, len(times), width=9, height=3.0, sharey=True)
    x = np.linspace(-3, 3, 400)[:, None]
    for ax, t in zip(axes, times, strict=True):
        for point in points[:, 0]:
            ax.axhline(point, color=GREY, linestyle=":", linewidth=1)
        ax.plot(x[:, 0], finite_data(points).x0(x, alpha_bar[t])[:, 0], color=BLUE)
        ax.set(title=f"t = {t},  ᾱ = {alpha_bar[t]:.2g}", xlabel="$x_t$")
    axes[0].set_ylabel("best guess of $x_0$")
    return figure


def two_schedules():
    """Draw ᾱ and the signal-to-noise ratio over time for the linear and the cosine schedule; returns the Figure."""
    figure, (left, right) = panels(1, 2, width=9, height=3.4)
    for name, color, style in (("linear", BLUE, "-"), ("cosine", ORANGE, "--")):
        level = alpha_bar_schedule(name, 1000)
        left.plot(level, color=color, linestyle=style, label=name)
        right.semilogy(np.arange(1, 1001), level[1:] / (1 - level[1:]), color=color, linestyle=style, label=name)
    right.axhline(1, color=GREY, linewidth=1)
    left.set(xlabel="t", ylabel="ᾱ, signal left")
    right.set(xlabel="t", ylabel="SNR", ylim=(1e-6, 1e5))
    left.legend()
    return figure


def cloud_and_digit(times):
    """Draw a cloud, and a digit on both schedules, at ``times``; below, how sure the observer is."""
    x0, points = digit(3, 0), data_set("moons").sample(400, np.random.default_rng(8))
    levels = {name: alpha_bar_schedule(name, 1000) for name in ("linear", "cosine")}
    figure, rows = panels(3, len(times), width=9, height=5.4)
    for column, t in zip(rows.T, times, strict=True):
        rng = np.random.default_rng(5)
        draw_points(column[0], add_noise(points, rng.standard_normal(points.shape), levels["linear"][t]), BLUE, size=2)
        frame(column[0], 3.2, f"t = {t}")
        eps = rng.standard_normal(64)
        for ax, level in zip(column[1:], levels.values(), strict=True):
            x_t = add_noise(x0, eps, level[t])
            draw_digit(ax, x_t)
            ax.set_xlabel(f"{label_probability(x_t[None], level[t], 3)[0]:.2f}")
    for ax, name in zip(rows[:, 0], ("linear", "linear", "cosine"), strict=True):
        ax.set_ylabel(name)
    return figure


def wrong_start(alpha_bar_T, from_noise, from_right):
    """Draw the law of x_T beside N(0, 1), and the samples of the three peaks from either; returns the Figure."""
    figure, (left, middle, right) = panels(1, 3, width=9, height=3.4)
    data = three_peaks()
    left.plot(X, np.exp(data.log_density(X[:, None], alpha_bar_T)), color=BLUE, label="true law of $x_{50}$")
    left.plot(X, np.exp(log_normal(X, 0, 1)), color=INK, linestyle="--", label="N(0, 1)")
    left.set(xlabel="$x_T$", ylabel="density", ylim=(0, 0.62))
    left.legend(fontsize=10, loc="upper left")
    for ax, found, title in ((middle, from_noise, "from N(0, 1)"), (right, from_right, "from the true $q(x_{50})$")):
        ax.hist(found, bins=90, range=(-3, 3), density=True, color=ORANGE, label="samples")
        ax.plot(X, np.exp(data.log_density(X[:, None])), color=BLUE, linewidth=1.3, label="data")
        ax.set(title=title, xlabel="$x_0$", xlim=(-3, 3), ylim=(0, 1.15))
    middle.legend(fontsize=10, loc="upper left")
    return figure


# --- live figures ------------------------------------------------------------------------------------------------


def chain_or_jump(schedule="linear, T = 1000") -> LiveFigure:
    """The density of x_t over time with paths in it, and the slice at one time beside what the walkers do."""
    figure, (left, right) = panels(1, 2, width=9, height=4.2, width_ratios=[2, 1], sharey=True)
    image = draw_density_map(left, schedule)
    left.set(ylabel="x", title="density of $x_t$ and seven walkers")
    paths = draw_paths(left, [], INK, width=1.2, alpha=0.8)
    now = left.axvline(0, color=VERMILION, linestyle="--")
    moving = [image, paths, now, *_slice(right)]
    _, _, _, exact, bars, words = moving
    controls = {
        "progress": number_slider("t / T", 0.0, 1.0, 1 / STOPS, 0.3),
        "schedule": menu("schedule", list(BETAS), schedule),
        "kind": menu("walkers", list(KINDS), KINDS[0]),
        "seed": whole_slider("seed", 0, 9, 5),
    }

    def update(progress, schedule, kind, seed):
        stop, x = round(progress * STOPS), walks(schedule, kind, seed)
        t, level = stop * (len(BETAS[schedule]) - 1) // STOPS, alpha_bar_shown(schedule)[stop]
        image.set_data(density_map(schedule))
        paths.set_segments(as_paths(x[:DRAWN]))
        now.set_xdata([stop / STOPS] * 2)
        exact.set_data(density_map(schedule)[:, stop], X)
        bars.set_data(*histogram(x[:, stop]))
        words.set_text(f"t = {t}\nᾱ = {level:.3g}")
        return _chain_words(schedule, kind, t, level, x, stop)

    return LiveFigure(figure, moving, controls, update)


def dissolving(data="moons", label=3) -> LiveFigure:
    """A cloud of points and a handwritten digit at time t, and where t lies on the two schedules."""
    figure, axes = panels(1, 3, width=9, height=3.7, width_ratios=[1, 1, 1.15])
    frame(axes[0], 3.2, "a cloud: 2 coordinates")
    cloud = draw_points(axes[0], np.empty((0, 2)), BLUE)
    picture = draw_digit(axes[1], np.zeros(64), "a digit: 64 coordinates")
    spot = draw_levels(axes[2])
    words = axes[2].text(0.97, 0.97, "", transform=axes[2].transAxes, ha="right", va="top")
    controls = {
        "t": choice_slider("t", list(range(0, 1001, 20)), 200),
        "schedule": menu("schedule", list(SCHEDULES), "linear"),
        "data": data_menu("cloud", data),
        "label": whole_slider("digit", 0, 9, label),
        "seed": whole_slider("seed", 0, 9, 0),
    }

    def update(t, schedule, data, label, seed):
        level = float(alpha_bar_schedule(schedule, 1000)[t])
        points, x_t = dissolved(t, schedule, data, label, seed)
        sure = label_probability(x_t[None], level, label)[0]
        cloud.set_data(*points.T)
        picture.set_data(x_t.reshape(8, 8))
        spot.set_data([t], [level])
        words.set_text(f"t = {t}\nᾱ = {level:.3f}")
        return (
            f"t = {t} of 1000 on the {schedule} schedule: ᾱ = {level:.3f}, signal-to-noise ratio {snr_words(level)} "
            "for data of variance 1. An observer who knows all 1797 digits takes the picture for a "
            f"{label} with probability {sure:.2f}."
        )

    return LiveFigure(figure, [cloud, picture, spot, words], controls, update)


def dissolved(t, schedule, data, label, seed):
    """Return a cloud (600, 2) and a digit (64,) at time t; the noise depends on the seed alone, not on t."""
    level = alpha_bar_schedule(schedule, 1000)[t]
    rng = np.random.default_rng(seed)
    x0, digit_0 = data_set(data).sample(600, rng), digit(label, seed)
    return (
        add_noise(x0, rng.standard_normal(x0.shape), level),
        add_noise(digit_0, rng.standard_normal(digit_0.shape), level),
    )


def snr_words(level):
    """Write the signal-to-noise ratio ᾱ/(1−ᾱ) short."""
    return "∞" if level == 1 else f"{level / (1 - level):.2g}"


def draw_levels(axes):
    """Draw ᾱ over t for both schedules; returns a dot (Line2D) to put on one of them."""
    for name, color, style in (("linear", BLUE, "-"), ("cosine", ORANGE, "--")):
        axes.plot(alpha_bar_schedule(name, 1000), color=color, linestyle=style, label=name)
    axes.set(xlabel="t", ylim=(-0.03, 1.03), title="signal left, ᾱ")
    axes.legend(loc="lower left")
    return axes.plot([], [], "o", color=VERMILION, markersize=10)[0]


def histogram(x, bins=60):
    """Return the outline of a histogram of ``x`` that lies on its side: (density, height), to plot as a line."""
    edges = np.linspace(X[0], X[-1], bins + 1)
    counts, _ = np.histogram(x, edges)
    return np.repeat(counts / (len(x) * (edges[1] - edges[0])), 2), np.repeat(edges, 2)[1:-1]


def _slice(axes):
    """Prepare the panel of the slice at one time; returns the artists that move: exact density, walkers, text."""
    axes.plot(np.exp(log_normal(X, 0, 1)), X, color=GREY, linestyle="--", label="N(0, 1)")
    (bars,) = axes.plot([], [], color=ORANGE, linewidth=1.3, label="2000 walkers")
    (exact,) = axes.plot([], [], color=BLUE, label="exact $q(x_t)$")
    axes.set(xlim=(0, 1.15), xticks=[0, 0.5, 1], xlabel="density", title="the slice at t")
    axes.legend(loc="upper right", fontsize=10)
    return exact, bars, axes.text(0.97, 0.03, "", transform=axes.transAxes, ha="right", va="bottom")


def _chain_words(schedule, kind, t, level, x, stop):
    """The caption: the walkers' law at t against the exact one, and how two neighbouring times hang together."""
    data = three_peaks()
    mean, std = level**0.5 * data.mean()[0], (level * data.variance()[0] + 1 - level) ** 0.5
    link = np.corrcoef(*(noise_of(x, schedule)[:, [25, 30]].T))[0, 1]
    found = x[:, stop]
    return (
        f"At t = {t}, ᾱ = {level:.3g}, the 2000 walkers have mean {_two(found.mean())} and standard deviation "
        f"{found.std():.2f}; exact are {_two(mean)} and {std:.2f}. {schedule}; walkers by {kind}. The noise in a "
        f"walker at t/T = 0.5 and that at 0.6 have correlation {_two(link)}."
    )


def _two(number):
    """Write a number with two decimals, and never as −0.00."""
    return f"{round(number, 2) + 0.0:.2f}"
