"""Train the detector: noise the true boxes, let the network find them, match each object with a few boxes, compare.

run = DetectionRun(Detector(), steps=2000)
for progress in fit(run):
    print(progress)
"""

import numpy as np
import torch
from torch.nn.functional import logsigmoid, one_hot

from .. import require
from ..ddim import add_noise
from ..learning.training import Training
from .boxes import corners, decode, encode, giou, iou, paired_giou
from .detector import Detector, T
from .shapes import CLASSES, Pictures, draw_pictures

CLASS, L1, GIOU = 2.0, 5.0, 2.0  # the weights of the three parts, in the cost and in the loss
BOXES = (16, 32, 48, 64)  # boxes a picture, in turn


class DetectionRun(Training):
    """A training of a detector on pictures that are drawn while it trains; for ``fit``, without a path.

    ``steps``, ``batch``, ``lr``, ``decay`` and ``seed`` are those of :class:`ddim_lessons.learning.training.Run`. Times
    are drawn from ``earliest`` … T; ``earliest`` = T trains on pure noise alone. ``device`` None is CUDA if there is
    one, else the CPU: the embedding bag that reads the boxes is not made for every other device. On CUDA a training
    does not repeat bit for bit: backwards, the embedding bag adds up in any order (after a few steps on a H200, losses
    of 9.13603 and 9.13602).
    """

    def __init__(self, model, steps=2000, batch=16, lr=1e-3, decay=0.998, earliest=1, seed=0, device=None):
        require.that(isinstance(model, Detector), "model", model, "a Detector")
        batch, earliest = require.whole("batch", batch, 1, 100_000), require.whole("earliest", earliest, 1, T)
        if device is None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
        settings = dict(steps=steps, batch=batch, lr=lr, decay=decay, earliest=earliest, seed=seed)
        super().__init__(model, settings, device)
        self.rng = np.random.default_rng(self.settings["seed"])

    def loss(self):
        """Draw pictures, one time for each, and noise; return the loss of all stages."""
        batch, N = self.settings["batch"], BOXES[self.step % len(BOXES)]
        pictures = draw_pictures(self.rng, batch)
        t = self.rng.integers(self.settings["earliest"], T + 1, batch)
        z_t = noisy_boxes(self.rng, pictures, N, self.model.schedule[t][:, None, None])
        pixels, boxes, z_t = (
            torch.as_tensor(a, dtype=torch.float32, device=self.device) for a in (pictures.pixels, pictures.boxes, z_t)
        )
        t, labels = (torch.as_tensor(a, device=self.device) for a in (t, pictures.labels))
        answers = self.model(self.model.look(pixels), decode(z_t), t)
        return sum(stage_loss(found, boxes, labels) for found in answers)


def noisy_boxes(rng, pictures, N, alpha_bar_t):
    """Return z_t of shape (n, N, 4): the true boxes, padded to N with random boxes, then noised.

    The padding has mean 1/2 and standard deviation 1/6 in all four coordinates, before its code is made.
    """
    require.rng(rng)
    require.that(isinstance(pictures, Pictures), "pictures", pictures, "Pictures, from draw_pictures")
    n, m = pictures.labels.shape
    N = require.whole("N", N, m, 100_000)
    alpha_bar_t = require.real_array("alpha_bar_t", alpha_bar_t)
    shape, inside = alpha_bar_t.shape, (alpha_bar_t >= 0) & (alpha_bar_t <= 1)
    require.that(
        shape in ((), (n, 1, 1)) and inside.all(), "alpha_bar_t", alpha_bar_t, f"from 0 to 1, one or ({n}, 1, 1)"
    )
    padding = rng.normal(0.5, 1 / 6, (n, N, 4))
    padding[..., 2:] = padding[..., 2:].clip(min=1e-4)
    padding[:, :m] = np.where(pictures.labels[..., None] >= 0, pictures.boxes, padding[:, :m])
    return add_noise(encode(padding), rng.standard_normal(padding.shape), alpha_bar_t)


def focal(logits, sign):
    """Return the focal loss (Lin et al. 2017: α = 1/4, γ = 2) of ``logits`` if the truth is yes (1) or no (−1)."""
    weight = 0.25 if sign > 0 else 0.75
    return -weight * torch.sigmoid(-sign * logits) ** 2 * logsigmoid(sign * logits)


@torch.no_grad()
def match_boxes(found, boxes, labels):
    """Return (goal, hit), both (B, N): which object each found box should become, and whether any at all.

    Dynamic matching (SimOTA, Ge et al. 2021): an object gets its k cheapest boxes, with k the sum of its five
    best IoUs, rounded down, at least 1; a box that several objects want goes to the cheapest. Classes, distance and
    overlap make the cost; a centre outside the object costs 100, one outside all objects 10⁴. The class part is what
    the focal loss would charge for "yes" more than for "no".
    """
    there = (labels >= 0)[:, None]
    overlap = iou(found.boxes, boxes) * there
    price = (focal(found.logits, 1) - focal(found.logits, -1)).gather(2, _spread(labels.clamp(min=0), found.logits))
    edges, true_edges = torch.stack(corners(found.boxes), -1), torch.stack(corners(boxes), -1)
    center, low, high = found.boxes[:, :, None, :2], true_edges[:, None, :, :2], true_edges[:, None, :, 2:]
    inside = ((center > low) & (center < high)).all(dim=-1) & there
    cost = CLASS * price + L1 * torch.cdist(edges, true_edges, p=1) - GIOU * giou(found.boxes, boxes)
    cost = cost + 100.0 * ~inside + 1e4 * ~inside.any(dim=2, keepdim=True)
    k = overlap.topk(min(5, overlap.shape[1]), dim=1).values.sum(dim=1).long().clamp(min=1)
    rank = cost.argsort(dim=1).argsort(dim=1)  # 0 for the cheapest box of an object
    chosen = (rank < k[:, None]) & there
    return torch.where(chosen, cost, torch.inf).argmin(dim=2), chosen.any(dim=2)


def _spread(labels, logits):
    """Return labels (B, m) as indices (B, N, m) into the classes of logits (B, N, classes)."""
    return labels[:, None].expand(-1, logits.shape[1], -1)


def stage_loss(found, boxes, labels):
    """Return 2 · focal + 5 · L1 + 2 · (1 − GIoU) of a stage, per matched box. There is no loss on the noise."""
    goal, hit = match_boxes(found, boxes, labels)
    count = hit.sum().clamp(min=1)
    wanted = one_hot(labels.gather(1, goal).clamp(min=0), len(CLASSES)) * hit[..., None]
    classes = (wanted * focal(found.logits, 1) + (1 - wanted) * focal(found.logits, -1)).sum()
    mine, true = found.boxes[hit], boxes.gather(1, goal[..., None].expand(-1, -1, 4))[hit]
    distance = sum((a - b).abs().sum() for a, b in zip(corners(mine), corners(true), strict=True))
    return (CLASS * classes + L1 * distance + GIOU * (1 - paired_giou(mine, true)).sum()) / count
