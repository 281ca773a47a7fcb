"""Lesson 04: its exercises name mistakes, its equations can fail, its explorer moves what must move and no more."""

from itertools import pairwise

import numpy as np
import pytest
import sympy as sp

from ddim_lessons import ddim, split
from ddim_lessons.gaussians import log_normal, product
from ddim_lessons.lessons.lesson_04 import pictures
from ddim_lessons.lessons.lesson_04.exercises import EXERCISES
from ddim_lessons.schedules import alpha_bar_from_beta, alpha_bar_schedule, make_tau
from ddim_lessons.teaching.checks import EquationError, verify, verify_mean, verify_true
from ddim_lessons.teaching.exercises import judge
from ddim_lessons.toy_data import three_peaks

ALPHA_BAR = alpha_bar_schedule("linear", 1000)
A, B = float(ALPHA_BAR[500]), float(ALPHA_BAR[400])


def k_of(a_t, a_s, sigma_sq):
    return np.sqrt((1 - a_s - sigma_sq) / (1 - a_t))


# --- exercises -----------------------------------------------------------------------------------------------------


def a_step(x0=None, sigma_sq=None, room=None, scale=None):
    """An answer to exercise 4.5 with a part exchanged: x̂_0, σ², the old noise's variance, what z is multiplied by."""

    def answer(x, e, a, b, eta, z):
        v = eta**2 * (1 - b) / (1 - a) * (1 - a / b) if sigma_sq is None else sigma_sq(a, b, eta)
        guess = (x - (1 - a) ** 0.5 * e) / a**0.5 if x0 is None else x0(x, e, a, b)
        left = 1 - b - v if room is None else room(b, v)
        return b**0.5 * guess + left**0.5 * e + (v**0.5 if scale is None else scale(v)) * z

    return answer


