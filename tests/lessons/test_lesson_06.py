"""Lesson 06: the exercises name mistakes, wrong equations are caught, the pictures follow, the measures measure."""

import os
import signal

import numpy as np
import pytest
import sympy as sp
import torch

from ddim_lessons.ddim import add_noise, predict_x0
from ddim_lessons.figures import live as widgets
from ddim_lessons.figures.plots import draw_digits
from ddim_lessons.gaussians import exact_eps
from ddim_lessons.learning import training
from ddim_lessons.learning.networks import PointMLP, eps_fn, make_target, time_features, to_eps
from ddim_lessons.learning.training import Run, fit, load_run
from ddim_lessons.lessons.lesson_06 import pictures
from ddim_lessons.lessons.lesson_06.exercises import EXERCISES, WEIGHTS, average_of
from ddim_lessons.oracle import gaussian
from ddim_lessons.schedules import alpha_bar_schedule
from ddim_lessons.teaching.checks import EquationError, verify, verify_mean
from ddim_lessons.teaching.exercises import judge

ALPHA_BAR = alpha_bar_schedule("linear", 1000)


pytestmark = pytest.mark.usefixtures("one_thread")


# --- exercises ---------------------------------------------------------------------------------------------------


def loop(order="zbs", normal=torch.randn, low=1, high=1, kept=(), one_t=False, one_noise=False, **wrong):
    """A training loop in other words than the lesson's, with places to go wrong.

    ``order`` is that of zero_grad, backward and step; ``kept`` is drawn once, of x_0, t and noise.
    """

    def train(model, optimizer, data, alpha_bar, steps, batch):
        T, first = len(alpha_bar) - 1, None
        model.train(wrong.get("mode", True))
        for _ in range(wrong.get("rounds", steps)):
            drawn = wrong.get("draw", lambda n, size: torch.randint(n, (size,)))
            x0 = data[drawn(len(data), wrong.get("points", batch))]
            t = torch.randint(low, T + high, (1 if one_t else len(x0), 1)).expand(len(x0), 1)
            noise = normal(1 if one_noise else len(x0), data.shape[1]).expand(x0.shape)
            first = first or (x0, t, noise)
            x0, t, noise = (old if k in kept else now for k, (old, now) in enumerate(zip(first, (x0, t, noise))))  # noqa: B905
            x_t = wrong.get("mix", lambda x0, noise, ab, t: ab[t] ** 0.5 * x0 + (1 - ab[t]) ** 0.5 * noise)(
                x0, noise, alpha_bar, t
            )
            guess = wrong.get("ask", lambda model, x, t, T: model(x, t))(model, x_t, t.squeeze(1), T)
            loss = wrong.get("loss", lambda guess, noise, x0: torch.mean((guess - noise) ** 2))(guess, noise, x0)
            does = {"z": optimizer.zero_grad, "b": loss.backward, "s": optimizer.step}
            for letter in order:
                does[letter]()
        return model

    return train


