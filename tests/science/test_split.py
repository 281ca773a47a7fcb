"""The A/B split: its linter, its exact joint against sampling, and its integral against quadrature."""

import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ddim_lessons import ddim, split
from ddim_lessons.schedules import alpha_bar_from_beta, linear_beta
from ddim_lessons.split import Factor, chain_and_star, full_chain, joint, lint, normaliser, read_literally, star

A = {2, 5, 8}
ALPHA_BAR = alpha_bar_from_beta(linear_beta(8, 0.05, 0.35))


@st.composite
def settings_of_a_split(draw, highest=12):
    """Draw (alpha_bar, A, eta, root): a random schedule, a random set that contains T, 0 ≤ η ≤ 1, either root."""
    T = draw(st.integers(1, highest))
    beta = draw(st.lists(st.floats(0.01, 0.6), min_size=T, max_size=T))
    chosen = draw(st.sets(st.integers(1, T))) | {T}
    eta = draw(st.sampled_from([0.0, 1.0]) | st.floats(0, 1))
    return alpha_bar_from_beta([0.0, *beta]), chosen, eta, draw(st.sampled_from([1, -1]))


def all_sets(T):
    return [{*some, T} for size in range(T) for some in combinations(range(1, T), size)]


# --- factors and linter


def test_the_split_of_the_article():
    assert chain_and_star(8, A) == (
        (8, (0,)), (5, (8, 0)), (2, (5, 0)), (1, (0,)), (3, (0,)), (4, (0,)), (6, (0,)), (7, (0,)),
    )  # fmt: skip
    assert full_chain(3) == ((3, (0,)), (2, (3, 0)), (1, (2, 0)))
    assert star(3) == ((3, (0,)), (1, (0,)), (2, (0,)))
    assert read_literally(8, A)[:4] == ((8, (0,)), (7, (8, 0)), (4, (5, 0)), (1, (2, 0)))


def test_every_split_is_a_density_and_read_literally_only_the_full_chain_is():
    for T in range(1, 8):
        for chosen in all_sets(T):
            factors = chain_and_star(T, chosen)
            assert lint(factors, T) == [] and len(factors) == T
            assert (lint(read_literally(T, chosen), T) == []) == (chosen == set(range(1, T + 1)))


@pytest.mark.parametrize(
    ("factors", "T", "sentences"),
    [
        (read_literally(8, A), 8, ["x_1, x_4 and x_7 are defined twice", "x_2 and x_5 are never defined"]),
        ([(1, (0,)), (1, (2, 0))], 2, ["x_1 is defined twice", "x_2 is never defined"]),
        ([(1, (0,))] * 3, 1, ["x_1 is defined 3 times"]),
        ([(1, (2, 0)), (2, (1, 0))], 2, ["x_1 depends on itself through x_2"]),
        ([(1, (1, 0))], 1, ["x_1 depends on itself"]),
        ([(1, (2, 0)), (2, (3, 0)), (3, (2, 0))], 3, ["x_2 depends on itself through x_3"]),
        ([(1, (3,)), (2, (1,)), (3, (2,))], 3, ["x_1 depends on itself through x_3 and x_2"]),
        ([(1, (9, 0))], 1, ["x_9 is not one of x_1 … x_1"]),
        ([(1, (0,)), (0, (1,))], 1, ["x_0 is given, so no factor may define it"]),
        ([], 2, ["x_1 and x_2 are never defined"]),
        (full_chain(5), 5, []),
    ],
)
def test_the_linter_says_what_is_wrong(factors, T, sentences):
    assert [s for s in lint(factors, T) if "depends" not in s or s in sentences] == sentences
    assert (lint(factors, T) == []) == (sentences == [])


def test_p_has_an_x0_for_each_time_that_is_skipped_and_one_more():
    for chosen in all_sets(6):
        sentences = lint(split.generative(6, chosen), 6, given=())
        assert (sentences == []) == (len(chosen) == 6)
        heads = [factor.head for factor in split.generative(6, chosen)]
        assert heads.count(0) == 6 - len(chosen) + 1
    assert lint(split.generative(8, A), 8, given=()) == [
        "x_0 is defined 6 times",
        "x_1, x_3, x_4, x_6 and x_7 are never defined",
    ]


def test_order_puts_parents_first():
    factors = chain_and_star(8, A)
    done = set()
    for factor in split.in_order(factors[::-1]):
        assert set(factor.parents) <= done | {0}
        done.add(factor.head)
    assert done == set(range(1, 9))


