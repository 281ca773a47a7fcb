"""Boxes: their code as x_0 of a diffusion, overlap, suppression of doubles, and average precision.

A box is (cx, cy, w, h) as a share of the picture's side. The first part is written with + − · /, ``clip`` and indexing
alone, so the same lines run on NumPy arrays and on torch tensors, gradients included. The second part is NumPy's.
"""

import numpy as np

from .. import require

SCALE = 2.0  # DiffusionDet's signal scale
THRESHOLDS = np.linspace(0.5, 0.95, 10)  # the IoU from which a found box counts, COCO's ten
RECALLS = np.linspace(0, 1, 101)
MOST = 100  # found boxes of a picture and class that count

# --- code and overlap --------------------------------------------------------------------------------------------


def encode(boxes, scale=SCALE):
    """Return the code z_0 = (2 b − 1) · scale of boxes in [0, 1]: centred, from −scale to scale."""
    return (2.0 * boxes - 1) * scale  # 2.0: whole numbers of few bits would wrap around


def decode(z, scale=SCALE):
    """Return the boxes b = (z/scale + 1)/2 of a code, cut to ±scale before: noise can lie outside the picture."""
    return (z.clip(-scale, scale) / scale + 1) / 2


def corners(boxes):
    """Return (left, top, right, bottom) of boxes (…, 4), four arrays of shape (…)."""
    cx, cy, w, h = boxes[..., 0], boxes[..., 1], boxes[..., 2], boxes[..., 3]
    return cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2


def iou(a, b):
    """Return the IoU of each box of ``a`` (…, n, 4) with each of ``b`` (…, m, 4): area shared over area covered.

    Shape (…, n, m); 0 for two boxes without area.
    """
    a, b = _checked(a, b)
    shared, covered, _ = _areas(a[..., :, None, :], b[..., None, :, :])
    return _share(shared, covered)


def giou(a, b):
    """Return the generalised IoU of each pair, (…, n, m): IoU − (empty share of the smallest box around both).

    From −1 to 1; unlike the IoU it falls further with distance (Rezatofighi et al. 2019).
    """
    a, b = _checked(a, b)
    return paired_giou(a[..., :, None, :], b[..., None, :, :])


def paired_giou(a, b):
    """Return the generalised IoU of ``a`` with ``b``, box by box; both (…, 4), broadcast."""
    shared, covered, around = _areas(require.floating("a", a), require.floating("b", b))
    return _share(shared, covered) - _share(around - covered, around)


def _checked(a, b):
    """Return two sets of boxes (…, n, 4) as floating-point numbers after checking them: finite, no negative side."""
    a, b = require.floating("a", a), require.floating("b", b)
    for argument, boxes in (("a", a), ("b", b)):
        shape = tuple(boxes.shape)
        require.that(len(shape) >= 2 and shape[-1] == 4, f"{argument}'s shape", shape, "(…, n, 4)")
        require.finite(argument, boxes)
        if (boxes[..., 2:] < 0).any():
            require.refuse(f"the smallest side in {argument}", float(boxes[..., 2:].min()), "at least 0")
    require.same_kind("b", b, "a", a)
    return a, b


def _areas(a, b):
    """Return the areas shared by, covered by and around boxes, (…, 4) each, broadcast.

    Edges are counted from the centre of ``a``, so that small boxes keep their digits wherever they are.
    """
    (width, wide), (height, high) = (_along(a[..., k + 2], b[..., k] - a[..., k], b[..., k + 2]) for k in (0, 1))
    shared = width * height
    return shared, a[..., 2] * a[..., 3] + b[..., 2] * b[..., 3] - shared, wide * high


def _along(w_a, away, w_b):
    """Return (length shared, length around) of intervals as long as ``w_a`` around 0 and ``w_b`` around ``away``."""
    low, high = away - w_b / 2, away + w_b / 2
    shared = high.clip(max=w_a / 2) - low.clip(min=-w_a / 2)
    return shared.clip(min=0), high.clip(min=w_a / 2) - low.clip(max=-w_a / 2)


def _share(part, whole):
    """Return part/whole of areas, 0 where the whole is 0."""
    return part / (whole + (whole == 0))


# --- doubles -----------------------------------------------------------------------------------------------------


def nms(boxes, scores, labels, threshold=0.5):
    """Return the indices, best score first, that survive non-maximum suppression within each class.

    Going down the scores, each survivor strikes out the boxes of its class whose IoU with it is above ``threshold``.
    ``boxes`` (n, 4), ``scores`` and ``labels`` (n,).
    """
    threshold = require.real("threshold", threshold, 0, 1)
    named = {"boxes": boxes, "scores": scores, "labels": labels}
    boxes, scores, labels = (require.real_array(*pair) for pair in named.items())
    require.that(boxes.ndim == 2 and boxes.shape[1] == 4, "boxes' shape", boxes.shape, "(n, 4)")
    axes, lengths = (scores.ndim, labels.ndim), (len(boxes), scores.size, labels.size)
    require.that(axes == (1, 1), "the axes of scores and labels", axes, "one each")
    require.that(len(set(lengths)) == 1, "the lengths", lengths, "equal")
    for argument, values in (("boxes", boxes), ("scores", scores), ("labels", labels)):
        require.finite(argument, values)
    kept = [_survivors(boxes, scores, np.flatnonzero(labels == label), threshold) for label in np.unique(labels)]
    kept = np.concatenate([np.zeros(0, dtype=int), *kept])
    return kept[np.argsort(-scores[kept], kind="stable")]


