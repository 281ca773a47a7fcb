"""Procedural pictures: ellipses, rectangles and triangles on plain ground, with exact boxes, drawn from a seed.

A picture is 64 × 64 with three channels from 0 to 1. A box is (cx, cy, w, h) as a share of the picture's side, and
encloses its object exactly: the shapes are formulas, not drawings.
"""

from typing import NamedTuple

import numpy as np

from .. import require
from .boxes import iou

SIDE = 64
CLASSES = ("ellipse", "rectangle", "triangle")
CONTRAST, NOISE, OVERLAP = 0.35, 0.06, 0.05
PIXEL = np.arange(SIDE, dtype=np.float32) + 0.5


class Pictures(NamedTuple):
    """n pictures: ``pixels`` (n, 3, 64, 64) in float32, ``boxes`` (n, m, 4), ``labels`` (n, m), −1 where none is."""

    pixels: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray

    def objects(self, i):
        """Return (boxes, labels) of picture ``i`` alone, without the empty places; shapes (k, 4) and (k,)."""
        i = require.whole("i", i, 0, len(self.labels) - 1)
        there = self.labels[i] >= 0
        return self.boxes[i, there], self.labels[i, there]

    def only(self, i):
        """Return picture ``i`` as ``Pictures`` of one."""
        i = require.whole("i", i, 0, len(self.labels) - 1)
        return Pictures(*(part[i : i + 1] for part in self))


def draw_pictures(rng, n, fewest=1, most=6):
    """Draw ``n`` pictures with ``fewest`` to ``most`` objects each, of about 8 to 24 pixels.

    Two boxes of a picture have an IoU of at most 0.05; an object that finds no room is left out. Colours differ from
    the ground's by at least 0.35 in one channel; each pixel has noise of standard deviation 0.06.
    """
    n = require.whole("n", n, 1, 100_000)
    fewest = require.whole("fewest", fewest, 1, 100)
    most = require.whole("most", most, fewest, 100)
    require.rng(rng)
    boxes, there = _place(rng, rng.integers(fewest, most + 1, n), most)
    labels = np.where(there, rng.integers(0, len(CLASSES), there.shape), -1)
    return Pictures(_paint(rng, boxes, labels), boxes, labels)


def crowd_pictures(rng, n):
    """Draw ``n`` crowded pictures, of about 11 objects: twice and more what training ever shows."""
    return draw_pictures(rng, n, 9, 14)


def _place(rng, counts, most, tries=40):
    """Return (boxes, there): boxes (n, most, 4), one object after the other, each at the first free place tried."""
    n = len(counts)
    boxes, there = np.zeros((n, most, 4)), np.zeros((n, most), dtype=bool)
    for m in range(most):
        size = rng.uniform(8, 24, (n, tries, 1)) / SIDE
        aspect = np.exp(rng.uniform(-0.2, 0.2, (n, tries, 1)))
        size = np.concatenate([size * aspect, size / aspect], axis=2)
        tried = np.concatenate([rng.uniform(size / 2, 1 - size / 2), size], axis=2)
        taken = (iou(tried, boxes) > OVERLAP).any(axis=2)
        first = np.argmin(taken, axis=1)
        there[:, m] = (m < counts) & ~taken[np.arange(n), first]
        boxes[:, m] = tried[np.arange(n), first] * there[:, m, None]
    return boxes, there


def _paint(rng, boxes, labels):
    """Return the pixels of objects in ``boxes`` with ``labels``; later objects lie over earlier ones."""
    ground = rng.uniform(0.1, 0.9, (len(boxes), 1, 3))
    tried = rng.uniform(0, 1, (*labels.shape, 12, 3))
    seen = np.abs(tried - ground[:, None]).max(axis=3) >= CONTRAST
    color = np.take_along_axis(tried, np.argmax(seen, axis=2)[:, :, None, None], axis=2)[:, :, 0].astype(np.float32)
    pixels = np.broadcast_to(ground[:, 0, :, None, None].astype(np.float32), (len(boxes), 3, SIDE, SIDE)).copy()
    cover = _cover(boxes, labels, rng.choice([-1.0, 1.0], labels.shape))
    for m in range(labels.shape[1]):
        pixels += cover[:, m, None] * (color[:, m, :, None, None] - pixels)
    pixels += NOISE * rng.standard_normal(pixels.shape, dtype=np.float32)
    return pixels.clip(0, 1, out=pixels)


def _cover(boxes, labels, way):
    """Return how much of each pixel each object covers, about; shape (n, m, 64, 64). ``way`` turns triangles over."""
    cover = np.zeros((*labels.shape, SIDE, SIDE), dtype=np.float32)
    for label, depth in enumerate((_ellipse, _rectangle, _triangle)):
        which = labels == label
        cx, cy, w, h = (boxes[which].astype(np.float32) * SIDE).T[:, :, None, None]
        u, v = (PIXEL[None, None, :] - cx) / (w / 2), (PIXEL[None, :, None] - cy) / (h / 2)
        cover[which] = (depth(u, v * way[which].astype(np.float32)[:, None, None], w, h) + 0.5).clip(0, 1)
    return cover


def _ellipse(u, v, w, h):
    """How deep the point (u, v), from −1 to 1 across the box, lies inside the shape, in pixels; negative outside."""
    return (1 - (u**2 + v**2) ** 0.5) * (w * h) ** 0.5 / 2


def _rectangle(u, v, w, h):
    """As :func:`_ellipse`."""
    return np.minimum((1 - abs(u)) * w / 2, (1 - abs(v)) * h / 2)


def _triangle(u, v, w, h):
    """As :func:`_ellipse`; the tip is where v = −1."""
    slope = h / (h**2 + w**2 / 4) ** 0.5
    return np.minimum(((1 + v) / 2 - abs(u)) * w / 2 * slope, (1 - v) * h / 2)
