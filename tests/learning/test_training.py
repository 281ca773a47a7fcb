"""Training: it learns, it can be stopped and killed at any moment, and no broken file goes unnoticed."""

import json
import os
import pickle
import signal
import subprocess
import sys
from hashlib import sha256
from itertools import islice

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ddim_lessons import files
from ddim_lessons.ddim import ddim_sample
from ddim_lessons.detection.detector import Detector
from ddim_lessons.learning import device, training, weights
from ddim_lessons.learning.networks import TARGETS, DigitUNet, PointMLP, eps_fn
from ddim_lessons.learning.training import Run, fit, load_run, save_run
from ddim_lessons.learning.weights import WeightsError, load_model, load_weights, save_model
from ddim_lessons.metrics import frechet_distance, noise_floor, sliced_w2
from ddim_lessons.oracle import GaussianMixture
from ddim_lessons.schedules import make_tau
from ddim_lessons.toy_data import DATA_SETS, data_set, load_digits

DATA = data_set("moons")
POINTS = DATA.sample(2_000, np.random.default_rng(0))


pytestmark = pytest.mark.usefixtures("one_thread")


def tiny(target="v", **network):
    torch.manual_seed(0)
    return PointMLP(**{"dim": 2, "width": 16, "target": target} | network)


def tiny_run(steps=40, **settings):
    return Run(tiny(), POINTS, steps=steps, batch=32, device="cpu", **settings)


def state(run):
    """Everything of a run as bytes: weights, average, optimizer, generator, position."""
    moments = run.optimizer.state_dict()["state"]
    tensors = [*run.model.parameters(), *run.average.parameters(), run.generator.get_state()]
    tensors += [moments[number][key] for number in moments for key in sorted(moments[number])]
    return run.step, b"".join(tensor.detach().numpy().tobytes() for tensor in tensors)


def finished(run, **options):
    for _ in fit(run, **options):
        pass
    return state(run)


# --- it learns ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_a_few_hundred_steps_beat_the_best_linear_denoiser(target):
    run = Run(tiny(target, width=48), POINTS, steps=400, batch=128, lr=1e-2, device="cpu")
    reports = list(fit(run, every=100))
    assert reports[-1].loss < reports[0].loss
    gaussian = GaussianMixture([DATA.mean()], np.sqrt(DATA.variance().mean()))
    alpha_bar, rng = run.model.schedule, np.random.default_rng(1)
    for t in (100, 300):
        x_t = alpha_bar[t] ** 0.5 * DATA.sample(2000, rng) + (1 - alpha_bar[t]) ** 0.5 * rng.standard_normal((2000, 2))
        exact = DATA.eps(x_t, alpha_bar[t])
        learned, linear = eps_fn(run.average)(x_t, t), gaussian.eps(x_t, alpha_bar[t])
        assert np.mean((learned - exact) ** 2) < 0.5 * np.mean((linear - exact) ** 2), t


def test_digits_train_too():
    x0 = np.random.default_rng(0).choice([-1.0, 1.0], (50, 1)) * np.ones(64)
    torch.manual_seed(0)
    reports = list(fit(Run(DigitUNet(4), x0, steps=80, batch=16, lr=1e-2, power=1, device="cpu"), every=20))
    assert reports[-1].loss < 0.8 * reports[0].loss


def test_progress_counts_every_step_and_reads_well():
    reports = list(fit(tiny_run(steps=25), every=10))
    assert [report.step for report in reports] == [10, 20, 25]
    assert str(reports[1]).startswith("████████████████···· 20/25  loss ")
    assert all(report.rate > 0 and report.seconds_left >= 0 for report in reports)
    assert reports[-1].seconds_left == 0
    assert len(list(fit(tiny_run(steps=250)))) == 125


def test_training_is_repeatable_and_depends_on_the_seed():
    assert finished(tiny_run(seed=1)) == finished(tiny_run(seed=1), every=7) != finished(tiny_run(seed=2))


