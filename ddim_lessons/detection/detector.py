"""A small DiffusionDet: boxes are denoised, from pure noise to objects, by a network that looks at the picture.

Written from the facts in the paper (Chen, Sun, Song and Luo, ICCV 2023). Like the original: the code of boxes, the
cosine schedule, a cascade of stages that each look into their boxes and move them, attention among the boxes, time as
scale and shift. Simpler: small maps, one bilinear sample a bin, a linear layer instead of dynamic convolution, three
stages instead of six. One addition: each stage is also told where its boxes are.
"""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import embedding_bag, interpolate, scaled_dot_product_attention, silu

from .. import require
from ..learning.networks import on_the_cpu, time_features
from ..learning.weights import stored
from ..schedules import alpha_bar_schedule
from .boxes import decode, encode
from .shapes import CLASSES

T = 1000
SMALLEST = 1 / 64  # one pixel: a box without extent could not grow by a factor


class Found(NamedTuple):
    """What a stage says of N boxes in B pictures: ``boxes`` (B, N, 4), and ``logits`` (B, N, classes)."""

    boxes: torch.Tensor
    logits: torch.Tensor


class ResidualBlock(nn.Module):
    """Two normalised 3 × 3 convolutions beside a shortcut."""

    def __init__(self, channels):
        super().__init__()
        self.norms = nn.ModuleList(nn.GroupNorm(8, channels) for _ in range(2))
        self.convs = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, h):
        """Return a map of the shape of ``h``, (B, channels, rows, columns)."""
        out = h
        for norm, conv in zip(self.norms, self.convs, strict=True):
            out = conv(silu(norm(out)))
        return h + out


class Backbone(nn.Module):
    """Look once: pixels (B, 3, 64, 64) → a map (B, channels, 16, 16), a cell for 4 × 4 pixels.

    Down to 4 × 4 cells and up again, so that a cell also knows what is around it.
    """

    def __init__(self, channels, width=64):
        super().__init__()
        self.enter = nn.Sequential(
            nn.Conv2d(3, 32, 4, 2, 1), nn.GroupNorm(8, 32), nn.SiLU(), nn.Conv2d(32, width, 4, 2, 1)
        )
        self.down = nn.ModuleList(nn.Conv2d(width, width, 3, 2, 1) for _ in range(2))
        self.levels = nn.ModuleList(ResidualBlock(width) for _ in range(3))
        self.across = nn.ModuleList(nn.Conv2d(width, channels, 1) for _ in range(3))
        self.norm = nn.GroupNorm(8, channels)

    def forward(self, pixels):
        """Return the maps, shape (B, channels, 16, 16), of pixels (B, 3, 64, 64) in [0, 1]."""
        h = self.levels[0](self.enter(2 * pixels - 1))
        maps = [self.across[0](h)]
        for down, level, across in zip(self.down, self.levels[1:], self.across[1:], strict=True):
            h = level(down(h))
            maps.append(across(h))
        out = maps[2]
        for finer in (maps[1], maps[0]):
            out = finer + interpolate(out, scale_factor=2, mode="nearest")
        return self.norm(out)


