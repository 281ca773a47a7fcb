"""The networks: shapes, types, conversions between targets, and the function that samplers take."""

import numpy as np
import pytest
import torch

from ddim_lessons.ddim import add_noise, ddim_path, ddim_sample, ddim_states, predict_eps, predict_x0
from ddim_lessons.learning.networks import (
    TARGETS,
    DigitClassifier,
    DigitUNet,
    PointMLP,
    eps_fn,
    make_target,
    network_states,
    time_features,
    to_eps,
)
from ddim_lessons.metrics import frechet_distance
from ddim_lessons.schedules import SCHEDULES, alpha_bar_schedule, make_tau


def networks(target="v", schedule="linear", T=1000):
    """One network of each kind with random weights, the same at every call."""
    torch.manual_seed(0)
    return [PointMLP(2, 16, 3, target, schedule, T), DigitUNet(4, target, schedule, T)]


def points(model, n=7, dtype=np.float64):
    return np.random.default_rng(1).standard_normal((n, model.dim)).astype(dtype)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("value", [np.float64, torch.float64])
def test_each_target_gives_back_the_noise_and_the_clean_sample(target, value):
    rng = np.random.default_rng(0)
    x0, noise, alpha_bar_t = rng.standard_normal((5, 3)), rng.standard_normal((5, 3)), rng.uniform(0.01, 0.99, (5, 1))
    if value is torch.float64:
        x0, noise, alpha_bar_t = (torch.tensor(array) for array in (x0, noise, alpha_bar_t))
    x_t = add_noise(x0, noise, alpha_bar_t)
    eps = to_eps(make_target(x0, noise, alpha_bar_t, target), x_t, alpha_bar_t, target)
    assert abs(eps - noise).max() < 1e-12
    assert abs(predict_x0(x_t, eps, alpha_bar_t) - x0).max() < 1e-11
    assert abs(predict_eps(x_t, x0, alpha_bar_t) - eps).max() < 1e-11


def test_an_unknown_target_is_named():
    with pytest.raises(ValueError, match="target is 'score', but must be one of 'eps', 'x0', 'v'"):
        PointMLP(target="score")
    for function in (make_target, to_eps):
        with pytest.raises(ValueError, match="target is 'score'"):
            function(0.0, 0.0, 0.5, "score")


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_time_features_tell_all_times_apart(schedule):
    alpha_bar = alpha_bar_schedule(schedule)
    table = time_features(alpha_bar)
    assert table.shape == (1001, 8) and table.dtype == torch.float32
    assert torch.isfinite(table).all() and table.abs().max() <= 1
    assert torch.equal(table[0], table[1])
    gap = torch.pdist(table[1::10].double())
    assert gap.min() > 1e-3