def test_times_cover_all_of_1_to_T_and_prefer_small_ones():
    for power, share in ((1.0, 0.25), (2.0, 0.5)):
        t = Run(tiny(), POINTS, batch=4000, power=power, device="cpu").draw()[1]
        assert t.min() == 1 and 990 < t.max() <= 1000
        assert abs((t <= 250).float().mean() - share) < 0.01


def test_the_learning_rate_rises_then_falls_to_nothing():
    rates = [training.learning_rate(step, 1000, 0.1) for step in range(1000)]
    assert rates[0] == pytest.approx(0.002) and rates[-1] < 1e-6 and max(rates) < 0.1
    assert np.argmax(rates) == 49 and all(np.diff(rates[50:]) < 0)


def test_the_average_lags_behind_the_weights():
    run = tiny_run(steps=200, decay=0.9)
    weights = []
    for _ in fit(run, every=1):
        weights.append(run.model.out.bias.detach().clone())
    shares = np.array([min(0.9, step / (9 + step)) for step in range(1, 201)])
    expected = torch.zeros(2)
    for weight, share in zip(weights, shares, strict=True):
        expected = share * expected + (1 - share) * weight
    left_of_start = shares.prod() * tiny().out.bias.detach()
    assert torch.allclose(run.average.out.bias, expected + left_of_start, atol=1e-5)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"steps": 0}, "steps is 0, but must be a whole number from 1 to 100000000"),
        ({"batch": 1.5}, "batch is 1.5"),
        ({"lr": -1.0}, "lr is -1.0"),
        ({"decay": 2.0}, "decay is 2.0, but must be a number from 0 to 1"),
        ({"power": -1}, "power is -1, but must be a finite number of at least 0"),
        ({"x0": np.zeros((3, 5))}, r"x0's shape is \(3, 5\), but must be \(n, 2\)"),
        ({"x0": np.zeros((0, 2))}, r"x0's shape is \(0, 2\)"),
        ({"x0": np.full((3, 2), np.nan)}, "x0 contains NaN"),
    ],
)
def test_wrong_settings_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        Run(**{"model": tiny(), "x0": POINTS, "device": "cpu"} | change)


def test_a_diverging_run_says_so_and_leaves_the_checkpoint_alone(tmp_path):
    run, path = tiny_run(), tmp_path / "run.safetensors"
    save_run(run, path)
    before = path.read_bytes()
    with torch.no_grad():
        run.model.out.bias.fill_(float("inf"))
    with pytest.raises(FloatingPointError, match="try a smaller lr than 0.005"):
        next(fit(run, path, save_seconds=0))
    assert path.read_bytes() == before


def test_networks_and_data_move_together():
    run = tiny_run()
    run.to(torch.device("meta"))
    tensors = [*run.model.parameters(), *run.average.parameters(), run.x0]
    assert {tensor.device.type for tensor in tensors} == {"meta"}


def test_the_device_has_a_name():
    assert device.pick_device().type in ("cuda", "mps", "cpu")
    assert device.device_in_words("cpu") == "the processor (CPU)"
    assert device.device_in_words(device.pick_device())


# --- it stops and continues --------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop_after", [0, 1, 3])
def test_resuming_continues_bit_for_bit(tmp_path, stop_after):
    path = tmp_path / "run.safetensors"
    run = tiny_run()
    if stop_after:
        for _ in islice(fit(run, every=7), stop_after):
            pass
    save_run(run, path)
    resumed = load_run(path, POINTS, device="cpu")
    assert state(resumed) == state(run)
    assert finished(resumed) == finished(run) == finished(tiny_run())


def test_leaving_the_loop_saves_and_the_same_run_continues(tmp_path):
    run, path = tiny_run(), tmp_path / "run.safetensors"
    for progress in fit(run, path, every=10, save_seconds=1e9):
        if progress.step == 20:
            break
    assert load_run(path, POINTS, device="cpu").step == 20
    assert finished(run, path=path) == finished(tiny_run()) == state(load_run(path, POINTS, device="cpu"))