LOOPS = [
    (loop(order="zb"), "never takes a step"),
    (loop(rounds=0), "never takes a step"),
    (loop(ask=lambda model, x, t, T: model(t, x)), "x_t and t have changed places in the call"),
    (loop(ask=lambda model, x, t, T: model(x, t / T)), "no whole number for t"),
    (loop(mode=False), "in evaluation mode"),
    (loop(order="zs"), "no gradient is computed"),
    (loop(order="zsb"), "step comes before the gradient"),
    (loop(order="sb"), "step comes before the gradient"),
    (loop(order="bzs"), "thrown away before the step"),
    (loop(order="bs"), "gradients of all steps add up"),
    (loop(rounds=4), "does not take `steps` steps"),
    (loop(points=20), "does not have `batch` points"),
    (loop(one_t=True), "one t serves the whole batch"),
    (loop(kept=(1,)), "t is drawn once"),
    (loop(ask=lambda model, x, t, T: model(x, t - 1)), "is told t − 1"),
    (loop(mix=lambda x0, e, ab, t: ab[t - 1] ** 0.5 * x0 + (1 - ab[t - 1]) ** 0.5 * e), "made with ᾱ[t − 1]"),
    (loop(mix=lambda x0, e, ab, t: ab[t] * x0 + (1 - ab[t]) * e), "the roots are missing"),
    (loop(mix=lambda x0, e, ab, t: (1 - ab[t]) ** 0.5 * x0 + ab[t] ** 0.5 * e), "two factors have changed places"),
    (loop(loss=lambda guess, e, x0: torch.mean((guess - x0) ** 2)), "compares with x_0"),
    (loop(mix=lambda x0, e, ab, t: x0), "sees x_0, not x_t"),
    (loop(loss=lambda guess, e, x0: torch.sum((guess - e) ** 2)), "is a sum, not a mean"),
    (loop(loss=lambda guess, e, x0: ((guess - e) ** 2).sum(dim=1).mean()), "is a sum, not a mean"),
    (loop(loss=lambda guess, e, x0: ((guess - e) ** 2).mean(dim=1).sum()), "is a sum, not a mean"),
    (loop(low=0, high=0), "your times begin at 0"),
    (loop(low=0), "your times begin at 0"),
    (loop(high=0), "the last time, T, is never drawn"),
    (loop(normal=torch.rand), "uniform, not normal"),
    (loop(one_noise=True), "one noise serves the whole batch"),
    (loop(kept=(2,)), "the noise is drawn once"),
    (loop(kept=(0,)), "every step has the same points"),
    (loop(loss=lambda guess, e, x0: torch.mean((guess - torch.randn_like(e)) ** 2)), "does not compare with the noise"),
    (loop(loss=lambda guess, e, x0: torch.mean((guess - e).abs())), "does not compare with the noise"),
    (loop(low=0, high=0, order="bs"), "gradients of all steps add up"),  # two mistakes: the first that is looked for
]
ANSWERS = [
    *[("6.1", train, fragment) for train, fragment in LOOPS],
    ("6.1", lambda model, *rest: None, "is a `return` missing?"),
    ("6.1", lambda model, *rest: model, "never takes a step"),
    ("6.1", lambda model, *rest: [0.3, 0.2, 0.1], "has shape (3,), but it should have shape (2,)"),
    ("6.2", lambda x0, e, a: np.sqrt(a) * x0 + np.sqrt(1 - a) * e, "this is x_t"),
    ("6.2", lambda x0, e, a: np.sqrt(a) * e + np.sqrt(1 - a) * x0, "sign between"),
    ("6.2", lambda x0, e, a: np.sqrt(1 - a) * x0 - np.sqrt(a) * e, "whole sign"),
    ("6.2", lambda x0, e, a: np.sqrt(1 - a) * e - np.sqrt(a) * x0, "changed places"),
    ("6.2", lambda x0, e, a: a * e - (1 - a) * x0, "square roots are missing"),
    ("6.2", lambda x0, e, a: e - x0, "flow matching"),
    ("6.2", lambda x0, e, a: e, "none of the usual mistakes"),
    ("6.3", lambda v, x, a: np.sqrt(a) * x - np.sqrt(1 - a) * v, "this is x̂_0"),
    ("6.3", lambda v, x, a: np.sqrt(a) * v - np.sqrt(1 - a) * x, "sign between"),
    ("6.3", lambda v, x, a: np.sqrt(1 - a) * v + np.sqrt(a) * x, "changed places"),
    ("6.3", lambda v, x, a: v / np.sqrt(a), "forgot the point"),
    ("6.3", lambda v, x, a: a * v + (1 - a) * x, "square roots are missing"),
    ("6.3", lambda v, x, a: -np.sqrt(a) * v - np.sqrt(1 - a) * x, "whole sign"),
    ("6.3", lambda v, x, a: x, "none of the usual mistakes"),
    ("6.4", lambda w, d: average_of(w, 1 - d), "changed places"),
    ("6.4", lambda w, d: average_of(np.vstack([0 * w[:1], w]), d), "starts at 0"),
    ("6.4", lambda w, d: w.mean(axis=0), "plain mean"),
    ("6.4", lambda w, d: d * w[0] + (1 - d) * w[-1], "once only"),
    ("6.4", lambda w, d: d * w[-2] + (1 - d) * w[-1], "row before it"),
    ("6.4", lambda w, d: w[0], "none of the usual mistakes"),
    ("6.5", {"A", "B"}, "A and B have different targets. Hint: by (6.5)"),
    ("6.5", {"A", "C"}, "A and C have different times. Hint: small t"),
    ("6.5", {"A", "E"}, "A and E have different schedules. Hint: look at the loss of the exact"),
    ("6.5", {"C", "B"}, "B and C have different targets and times"),
    ("6.5", {"B", "D"}, "B and D have different targets."),
    ("6.5", {"B", "E"}, "B and E have different targets and schedules"),
    ("6.5", {"C", "D"}, "C and D have different times."),
    ("6.5", {"C", "E"}, "C and E have different times and schedules"),
    ("6.5", {"D", "E"}, "D and E have different schedules."),
    ("6.5", {"A", "C", "D"}, "one of them draws its times otherwise"),
    ("6.5", {"A"}, "none of the usual mistakes"),
    *[("6.6", f"line {k}", "is not it") for k in (1, 2, 3, 5, 6)],
    ("6.6", "line 7", "answer with one of line 1, line 2"),
]


