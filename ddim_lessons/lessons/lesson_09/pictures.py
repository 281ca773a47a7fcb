"""Lesson 09: where x_T lands, digits between two latents, and encode, edit, decode."""

from typing import NamedTuple

import numpy as np
from matplotlib.patches import Rectangle

from ... import require
from ...ddim import ddim_path, ddim_sample, ddim_states
from ...figures.controls import choice_slider, data_menu, menu, number_slider, whole_slider
from ...figures.live import LiveFigure
from ...figures.plots import (
    BLUE,
    INK,
    ORANGE,
    PALE,
    VERMILION,
    as_ink,
    digit_mosaic,
    draw_digits,
    draw_paths,
    draw_points,
    frame,
    house,
    panels,
    show,
)
from ...files import read_json
from ...learning.backend import one_thread as one_thread
from ...learning.cases import ALPHA_BAR, DENOISERS, alpha_bar_of
from ...learning.denoisers import denoiser_of, network
from ...learning.lab import as_data
from ...oracle import GaussianMixture, gaussian
from ...remember import remember
from ...schedules import make_tau
from ...solvers import gaussian_flow, invert, multistep_sample, sigma_bar, slerp, smooth_alpha_bar
from ...toy_data import data_set, digit, load_digits

PATHS = {"slerp": slerp, "linear": lambda a, b, w: (1 - w) * a + w * b}
EDITS = ("another class decodes (exact)", "mix two latents (trained)")
TABLE_2 = {10: 0.014, 20: 0.0065, 50: 0.0023, 100: 0.0009, 200: 0.0004, 500: 0.0001, 1000: 0.0001}  # the DDIM paper's
WIDTH, CLASS_WIDTH, LIMIT = 0.1, 0.25, 3.2  # of a digit's own small Gaussian; half the window


# --- digits ------------------------------------------------------------------------------------------------------


@remember(16)
def digits_eps(denoiser="trained", label=None):
    """Return (x, t) -> ε̂ for digits; the exact one may be that of one class, ``label``, alone.

    The exact denoisers see each of the 1,797 digits as a narrow Gaussian (``WIDTH``, one class: ``CLASS_WIDTH``).
    """
    if denoiser != "exact":
        require.that(label is None, "label", label, "None: the trained network knows no classes")
        return denoiser_of("digits", denoiser)
    x, labels = load_digits()
    data = GaussianMixture(x, WIDTH) if label is None else GaussianMixture(x[labels == label], CLASS_WIDTH)
    return data.eps_fn(ALPHA_BAR)


def class_shares(x):
    """Return the classifier's probabilities of the ten classes for pictures x of shape (n, 64); shape (n, 10)."""
    x = require.real_array("x", x)
    require.that(x.ndim == 2 and x.shape[1] == 64, "x's shape", x.shape, "(n, 64)")
    return network("digit classifier").shares(x)


@remember(1)
def recorded():
    """What tools/record_inversion.py measured: a dict."""
    return read_json("results/lesson_09.json")


# --- measures ----------------------------------------------------------------------------------------------------


def mean_distance(a, b):
    """Return the mean distance between the points of two sets, row by row."""
    return float(np.linalg.norm(a - b, axis=-1).mean())


def pixel_error(a, b):
    """Return the mean square error of a pixel with values scaled to 0 … 1, as in DDIM's Table 2."""
    return float(np.mean(((a - b) / 2) ** 2))


def bridge(x_0, source, target, S, depth):
    """Encode digits with the exact denoiser of class ``source`` up to ``depth`` of S steps, decode with ``target``'s.

    Su et al. 2022, with a depth: S is their whole bridge, 0 changes nothing. Returns (latent, decoded), like ``x_0``.
    """
    if depth == 0:
        return x_0, x_0
    tau = make_tau(1000, S, "quadratic")[S - depth :]
    latent = invert(x_0, digits_eps("exact", source), ALPHA_BAR, tau)
    return latent, ddim_sample(latent, digits_eps("exact", target), ALPHA_BAR, tau)