ANSWERS = [
    ("4.5", a_step(), "✓ right"),
    ("4.5", a_step(scale=lambda v: v), "multiplied by σ²"),
    ("4.5", a_step(room=lambda b, v: 1 - b), "takes no room"),
    ("4.5", a_step(room=lambda b, v: (1 - b - v) ** 2), "root over 1−ᾱ_s−σ² is missing"),
    ("4.5", a_step(x0=lambda x, e, a, b: x - (1 - a) ** 0.5 * e), "lacks its division"),
    ("4.5", a_step(x0=lambda x, e, a, b: (x - (1 - b) ** 0.5 * e) / b**0.5), "ᾱ of the wrong time"),
    ("4.5", a_step(x0=lambda x, e, a, b: (x - (1 - a) ** 0.5 * e) / b**0.5), "in front of x̂_0"),
    ("4.5", a_step(lambda *_: 0.0), "none of the usual mistakes"),
    ("4.5", a_step(sigma_sq=lambda a, b, eta: eta * (1 - b) / (1 - a) * (1 - a / b)), "η is not squared"),
    ("4.5", a_step(sigma_sq=lambda a, b, eta: eta**2 * (1 - a / b) * (1 - b)), "lacks its denominator"),
    ("4.5", a_step(sigma_sq=lambda a, b, eta: eta**2 * (1 - a) / (1 - b) * (1 - a / b)), "(1−ᾱ_s)/(1−ᾱ_t) of σ²"),
    ("4.5", a_step(sigma_sq=lambda a, b, eta: eta**2 * (1 - b) / (1 - a) * (b / a - 1)), "its sign mended"),
    ("4.5", a_step(sigma_sq=lambda a, b, eta: eta**2 * (1 - b) / (1 - a) * (1 - b / a)), "a root of a negative number"),
    ("4.5", lambda x, e, a, b, eta, z: a_step()(x, e, b, a, eta, z), "are two ᾱ swapped?"),
    ("4.5", lambda x, e, a, b, eta, z: a_step(room=lambda b, v: 1 - a - v)(x, e, a, b, eta, z), "at time t, not at"),
    ("4.5", a_step(x0=lambda x, e, a, b: (x + (1 - a) ** 0.5 * e) / a**0.5), "adds the noise"),
    ("4.5", a_step(x0=lambda x, e, a, b: b**0.5 * (x - (1 - a) ** 0.5 * e) / a**0.5), "root over ᾱ_s"),
    ("4.5", a_step(x0=lambda x, e, a, b: (x - (1 - a) * e) / a**0.5), "the noise lacks its root"),
    ("4.5", a_step(x0=lambda x, e, a, b: (x - (1 - a) ** 0.5 * e) / a), "the division lacks its root"),
    ("4.5", a_step(x0=lambda x, e, a, b: x), "x_t stands where"),
    ("4.5", a_step(sigma_sq=lambda a, b, eta: eta**2 * (1 - a / b)), "without the factor (1−ᾱ_s)/(1−ᾱ_t)"),
    ("4.5", a_step(scale=lambda v: 0.0), "noise is missing"),
    ("4.5", a_step(sigma_sq=lambda a, b, eta: 0.0), "DDIM's step at every η"),
    ("4.1", lambda a, b, v: (1 - b - v) / (1 - a), "forgot the square root"),
    ("4.1", lambda a, b, v: -k_of(a, b, v), "the negative root"),
    ("4.1", lambda a, b, v: np.sqrt((1 - a - v) / (1 - b)), "swapped"),
    ("4.1", lambda a, b, v: np.sqrt((1 - b - np.sqrt(v)) / (1 - a)), "σ where σ² goes"),
    ("4.1", lambda a, b, v: np.sqrt((1 - b - v**2) / (1 - a)), "once more"),
    ("4.1", lambda a, b, v: np.sqrt((1 - b + v) / (1 - a)), "wrong sign"),
    ("4.1", lambda a, b, v: np.sqrt((1 - b) / (1 - a)), "left out σ²"),
    ("4.1", lambda a, b, v: np.sqrt(b / a), "equation of the mean"),
    ("4.1", lambda a, b, v: a + b + v, "none of the usual mistakes"),
    ("4.2", lambda a, b, v: np.sqrt(b), "forgot the term with k"),
    ("4.2", lambda a, b, v: np.sqrt(b) + k_of(a, b, v) * np.sqrt(a), "added the term"),
    ("4.2", lambda a, b, v: np.sqrt(a) - k_of(a, b, v) * np.sqrt(b), "swapped"),
    ("4.2", lambda a, b, v: b - k_of(a, b, v) * a, "left out the roots"),
    ("4.2", lambda a, b, v: np.sqrt(b) - k_of(a, b, v) ** 2 * np.sqrt(a), "k² for k"),
    ("4.2", lambda a, b, v: k_of(a, b, v) * np.sqrt(a) - np.sqrt(b), "signs are reversed"),
    ("4.2", lambda a, b, v: 0.1, "none of the usual mistakes"),
    ("4.3", lambda eps, n: eps, "positive root"),
    ("4.3", lambda eps, n: -eps, "reversed ε once"),
    ("4.3", lambda eps, n: 0, "die out"),
    ("4.3", lambda eps, n: (-1) ** (n - 1) * eps, "off by one jump"),
    ("4.3", lambda eps, n: -n * eps, "a power is needed"),
    ("4.3", lambda eps, n: eps / n, "none of the usual mistakes"),
    ("4.4", lambda a, b: (1 - a) / (1 - a / b), "bound on η²"),
    ("4.4", lambda a, b: 1, "1 is a habit"),
    ("4.4", 1.0, "1 is a habit"),
    ("4.4", lambda a, b: 1 - b, "bound on σ²"),
    ("4.4", lambda a, b: np.sqrt(1 - b), "bound on σ"),
    ("4.4", lambda a, b: np.sqrt((1 - a / b) / (1 - a)), "upside down"),
    ("4.4", lambda a, b: np.sqrt((1 - b) / (1 - a / b)), "1−ᾱ_s where 1−ᾱ_t"),
    ("4.4", lambda a, b: np.sqrt((1 - a) / (b - a)), "difference for the quotient"),
    ("4.4", lambda a, b: 2.0, "none of the usual mistakes"),
    ("4.6", lambda a, b, v: v, "backward conditional"),
    ("4.6", lambda a, b, v: v * (1 - b) / (1 - a), "upside down"),
    ("4.6", lambda a, b, v: 1 - a / b, "assumed a Markov step"),
    ("4.6", lambda a, b, v: 1 - a, "variance of the marginal"),
    ("4.6", lambda a, b, v: np.sqrt(v * (1 - a) / (1 - b)), "standard deviation"),
    ("4.6", lambda a, b, v: (1 - v / (1 - b)) * (1 - a), "what x_s explains"),
    ("4.6", lambda a, b, v: v * a / b, "ᾱ for 1−ᾱ"),
    ("4.6", lambda a, b, v: 7.0, "none of the usual mistakes"),
]


