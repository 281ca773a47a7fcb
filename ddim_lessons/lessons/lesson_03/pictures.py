"""Lesson 03: a graph editor for the A/B split: click times into A, watch factors, covariance, samples, the linter."""

from itertools import combinations
from typing import NamedTuple

import ipywidgets as ipw
import numpy as np
from IPython.display import Math
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from ... import require, split
from ...ddim import add_noise
from ...figures.controls import menu, number_slider, whole_slider
from ...figures.live import LiveFigure
from ...figures.plots import BLUE, INK, ORANGE, VERMILION, draw_points, house, panels, show
from ...remember import remember
from ...schedules import alpha_bar_from_beta, linear_beta

T_MAX, PATHS, X0 = 10, 12, 1.5
READINGS = {"chain and star": split.chain_and_star, "read literally": split.read_literally}
IN_A_LINE = 6  # factors in a line of the formula


class Picture(NamedTuple):
    """What a factorization looks like: ``cov`` and ``paths`` are None where the linter objects."""

    factors: tuple
    problems: list
    cov: np.ndarray  # (T + 1, T + 1)
    paths: np.ndarray  # (PATHS, T + 1), all from the same normal draws


# --- state -> arrays ---------------------------------------------------------------------------------------------


def schedule(T):
    """The short schedule of this lesson: β linear from 0.05 to 0.35; ᾱ of shape (T + 1,)."""
    return alpha_bar_from_beta(linear_beta(T, 0.05, 0.35))


def three_ways(x0, alpha_bar, rng):
    """Return paths from x0, shape (n,), made in three ways with the same marginals: a dict of name to (n, T + 1)."""
    z = rng.standard_normal((len(x0), len(alpha_bar)))
    small_steps = np.repeat(x0[:, None], len(alpha_bar), axis=1)
    for t in range(1, len(alpha_bar)):
        small_steps[:, t] = add_noise(small_steps[:, t - 1], z[:, t], alpha_bar[t] / alpha_bar[t - 1])
    new, one = rng.standard_normal(z.shape), rng.standard_normal((len(x0), 1))
    return {
        "small steps": small_steps,
        "a new noise for each t": add_noise(x0[:, None], new, alpha_bar),
        "one noise for all t": add_noise(x0[:, None], one, alpha_bar),
    }


def all_sets(T):
    """Return every set A of times in {1 … T} that contains T."""
    return [{*some, T} for size in range(T) for some in combinations(range(1, T), size)]


def written(factors, name="q"):
    """Return the product of the factors as a formula that a notebook displays."""
    return Math(split.latex(factors, name))


@remember(64)
def picture(T, A, reading, eta):
    """Return the ``Picture`` of A (a frozenset that contains T) under a reading, one of ``READINGS``."""
    require.choice("reading", reading, READINGS)
    factors = READINGS[reading](T, A)
    problems = split.lint(factors, T)
    if problems:
        return Picture(factors, problems, None, None)
    return Picture(factors, [], split.joint(factors, schedule(T), eta)[1], paths_of(factors, T, eta))


def paths_of(factors, T, eta):
    """Return ``PATHS`` draws of the joint given x_0 = ``X0``; time t has the same normal draws in every joint."""
    z = np.random.default_rng(3).standard_normal((PATHS, T_MAX + 1))
    R, lam, var = split.system(factors, schedule(T), eta)
    noise = z[:, [factor.head for factor in factors]] * var**0.5
    return np.column_stack([np.full(PATHS, X0), np.linalg.solve(R, (lam * X0 + noise).T).T])


def place(t, A):
    """Return where the node of time t stands: A above, B below, x_0 between."""
    return np.array([t, 0.5 if t == 0 else float(t in A)])