def by_hand(model, optimizer, data, alpha_bar, steps, batch):
    """Right, in one more form: the gradient is forgotten last, all is drawn with a generator, and in 64 bits."""
    g = torch.Generator().manual_seed(3)
    for t in torch.randint(1, len(alpha_bar), (steps, batch), generator=g):
        x0, noise = data[torch.randperm(4 * batch, generator=g)[:batch] % len(data)], torch.randn(batch, data.shape[1])
        signal, rest = alpha_bar[t].sqrt().double(), (1 - alpha_bar[t]).sqrt().double()
        x_t = torch.einsum("n,nd->nd", signal, x0.double()) + rest.unsqueeze(-1) * noise
        (model(x_t, t) - noise).pow(2).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    return model


def with_torch_s_loss(model, optimizer, data, alpha_bar, steps, batch):
    """Right, with torch's own mean square, and another order."""
    losses = []
    while len(losses) < steps:
        optimizer.zero_grad()
        t = 1 + torch.randint(0, len(alpha_bar) - 1, size=(batch,))
        x0, noise = data[torch.randint(0, data.size(0), size=(batch,))], torch.randn(batch, data.size(1))
        x_t = add_noise(x0, noise, alpha_bar[t].reshape(-1, 1))
        loss = torch.nn.functional.mse_loss(model(x_t, t), noise)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model.eval()


RIGHT = [
    loop(),
    loop(order="bsz"),
    loop(draw=lambda n, size: torch.randperm(n)[:size]),
    loop(normal=lambda n, d: torch.distributions.Normal(0, 1).sample((n, d))),
]


@pytest.mark.parametrize("train", [*RIGHT, by_hand, with_torch_s_loss])
def test_right_training_loops_are_right_whatever_they_draw(train):
    for seed in range(3):
        torch.manual_seed(seed)
        assert judge(EXERCISES["6.1"], train) == ("right", "✓ right")


def test_the_moving_average_of_the_exercise_is_the_training_loops():
    average = torch.nn.Parameter(torch.tensor(WEIGHTS[0]))
    for row in WEIGHTS[1:]:
        average.data.lerp_(torch.tensor(row), 1 - 0.9)
    assert np.allclose(average.detach().numpy(), average_of(WEIGHTS, 0.9))


# --- planted errors ----------------------------------------------------------------------------------------------

CLEAN, EPS, A, D = sp.symbols("x_0 epsilon alphabar delta", positive=True)
X_T, V = add_noise(CLEAN, EPS, A), make_target(CLEAN, EPS, A, "v")


def loss_draws(exponent):
    """Draws of the loss of Gaussian data; the noise level in the guess is wrong unless ``exponent`` is 1."""
    rng, n = np.random.default_rng(0), 100_000
    t, x0, noise = rng.integers(1, 1001, n), 0.5 + 0.5 * rng.standard_normal(n), rng.standard_normal(n)
    guess = exact_eps(add_noise(x0, noise, ALPHA_BAR[t]), 0.5, 0.25, ALPHA_BAR[t] ** exponent)
    every_t = ALPHA_BAR[1:] * 0.25 / (ALPHA_BAR[1:] * 0.25 + 1 - ALPHA_BAR[1:])
    return (noise - guess) ** 2, np.mean(every_t)


def bad_split():
    """(6.2) with an ε* that is not the conditional mean: the cross term stays."""
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((50_000, 2))
    x_t = add_noise(pictures.MOONS.sample(50_000, rng), noise, ALPHA_BAR[100])
    center, bad = 0.8 * pictures.MOONS.eps(x_t, ALPHA_BAR[100]), 0.5 * x_t
    verify_mean("6.2", (noise - bad) ** 2 - (noise - center) ** 2 - (bad - center) ** 2, 0.0)