class Stage(nn.Module):
    """One look: read the map inside each box, let the boxes attend to each other, say classes and corrected boxes."""

    def __init__(self, channels, width, roi, heads=4):
        super().__init__()
        self.roi, self.heads = roi, heads
        self.read = nn.Linear(roi * roi * channels, width)
        self.place = nn.Linear(4, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(4))
        self.qkv, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 3 * width // 2), nn.SiLU(), nn.Linear(3 * width // 2, width))
        self.time = nn.Linear(64, 2 * width)
        self.shape = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 4))
        self.classes = nn.Linear(width, len(CLASSES))
        nn.init.zeros_(self.shape[2].weight)  # at first a stage moves all its boxes alike
        nn.init.constant_(self.classes.bias, -3.0)  # and says that nearly all of them are empty

    def forward(self, maps, boxes, time):
        """Return what is ``Found`` at boxes (B, N, 4) in maps (B, channels, 16, 16), for times embedded as (B, 64)."""
        f = self.norms[0](self.read(read_boxes(maps, boxes, self.roi))) + self.place(encode(boxes))
        f = f + self.attend(self.norms[1](f))
        f = f + self.feed(self.norms[2](f))
        scale, shift = self.time(time)[:, None].chunk(2, dim=-1)
        f = self.norms[3](f) * (1 + scale) + shift
        return Found(shift_boxes(boxes, self.shape(f)), self.classes(f))

    def attend(self, f):
        """Let the boxes of each picture attend to each other: features (B, N, width) to as many."""
        q, k, v = self.qkv(f).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.mix(scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


def read_boxes(maps, boxes, roi):
    """Read a map at roi × roi points of each box, bilinearly, 0 outside; shape (B, N, roi² · channels).

    A point's value is the weighted sum of its four neighbours' rows: four rows of a table, which is what an embedding
    bag adds up, several times faster backwards than ``grid_sample``.
    """
    B, C, H, W = maps.shape
    inner = (torch.arange(roi, dtype=boxes.dtype, device=boxes.device) + 0.5) / roi - 0.5
    x = ((boxes[..., 0, None] + boxes[..., 2, None] * inner) * W - 0.5)[:, :, None, :]
    y = ((boxes[..., 1, None] + boxes[..., 3, None] * inner) * H - 0.5)[:, :, :, None]
    picture = torch.arange(B, device=boxes.device)[:, None, None, None] * (H * W)
    rows, weights = [], []
    for right in (0, 1):
        for below in (0, 1):
            column, line = x.floor() + right, y.floor() + below
            weight = (1 - (x - column).abs()) * (1 - (y - line).abs())
            inside = (column >= 0) & (column < W) & (line >= 0) & (line < H)
            weights.append(weight * inside)
            rows.append((picture + line.clamp(0, H - 1) * W + column.clamp(0, W - 1)).long())
    table = maps.permute(0, 2, 3, 1).reshape(-1, C)
    rows, weights = torch.stack(rows, -1).reshape(-1, 4), torch.stack(weights, -1).reshape(-1, 4)
    return embedding_bag(rows, table, per_sample_weights=weights, mode="sum").reshape(B, boxes.shape[1], -1)


def shift_boxes(boxes, delta):
    """Move centres by half a delta in box sizes, and multiply sizes by e^delta; both (…, 4)."""
    center = boxes[..., :2] + 0.5 * delta[..., :2] * boxes[..., 2:]
    return torch.cat([center, boxes[..., 2:] * delta[..., 2:].clamp(-4, 4).exp()], dim=-1)


class Detector(nn.Module):
    """Picture, noisy boxes and time → boxes and classes. ``arguments`` is what rebuilds it.

    Looking at the picture (:meth:`look`) is apart from the boxes, so it is done once, whatever the number of steps.
    """

    @on_the_cpu
    def __init__(self, channels=48, width=128, stages=3, roi=5):
        named = {"channels": channels, "width": width, "stages": stages, "roi": roi}
        channels, width, stages, roi = (require.whole(name, number, 1, 1000) for name, number in named.items())
        require.that(channels % 8 == width % 4 == 0, "(channels, width)", (channels, width), "multiples of 8 and of 4")
        super().__init__()
        self.arguments = dict(channels=channels, width=width, stages=stages, roi=roi)
        self.schedule = alpha_bar_schedule("cosine", T)
        self.register_buffer("features", time_features(self.schedule), persistent=False)
        self.look = Backbone(channels)
        self.embed = nn.Sequential(nn.Linear(8, 64), nn.SiLU())
        self.stages = nn.ModuleList(Stage(channels, width, roi) for _ in range(stages))

    def forward(self, maps, boxes, t):
        """Return what each stage ``Found``: maps of :meth:`look`, boxes (B, N, 4) in [0, 1], times t (B,) or one."""
        time = self.embed(self.features[t]).expand(len(maps), -1)
        answers = []
        for stage in self.stages:
            sizes = boxes[..., 2:].clamp(min=SMALLEST)
            answers.append(stage(maps, torch.cat([boxes[..., :2], sizes], dim=-1).detach(), time))
            boxes = answers[-1].boxes
        return answers

    @torch.inference_mode()
    def predict(self, maps, z, t):
        """Return what the last stage ``Found`` for noisy codes ``z`` (B, N, 4) at the one time ``t``.

        Codes and answers are in float64 on the CPU: at ᾱ_T = 2.4e-9 the way from x̂_0 to ε̂ and back costs nine digits.
        """
        boxes, logits = self(maps, decode(z).to(maps), torch.tensor(t, device=maps.device))[-1]
        return Found(boxes.double().cpu(), logits.double().cpu())


def load_detector():
    """Return the trained detector that came with the lessons."""
    return stored("detector", (Detector,))