def arrow(start, end, bend=0.0, gap=0.23):
    """Return (curve of shape (25, 2), triangle of shape (3, 2)): an arrow that ends ``gap`` before ``end``.

    ``bend`` is how far its middle is lifted, in units of the plane: half an ellipse on top of the straight line.
    """
    s = (1 - np.cos(np.linspace(0, np.pi, 200)))[:, None] / 2
    curve = (1 - s) * start + s * end + [0, 2 * bend] * (s * (1 - s)) ** 0.5
    curve = curve[np.linalg.norm(curve - end, axis=1) >= gap]
    ahead = (end - curve[-1]) / np.linalg.norm(end - curve[-1])
    tip, side = curve[-1] + 0.06 * ahead, np.array([-ahead[1], ahead[0]])
    foot = tip - 0.2 * ahead
    return curve[np.linspace(0, len(curve) - 1, 25).astype(int)], np.array(
        [tip, foot + 0.09 * side, foot - 0.09 * side]
    )


def arrows(factors, A):
    """Return the arrows of the chain (from other times) and of the star (x_0 alone), as two lists."""
    chain, star = [], []
    for head, parents in factors:
        others = [t for t in parents if t != 0]
        if others:
            chain.append(arrow(place(others[0], A), place(head, A)))
        else:
            bend = 1.2 if head in A else -0.35 - 0.07 * head
            star.append(arrow(place(0, A), place(head, A), bend))
    return chain, star


def formula(factors):
    """Return the factors as four lines of mathtext, first the chain, then the star; the last ones may be empty."""
    chain = [f for f in factors if f.head == max(g.head for g in factors) or len(f.parents) > 1]
    star = [f for f in factors if f not in chain]
    groups = [group[i : i + IN_A_LINE] for group in (chain, star) for i in range(0, len(group), IN_A_LINE)]
    return [f"${split.latex(group)}$" for group in groups] + [""] * (4 - len(groups))


# --- drawings ----------------------------------------------------------------------------------------------------


@house()
def graph_artists(axes, T=T_MAX):
    """Prepare axes for a graph up to time T; returns its artists by name."""
    axes.set(xlim=(-0.5, T + 0.5), ylim=(-0.9, 2.05), xticks=[], yticks=[])
    axes.set_aspect("equal")
    axes.spines[:].set_visible(False)
    artists = {"chain": LineCollection([], colors=BLUE, linewidths=2.4)}
    artists |= {"star": LineCollection([], colors=ORANGE, linewidths=1.6, linestyles=(0, (5, 1.5)))}
    artists |= {"chain heads": PolyCollection([], facecolors=BLUE), "star heads": PolyCollection([], facecolors=ORANGE)}
    for artist in artists.values():
        axes.add_collection(artist, autolim=False)
    for name, marker, color in (("x0", "D", INK), ("A", "s", BLUE), ("B", "o", ORANGE)):
        artists[name] = axes.plot(
            [], [], marker, color="white", markeredgecolor=color, markersize=20, markeredgewidth=2
        )[0]
    artists["bad"] = axes.plot([], [], "o", color="none", markeredgecolor=VERMILION, markersize=30, markeredgewidth=3)[
        0
    ]
    style = {"ha": "center", "va": "center"}
    artists |= {f"label {t}": axes.text(t, 0, "", fontsize=12, **style) for t in range(T + 1)}
    return artists | {
        f"count {t}": axes.text(t, 0.5, "", fontsize=11, color=VERMILION, **style) for t in range(1, T + 1)
    }


def move_graph(artists, factors, A):
    """Set the artists of a graph to these factors; times defined twice or never are ringed and say so."""
    T, (chain, star) = max(A), arrows(factors, A)
    for name, group in (("chain", chain), ("star", star)):
        artists[name].set_segments([curve for curve, _ in group])
        artists[f"{name} heads"].set_verts([triangle for _, triangle in group])
    heads = [factor.head for factor in factors]
    bad = [t for t in range(1, T + 1) if heads.count(t) != 1]
    groups = {"x0": [0], "A": sorted(A), "B": split.sets(T, A)[1], "bad": bad}
    for name, times in groups.items():
        artists[name].set_data(np.reshape([place(t, A) for t in times], (-1, 2)).T)
    for t in range(sum(name.startswith("label") for name in artists)):
        artists[f"label {t}"].set_text(str(t) if t <= T else "")
        artists[f"label {t}"].set_y(place(t, A)[1])
        if t:
            artists[f"count {t}"].set_text(
                {0: "never", 1: ""}.get(heads.count(t), f"{heads.count(t)}×") if t <= T else ""
            )


