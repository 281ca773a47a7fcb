"""Exercises of lesson 03: write a split, read a product, a covariance, and count the densities of x_0."""

from ...schedules import alpha_bar_from_beta, linear_beta
from ...split import chain_and_star, full_chain, joint, jump, sets
from ...teaching.exercises import Exercise, Mistake

ALPHA_BAR = alpha_bar_from_beta(linear_beta(8, 0.05, 0.35))
A = (2, 5, 8)
STAR = {(2, 0), (3, 0), (5, 0)}  # of exercise 3.1: T = 6, A = {1, 4, 6}


def covariance(alpha_bar, A, s, t, eta):
    """Return Cov(x_s, x_t | x_0), s < t, in the joint of chain and star: the right answer to 3.3."""
    return joint(chain_and_star(len(alpha_bar) - 1, A), alpha_bar, eta)[1][s, t]


def of_full_chain(alpha_bar, A, s, t, eta):
    """A mistake: the covariance in the full chain, whatever A is."""
    return joint(full_chain(len(alpha_bar) - 1), alpha_bar, eta)[1][s, t]


def one_jump(alpha_bar, A, s, t, eta):
    """A mistake: k of one jump from t to s, where the chain stops in between."""
    return jump(alpha_bar, t, s, eta)[0] * (1 - alpha_bar[t]) if s in A and t in A else 0.0


def earlier_variance(alpha_bar, A, s, t, eta):
    """A mistake: the slopes are right, but 1−ᾱ_s stands for 1−ᾱ_t."""
    return covariance(alpha_bar, A, s, t, eta) * (1 - alpha_bar[s]) / (1 - alpha_bar[t])


def correlation(alpha_bar, A, s, t, eta):
    """A mistake: the correlation for the covariance."""
    return covariance(alpha_bar, A, s, t, eta) / ((1 - alpha_bar[s]) * (1 - alpha_bar[t])) ** 0.5


def slopes_alone(alpha_bar, A, s, t, eta):
    """A mistake: the slopes without the variance that they start from."""
    return covariance(alpha_bar, A, s, t, eta) / (1 - alpha_bar[t])


EXERCISES = {
    "3.1": Exercise(
        truth=lambda: {(6, 0), (4, 6), (1, 4)} | STAR,
        cases=[()],
        mistakes=[
            Mistake(
                "you read i − 1 as “i minus one”",
                lambda: {(6, 0), (5, 6), (3, 4)} | STAR,
                "count how often each of x_1 … x_6 is the head of a factor.",
            ),
            Mistake(
                "you read i − 1 as “i minus one”, and defined x_0, which is given",
                lambda: {(6, 0), (5, 6), (3, 4), (0, 1)} | STAR,
                "the element of A before 4 is not 3, and the chain of q ends at the smallest element of A.",
            ),
            Mistake(
                "your chain goes on to x_0, which is given",
                lambda: {(6, 0), (4, 6), (1, 4), (0, 1)} | STAR,
                "six variables need six factors; this is the degenerate factor that the paper's product starts with.",
            ),
            Mistake(
                "nothing starts the chain",
                lambda: {(4, 6), (1, 4)} | STAR,
                "which factor is x_6 the head of?",
            ),
            Mistake(
                "you wrote the chain and left out the star",
                lambda: {(6, 0), (4, 6), (1, 4)},
                "the joint is one of all six variables, not of those in A alone.",
            ),
            Mistake(
                "you gave the full chain",
                lambda: {(6, 0), (5, 6), (4, 5), (3, 4), (2, 3), (1, 2)},
                "the times in B = {2, 3, 5} look at x_0 alone.",
            ),
            Mistake(
                "you hung every time on x_0, the times in A as well",
                lambda: {(t, 0) for t in range(1, 7)},
                "only x_6 and the times in B look at x_0 alone.",
            ),
            Mistake(
                "your arrows run upwards, from earlier to later times",
                lambda: {(1, 0), (4, 1), (6, 4)} | STAR,
                "the factors of this lesson start at x_T and go down.",
            ),
        ],
    ),
    "3.2": Exercise(
        truth=lambda: (3, 2),
        cases=[()],
        mistakes=[
            Mistake("you gave them in the other order", lambda: (2, 3), "first the one that is defined twice."),
            Mistake(
                "you counted appearances behind the bar",
                lambda: (0, 2),
                "a factor defines what stands in front of the bar; x_0 is given.",
            ),
            Mistake(
                "x_1 is defined: by the last factor",
                lambda: (3, 1),
                "go through x_1, x_2, … x_7 and look for each in front of a bar.",
            ),
        ],
    ),
    "3.3": Exercise(
        truth=covariance,
        cases=[(ALPHA_BAR, A, s, t, 0.5) for s, t in ((5, 8), (2, 8), (3, 8), (2, 5))],
        mistakes=[
            Mistake(
                "this is the covariance of the full chain",
                of_full_chain,
                "the split is a process of its own: its chain has no stops between two elements of A.",
            ),
            Mistake(
                "you jumped from t to s at once",
                one_jump,
                "x_2 is tied to x_8 through x_5: each jump of the chain between them brings its slope.",
            ),
            Mistake(
                "you started from the variance of x_s",
                earlier_variance,
                "the chain starts at the later time, and each slope multiplies what comes from there.",
            ),
            Mistake("you gave the correlation", correlation, "the covariance is not divided by standard deviations."),
            Mistake("you multiplied the slopes alone", slopes_alone, "what is passed on is the variance of x_t."),
            Mistake(
                "you used the law of the Markov chain, which is that of η = 1",
                lambda alpha_bar, A, s, t, eta: covariance(alpha_bar, A, s, t, 1.0),
                "the slope k depends on η.",
            ),
        ],
    ),
    "3.4": Exercise(
        truth=lambda T, A: len(sets(T, A)[1]) + 1,
        cases=[(8, (2, 5, 8)), (6, (1, 4, 6)), (5, (1, 2, 3, 4, 5)), (9, (9,))],
        mistakes=[
            Mistake(
                "you counted the factors of B alone",
                lambda T, A: len(sets(T, A)[1]),
                "where does the chain of p end? Its product starts at i = 1.",
            ),
            Mistake("you counted the chain's factors", lambda T, A: len(A), "most of them are about later times."),
            Mistake(
                "you counted all factors of p",
                lambda T, A: T + 1,
                "look only at those with x_0 in front of the bar.",
            ),
            Mistake(
                "a proper p would have exactly one, but this p is none",
                lambda T, A: 1,
                "count the factors p(x_0|…) of the formula as it stands.",
            ),
        ],
    ),
}