def best_pairing_saves(x_T, x_0, rounds=400, width=0.01):
    """Return an upper bound of the share of squared ways that another pairing of starts and ends could save.

    By duality: with any numbers f_i and g_j = min_i(c_ij − f_i), c_ij the squared ways, no pairing costs less than
    Σ f_i + Σ g_j. The rounds look for good f.
    """
    ways = ((x_T[:, None] - x_0) ** 2).sum(axis=2)
    g = np.zeros(len(x_0))
    for _ in range(rounds):
        f = _soft_min(ways - g, width)
        g = _soft_min(ways.T - f, width)
    return float(1 - (f.sum() + np.min(ways.T - f, axis=1).sum()) / np.trace(ways))


def _soft_min(rows, width):
    """Return the smallest entry of each row, softened over ``width``."""
    least = rows.min(axis=1)
    return least - width * np.log(np.mean(np.exp(-(rows - least[:, None]) / width), axis=1))


@remember(megabytes=1)
def digit_code(label, index, S):
    """Return the network's latent of the digit with number ``index`` among those that show ``label``; shape (1, 64)."""
    return invert(digit(label, index)[None], digits_eps("trained"), ALPHA_BAR, make_tau(1000, S, "quadratic"))


# --- still pictures ------------------------------------------------------------------------------------------------


def quadratic(S):
    """Return the quadratic grid of S steps, the paper's choice for CIFAR-10."""
    return make_tau(1000, S, "quadratic")


def show_rows(rows, names, height, caption):
    """Show rows of digits, each of shape (n, 64), with their names beside them."""
    figure, ax = panels(width=9.2, height=height)
    draw_digits(ax, as_ink(rows))
    ax.set(yticks=5 + 10 * np.arange(len(rows)), yticklabels=names)
    show(figure, caption)


def same_start():
    """Show digits from ten x_T for four S and twice with η = 1; return each row's distance a pixel to S = 100's."""
    x_T = np.random.default_rng(3).standard_normal((10, 64))
    rows = [ddim_sample(x_T, digits_eps(), ALPHA_BAR, quadratic(S)) for S in (5, 10, 20, 100)]
    rng = np.random.default_rng(0)
    rows += [ddim_sample(x_T, digits_eps(), ALPHA_BAR, quadratic(100), 1.0, rng) for _ in range(2)]
    names = ("η = 0, S = 5", "S = 10", "S = 20", "S = 100", "η = 1, S = 100", "η = 1, again")
    show_rows(rows, names, 5.0, "Ten columns, one x_T each. In the four rows with η = 0 each column shows nearly "
              "one picture, sharper with S. The two with η = 1 (no noise in their last jump) start "
              "from the same x_T and show others.")  # fmt: skip
    return [float(np.sqrt(np.mean((row - rows[3]) ** 2))) for row in rows]


def euler_pieces():
    """Show the exact curve of Gaussian data and DDIM's nine straight pieces; return each corner's σ̃ and error."""
    nine, dense = smooth_alpha_bar(9), smooth_alpha_bar(400)
    walk = ddim_path(np.array([[1.3]]), gaussian([0.5], 0.5).eps_fn(nine), nine, range(9, -1, -1))
    x_bar = np.array([moment.x[0, 0] for moment in walk]) / nine[::-1] ** 0.5
    figure, axes = panels(1, 2, width=9.6, height=3.6)
    for ax, last in zip(axes, (9, 6), strict=True):
        curve = gaussian_flow(1.3, 0.5, 0.25, dense[-1], dense) / dense**0.5
        ax.plot(sigma_bar(dense), curve, color=PALE, linewidth=7, label="exact curve")
        ax.plot(sigma_bar(nine)[::-1], x_bar, "o-", color=BLUE, label="DDIM, S = 9")
        ax.set(xlabel="σ̃", ylabel="x̄", xlim=(1.04 * sigma_bar(nine[last]), -0.03 * sigma_bar(nine[last])))
    axes[1].set(ylim=(0.4, 4.3), title="the last six steps")
    axes[0].legend(loc="upper right")
    show(figure, "x̄ over σ̃ on a smooth schedule (section 5), time running to the right. Left: from σ̃ = 152 both are "
         "one straight line. Right: below σ̃ = 2.5 the exact curve bends, and DDIM's straight pieces leave it a little "
         "at each corner.")  # fmt: skip
    exact = gaussian_flow(1.3, 0.5, 0.25, nine[-1], nine[::-1]) / nine[::-1] ** 0.5
    return sigma_bar(nine[::-1]), x_bar - exact