def test_right_answers_by_another_road():
    def forward_variance(a, b, v):  # Bayes: the product of two Gaussians in x_t
        k = k_of(a, b, v)
        return product(0.0, v / k**2, 0.0, 1 - a)[1]

    answers = {
        "4.1": lambda a, b, v: max(np.roots([1 - a, 0, v - 1 + b])),
        "4.2": lambda a, b, v: ddim.coefficients(a, b, v)[1],
        "4.3": lambda eps, n: np.cos(np.pi * n) * eps,
        "4.4": ddim.eta_max,
        "4.5": lambda x, e, a, b, eta, z: a_step()(x, e, a, b, eta, z),
        "4.6": forward_variance,
    }
    for number, answer in answers.items():
        assert judge(EXERCISES[number], answer) == ("right", "✓ right")
        assert judge(EXERCISES[number], lambda *_: ...)[0] == "open"


# --- planted errors ------------------------------------------------------------------------------------------------


def test_planted_errors_in_numbers_are_found(capsys):
    k, lam = ddim.coefficients(A, B, 0.2)
    with pytest.raises(EquationError, match="4.3"):  # λ without its −k√ᾱ_t
        verify("4.3", k * A**0.5 + B**0.5, B**0.5)
    with pytest.raises(EquationError, match="4.4"):  # no root over k²
        verify("4.4", (1 - B - 0.2) / (1 - A), k)
    with pytest.raises(EquationError, match="4.12"):  # slope upside down
        verify("4.12", k * (1 - B) / (1 - A), ddim.forward_coefficients(A, B, 0.2)[0])
    with pytest.raises(EquationError, match="4.6"):  # the room of the wrong time
        verify_true("4.6", "σ² up to 1−ᾱ_t is allowed", 1 - B - np.array([0, 1 - A]) >= 0)
    assert capsys.readouterr().out == ""


def test_planted_errors_in_symbols_are_found():
    a_t, a_s, x_t, eps, v = sp.symbols("a_t a_s x_t epsilon v", positive=True)
    bound = (1 - a_t) / (1 - a_t / a_s)
    with pytest.raises(EquationError, match="4.7"):  # η for η²
        verify("4.7", ddim.variance(a_t, a_s, bound), 1 - a_s)
    k, _ = ddim.coefficients(a_t, a_s, ddim.variance(a_t, a_s, 1))
    with pytest.raises(EquationError, match="4.8"):  # ᾱ_s/ᾱ_t for ᾱ_t/ᾱ_s
        verify("4.8", k**2, a_s / a_t * ((1 - a_s) / (1 - a_t)) ** 2)
    step = ddim.move(ddim.predict_x0(x_t, eps, a_t), eps, a_s, v)
    wrong = sp.sqrt(1 - a_s - v) + sp.sqrt(a_s / a_t) * sp.sqrt(1 - a_t)
    with pytest.raises(EquationError, match="4.10"):  # plus for minus before ε̂'s second part
        verify("4.10", step, sp.sqrt(a_s / a_t) * x_t + wrong * eps)
    noise, x = sp.symbols("s x", positive=True)
    p = sp.exp(-(x**2) / (2 + 2 * noise**2)) / sp.sqrt(1 + noise**2)  # data N(0, 1): ε̂ = σ̃ x̄/(1 + σ̃²)
    flow = p * noise * x / (1 + noise**2)
    verify("4.11", sp.diff(p, noise), -sp.diff(flow, x))
    with pytest.raises(EquationError, match="4.11"):  # the sign of the flow
        verify("4.11", sp.diff(p, noise), sp.diff(flow, x))
    with pytest.raises(EquationError, match="4.11"):  # x̂_0 for ε̂
        verify("4.11", sp.diff(p, noise), -sp.diff(p * x / (1 + noise**2), x))


