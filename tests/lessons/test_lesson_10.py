"""Lesson 10: the exercises name mistakes, wrong equations are caught, the live figure follows, the tables hold."""

from functools import partial

import numpy as np
import pytest
import torch

from ddim_lessons.ddim import add_noise, ddim_step, predict_eps
from ddim_lessons.detection.boxes import average_precision, corners, decode, encode, giou, iou
from ddim_lessons.detection.sampling import ENSEMBLES, maps_of, results
from ddim_lessons.detection.training import focal, noisy_boxes
from ddim_lessons.figures.plots import panels
from ddim_lessons.lessons.lesson_10 import exercises as answers
from ddim_lessons.lessons.lesson_10 import pictures as lesson
from ddim_lessons.schedules import alpha_bar_schedule
from ddim_lessons.teaching.checks import EquationError, verify, verify_mean

ALPHA_BAR = alpha_bar_schedule("cosine", 1000)


pytestmark = pytest.mark.usefixtures("one_thread")


# --- exercises ---------------------------------------------------------------------------------------------------


def lost(m, without):
    return (m() - without) / (m() - m(S=1))


def best_sums(o):
    return np.sort(o, axis=0)[::-1][:5].sum(axis=0)


ANSWERS = [
    ("10.1", lambda z, s: (z / s + 1) / 2, "outside the picture"),
    ("10.1", lambda z, s: np.clip(z, 0, 1), "cut the boxes but not z"),
    ("10.1", lambda z, s: (np.clip(z, -s, s) + 1) / 2, "forgot the scale"),
    ("10.1", lambda z, s: (np.clip(z, -s, s) * s + 1) / 2, "multiplied by the scale"),
    ("10.1", lambda z, s: np.clip(z, -s, s) / s / 2 + 1, "changed places"),
    ("10.1", lambda z, s: z, "none of the usual mistakes"),
    ("10.2", lambda o: np.floor(best_sums(o)).astype(int), "without a box"),
    ("10.2", lambda o: np.maximum(1, np.floor(np.sort(o, 1)[:, ::-1][:, :5].sum(1))).astype(int), "over the objects"),
    ("10.2", lambda o: np.maximum(1, np.floor(o.sum(axis=0))).astype(int), "over all boxes"),
    ("10.2", lambda o: np.maximum(1, np.floor(o[:5].sum(axis=0))).astype(int), "not the five best"),
    ("10.2", lambda o: np.maximum(1, np.round(best_sums(o))).astype(int), "rounded to the nearest"),
    ("10.2", lambda o: np.full(o.shape[1], 7), "none of the usual mistakes"),
    ("10.3", lambda S: S, "every visit"),
    ("10.3", lambda S: S - 1, "nothing would be found"),
    ("10.3", lambda S: 1, "last visit alone"),
    ("10.3", lambda S: max(1, S - 2), "left out two"),
    ("10.3", lambda S: 3, "none of the usual mistakes"),
    ("10.4", lambda m: lost(m, m(eta=0.0)), "still DDIM's"),
    ("10.4", lambda m: lost(m, m(renew=False)), "switched off renewal"),
    ("10.4", lambda m: lost(m, m(update="direct")), "still carries the boxes on"),
    ("10.4", lambda m: 1.0, "other visits are gone"),
    ("10.4", lambda m: lost(m, m(update="fresh", ensemble="last")), "together with the step"),
    ("10.4", lambda m: lost(partial(m, ensemble="last"), m(update="fresh", ensemble="last")), "last visit alone"),
    ("10.4", lambda m: (m(update="fresh") - m(S=1)) / (m() - m(S=1)), "kept, not what is lost"),
    ("10.4", lambda m: 1 - m(update="fresh") / m(), "not with the gain"),
    ("10.4", lambda m: m() - m(update="fresh"), "not a share"),
    ("10.4", lambda m: (m() - m(renew=False, eta=0)) / (m() - m(S=1)), "all fresh noise"),
    ("10.4", lambda m: (m(update="fresh") - m()) / (m() - m(S=1)), "sign is wrong"),
    ("10.4", lambda m: 0.5, "none of the usual mistakes"),
]


def test_the_truths_are_the_packages():
    assert np.allclose(answers.decoded(answers.Z, 2.0), decode(answers.Z))


# --- planted errors ----------------------------------------------------------------------------------------------