def half_way():
    """Show a way from one digit to another on the arc, on the straight line, and by mixing the pictures."""
    rows = [between(2, 4, name, 20, "trained")[1] for name in PATHS]
    rows += [np.concatenate([(1 - w) * rows[0][:1] + w * rows[0][-1:] for w in SHARES])]
    show_rows(rows, ("slerp", "linear", "pixels mixed"), 3.0, "From a 5 to a 0 in eleven pictures. Slerp and linear: "
              "dark strokes on white paper, half way neither 5 nor 0. Mixed pixels: both on top of each other, "
              "grey.")  # fmt: skip


def round_trip():
    """Show ten digits encoded and decoded with S = 10, 20, 100; return the error of each (:func:`pixel_error`)."""
    x_0 = np.concatenate([digit(label, 3)[None] for label in range(10)])
    backs = {S: _there_and_back(x_0, S) for S in (10, 20, 100)}
    show_rows([x_0, *backs.values()], ("original", "S = 10", "S = 20", "S = 100"), 3.9, "Ten digits and what comes "
              "back after encoding and decoding with 10, 20 and 100 steps. At 10 the 1 and the 4 are spoiled and "
              "the 7 is a 5; at 20 only the 7 is wrong; at 100 no difference can be seen.")  # fmt: skip
    return {S: pixel_error(back, x_0) for S, back in backs.items()}


def _there_and_back(x_0, S):
    """Encode and decode with S steps of the trained network."""
    code = invert(x_0, digits_eps(), ALPHA_BAR, quadratic(S))
    return ddim_sample(code, digits_eps(), ALPHA_BAR, quadratic(S))


def equal_calls(calls, measured):
    """Show errors over network calls; ``measured`` maps (solver, denoiser) to a list of errors."""
    figure, axes = panels(1, 2, width=9.6, height=4.1, sharey=True)
    looks = dict(zip(dict.fromkeys(name for name, _ in measured), SOLVER_LOOKS, strict=False))
    for (name, denoiser), values in measured.items():
        color, style = looks[name]
        axes[DENOISERS.index(denoiser)].loglog(calls, values, style, color=color, markersize=5, label=name)
    for ax, title in zip(axes, ("exact denoiser", "trained network"), strict=True):
        ax.set(xlabel="network calls", title=title, xticks=calls, xticklabels=calls)
        ax.minorticks_off()
    axes[0].set(ylabel="distance from the exact end point")
    axes[0].legend(loc="lower left", fontsize=11)
    show(figure, "Left: DDIM falls from 0.17 to 0.003; DPM-Solver++ is at 0.008 with 20 calls, where DDIM needs 200; "
         "Heun is worse than DDIM at 10. Right: all curves end on one floor at 0.02, the network's own error; "
         "DPM-Solver++ is nearly there with 20 calls.")  # fmt: skip


SOLVER_LOOKS = ((INK, "o-"), (ORANGE, "s:"), (BLUE, "^-"), (VERMILION, "D--"))


# --- drag x_T ----------------------------------------------------------------------------------------------------


