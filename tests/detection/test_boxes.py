"""Boxes: one code for NumPy and torch, overlaps against counted pixels, average precision against COCO's own tool."""

import contextlib
import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ddim_lessons.detection.boxes import average_precision, corners, decode, encode, giou, iou, match, nms, paired_giou
from ddim_lessons.detection.shapes import CLASSES, CONTRAST, OVERLAP, SIDE, crowd_pictures, draw_pictures


def random_boxes(rng, *shape):
    """Boxes with corners on a grid of 1/16, so that pixels of that size count them exactly."""
    low = rng.integers(0, 15, (*shape, 2))
    high = rng.integers(low + 1, 17)
    return np.concatenate([(low + high) / 32, (high - low) / 16], axis=-1)


def filled(box):
    """The pixels of a 16 × 16 picture that a box covers."""
    left, top, right, bottom = (round(16 * float(edge)) for edge in corners(box))
    picture = np.zeros((16, 16), dtype=bool)
    picture[top:bottom, left:right] = True
    return picture


# --- code and overlap --------------------------------------------------------------------------------------------


def test_the_code_is_centred_and_comes_back():
    boxes = random_boxes(np.random.default_rng(0), 50)
    assert np.allclose(decode(encode(boxes)), boxes) and np.allclose(decode(encode(boxes, 0.5), 0.5), boxes)
    assert np.allclose(encode(np.array([0.0, 0.5, 1.0])), [-2, 0, 2])
    assert np.allclose(decode(np.array([-9.0, 9.0])), [0, 1]), "what lies outside is cut"


def test_overlaps_are_what_counting_pixels_gives():
    rng = np.random.default_rng(1)
    a, b = random_boxes(rng, 20), random_boxes(rng, 30)
    overlap, general = iou(a, b), giou(a, b)
    for i, j in np.ndindex(20, 30):
        one, other = filled(a[i]), filled(b[j])
        rows, columns = np.nonzero(one | other)
        around = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        shared, covered = (one & other).sum(), (one | other).sum()
        assert np.isclose(overlap[i, j], shared / covered)
        assert np.isclose(general[i, j], shared / covered - (around - covered) / around)


def test_the_same_lines_run_on_torch_with_gradients():
    rng = np.random.default_rng(2)
    a, b = random_boxes(rng, 2, 5), random_boxes(rng, 2, 7)
    for function in (iou, giou):
        left = torch.tensor(a, requires_grad=True)
        value = function(left, torch.tensor(b))
        assert np.allclose(value.detach(), function(a, b)) and value.shape == (2, 5, 7)
        value.sum().backward()
        assert torch.isfinite(left.grad).all() and left.grad.abs().sum() > 0
    assert np.allclose(paired_giou(torch.tensor(a), torch.tensor(b[:, :5])), np.diagonal(giou(a, b[:, :5]), 0, 1, 2))
    assert np.allclose(decode(torch.tensor(3 * a)), decode(3 * a))


def test_boxes_without_area_overlap_nothing():
    point = np.array([[0.5, 0.5, 0.0, 0.0]])
    assert iou(point, point) == 0 and np.isfinite(giou(point, point)).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_overlap_is_symmetric_bounded_and_not_below_its_generalisation(seed):
    rng = np.random.default_rng(seed)
    a, b = random_boxes(rng, 4), random_boxes(rng, 4)
    assert np.allclose(iou(a, b), iou(b, a).T) and np.allclose(np.diag(iou(a, a)), 1)
    assert (giou(a, b) <= iou(a, b) + 1e-12).all() and (giou(a, b) > -1).all()


# --- doubles -----------------------------------------------------------------------------------------------------


def test_suppression_keeps_the_best_of_each_heap_and_class():
    boxes = np.array([[0.5, 0.5, 0.2, 0.2], [0.51, 0.5, 0.2, 0.2], [0.5, 0.5, 0.2, 0.2], [0.9, 0.9, 0.1, 0.1]])
    scores, labels = np.array([0.8, 0.9, 0.7, 0.3]), np.array([0, 0, 1, 0])
    assert nms(boxes, scores, labels).tolist() == [1, 2, 3]
    assert nms(boxes, scores, labels, threshold=0.95).tolist() == [1, 0, 2, 3]
    assert nms(boxes[:0], scores[:0], labels[:0]).tolist() == []
    with pytest.raises(ValueError, match="must be equal"):
        nms(boxes, scores[:2], labels)


def test_a_struck_box_strikes_out_nothing():
    boxes = np.array([[0.30, 0.5, 0.2, 0.2], [0.35, 0.5, 0.2, 0.2], [0.40, 0.5, 0.2, 0.2]])
    assert nms(boxes, np.array([0.9, 0.8, 0.7]), np.zeros(3, dtype=int)).tolist() == [0, 2]


# --- average precision -------------------------------------------------------------------------------------------


def scene(seed, n=12, most=8, found=25):
    """Random truth and random finds near it: many thresholds, classes, doubles, and equal scores decide."""
    rng = np.random.default_rng(seed)
    truth, finds = [], []
    for _ in range(n):
        boxes = random_boxes(rng, rng.integers(0, most))
        labels = rng.integers(0, 3, len(boxes))
        near = np.concatenate([boxes, boxes, random_boxes(rng, found)])
        near = near + rng.normal(0, 0.02, near.shape) * rng.integers(0, 2, (len(near), 1))
        near[:, 2:] = near[:, 2:].clip(0.01)
        guess = np.concatenate([labels, labels, rng.integers(0, 3, found)])
        truth.append((boxes, labels))
        finds.append((near, rng.random(len(near)).round(2), guess))
    return finds, truth