def draw_graph(axes, factors, A, title=""):
    """Draw the graph of the factors once."""
    move_graph(graph_artists(axes, max(A)), factors, A)
    axes.set_title(title)


def draw_covariance(axes, cov, T=None, title=r"Cov$(x_s, x_t\mid x_0)$"):
    """Draw a covariance of shape (T + 1, T + 1) as a heat map over times 1 … T, colours from 0 to 1."""
    T = len(cov) - 1 if T is None else T
    image = axes.imshow(heat(cov, T), cmap="viridis", vmin=0, vmax=1, extent=(0.5, T + 0.5, T + 0.5, 0.5))
    axes.spines[:].set_visible(False)
    axes.set(xticks=range(1, T + 1), yticks=range(1, T + 1), xlabel="t", ylabel="s", title=title)
    return image


def heat(cov, T):
    """Return times 1 … T of a covariance, masked where it has no entry; all masked if ``cov`` is None."""
    shown = np.full((T, T), np.nan)
    if cov is not None:
        shown[: len(cov) - 1, : len(cov) - 1] = cov[1:, 1:]
    return np.ma.masked_invalid(shown)


@house()
def draw_samples(axes):
    """Prepare axes for paths over time; returns (lines, band), where the band is mean ± 2 standard deviations."""
    paths = axes.add_collection(LineCollection([], colors=INK, linewidths=0.9, alpha=0.6), autolim=False)
    band = [axes.plot([], [], color=VERMILION, linestyle="--", linewidth=1.8)[0] for _ in range(2)]
    axes.set(xlim=(-0.2, T_MAX + 0.2), ylim=(-3, 3.6), xlabel="t", ylabel="$x_t$")
    axes.set_title(f"{PATHS} samples given $x_0$ = {X0}")
    axes.plot([], [], color=VERMILION, linestyle="--", linewidth=1.8, label="mean ± 2 standard deviations")
    axes.legend(loc="lower left", borderaxespad=0.1)
    return paths, band


def move_samples(paths, band, x, T):
    """Set paths (or none) and the band that every joint with the right marginals must fill."""
    alpha_bar, times = schedule(T), np.linspace(0, T_MAX, T + 1)  # stretched to the width of the axes
    paths.set_segments([] if x is None else [np.column_stack([times, path]) for path in x])
    for line, sign in zip(band, (-2, 2), strict=True):
        line.set_data(times, alpha_bar**0.5 * X0 + sign * (1 - alpha_bar) ** 0.5)


# --- stills ------------------------------------------------------------------------------------------------------


def show_pairs(paths, s, t):
    """Show the pairs (x_s, x_t) of the three ways side by side."""
    figure, axes = panels(1, 3, width=9, height=3.6, sharey=True)
    for ax, (way, x) in zip(axes, paths.items(), strict=True):
        draw_points(ax, x[:1500, [s, t]], BLUE, size=2.5)
        ax.set(xlim=(-2.5, 3.6), ylim=(-3.2, 4), xlabel=f"$x_{s}$", title=way)
    axes[0].set_ylabel(f"$x_{t}$")
    words = "a tilted cloud, a round cloud, a line; the same shadows on each axis."
    show(figure, f"Pairs (x_{s}, x_{t}) given x_0 = 1: {words}")


