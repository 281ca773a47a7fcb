"""Lesson 10: boxes from noise, on live pictures and in recorded tables. This module loads torch."""

from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import torch
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba

from ... import require
from ...detection.boxes import SCALE, corners, decode, encode, iou
from ...detection.detector import load_detector
from ...detection.sampling import ENSEMBLES, UPDATES, detection_path, draw_codes, maps_of, precision_of, results
from ...detection.shapes import SIDE, Pictures, crowd_pictures, draw_pictures
from ...figures.controls import choice_slider, menu, toggle, whole_slider
from ...figures.live import LiveFigure
from ...figures.plots import BLUE, GREEN, GREY, INK, ORANGE, PALE, VERMILION, house, key_below, panels, show
from ...files import read_arrays, read_json
from ...remember import remember, to_the_end
from ...schedules import make_tau

STEPS, BOXES, ETAS = (1, 2, 4, 8), (8, 16, 32, 64, 128), (0.0, 0.5, 1.0)
LOWEST = 0.01  # (box, class) pairs that score less are left out: AP hardly sees them
SURE = 0.5  # the score from which a found box is drawn as a result
COLORS = (BLUE, ORANGE, VERMILION)  # of CLASSES
MAP_RANGE = (0.4, 1.0)
LINES = {
    1: dict(color=BLUE, marker="o", linestyle="-"),
    2: dict(color=GREEN, marker="s", linestyle="--"),
    4: dict(color=VERMILION, marker="^", linestyle="-."),
    8: dict(color=INK, marker="D", linestyle=":"),
}  # how S = 1, 2, 4, 8 are drawn


# --- pictures, runs, recorded tables -----------------------------------------------------------------------------


@remember(1)
def detector():
    """The trained network that came with the lessons."""
    return load_detector()


def held_out(n=300):
    """Return ``n`` pictures that training never saw; always the same."""
    return draw_pictures(np.random.default_rng([10, 1]), n)


def crowds(n=300):
    """Return ``n`` crowded pictures, of about 11 objects; always the same."""
    return crowd_pictures(np.random.default_rng([10, 3]), n)


def run(model, pictures, S, N, seed=0, eta=1.0, renew=True, update="DDIM", told=None, maps=None):
    """Sample ``N`` boxes for each of the ``pictures`` in ``S`` steps; returns the list of S visits.

    z_T depends on the seed and N alone. ``maps`` of the pictures are made here if they are not given.
    """
    maps = maps_of(model, pictures) if maps is None else maps
    return to_the_end(_walk(model, maps, S, N, seed, eta, renew, update, told))


def _walk(model, maps, S, N, seed, eta, renew, update, told=None):
    """Do a :func:`run` a visit at a time: yield the share that is done; returns the list of visits."""
    z_T, later = start_of(seed, len(maps), N)
    path = detection_path(model, maps, torch.from_numpy(z_T), make_tau(1000, S), later, eta, renew, update, told)
    visits = []
    for k in range(S):
        with one_thread():
            visits.append(next(path))
        yield (k + 1) / S
    return visits


@contextmanager
def one_thread():
    """Let torch use one thread: for networks this small, handing work to a second costs more than it brings."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def asker(model, pictures):
    """Return ``ask(z, t)``, which cuts codes (n, N, 4), makes boxes of them and lets the network look there.

    It answers with (x̂_0, scores), arrays (n, N, 4) and (n, N, classes).
    """
    maps = maps_of(model, pictures)

    def ask(z, t):
        found = model.predict(maps, torch.from_numpy(z), t)
        return encode(found.boxes.numpy()).clip(-SCALE, SCALE), found.logits.sigmoid().numpy()

    return ask


def start_of(seed, n, N):
    """Return (z_T of shape (n, N, 4), the generator of all later noise) of a :func:`run` with this seed."""
    start, later = (np.random.default_rng([10, seed, part]) for part in (0, 1))
    return draw_codes(start, n, N).numpy(), later


def movement(visits):
    """Return how far (z_t, x̂_0) go on each jump between ``visits``, a mean over boxes; shape (S − 1, 2)."""
    return np.array([[(b.z - a.z).abs().mean(), (b.x0_hat - a.x0_hat).abs().mean()] for a, b in pairwise(visits)])


def kept_of_start(visits):
    """Return the slope of each later z_t on z_T, for the coordinates of the boxes' centres; shape (S − 1,)."""
    first, *later = (visit.z[..., :2].flatten().numpy() for visit in visits)
    return np.array([np.polyfit(first, z, 1)[0] for z in later])


