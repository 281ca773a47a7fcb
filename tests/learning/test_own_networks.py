"""Networks of one's own: every convention is understood or named, and diffusers' samplers agree; files by name."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ddim_lessons.ddim import ddim_states
from ddim_lessons.learning.networks import TARGETS, PointMLP, make_target, network_states
from ddim_lessons.learning.own import (
    TIMES,
    OwnNetwork,
    as_data,
    diffusers_tau,
    from_diffusers,
    load_own,
    own_network,
    own_run,
    own_states,
    pair_states,
    save_own,
)
from ddim_lessons.learning.quality import measure_with_error, sample_case
from ddim_lessons.learning.training import fit
from ddim_lessons.own import own_data
from ddim_lessons.schedules import make_tau, own_schedule

pytestmark = pytest.mark.usefixtures("one_thread")
OWN = own_data(np.random.default_rng(0).standard_normal((60, 2)), "mine")
X_T = np.random.default_rng(1).standard_normal((40, 2)).astype(np.float32)
TAU = make_tau(1000, 10)


def exact_as(predicts, time, data=OWN):
    """The exact denoiser as somebody else's function of that convention."""
    told = np.array([TIMES[time](t, data.alpha_bar) for t in range(1, len(data.alpha_bar))])

    def call(x, times):
        assert times.shape == (len(x),)
        a = data.alpha_bar[1 + int(np.argmin(abs(told - times[0])))]
        return make_target(data.x0(x, a), data.eps(x, a), a, predicts)

    return call


@pytest.mark.parametrize("predicts, time", product(TARGETS, TIMES))
def test_every_convention_walks_the_exact_path_and_a_wrong_one_is_told_the_right_one(predicts, time):
    call = exact_as(predicts, time)
    net = own_network(call, OWN, predicts, time)
    theirs = list(ddim_states(X_T, OWN.eps_fn(OWN.alpha_bar), OWN.alpha_bar, TAU, 0.5, np.random.default_rng(2)))
    ours = net.states(X_T, TAU, 0.5, np.random.default_rng(2))
    assert max(abs(a - b).max() for a, b in zip(ours, theirs, strict=True)) < 1e-3 and "fits" in net.said
    other = TARGETS[(TARGETS.index(predicts) + 1) % 3]
    with pytest.raises(ValueError, match=f"predicts='{predicts}' with time='{time}' fits best"):
        own_network(call, OWN, other, time)


def test_a_time_that_is_off_by_one_is_noticed_where_it_matters():
    data = OWN.on_schedule(own_schedule("cosine", T=20))
    with pytest.raises(ValueError, match="time='0..T-1' fits best"):
        own_network(exact_as("eps", "0..T-1", data), data, "eps", "1..T")


class Module(torch.nn.Module):
    """An untrained network of other people: 32 bits, an answer with a ``sample``."""

    def __init__(self, answer):
        super().__init__()
        self.weight, self.answer = torch.nn.Parameter(torch.zeros(1)), answer

    def forward(self, x, times):
        assert isinstance(x, torch.Tensor) and x.dtype == torch.float32 and len(times) == len(x)
        return SimpleNamespace(sample=self.answer(x, times))


def test_a_module_gets_tensors_and_an_untrained_one_is_said_to_fit_nothing():
    net = own_network(Module(lambda x, t: 3 + 0 * x), OWN)
    assert "is it trained?" in net.said and net(X_T, 5).dtype == np.float32
    assert own_network(
        Module(lambda x, t: x * 9), own_data(np.random.default_rng(0).random((9, 4, 4))), shape=(1, 4, 4)
    )


