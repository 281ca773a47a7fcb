"""Lesson 07's still pictures: one step for three η, two samplers from one x_T, the lengths of paths, rows of digits."""

from ...figures.plots import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE,
    WINDOW,
    draw_digits,
    draw_paths,
    draw_points,
    frame,
    key_below,
    move_paths,
    panels,
    sides_key,
)
from ...metrics import off_manifold
from ...toy_data import data_set
from .pictures import (
    ALPHA_BAR,
    CLOCK,
    PARTICLE,
    draw_side,
    draw_step,
    ink,
    move_side,
    move_step,
    run_digits,
    run_sampler,
    step_key,
    take_apart,
)

SIDES = {"DDPM": (1.0, ORANGE), "DDIM": (0.0, BLUE)}


def run(S, eta, data="moons"):
    """The lab's run of the exact denoiser: linear spacing, seed 0."""
    return run_sampler(data, "exact", S, eta, "linear", 0)


def off_at(sampled, t):
    """Return how far the points of a ``Run`` on the moons are off the data at clock time ``t``, in the plane's unit."""
    return off_manifold(sampled.frames[CLOCK.index(t)].astype(float), data_set("moons").means)


def three_etas(z, t=500, s=300):
    """Return a figure of the step of ``PARTICLE`` from t to s for η = 0, 0.5 and 1, with the same z of shape (2,)."""
    eps_hat = data_set("moons").eps(PARTICLE[None], ALPHA_BAR[t])[0]
    figure, axes = panels(1, 3, width=11, height=3.6)
    for axis, eta in zip(axes, (0.0, 0.5, 1.0), strict=True):
        move_step(draw_step(axis, f"η = {eta}"), PARTICLE, take_apart(PARTICLE, eps_hat, t, s, eta, z))
    step_key(figure, columns=3)
    return figure


def two_samplers(S=50):
    """Return a figure of six paths of DDPM and of DDIM from the same x_T."""
    figure, axes = panels(1, 2, width=9, height=4.2)
    for axis, (name, (eta, color)) in zip(axes, SIDES.items(), strict=True):
        frame(axis, WINDOW[0], f"{name}, η = {eta:.0f}, S = {S}", WINDOW[1])
        draw_points(axis, data_set("moons").means, PALE, size=7, alpha=1.0)
        paths = run(S, eta).paths
        move_paths(draw_paths(axis, [], color, width=1.3), paths.transpose(1, 0, 2))
        label = {"x_T": paths[0], "sample": paths[-1]} if axis is axes[0] else {}
        for size, points, name in zip((4, 9), (paths[0], paths[-1]), (*label, None, None)[:2], strict=True):
            draw_points(axis, points, INK, size=size, alpha=1.0, label=name)
    key_below(figure)
    return figure


def lengths(steps, wiggle):
    """Return a figure of the paths' lengths over S; ``wiggle`` is a dict of η to a list like ``steps``."""
    figure, axes = panels(width=9, height=3.6)
    for (name, (eta, color)), line in zip(SIDES.items(), ("s-", "o-"), strict=True):
        axes.plot(steps, wiggle[eta], line, color=color, label=f"{name}, η = {eta:.0f}")
    axes.axhline(1, color=GREY, linewidth=1, linestyle="--")
    axes.set(xscale="log", yscale="log", xlabel="S (steps)", ylabel="path length / way", xticks=steps)
    axes.set_xticklabels([str(S) for S in steps])
    axes.set_yticks([1, 10, 100], ["1", "10", "100"])
    axes.minorticks_off()
    axes.legend()
    return figure


def ghosts(t, S=20):
    """Return a figure of the lab's two sides at time t, with the ghosts x̂_0 of six points."""
    figure, axes = panels(1, 2, width=9, height=4.2)
    for axis, (name, (eta, _)) in zip(axes, SIDES.items(), strict=True):
        move_side(draw_side(axis, ""), f"{name}, S = {S}", "moons", "exact", run(S, eta), t, paths=False, ghosts=True)
    sides_key(figure, axes[0], (INK, "o", "followed"))
    return figure


def digit_rows(S=5, seed=1):
    """Return a figure of twenty digits of DDPM above twenty of DDIM, from the same x_T."""
    figure, axes = panels(2, 1, width=9, height=4.4)
    for axis, (eta, _) in zip(axes, SIDES.values(), strict=True):
        draw_digits(axis, ink(run_digits("trained", S, eta, "linear", seed).x[-1]))
        axis.set_title(f"η = {eta:.0f}, S = {S}", loc="left")
    return figure