@pytest.mark.parametrize("number", [0, 1])
def test_forward_keeps_shape_and_takes_one_time_or_one_for_each_row(number):
    model = networks()[number]
    x, t = torch.tensor(points(model), dtype=torch.float32), torch.tensor([0, 1, 2, 30, 400, 999, 1000])
    together = model(x, t)
    assert together.shape == x.shape and together.dtype == torch.float32
    one_by_one = torch.cat([model(row[None], time) for row, time in zip(x, t, strict=True)])
    assert torch.allclose(together, one_by_one, atol=1e-5)
    assert torch.equal(together, model(x, t))


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("target", TARGETS)
def test_the_table_of_all_times_equals_the_direct_embedding(number, target):
    model = networks(target)[number]
    eps_hat, x = eps_fn(model), points(model, dtype=np.float32)
    for t in (0, 1, 2, 500, 1000):
        direct = model.eps(torch.tensor(x), t).detach().numpy()
        scale = abs(direct).max()
        assert np.allclose(eps_hat(x, t), direct, rtol=2e-3, atol=1e-3 * scale), t
        assert np.isfinite(direct).all()
    times = torch.tensor([1, 2, 3, 10, 100, 500, 1000])
    rows = [model.eps(torch.tensor(x[i : i + 1]), int(t)) for i, t in enumerate(times)]
    assert torch.allclose(model.eps(torch.tensor(x), times), torch.cat(rows), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("number", [0, 1])
def test_eps_fn_gives_back_what_it_got(number):
    model = networks()[number]
    eps_hat = eps_fn(model)
    for dtype in (np.float32, np.float64):
        x = points(model, dtype=dtype)
        eps = eps_hat(x, np.int64(10))
        assert type(eps) is np.ndarray and eps.dtype == dtype and eps.shape == x.shape
    for dtype in (torch.float32, torch.float64):
        eps = eps_hat(torch.tensor(x, dtype=dtype), 10)
        assert eps.dtype == dtype and not eps.requires_grad
    assert np.array_equal(eps_hat(x, 10), eps_fn(model)(x, 10))


def test_eps_fn_keeps_the_table_of_when_it_was_made():
    model = networks()[0]
    eps_hat, x = eps_fn(model), points(model)
    before = eps_hat(x, 10)
    with torch.no_grad():
        model.embed.weight.add_(1.0)
    assert np.array_equal(eps_hat(x, 10), before) and not np.array_equal(eps_fn(model)(x, 10), before)


@pytest.mark.parametrize("t", [-1, 1001, 0.5, True])
def test_eps_fn_names_a_wrong_time(t):
    with pytest.raises(ValueError, match="t is .* but must be a whole number from 0 to 1000"):
        eps_fn(networks()[0])(np.zeros((1, 2)), t)


@pytest.mark.parametrize("number", [0, 1])
def test_samplers_run_on_numpy_and_torch_alike(number):
    model = networks("eps", T=100)[number]
    x_T, tau = points(model), make_tau(100, 5)
    path = list(ddim_path(x_T, eps_fn(model), model.schedule, tau, eta=0.5, rng=np.random.default_rng(2)))
    assert [moment.t for moment in path] == list(tau)
    x = ddim_sample(torch.tensor(x_T), eps_fn(model), model.schedule, tau, eta=0.5, rng=np.random.default_rng(2))
    assert np.allclose(path[-1].x, x.numpy(), rtol=1e-5)


def test_arguments_rebuild_a_network():
    for model in [*networks(), DigitClassifier(8, 4)]:
        twin = type(model)(**model.arguments)
        twin.load_state_dict(model.state_dict())
        x = torch.ones(3, getattr(model, "dim", 64))
        times = () if isinstance(model, DigitClassifier) else (torch.tensor([1, 2, 3]),)
        assert torch.equal(model(x, *times), twin(x, *times))


def test_the_classifier_judges_pictures():
    torch.manual_seed(0)
    features, confidence = DigitClassifier().judge(np.zeros((5, 64)))
    assert features.shape == (5, 32) and features.dtype == np.float64
    assert confidence.shape == (5,) and ((confidence > 0.1) & (confidence <= 1)).all()


def test_frechet_distance_of_known_gaussians():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((500, 4))
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(a, a + [3, 0, 0, 0]) == pytest.approx(9)
    shrunk = frechet_distance(a, 0.5 * a) - (0.5 * a.mean(axis=0)) @ (0.5 * a.mean(axis=0))
    assert shrunk == pytest.approx(0.25 * a.var(axis=0, ddof=1).sum())


# --- the fast sampler --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("eta", [0.0, 0.7])
def test_network_states_are_those_of_the_readable_sampler(target, eta):
    for network in networks(target):
        x_T, tau = np.random.default_rng(0).standard_normal((7, network.dim)), make_tau(1000, 6)
        start = torch.tensor(x_T, dtype=torch.float32)
        slow = ddim_states(start, eps_fn(network), network.schedule, tau, eta, np.random.default_rng(1))
        fast = network_states(network, x_T, tau, eta, np.random.default_rng(1))
        for a, b in zip(fast, slow, strict=True):
            assert torch.allclose(a, b, rtol=2e-4, atol=2e-4 * float(b.abs().max()))


def test_network_states_tells_bad_input():
    network = networks()[0]
    with pytest.raises(ValueError, match="x_T contains NaN"):
        list(network_states(network, np.full((2, 2), np.nan), (1000, 0)))
    with pytest.raises(ValueError, match="rng is None"):
        list(network_states(network, np.zeros((2, 2)), (1000, 0), eta=1.0))