def best_overlaps(boxes, pictures, labels=None):
    """Return for each object of all ``pictures`` the IoU of the best of the ``boxes`` (n, N, 4) of its picture.

    With ``labels`` (n, N), boxes of another class do not count.
    """
    best = []
    for i, found in enumerate(boxes):
        truth, classes = pictures.objects(i)
        counts = 1 if labels is None else labels[i][:, None] == classes
        best += list((iou(found, truth) * counts).max(axis=0))
    return np.array(best)


def measure(pictures, visits, ensembles=("all",)):
    """Return (AP50, AP[.5:.95]) of the visits of a :func:`run` for each of the ``ensembles``; shape (ensembles, 2)."""
    return np.array([precision_of(results(visits, name, LOWEST), pictures) for name in ensembles])


@remember(1)
def recorded():
    """The recorded tables, with the facts about them; tools/record_detection.py made them."""
    return read_json("results/lesson_10.json")


def control(name, ensemble="all", kind="AP"):
    """Return the recorded values of a control, shape (steps, noise seeds), 16 boxes."""
    require.choice("name", name, recorded()["controls"])
    require.choice("ensemble", ensemble, ENSEMBLES)
    require.choice("kind", kind, ("AP50", "AP"))
    return np.array(recorded()["controls"][name][ensemble][kind])


def print_table(table):
    """Print AP50 and AP[.5:.95] of a recorded table, means over its noise seeds: rows are steps, columns boxes."""
    print("AP50/AP " + "".join(f"{N:8} boxes" for N in table["boxes"]))
    for S, ap50, ap in zip(table["steps"], table["AP50"], table["AP"], strict=True):
        cells = "".join(f"   {a:.3f}/{b:.3f}" for a, b in zip(ap50, ap, strict=True))
        print(f"{S} step{'s' if S > 1 else ' '} {cells}")
    scatter = np.mean(table["AP_sd"])
    print(f"{table['pictures']} pictures, {table['seeds']} noise seeds, of which one scatters by {scatter:.3f} in AP")


@remember(1)
def recorded_maps():
    """The recorded AP[.5:.95]: settings (update, η, renewal) → array (ensembles, steps, boxes)."""
    maps = read_arrays("results/lesson_10.npz")["maps"]
    return {tuple(names): values for names, values in zip(recorded()["map_settings"], maps, strict=True)}


def map_settings():
    """Return all (update, η, renewal) that differ: η moves DDIM's step alone, and nothing is renewed in fresh noise."""
    ddim = [("DDIM", eta, renew) for eta in ETAS for renew in (True, False)]
    return [*ddim, ("direct", 0.0, True), ("direct", 0.0, False), ("fresh", 0.0, False)]


def settings_of(update, eta, renew):
    """Return which of :func:`map_settings` these settings are the same as."""
    require.choice("update", update, UPDATES)
    return update, eta if update == "DDIM" else 0.0, renew and update != "fresh"


# --- drawing -----------------------------------------------------------------------------------------------------


def outline(boxes):
    """Return boxes (n, 4) as polygons in pixels, (n, 4, 2)."""
    left, top, right, bottom = (np.asarray(edge) * SIDE - 0.5 for edge in corners(boxes))
    return np.stack([np.stack(p, -1) for p in ((left, top), (right, top), (right, bottom), (left, bottom))], axis=1)


@house()
def draw_boxes(axes, boxes, colors, width=1.5, style="-"):
    """Draw boxes (n, 4) as outlines over a picture; returns the PolyCollection."""
    lines = PolyCollection(outline(boxes), facecolors="none", edgecolors=colors, linewidths=width, linestyles=style)
    axes.add_collection(lines, autolim=False)
    return lines


def draw_picture(axes, pixels, title=""):
    """Show a picture (3, 64, 64), a little paler so that boxes stand out; returns the image."""
    axes.set(xticks=[], yticks=[], title=title, xlim=(-0.5, SIDE - 0.5), ylim=(SIDE - 0.5, -0.5))
    return axes.imshow(paler(pixels), interpolation="nearest", aspect="equal")


def paler(pixels):
    """Return a picture (3, 64, 64) nearer to white, as 8-bit RGBA (64, 64, 4), which draws faster than RGB.

    Colours go in steps of 12, so that the pixels' noise does not fill the files.
    """
    color = (255 * (0.45 + 0.55 * np.moveaxis(pixels, 0, -1))).astype(np.uint8) // 12 * 12
    return np.dstack([color, np.full((SIDE, SIDE), 255, dtype=np.uint8)])