def test_the_stop_button_waits_until_no_step_is_half_done(tmp_path, monkeypatch):
    run, path, draw = tiny_run(), tmp_path / "run.safetensors", Run.draw
    before = signal.getsignal(signal.SIGINT)

    def press_stop_in_step_13(run):
        if run.step == 13:
            os.kill(os.getpid(), signal.SIGINT)
        return draw(run)

    monkeypatch.setattr(Run, "draw", press_stop_in_step_13)
    with pytest.raises(KeyboardInterrupt):
        for _ in fit(run, path, every=10, save_seconds=1e9):
            pass
    monkeypatch.undo()
    resumed = load_run(path, POINTS, device="cpu")
    assert resumed.step == run.step == 20
    assert finished(resumed) == finished(tiny_run())
    assert signal.getsignal(signal.SIGINT) is before


def test_a_checkpoint_refuses_other_data(tmp_path):
    path = tmp_path / "run.safetensors"
    save_run(tiny_run(), path)
    with pytest.raises(WeightsError, match="was trained on other data than x0"):
        load_run(path, POINTS + 1e-3, device="cpu")


KILL = """
import os, random, signal, sys, time
import numpy as np, torch
from ddim_lessons.learning.networks import PointMLP
from ddim_lessons.learning.training import Run, fit, load_run, save_run
path, kills = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(1)
torch.manual_seed(0)
x0 = np.random.default_rng(0).standard_normal((500, 2))
save_run(Run(PointMLP(width=4), x0, steps=100_000, batch=4, device="cpu"), path)
rng, steps = random.Random(0), [0]
for _ in range(kills):
    child = os.fork()
    if child == 0:
        for _ in fit(load_run(path, x0, device="cpu"), path, every=1, save_seconds=0):
            pass
    time.sleep(rng.uniform(0.01, 0.12))
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    steps.append(load_run(path, x0, device="cpu").step)
print(*steps)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_kill_9_at_20_random_moments_never_breaks_a_file(tmp_path):
    path = tmp_path / "run.safetensors"
    command = [sys.executable, "-c", KILL, str(path), "20"]
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert result.returncode == 0, result.stderr
    steps = [int(step) for step in result.stdout.split()]
    assert len(steps) == 21 and steps == sorted(steps)  # a kill may come before the first step, never lose one
    x0 = np.random.default_rng(0).standard_normal((500, 2))
    torch.manual_seed(0)
    unbroken = Run(PointMLP(width=4), x0, steps=100_000, batch=4, device="cpu")
    list(islice(fit(unbroken, every=1), steps[-1]))
    assert state(load_run(path, x0, device="cpu")) == state(unbroken)


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
def test_a_save_that_dies_leaves_the_file_before(tmp_path, monkeypatch, call):
    run, path = tiny_run(), tmp_path / "run.safetensors"
    save_run(run, path)
    before = state(run)
    next(fit(run))
    with monkeypatch.context() as patch:
        owner = files.os if call != "open" else __import__("builtins")
        patch.setattr(owner, call, lambda *_: (_ for _ in ()).throw(OSError("no space left")))
        with pytest.raises(OSError, match="no space left"):
            save_run(run, path)
    assert state(load_run(path, POINTS, device="cpu")) == before
    save_run(run, path)
    assert state(load_run(path, POINTS, device="cpu")) == state(run)


# --- files -------------------------------------------------------------------------------------------------------


def test_weights_come_back_as_they_were_saved(tmp_path):
    for model in (tiny(), DigitUNet(4)):
        save_model(model, tmp_path / "exact.safetensors")
        twin = load_model(tmp_path / "exact.safetensors")
        assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))
        save_model(model, tmp_path / "half.safetensors", {"data": "moons", "metrics": {"w2": 1.5}}, half=True)
        twin = load_model(tmp_path / "half.safetensors")
        assert all(torch.equal(a.half().float(), b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))
        card = json.loads((tmp_path / "half.json").read_text())
        assert card.pop("sha256") == sha256((tmp_path / "half.safetensors").read_bytes()).hexdigest()
        assert card == twin.card and card["data"] == "moons" and card["arguments"] == model.arguments


def edited(path, change):
    """Change the bytes of a file in place."""
    path.write_bytes(change(bytearray(path.read_bytes())))


def flip(data, position):
    data[position] ^= 1
    return data


def forge(path, card=None, tensors=None):
    """Write a file whose checksum is right and whose contents do not go together."""
    old_card, old_tensors = weights.read_tensors(path, path.read_bytes(), "weights")
    weights.write_tensors(path, old_card | (card or {}), old_tensors | (tensors or {}))


DAMAGES = {
    "missing": (lambda path: path.unlink(), "moons.safetensors is not in the folder"),
    "empty": (lambda path: path.write_bytes(b""), "no safetensors file, or was cut short"),
    "truncated": (lambda path: edited(path, lambda data: data[:-10]), "no safetensors file, or was cut short"),
    "a flipped bit in the weights": (lambda path: edited(path, lambda data: flip(data, -5)), "is damaged: its sha256"),
    "a changed card": (lambda path: edited(path, lambda d: d.replace(b"linear", b"cosine")), "is damaged: its sha256"),
    "a pickle": (lambda path: path.write_bytes(pickle.dumps([1, 2])), "no safetensors file, or was cut short"),
    "foreign": (lambda path: save_file({"w": torch.ones(2)}, path), "weights of another project"),
    "a checkpoint": (lambda path: save_run(tiny_run(), path), "holds 'run' .* but 'weights' .* is needed"),
    "another format": (lambda path: forge(path, {"format": "ddim-lessons 9"}), "in the format 'ddim-lessons 9'"),
    "unknown network": (lambda path: forge(path, {"architecture": "Module"}), "is for a network 'Module'"),
    "unknown arguments": (lambda path: forge(path, {"arguments": {"w": 1}}), "arguments that PointMLP does not take"),
    "wrong shape": (lambda path: forge(path, tensors={"out.bias": torch.ones(3)}), r"out.bias of shape \(3,\)"),
    "one tensor too many": (lambda path: forge(path, tensors={"extra": torch.ones(3)}), "needs none"),
    "other arguments": (
        lambda path: forge(path, {"arguments": {"width": 8}}),
        r"of shape \(16,\), but PointMLP needs \(8,\)",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_bad_file_of_weights_is_refused_in_a_sentence(tmp_path, damage):
    path = tmp_path / "moons.safetensors"
    save_model(tiny(), path, {"data": "moons"})
    spoil, words = DAMAGES[damage]
    spoil(path)
    with pytest.raises(WeightsError, match=words):
        load_model(path)


def test_a_bad_checkpoint_is_refused_too(tmp_path):
    path = tmp_path / "run.safetensors"
    save_model(tiny(), path)
    with pytest.raises(WeightsError, match="holds 'weights' .* but 'run' .* is needed"):
        load_run(path, POINTS)
    save_run(tiny_run(), path)
    edited(path, lambda data: data[: len(data) // 2])
    with pytest.raises(WeightsError, match="was cut short"):
        load_run(path, POINTS)


def test_swapped_weights_are_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "DATA", tmp_path)
    monkeypatch.setattr(weights, "WEIGHTS", tmp_path / "weights")

    def list_files():
        found = {f"weights/{p.name}": sha256(p.read_bytes()).hexdigest() for p in (tmp_path / "weights").iterdir()}
        (tmp_path / "manifest.json").write_text(json.dumps(found))

    for name in ("moons", "swiss roll"):
        save_model(tiny(), weights.weights_path(name), {"data": name})
        list_files()
        assert load_weights(name).card["data"] == name
    os.replace(weights.weights_path("moons"), weights.weights_path("swiss roll"))
    with pytest.raises(files.DataError, match="swiss_roll.safetensors is damaged, or another file was put in its"):
        load_weights("swiss roll")
    list_files()
    with pytest.raises(WeightsError, match="swiss_roll.safetensors holds the weights for 'moons'"):
        load_weights("swiss roll")
    with pytest.raises(files.DataError, match="ring.safetensors' is not one of the files that came with the less"):
        load_weights("ring")


def test_nothing_is_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "exploded"),))

    path = tmp_path / "moons.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    torch.save(Bomb(), tmp_path / "moons.pt")
    for name in ("moons.safetensors", "moons.pt"):
        with pytest.raises(WeightsError):
            load_model(tmp_path / name)
    assert not (tmp_path / "exploded").exists()


def test_files_are_plain_safetensors_that_others_can_read(tmp_path):
    model = tiny()
    save_model(model, tmp_path / "m.safetensors")
    assert torch.equal(load_file(tmp_path / "m.safetensors")["out.bias"], model.out.bias)


# --- the weights that come with the lessons ----------------------------------------------------------------------


@pytest.mark.parametrize("name", [*DATA_SETS, "digits", "digit classifier", "detector"])
def test_the_weights_in_data_are_whole_and_as_good_as_promised(name):
    path = weights.weights_path(name)
    model, card = weights.stored(name, (*weights.NETWORKS, Detector)), json.loads(path.with_suffix(".json").read_text())
    assert card.pop("sha256") == sha256(path.read_bytes()).hexdigest() and card == model.card
    assert path.stat().st_size < 2_600_000
    assert {"data", "seconds", "device", "metrics", "architecture", "arguments"} <= set(card)
    if name in DATA_SETS:
        assert card["metrics"]["multiple"] < 1.5 and card["settings"]["seed"] == 0


@pytest.mark.parametrize("name", ["ring", "moons"])
def test_the_stored_points_are_near_the_noise_floor(name):
    model, data, distances = load_weights(name), data_set(name), []
    for draw in range(5):
        rng = np.random.default_rng(draw)
        x_T, tau = rng.standard_normal((2000, 2)), make_tau(model.T, 20)
        x = ddim_sample(x_T, eps_fn(model), model.schedule, tau)
        distances.append(sliced_w2(x, data.sample(2000, rng)))
    assert np.median(distances) < 2 * noise_floor(sliced_w2, data, 2000, np.random.default_rng(9))


def test_the_stored_digits_look_like_digits():
    model, classifier = load_weights("digits"), load_weights("digit classifier")
    x_T = np.random.default_rng(0).standard_normal((100, 64))
    x = ddim_sample(x_T, eps_fn(model), model.schedule, make_tau(model.T, 20))
    features, confidence = classifier.judge(x)
    truth = classifier.judge(load_digits()[0])[0]
    assert np.mean(confidence > 0.8) > 0.75
    noise = frechet_distance(truth, classifier.judge(x_T)[0])
    assert frechet_distance(truth, features) < noise / 20


# --- on CUDA -----------------------------------------------------------------------------------------------------


class Recording:
    """Stands for a Replay: takes the step plainly and keeps the numbers that it was called with."""

    def __init__(self, run, advance):
        self.run, self.advance, self.numbers = run, advance, []

    def __call__(self, lr, share):
        self.numbers.append((lr, share))
        return self.advance(self.run, lr, share)


def test_a_step_is_recorded_once_and_told_its_numbers(monkeypatch):
    monkeypatch.setattr(training, "_can_be_recorded", lambda run: True)
    monkeypatch.setattr(training, "Replay", Recording)
    recorded, plain = tiny_run(steps=20), tiny_run(steps=20)
    list(fit(recorded, every=7))
    monkeypatch.undo()
    list(fit(plain, every=7))
    assert len(recorded.replay.numbers) == 20 and len(set(recorded.replay.numbers)) == 20 and plain.replay is None
    assert all(
        torch.equal(a, b) for a, b in zip(recorded.average.parameters(), plain.average.parameters(), strict=True)
    )


def test_what_python_decides_is_never_recorded(monkeypatch):
    class Mine(Run):
        def loss(self):
            return super().loss() * (1 if self.step < 5 else 2)

    class Network(PointMLP):
        pass

    monkeypatch.setattr(torch.Tensor, "is_cuda", True)
    own = tiny_run()
    assert training._can_be_recorded(own)
    own.__class__ = Mine
    assert not training._can_be_recorded(own)
    assert not training._can_be_recorded(Run(Network(width=4), POINTS, steps=5, device="cpu"))
