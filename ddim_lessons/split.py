"""The A/B split as data: factors of q(x_{1:T} | x_0), a linter for them, and their exact Gaussian joint.

A ``Factor`` says which times it is about, no more; a factorization is a tuple of factors::

    factors = chain_and_star(8, {2, 5, 8})
    lint(factors, 8)                           # []: it is a density
    m, cov = joint(factors, alpha_bar, eta=0.5)  # E[x_t | x_0] = m[t] · x_0, Cov(x_s, x_t | x_0) = cov[s, t]
    normaliser(read_literally(8, {2, 5, 8}), alpha_bar, eta=0.5)  # not 1

Index is time here too: ``m``, ``cov`` and every path x have T + 1 entries per axis, and entry 0 is x_0, which is given.
The law of a factor comes from ``alpha_bar`` and one of: a number ``eta``; a dict ``sigma_sq`` of (t, t_prev) → σ² for
all jumps. ``root`` = ±1 is the sign of k. Everything is one coordinate of x: coordinates are independent given x_0.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from . import require
from .ddim import Affine, alpha_bar_pair, checked_variance, coefficients, forward_coefficients
from .gaussians import log_normal
from .schedules import horizon, levels

LONGEST = 10_000  # T beyond would fill the memory: matrices here are T × T
SINGULAR = 1e-12  # singular values below this share of the largest one count as 0


class Factor(NamedTuple):
    """The factor q(x_head | x_parents): ``Factor(5, (8, 0))`` is q(x_5 | x_8, x_0)."""

    head: int
    parents: tuple = ()


# --- factorizations ----------------------------------------------------------------------------------------------


def chain_and_star(T, A):
    """q(x_T|x_0) ∏_{i=2}^K q(x_{τ_{i−1}}|x_{τ_i}, x_0) ∏_{j∈B} q(x_j|x_0): the split as it is meant (DDIM eq. 52)."""
    A, B = sets(T, A)
    chain = [Factor(t_prev, (t, 0)) for t, t_prev in pairwise(A[::-1])]
    return (Factor(T, (0,)), *chain, *(Factor(j, (0,)) for j in B))


def full_chain(T):
    """q(x_T|x_0) ∏_{t=2}^T q(x_{t−1}|x_t, x_0): nothing is skipped, A = {1 … T} (DDIM eq. 6)."""
    T = require.whole("T", T, 1, LONGEST)
    return chain_and_star(T, range(1, T + 1))


def star(T):
    """∏_t q(x_t|x_0): every time on its own, A = {T}."""
    T = require.whole("T", T, 1, LONGEST)
    return chain_and_star(T, {T})


def read_literally(T, A):
    """q(x_T|x_0) ∏_{i∈A} q(x_{i−1}|x_i, x_0) ∏_{j∈B} q(x_j|x_0), i−1 read as "i minus one".

    i = 1 would give a factor about x_0; as x_0 is given, it counts as 1 and is left out.
    """
    A, B = sets(T, A)
    chain = [Factor(i - 1, (i, 0)) for i in A[::-1] if i > 1]
    return (Factor(T, (0,)), *chain, *(Factor(j, (0,)) for j in B))


def generative(T, A):
    """p(x_T) ∏_{i=1}^K p(x_{τ_{i−1}}|x_{τ_i}) ∏_{j∈B} p(x_0|x_j), as the paper writes it (DDIM eq. 55); τ_0 = 0."""
    A, B = sets(T, A)
    chain = [Factor(t_prev, (t,)) for t, t_prev in pairwise((*A[::-1], 0))]
    return (Factor(T), *chain, *(Factor(0, (j,)) for j in B))


def sets(T, A):
    """Return A and its complement B in {1 … T} as rising tuples; A must contain T."""
    T = require.whole("T", T, 1, LONGEST)
    many = isinstance(A, Iterable) and not isinstance(A, str) and getattr(A, "ndim", 1) > 0
    require.that(many, "A", A, "a set of times such as {2, 5, 8}")
    A = tuple(A)
    require.there("A", A)
    A = tuple(require.whole("a time in A", t, 1, T) for t in A)
    require.that(T in A, "A", sorted(A), f"a set of times that contains T = {T}")
    return tuple(sorted(set(A))), tuple(t for t in range(1, T + 1) if t not in set(A))


# --- the linter --------------------------------------------------------------------------------------------------


def lint(factors, T, given=(0,)):
    """Return what keeps ``factors`` from being a density of x_1 … x_T given x_0, as sentences; [] if nothing does.

    A product of conditional densities is a density if each variable is the head of exactly one factor and none
    depends on itself. ``given=()`` asks for a density of x_0 … x_T, as p must be. Plain pairs will do for factors.
    """
    T = require.whole("T", T, 1, LONGEST)
    factors = as_factors(factors)
    variables = [t for t in range(T + 1) if t not in given]
    heads = Counter(factor.head for factor in factors)
    used = {t for factor in factors for t in (factor.head, *factor.parents)}
    found = [f"{_x(t)} is given, so no factor may define it" for t in given if heads[t]]
    found += [f"{_x(t)} is not one of {_x(variables[0])} … {_x(T)}" for t in sorted(used - set(range(T + 1)))]
    for count in sorted({heads[t] for t in variables} - {1}, reverse=True):
        found.append(_defined([t for t in variables if heads[t] == count], count))
    return found + _circle(factors)


def as_factors(factors):
    """Return ``factors``, any pairs of a head and its parents, as a list of ``Factor`` with whole times."""
    allowed = "a list of factors: pairs of a time and a tuple of its parents, such as (5, (8, 0))"
    require.sequence("factors", factors, allowed)
    for pair in factors:
        fits = isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[1], tuple | list)
        require.that(
            fits, "an entry of factors", pair, "a pair of a time and a tuple of its parents, such as (5, (8, 0))"
        )
    return [Factor(_time(head), tuple(map(_time, parents))) for head, parents in factors]


def _time(t):
    return require.whole("a time of a factor", t, -require.MANY, require.MANY)


def _defined(times, count):
    """Say that these times are the heads of ``count`` factors each."""
    how_often = {0: "never defined", 2: "defined twice"}.get(count, f"defined {count} times")
    return f"{_names(times)} {'is' if len(times) == 1 else 'are'} {how_often}"


def _circle(factors):
    """Return [one sentence about a circle of factors], or [] if they can be put in order."""
    ordered = set(in_order(factors))
    stuck = {f.head: f.parents for f in factors if f not in ordered}
    if not stuck:
        return []
    parent = {head: next(p for p in parents if p in stuck) for head, parents in stuck.items()}
    walk = [min(parent)]
    while walk[-1] not in walk[:-1]:
        walk.append(parent[walk[-1]])
    circle = walk[walk.index(walk[-1]) :]
    through = f" through {_names(circle[1:-1])}" if len(circle) > 2 else ""
    return [f"{_x(circle[0])} depends on itself{through}"]


def in_order(factors):
    """Return the factors, parents before heads, as one samples them; what goes round in circles is left out."""
    done, waiting = [], as_factors(factors)
    while waiting:
        open_heads = {f.head for f in waiting}
        ready = [f for f in waiting if not open_heads & set(f.parents)]
        if not ready:
            break  # the rest goes round in a circle
        done += ready
        waiting = [f for f in waiting if open_heads & set(f.parents)]
    return tuple(done)


def _x(t):
    return f"x_{t}"


def _names(times):
    """Write times as "x_1, x_4 and x_7"."""
    return " and ".join(filter(None, (", ".join(map(_x, times[:-1])), _x(times[-1]))))


# --- the law of the factors --------------------------------------------------------------------------------------


def law(factor, alpha_bar, eta=0.0, sigma_sq=None, root=1):
    """Return the factor's own law as an ``Affine``: N(x_head; slope · x_parent + offset · x_0, var).

    Without a parent but x_0 it is the marginal; with a later parent t it is the posterior of the jump t → head
    (DDIM eq. 7); with an earlier one it is that posterior turned round by Bayes' rule. Two such parents have no law.
    """
    (factor,) = as_factors([factor])
    others = [t for t in factor.parents if t != 0]
    single = 0 in factor.parents and len(others) <= 1
    require.that(
        single, f"the parents of {_x(factor.head)}", factor.parents, "0 and at most one other time, to have a law"
    )
    alpha_bar = levels(alpha_bar)
    for t in (factor.head, *others):
        require.whole("a time of a factor", t, 1, len(alpha_bar) - 1)
    head = float(alpha_bar[factor.head])
    require.that(0 <= head <= 1, f"ᾱ_{factor.head}", head, "from 0 to 1")
    if not others:
        return Affine(0.0, head**0.5, 1 - head)
    t_prev, t = sorted((factor.head, others[0]))
    posterior = jump(alpha_bar, t, t_prev, eta, sigma_sq, root)
    if factor.head == t_prev:
        return posterior
    return forward_coefficients(head, float(alpha_bar[t_prev]), posterior.var, root)


def jump(alpha_bar, t, t_prev, eta=0.0, sigma_sq=None, root=1):
    """Return (k, λ, σ²) of the posterior q(x_prev|x_t, x_0) of one jump, as an ``Affine``."""
    root, eta = require.real("root", root, -1, 1), require.real("eta", eta, 0)
    require.that(abs(root) == 1, "root", root, "1 or -1")
    t, t_prev = require.plain(t), require.plain(t_prev)
    pair = alpha_bar_pair(alpha_bar, t, t_prev)
    if sigma_sq is None:
        var = checked_variance(*pair, eta)
    else:
        there = isinstance(sigma_sq, dict) and (t, t_prev) in sigma_sq
        require.that(there, "sigma_sq", sigma_sq, f"a dict with an entry for the jump {(t, t_prev)}")
        var = require.real(f"sigma_sq[{t}, {t_prev}]", sigma_sq[t, t_prev], 0, 1 - pair[1])
    return Affine(*coefficients(*pair, var, root), var)


def system(factors, alpha_bar, eta=0.0, sigma_sq=None, root=1):
    """Return (R, λ, variances): factor f is N((R x)_f; λ_f x_0, variance_f) with x = (x_1 … x_T); R is (F, T)."""
    factors = as_factors(factors)
    alpha_bar = levels(alpha_bar)
    R = np.zeros((len(factors), len(alpha_bar)))
    laws = [law(factor, alpha_bar, eta, sigma_sq, root) for factor in factors]
    for row, factor, (slope, _, _) in zip(R, factors, laws, strict=True):
        row[[t for t in factor.parents if t != 0]] = -slope
        row[factor.head] = 1
    _, lam, var = np.array(laws).reshape(-1, 3).T
    return R[:, 1:], lam, var


def joint(factors, alpha_bar, eta=0.0, sigma_sq=None, root=1):
    """Return (m, cov) of the joint given x_0: E[x_t|x_0] = m[t] x_0, Cov(x_s, x_t|x_0) = cov[s, t]; exact.

    Shapes (T + 1,) and (T + 1, T + 1); m[0] = 1, cov[0] = 0. Error: the linter objects.
    """
    _require_density(factors, alpha_bar)
    R, lam, var = system(factors, alpha_bar, eta, sigma_sq, root)
    to_noise = np.linalg.inv(R)  # R x = λ x_0 + noise, and det R = ±1 for every density
    m = np.concatenate([[1.0], to_noise @ lam])
    return m, np.pad((to_noise * var) @ to_noise.T, (1, 0))


def sample(factors, x0, alpha_bar, n, rng, eta=0.0, sigma_sq=None, root=1):
    """Draw ``n`` paths factor by factor; shape (n, T + 1), entry 0 is ``x0`` (a number, or shape (n,))."""
    _require_density(factors, alpha_bar)
    alpha_bar, n = levels(alpha_bar), require.whole("n", n, 0, require.MANY)
    require.rng(rng)
    x0 = require.real_array("x0", x0)
    require.that(x0.shape in ((), (n,)) and np.isfinite(x0).all(), "x0", x0, f"finite, a number or of shape ({n},)")
    x = np.zeros((n, len(alpha_bar)))
    x[:, 0] = x0
    for factor in in_order(factors):
        slope, lam, var = law(factor, alpha_bar, eta, sigma_sq, root)
        mean = lam * x[:, 0] + slope * x[:, [t for t in factor.parents if t != 0]].sum(axis=1)
        x[:, factor.head] = mean + var**0.5 * rng.standard_normal(n)
    return x


def log_product(x, factors, alpha_bar, eta=0.0, sigma_sq=None, root=1):
    """Return the log of the product of the factors at paths ``x`` of shape (…, T + 1) with x[…, 0] = x_0.

    It is a log density if the linter is content. Error: a factor has variance 0, so it has no density.
    """
    R, lam, var = system(factors, alpha_bar, eta, sigma_sq, root)
    require.that(len(R) > 0, "factors", factors, "at least one factor")
    require.that((var > 0).all(), "the smallest variance of a factor", float(var.min()), "above 0 to have a density")
    x, columns = require.real_array("x", x), R.shape[1] + 1
    require.that(x.ndim > 0 and x.shape[-1] == columns, "x's shape", x.shape, f"(…, {columns}), a column for each time")
    return log_normal(x[..., 1:] @ R.T, lam * x[..., :1], var).sum(axis=-1)


# --- the integral ------------------------------------------------------------------------------------------------


def normaliser(factors, alpha_bar, eta=0.0, sigma_sq=None, root=1):
    """Return ∫ of the product of the factors over x_1 … x_T, which is 1 for a density; it does not depend on x_0.

    All factors agree that E[x_t|x_0] is √ᾱ_t x_0, so shifting each x_t by that much leaves :func:`integral`.
    Errors: the integral is infinite, or the product is no function because factors without noise collide.
    """
    R, _, var = system(factors, alpha_bar, eta, sigma_sq, root)
    return integral(R, var)


def integral(R, var):
    """Return ∫ ∏_f N((R x)_f; 0, var_f) dx over x in R^T, for R of shape (F, T).

    With U an orthonormal basis of what is orthogonal to R's columns, it is N(0; 0, Uᵀ diag(var) U) / √det(RᵀR):
    the volume that R stretches, and the density of the F − T contradictions, all of which are 0.
    """
    R, var = require.real_array("R", R), require.real_array("var", var)
    require.that(R.ndim == 2 and R.shape[1] and np.isfinite(R).all(), "R", R, "finite, of shape (F, T), T at least 1")
    fits = var.shape == R.shape[:1] and np.isfinite(var).all() and (var >= 0).all()
    require.that(fits, "var", var, f"of shape ({len(R)},), finite and at least 0")
    U, stretch, _ = np.linalg.svd(R)
    if len(R) < R.shape[1] or stretch.min() <= SINGULAR * stretch.max():
        raise ValueError("the integral is infinite: some direction of (x_1 … x_T) is held by no factor")
    U = U[:, R.shape[1] :]
    spread = np.linalg.eigvalsh(2 * np.pi * (U.T * var) @ U)
    if (spread <= SINGULAR * var.max(initial=0)).any():
        raise ValueError("the product is not a function: factors without noise contradict each other")
    return float(1 / np.prod(stretch) / np.prod(spread**0.5))


# --- formulas ----------------------------------------------------------------------------------------------------


def latex(factors, name="q"):
    r"""Return the product as LaTeX without dollars, such as ``q(x_5\mid x_8,x_0)``; ``name`` is "q" or "p"."""
    require.choice("name", name, ("q", "p"))
    terms = []
    for head, parents in as_factors(factors):
        bar = r"\mid " if parents else ""
        terms.append(f"{name}(x_{{{head}}}{bar}{','.join(f'x_{{{t}}}' for t in parents)})")
    return r"\,".join(terms)


def _require_density(factors, alpha_bar):
    problems = lint(factors, horizon(alpha_bar))
    if problems:
        raise ValueError("factors is no density: " + "; ".join(problems) + ".")