def test_latex():
    assert split.latex(chain_and_star(2, {1, 2})) == r"q(x_{2}\mid x_{0})\,q(x_{1}\mid x_{2},x_{0})"
    assert split.latex(split.generative(1, {1}), "p") == r"p(x_{1})\,p(x_{0}\mid x_{1})"


# --- the joint


@settings(deadline=None)
@given(settings_of_a_split())
def test_marginals_are_exact_for_every_set_eta_and_root(case):
    alpha_bar, chosen, eta, root = case
    m, cov = joint(chain_and_star(len(alpha_bar) - 1, chosen), alpha_bar, eta, root=root)
    np.testing.assert_allclose(m, alpha_bar**0.5, atol=1e-12, rtol=0)
    np.testing.assert_allclose(np.diag(cov), 1 - alpha_bar, atol=1e-12, rtol=0)
    np.testing.assert_allclose(cov, cov.T, atol=1e-14)
    assert np.linalg.eigvalsh(cov).min() > -1e-12


@settings(max_examples=15, deadline=None)
@given(settings_of_a_split(), st.integers(0, 2**32 - 1))
def test_the_joint_is_what_sampling_gives(case, seed):
    alpha_bar, chosen, eta, root = case
    factors, n = chain_and_star(len(alpha_bar) - 1, chosen), 40_000
    m, cov = joint(factors, alpha_bar, eta, root=root)
    x = split.sample(factors, 1.7, alpha_bar, n, np.random.default_rng(seed), eta, root=root)
    error = (1 / n) ** 0.5  # of a covariance at most √2 times as much, as no variance exceeds 1
    np.testing.assert_allclose(x.mean(axis=0), 1.7 * m, atol=7 * error)
    np.testing.assert_allclose(np.cov(x.T), cov, atol=10 * error)
    assert (x[:, 0] == 1.7).all()


@settings(deadline=None)
@given(settings_of_a_split())
def test_the_joint_of_a_chain_is_a_product_of_slopes(case):
    """Independent of the matrix inverse: Cov(x_s, x_t) of the chain is (1−ᾱ_t) times the slopes from t down to s."""
    alpha_bar, chosen, eta, root = case
    T = len(alpha_bar) - 1
    cov = joint(chain_and_star(T, chosen), alpha_bar, eta, root=root)[1]
    expected = np.diag(1 - alpha_bar)
    for s, t in combinations(sorted(chosen), 2):
        between = [u for u in sorted(chosen, reverse=True) if s <= u <= t]
        slopes = [split.jump(alpha_bar, u, v, eta, root=root)[0] for u, v in zip(between, between[1:], strict=False)]
        expected[s, t] = expected[t, s] = np.prod(slopes) * (1 - alpha_bar[t])
    np.testing.assert_allclose(cov, expected, atol=1e-12)


def test_eta_1_is_the_forward_markov_chain():
    """Cov(x_s, x_t | x_0) of the DDPM forward chain is √(ᾱ_t/ᾱ_s)(1−ᾱ_s) for s ≤ t, for every A."""
    for chosen in ({1, 2, 3, 4, 5, 6, 7, 8}, A):
        cov = joint(chain_and_star(8, chosen), ALPHA_BAR, 1.0)[1]
        for s, t in combinations(sorted(chosen), 2):
            assert cov[s, t] == pytest.approx((ALPHA_BAR[t] / ALPHA_BAR[s]) ** 0.5 * (1 - ALPHA_BAR[s]), abs=1e-13)


@pytest.mark.parametrize(
    ("eta", "full", "skipping"), [(0, 0.66408, 0.66408), (0.5, 0.5648, 0.5945), (1, 0.30142, 0.30142)]
)
def test_composition_holds_at_eta_0_and_1_only(eta, full, skipping):
    assert joint(full_chain(8), ALPHA_BAR, eta)[1][5, 8] == pytest.approx(full, abs=6e-5)
    assert joint(chain_and_star(8, A), ALPHA_BAR, eta)[1][5, 8] == pytest.approx(skipping, abs=6e-5)


@settings(deadline=None)
@given(settings_of_a_split(highest=6))
def test_a_chain_may_be_written_from_either_end(case):
    """The forward factors q(x_t|x_{t−1}, x_0) by Bayes' rule make up the same joint."""
    alpha_bar, _, eta, root = case
    T = len(alpha_bar) - 1
    forward = [Factor(1, (0,)), *(Factor(t, (t - 1, 0)) for t in range(2, T + 1))]
    there, back = (joint(f, alpha_bar, eta, root=root) for f in (full_chain(T), forward))
    np.testing.assert_allclose(there[0], back[0], atol=1e-10)
    np.testing.assert_allclose(there[1], back[1], atol=1e-10)


