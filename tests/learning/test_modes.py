"""What the reader has set torch to, and what state networks and data are in: training and sampling are the same, or
one sentence says what to do."""

from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import torch

from ddim_lessons.ddim import ddim_sample
from ddim_lessons.detection.detector import Detector, load_detector
from ddim_lessons.detection.sampling import detection_path, draw_codes, maps_of
from ddim_lessons.detection.shapes import draw_pictures
from ddim_lessons.detection.training import DetectionRun
from ddim_lessons.learning.networks import DigitClassifier, DigitUNet, PointMLP, eps_fn, network_states
from ddim_lessons.learning.quality import classifier
from ddim_lessons.learning.training import Run, fit, load_run, save_run
from ddim_lessons.learning.weights import load_model, load_weights, save_model

pytestmark = pytest.mark.usefixtures("one_thread")
POINTS = np.random.default_rng(0).standard_normal((64, 2))
PICTURES = np.random.default_rng(0).standard_normal((16, 64))
TAU = (10, 5, 0)


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def default_device(name):
    torch.set_default_device(name)
    try:
        yield
    finally:
        torch.set_default_device(None)


@contextmanager
def deterministic():
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


@contextmanager
def gradients_off():
    torch.set_grad_enabled(False)
    try:
        yield
    finally:
        torch.set_grad_enabled(True)


MODES = {
    "as torch starts": nullcontext,
    "float64": lambda: default_dtype(torch.float64),
    "float16": lambda: default_dtype(torch.float16),
    "bfloat16": lambda: default_dtype(torch.bfloat16),
    "device meta": lambda: default_device("meta"),
    "device cpu": lambda: default_device("cpu"),
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "gradients off": gradients_off,
    "deterministic": deterministic,
    "anomalies": lambda: torch.autograd.set_detect_anomaly(True, check_nan=False),
}


def trained(make=lambda: PointMLP(width=8, T=10), x0=POINTS):
    torch.manual_seed(0)
    run = Run(make(), x0, steps=4, batch=8, device="cpu")
    losses = [progress.loss for progress in fit(run, every=1)]
    return run, losses


def points(path):
    run, losses = trained()
    save_run(run, path / "run.safetensors")
    again = load_run(path / "run.safetensors", POINTS, device="cpu")
    save_model(run.average, path / "model.safetensors")
    model, x_T = load_model(path / "model.safetensors"), POINTS[:5]
    same = all(torch.equal(a, b) for a, b in zip(again.model.parameters(), run.model.parameters(), strict=True))
    sample = ddim_sample(x_T, eps_fn(model), model.schedule, TAU)
    states = network_states(model, torch.tensor(x_T, device="cpu"), TAU)
    return [losses, same, sample, states[-1].cpu().numpy(), *[p.detach().cpu().numpy() for p in model.parameters()]]


def digits(path):
    run, losses = trained(lambda: DigitUNet(channels=4, T=10), PICTURES)
    return [
        losses,
        eps_fn(run.average)(PICTURES[:3], 5),
        *classifier(PICTURES),
        eps_fn(load_weights("digits"))(PICTURES, 9),
    ]


def boxes(path):
    torch.manual_seed(0)
    run = DetectionRun(Detector(channels=8, width=16, stages=1, roi=2), steps=2, batch=2, device="cpu")
    losses = [progress.loss for progress in fit(run, every=1)]
    model, rng = load_detector(), np.random.default_rng(0)
    pictures = draw_pictures(rng, 1)
    visits = list(detection_path(model, maps_of(model, pictures), draw_codes(rng, 1, 8), (1000, 500, 0), rng=rng))
    return [losses, visits[-1].x0_hat.numpy()]


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    return {work: work(tmp_path_factory.mktemp("usual")) for work in (points, digits, boxes)}


@pytest.mark.parametrize("work", [points, digits, boxes])
@pytest.mark.parametrize("mode", MODES)
def test_no_mode_of_torch_changes_a_number(mode, work, usual, tmp_path):
    with MODES[mode]():
        found = work(tmp_path)
    for here, there in zip(found, usual[work], strict=True):
        assert np.array_equal(here, there), "a number differs"


@pytest.mark.parametrize("mode", MODES)
def test_the_reader_s_mode_is_there_again_afterwards(mode):
    with MODES[mode]():
        before = torch.get_default_dtype(), torch.is_grad_enabled(), torch.is_inference_mode_enabled()
        trained()
        assert (torch.get_default_dtype(), torch.is_grad_enabled(), torch.is_inference_mode_enabled()) == before