def show_graphs(literal, right, A):
    """Show the graphs of the two readings of the split one above the other."""
    figure, axes = panels(2, 1, width=9, height=5.6)
    draw_graph(axes[0], literal, A, "read literally: three short arrows, five wrong variables")
    draw_graph(axes[1], right, A, "chain and star: 8 → 5 → 2, all others hang on x_0 alone")
    words = "Squares are A, circles B; solid arrows the chain (their x_0 is left out), dashed from x_0 alone."
    show(figure, f"{words} Read literally, 1, 4 and 7 are heads twice, 2 and 5 never.")


def show_covariances(alpha_bar, A, eta):
    """Show Cov(x_s, x_t | x_0) of the full chain, of the split and of the star side by side."""
    T = max(A)
    names = {"full chain": range(1, T + 1), f"split, A = {_braces(sorted(A))}": A, f"star, A = {{{T}}}": {T}}
    figure, axes = panels(1, 3, width=9, height=3.6)
    for ax, (name, times) in zip(axes, names.items(), strict=True):
        image = draw_covariance(ax, split.joint(split.chain_and_star(T, times), alpha_bar, eta)[1], title=name)
    figure.colorbar(image, ax=axes, shrink=0.8, label=r"Cov$(x_s, x_t\mid x_0)$")
    words = f"Three joints at η = {eta:g} with one diagonal. Off it: all pairs in the full chain,"
    show(figure, f"{words} the pairs of 2, 5, 8 in the split, nothing in the star.")


def show_covariance_of_eta(full, right, alpha_bar):
    """Show how Cov(x_5, x_8 | x_0) depends on η in the full chain and in the split."""
    etas, (figure, axes) = np.linspace(0, 1, 41), panels(1, 1, width=7, height=3.6)
    curves = (right, ORANGE, "-", "split: one jump 8 → 5"), (full, BLUE, "--", "full chain: 8 → 7 → 6 → 5")
    for factors, color, line, label in curves:
        axes.plot(etas, [split.joint(factors, alpha_bar, eta)[1][5, 8] for eta in etas], line, color=color, label=label)
    axes.set(xlabel="η", ylabel=r"Cov$(x_5, x_8\mid x_0)$", ylim=(0, 0.75))
    axes.legend(loc="lower left")
    words = "Both covariances fall from 0.664 at η = 0 to 0.301 at η = 1 and meet only there;"
    show(figure, f"{words} at η = 0.5 they are 0.565 and 0.595.")


# --- the live figure ---------------------------------------------------------------------------------------------


def graph_editor() -> LiveFigure:
    """Put times into A by a button for each: graph, formula, covariance, samples, and what the linter says."""
    figure, (top, (left, right)) = panels(2, 2, width=9, height=7.0, height_ratios=[1, 1.2])
    figure.get_layout_engine().set(rect=(0, 0, 1, 0.87))
    graph_axes = _merge(figure, top)
    graph, image = graph_artists(graph_axes), draw_covariance(left, None, T_MAX)
    figure.colorbar(image, ax=left, shrink=0.9)
    paths, band = draw_samples(right)
    times = time_labels(left, right)
    lines = [figure.text(0.02, y, "", fontsize=12.5) for y in (0.965, 0.93, 0.895, 0.86)]
    no_joint = left.text(0.5, 0.5, "", transform=left.transAxes, ha="center", va="center", color=VERMILION)
    controls = {f"t{t}": _time_button(t) for t in range(1, T_MAX + 1)}
    controls |= {
        "T": whole_slider("T (last time)", 2, T_MAX, 8),
        "eta": number_slider("η (noise)", 0.0, 1.0, 0.1, 0.5, digits=1),
        "reading": menu("formula", list(READINGS), "chain and star"),
    }

    def update(T, eta, reading, **chosen):
        A = frozenset({t for t in range(1, T) if chosen[f"t{t}"]} | {T})
        _label_buttons(controls, T, A)
        shown = picture(T, A, reading, round(eta, 6))
        move_graph(graph, shown.factors, A)
        for line, words in zip(lines, formula(shown.factors), strict=True):
            line.set_text(words)
        image.set_data(heat(shown.cov, T))
        move_times(times, T)
        no_joint.set_text("no joint:\nthe linter objects" if shown.problems else "")
        move_samples(paths, band, shown.paths, T)
        return words_for(T, A, reading, round(eta, 6))

    return LiveFigure(figure, [*graph.values(), *lines, *times, image, no_joint, paths, *band], controls, update)