def test_explicit_variances_keep_the_marginals_too():
    sigma_sq = {(8, 5): 0.1, (5, 2): 0.03}
    m, cov = joint(chain_and_star(8, A), ALPHA_BAR, sigma_sq=sigma_sq)
    np.testing.assert_allclose(np.diag(cov), 1 - ALPHA_BAR, atol=1e-13)
    k = ((1 - ALPHA_BAR[5] - 0.1) / (1 - ALPHA_BAR[8])) ** 0.5
    assert cov[5, 8] == pytest.approx(k * (1 - ALPHA_BAR[8]))
    by_eta = {(t, s): ddim.variance(ALPHA_BAR[t], ALPHA_BAR[s], 0.3) for t, s in sigma_sq}
    np.testing.assert_allclose(
        joint(chain_and_star(8, A), ALPHA_BAR, sigma_sq=by_eta)[1], joint(chain_and_star(8, A), ALPHA_BAR, 0.3)[1]
    )


def test_a_thousand_times_are_no_trouble():
    alpha_bar = alpha_bar_from_beta(linear_beta(1000))
    _, cov = joint(full_chain(1000), alpha_bar, 0.5)
    np.testing.assert_allclose(np.diag(cov), 1 - alpha_bar, atol=1e-12)


# --- densities and integrals


@settings(max_examples=30, deadline=None)
@given(settings_of_a_split(), st.floats(-2, 2))
def test_the_log_density_is_that_of_the_joint(case, x0):
    alpha_bar, chosen, eta, root = case
    factors, eta = chain_and_star(len(alpha_bar) - 1, chosen), 0.2 + 0.6 * eta
    m, cov = joint(factors, alpha_bar, eta, root=root)
    x = split.sample(factors, x0, alpha_bar, 3, np.random.default_rng(0), eta, root=root)
    gap, cov = x[:, 1:] - x0 * m[1:], cov[1:, 1:]
    quadratic = np.einsum("ni,ni->n", gap, np.linalg.solve(cov, gap.T).T)
    expected = -(quadratic + np.linalg.slogdet(2 * np.pi * cov)[1]) / 2
    np.testing.assert_allclose(split.log_product(x, factors, alpha_bar, eta, root=root), expected, rtol=1e-7, atol=1e-7)


@settings(deadline=None)
@given(settings_of_a_split())
def test_a_density_integrates_to_1(case):
    alpha_bar, chosen, eta, root = case
    factors = chain_and_star(len(alpha_bar) - 1, chosen)
    assert normaliser(factors, alpha_bar, eta, root=root) == pytest.approx(1, abs=1e-11)


@pytest.mark.parametrize("eta", [0.0, 0.3, 0.5, 1.0])
def test_the_literal_formula_integrates_to_the_closed_form(eta):
    k = {t: split.jump(ALPHA_BAR, t, t - 1, eta)[0] for t in (2, 5)}
    expected = 1 / (k[2] * k[5]) / (2 * (np.pi * (1 - ALPHA_BAR[7])) ** 0.5)
    assert normaliser(read_literally(8, A), ALPHA_BAR, eta) == pytest.approx(expected, rel=1e-12)


LITTLE = [
    ([(2, (0,)), (1, (2, 0)), (1, (0,))], 2),
    ([(1, (2, 0)), (1, (0,))], 2),
    ([(2, (0,)), (1, (0,)), (1, (2, 0)), (2, (1, 0))], 2),
    ([(3, (0,)), (2, (3, 0)), (1, (2, 0)), (2, (0,)), (1, (3, 0))], 3),
    ([(3, (0,)), (2, (3, 0)), (1, (0,))], 3),
]


@pytest.mark.parametrize(("factors", "T"), LITTLE)
@pytest.mark.parametrize("root", [1, -1])
@pytest.mark.parametrize("x0", [0.0, 0.8])
def test_the_integral_agrees_with_quadrature(factors, T, root, x0):
    factors, alpha_bar = [Factor(*f) for f in factors], alpha_bar_from_beta(linear_beta(T, 0.3, 0.5))
    line, step = np.linspace(-8, 8, 81, retstep=True)
    grid = np.stack(np.meshgrid(x0, *[line] * T, indexing="ij"), axis=-1)
    total = np.exp(split.log_product(grid, factors, alpha_bar, 0.6, root=root)).sum() * step**T
    assert normaliser(factors, alpha_bar, 0.6, root=root) == pytest.approx(total, rel=1e-6)


