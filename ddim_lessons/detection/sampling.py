"""Sample boxes: walk from noise down to objects, and put together what the visits found.

The step is the suite's :func:`ddim_lessons.ddim.ddim_step`; renewal, the ensemble and the other updates are
DiffusionDet's.
"""

from itertools import pairwise
from typing import NamedTuple

import torch

from .. import require
from ..ddim import ddim_step, predict_eps, standard_normal_like
from ..learning.networks import as_tensor
from ..schedules import check_tau
from .boxes import SCALE, average_precision, decode, encode, nms
from .detector import Detector, T
from .shapes import CLASSES, Pictures

UPDATES = ("DDIM", "direct", "fresh")
ENSEMBLES = ("last", "official", "all")


class Visit(NamedTuple):
    """What happens at one visited time ``t``: ``z`` goes in, ``x0_hat`` and ``scores`` come out.

    ``z`` and ``x0_hat`` are codes (B, N, 4) in float64, ``scores`` (B, N, classes) from 0 to 1.
    """

    t: int
    z: torch.Tensor
    x0_hat: torch.Tensor
    scores: torch.Tensor


def draw_codes(rng, B, N):
    """Draw z_T ~ N(0, I) of shape (B, N, 4), float64, from a NumPy generator."""
    require.rng(rng)
    B, N = require.whole("B", B, 1, 100_000), require.whole("N", N, 1, 100_000)
    return torch.from_numpy(rng.standard_normal((B, N, 4)))


def detection_path(model, maps, z_T, tau, rng=None, eta=1.0, renew=True, update="DDIM", told=None):
    """Walk down ``tau`` and yield a ``Visit`` at each of its times but the last, 0, where nothing is left to ask.

    ``update`` says how z gets from a time t to the next, s: by the suite's ``ddim_step`` with ε̂ from x̂_0 ("DDIM"), by
    taking x̂_0 itself ("direct"), or by forgetting all and drawing N(0, I) ("fresh"). With ``renew``, boxes whose best
    score is at most 0.5 start again from N(0, I). ``told``, a time, is told to the network instead of t.
    """
    check_tau(tau, T)
    require.choice("update", update, UPDATES)
    eta, renew = require.real("eta", eta, 0), require.yes_no("renew", renew)
    told = None if told is None else require.whole("told", told, 0, T)
    _require_model(model)
    maps = _checked_maps(maps, model.look.norm.weight)
    _require_codes(z_T, len(maps))
    z = z_T
    for t, s in pairwise(tau):
        found = model.predict(maps, z, t if told is None else told)
        x0_hat, scores = encode(found.boxes).clip(-SCALE, SCALE), found.logits.sigmoid()
        yield Visit(t, z, x0_hat, scores)
        if s > 0:
            z = next_codes(model.schedule, z, x0_hat, t, s, rng, eta, update)
        if s > 0 and renew:
            weak = scores.amax(dim=-1, keepdim=True) <= 0.5
            z = torch.where(weak, standard_normal_like(z, rng), z)


def _require_model(model):
    require.that(isinstance(model, Detector), "model", model, "a Detector")


def _checked_maps(maps, weight):
    """Return maps (B, channels, H, W), finite, in the dtype of the model's ``weight`` of each channel."""
    require.that(isinstance(maps, torch.Tensor), "maps", maps, "a tensor")
    maps, shape = require.floating("maps", maps).to(weight.dtype), tuple(maps.shape)
    wanted = f"(B, {len(weight)}, H, W), from maps_of"
    require.that(len(shape) == 4 and shape[1] == len(weight), "maps' shape", shape, wanted)
    require.finite("maps", maps)
    return maps


def _require_codes(z_T, B):
    """Check that there are codes (B, N, 4), a finite tensor of 64 bits."""
    require.that(isinstance(z_T, torch.Tensor), "z_T", z_T, "a tensor")
    require.finite("z_T", z_T)
    shape = tuple(z_T.shape)
    wanted = f"({B}, N, 4), codes for each of the maps"
    require.that(len(shape) == 3 and (shape[0], shape[2]) == (B, 4), "z_T's shape", shape, wanted)
    require.that(z_T.dtype == torch.float64, "z_T's dtype", z_T.dtype, "torch.float64")


def next_codes(alpha_bar, z, x0_hat, t, s, rng, eta, update):
    """Return the codes at time s > 0: from ``z`` at time t and what the network made of them."""
    require.choice("update", update, UPDATES)
    if update == "direct":
        return x0_hat
    if update == "fresh":
        return standard_normal_like(z, rng)
    noise = standard_normal_like(z, rng) if eta > 0 else None
    return ddim_step(z, predict_eps(z, x0_hat, float(alpha_bar[t])), alpha_bar, t, s, eta, noise)


def ensemble_of(visits, ensemble):
    """Return those of the ``visits`` whose boxes count: the "last" alone, "all", or all but the last ("official").

    The official code leaves its last visit out; with one visit there is no choice.
    """
    require.choice("ensemble", ensemble, ENSEMBLES)
    some = isinstance(visits, list | tuple) and len(visits) > 0
    right = some and all(isinstance(visit, Visit) for visit in visits)
    require.that(right, "visits", visits, "a list of at least one Visit: list(detection_path(…))")
    return {"last": visits[-1:], "all": visits, "official": visits[:-1] or visits}[ensemble]


def results(visits, ensemble="all", lowest=0.0):
    """Return what was found in each picture: a list of (boxes, scores, labels), best score first, NumPy arrays.

    Of each visit the N best of its N · classes (box, class) pairs count; all visits together go through ``nms``. Pairs
    that score below ``lowest`` are left out first.
    """
    lowest = require.real("lowest", lowest, 0, 1)
    used = ensemble_of(visits, ensemble)
    N = visits[0].z.shape[1]
    boxes, scores, labels = [], [], []
    for visit in used:
        best, pair = visit.scores.flatten(1).topk(N, dim=1)
        which = (pair // len(CLASSES))[..., None].expand(-1, -1, 4)
        boxes.append(decode(visit.x0_hat).gather(1, which))
        scores.append(best)
        labels.append(pair % len(CLASSES))
    boxes, scores, labels = (torch.cat(parts, dim=1).numpy() for parts in (boxes, scores, labels))
    return [_suppressed(*parts, lowest) for parts in zip(boxes, scores, labels, strict=True)]


def _suppressed(boxes, scores, labels, lowest):
    """Return the (boxes, scores, labels) of one picture that are left after suppression."""
    likely = scores >= lowest
    boxes, scores, labels = boxes[likely], scores[likely], labels[likely]
    kept = nms(boxes, scores, labels)
    return boxes[kept], scores[kept], labels[kept]


@torch.inference_mode()
def maps_of(model, pictures):
    """Return the maps of ``Pictures``, shape (n, channels, 16, 16)."""
    _require_model(model)
    require.that(isinstance(pictures, Pictures), "pictures", pictures, "Pictures, from draw_pictures")
    return model.look(as_tensor(pictures.pixels, model.features))


def precision_of(found, pictures):
    """Return (AP50, AP[.5:.95]) of what :func:`results` found in ``Pictures``."""
    require.that(isinstance(pictures, Pictures), "pictures", pictures, "Pictures, from draw_pictures")
    each = average_precision(found, [pictures.objects(i) for i in range(len(pictures.labels))], len(CLASSES))
    return float(each[0]), float(each.mean())
