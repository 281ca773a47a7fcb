"""A whole thing to write in lesson 04: the step from t to s, (x_t, ε̂, ᾱ_t, ᾱ_s, η, z) -> x_s."""

import numpy as np

from ...ddim import move, predict_x0, variance
from ...teaching.exercises import Exercise

X, E, Z = np.array([[1.2, -0.4, 0.7], [0.9, 0.3, -1.1], [-0.5, 1.1, 0.2]])


def step(x, e, t, s, eta, z, x0=None, sq=None, room=None):
    """The step, with the places that go wrong as arguments: x̂_0, σ², and the room 1−ᾱ_s−σ² of the old noise."""
    x0 = predict_x0(x, e, t) if x0 is None else x0
    sq = variance(t, s, eta) if sq is None else sq
    return s**0.5 * x0 + (1 - s - sq if room is None else room) ** 0.5 * e + sq**0.5 * z


# a mistake: its name, what it answers, a hint
# fmt: off
WHOLE = {
    "the step": Exercise(
        lambda x, e, t, s, eta, z: move(predict_x0(x, e, t), e, s, variance(t, s, eta), z),
        [(X, E, 0.3, 0.6, 0.5, Z), (X[:1], E[:1], 0.1, 0.4, 0.0, Z[:1]), (E, Z, 0.2, 0.25, 1.0, X),
         (Z[0], X[0], 0.6, 0.7, 0.7, E[0])], [  # near enough that σ² with a fraction upside down still fits
        ("z is multiplied by σ², not by σ",
         lambda x, e, t, s, eta, z: step(x, e, t, s, eta, z * variance(t, s, eta) ** 0.5),
         "variance first, root last."),
        ("σ² takes no room from the old noise",      lambda x, e, t, s, eta, z: step(x, e, t, s, eta, z, room=1 - s),
         "old and new noise together have variance 1−ᾱ_s."),
        ("the root over 1−ᾱ_s−σ² is missing",
         lambda x, e, t, s, eta, z: step(x, e, t, s, eta, z, room=(1 - s - variance(t, s, eta)) ** 2),
         "ε̂ is multiplied by a standard deviation."),
        ("x̂_0 lacks its division by √ᾱ_t",
         lambda x, e, t, s, eta, z: step(x, e, t, s, eta, z, x0=x - (1 - t) ** 0.5 * e),
         "x_t − √(1−ᾱ_t) ε̂ is √ᾱ_t x̂_0."),
        ("x̂_0 was read with ᾱ of the wrong time",
         lambda x, e, t, s, eta, z: step(x, e, t, s, eta, z, x0=predict_x0(x, e, s)),
         "x_t lies at time t."),
        ("ᾱ_t stands in front of x̂_0, not ᾱ_s",
         lambda x, e, t, s, eta, z: step(x, e, t, s, eta, z, x0=(t / s) ** 0.5 * predict_x0(x, e, t)),
         "the step ends at time s."),
        ("η is not squared",                         lambda x, e, t, s, eta, z: step(x, e, t, s, eta**0.5, z),
         "η scales σ."),
        ("σ² lacks its denominator 1−ᾱ_t",
         lambda x, e, t, s, eta, z: step(x, e, t, s, eta, z, sq=eta**2 * (1 - t / s) * (1 - s)),
         "compare σ²(η) of the lesson factor by factor."),
        ("the fraction (1−ᾱ_s)/(1−ᾱ_t) of σ² is upside down",
         lambda x, e, t, s, eta, z: step(x, e, t, s, eta, z, sq=eta**2 * (1 - t) / (1 - s) * (1 - t / s)),
         "σ² is less than 1−ᾱ_t/ᾱ_s: knowing x_0 narrows it."),
        ("the fraction ᾱ_t/ᾱ_s of σ² is upside down, and its sign mended",
         lambda x, e, t, s, eta, z: step(x, e, t, s, eta, z, sq=eta**2 * (1 - s) / (1 - t) * (s / t - 1)),
         "1−ᾱ_t/ᾱ_s is above 0 as it is: ᾱ_t is the smaller one."),
        ("the old noise has its room at time t, not at time s",
         lambda x, e, t, s, eta, z: step(x, e, t, s, eta, z, room=1 - t - variance(t, s, eta)),
         "x_s needs noise of variance 1−ᾱ_s in all."),
        ("x̂_0 adds the noise, not takes it off",
         lambda x, e, t, s, eta, z: step(x, e, t, s, eta, z, x0=predict_x0(x, -e, t)),
         "solve x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε for x_0."),
        ("the root over ᾱ_s is missing",
         lambda x, e, t, s, eta, z: step(x, e, t, s, eta, z, x0=s**0.5 * predict_x0(x, e, t)),
         "x scales with roots."),
        ("in x̂_0 the noise lacks its root",
         lambda x, e, t, s, eta, z: step(x, e, t, s, eta, z, x0=(x - (1 - t) * e) / t**0.5),
         "ε enters x_t with a standard deviation."),
        ("in x̂_0 the division lacks its root",
         lambda x, e, t, s, eta, z: step(x, e, t, s, eta, z, x0=predict_x0(x, e, t) / t**0.5),
         "x scales with roots."),
        ("x_t stands where x̂_0 belongs",             lambda x, e, t, s, eta, z: step(x, e, t, s, eta, z, x0=x),
         "take the noise off x_t first, and divide by √ᾱ_t."),
        ("σ² is β of the jump, without the factor (1−ᾱ_s)/(1−ᾱ_t)",
         lambda x, e, t, s, eta, z: step(x, e, t, s, eta, z, sq=eta**2 * (1 - t / s)),
         "knowing x_0 narrows what is possible for x_s."),
        ("noise is missing",                         lambda x, e, t, s, eta, z: step(x, e, t, s, eta, 0 * z),
         "with η > 0 there is fresh noise."),
        ("this is DDIM's step at every η",           lambda x, e, t, s, eta, z: step(x, e, t, s, 0.0, z),
         "σ² depends on η."),
    ]),
}
# fmt: on