def wrong_features(factor):
    """(6.6) with a wrong factor in the angle."""
    snr = np.log(ALPHA_BAR[1:] / (1 - ALPHA_BAR[1:]))
    angle = factor * snr[:, None] * np.array([1, 2, 4, 8])
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=1)


def wrong_average():
    """(6.7) with the newest weight counted by the decay instead of 1."""
    theta = np.random.default_rng(3).standard_normal(201)
    verify(
        "6.7", average_of(theta, 0.98), 0.98**200 * theta[0] + 0.02 * np.sum(0.98 ** np.arange(1, 201) * theta[:0:-1])
    )


def wrong_times():
    """(6.8) without the root."""
    t = 1 + np.floor(1000 * np.random.default_rng(5).random(10_000) ** 2)
    k = np.array([10, 250])
    verify_mean("6.8", t[:, None] <= k, k / 1000)


def wrong_correlation():
    """(6.3) without the root."""
    rng = np.random.default_rng(6)
    x0, short = pictures.MOONS.sample(20_000, rng), alpha_bar_schedule("linear", 50)
    x_t = add_noise(x0, rng.standard_normal(x0.shape), short[-1])
    verify_mean("6.3", np.mean(x0 * x_t, axis=1), short[-1])


PLANTED = {
    "6.1 the wrong noise level": lambda: verify_mean("6.1", *loss_draws(0.3)),
    "6.2 no conditional mean": bad_split,
    "6.4 a sign": lambda: verify("6.4", sp.sqrt(A) * X_T + sp.sqrt(1 - A) * V, CLEAN),
    "6.4 a root": lambda: verify("6.4", A * V + (1 - A) * X_T, EPS),
    "6.5 upside down": lambda: verify("6.5", predict_x0(X_T, EPS + D, A) - CLEAN, -sp.sqrt(A / (1 - A)) * D),
    "6.5 a missing part": lambda: verify("6.5", D**2 / A, D**2),
    "6.6 π/10": lambda: verify("6.6", time_features(ALPHA_BAR)[1:], wrong_features(np.pi / 10), tol=1e-5),
    "6.7 an index": wrong_average,
    "6.8 a root": wrong_times,
    "6.3 a root": wrong_correlation,
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_error_is_caught(name):
    with pytest.raises(EquationError):
        PLANTED[name]()


def test_the_right_equations_pass():
    verify_mean("6.1", *loss_draws(1))
    verify("6.4", to_eps(V, X_T, A, "v"), EPS)
    verify("6.6", time_features(ALPHA_BAR)[1:], wrong_features(np.pi / 20), tol=1e-5)


# --- measures ----------------------------------------------------------------------------------------------------


def test_the_exact_denoiser_has_no_error_and_a_known_one_has_its_own():
    exact = pictures.MOONS.eps_fn(ALPHA_BAR)
    assert pictures.error_over_t(exact, pictures.MOONS, ALPHA_BAR, [1, 500]).max() == 0
    shifted = pictures.error_over_t(lambda x, t: exact(x, t) + 0.5, pictures.MOONS, ALPHA_BAR, [1, 500])
    assert np.allclose(shifted, 0.25)


def test_mean_over_t_of_a_straight_line_is_its_middle():
    assert np.isclose(pictures.mean_over_t(pictures.TIMES.astype(float), 1000), 500.5)
    assert np.isclose(pictures.mean_over_t(pictures.times_of(50).astype(float), 50), 25.5)


def test_loss_floor_of_a_gaussian_is_known():
    data = gaussian([0.0, 0.0], 1.0)  # there, the floor at t is ᾱ_t, 1 − ᾱ_t or 1
    assert pictures.loss_floor(data, ALPHA_BAR) == pytest.approx(ALPHA_BAR[1:].mean(), abs=0.01)
    assert pictures.loss_floor(data, ALPHA_BAR, "x0") == pytest.approx(1 - ALPHA_BAR[1:].mean(), abs=0.02)
    assert pictures.loss_floor(data, ALPHA_BAR, "v", power=2.0) == pytest.approx(1, abs=0.02)


def test_target_factor_is_the_square_of_the_same_error():
    for target, error in (("x0", predict_x0(X_T, EPS + D, A) - CLEAN), ("eps", D)):
        assert sp.simplify(sp.nsimplify(error**2 / D**2 - pictures.target_factor(A, target))) == 0
    v_error = make_target(predict_x0(X_T, EPS + D, A), EPS + D, A, "v") - V
    assert sp.simplify(sp.nsimplify(sp.expand(v_error**2) / D**2 - pictures.target_factor(A, "v"))) == 0


def test_new_networks_depend_on_the_seed_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = (pictures.new_network(PointMLP, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected), "the global generator was touched"
    weights = [torch.nn.utils.parameters_to_vector(n.parameters()) for n in (first, again, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


# --- pictures ----------------------------------------------------------------------------------------------------


def test_walking_through_training_moves_picture_and_words():
    live = pictures.walk_through_training()
    for name, value in {"step": 2000, "t": 30, "S": 50}.items():
        image, words = live.image.value, live.words
        live.controls[name].value = value
        assert live.image.value != image and live.words != words, name
    assert "2,000 training steps" in live.words and "t = 30" in live.words and "S = 50" in live.words


@pytest.mark.parametrize("where", ["training", "drawing"])
def test_the_stop_button_leaves_whole_picture_run_and_file(tmp_path, monkeypatch, where):
    run = Run(pictures.new_network(PointMLP, 0), pictures.points(), steps=60, batch=32, device="cpu")
    view, path = pictures.training_view(run), tmp_path / "run.safetensors"
    owner, name = {"training": (training, "take_step"), "drawing": (view.scene, "move")}[where]
    plain = getattr(owner, name)

    def pressed(*arguments):
        if run.step == 20:
            os.kill(os.getpid(), signal.SIGINT)
        return plain(*arguments)

    monkeypatch.setattr(owner, name, pressed)
    loop = fit(run, path, every=20, save_seconds=1e9)
    with pytest.raises(KeyboardInterrupt, match="another loop over fit"):
        for progress in loop:  # a notebook keeps the loop alive with the traceback, so leaving it saves nothing
            view.update(progress)
    monkeypatch.undo()
    assert load_run(path, pictures.points(), device="cpu").step == run.step == (40 if where == "training" else 20)
    assert view.steps == [20] and "After 20 steps" in view.words
    for progress in fit(run, every=20):
        view.update(progress)
    assert view.steps[-1] == run.step == 60 and not run.stop_pressed


def test_recorded_snapshots_get_better():
    errors = [pictures.snapshot_field(step, 30)[2] for step in (0, 100, 700, 2000)]
    assert errors == sorted(errors, reverse=True) and errors[-1] < errors[0] / 5


def test_recorded_tables_have_what_the_lesson_shows():
    for name in ("width", "batch", "steps"):
        values = [row[name] for row in pictures.recorded_changes(name)]
        assert values == sorted(values) and pictures.recorded_tables()["default"][name] in values
    assert pictures.recorded_tables()["hardware"] == "CPU, 1 thread"
    arrays = pictures.recorded_arrays()
    assert arrays["digits"].shape == (len(arrays["digit_steps"]), 12, 64)
    assert arrays["snapshots"].shape[0] == len(pictures.SNAPSHOTS)


def test_the_training_view_follows_and_stores_nothing_that_varies(monkeypatch):
    run = Run(pictures.new_network(PointMLP, 0), pictures.points(), steps=60, batch=32, device="cpu")
    view = pictures.training_view(run)
    shown = []
    monkeypatch.setattr(
        widgets, "display_live", lambda box, kind, still, words, more: shown.append((box, still, words))
    )
    view._ipython_display_()
    ((box, still, words),) = shown
    assert box is view.live.box and words.startswith("Before the first step.") and "image/png" in still
    image = view.live.image.value
    for progress in fit(run, every=20):
        view.update(progress)
        assert view.live.image.value != image
        image = view.live.image.value
    assert view.bar.value == view.bar.max == 60 and "steps/s" in view.label.value
    assert "After 60 steps" in view.words and "steps/s" not in view.words
    assert len(view.final().axes) == 3


def test_leaving_the_loop_leaves_a_usable_average():
    run = Run(pictures.new_network(PointMLP, 0), pictures.points(), steps=60, batch=32, device="cpu")
    for _ in fit(run, every=20):
        break
    assert run.step == 20 and np.isfinite(eps_fn(run.average)(np.zeros((3, 2)), 500)).all()


def test_digits_mosaic_puts_every_picture_in_its_place():
    _, axes = pictures.panels(width=3, height=2)
    rows = np.zeros((2, 3, 64))
    rows[1, 2] = 255
    mosaic = draw_digits(axes, rows).get_array()
    assert mosaic.shape == (20, 30) and (mosaic[11:19, 21:29] == 255).all() and (mosaic == 255).sum() == 64