def test_a_planted_error_in_a_mean_is_found():
    rng = np.random.default_rng(0)
    x_s = 0.4 * ddim.add_noise(1.0, rng.standard_normal(50_000), A) - 0.3 + 0.5 * rng.standard_normal(50_000)
    with pytest.raises(EquationError, match="4.2"):  # k for k² in the variance
        verify_mean("4.2", (x_s - x_s.mean()) ** 2, 0.4 * (1 - A) + 0.25)


# --- the forward step ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("root", [1, -1])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0, 1.03])
def test_forward_coefficients_by_conditioning_the_exact_joint(eta, root):
    small = alpha_bar_from_beta(np.concatenate([[0.0], np.linspace(0.05, 0.35, 8)]))
    m, cov = split.joint(split.chain_and_star(8, {2, 5, 8}), small, eta, root=root)
    slope = cov[5, 2] / cov[2, 2]
    expected = slope, m[5] - slope * m[2], cov[5, 5] - slope * cov[5, 2]
    found = ddim.forward_coefficients(small[5], small[2], ddim.variance(small[5], small[2], eta), root)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_numbers_of_the_step_450_to_500():
    a, b = ALPHA_BAR[500], ALPHA_BAR[450]
    c = [ddim.forward_coefficients(a, b, ddim.variance(a, b, eta))[1] for eta in (0.0, 0.5, 1.0)]
    np.testing.assert_allclose(c, [-0.0858, -0.0663, 0], atol=5e-5)


# --- what the stills show ------------------------------------------------------------------------------------------


def test_the_posterior_from_the_joint_is_the_conditional():
    x, rho = np.linspace(-6, 8, 1401), 0.7
    mean = B**0.5 + rho * ((1 - B) / (1 - A)) ** 0.5 * (1.5 - A**0.5)
    expected = np.exp(log_normal(x, mean, (1 - rho**2) * (1 - B)))
    np.testing.assert_allclose(pictures.posterior_from_joint(x, 1.5, rho), expected, atol=1e-12)


def test_samples_with_the_plus_sign_are_the_samplers_and_the_other_root_collapses():
    data, rng = three_peaks(), np.random.default_rng(2)
    x_T = rng.standard_normal((500, 1))
    expected = ddim.ddim_sample(x_T, data.eps_fn(ALPHA_BAR), ALPHA_BAR, make_tau(1000, 50))
    np.testing.assert_allclose(pictures.sample(0.0, 1, n=500), expected[:, 0], atol=1e-9)
    assert np.ptp(pictures.sample(0.0, -1, n=500)) < 0.01


# --- the explorer --------------------------------------------------------------------------------------------------


def test_link_holds_the_marginal_and_takes_the_room_beyond_the_bound():
    for eta in (0.0, 0.7, 1.0, 5.0):
        for root in (1, -1):
            step = pictures.link(500, 400, eta, root)
            assert step.k * A**0.5 + step.lam == pytest.approx(B**0.5)
            assert step.k**2 * (1 - A) + step.sigma_sq == pytest.approx(1 - B)
            assert step.rho == pytest.approx(step.k * ((1 - A) / (1 - B)) ** 0.5)
    assert pictures.link(500, 400, 5.0).k == 0