@settings(max_examples=60, deadline=None)
@example(
    (np.array([1.0, 0.75, 0.65625, 0.4921875, 0.43066406]), {1, 2, 4}, 0.5274866427573702, 1)
)  # det Λ rounds above 0
@given(settings_of_a_split(highest=7))
def test_the_integral_agrees_with_the_determinant_of_the_quadratic_form(case):
    """The textbook way, by the precision matrix Λ = Rᵀ V⁻¹ R: (2π)^{T/2} det Λ^{−1/2} ∏(2πv)^{−1/2}."""
    alpha_bar, chosen, eta, root = case
    T, eta = len(alpha_bar) - 1, 0.2 + 0.6 * eta
    factors = read_literally(T, chosen)
    R, _, var = split.system(factors, alpha_bar, eta, root=root)
    log_det = np.linalg.slogdet(R.T / var @ R).logabsdet
    if np.linalg.matrix_rank(R, tol=1e-9) < T:
        with pytest.raises(ValueError, match="infinite"):
            normaliser(factors, alpha_bar, eta, root=root)
        return
    expected = np.exp((T * np.log(2 * np.pi) - log_det - np.log(2 * np.pi * var).sum()) / 2)
    assert normaliser(factors, alpha_bar, eta, root=root) == pytest.approx(expected, rel=1e-8)


def test_integrals_that_do_not_exist_are_named():
    with pytest.raises(ValueError, match="infinite: some direction"):
        normaliser(read_literally(8, {1, 8}), ALPHA_BAR, 0.5)  # nothing holds x_1
    with pytest.raises(ValueError, match="infinite"):
        normaliser([], ALPHA_BAR)
    twice = [Factor(2, (0,)), Factor(1, (2, 0)), Factor(1, (2, 0))]
    with pytest.raises(ValueError, match="contradict"):
        normaliser(twice, ALPHA_BAR[:3], eta=0.0)
    assert normaliser(twice, ALPHA_BAR[:3], eta=0.5) > 0


