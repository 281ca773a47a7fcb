"""Exercises of lesson 04: k, λ, the negative root, the bound on η, the whole step, the forward step's variance."""

from ...ddim import coefficients, eta_max, forward_coefficients
from ...teaching.exercises import Exercise
from .whole import WHOLE

# (ᾱ_t, ᾱ_s, σ²), chosen so that no usual mistake runs into the root of a negative number
JUMPS = [(0.3, 0.6, 0.04), (0.2, 0.5, 0.09), (0.4, 0.7, 0.01), (0.05, 0.8, 0.02)]


def k_of(t, s, sq):
    """The positive k, from ᾱ_t, ᾱ_s and σ²."""
    return coefficients(t, s, sq)[0]


# a mistake: its name, what it answers, a hint
# fmt: off
EXERCISES = {
    "4.1": Exercise(
        k_of,
        JUMPS, [
        ("you forgot the square root",                       lambda t, s, sq: k_of(t, s, sq) ** 2,
         "the second equation holds k², not k."),
        ("you took the negative root",                       lambda t, s, sq: -k_of(t, s, sq),
         "it solves both equations as well, and section 3 looks at it; here the positive one is asked for."),
        ("you swapped ᾱ_t and ᾱ_s",                          lambda t, s, sq: ((1 - t - sq) / (1 - s)) ** 0.5,
         "k multiplies x_t, so the variance of x_t stands beside k²."),
        ("you subtracted σ where σ² goes",                   lambda t, s, sq: ((1 - s - sq**0.5) / (1 - t)) ** 0.5,
         "variances add up, standard deviations do not; the argument is σ² already, no root of it is needed."),
        ("you squared σ² once more",                         lambda t, s, sq: ((1 - s - sq**2) / (1 - t)) ** 0.5,
         "the argument `sigma_sq` is σ² already."),
        ("σ² has the wrong sign",                            lambda t, s, sq: ((1 - s + sq) / (1 - t)) ** 0.5,
         "fresh noise takes room away from the old noise."),
        ("you left out σ²",                                  lambda t, s, sq: ((1 - s) / (1 - t)) ** 0.5,
         "two sources add up to the variance 1−ᾱ_s: the noise kept from x_t, and the fresh noise."),
        ("you used the equation of the mean, and without λ", lambda t, s, sq: (s / t) ** 0.5,
         "the equation of the mean has two unknowns; start from the other one."),
    ]),
    "4.2": Exercise(
        lambda t, s, sq: coefficients(t, s, sq)[1],
        JUMPS, [
        ("you forgot the term with k",              lambda t, s, sq: s**0.5,
         "k x_t already brings some x_0 along, because x_t contains √ᾱ_t x_0."),
        ("you added the term with k",               lambda t, s, sq: s**0.5 + k_of(t, s, sq) * t**0.5,
         "λ supplies what k x_t does not bring. (With the negative root your sum would be right.)"),
        ("you swapped ᾱ_t and ᾱ_s under the roots", lambda t, s, sq: t**0.5 - k_of(t, s, sq) * s**0.5,
         "the target is the marginal at s; k stands beside the marginal at t."),
        ("you left out the roots over ᾱ",           lambda t, s, sq: s - k_of(t, s, sq) * t,
         "means carry √ᾱ, variances carry 1−ᾱ."),
        ("you put in k² for k",                     lambda t, s, sq: s**0.5 - k_of(t, s, sq) ** 2 * t**0.5,
         "the equation of the mean holds k itself: take the root first."),
        ("all signs are reversed",                  lambda t, s, sq: k_of(t, s, sq) * t**0.5 - s**0.5,
         "bring k√ᾱ_t, not λ, to the other side."),
    ]),
    "4.3": Exercise(
        lambda e, n: (-1) ** n * e,
        [(0.7, 1), (0.7, 2), (-1.2, 5), (0.3, 8)], [
        ("that is the positive root",                         lambda e, n: e,
         "with η = 0 the positive root keeps ε. What does ρ = −1 do to it?"),
        ("you reversed ε once, whatever the number of jumps", lambda e, n: -e,
         "every jump multiplies by ρ again."),
        ("you let the noise die out",                         0.0,
         "ε is the noise in units of its own standard deviation; its variance stays 1 on every level."),
        ("you are off by one jump",                           lambda e, n: (-1) ** (n + 1) * e,
         "after no jump at all ε is still ε_T."),
        ("you multiplied where a power is needed",            lambda e, n: -n * e,
         "one jump multiplies by ρ, so n jumps multiply by ρ · ρ · … · ρ."),
    ]),
    "4.4": Exercise(
        eta_max,
        [(0.3, 0.6), (0.2, 0.5), (0.05, 0.4), (0.6, 0.95)], [
        ("you gave the bound on η²",                        lambda t, s: eta_max(t, s) ** 2,
         "σ² contains η²."),
        ("1 is a habit, no bound",                          1.0,
         "set σ²(η) equal to the room 1−ᾱ_s and solve for η."),
        ("you gave the bound on σ²",                        lambda t, s: 1 - s,
         "that is the room; which η fills it?"),
        ("you gave the bound on σ",                         lambda t, s: (1 - s) ** 0.5,
         "that is the root of the room; which η fills it?"),
        ("your fraction is upside down",                    lambda t, s: 1 / eta_max(t, s),
         "divide the room by what stands beside η² in σ², not the other way round."),
        ("you put 1−ᾱ_s where 1−ᾱ_t goes",                  lambda t, s: ((1 - s) / (1 - t / s)) ** 0.5,
         "1−ᾱ_s stands on both sides and cancels; 1−ᾱ_t comes up from the denominator."),
        ("you wrote a difference for the quotient ᾱ_t/ᾱ_s", lambda t, s: ((1 - t) / (s - t)) ** 0.5,
         "1−ᾱ_t/ᾱ_s is (ᾱ_s−ᾱ_t)/ᾱ_s: a factor ᾱ_s is missing."),
    ]),
    "4.5": WHOLE["the step"],
    "4.6": Exercise(
        lambda t, s, sq: forward_coefficients(t, s, sq)[2],
        JUMPS, [
        ("you gave the variance of the backward conditional", lambda t, s, sq: sq,
         "ρ is the same in both directions, but the noise it acts on has variance 1−ᾱ_t here."),
        ("your fraction is upside down",                      lambda t, s, sq: sq * (1 - s) / (1 - t),
         "x_t is noisier than x_s, so the forward conditional is wider than the backward one."),
        ("you assumed a Markov step",                         lambda t, s, sq: 1 - t / s,
         "that is right for one σ² only, the one of η = 1."),
        ("you gave the variance of the marginal",             lambda t, s, sq: 1 - t,
         "knowing x_s takes away a share of it: how large is 1−ρ²?"),
        ("you gave the standard deviation",                   lambda t, s, sq: (sq * (1 - t) / (1 - s)) ** 0.5,
         "the variance is asked for: leave out the last root."),
        ("you gave what x_s explains, not what is left",      lambda t, s, sq: (1 - sq / (1 - s)) * (1 - t),
         "the conditional's variance is the share 1−ρ² of 1−ᾱ_t, not ρ²."),
        ("you took ᾱ for 1−ᾱ",                                lambda t, s, sq: sq * t / s,
         "variances of the marginals are 1−ᾱ_t and 1−ᾱ_s."),
    ]),
}
# fmt: on