def coco_precision(finds, truth):
    """COCO's own tool on the same boxes, in pixels of a large picture; AP at its ten thresholds."""
    pixels = 1000.0
    as_list = lambda box: [float(v) * pixels for v in (box[0] - box[2] / 2, box[1] - box[3] / 2, box[2], box[3])]  # noqa: E731
    annotations, found = [], []
    for image, ((true_boxes, true_labels), (boxes, scores, labels)) in enumerate(zip(truth, finds, strict=True), 1):
        for box, label in zip(true_boxes, true_labels, strict=True):
            area = float(box[2] * box[3]) * pixels**2
            common = {"id": len(annotations) + 1, "image_id": image, "category_id": int(label), "iscrowd": 0}
            annotations.append(common | {"bbox": as_list(box), "area": area})
        for box, score, label in zip(boxes, scores, labels, strict=True):
            place = {"image_id": image, "category_id": int(label)}
            found.append(place | {"bbox": as_list(box), "score": float(score)})
    coco = COCO()
    coco.dataset = {
        "info": {},
        "images": [{"id": i + 1} for i in range(len(truth))],
        "categories": [{"id": label} for label in range(3)],
        "annotations": annotations,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(found), "bbox")
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval["precision"][:, :, :, 0, 2]  # all sizes, at most 100 finds
    return np.array([line[line > -1].mean() for line in precision])


@pytest.mark.parametrize("seed", range(6))
def test_average_precision_is_that_of_pycocotools(seed):
    finds, truth = scene(seed)
    ours, theirs = average_precision(finds, truth), coco_precision(finds, truth)
    assert np.abs(ours - theirs).max() < 1e-6
    assert 0.05 < ours.mean() < 0.95, "a scene on which everything is right or wrong tests nothing"


def test_average_precision_counts_a_hundred_finds_as_pycocotools_does():
    finds, truth = scene(7, n=2, found=500)
    assert np.abs(average_precision(finds, truth) - coco_precision(finds, truth)).max() < 1e-6


def test_average_precision_of_a_class_without_objects_is_left_out():
    finds, truth = scene(8)
    truth = [(boxes[labels != 1], labels[labels != 1]) for boxes, labels in truth]
    assert np.abs(average_precision(finds, truth) - coco_precision(finds, truth)).max() < 1e-6


def test_average_precision_of_the_truth_is_1_and_of_nothing_0():
    _, truth = scene(9)
    perfect = [(boxes, np.ones(len(boxes)), labels) for boxes, labels in truth]
    nothing = [(boxes[:0], np.ones(0), labels[:0]) for boxes, labels in truth]
    assert average_precision(perfect, truth).min() == 1 and average_precision(nothing, truth).max() == 0
    with pytest.raises(ValueError, match="pictures in found"):
        average_precision(perfect[:3], truth)
    with pytest.raises(ValueError, match="at least one object"):
        average_precision(nothing, [(boxes[:0], labels[:0]) for boxes, labels in truth])


def test_an_object_is_taken_once_and_by_the_better_score():
    hits = match(np.array([[0.7], [0.96]]))
    assert hits[0].tolist() == [True, False] and hits[9].tolist() == [False, True]


# --- pictures ----------------------------------------------------------------------------------------------------


def test_pictures_depend_on_the_seed_alone_and_have_what_was_asked():
    first, again = (draw_pictures(np.random.default_rng(3), 40, 2, 5) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert first.pixels.shape == (40, 3, SIDE, SIDE) and first.pixels.dtype == np.float32
    assert first.pixels.min() >= 0 and first.pixels.max() <= 1
    counts = (first.labels >= 0).sum(axis=1)
    assert counts.min() >= 1 and counts.max() == 5 and set(np.unique(first.labels)) == {-1, 0, 1, 2}


def test_boxes_lie_inside_and_hardly_overlap():
    pictures = draw_pictures(np.random.default_rng(4), 40)
    for i in range(40):
        boxes, labels = pictures.objects(i)
        assert len(boxes) == len(labels) > 0
        assert min(edge.min() for edge in corners(boxes)) >= 0 and max(edge.max() for edge in corners(boxes)) <= 1
        assert (iou(boxes, boxes) - np.eye(len(boxes)))[~np.eye(len(boxes), dtype=bool)].max(initial=0) <= OVERLAP


@pytest.mark.parametrize("label", range(len(CLASSES)))
def test_each_box_encloses_its_object(label):
    pictures, seen = draw_pictures(np.random.default_rng(5), 60, 1, 1), 0
    for i in np.flatnonzero(pictures.labels[:, 0] == label):
        ground = np.median(pictures.pixels[i].reshape(3, -1), axis=1)
        inked = (np.abs(pictures.pixels[i] - ground[:, None, None]) > CONTRAST - 0.05).any(axis=0)
        rows, columns = np.nonzero(inked & (np.abs(pictures.pixels[i] - ground[:, None, None]).max(axis=0) > 0.3))
        edges = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        assert np.abs(edges - SIDE * np.array(corners(pictures.boxes[i, 0]))).max() < 3.5
        seen += 1
    assert seen > 10


def test_a_crowd_has_about_eleven_objects():
    assert 10 < (crowd_pictures(np.random.default_rng(6), 100).labels >= 0).sum(axis=1).mean() < 12


def test_bad_arguments_get_a_sentence():
    with pytest.raises(ValueError, match="most is 1"):
        draw_pictures(np.random.default_rng(0), 3, 2, 1)
    with pytest.raises(ValueError, match="rng is 0"):
        draw_pictures(0, 3)
