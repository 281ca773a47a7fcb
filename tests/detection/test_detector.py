"""The detector: how it reads the map, matches, is trained, samples; DDIM's step unchanged on boxes."""

import numpy as np
import pytest
import torch
from torch.nn.functional import grid_sample

from ddim_lessons.ddim import add_noise, ddim_step, predict_eps
from ddim_lessons.detection import training
from ddim_lessons.detection.boxes import decode, encode, iou
from ddim_lessons.detection.detector import Detector, Found, T, load_detector, read_boxes, shift_boxes
from ddim_lessons.detection.sampling import (
    Visit,
    detection_path,
    draw_codes,
    ensemble_of,
    maps_of,
    precision_of,
    results,
)
from ddim_lessons.detection.shapes import draw_pictures
from ddim_lessons.learning.training import fit
from ddim_lessons.learning.weights import load_model, save_model
from ddim_lessons.schedules import alpha_bar_schedule, make_tau

ALPHA_BAR = alpha_bar_schedule("cosine", T)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def trained():
    return load_detector()


@pytest.fixture(scope="module")
def pictures():
    return draw_pictures(np.random.default_rng([11, 0]), 60)


def small(seed=0):
    torch.manual_seed(seed)
    return Detector(channels=8, width=16, stages=2, roi=3)


def path(model, pictures, S=2, N=12, seed=0, **settings):
    rng = np.random.default_rng(seed)
    z_T = draw_codes(np.random.default_rng([seed, 1]), len(pictures.labels), N)
    return list(detection_path(model, maps_of(model, pictures), z_T, make_tau(T, S), rng, **settings))


# --- the step ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("t, s", [(1000, 750), (500, 250), (2, 1)])
def test_with_the_truth_as_x0_hat_the_marginal_at_s_is_kept(t, s, eta):
    rng, n = np.random.default_rng(0), 40_000
    x0 = torch.from_numpy(encode(np.broadcast_to(draw_pictures(rng, 1).boxes[:, :1], (n, 1, 4))))
    z_t = add_noise(x0, torch.from_numpy(rng.standard_normal(x0.shape)), ALPHA_BAR[t])
    eps_hat = predict_eps(z_t, x0, float(ALPHA_BAR[t]))
    z_s = ddim_step(z_t, eps_hat, ALPHA_BAR, t, s, eta, torch.from_numpy(rng.standard_normal(x0.shape))).numpy()
    variance = 1 - ALPHA_BAR[s]
    mean = ALPHA_BAR[s] ** 0.5 * x0[0].numpy()
    assert np.abs(z_s.mean(axis=0) - mean).max() < 5 * (variance / n) ** 0.5
    assert np.abs(z_s.var(axis=0) / variance - 1).max() < 5 * (2 / n) ** 0.5


def test_the_walk_is_the_suites_step_and_starts_from_what_it_is_given(trained, pictures):
    first, second = path(trained, pictures.only(0), eta=0.0, renew=False)
    expected = ddim_step(first.z, predict_eps(first.z, first.x0_hat, float(ALPHA_BAR[1000])), ALPHA_BAR, 1000, 500)
    assert torch.equal(second.z, expected) and (first.t, second.t) == (1000, 500)
    assert first.x0_hat.abs().max() <= 2 and first.z.dtype == torch.float64


def test_renewal_replaces_weak_boxes_alone(trained, pictures):
    kept = path(trained, pictures, eta=0.0, renew=False)
    renewed = path(trained, pictures, eta=0.0, renew=True)
    weak = kept[0].scores.amax(dim=-1) <= 0.5
    same = (kept[1].z == renewed[1].z).all(dim=-1)
    assert torch.equal(same, ~weak) and 0.1 < weak.double().mean() < 0.9


def test_updates_direct_and_fresh(trained, pictures):
    one = pictures.only(0)
    first, second = path(trained, one, update="direct", renew=False)
    assert torch.equal(second.z, first.x0_hat)
    fresh = path(trained, pictures, update="fresh")[1].z
    assert abs(float(fresh.mean())) < 0.05 and abs(float(fresh.std()) - 1) < 0.05
    with pytest.raises(ValueError, match="update is 'ddim'"):
        path(trained, one, update="ddim")


def test_one_step_has_no_transition(trained, pictures):
    ways = [dict(eta=0.0, renew=False), dict(eta=1.0, renew=True), dict(update="direct"), dict(update="fresh")]
    (first,), *others = (path(trained, pictures.only(1), S=1, **way) for way in ways)
    assert all(torch.equal(first.x0_hat, other.x0_hat) for (other,) in others)