# --- errors


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: chain_and_star(8, {2, 5}), "must be a set of times that contains T = 8"),
        (lambda: chain_and_star(8, {0, 8}), "a time in A is 0"),
        (lambda: chain_and_star(8, {9, 8}), "a time in A is 9"),
        (lambda: full_chain(0), "T is 0"),
        (lambda: joint(read_literally(8, A), ALPHA_BAR), "no density: x_1, x_4 and x_7 are defined twice"),
        (lambda: split.sample(star(7), 0, ALPHA_BAR, 1, np.random.default_rng(0)), "x_8 is never defined"),
        (lambda: split.law(Factor(3, (5, 8, 0)), ALPHA_BAR), "at most one other time"),
        (lambda: split.law(Factor(3, (5,)), ALPHA_BAR), "the parents of x_3"),
        (lambda: split.law(Factor(0, (5, 0)), ALPHA_BAR), "a time of a factor is 0"),
        (lambda: joint(full_chain(8), ALPHA_BAR, eta=-0.1), "eta is -0.1"),
        (lambda: joint(full_chain(8), ALPHA_BAR, eta=3.0), "eta is 3.0"),
        (lambda: joint(full_chain(8), ALPHA_BAR, root=0), "root is 0"),
        (lambda: joint(chain_and_star(8, A), ALPHA_BAR, sigma_sq={(8, 5): 0.1}), r"the jump \(5, 2\)"),
        (lambda: joint(chain_and_star(8, A), ALPHA_BAR, sigma_sq={(8, 5): 2.0, (5, 2): 0}), r"sigma_sq\[8, 5\]"),
        (
            lambda: split.log_product(np.zeros(9), chain_and_star(8, A), ALPHA_BAR),
            "smallest variance of a factor is 0.0",
        ),
        (lambda: split.latex(star(2), "r"), "name is 'r'"),
    ],
)
def test_errors_are_sentences(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_split_needs_numpy_alone():
    code = "import sys, ddim_lessons.split; print({'torch', 'matplotlib', 'ipywidgets', 'sympy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


def test_a_factor_s_law_is_ddim_s_unless_told_otherwise():
    ddim, noisy = (split.law(Factor(2, (5, 0)), ALPHA_BAR, eta) for eta in (0.0, 0.5))
    assert split.law(Factor(2, (5, 0)), ALPHA_BAR) == ddim != noisy
    assert ddim[2] == 0.0


# --- defaults and edges


def test_ddim_and_the_positive_root_are_meant_unless_told_otherwise():
    factors, told = chain_and_star(8, A), (0.0, None, 1)
    assert split.jump(ALPHA_BAR, 8, 5) == split.jump(ALPHA_BAR, 8, 5, *told)
    for function in (split.system, joint):
        for by_default, by_hand in zip(function(factors, ALPHA_BAR), function(factors, ALPHA_BAR, *told), strict=True):
            np.testing.assert_array_equal(by_default, by_hand)
    drawn = [split.sample(factors, 1.0, ALPHA_BAR, 5, np.random.default_rng(0), *more) for more in ((), told)]
    np.testing.assert_array_equal(*drawn)
    twice = [*factors, Factor(7, (0,))]
    assert normaliser(twice, ALPHA_BAR) == normaliser(twice, ALPHA_BAR, *told)
    literal = read_literally(8, A)  # here the size of k counts, and the root's sign does not
    by_default = normaliser(literal, ALPHA_BAR)
    assert by_default == normaliser(literal, ALPHA_BAR, *told) != normaliser(literal, ALPHA_BAR, 0.9)
    x = drawn[0]
    log_p = split.log_product(x, factors, ALPHA_BAR, 0.5)
    np.testing.assert_array_equal(log_p, split.log_product(x, factors, ALPHA_BAR, 0.5, None, 1))


def test_a_factor_is_drawn_as_its_law_says():
    z = np.random.default_rng(3).standard_normal(4)
    x = split.sample(star(1), 2.0, ALPHA_BAR[:2], 4, np.random.default_rng(3))
    np.testing.assert_allclose(x[:, 1], 2 * ALPHA_BAR[1] ** 0.5 + (1 - ALPHA_BAR[1]) ** 0.5 * z, rtol=1e-14)
    assert split.law(star(1)[0], ALPHA_BAR) == (0.0, ALPHA_BAR[1] ** 0.5, 1 - ALPHA_BAR[1])
    assert split.sample(star(1), 2.0, ALPHA_BAR[:2], 0, np.random.default_rng(3)).shape == (0, 2)


def test_the_largest_variance_of_a_jump_is_allowed_and_nothing_above():
    room = 1 - ALPHA_BAR[5]
    assert split.jump(ALPHA_BAR, 8, 5, sigma_sq={(8, 5): room})[0] == 0
    with pytest.raises(ValueError, match=r"sigma_sq\[8, 5\]"):
        split.jump(ALPHA_BAR, 8, 5, sigma_sq={(8, 5): room + 1e-6})


def test_the_integral_of_large_small_and_singular_cases():
    assert split.integral([[1e-13]], [1.0]) == pytest.approx(1e13)  # ∫ N(1e-13 x; 0, 1) dx
    assert split.integral([[1.0], [1.0]], [1e-13, 1e-13]) == pytest.approx((4e-13 * np.pi) ** -0.5)  # N(0; 0, 2e-13)
    with pytest.raises(ValueError, match="infinite"):
        split.integral([[0.0]], [1.0])
    with pytest.raises(ValueError, match="contradict"):
        split.integral([[1.0], [1.0]], [0.0, 0.0])
    for var in ([1.0, 1.0], [np.nan], [np.inf], [-1.0], 1.0):
        with pytest.raises(ValueError, match=r"var is .* must be of shape \(1,\), finite and at least 0"):
            split.integral([[1.0]], var)


def test_a_single_time_is_enough():
    assert star(1) == full_chain(1) == read_literally(1, {1}) == ((1, (0,)),) and lint(star(1), 1) == []
    assert split.generative(1, {1}) == ((1, ()), (0, (1,)))


def test_more_times_than_a_matrix_should_have_are_refused():
    with pytest.raises(ValueError, match="T is 10001, but must be a whole number from 1 to 10000"):
        star(10_001)


def test_the_linter_names_the_variables_there_are():
    assert "x_9 is not one of x_1 … x_8" in lint([*star(8), Factor(9, (0,))], 8)
    assert "x_9 is not one of x_0 … x_8" in lint([*star(8), Factor(9, (0,))], 8, given=())


def test_sets_of_times_are_no_arrays_without_a_dimension():
    assert split.sets(3, np.array([3, 1])) == ((1, 3), (2,))
    for A_wrong in (np.array(3), "123", 3, None):
        with pytest.raises(ValueError, match=r"must be a set of times such as \{2, 5, 8\}"):
            split.sets(3, A_wrong)


def test_paths_of_another_length_are_told():
    with pytest.raises(ValueError, match=r"x's shape is \(2, 7\), but must be \(…, 9\)"):
        split.log_product(np.zeros((2, 7)), star(8), ALPHA_BAR)
    with pytest.raises(ValueError, match=r"x's shape is \(\)"):
        split.log_product(0.0, star(8), ALPHA_BAR)
    one = split.log_product(np.zeros(9), star(8), ALPHA_BAR)
    assert one == pytest.approx(-np.log(2 * np.pi * (1 - ALPHA_BAR[1:])).sum() / 2)