class Landing(NamedTuple):
    """DDIM's ``path`` (S + 1, 2), its ``limit`` for S → ∞ (2,), and DDPM's landings ``cloud`` (200, 2).

    ``on_border``: the limit changes with a shift of x_T by 1e−9, so that it means nothing (the middle of the ring).
    """

    path: np.ndarray
    limit: np.ndarray
    cloud: np.ndarray
    on_border: bool


@remember(megabytes=4)
def landing(first, second, S, data, denoiser):
    """Start DDIM once and DDPM 200 times from x_T = (first, second)."""
    alpha_bar = alpha_bar_of(data)
    T = len(alpha_bar) - 1
    eps_hat, tau, x_T = denoiser_of(data, denoiser), make_tau(T, S), np.array([[first, second]])
    path = np.concatenate(list(ddim_states(x_T, eps_hat, alpha_bar, tau)))
    shifted = x_T + [[0, 0], [1e-9, 0], [0, 1e-9]]
    limits = multistep_sample(shifted, eps_hat, alpha_bar, make_tau(T, min(T, 100), "quadratic"))
    cloud = ddim_sample(np.repeat(x_T, 200, axis=0), eps_hat, alpha_bar, tau, 1.0, np.random.default_rng(0))
    return Landing(path, limits[0], cloud, bool(np.ptp(limits, axis=0).max() > 0.01))


def drag_x_T(data="moons") -> LiveFigure:
    """Move x_T in the plane: left its DDIM path and landing, right 200 DDPM landings from the same x_T."""
    figure, axes = panels(1, 2, width=9, height=5.1)
    nothing = np.empty((0, 2))
    for ax, title in zip(axes, ("DDIM, η = 0: one landing", "DDPM, η = 1: 200 landings"), strict=True):
        frame(ax, LIMIT, title)
    truth = [draw_points(ax, nothing, PALE, size=8, alpha=1.0) for ax in axes]
    starts = [draw_points(ax, nothing, INK, size=8, alpha=1.0, label="x_T") for ax in axes]
    path = draw_paths(axes[0], [], BLUE, width=1.6, alpha=1.0)
    end = draw_points(axes[0], nothing, BLUE, size=9, alpha=1.0, label="x_0")
    limit = axes[0].plot([], [], "o", color=VERMILION, fillstyle="none", markersize=16, label="x_0 for S → ∞")[0]
    cloud = draw_points(axes[1], nothing, ORANGE, size=4.5, alpha=0.9, label="x_0")
    for ax in axes:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, handletextpad=0.1, columnspacing=1.0)
    controls = {
        "first": number_slider("x_T, right", -3.0, 3.0, 0.1, 0.6, digits=1),
        "second": number_slider("x_T, up", -3.0, 3.0, 0.1, 1.2, digits=1),
        "S": choice_slider("S (steps)", (1, 2, 5, 10, 20, 50, 100), 20),
        "data": data_menu("data", as_data(data)),
        "denoiser": menu("denoiser", DENOISERS, "exact"),
    }

    def update(first, second, S, data, denoiser):
        found = landing(round(first, 6), round(second, 6), S, data, denoiser)
        for dots, start in zip(truth, starts, strict=True):
            dots.set_data(*data_set(data).means.T)
            start.set_data(*found.path[:1].T)
        path.set_segments([found.path])
        end.set_data(*found.path[-1:].T)
        limit.set_data(*(nothing if found.on_border else found.limit[None]).T)
        cloud.set_data(*found.cloud.T)
        return _landing_words(first, second, S, data, denoiser, found)

    return LiveFigure(figure, [*truth, path, *starts, cloud, end, limit], controls, update)


def _landing_words(first, second, S, data, denoiser, found):
    """The caption of :func:`drag_x_T`."""
    end, spread = found.path[-1].round(2) + 0.0, found.cloud.std(axis=0)  # + 0.0: no "−0.00"
    off = f"{np.linalg.norm(found.path[-1] - found.limit):.2f} from where it lands for S → ∞"
    if found.on_border:
        off = "on a border: for S → ∞ the least shift of x_T decides where it lands"
    return (
        f"From x_T = ({first:.1f}, {second:.1f}) on “{data}”, {denoiser} denoiser, S = {S}: DDIM always lands at "
        f"({end[0]:.2f}, {end[1]:.2f}), {off}. DDPM's 200 landings have the standard deviations {spread[0]:.2f} "
        f"and {spread[1]:.2f}."
    )