def test_told_reaches_the_network_and_not_the_step(trained, pictures):
    usual, told = (path(trained, pictures.only(0), eta=0.0, renew=False, told=told) for told in (None, T))
    assert torch.equal(usual[1].z, told[1].z) and not torch.equal(usual[1].scores, told[1].scores)


# --- ensembles ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("S, counted", [(1, 1), (2, 1), (3, 2), (8, 7)])
def test_the_official_ensemble_drops_its_last_visit(S, counted):
    visits = [Visit(k, None, None, None) for k in range(S)]
    assert ensemble_of(visits, "official") == visits[:counted]
    assert ensemble_of(visits, "all") == visits and ensemble_of(visits, "last") == [visits[S - 1]]
    with pytest.raises(ValueError, match="visits is .*, but must be a list of at least one Visit"):
        ensemble_of([*visits, float("inf")], "all")


def test_results_take_the_best_pairs_of_box_and_class_and_strike_out_doubles():
    boxes = torch.tensor([[[0.3, 0.3, 0.2, 0.2], [0.31, 0.3, 0.2, 0.2]]], dtype=torch.float64)
    scores = torch.tensor([[[0.9, 0.8, 0.0], [0.7, 0.1, 0.0]]], dtype=torch.float64)
    visit = Visit(1000, encode(boxes), encode(boxes), scores)
    ((found, score, label),) = results([visit])
    assert label.tolist() == [0, 1] and score.tolist() == [0.9, 0.8] and np.allclose(found, boxes[0, [0, 0]])
    assert results([visit, visit])[0][1].tolist() == [0.9, 0.8]
    assert results([visit], lowest=0.85)[0][1].tolist() == [0.9]


# --- the network -------------------------------------------------------------------------------------------------


def test_reading_boxes_is_grid_sampling():
    torch.manual_seed(0)
    maps, boxes = torch.randn(2, 5, 16, 16), torch.rand(2, 7, 4) * 1.5 - 0.2
    inner = (torch.arange(3) + 0.5) / 3 - 0.5
    x, y = (boxes[..., k, None] + boxes[..., k + 2, None] * inner for k in (0, 1))
    points = torch.stack(torch.broadcast_tensors(x[:, :, None, :], y[:, :, :, None]), dim=-1).flatten(2, 3)
    expected = grid_sample(maps, 2 * points - 1, align_corners=False)  # (B, C, N, 9)
    assert torch.allclose(read_boxes(maps, boxes, 3), expected.permute(0, 2, 3, 1).flatten(2), atol=1e-5)


def test_shifting_boxes():
    boxes = torch.tensor([[0.5, 0.5, 0.2, 0.4]])
    assert torch.allclose(shift_boxes(boxes, torch.zeros(1, 4)), boxes)
    moved = shift_boxes(boxes, torch.tensor([[1.0, -1.0, np.log(2), 0.0]], dtype=torch.float32))
    assert torch.allclose(moved, torch.tensor([[0.6, 0.3, 0.4, 0.4]]))


def test_an_untrained_detector_says_empty_and_moves_all_boxes_alike():
    model, boxes = small(), torch.rand(2, 5, 4) * 0.5 + 0.2
    answers = model(model.look(torch.rand(2, 3, 64, 64)), boxes, torch.tensor([1, 1000]))
    assert len(answers) == 2 and answers[1].logits.shape == (2, 5, 3)
    grown = answers[0].boxes[..., 2:] / boxes[..., 2:]
    assert torch.allclose(grown, grown[:1, :1].expand_as(grown)) and answers[1].logits.sigmoid().max() < 0.5


def test_a_box_is_answered_alike_wherever_it_stands_in_the_list(trained, pictures):
    maps, z = maps_of(trained, pictures.only(0)), draw_codes(np.random.default_rng(0), 1, 20)
    order = torch.randperm(20)
    one, other = trained.predict(maps, z[:, order], 700).boxes, trained.predict(maps, z, 700).boxes[:, order]
    assert torch.allclose(one, other, atol=1e-5)


def test_detectors_can_be_stored_and_loaded(tmp_path):
    model = small()
    save_model(model, tmp_path / "d.safetensors", half=True)
    loaded = load_model(tmp_path / "d.safetensors", (Detector,))
    assert loaded.arguments == model.arguments
    assert all(torch.equal(a, b.half().float()) for a, b in zip(loaded.parameters(), model.parameters(), strict=True))


# --- training ----------------------------------------------------------------------------------------------------


