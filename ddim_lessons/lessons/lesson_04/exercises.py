"""Exercises of lesson 04: k, λ, what the negative root does, the bound on η, the forward step's variance."""

from ...teaching.exercises import Exercise, Mistake

# (ᾱ_t, ᾱ_s, σ²), chosen so that no usual mistake runs into the root of a negative number
JUMPS = [(0.3, 0.6, 0.04), (0.2, 0.5, 0.09), (0.4, 0.7, 0.01)]


def k_of(a_t, a_s, sigma_sq):
    """Return k = √((1−ᾱ_s−σ²)/(1−ᾱ_t))."""
    return ((1 - a_s - sigma_sq) / (1 - a_t)) ** 0.5


EXERCISES = {
    "4.1": Exercise(
        truth=k_of,
        cases=JUMPS,
        mistakes=[
            Mistake(
                "you forgot the square root",
                lambda a_t, a_s, sigma_sq: (1 - a_s - sigma_sq) / (1 - a_t),
                "the second equation holds k², not k.",
            ),
            Mistake(
                "you took the negative root",
                lambda a_t, a_s, sigma_sq: -k_of(a_t, a_s, sigma_sq),
                "it solves both equations as well, and section 3 looks at it; here the positive one is asked for.",
            ),
            Mistake(
                "you swapped ᾱ_t and ᾱ_s",
                lambda a_t, a_s, sigma_sq: ((1 - a_t - sigma_sq) / (1 - a_s)) ** 0.5,
                "k multiplies x_t, so the variance of x_t stands beside k².",
            ),
            Mistake(
                "you subtracted σ where σ² goes",
                lambda a_t, a_s, sigma_sq: ((1 - a_s - sigma_sq**0.5) / (1 - a_t)) ** 0.5,
                "variances add up, standard deviations do not; the argument is σ² already, no root of it is needed.",
            ),
            Mistake(
                "you squared σ² once more",
                lambda a_t, a_s, sigma_sq: ((1 - a_s - sigma_sq**2) / (1 - a_t)) ** 0.5,
                "the argument `sigma_sq` is σ² already.",
            ),
            Mistake(
                "σ² has the wrong sign",
                lambda a_t, a_s, sigma_sq: ((1 - a_s + sigma_sq) / (1 - a_t)) ** 0.5,
                "fresh noise takes room away from the old noise.",
            ),
            Mistake(
                "you left out σ²",
                lambda a_t, a_s, sigma_sq: ((1 - a_s) / (1 - a_t)) ** 0.5,
                "two sources add up to the variance 1−ᾱ_s: the noise kept from x_t, and the fresh noise.",
            ),
            Mistake(
                "you used the equation of the mean, and without λ",
                lambda a_t, a_s, sigma_sq: (a_s / a_t) ** 0.5,
                "the equation of the mean has two unknowns; start from the other one.",
            ),
        ],
    ),
    "4.2": Exercise(
        truth=lambda a_t, a_s, sigma_sq: a_s**0.5 - k_of(a_t, a_s, sigma_sq) * a_t**0.5,
        cases=JUMPS,
        mistakes=[
            Mistake(
                "you forgot the term with k",
                lambda a_t, a_s, sigma_sq: a_s**0.5,
                "k x_t already brings some x_0 along, because x_t contains √ᾱ_t x_0.",
            ),
            Mistake(
                "you added the term with k",
                lambda a_t, a_s, sigma_sq: a_s**0.5 + k_of(a_t, a_s, sigma_sq) * a_t**0.5,
                "λ supplies what k x_t does not bring. (With the negative root your sum would be right.)",
            ),
            Mistake(
                "you swapped ᾱ_t and ᾱ_s under the roots",
                lambda a_t, a_s, sigma_sq: a_t**0.5 - k_of(a_t, a_s, sigma_sq) * a_s**0.5,
                "the target is the marginal at s; k stands beside the marginal at t.",
            ),
            Mistake(
                "you left out the roots over ᾱ",
                lambda a_t, a_s, sigma_sq: a_s - k_of(a_t, a_s, sigma_sq) * a_t,
                "means carry √ᾱ, variances carry 1−ᾱ.",
            ),
            Mistake(
                "you put in k² for k",
                lambda a_t, a_s, sigma_sq: a_s**0.5 - k_of(a_t, a_s, sigma_sq) ** 2 * a_t**0.5,
                "the equation of the mean holds k itself: take the root first.",
            ),
            Mistake(
                "all signs are reversed",
                lambda a_t, a_s, sigma_sq: k_of(a_t, a_s, sigma_sq) * a_t**0.5 - a_s**0.5,
                "bring k√ᾱ_t, not λ, to the other side.",
            ),
        ],
    ),
    "4.3": Exercise(
        truth=lambda eps_T, jumps: (-1) ** jumps * eps_T,
        cases=[(0.7, 1), (0.7, 2), (-1.2, 5), (0.3, 8)],
        mistakes=[
            Mistake(
                "that is the positive root",
                lambda eps_T, jumps: eps_T,
                "with η = 0 the positive root keeps ε. What does ρ = −1 do to it?",
            ),
            Mistake(
                "you reversed ε once, whatever the number of jumps",
                lambda eps_T, jumps: -eps_T,
                "every jump multiplies by ρ again.",
            ),
            Mistake(
                "you let the noise die out",
                lambda eps_T, jumps: 0.0,
                "ε is the noise in units of its own standard deviation; its variance stays 1 on every level.",
            ),
            Mistake(
                "you are off by one jump",
                lambda eps_T, jumps: (-1) ** (jumps + 1) * eps_T,
                "after no jump at all ε is still ε_T.",
            ),
            Mistake(
                "you multiplied where a power is needed",
                lambda eps_T, jumps: -jumps * eps_T,
                "one jump multiplies by ρ, so n jumps multiply by ρ · ρ · … · ρ.",
            ),
        ],
    ),
    "4.4": Exercise(
        truth=lambda a_t, a_s: ((1 - a_t) / (1 - a_t / a_s)) ** 0.5,
        cases=[(0.3, 0.6), (0.2, 0.5), (0.05, 0.4)],
        mistakes=[
            Mistake(
                "you gave the bound on η²",
                lambda a_t, a_s: (1 - a_t) / (1 - a_t / a_s),
                "σ² contains η².",
            ),
            Mistake(
                "1 is a habit, no bound",
                lambda a_t, a_s: 1.0,
                "set σ²(η) equal to the room 1−ᾱ_s and solve for η.",
            ),
            Mistake(
                "you gave the bound on σ²",
                lambda a_t, a_s: 1 - a_s,
                "that is the room; which η fills it?",
            ),
            Mistake(
                "you gave the bound on σ",
                lambda a_t, a_s: (1 - a_s) ** 0.5,
                "that is the root of the room; which η fills it?",
            ),
            Mistake(
                "your fraction is upside down",
                lambda a_t, a_s: ((1 - a_t / a_s) / (1 - a_t)) ** 0.5,
                "divide the room by what stands beside η² in σ², not the other way round.",
            ),
            Mistake(
                "you put 1−ᾱ_s where 1−ᾱ_t goes",
                lambda a_t, a_s: ((1 - a_s) / (1 - a_t / a_s)) ** 0.5,
                "1−ᾱ_s stands on both sides and cancels; 1−ᾱ_t comes up from the denominator.",
            ),
            Mistake(
                "you wrote a difference for the quotient ᾱ_t/ᾱ_s",
                lambda a_t, a_s: ((1 - a_t) / (a_s - a_t)) ** 0.5,
                "1−ᾱ_t/ᾱ_s is (ᾱ_s−ᾱ_t)/ᾱ_s: a factor ᾱ_s is missing.",
            ),
        ],
    ),
    "4.5": Exercise(
        truth=lambda a_t, a_s, sigma_sq: sigma_sq * (1 - a_t) / (1 - a_s),
        cases=JUMPS,
        mistakes=[
            Mistake(
                "you gave the variance of the backward conditional",
                lambda a_t, a_s, sigma_sq: sigma_sq,
                "ρ is the same in both directions, but the noise it acts on has variance 1−ᾱ_t here.",
            ),
            Mistake(
                "your fraction is upside down",
                lambda a_t, a_s, sigma_sq: sigma_sq * (1 - a_s) / (1 - a_t),
                "x_t is noisier than x_s, so the forward conditional is wider than the backward one.",
            ),
            Mistake(
                "you assumed a Markov step",
                lambda a_t, a_s, sigma_sq: 1 - a_t / a_s,
                "that is right for one σ² only, the one of η = 1.",
            ),
            Mistake(
                "you gave the variance of the marginal",
                lambda a_t, a_s, sigma_sq: 1 - a_t,
                "knowing x_s takes away a share of it: how large is 1−ρ²?",
            ),
            Mistake(
                "you gave the standard deviation",
                lambda a_t, a_s, sigma_sq: (sigma_sq * (1 - a_t) / (1 - a_s)) ** 0.5,
                "the variance is asked for: leave out the last root.",
            ),
            Mistake(
                "you gave what x_s explains, not what is left",
                lambda a_t, a_s, sigma_sq: (1 - sigma_sq / (1 - a_s)) * (1 - a_t),
                "the conditional's variance is the share 1−ρ² of 1−ᾱ_t, not ρ².",
            ),
            Mistake(
                "you took ᾱ for 1−ᾱ",
                lambda a_t, a_s, sigma_sq: sigma_sq * a_t / a_s,
                "variances of the marginals are 1−ᾱ_t and 1−ᾱ_s.",
            ),
        ],
    ),
}