# --- digits between two latents ----------------------------------------------------------------------------------


def latent(seed):
    """Return the digits' x_T of a seed, shape (1, 64)."""
    return np.random.default_rng([9, seed]).standard_normal((1, 64))


def other_seed(seed_a, seed_b):
    """Return ``seed_b``, or if it is ``seed_a`` one that is not: no way leads from a latent to itself."""
    return seed_b + 10 if seed_a == seed_b else seed_b


SHARES = tuple(round(0.1 * k, 1) for k in range(11))


@remember(megabytes=4)
def between(seed_a, seed_b, path, S, denoiser):
    """Return (latents, pictures) at the shares 0, 0.1 … 1 of the way between two seeds' latents; both (11, 64)."""
    require.choice("path", path, PATHS)
    ends = latent(seed_a), latent(other_seed(seed_a, seed_b))
    x_T = np.concatenate([PATHS[path](*ends, w) for w in SHARES])
    return x_T, ddim_sample(x_T, digits_eps(denoiser), ALPHA_BAR, make_tau(1000, S, "quadratic"))


def _interpolation_axes():
    """Return (figure, axes of the row, of the one picture, of the lengths)."""
    figure, axes = panels(2, 2, width=9.6, height=4.6, height_ratios=(1, 2.2), width_ratios=(1, 2.2))
    grid = axes[0, 0].get_gridspec()
    for ax in axes[0]:
        ax.remove()
    axes[1, 1].set(
        xlim=(-0.02, 1.02), ylim=(4.5, 10.5), xlabel="share w of the way from a to b", ylabel="length of x_T"
    )
    axes[1, 1].plot(SHARES, np.full(11, 8.0), color=PALE, linewidth=6, label="of a typical x_T: √64 = 8")
    return figure, figure.add_subplot(grid[0, :], axes_class=type(axes[1, 0])), axes[1, 0], axes[1, 1]


@house()
def interpolate_digits() -> LiveFigure:
    """Pictures along the way between two latents, on the arc or on the straight line."""
    figure, row, one, lengths = _interpolation_axes()
    images = [draw_digits(ax, np.zeros((1, n, 64))) for ax, n in ((row, 11), (one, 1))]
    mark = row.add_patch(Rectangle((0, 0), 9.4, 9.4, fill=False, edgecolor=VERMILION, linewidth=4))
    curve = lengths.plot(SHARES, np.full(11, 8.0), color=BLUE, label="of this path")[0]
    dot = lengths.plot([0], [8], "o", color=VERMILION, markersize=11, label="here")[0]
    lengths.legend(loc="upper center", ncols=3)
    controls = {
        "seed_a": whole_slider("seed a", 0, 9, 2),
        "seed_b": whole_slider("seed b", 0, 9, 4),
        "w": choice_slider("w (position)", SHARES, 0.5),
        "path": menu("path", list(PATHS), "slerp"),
        "S": choice_slider("S (steps)", (2, 5, 10, 20, 50), 10),
        "denoiser": menu("denoiser", DENOISERS, "trained"),
    }

    def update(seed_a, seed_b, w, path, S, denoiser):
        x_T, drawn = between(seed_a, seed_b, path, S, denoiser)
        k, norms = SHARES.index(w), np.linalg.norm(x_T, axis=1)
        for image, some in zip(images, (drawn[None], drawn[None, k : k + 1]), strict=True):
            image.set_data(digit_mosaic(as_ink(some)))
        mark.set_xy((10 * k - 0.2, -0.2))
        curve.set_ydata(norms)
        dot.set_data([w], [norms[k]])
        shares = class_shares(drawn[k : k + 1])[0]
        return (
            f"From seed {seed_a} to seed {other_seed(seed_a, seed_b)}, {path}, S = {S}, {denoiser} denoiser; at "
            f"w = {w:.1f} the length of x_T is {norms[k]:.1f}, the picture's contrast {drawn[k].std():.2f}, and the "
            f"classifier reads “{shares.argmax()}” ({shares.max():.0%}). Digits along the way: "
            f"{_digits_in_words(drawn)}."
        )

    return LiveFigure(figure, [*images, mark, curve, dot], controls, update, play="w")