def test_matching_gives_each_object_its_near_boxes_and_no_box_to_nothing():
    true = torch.tensor([[[0.2, 0.2, 0.2, 0.2], [0.7, 0.7, 0.3, 0.3], [0.0, 0.0, 0.0, 0.0]]], dtype=torch.float64)
    labels = torch.tensor([[0, 2, -1]])
    near = true[0, [0, 0, 0, 1, 1]] + 0.005 * torch.arange(5)[:, None]
    boxes = torch.cat([near, torch.tensor([[0.2, 0.8, 0.1, 0.1]], dtype=torch.float64)])[None]
    goal, hit = training.match_boxes(Found(boxes, torch.zeros(1, 6, 3)), true, labels)
    assert hit[0].tolist() == [True, True, False, True, False, False], "k is the sum of IoUs, rounded down"
    assert goal[0, hit[0]].tolist() == [0, 0, 1]


def test_matching_prefers_the_right_class():
    true = torch.tensor([[[0.5, 0.5, 0.2, 0.2]]], dtype=torch.float64)
    logits = torch.tensor([[[3.0, -3.0, -3.0], [-3.0, 3.0, -3.0]]])
    boxes = true.expand(1, 2, 4) + torch.tensor([0.05, 0.0, 0.0, 0.0])
    for label in (0, 1):
        hit = training.match_boxes(Found(boxes, logits), true, torch.tensor([[label]]))[1]
        assert hit[0].tolist() == [label == 0, label == 1]


def test_the_loss_of_the_truth_is_small_and_each_part_counts():
    true = torch.tensor([[[0.3, 0.3, 0.2, 0.2]]], dtype=torch.float64)
    labels, sure = torch.tensor([[1]]), torch.tensor([[[-9.0, 9.0, -9.0]]], dtype=torch.float64)
    right = training.stage_loss(Found(true, sure), true, labels)
    moved = training.stage_loss(Found(true + 0.01, sure), true, labels)
    wrong = training.stage_loss(Found(true, -sure), true, labels)
    assert right < 1e-5 and moved > 0.1 and wrong > 5


def test_padding_keeps_the_true_boxes_and_their_noise_level():
    pictures = draw_pictures(np.random.default_rng(0), 500)
    z = training.noisy_boxes(np.random.default_rng(1), pictures, 30, ALPHA_BAR[1])
    there = pictures.labels >= 0
    assert np.abs(decode(z[:, :6][there]) - pictures.boxes[there]).max() < 0.02
    padding = z[:, 6:, :2]
    assert abs(padding.mean()) < 0.02 and abs(padding.std() - 2 / 3) < 0.02


def test_a_short_training_learns_and_depends_on_the_seed_alone():
    def trained(seed):
        run = training.DetectionRun(small(), steps=40, batch=4, seed=seed, device="cpu")
        return run, [progress.loss for progress in fit(run, every=10)]

    (run, losses), (again, same), (_, other) = trained(0), trained(0), trained(1)
    assert losses == same != other and losses[-1] < losses[0] and run.step == 40
    assert all(torch.equal(a, b) for a, b in zip(run.average.parameters(), again.average.parameters(), strict=True))


def test_a_training_that_draws_its_data_is_not_saved(tmp_path):
    run = training.DetectionRun(small(), steps=1, batch=2, device="cpu")
    with pytest.raises(ValueError, match="run is 'DetectionRun'"):
        for _ in fit(run, tmp_path / "run.safetensors"):
            pass
    assert run.step == 0 and list(tmp_path.iterdir()) == []


def test_training_on_pure_noise_never_sees_an_earlier_time():
    run = training.DetectionRun(small(), steps=2, batch=4, earliest=T, device="cpu")
    seen = []
    run.model.forward = lambda maps, boxes, t: seen.append(t) or Detector.forward(run.model, maps, boxes, t)
    for _ in fit(run, every=1):
        pass
    assert torch.cat(seen).tolist() == [T] * 8
    with pytest.raises(ValueError, match="earliest is 0"):
        training.DetectionRun(small(), earliest=0, device="cpu")


# --- the weights that come with the lessons ----------------------------------------------------------------------


def test_the_stored_detector_finds_objects_with_any_number_of_steps_and_boxes(trained, pictures):
    cells = ((1, 16), (1, 64), (4, 16))
    scores = {(S, N): precision_of(results(path(trained, pictures, S, N)), pictures) for S, N in cells}
    assert scores[1, 16][0] > 0.80 and scores[1, 64][0] > 0.94 and scores[4, 16][0] > 0.94
    assert scores[1, 16][1] < scores[4, 16][1] and scores[1, 16][1] < scores[1, 64][1]


def test_the_stored_detector_is_sharp_on_a_single_object(trained):
    one = draw_pictures(np.random.default_rng([11, 1]), 1, 1, 1)
    boxes, _, labels = results(path(trained, one, 1, 32))[0]
    assert iou(boxes[:1], one.boxes[0])[0, 0] > 0.8 and labels[0] == one.labels[0, 0]
