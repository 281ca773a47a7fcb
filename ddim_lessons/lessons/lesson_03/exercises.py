"""Exercises of lesson 03: write a split, read a product, a covariance, and count the densities of x_0."""

from itertools import pairwise
from math import prod

from ...schedules import alpha_bar_from_beta, linear_beta
from ...split import generative, jump
from ...teaching.exercises import Exercise

EIGHT, SIX = (alpha_bar_from_beta(linear_beta(T, 0.05, 0.35)) for T in (8, 6))  # ᾱ
A, OTHER = {2, 5, 8}, {1, 3, 6}
STAR = {(2, 0), (3, 0), (5, 0)}  # of exercise 3.1: T = 6, A = {1, 4, 6}


def handed_down(alpha_bar, A, s, t, eta):
    """The variance at t, handed down the chain of those elements of ``A`` that lie from s to t."""
    stops = [u for u in sorted(A) if s <= u <= t]
    slopes = [jump(alpha_bar, later, earlier, float(eta))[0] for earlier, later in pairwise(stops)]
    return (1 - alpha_bar[t]) * prod(slopes)


def covariance(alpha_bar, A, s, t, eta):
    """Cov(x_s, x_t | x_0), s < t, (3.8): what is handed down from t to s, and 0 for a time in B."""
    return handed_down(alpha_bar, A, s, t, eta) if {s, t} <= set(A) else 0.0


# a mistake: its name, what it answers, a hint
# fmt: off
EXERCISES = {
    "3.1": Exercise(
        {(6, 0), (4, 6), (1, 4)} | STAR,
        [()], [
        ("you read i − 1 as “i minus one”",                      {(6, 0), (5, 6), (3, 4)} | STAR,
         "count how often each of x_1 … x_6 is the head of a factor."),
        ("you read i − 1 as “i minus one”, and defined x_0, which is given", {(6, 0), (5, 6), (3, 4), (0, 1)} | STAR,
         "the element of A before 4 is not 3, and the chain of q ends at the smallest element of A."),
        ("your chain goes on to x_0, which is given",            {(6, 0), (4, 6), (1, 4), (0, 1)} | STAR,
         "six variables need six factors; this is the degenerate factor that the paper's product starts with."),
        ("nothing starts the chain",                             {(4, 6), (1, 4)} | STAR,
         "which factor is x_6 the head of?"),
        ("you wrote the chain and left out the star",            {(6, 0), (4, 6), (1, 4)},
         "the joint is one of all six variables, not of those in A alone."),
        ("you gave the full chain",                              {(6, 0), (5, 6), (4, 5), (3, 4), (2, 3), (1, 2)},
         "the times in B = {2, 3, 5} look at x_0 alone."),
        ("you hung every time on x_0, the times in A as well",   {(t, 0) for t in range(1, 7)},
         "only x_6 and the times in B look at x_0 alone."),
        ("your arrows run upwards, from earlier to later times", {(1, 0), (4, 1), (6, 4)} | STAR,
         "the factors of this lesson start at x_T and go down."),
        ("the chain's pairs are written the wrong way round",    {(6, 0), (6, 4), (4, 1)} | STAR,
         "the head comes first: `(5, 8)` is q(x_5 | x_8, x_0)."),
        ("the times in B look at the chain's elements above them", {(6, 0), (4, 6), (1, 4), (2, 4), (3, 4), (5, 6)},
         "a time in B looks at x_0 alone: its pair ends in 0."),
        ("all pairs are written the wrong way round", {(b, a) for a, b in {(6, 0), (4, 6), (1, 4)} | STAR},
         "the head comes first: `(3, 0)` is q(x_3 | x_0)."),
    ]),
    "3.2": Exercise(
        (3, 2),
        [()], [
        ("you gave them in the other order",       (2, 3),
         "first the one that is defined twice."),
        ("you counted appearances behind the bar", (0, 2),
         "a factor defines what stands in front of the bar; x_0 is given."),
        ("x_1 is defined: by the last factor",     (3, 1),
         "go through x_1, x_2, … x_7 and look for each in front of a bar."),
    ]),
    "3.3": Exercise(
        covariance,
        [(EIGHT, A, 5, 8, 0.5), (EIGHT, A, 2, 8, 0.5), (EIGHT, A, 3, 8, 0.5), (EIGHT, A, 2, 7, 0.0),
         (EIGHT, A, 3, 4, 0.7), (EIGHT, {5, 8}, 2, 8, 0.5), (SIX, OTHER, 1, 6, 0.0), (SIX, OTHER, 1, 3, 1.0)], [
        ("this is the covariance of the full chain",
         lambda ab, A, s, t, eta: covariance(ab, range(1, len(ab)), s, t, eta),
         "the split is a process of its own: its chain has no stops between two elements of A."),
        ("you jumped from t to s at once",
         lambda ab, A, s, t, eta: covariance(ab, A & {s, t}, s, t, eta),
         "x_2 is tied to x_8 through x_5: each jump of the chain between them brings its slope."),
        ("you started from the variance of x_s",
         lambda ab, A, s, t, eta: covariance(ab, A, s, t, eta) * (1 - ab[s]) / (1 - ab[t]),
         "the chain starts at the later time, and each slope multiplies what comes from there."),
        ("you gave the correlation",
         lambda ab, A, s, t, eta: covariance(ab, A, s, t, eta) / ((1 - ab[s]) * (1 - ab[t])) ** 0.5,
         "the covariance is not divided by standard deviations."),
        ("you multiplied the slopes alone",
         lambda ab, A, s, t, eta: covariance(ab, A, s, t, eta) / (1 - ab[t]),
         "what is passed on is the variance of x_t."),
        ("you used the law of the Markov chain, which is that of η = 1",
         lambda ab, A, s, t, eta: covariance(ab, A, s, t, 1.0),
         "the slope k depends on η."),
        ("you forgot that a time may lie in B", handed_down,
         "look whether s and t are both in A before you go down the chain."),
        ("you tied a time in B to the chain",
         lambda ab, A, s, t, eta: covariance(ab, A | {s, t}, s, t, eta),
         "given x_0, a time in B hangs on nothing else."),
    ]),
    "3.4": Exercise(
        lambda T, A: sum(factor.head == 0 for factor in generative(T, A)),
        [(8, A), (6, OTHER), (5, {1, 2, 3, 4, 5}), (9, {9})], [
        ("you counted the factors of B alone",                    lambda T, A: T - len(A),
         "where does the chain of p end? Its product starts at i = 1."),
        ("you counted the chain's factors",                       lambda T, A: len(A),
         "most of them are about later times."),
        ("you counted all factors of p",                          lambda T, A: T + 1,
         "look only at those with x_0 in front of the bar."),
        ("a proper p would have exactly one, but this p is none", 1,
         "count the factors p(x_0|…) of the formula as it stands."),
    ]),
}
# fmt: on
