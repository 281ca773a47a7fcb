"""Exercises of lesson 05: a KL divergence, the weight γ, the lost factor, who has parameters, the third group."""

import numpy as np

from ...ddim import coefficients, variance
from ...objective import gamma
from ...teaching.exercises import Exercise, Mistake

VECTORS = (np.array([0.4, -1.0, 2.0]), np.array([0.1, 0.5, 1.7]))
JUMPS = [(0.2, 0.6, 1.0), (0.5, 0.9, 0.5), (0.05, 0.3, 0.2)]  # (ᾱ_t, ᾱ_s, η)


def _pieces(alpha_bar_t, alpha_bar_s, eta):
    """Return (λ, σ²) of a jump."""
    sigma_sq = variance(alpha_bar_t, alpha_bar_s, eta)
    return coefficients(alpha_bar_t, alpha_bar_s, sigma_sq)[1], sigma_sq


def _gamma_with(formula):
    """Turn a formula of (λ, σ², ᾱ_t, ᾱ_s) into a function of the exercise's arguments."""

    def answer(alpha_bar_t, alpha_bar_s, eta):
        return formula(*_pieces(alpha_bar_t, alpha_bar_s, eta), alpha_bar_t, alpha_bar_s)

    return answer


EXERCISES = {
    "5.1": Exercise(
        truth=lambda mean_q, mean_p, sigma: np.sum((mean_q - mean_p) ** 2) / (2 * sigma**2),
        cases=[(*VECTORS, 0.5), (*VECTORS, 2.0)],
        mistakes=[
            Mistake(
                "you divided by σ where the variance σ² belongs",
                lambda mean_q, mean_p, sigma: np.sum((mean_q - mean_p) ** 2) / (2 * sigma),
                "the argument is the standard deviation; the exponent of a Gaussian holds its square.",
            ),
            Mistake(
                "the factor 1/2 is missing",
                lambda mean_q, mean_p, sigma: np.sum((mean_q - mean_p) ** 2) / sigma**2,
                "write down the exponent of N(x; m, σ²) and look for the 2.",
            ),
            Mistake(
                "you averaged over the coordinates",
                lambda mean_q, mean_p, sigma: np.mean((mean_q - mean_p) ** 2) / (2 * sigma**2),
                "the logarithm of a product of densities is a sum over the coordinates.",
            ),
            Mistake(
                "you returned one number for each coordinate",
                lambda mean_q, mean_p, sigma: (mean_q - mean_p) ** 2 / (2 * sigma**2),
                "a KL divergence is one number: add the coordinates up.",
            ),
            Mistake(
                "you took the distance of the means and not its square",
                lambda mean_q, mean_p, sigma: np.sqrt(np.sum((mean_q - mean_p) ** 2)) / (2 * sigma**2),
                "check the units: x² over a variance has none.",
            ),
        ],
    ),
    "5.2": Exercise(
        truth=lambda alpha_bar_t, alpha_bar_s, eta: gamma(
            alpha_bar_t, alpha_bar_s, variance(alpha_bar_t, alpha_bar_s, eta)
        ),
        cases=JUMPS,
        mistakes=[
            Mistake(
                "the factor λ² is missing",
                _gamma_with(lambda lam, sigma_sq, ab_t, ab_s: (1 - ab_t) / (2 * sigma_sq * ab_t)),
                "the two means of a link differ by λ times the error of the guess, not by the error itself.",
            ),
            Mistake(
                "you used λ where its square belongs",
                _gamma_with(lambda lam, sigma_sq, ab_t, ab_s: lam * (1 - ab_t) / (2 * sigma_sq * ab_t)),
                "the KL divergence holds the square of the difference of the means.",
            ),
            Mistake(
                "you used ᾱ_s for ᾱ_t",
                _gamma_with(lambda lam, sigma_sq, ab_t, ab_s: lam**2 * (1 - ab_s) / (2 * sigma_sq * ab_s)),
                "the denoiser sits at the start of the jump, at the noisier time t.",
            ),
            Mistake(
                "the factor 1/2 is missing",
                _gamma_with(lambda lam, sigma_sq, ab_t, ab_s: lam**2 * (1 - ab_t) / (sigma_sq * ab_t)),
                "it comes from the exponent of the Gaussian.",
            ),
            Mistake(
                "you divided by σ where σ² belongs",
                _gamma_with(lambda lam, sigma_sq, ab_t, ab_s: lam**2 * (1 - ab_t) / (2 * sigma_sq**0.5 * ab_t)),
                "variance() already returns the square: use it as it is.",
            ),
            Mistake(
                "you gave the weight of the paper's proof",
                _gamma_with(lambda lam, sigma_sq, ab_t, ab_s: 1 / (2 * sigma_sq * ab_t)),
                "two factors are lost there: one turns means into guesses, one turns guesses into noise.",
            ),
        ],
    ),
    "5.3": Exercise(
        truth=lambda: {2, 3},
        cases=[()],
        mistakes=[
            Mistake(
                "group 1 has nothing to train",
                lambda: {1, 2, 3},
                "it compares q(x_T | x_0) with N(0, 1); is there a denoiser in either?",
            ),
            Mistake(
                "you left out the times that the sampler skips",
                lambda: {2},
                "p(x_0 | x_j) is made of a guess of x_0 as well.",
            ),
            Mistake(
                "you left out the links of the chain",
                lambda: {3},
                "p(x_s | x_k) is q's link with the guess in the place of x_0.",
            ),
            Mistake(
                "you named the one group without a denoiser",
                lambda: {1},
                "the question is where the denoiser enters.",
            ),
        ],
    ),
    "5.4": Exercise(
        truth=lambda var, alpha_bar_j: np.log((alpha_bar_j * var + 1 - alpha_bar_j) / var) / 2,
        cases=[(0.01, 0.195), (0.25, 0.5), (4.0, 0.8)],
        mistakes=[
            Mistake(
                "the sign is turned round",
                lambda var, alpha_bar_j: np.log(var / (alpha_bar_j * var + 1 - alpha_bar_j)) / 2,
                "group 3 enters the bound with log p(x_0 | x_j) in front; what is miscalled a KL is its negative.",
            ),
            Mistake(
                "the factor 1/2 is missing",
                lambda var, alpha_bar_j: np.log((alpha_bar_j * var + 1 - alpha_bar_j) / var),
                "the entropy of a Gaussian is half the logarithm of its variance, plus a constant.",
            ),
            Mistake(
                "you took the noise for the whole variance of x_j",
                lambda var, alpha_bar_j: np.log((1 - alpha_bar_j) / var) / 2,
                "x_j is the shrunk data plus the noise, and the data have a variance too.",
            ),
            Mistake(
                "you forgot to shrink the data",
                lambda var, alpha_bar_j: np.log((var + 1 - alpha_bar_j) / var) / 2,
                "x_j = √ᾱ_j x_0 + noise.",
            ),
            Mistake(
                "you used √ᾱ_j where ᾱ_j belongs",
                lambda var, alpha_bar_j: np.log((alpha_bar_j**0.5 * var + 1 - alpha_bar_j) / var) / 2,
                "a factor of x turns into its square in the variance.",
            ),
        ],
    ),
}