def test_the_chain_has_the_marginals_and_the_correlation():
    for eta, root in ((0.0, 1), (0.5, 1), (1.0, -1), (9.0, 1)):
        x = pictures.chain(eta, root)
        assert x.shape == (11, pictures.DRAWS)
        for i, t in enumerate(pictures.TAU[:-1]):
            eps = ddim.predict_eps(x[i], pictures.X0, ALPHA_BAR[t])
            assert abs(eps.mean()) < 0.12 and abs(eps.std() - 1) < 0.08
        found = np.corrcoef(x[pictures.TAU.index(500)], x[pictures.TAU.index(400)])[0, 1]
        assert found == pytest.approx(pictures.link(500, 400, eta, root).rho, abs=0.06)
        assert np.all(x[-1] == pictures.X0)


def test_looks_back_is_zero_for_ddpm_alone():
    times, c = pictures.looks_back(1.0)
    assert list(times) == [t for t, s in pairwise(pictures.TAU) if s > 0]
    np.testing.assert_allclose(c, 0, atol=1e-12)
    assert np.all(pictures.looks_back(0.5)[1] < 0)
    assert np.all(pictures.looks_back(1.05)[1] > 0)
    assert np.all(pictures.looks_back(1.0, -1)[1] > 0)


def test_as_one_line_lifts_the_pen_between_paths():
    t, x = pictures.as_one_line(np.arange(22.0).reshape(11, 2))
    assert np.isnan(x[[11, 23]]).all() and np.isnan(t[[11, 23]]).all()
    np.testing.assert_array_equal(x[:11], np.arange(0, 22, 2))
    assert (t[0], t[10], t[12]) == (1000, 0, 1000)


def test_the_density_is_a_density_and_a_point_becomes_a_spike():
    x = np.linspace(-1, 1, 20_001)
    for var in (0.0, 0.01):
        assert pictures.density(x, 0.0, var).sum() * 1e-4 == pytest.approx(1, abs=1e-6)


def test_the_live_figure_moves_the_conditional_and_leaves_the_marginal():
    live = pictures.marginals_stand_still()
    first = live.image.value, live.words
    for control, value in (("eta", 0.5), ("root", "− (the other root)"), ("x_t", -1.0), ("eta", pictures.BOUND)):
        before = live.image.value, live.words
        live.controls[control].value = value
        assert live.image.value != before[0] and live.words != before[1]
    assert "k = 0.00" in live.words and "beyond the bound of 7 of the 9 jumps" in live.words
    live.reset()
    assert (live.image.value, live.words) == first


def test_the_live_words_follow_the_formulas():
    live = pictures.marginals_stand_still()
    live.controls["eta"].value = 1.0
    k, lam = ddim.coefficients(A, B, ddim.variance(A, B, 1.0))
    assert f"mean {k * 1.5 + lam:.2f} and standard deviation {ddim.variance(A, B, 1.0) ** 0.5:.2f}" in live.words
    assert "x_0 coefficient 0.00" in live.words
    for eta in (0.0, 1.2):
        live.controls["eta"].value = eta
        mean, deviation = live.words.split("have mean ")[1].split(",")[0].split(" and standard deviation ")
        assert float(mean) == pytest.approx(B**0.5, abs=0.06) and float(deviation) == pytest.approx(0.897, abs=0.05)


def test_partial_correlations_are_drawn_with_points_for_zeros():
    _, axes = pictures.panels()
    pictures.draw_partial(axes, np.array([[2.0, -1, 0], [-1, 2, 1], [0, 1, 2]]), 1)
    assert [text.get_text() for text in axes.texts] == [".50", "·", ".50", "−.50", "·", "−.50"]
