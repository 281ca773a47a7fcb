"""Five notations for one process, and the translation between them: each paper's symbol as a function of β."""

import numpy as np

from ... import require
from ...schedules import alpha_bar_from_beta

AUTHORS = ("these lessons", "DDPM paper", "DDIM paper", "Su (kexue.fm)", "udlbook")

# What is meant, and how each author writes it (— where an author has no symbol of his own for it).
SYMBOLS = {
    "one-step noise variance": ("β_t", "β_t", "1 − α_t/α_{t−1}", "β_t²", "β_t"),
    "one-step signal": ("α_t = 1 − β_t", "α_t = 1 − β_t", "α_t/α_{t−1}", "α_t²", "1 − β_t"),
    "signal left at t": ("ᾱ_t", "ᾱ_t", "α_t", "ᾱ_t²", "α_t"),
    "noise variance at t": ("1 − ᾱ_t", "1 − ᾱ_t", "1 − α_t", "β̄_t²", "1 − α_t"),
    "clean sample": ("x_0", "x_0", "x_0", "x_0", "x"),
    "sample at t": ("x_t", "x_t", "x_t", "x_t", "z_t"),
    "predicted noise": ("ε̂ = ε_θ(x_t, t)", "ε_θ(x_t, t)", "ε_θ^(t)(x_t)", "ε_θ(x_t, t)", "g_t[z_t, φ_t]"),
    "visited times": ("τ, the set A", "—", "τ", "τ", "—"),
    "noise of a step": ("σ(η)", "σ_t", "σ_{τ_i}(η)", "σ_t", "σ_t"),
}


def translate(meaning):
    """Return how each author writes ``meaning``, a key of ``SYMBOLS``, as a dict of author to symbol."""
    require.choice("meaning", meaning, SYMBOLS)
    return dict(zip(AUTHORS, SYMBOLS[meaning], strict=True))


def schedule_in_the_notation_of(author, beta):
    """Return the author's own schedule symbols for our ``beta`` of shape (T + 1,), as a dict of name to array."""
    require.choice("author", author, AUTHORS)
    alpha_bar, beta = alpha_bar_from_beta(beta), require.real_array("beta", beta)
    return {
        "these lessons": {"beta": beta, "alpha": 1 - beta, "alpha_bar": alpha_bar},
        "DDPM paper": {"beta": beta, "alpha": 1 - beta, "alpha_bar": alpha_bar},
        "DDIM paper": {"alpha": alpha_bar},
        "Su (kexue.fm)": {"alpha": np.sqrt(1 - beta), "beta": np.sqrt(beta)},
        "udlbook": {"beta": beta, "alpha": alpha_bar},
    }[author]


def beta_in_the_notation_of(author, symbols, t):
    """Return our β_t, by the row "one-step noise variance" of ``SYMBOLS`` from the author's ``symbols``."""
    t = _check(author, symbols, t)
    if author == "DDIM paper":
        return 1 - symbols["alpha"][t] / symbols["alpha"][t - 1]
    return symbols["beta"][t] ** 2 if author == "Su (kexue.fm)" else symbols["beta"][t]


def marginal_in_the_notation_of(author, symbols, t):
    """Return (factor of x_0, standard deviation) of x_t, by the author's own formula from the author's ``symbols``."""
    t = _check(author, symbols, t)
    if author in ("these lessons", "DDPM paper"):
        return symbols["alpha_bar"][t] ** 0.5, (1 - symbols["alpha_bar"][t]) ** 0.5
    if author in ("DDIM paper", "udlbook"):
        return symbols["alpha"][t] ** 0.5, (1 - symbols["alpha"][t]) ** 0.5
    product = np.prod(symbols["alpha"][1 : t + 1])  # Su writes ᾱ_t for it, and β̄_t for the root below
    return product, (1 - product**2) ** 0.5


def _check(author, symbols, t):
    """Return ``t`` as an int after checking that ``symbols`` are the author's, and that they have a time ``t`` ≥ 1."""
    require.choice("author", author, AUTHORS)
    names = tuple(schedule_in_the_notation_of(author, np.zeros(2)))
    right = isinstance(symbols, dict) and set(symbols) == set(names)
    require.that(right, "symbols", symbols, f"the dict of {', '.join(names)} that schedule_in_the_notation_of returns")
    return require.whole("t", t, 1, min(map(len, symbols.values())) - 1)