def _digits_in_words(x):
    """What the classifier reads, such as "3 3 3 8 8"."""
    return " ".join(str(label) for label in class_shares(x).argmax(axis=1))


# --- encode, edit, decode ----------------------------------------------------------------------------------------


class Edit(NamedTuple):
    """Four pictures, each (64,): the ``original``, its ``latent``, decoded again (``back``), and ``edited``."""

    original: np.ndarray
    latent: np.ndarray
    back: np.ndarray
    edited: np.ndarray


@remember(megabytes=4)
def edit_digit(edit, label, target, S, strength):
    """Encode the first digit ``label`` of the data, edit towards ``target`` with a ``strength`` of 0 … 1, decode."""
    require.choice("edit", edit, EDITS)
    x_0 = digit(label)[None]
    if edit == EDITS[0]:
        depth = round(strength * S)
        code, edited = bridge(x_0, label, target, S, depth)
        back = bridge(x_0, label, label, S, depth)[1]
    else:
        own, other = digit_code(label, 0, S), digit_code(target, 1, S)
        code = slerp(own, other, strength)
        tau = make_tau(1000, S, "quadratic")
        back, edited = ddim_sample(np.concatenate([own, code]), digits_eps("trained"), ALPHA_BAR, tau)[:, None]
    return Edit(*(picture[0] for picture in (x_0, code, back, edited)))


def encode_edit_decode() -> LiveFigure:
    """A digit, its latent, the digit decoded again, and the edited one, with the classifier's opinion of each."""
    figure, axes = panels(1, 2, width=9.6, height=3.5, width_ratios=(3.4, 1))
    image = draw_digits(axes[0], np.zeros((1, 4, 64)))
    axes[0].set(xticks=(4.5, 14.5, 24.5, 34.5), xticklabels=("original", "latent / 2.5", "decoded again", "edited"))
    bars = axes[1].barh(range(10), np.zeros(10), color=BLUE)
    axes[1].set(xlim=(0, 1), yticks=range(10), xticks=(0, 0.5, 1), title="the edited one is …")
    axes[1].invert_yaxis()
    controls = {
        "edit": menu("edit", EDITS, EDITS[0]),
        "label": whole_slider("digit", 0, 9, 4),
        "target": whole_slider("towards", 0, 9, 9),
        "S": choice_slider("S (steps)", (5, 10, 20, 50, 100), 20),
        "strength": choice_slider("strength", SHARES, 1.0),
    }

    def update(edit, label, target, S, strength):
        found = edit_digit(edit, label, target, S, strength)
        image.set_data(digit_mosaic(as_ink([[found.original, found.latent / 2.5, found.back, found.edited]])))
        shares = class_shares(found.edited[None])[0]
        for bar, share in zip(bars, shares, strict=True):
            bar.set_width(share)
        return (
            f"Digit {label} towards {target}, {edit}, strength {strength:.1f}, S = {S}. Decoded again: mean square "
            f"error {pixel_error(found.back, found.original):.1e} a pixel. Edited: "
            f"{pixel_error(found.edited, found.original):.3f} from the original, ink {found.original.mean():.2f} → "
            f"{found.edited.mean():.2f}; the classifier reads “{shares.argmax()}” ({shares.max():.0%})."
        )

    return LiveFigure(figure, [image, *bars], controls, update, play="strength")