def class_colors(labels, strength):
    """Return RGBA colours of labels (n,), as opaque as ``strength`` (n,) says."""
    colors = np.array([to_rgba(COLORS[label]) for label in labels]).reshape(-1, 4)
    colors[:, 3] = strength
    return colors


def becoming(scores):
    """Return colours of boxes going in, by what they become: grey, or the class of which their x̂_0 is sure.

    The more boxes there are, the paler are those that become nothing: the picture shows. ``scores`` (n, classes).
    """
    sure = scores.max(axis=1) > SURE
    colors = class_colors(scores.argmax(axis=1), 1.0)
    colors[~sure] = to_rgba(GREY, min(0.8, (8 / len(scores)) ** 0.6))
    return colors


def class_key(figure, axes):
    """Say under the panels which colour is which class; ``axes`` holds what is described."""
    for color, words in zip((*COLORS, GREY, INK), ("ellipse", "rectangle", "triangle", "unsure", "true"), strict=True):
        axes.plot([], [], color=color, linewidth=3, label=words)
    key_below(figure)


def draw_truth(axes, pictures, i):
    """Show picture ``i`` with its true boxes, coloured by class."""
    boxes, labels = pictures.objects(i)
    draw_picture(axes, pictures.pixels[i])
    draw_boxes(axes, boxes, class_colors(labels, 1.0), width=2)


def show_scenes(pictures):
    """Show the first four pictures with their true boxes."""
    figure, axes = panels(1, 4, width=9, height=2.6)
    for i, ax in enumerate(axes):
        draw_truth(ax, pictures, i)
    show(figure, "Four pictures with their true boxes: blue ellipses, orange rectangles, vermilion triangles.")


def show_visits(picture, visits, caption):
    """Show the visits of a run on one picture: z_t above, x̂_0 below, coloured by class, as strong as its score."""
    figure, axes = panels(2, len(visits), width=9, height=4.9)
    for (above, below), visit in zip(axes.T, visits, strict=True):
        score = visit.scores[0].numpy()
        draw_picture(above, picture.pixels[0], f"t = {visit.t}")
        draw_picture(below, picture.pixels[0])
        draw_boxes(above, decode(visit.z[0]).numpy(), becoming(score), 1.0)
        colors = class_colors(score.argmax(axis=1), 0.15 + 0.85 * score.max(axis=1))
        draw_boxes(below, decode(visit.x0_hat[0]).numpy(), colors, 2)
    axes[0, 0].set_ylabel("z_t, going in")
    axes[1, 0].set_ylabel("x̂_0, coming out")
    show(figure, caption)


def show_controls():
    """Show AP at S = 8 of each control, a dot for each noise seed and the mean in words: all visits, the last alone."""
    figure, axes = panels(1, 2, width=9, height=4.2, sharey=True, sharex=True)
    names, one = list(recorded()["controls"])[::-1], control("full")[0].mean()
    for ax, ensemble, title in zip(axes, ("all", "last"), ("all visits count", "the last visit alone"), strict=True):
        for row, name in enumerate(names):
            ap = control(name, ensemble)[-1]
            ax.plot(ap, [row] * len(ap), "o", color=ORANGE if name == "fresh" else BLUE, alpha=0.7, markersize=8)
            ax.text(0.955, row, f"{ap.mean():.3f}", va="center", fontsize=12)
        ax.axvline(one, color=INK, linestyle="--", linewidth=1.2)
        ax.set(yticks=range(len(names)), yticklabels=names, xlabel="AP at S = 8", title=title, xlim=(0.8, 0.98))
    axes[0].text(one + 0.002, len(names) - 0.5, "← one step", va="center", fontsize=12)
    axes[0].set_ylim(-0.6, len(names))
    show(
        figure,
        "AP with 16 boxes and 8 steps, a dot for each of four noise seeds, means at the right; the dashed line is one "
        "step. Left: fresh noise (orange) lies among the best; the two without noise and renewal, at the bottom, gain "
        "least. Right: judged by the last visit alone, fresh noise gains nothing, and all that carry boxes on do.",
    )