BOX = np.array([[0.4, 0.5, 0.3, 0.2], [0.7, 0.2, 0.1, 0.3]])
Z_T, X0_HAT, Z = np.random.default_rng(0).standard_normal((3, 4, 5, 4))


def step(t=750, s=500, eta=0.7):
    return ddim_step(Z_T, predict_eps(Z_T, X0_HAT, ALPHA_BAR[t]), ALPHA_BAR, t, s, eta, Z)


def scaled(power):
    """(10.2) with a wrong power of the scale; 2 is right."""
    a, b, x0, noise = ALPHA_BAR[1:, None, None], 2.0, 2 * BOX - 1, Z[0, :2]
    odds = b**power * a / (1 - a)
    other, c = odds / (1 + odds), np.sqrt(1 + (b**2 - 1) * a)
    verify("10.2", add_noise(b * x0, noise, a), c * add_noise(x0, noise, other))


def marginal(variance):
    """(10.5) with another variance than 1 − ᾱ_s."""
    rng = np.random.default_rng(1)
    x0 = np.broadcast_to(encode(BOX[:1]), (50_000, 1, 4))
    z_t = add_noise(x0, rng.standard_normal(x0.shape), ALPHA_BAR[750])
    z_s = ddim_step(z_t, predict_eps(z_t, x0, ALPHA_BAR[750]), ALPHA_BAR, 750, 500, 1.0, rng.standard_normal(x0.shape))
    verify_mean("10.5", (z_s - ALPHA_BAR[500] ** 0.5 * x0) ** 2, variance)


def moment(factor):
    """(10.9) with a wrong second moment of the padding; 4/9 is right."""
    pictures = lesson.held_out(10)
    empty = pictures._replace(labels=np.full_like(pictures.labels, -1))
    z = noisy_boxes(np.random.default_rng(2), empty, 2000, ALPHA_BAR[250])[..., :2].ravel()
    verify_mean("10.9", z**2, 1 - (1 - factor) * ALPHA_BAR[250])


def precision(envelope):
    """(10.10) on a false box before two objects."""
    truth = [(np.array([[0.2, 0.2, 0.2, 0.2], [0.6, 0.2, 0.2, 0.2]]), np.zeros(2, dtype=int))]
    places = np.array([[0.9, 0.9, 0.2, 0.2], [0.2, 0.2, 0.2, 0.2], [0.6, 0.2, 0.2, 0.2]])
    found = [(places, np.array([0.9, 0.8, 0.7]), np.zeros(3, dtype=int))]
    precision, recall = np.array([0, 1 / 2, 2 / 3]), np.array([0, 0.5, 1])
    best = [envelope(precision[recall >= r]) for r in np.arange(101) / 100]
    verify("10.10", average_precision(found, truth)[0], np.mean(best))


