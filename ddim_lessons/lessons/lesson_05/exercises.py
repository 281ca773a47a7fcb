"""Exercises of lesson 05: a KL divergence, the weight γ, the lost factor, who has parameters, the third group."""

import numpy as np

from ...ddim import coefficients, variance
from ...objective import gamma
from ...teaching.exercises import Exercise

THREE, FIVE = np.array([[0.4, -1.0, 2.0], [0.1, 0.5, 1.7]]), np.array([[0.3, 1.2, -0.5, 2, 0], [1, 0.2, 0.9, 1, -0.3]])
JUMPS = [(0.2, 0.6, 0.3), (0.5, 0.8, 0.15), (0.05, 0.3, 0.6)]  # (ᾱ_t, ᾱ_s, η), η < 1−ᾱ_s as if it were σ²


def weight(formula):
    """Turn a formula of (λ, σ², ᾱ_t, ᾱ_s) into a function of the exercise's arguments."""

    def answer(t, s, eta):
        sigma_sq = variance(t, s, eta)
        return formula(coefficients(t, s, sigma_sq)[1], sigma_sq, t, s)

    return answer


# a mistake: its name, what it answers, a hint
# fmt: off
EXERCISES = {
    "5.1": Exercise(
        lambda q, p, std: np.sum((q - p) ** 2) / (2 * std**2),
        [(*THREE, 0.5), (*THREE, 1.7), (*FIVE, 0.8), (*FIVE[:, :1], 1.3)], [
        ("you divided by σ where the variance σ² belongs", lambda q, p, std: np.sum((q - p) ** 2) / (2 * std),
         "the argument is the standard deviation; the exponent of a Gaussian holds its square."),
        ("the factor 1/2 is missing",                      lambda q, p, std: np.sum((q - p) ** 2) / std**2,
         "write down the exponent of N(x; m, σ²) and look for the 2."),
        ("you averaged over the coordinates",              lambda q, p, std: np.mean((q - p) ** 2) / (2 * std**2),
         "the logarithm of a product of densities is a sum over the coordinates."),
        ("you returned one number for each coordinate",    lambda q, p, std: (q - p) ** 2 / (2 * std**2),
         "a KL divergence is one number: add the coordinates up."),
        ("you took the distance of the means and not its square",
         lambda q, p, std: np.sqrt(np.sum((q - p) ** 2)) / (2 * std**2),
         "check the units: x² over a variance has none."),
    ]),
    "5.2": Exercise(
        lambda t, s, eta: gamma(t, s, variance(t, s, eta)),
        JUMPS, [
        ("the factor λ² is missing",            weight(lambda lam, sq, t, s: (1 - t) / (2 * sq * t)),
         "the two means of a link differ by λ times the error of the guess, not by the error itself."),
        ("you used λ where its square belongs", weight(lambda lam, sq, t, s: lam * (1 - t) / (2 * sq * t)),
         "the KL divergence holds the square of the difference of the means."),
        ("you used ᾱ_s for ᾱ_t",                weight(lambda lam, sq, t, s: lam**2 * (1 - s) / (2 * sq * s)),
         "the denoiser sits at the start of the jump, at the noisier time t."),
        ("the factor 1/2 is missing",           weight(lambda lam, sq, t, s: lam**2 * (1 - t) / (sq * t)),
         "it comes from the exponent of the Gaussian."),
        ("you divided by σ where σ² belongs",   weight(lambda lam, sq, t, s: lam**2 * (1 - t) / (2 * sq**0.5 * t)),
         "variance() already returns the square: use it as it is."),
        ("you divided by σ⁴",                   weight(lambda lam, sq, t, s: lam**2 * (1 - t) / (2 * sq**2 * t)),
         "variance() already returns the square: use it as it is."),
        ("(1−ᾱ_t)/ᾱ_t is upside down",          weight(lambda lam, sq, t, s: lam**2 * t / (2 * sq * (1 - t))),
         "an error of ε̂ is that of x̂_0 times √ᾱ_t/√(1−ᾱ_t): solve for x̂_0's."),
        ("you put eta where σ² belongs",        gamma,
         "coefficients() asks for sigma_sq; variance() makes it of eta."),
        ("you gave coefficients() eta, not σ²",
         lambda t, s, eta: coefficients(t, s, eta)[1] ** 2 * (1 - t) / (2 * variance(t, s, eta) * t),
         "its third argument is sigma_sq; variance() makes it of eta."),
        ("you took k for λ",
         lambda t, s, eta: coefficients(t, s, variance(t, s, eta))[0] ** 2 * (1 - t) / (2 * variance(t, s, eta) * t),
         "coefficients() returns the pair (k, λ)."),
        ("ᾱ_t and ᾱ_s have changed places",     lambda t, s, eta: gamma(s, t, variance(s, t, eta)),
         "the jump starts at the noisier time t."),
        ("the factor (1−ᾱ_t)/ᾱ_t is missing",   weight(lambda lam, sq, t, s: lam**2 / (2 * sq)),
         "that is the weight of an error of x̂_0; γ weighs one of ε̂."),
        ("(1−ᾱ_t)/ᾱ_t has a root too many",     weight(lambda lam, sq, t, s: lam**2 * ((1 - t) / t) ** 0.5 / (2 * sq)),
         "the error stands squared."),
        ("you gave the weight of the paper's proof", weight(lambda lam, sq, t, s: 1 / (2 * sq * t)),
         "two factors are lost there: one turns means into guesses, one turns guesses into noise."),
    ]),
    "5.3": Exercise(
        {2, 3},
        [()], [
        ("group 1 has nothing to train",                  {1, 2, 3},
         "it compares q(x_T | x_0) with N(0, 1); is there a denoiser in either?"),
        ("you left out the times that the sampler skips", {2},
         "p(x_0 | x_j) is made of a guess of x_0 as well."),
        ("you left out the links of the chain",           {3},
         "p(x_s | x_k) is q's link with the guess in the place of x_0."),
        ("you named the one group without a denoiser",    {1},
         "the question is where the denoiser enters."),
    ]),
    "5.4": Exercise(
        lambda var, ab: np.log((ab * var + 1 - ab) / var) / 2,
        [(0.01, 0.195), (0.25, 0.5), (4.0, 0.8)], [
        ("the sign is turned round",                         lambda var, ab: np.log(var / (ab * var + 1 - ab)) / 2,
         "group 3 enters the bound with log p(x_0 | x_j) in front; what is miscalled a KL is its negative."),
        ("the factor 1/2 is missing",                        lambda var, ab: np.log((ab * var + 1 - ab) / var),
         "the entropy of a Gaussian is half the logarithm of its variance, plus a constant."),
        ("you took the noise for the whole variance of x_j", lambda var, ab: np.log((1 - ab) / var) / 2,
         "x_j is the shrunk data plus the noise, and the data have a variance too."),
        ("you forgot to shrink the data",                    lambda var, ab: np.log((var + 1 - ab) / var) / 2,
         "x_j = √ᾱ_j x_0 + noise."),
        ("you used √ᾱ_j where ᾱ_j belongs",                  lambda var, ab: np.log((ab**0.5 * var + 1 - ab) / var) / 2,
         "a factor of x turns into its square in the variance."),
    ]),
}
# fmt: on
