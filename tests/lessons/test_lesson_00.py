"""Lesson 00: its exercise names mistakes, its live figures move what they say."""

import numpy as np

from ddim_lessons.lessons.lesson_00 import pictures

ANSWERS = [
    ("0.1", lambda ab, t: ab[t] / ab[t - 1] - 1, "the sign is wrong"),
    ("0.1", lambda alpha, t: 1 - alpha[t], "one-step α_t"),
    ("0.1", lambda alpha, t: 1 - alpha[t - 1] / alpha[t], "the later value"),
    ("0.1", lambda alpha, t: alpha[t] / alpha[t - 1], "you gave α_t"),
    ("0.1", lambda alpha, t: alpha[t - 1] - alpha[t], "factors multiply"),
    ("0.1", lambda alpha, t: 1 - np.sqrt(alpha[t] / alpha[t - 1]), "square root"),
    ("0.1", lambda alpha, t: 1 - alpha[t - 2], "none of the usual mistakes"),
]


def test_moving_a_slider_changes_picture_and_words():
    live = pictures.ddpm_beside_ddim()
    for name, value in {"S": 20, "eta": 0.5, "seed": 3, "data": "ring"}.items():
        image, words = live.image.value, live.words
        live.controls[name].value = value
        assert live.image.value != image and live.words != words, name
    assert "S = 20" in live.words and "η = 0.5" in live.words and "seed 3" in live.words and "ring" in live.words


def test_same_start_for_every_S_and_eta_and_the_colours_tell_determinism():
    ddim, ddpm = (pictures.run_sampler("moons", 20, eta, 0) for eta in (0.0, 1.0))
    assert np.array_equal(ddim.paths[0], ddpm.paths[0])
    assert np.array_equal(ddim.paths[0], pictures.run_sampler("moons", 5, 0.0, 0).paths[0])
    assert ddim.kept_side > 0.9 and 0.4 < ddpm.kept_side < 0.6


def test_translator_shows_every_author():
    live = pictures.notation_translator()
    live.controls["meaning"].value = "sample at t"
    assert "z_t" in live.html.value and live.html.value.count("<td>") == 5