RIGHT = {
    "10.2": lambda: scaled(2),
    "10.5": lambda: marginal(1 - ALPHA_BAR[500]),
    "10.9": lambda: moment(4 / 9),
    "10.10": lambda: precision(np.max),
}
PLANTED = {
    "10.1 no centre": lambda: verify("10.1", encode(BOX), 2 * BOX * 2),
    "10.1 a sign": lambda: verify("10.1", decode(encode(BOX)), (encode(BOX) / 2 - 1) / 2),
    "10.2 the scale unsquared": lambda: scaled(1),
    "10.3 union without the shared part": lambda: verify("10.3", iou(BOX, BOX)[0, 0], 0.5),
    "10.3 a sign": lambda: verify("10.3", giou(BOX[:1], BOX[1:]), -giou(BOX[:1], BOX[1:])),
    "10.4 no room for the noise": lambda: verify("10.4", step(), step(eta=0.0) + Z),
    "10.4 the wrong time": lambda: verify("10.4", step(), step(s=250)),
    "10.5 the variance at t": lambda: marginal(1 - ALPHA_BAR[750]),
    "10.6 upside down": lambda: verify("10.6", 0.3197, np.sqrt(ALPHA_BAR[500] / ALPHA_BAR[750]), tol=1e-3),
    "10.8 no square": lambda: verify("10.8", focal(torch.zeros(1), 1), 0.25 * 0.5 * np.log(2), tol=1e-6),
    "10.9 no padding": lambda: moment(0.0),
    "10.10 the worst precision": lambda: precision(np.min),
    "10.10 no envelope": lambda: precision(lambda p: p[0]),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_error_is_caught(name):
    with pytest.raises(EquationError):
        PLANTED[name]()


@pytest.mark.parametrize("name", RIGHT)
def test_the_right_equations_pass(name):
    RIGHT[name]()


# --- the live figure ---------------------------------------------------------------------------------------------


def test_every_control_changes_picture_and_words():
    live = lesson.boxes_from_noise()
    changes = {"picture": 4, "seed": 3, "N": 16, "S": 4, "eta": 1.0, "update": "direct", "ensemble": "last"}
    for name, value in (changes | {"visit": 3, "renew": True}).items():
        image, words = live.image.value, live.words
        live.controls[name].value = value
        assert live.image.value != image and live.words != words, name
    assert "Picture crowd 1:" in live.words and "visit 3 of 4" in live.words and "direct" in live.words


def test_a_visit_beyond_the_last_is_the_last():
    live = lesson.boxes_from_noise()
    live.show(live.start | {"S": 2, "visit": 8})
    assert "visit 2 of 2" in live.words and "t = 500" in live.words


def test_the_map_is_that_of_the_settings_and_the_number_that_of_its_cell():
    live = lesson.boxes_from_noise()
    live.show(live.start | {"S": 4, "N": 64, "update": "fresh", "ensemble": "official"})
    values = lesson.recorded_maps()[("fresh", 0.0, False)][ENSEMBLES.index("official")]
    assert f"AP {values[2, 3]:.3f}" in live.words
    assert lesson.settings_of("direct", 1.0, True) == ("direct", 0.0, True)
    settings = [lesson.settings_of(u, e, r) for u in lesson.UPDATES for e in lesson.ETAS for r in (True, False)]
    assert set(settings) == set(lesson.recorded_maps())


def test_only_drift_without_renewal_and_noise_is_smooth():
    def moves(eta, renew):
        visits = lesson.run_picture(0, 0, 8, 32, eta, renew, "DDIM")
        return np.mean([float((b.z - a.z).abs().mean()) for a, b in zip(visits, visits[1:], strict=False)])

    smooth = moves(0.0, False)
    assert smooth < 0.5 * moves(1.0, False) and smooth < 0.8 * moves(0.0, True)


def test_the_caption_in_the_notebook_is_far_from_every_threshold():
    """Its words are compared strictly, and another machine's torch rounds otherwise."""
    visits = lesson.run_picture(0, 0, 8, 32, 0.0, False, "DDIM")
    boxes, scores, _ = results(visits, "all", lesson.LOWEST)[0]
    best = visits[0].scores[0].amax(dim=-1).numpy()
    overlap = iou(boxes[scores > 0.4], lesson.gallery()[0].objects(0)[0]).max(axis=1)
    assert np.abs(best - 0.5).min() > 0.02 and np.abs(scores - 0.5).min() > 0.02 and overlap.min() > 0.8


def test_the_result_names_its_ensemble_and_the_map_its_pictures():
    live = lesson.boxes_from_noise()
    live.show(live.start | {"ensemble": "last", "picture": 4})
    assert "ensemble last: " in live.words and "of 9 objects found" in live.words
    assert live.words.endswith("on 100 pictures of 1 to 6 objects, no crowds, 3 noise seeds.")


def test_a_pair_is_drawn_with_what_it_shares_and_the_box_around_it():
    a, b = np.array([0.4, 0.4, 0.4, 0.4]), np.array([0.5, 0.6, 0.4, 0.4])
    for other, count in ((b, 3), (b + [0.4, 0, 0, 0], 2)):  # nothing is shared: no grey area
        _, axes = panels()
        lesson.draw_pair(axes, a, other)
        drawn = axes.collections
        assert len(drawn) == count
        left, top, right, bottom = corners(np.stack([a, other]))
        around = drawn[-1].get_paths()[0].get_extents().bounds
        expected = np.array([left.min(), top.min(), right.max() - left.min(), bottom.max() - top.min()]) * 64
        assert np.allclose(around, expected - [0.5, 0.5, 0, 0])


def test_judging_a_picture():
    boxes, labels = np.array([[0.2, 0.2, 0.2, 0.2], [0.7, 0.7, 0.2, 0.2]]), np.array([0, 1])
    found = (boxes[[0, 1, 1]], np.array([0.9, 0.8, 0.3]), np.array([0, 2, 1]))
    assert lesson.judge_picture(found, boxes, labels) == (1, 1)


# --- the tables --------------------------------------------------------------------------------------------------


def test_the_recorded_table_reaches_what_the_lesson_promises():
    table = lesson.recorded()["table"]
    ap50 = {(S, N): table["AP50"][i][j] for i, S in enumerate(table["steps"]) for j, N in enumerate(table["boxes"])}
    assert ap50[1, 16] >= 0.80 and ap50[1, 64] >= 0.94 and ap50[4, 16] >= 0.94 and ap50[8, 16] >= 0.955
    assert (table["pictures"], table["seeds"]) == (300, 3)


def test_the_recorded_controls_agree_where_they_must():
    controls = lesson.recorded()["controls"]
    for name in controls:
        assert np.array_equal(lesson.control(name, "all")[0], lesson.control("full", "all")[0]), "one step is one step"
        assert np.array_equal(lesson.control(name, "official")[1], lesson.control(name, "official")[0]), name
        assert np.array_equal(lesson.control(name, "last")[0], lesson.control(name, "all")[0]), name


def test_one_cell_of_the_map_is_measured_again():
    pictures, seeds = lesson.held_out(lesson.recorded()["map_pictures"]), lesson.recorded()["map_seeds"]
    maps = maps_of(lesson.detector(), pictures)
    settings = dict(eta=0.0, renew=False, maps=maps)
    walks = [lesson.run(lesson.detector(), pictures, 1, 16, seed, **settings) for seed in range(seeds)]
    again = np.mean([lesson.measure(pictures, visits, ENSEMBLES)[:, 1] for visits in walks], axis=0)
    assert np.abs(again - lesson.recorded_maps()[("DDIM", 0.0, False)][:, 0, 1]).max() < 0.01


def test_every_recorded_comparison_is_of_at_least_three_seeds():
    recorded = lesson.recorded()
    assert recorded["map_seeds"] >= 3
    for table in (recorded["table"], recorded["crowd"]):
        assert table["seeds"] >= 3 and np.shape(table["AP_sd"]) == np.shape(table["AP"])
    assert all(lesson.control(name).shape == (4, 4) for name in recorded["controls"])


def test_two_standard_errors_are_what_the_lesson_says():
    for ensemble, said in (("all", 0.005), ("last", 0.009)):
        spread = [lesson.control(name, ensemble)[1:].var(axis=1, ddof=1) for name in lesson.recorded()["controls"]]
        assert abs(2 * np.sqrt(np.mean(spread) * 2 / 4) - said) < 0.0006, ensemble


# --- what the cells see --------------------------------------------------------------------------------------------


def test_the_renewal_forgets_and_the_answers_remember():
    model, scenes = lesson.detector(), lesson.held_out(20)
    alone, both = (lesson.run(model, scenes, 4, 48, 5, 1.0, renew) for renew in (False, True))
    assert lesson.kept_of_start(alone)[-1] > 0.1 > 2 * abs(lesson.kept_of_start(both)[-1])
    z = [visit.z[..., :2].flatten().numpy() for visit in alone[:2]]
    assert np.isclose(lesson.kept_of_start(alone)[0], np.cov(*z)[0, 1] / np.var(z[0], ddof=1))
    assert lesson.movement(alone).shape == (3, 2)


def test_asking_is_what_a_run_does_at_its_first_visit():
    scenes, (z_T, _) = lesson.held_out(2), lesson.start_of(3, 2, 8)
    x0_hat, scores = lesson.asker(lesson.detector(), scenes)(z_T, 1000)
    visit = lesson.run(lesson.detector(), scenes, 1, 8, 3)[0]
    assert np.array_equal(z_T, visit.z) and np.allclose(x0_hat, visit.x0_hat) and np.allclose(scores, visit.scores)


def test_the_best_overlap_needs_the_right_class():
    scenes = lesson.held_out(1)
    boxes, labels = scenes.objects(0)
    assert np.allclose(lesson.best_overlaps(boxes[None], scenes), 1)
    assert np.allclose(lesson.best_overlaps(boxes[None], scenes, labels[None]), 1)
    assert lesson.best_overlaps(boxes[None], scenes, labels[None] + 3).max() == 0