BAD = {
    "NaN": (lambda x, t: x * np.nan, "NaN or infinity at t = 1000"),
    "shape": (lambda x, t: x[:, :1], "shape of your network's answer"),
    "raises": (lambda x, t: {}["key"], "your network raised KeyError"),
    "a module's shape": (Module(lambda x, t: x.T), "shape of your network's answer"),
    "texts": (lambda x, t: np.full(x.shape, "a"), "real numbers"),
    "arguments": (lambda x: x, "your network raised TypeError"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_network_that_fails_is_a_sentence(name):
    call, words = BAD[name]
    with pytest.raises(ValueError, match=words):
        own_network(call, OWN)


def test_a_copy_is_kept_so_that_more_training_changes_nothing_that_is_shown():
    module = Module(lambda x, t: 0 * x)
    held = OWN.with_network(OwnNetwork(module, OWN.alpha_bar))
    module.weight.data += 1
    assert held.network.call.weight == 0
    assert held != OWN and held == held and OWN.with_network(OwnNetwork(module, OWN.alpha_bar)) != held


# --- schedules -------------------------------------------------------------------------------------------------------

SCHEDULES = {"cosine, T = 50": own_schedule("cosine", T=50), "no signal left": own_schedule(np.linspace(1, 0, 41)),
             "sigmas": own_schedule(sigmas=np.geomspace(0.002, 80, 30))}  # fmt: skip


@pytest.mark.parametrize("name", SCHEDULES)
def test_training_sampling_and_files_follow_an_own_schedule(name, tmp_path):
    data = OWN.on_schedule(SCHEDULES[name])
    run = own_run(data, steps=3, width=8, batch=16)
    for progress in fit(run):
        assert np.isfinite(progress.loss)
    trained, tau = as_data(run), make_tau(len(data.alpha_bar) - 1, 8)
    assert np.array_equal(trained.alpha_bar, SCHEDULES[name])
    for denoiser in ("exact", "trained"):
        assert np.isfinite(own_states(trained, denoiser, X_T, tau, 1.0, np.random.default_rng(0))[-1]).all()
    save_own(run, tmp_path / "mine")
    again = load_own(tmp_path / "mine")
    assert again.key[0] == trained.key[0] and again.said == data.said and str(again) == "mine"
    ends = [own_states(data, "trained", X_T, tau, 0.0, None)[-1] for data in (trained, again)]
    assert np.array_equal(*ends)


def test_pairs_walk_the_network_s_path():
    torch.manual_seed(0)
    for target in TARGETS:
        model = PointMLP(width=8, target=target)
        pair = OwnNetwork(model, model.schedule, target).pair
        ours = pair_states(X_T, pair, model.schedule, TAU, 1.0, np.random.default_rng(0))
        theirs = network_states(model, X_T, TAU, 1.0, np.random.default_rng(0))
        assert np.allclose(ours[-1], theirs[-1], rtol=1e-3, atol=1e-3 * abs(ours[-1]).max())


def test_at_no_signal_epsilon_is_refused_and_the_exact_answer_is_the_mean():
    end = SCHEDULES["no signal left"]
    for make in (lambda: PointMLP(target="eps", schedule=end), lambda: OwnNetwork(lambda x, t: x, end, "eps")):
        with pytest.raises(ValueError, match="ᾱ_T = 0"):
            make()
    one_jump = own_states(OWN.on_schedule(end), "exact", X_T, (40, 0), 0.0, None)[-1]
    assert np.allclose(one_jump, OWN.mean(), atol=1e-6)
    with pytest.raises(ValueError, match="eta is 9"):
        own_states(OWN.on_schedule(end), "exact", X_T, (40, 20, 0), 9.0, np.random.default_rng(0))


# --- a training, files, quality --------------------------------------------------------------------------------------


def test_waves_let_a_word_be_read_after_a_short_training():
    word = own_data("Hi")
    shares = []
    for waves in (0, 4):
        run = own_run(word, steps=400, batch=256, waves=waves)
        for _ in fit(run):
            pass
        x_T = np.random.default_rng(0).standard_normal((1000, 2))
        shares.append(word.in_ink(own_states(as_data(run), "trained", x_T, make_tau(1000, 20), 0.0, None)[-1]))
    assert shares[0] + 0.03 < shares[1] > 0.8


def test_own_data_without_a_network_say_so_and_are_saved_too(tmp_path):
    with pytest.raises(ValueError, match="no network was trained on “mine”"):
        own_states(OWN, "trained", X_T, TAU, 0.0, None)
    save_own(own_data("o"), tmp_path / "o.safetensors")
    assert load_own(tmp_path / "o") == own_data("o")
    with pytest.raises(ValueError, match="torch.save"):
        save_own(OWN.with_network(OwnNetwork(lambda x, t: x, OWN.alpha_bar)), tmp_path / "no")
    with pytest.raises(ValueError, match="file is not in|is not in the folder"):
        load_own(tmp_path / "nowhere")


def test_quality_judges_own_data_on_its_own_schedule():
    data = OWN.on_schedule(own_schedule("cosine", T=50))
    parts = [sample_case(data, "exact", 50, "0", seed, n=300) for seed in range(3)]
    (distance, off, covered), errors = measure_with_error(data, parts)
    assert 0 < distance < 0.3 and off < 0.2 and covered > 0.8 and errors.shape == (3,)


# --- diffusers -------------------------------------------------------------------------------------------------------


def in_64_bits(scheduler):
    """Let diffusers compute with its schedule in 64 bits: in 32 its own rounding is what would be seen."""
    scheduler.alphas_cumprod = scheduler.alphas_cumprod.double()
    one = scheduler.config.set_alpha_to_one
    scheduler.final_alpha_cumprod = torch.ones((), dtype=torch.float64) if one else scheduler.alphas_cumprod[0]
    return scheduler


@pytest.fixture(scope="module")
def unet():
    diffusers = pytest.importorskip("diffusers", reason="diffusers is not installed: pip install diffusers")
    torch.manual_seed(0)
    small = dict(layers_per_block=1, block_out_channels=(8, 16), norm_num_groups=4)
    blocks = dict(down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2)
    return diffusers.UNet2DModel(sample_size=8, in_channels=1, out_channels=1, **small, **blocks).double().eval()


CLIPS = {"plain": {"clip_sample": False}, "clipped, ends at time 1": {"clip_sample": True, "set_alpha_to_one": False}}


@pytest.mark.parametrize("spacing, S, clip", product(("leading", "trailing"), (5, 20), CLIPS))
def test_a_diffusers_network_walks_as_diffusers_ddim_does(unet, spacing, S, clip):
    from diffusers import DDIMScheduler

    x_T = np.random.default_rng(0).standard_normal((2, 64))
    for prediction, eta in product(("epsilon", "sample", "v_prediction"), (0.0, 1.0)):
        scheduler = in_64_bits(DDIMScheduler(prediction_type=prediction, timestep_spacing=spacing, **CLIPS[clip]))
        ours = from_diffusers(unet, scheduler).states(x_T, diffusers_tau(scheduler, S), eta, np.random.default_rng(1))
        x, rng, theirs = torch.tensor(x_T).reshape(2, 1, 8, 8), np.random.default_rng(1), [x_T]
        with torch.inference_mode():
            for t in scheduler.timesteps:
                z = torch.tensor(rng.standard_normal((2, 64))).reshape(x.shape)
                x = scheduler.step(unet(x, t).sample, t, x, eta=eta, variance_noise=z).prev_sample
                theirs.append(x.numpy().reshape(2, 64))
        size = max(abs(x).max() for x in theirs)
        assert max(abs(a - b).max() for a, b in zip(ours, theirs, strict=False)) < 1e-6 * size


def pretended(**settings):
    """What is read of a diffusers scheduler, without diffusers."""
    known = dict(prediction_type="v_prediction", clip_sample=True, clip_sample_range=2.0, num_train_timesteps=10)
    config = SimpleNamespace(**known | dict(set_alpha_to_one=True, timestep_spacing="trailing") | settings)
    return SimpleNamespace(
        config=config,
        alphas_cumprod=torch.linspace(0.9, 0.1, 10),
        timesteps=torch.tensor(settings.get("timesteps", [9, 4])),
        set_timesteps=lambda S: None,
    )


def test_a_scheduler_is_read_right():
    model = Module(lambda x, t: 0 * x + t[:, None, None, None])
    model.config = SimpleNamespace(in_channels=1, sample_size=2)
    net = from_diffusers(model, pretended())
    x0_hat, eps_hat = net.pair(np.ones((3, 4), np.float32), 3)  # told 2, so v = 2
    a = 0.9 - 0.8 * 2 / 9
    assert np.allclose(x0_hat, a**0.5 - 2 * (1 - a) ** 0.5) and np.allclose(eps_hat, 2 * a**0.5 + (1 - a) ** 0.5)
    assert diffusers_tau(pretended(), 2) == (10, 5, 0)
    assert diffusers_tau(pretended(timesteps=[9, 4], set_alpha_to_one=False), 2) == (10, 5, 1)
    for settings, words in [({"prediction_type": "flow"}, "prediction_type"), ({"thresholding": True}, "thresholding")]:
        with pytest.raises(ValueError, match=words):
            from_diffusers(model, pretended(**settings))
    with pytest.raises(ValueError, match="S is 3"):
        diffusers_tau(pretended(timesteps=[9, 6, 2]), 3)