def test_a_mode_changed_between_making_and_training_is_none_either(usual):
    for mode in MODES.values():
        torch.manual_seed(0)
        run = Run(PointMLP(width=8, T=10), POINTS, steps=4, batch=8, device="cpu")
        loop, losses = fit(run, every=1), []
        for _ in range(4):
            with mode():
                losses.append(next(loop).loss)
        assert losses == usual[points][0]


# --- frozen, half and double networks, and those of other modes -----------------------------------------------------


def test_loaded_weights_are_trained_on(tmp_path):
    before = load_weights("moons")
    run = Run(load_weights("moons"), POINTS, steps=3, batch=8, device="cpu")
    list(fit(run, tmp_path / "run.safetensors"))
    assert any(not torch.equal(a, b) for a, b in zip(run.model.parameters(), before.parameters(), strict=True))
    assert all(weight.requires_grad for weight in run.model.parameters())
    again = load_run(tmp_path / "run.safetensors", POINTS, device="cpu")
    assert all(weight.requires_grad for weight in again.model.parameters())


def test_weights_that_the_reader_froze_stay_frozen_also_after_a_checkpoint(tmp_path):
    model = load_weights("moons").requires_grad_(True)
    model.points.requires_grad_(False)
    first, last = model.points.weight.clone(), model.out.weight.clone()
    run = Run(model, POINTS, steps=6, batch=8, device="cpu")
    next(fit(run, every=3))
    save_run(run, tmp_path / "run.safetensors")
    again = load_run(tmp_path / "run.safetensors", POINTS, device="cpu")
    for continued in (run, again):
        list(fit(continued))
        assert torch.equal(continued.model.points.weight, first) and not torch.equal(continued.model.out.weight, last)
    for a, b in zip(run.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_double_network_trains_and_samples_in_64_bits():
    run, losses = trained(lambda: PointMLP(width=8, T=10).double())
    assert run.x0.dtype == torch.float64 and np.isfinite(losses).all()
    fine = eps_fn(run.average)(POINTS, 5)
    assert 0 < abs(fine - eps_fn(run.average.float())(POINTS, 5)).max() < 1e-5
    assert network_states(run.average.double(), torch.tensor(POINTS), TAU)[-1].dtype == torch.float64


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_half_network_answers_to_its_rounding_and_is_not_trained(dtype):
    model = load_weights("moons")
    right = eps_fn(model)(POINTS, 500)
    assert (
        abs(eps_fn(model.to(dtype))(POINTS, 500) - right).max() < 0.1 and eps_fn(model)(POINTS, 5).dtype == np.float64
    )
    with pytest.raises(ValueError, match=f"model has {dtype} weights, but must have 32 or 64 bits"):
        Run(model, POINTS)


def test_a_network_of_inference_mode_is_named():
    with torch.inference_mode():
        model = PointMLP(width=8, T=10).double()
    with pytest.raises(ValueError, match="model has weights made in torch.inference_mode"):
        Run(model, POINTS)


def test_modes_of_the_network_itself_change_nothing(usual):
    for mode in (torch.nn.Module.eval, torch.nn.Module.train):
        assert trained(lambda mode=mode: mode(PointMLP(width=8, T=10)))[1] == usual[points][0]


def test_a_classifier_of_64_bits_judges():
    assert np.allclose(DigitClassifier(8, 4).double().judge(PICTURES)[1].sum(), 1.6, atol=1.6)


# --- data in other states --------------------------------------------------------------------------------------------


def graph(x):
    return x.requires_grad_(True) * 1.0


def inference(x):
    with torch.inference_mode():
        return x * 1.0


DATA = {
    "a tensor": lambda x: x,
    "with a gradient": lambda x: x.requires_grad_(True),
    "out of a graph": graph,
    "out of inference_mode": inference,
    "half": lambda x: x.half(),
    "a parameter": torch.nn.Parameter,
    "not contiguous": lambda x: x.repeat_interleave(2, dim=0)[::2],
}


@pytest.mark.parametrize("state", DATA)
def test_data_in_any_state_are_copied_and_trained_on(state, usual):
    x0 = DATA[state](torch.tensor(POINTS, dtype=torch.float32))
    run, losses = trained(x0=x0)
    assert np.allclose(losses, usual[points][0], rtol=1e-2 if state == "half" else 1e-12)
    assert not run.x0.requires_grad and not run.x0.is_inference()
    assert not x0.is_leaf or x0.grad is None
    kept = run.x0.clone()
    with torch.inference_mode() if x0.is_inference() else torch.no_grad():
        x0 *= 0
    assert torch.equal(run.x0, kept)


@pytest.mark.parametrize("x0, words", [
    (torch.empty(64, 2, device="meta"), "x0 is on the device 'meta'"),
    (torch.ones(64, 2) * 1j, "x0 has dtype torch.complex64"),
    (np.ma.masked_less(POINTS, 0), "x0 has masked values"),
    (np.full((64, 2), np.nan), "x0 contains NaN"),
])  # fmt: skip
def test_data_that_are_none_are_refused_without_changing_the_network(x0, words):
    model = load_weights("moons")
    with pytest.raises(ValueError, match=words):
        Run(model, x0)
    assert not any(weight.requires_grad for weight in model.parameters())


@pytest.mark.parametrize("scale, shift", [(73.9, 127.0), (1e-3, 0.0), (1.0, 1e3)])
def test_data_that_are_not_scaled_get_a_word_with_the_way_out(scale, shift, capsys):
    x0 = POINTS * scale + shift
    Run(PointMLP(width=8, T=10), x0, device="cpu")
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert f"x0 has mean {x0.mean():.4g} and standard deviation {x0.std():.4g}" in said
    assert f"Train on (x0 - {x0.mean():.4g}) / {x0.std():.4g}" in said
    Run(PointMLP(width=8, T=10), (x0 - x0.mean()) / x0.std(), device="cpu")
    assert capsys.readouterr().out == ""


def test_a_device_without_numbers_is_none():
    with pytest.raises(ValueError, match="device is 'meta', but must be a device of this machine"):
        Run(PointMLP(width=8, T=10), POINTS, device="meta")


# --- what can be saved -----------------------------------------------------------------------------------------------


class Mine(PointMLP):
    """A reader's own network."""


def test_a_network_that_no_file_rebuilds_is_refused_before_it_is_trained(tmp_path):
    run = Run(Mine(width=8, T=10), POINTS, steps=2, device="cpu")
    with pytest.raises(ValueError, match="model is 'a Mine', but must be of a class of this package to be saved"):
        next(fit(run, tmp_path / "run.safetensors"))
    with pytest.raises(ValueError, match="model is 'a Mine'"):
        save_model(run.model, tmp_path / "model.safetensors")
    assert run.step == 0 and not list(tmp_path.iterdir()) and len(list(fit(run))) == 2


@pytest.mark.parametrize("model", [torch.nn.Linear(2, 2), lambda x, t: x, "moons", None])
def test_a_network_of_another_kind_is_told_the_signature(model):
    with pytest.raises(ValueError, match=r"embed\(features\) and body\(x, time\)"):
        Run(model, POINTS)


def test_settings_and_facts_of_numpy_are_saved(tmp_path):
    numbers = {"steps": np.int64(3), "batch": np.uint8(8), "lr": np.float32(0.01), "decay": np.float16(0.5)}
    run = Run(
        PointMLP(width=np.int16(8), T=np.int64(10)),
        POINTS,
        **numbers,
        power=np.array(2.0),
        seed=np.uint64(7),
        device="cpu",
    )
    assert {type(value) for value in run.settings.values()} == {int, float}
    list(fit(run, tmp_path / "run.safetensors"))
    assert load_run(tmp_path / "run.safetensors", POINTS, device="cpu").settings == run.settings
    facts = {"a": np.float32(1.5), "b": np.arange(3), "c": torch.tensor(2), "d": tmp_path, "e": np.bool_(True)}
    save_model(run.model, tmp_path / "model.safetensors", facts)
    card = load_model(tmp_path / "model.safetensors").card
    assert [card[key] for key in "abcde"] == [1.5, [0, 1, 2], 2, str(tmp_path), True]
    with pytest.raises(ValueError, match="a fact is"):
        save_model(run.model, tmp_path / "other.safetensors", {"f": object()})


def test_the_stop_button_is_never_answered_by_another_error(tmp_path):
    run = Run(PointMLP(width=8, T=10), POINTS, steps=np.int64(50), batch=np.int32(8), seed=np.int64(1), device="cpu")
    loop = fit(run, tmp_path / "run.safetensors", every=np.int64(5), save_seconds=np.float32(1e6))
    next(loop)
    with pytest.raises(KeyboardInterrupt):
        loop.throw(KeyboardInterrupt)
    assert load_run(tmp_path / "run.safetensors", POINTS, device="cpu").step == 5