@house()
def time_labels(left, right):
    """Hide the numbers at the ticks; return what stands in their place and can follow T: below, beside, under paths.

    Each row of numbers is one collection of outlines, quicker to draw than as many texts.
    """
    left.tick_params(labelcolor="none", length=0)
    right.tick_params(axis="x", labelcolor="none", length=0)
    rows = []
    for axes in (left, left, right):
        row = PathCollection([], offsets=[], offset_transform=axes.transAxes, facecolors="black", clip_on=False)
        row.set(transform=Affine2D().scale(1 / 72) + axes.figure.dpi_scale_trans, linewidths=0, in_layout=False)
        rows.append(axes.add_collection(row, autolim=False))
    return rows


def move_times(rows, T):
    """Write times 1 … T at the cells of the heat map, and the even times from 0 under the paths."""
    cells, even = np.arange(1, T + 1), np.arange(0, T + 1, 2)
    middle = (cells - 0.5) / T
    places = (0 * middle - 0.05, 1 - middle), ((even * T_MAX / T + 0.2) / (T_MAX + 0.4), 0 * even - 0.05)
    for row, times, (x, y) in zip(rows, (cells, cells, even), ((middle, 0 * middle - 0.05), *places), strict=True):
        row.set_paths([outline(int(t)) for t in times])
        row.set_offsets(np.column_stack([x, y]))


@remember(32)
def outline(number):
    """Return a number as a path in points, centred at (0, 0)."""
    path = TextPath((0, 0), str(number), size=12)
    return Affine2D().translate(*-path.get_extents().get_points().mean(axis=0)).transform_path(path)


def words_for(T, A, reading, eta):
    """The caption: the sets, the count of factors, and the linter's verdict with one number."""
    shown, (inside, outside) = picture(T, A, reading, eta), split.sets(T, A)
    start = (
        f" T = {T}, A = {_braces(inside)}, B = {_braces(outside)}, {reading}, η = {eta:.1f}: "
        f"{len(shown.factors)} factors for {T} variables."
    )
    if shown.problems:
        return f"The linter: {'; '.join(shown.problems)}.{start} {_integral_words(shown.factors, T, eta)}"
    if len(inside) == 1:
        return "The linter is content: a density." + start + " All times are independent given x_0."
    s, t = inside[-2:]
    return f"The linter is content: a density.{start} Cov(x_{s}, x_{t} | x_0) = {shown.cov[s, t]:.3f}."


def _braces(times):
    return "{" + ", ".join(map(str, times)) + "}"


def _integral_words(factors, T, eta):
    try:
        return f"The product integrates to {split.normaliser(factors, schedule(T), eta):.3f}, not to 1."
    except ValueError as error:
        return f"The product cannot be normalised: {error}."


def _time_button(t):
    """A button that stays down while time t is in A."""
    return ipw.ToggleButton(value=t in (2, 5), tooltip=f"put time {t} into A or B", layout={"width": "70px"})


def _label_buttons(controls, T, A):
    """Write on each button where its time is; T cannot leave A, and times after T are out of use."""
    for t in range(1, T_MAX + 1):
        controls[f"t{t}"].description = f"{t} ∈ {'A' if t in A else 'B'}" if t <= T else f"{t}"
        controls[f"t{t}"].disabled = t >= T


def _merge(figure, row):
    """Replace a row of axes by one wide one."""
    grid = row[0].get_subplotspec().get_gridspec()
    for axes in row:
        axes.remove()
    return figure.add_subplot(grid[0, :], axes_class=type(row[0]))