def draw_pair(axes, a, b):
    """Draw two boxes (4,) alone, blue and orange: what they share grey, the smallest box around both dashed."""
    left, top, right, bottom = corners(np.stack([a, b]))
    axes.set(xticks=[], yticks=[], xlim=(-0.5, SIDE - 0.5), ylim=(SIDE - 0.5, -0.5), aspect="equal")
    axes.spines[:].set_visible(True)
    if left.max() < right.min() and top.max() < bottom.min():
        shared = _between(left.max(), top.max(), right.min(), bottom.min())
        draw_boxes(axes, shared, "none").set_facecolor(PALE)
    draw_boxes(axes, np.stack([a, b]), (BLUE, ORANGE), 3)
    draw_boxes(axes, _between(left.min(), top.min(), right.max(), bottom.max()), GREY, 1.5, "--")


def _between(left, top, right, bottom):
    """Return the box with these edges, (1, 4)."""
    return np.array([[(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]])


# --- the live figure ---------------------------------------------------------------------------------------------


CHOICES = ("1", "2", "3", "4", "crowd 1", "crowd 2")  # the pictures of the gallery, as the menu calls them


@remember(1)
def gallery():
    """Six pictures to choose from: four as in training, two crowds; and their maps."""
    usual, crowd = held_out(12), crowds(2)
    width = crowd.labels.shape[1] - usual.labels.shape[1]
    padded = (
        np.pad(usual.boxes, ((0, 0), (0, width), (0, 0))),
        np.pad(usual.labels, ((0, 0), (0, width)), constant_values=-1),
    )
    order = np.argsort(-(usual.labels >= 0).sum(axis=1), kind="stable")[:4]
    parts = zip((usual.pixels, *padded), crowd, strict=True)
    pictures = Pictures(*(np.concatenate([a[order], b]) for a, b in parts))
    return pictures, maps_of(detector(), pictures)


@remember(megabytes=20)
def run_picture(index, seed, S, N, eta, renew, update):
    """Run picture ``index`` of the gallery; returns the list of visits."""
    return _walk(detector(), gallery()[1][index : index + 1], S, N, seed, eta, renew, update)


def moved(eta, renew):
    """Return the mean distances that (z_t, x̂_0) go from visit to visit: picture 1, 8 steps, 32 boxes."""
    return movement(run_picture(0, 0, 8, 32, eta, renew, "DDIM")).mean(axis=0)


def found_in_a_crowd(ensemble, seeds=8):
    """Return how many objects of crowd 1 eight walks with 8 boxes and 8 steps find, by this ensemble."""
    runs = [run_picture(4, seed, 8, 8, 0.0, False, "DDIM") for seed in range(seeds)]
    answers = [results(visits, ensemble, LOWEST)[0] for visits in runs]
    return sum(judge_picture(answer, *gallery()[0].objects(4))[0] for answer in answers)


def judge_picture(found, boxes, labels):
    """Return (right, false): the objects that a sure box of their class overlaps by ≥ 0.5, and the other sure boxes."""
    sure = found[1] >= SURE
    overlap = iou(found[0][sure], boxes) >= 0.5
    hit = overlap & (found[2][sure][:, None] == labels)
    return int(hit.any(axis=0).sum()), int((~hit.any(axis=1)).sum())


def boxes_from_noise() -> LiveFigure:
    """One picture, N boxes from noise: z_t and x̂_0 at each visited time, the result, and the recorded map of AP."""
    figure, axes = panels(2, 2, width=7.2, height=7.2)
    scene = _Scene(axes)
    class_key(figure, axes[0, 0])
    controls = {
        "picture": menu("picture", [(name, index) for index, name in enumerate(CHOICES)], 0),
        "seed": whole_slider("noise seed", 0, 9, 0),
        "S": choice_slider("S (steps)", STEPS, 8),
        "N": choice_slider("boxes", BOXES, 32),
        "eta": choice_slider("η (noise)", ETAS, 0.0),
        "update": menu("update", UPDATES, "DDIM"),
        "ensemble": menu("ensemble", ENSEMBLES, "all"),
        "renew": toggle("renewal", False),
        "visit": choice_slider("visit (time)", range(1, 9), 1),
    }

    def asked(picture, seed, S, N, eta, update, renew):
        return picture, seed, S, N, *settings_of(update, eta, renew)[1:], update

    def update(picture, seed, S, N, eta, update, ensemble, renew, visit):
        visits = run_picture(*asked(picture, seed, S, N, eta, update, renew))
        return scene.move(picture, visits, min(visit, S) - 1, ensemble, (update, eta, renew))

    def compute(picture, seed, S, N, eta, update, ensemble, renew, visit):
        return run_picture.slices(*asked(picture, seed, S, N, eta, update, renew))

    live = LiveFigure(figure, scene.artists, controls, update, play="visit")
    return live.computes(compute, {}, ("S", "N", "eta"))


class _Scene:
    """The four panels of :func:`boxes_from_noise` and how they follow."""

    def __init__(self, axes):
        panels_of = noisy, guess, result = axes[0, 0], axes[1, 0], axes[0, 1]
        pixels, none = gallery()[0].pixels[0], np.zeros((0, 4))
        self.images = [draw_picture(axis, pixels) for axis in panels_of]
        self.truth = draw_boxes(result, none, INK, 4.0)
        self.noisy, self.guess, self.result = (draw_boxes(axis, none, []) for axis in panels_of)
        self.titles = [axis.set_title(" ", fontsize=12) for axis in (*panels_of, axes[1, 1])]
        self.image, self.cells = _draw_map(axes[1, 1])
        (self.dot,) = axes[1, 1].plot([], [], "s", color=VERMILION, markersize=38, fillstyle="none", markeredgewidth=3)
        boxes = [self.noisy, self.guess, self.truth, self.result]
        self.artists = [*self.images, *boxes, self.image, *self.cells, self.dot, *self.titles]

    def move(self, picture, visits, k, ensemble, settings):
        """Bring the panels to visit ``k`` of a run on one picture; returns the caption."""
        pictures, visit = gallery()[0], visits[k]
        boxes, labels = pictures.objects(picture)
        for image in self.images:
            image.set_data(paler(pictures.pixels[picture]))
        scores = visit.scores[0].numpy()
        best = scores.max(axis=1)
        self.noisy.set(verts=outline(decode(visit.z[0].numpy())), edgecolors=becoming(scores))
        colors = class_colors(scores.argmax(axis=1), 0.15 + 0.85 * best)
        self.guess.set(verts=outline(decode(visit.x0_hat[0].numpy())), edgecolors=colors)
        found = results(visits, ensemble, LOWEST)[0]
        sure = found[1] >= SURE
        self.result.set(verts=outline(found[0][sure]), edgecolors=class_colors(found[2][sure], 1.0))
        self.truth.set_verts(outline(boxes))
        right, false = judge_picture(found, boxes, labels)
        told = (
            f"z_t at t = {visit.t}, visit {k + 1} of {len(visits)}",
            f"its x̂_0: {(best > SURE).sum()} boxes are sure",
            f"result ({ensemble}): {right} of {len(boxes)}, {false} false",
        )
        for title, words in zip(self.titles, (*told, "recorded AP[.5:.95]"), strict=True):
            title.set_text(words)
        words = f"Picture {CHOICES[picture]}: {told[0]}; {told[1]}; of the whole run, ensemble {ensemble}: "
        words += f"{right} of {len(boxes)} objects found, {false} false. "
        return words + self.move_map(visits, ensemble, settings)

    def move_map(self, visits, ensemble, settings):
        """Show the map of these settings, put the dot where they stand, and say its number."""
        S, N, (update, eta, renew) = len(visits), visits[0].z.shape[1], settings
        values = recorded_maps()[settings_of(*settings)][ENSEMBLES.index(ensemble)]
        self.image.set_data(values)
        for cell, value in zip(self.cells, values.flat, strict=True):
            cell.set(text=f"{value:.2f}", color="white" if value > 0.8 else INK)
        row, column = STEPS.index(S), BOXES.index(N)
        self.dot.set_data([column], [row])
        how = f"{update}, η = {eta:g}, renewal {'on' if renew else 'off'}, S = {S}, {N} boxes"
        pictures, seeds = recorded()["map_pictures"], recorded()["map_seeds"]
        on = f"{pictures} pictures of 1 to 6 objects, no crowds, {seeds} noise seeds"
        return f"{how}: recorded AP {values[row, column]:.3f} on {on}."


def _draw_map(axes):
    """Prepare the map of AP over steps and boxes; returns (image, the texts of its cells)."""
    axes.set(xticks=range(len(BOXES)), xticklabels=BOXES, yticks=range(len(STEPS)), yticklabels=STEPS)
    axes.set(xlabel="boxes", ylabel="steps S")
    scale = dict(zip(("vmin", "vmax"), MAP_RANGE, strict=True))
    image = axes.imshow(np.zeros((len(STEPS), len(BOXES))), cmap="Blues", origin="lower", aspect="auto", **scale)
    cells = [axes.text(x, y, "", ha="center", va="center", fontsize=12) for y, x in np.ndindex(4, 5)]
    return image, cells