def _survivors(boxes, scores, which, threshold):
    """Return those of the indices ``which``, all of one class, that survive."""
    which = which[np.argsort(-scores[which], kind="stable")]
    struck = iou(boxes[which], boxes[which]) > threshold
    alive = np.ones(len(which), dtype=bool)
    for i in range(len(which)):
        if alive[i]:
            alive[i + 1 :] &= ~struck[i, i + 1 :]
    return which[alive]


# --- average precision -------------------------------------------------------------------------------------------


def average_precision(found, truth, classes=3):
    """Return COCO's average precision at each of the ten ``THRESHOLDS``, the mean over the classes; shape (10,).

    ``found`` is a list of (boxes, scores, labels), a picture each; ``truth`` of (boxes, labels). Entry 0 is AP50, the
    mean of all AP[.5:.95]. A class without objects does not count. Errors: lists of unequal length, no object at all,
    a label that is none of 0 … classes − 1.
    """
    classes = require.whole("classes", classes, 1, 1000)
    found = _pictures("found", found, ("boxes", "scores", "labels"), classes)
    truth = _pictures("truth", truth, ("boxes", "labels"), classes)
    require.that(
        len(found) == len(truth), "the number of pictures in found", len(found), f"that in truth, {len(truth)}"
    )
    each = [ap for label in range(classes) if (ap := _class_precision(found, truth, label)) is not None]
    require.that(len(each) > 0, "truth", "empty", "pictures with at least one object")
    return np.mean(each, axis=0)


def _pictures(argument, pictures, parts, classes):
    """Return pictures as lists of arrays after checking each: ``parts`` of one length, boxes (n, 4) first."""
    words = f"({', '.join(parts)})"
    require.sequence(argument, pictures, f"a list of {words}, one for each picture")
    checked = []
    for picture in pictures:
        right = isinstance(picture, tuple | list) and len(picture) == len(parts)
        require.that(right, f"a picture of {argument}", picture, f"{words}, arrays of shapes (n, 4) and (n,)")
        named = {f"{part} of {argument}": values for part, values in zip(parts, picture, strict=True)}
        arrays = [require.real_array(*pair) for pair in named.items()]
        shapes, n = [array.shape for array in arrays], arrays[-1].size
        right = shapes == [(n, 4)] + [(n,)] * (len(parts) - 1)
        require.that(right, f"the shapes of a picture of {argument}", shapes, f"(n, 4) and (n,), of {words}")
        for part, array in zip(named, arrays, strict=True):
            require.finite(part, array)
        known = np.isin(arrays[-1], range(classes))
        require.that(known.all(), f"labels of {argument}", arrays[-1], f"whole numbers from 0 to {classes - 1}")
        checked.append(arrays)
    return checked


def _class_precision(found, truth, label):
    """Return the average precision of one class at each threshold, or None if it has no objects."""
    scores, hits, count = [], [], 0
    for (boxes, score, labels), (true_boxes, true_labels) in zip(found, truth, strict=True):
        which = np.flatnonzero(labels == label)
        which = which[np.argsort(-score[which], kind="stable")][:MOST]
        goals = true_boxes[true_labels == label]
        count += len(goals)
        scores.append(score[which])
        hits.append(match(iou(boxes[which], goals)))
    if count == 0:
        return None
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return np.array([_area_under(line[order], count) for line in np.concatenate(hits, axis=1)])


def match(overlaps):
    """Return which found boxes hit an object, at each threshold: (10, n) for IoUs (n, m), best score first.

    Each found box takes, of the objects not yet taken, the one it overlaps most, if it does so by the threshold.
    """
    hits = np.zeros((len(THRESHOLDS), len(overlaps)), dtype=bool)
    free = np.ones((len(THRESHOLDS), overlaps.shape[1]), dtype=bool)
    for i in np.flatnonzero((overlaps >= THRESHOLDS[0]).any(axis=1)):
        for k, threshold in enumerate(THRESHOLDS):
            usable = np.where(free[k], overlaps[i], -1)
            goal = usable.shape[0] - 1 - np.argmax(usable[::-1])  # of equals the last, as COCO's tool does
            hits[k, i] = usable[goal] >= threshold
            free[k, goal] &= not hits[k, i]
    return hits


def _area_under(hits, count):
    """Return the area under precision over recall, read at 101 recalls, for hits in order of falling score."""
    if len(hits) == 0:
        return 0.0
    true = np.cumsum(hits)
    precision = true / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]  # the best precision at this recall or beyond
    place = np.searchsorted(true / count, RECALLS, side="left")
    return float(np.append(envelope, 0.0)[place].mean())
