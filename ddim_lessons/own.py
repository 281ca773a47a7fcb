"""A data set of your own: numbers, a table, small pictures, the ink of a picture, a drawing, a typed word; exact.

    own = own_data("Ada")  # a word; or own_data(points), own_data("table.csv"), own_data("sketch.png")
    print(own.said)

It may stand wherever a set's name may, and it is known by what it holds: two sets of one name never share a result
that is kept. Matplotlib (words) and Pillow (pictures) are loaded where they are needed.
"""

import csv
import hashlib
import warnings
from copy import copy, deepcopy
from os import PathLike
from pathlib import Path

import numpy as np

from . import require
from .metrics import nearest, squared_distances
from .oracle import GaussianMixture
from .remember import read_only
from .schedules import alpha_bar_schedule, levels

PARTS = 200  # with so many the exact denoiser moves 2,000 points through 50 steps in less than 100 ms
PICTURES = 2000  # so many small pictures it takes as they are: labs show twenty at a time
DRAWN = 20_000  # points drawn from ink
NARROWEST = 0.05  # the widest that a single point is made, in units of the scaled data
FAR = 8  # so many standard deviations from the mean may be a slip
UNEQUAL = 5.0  # columns whose spreads differ by more have units of their own
TABLES, IMAGES = (".csv", ".tsv", ".txt"), (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")
LETTER, EDGE = 160, 5  # the height of a word's type, and how far inside its edges points are drawn, in pixels
LONGEST_LINE = 100_000  # of a table, in signs: what csv takes
LONGEST_SIDE = 400  # of a picture from which ink is read, in pixels
PEN = 20  # the width of a drawing's strokes, in pixels
SOURCES = "numbers of shape (n, d), pictures of shape (n, h, w), the path of a CSV file or of a picture, or a word"


class OwnData(GaussianMixture):
    """A set of one's own, centred and scaled: a mixture, so its denoiser is exact, and the points that it stands for.

    Attributes
    ----------
    name, said : what captions call it; what was done to the data, in sentences
    points : the scaled data, shape (n, d), for a training
    centre, scale : ``(x - centre) / scale`` is scaled; :meth:`back` undoes it
    shape : (h, w) of small pictures, else None
    ink : True where a picture or a word is black, shape (rows, columns), else None
    alpha_bar : the schedule that figures and trainings use
    network : what :meth:`with_network` added, else None
    """

    def __init__(self, points, parts, name, said, centre, scale, shape=None, ink=None):
        super().__init__(*parts)
        self.points, self.name, self.said = points, name, said
        self.centre, self.scale, self.shape, self.ink = centre, scale, shape, ink
        self.alpha_bar, self.network = alpha_bar_schedule(), None
        read_only([self.means, self.std, self.weights, points, centre, scale, ink, self.alpha_bar])

    def __str__(self):
        return self.name

    def __repr__(self):
        return f"<own data “{self.name}”: {self.said}>"

    def _held(self):
        """What makes two sets one: all numbers and the name, as a digest; and the very same network."""
        digest = hashlib.sha256(repr((self.name, self.shape)).encode())
        arrays = self.points, self.means, self.std, self.weights, self.centre, self.scale, self.alpha_bar, self.ink
        for array in arrays:
            digest.update(repr(np.shape(array)).encode() + np.asarray(array, dtype=float).tobytes())
        return digest.digest()

    @property
    def key(self):
        if "_key" not in vars(self):
            self._key = self._held()
        return self._key, id(self.network)

    def __eq__(self, other):
        return isinstance(other, OwnData) and self.key == other.key

    def __hash__(self):
        return hash(self.key)

    def on_schedule(self, alpha_bar):
        """Return the same set on another schedule ``alpha_bar``, shape (T + 1,), without its network."""
        other = copy(self)
        other.alpha_bar, other.network = read_only(levels(alpha_bar).copy()), None
        vars(other).pop("_key", None)
        return other

    def with_network(self, network):
        """Return the same set with a trained ``network``, of which a copy is kept, and on that network's schedule."""
        schedule = getattr(network, "schedule", getattr(network, "alpha_bar", None))
        require.that(schedule is not None, "network", network, "a trained network of the package, or an own_network")
        other = self.on_schedule(schedule)
        other.network = deepcopy(network)
        return other

    def scaled(self, x):
        """Return points x (n, d) in the data's own units as the denoiser takes them."""
        return (self._samples(x) - self.centre) / self.scale

    def back(self, x):
        """Return samples x (n, d) in the data's own units; pictures as (n, h, w)."""
        x = self._samples(x) * self.scale + self.centre
        return x if self.shape is None else x.reshape(-1, *self.shape)

    def _samples(self, x):
        """Return x as an array after checking that it is (n, d), finite and not empty."""
        return self._checked(x, 0.0)[0]

    def in_ink(self, x):
        """Return the share of the samples x (n, 2) that lie in the ink of the word or picture."""
        require.that(self.ink is not None, "the ink", None, "there: a word's or a picture's")
        rows, columns = self.ink.shape
        column, row = np.floor(self.back(x).clip(-1, max(rows, columns))).astype(int).T
        require.whole("the number of samples", len(row), 1)
        inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        return float(np.mean(inside & self.ink[(rows - 1 - row) * inside, column * inside]))


def own_data(source, name=None):
    """Return the ``OwnData`` made of ``source``; sentences say what cannot be used.

    ``source`` is numbers of shape (n, d) (array, list, tensor, frame), pictures of shape (n, h, w), the path of a CSV
    file or of a black-and-white picture, a Pillow picture, or a word; "\\n" in it begins another line. ``name`` is
    what captions call it.
    """
    require.that(name is None or isinstance(name, str), "name", name, "a text")
    if isinstance(source, OwnData):
        return source
    if isinstance(source, GaussianMixture):
        points, parts = source.sample(DRAWN, np.random.default_rng(0)), (source.means, source.std, source.weights)
        unscaled = np.zeros(source.dim), np.ones(source.dim)
        return OwnData(points, parts, name or "a mixture", "A mixture as it is.", *unscaled)
    if isinstance(source, str | PathLike):
        ending = Path(source).suffix.lower()
        if ending in TABLES:
            return _of_points(*_read_table(Path(source)), name or Path(source).stem)
        if ending in IMAGES:
            return _of_picture(_open_picture(Path(source)), name or Path(source).stem)
        is_word = isinstance(source, str) and not Path(source).is_file()
        require.that(is_word, "the file's name", str(source), f"one that ends in {', '.join(TABLES + IMAGES)}")
        return _of_ink(*_ink_of_word(source), "", name or " ".join(source.split()))
    if hasattr(source, "strokes"):
        return _of_strokes(source.strokes, name or "your drawing")
    if hasattr(source, "convert") and hasattr(source, "getbands"):
        return _of_picture(source, name or "your picture")
    numbers = _numbers_of(source)
    if numbers.ndim == 3:
        return _of_pictures(numbers, name or "your pictures")
    return _of_points(numbers, "", name or "your data")


def named(data):
    """Return what figures take for data: the name of a set as it is, all else as :func:`own_data`."""
    return str(data) if isinstance(data, str) else own_data(data)


def require_name(argument, name, known):
    """Check that ``name`` is one of the ``known`` names of sets; the sentence says what to do with a word or a file."""
    allowed = f"one of {', '.join(map(repr, known))}; a word or a file of yours: own_data(…)"
    require.that(isinstance(name, str) and name in known, argument, name, allowed)


# --- numbers -------------------------------------------------------------------------------------------------------


def _numbers_of(source):
    """Return numbers as an array of 64 bits; a frame's columns must all be numbers."""
    if hasattr(source, "iloc") and hasattr(source, "columns"):
        kinds = zip(source.columns, source.dtypes, strict=True)
        words = [str(column) for column, kind in kinds if kind.kind not in "fiub"]
        wanted = "of numbers: choose some that are, such as own_data(frame[['x', 'y']])"
        require.that(not words, "a column", ", ".join(words), wanted)
        source = source.to_numpy(dtype=float, na_value=np.nan)
    require.that(hasattr(source, "__len__"), "source", source, SOURCES)
    numbers = require.real_array("source", source)
    if numbers.ndim == 4 and numbers.shape[1] == 1:  # pictures as networks take them
        numbers = numbers[:, 0]
    require.that(numbers.ndim in (1, 2, 3), "source's shape", numbers.shape, "(n, d), or (n, h, w) for pictures")
    return numbers[:, None] if numbers.ndim == 1 else numbers


def _of_points(numbers, said, name):
    """Make the set of points (n, d)."""
    bad = np.flatnonzero(~(abs(numbers) < require.LARGEST).all(axis=1))
    if len(bad):
        row = str(numbers[bad[0]].tolist())[: require.SHOWN]
        raise ValueError(f"{len(bad)} of {len(numbers)} rows hold NaN, infinity or what is too large to square, the "
                         f"first is row {bad[0]}, {row}: leave them out, as x[np.isfinite(x).all(axis=1)]")  # fmt: skip
    require.that(numbers.size > 0 and len(numbers) > 1, "source's shape", numbers.shape, "at least 2 points, (n, d)")
    spread = numbers.std(axis=0)
    alike = not (spread > 1e-12 * abs(numbers).max()).any()
    require.that(not alike, "the spread of the points", 0.0, "above 0: all of them are one point")
    scale = np.full(len(spread), np.mean(spread**2) ** 0.5)
    some = spread[spread > 0]
    if some.max() > UNEQUAL * some.min():
        scale = np.where(spread > 0, spread, 1.0)
    own = f"{', '.join(f'{s:.3g}' for s in scale[:4])}{' …' if len(scale) > 4 else ''}"
    units = f", each column by its own ({own})" if np.ptp(scale) > 0 else ""
    said = (f"{said}{len(numbers):,} points of {numbers.shape[1]} numbers. They had standard deviation "
            f"{np.mean(spread**2) ** 0.5:.3g} and were scaled to 1{units}, their mean to 0; own.back(samples) scales "
            "back.")  # fmt: skip
    far = np.count_nonzero((abs(numbers - numbers.mean(axis=0)) > FAR * scale).any(axis=1))
    said += f" {far:,} of them lie more than {FAR} standard deviations off: are they errors?" if far else ""
    return _made(numbers, said, name, numbers.mean(axis=0), scale)


def _made(numbers, said, name, centre, scale, **looks):
    """Scale the numbers, make the parts of the exact denoiser, and say what was thinned."""
    points = (numbers - centre) / scale
    most = PICTURES if "shape" in looks else PARTS
    parts = _parts(points, most)
    if len(points) > most:
        said += f" The exact denoiser knows them as {len(parts[0])} parts, so that it keeps up with a slider."
    return OwnData(points, parts, name, said, centre, scale, **looks)


def mixture_of(points, most=PARTS):
    """Return points (n, d) as a mixture of at most ``most`` parts: their exact denoiser, or nearly."""
    points = GaussianMixture(require.real_array("points", points)).means  # which checks them
    return GaussianMixture(*_parts(points, require.whole("most", most, 1, require.MANY)))


def _parts(points, most):
    """Return (means, std, weights) of a mixture: the points thinned to ``most`` parts, or each of them a part.

    A part is at most ``NARROWEST`` wide then, and half as wide as the way to its nearest neighbour.
    """
    if len(points) > most:
        return _thinned(points, most)
    different = np.unique(points, axis=0)
    if len(different) == 1:
        return points, NARROWEST, None
    squared = squared_distances(different, different)
    np.fill_diagonal(squared, np.inf)
    return points, min(NARROWEST, float(np.median(squared.min(axis=1))) ** 0.5 / 2), None


def _thinned(points, most, rounds=12):
    """Return (means, std, weights) of at most ``most`` parts (Lloyd): as wide as the points lie around their means."""
    rng = np.random.default_rng(0)
    some = points[rng.permutation(len(points))[: 25 * most]]
    if points.shape[1] > 16:  # pictures: their mean is none of them
        return some[:most], 0.0, None
    means = some[:most]
    for _ in range(rounds):
        index, _ = nearest(some, means)
        counts = np.bincount(index, minlength=len(means))
        sums = np.stack([np.bincount(index, column, len(means)) for column in some.T], axis=1)
        means, counts = sums[counts > 0] / counts[counts > 0, None], counts[counts > 0]
    away = nearest(some, means)[1]
    return means, float(np.mean(away**2) / points.shape[1]) ** 0.5, counts


def _of_pictures(numbers, name):
    """Make the set of small pictures (n, h, w): lowest value −1, highest 1."""
    n, shape = len(numbers), numbers.shape[1:]
    require.finite("source", numbers)
    fits = n > 1 and 4 <= shape[0] * shape[1] <= 1024 and max(shape) <= 4 * min(shape)
    allowed = "(n, h, w), at least 2 pictures of at most 1,024 pixels; one picture of any size: Image.fromarray(x)"
    require.that(fits, "source's shape", numbers.shape, allowed)
    low, high = float(numbers.min()), float(numbers.max())
    require.that(high > low, "the pictures' highest value", high, f"above their lowest, {low}")
    said = f"{n:,} pictures of {shape[0]} × {shape[1]}. Their values {low:g}…{high:g} were scaled to −1…1."
    flat = numbers.reshape(n, -1)
    half = np.full(flat.shape[1], (high - low) / 2)
    return _made(flat, said, name, half + low, half, shape=shape)


def _read_table(path):
    """Return (numbers, what was noticed) of a table with or without a line of names; decimal commas are read too."""
    lines = [line for line in _text_of(path).splitlines() if line.strip()]
    require.that(lines, path.name, "empty", "a table of numbers, one point a line")
    rows = _fields_of(lines)
    require.that(rows, f"the last line of {path.name}", lines[-1], "numbers; between them ; or a tab, comma or space")
    first, said = 0 if _row_of(rows[0]) else 1, ""
    if first and not rows[0][0].strip():
        rows, said = [row[1:] for row in rows], "The first column, which has no name, was left out. "
    comma = any("," in field for row in rows[first:] for field in row)
    numbers = []
    for k, row in enumerate(rows[first:], first + 1):
        values = _row_of(row)
        if values is None or len(values) != len(rows[-1]):
            wanted = f"{len(rows[-1])} numbers: leave out what is none, and fill or delete empty cells"
            require.refuse(f"line {k} of {path.name}", " ".join(row), wanted)
        numbers.append(values)
    return np.array(numbers), said + ("Decimal commas were read as points. " if comma else "")


def _text_of(path):
    """Return a text file's text: in UTF-8, or in what spreadsheets write, UTF-16 or the signs of Western Europe."""
    try:
        held = path.read_bytes()
        try:
            return held.decode("utf-16" if held[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        except UnicodeDecodeError:
            return held.decode("cp1252")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} cannot be read as a table ({error}): it is no text file of numbers") from None


def _fields_of(lines):
    """Return each line's fields, split in the first way that makes the last line numbers; None if there is none."""
    for mark in (";", "\t", ","):
        last = next(csv.reader(lines[-1:], delimiter=mark)) if len(lines[-1]) < LONGEST_LINE else []
        if len(last) > 1 and _row_of(last):
            return [next(csv.reader([line[:LONGEST_LINE]], delimiter=mark)) for line in lines]
    rows = [line.split() for line in lines]
    return rows if _row_of(rows[-1]) else None


def _row_of(fields):
    """Return a line's fields as numbers, or None if one is no number; a comma in a number is a decimal point."""
    try:
        return [float(field.replace(",", ".")) for field in fields]
    except ValueError:
        return None


# --- ink -----------------------------------------------------------------------------------------------------------


def _of_ink(ink, inside, said, name):
    """Make the set of points drawn evenly from the pixels ``inside`` the ``ink``, both (rows, columns) of truth values.

    x goes to the right, y upwards, and a pixel is 1.
    """
    rng, (row, column) = np.random.default_rng(0), np.nonzero(inside)
    require.that(len(row) >= 2, "the ink", f"{len(row)} black pixels of {ink.size}", "at least 2 pixels")
    pick = rng.integers(len(row), size=DRAWN)
    corner = np.column_stack([column[pick], len(ink) - 1 - row[pick]])
    numbers = corner + rng.random((DRAWN, 2))
    scale = float(np.mean(numbers.var(axis=0)) ** 0.5)
    said += f"{DRAWN:,} points were drawn evenly from the ink of “{name}” and scaled to standard deviation 1."
    return _made(numbers, said, name, numbers.mean(axis=0), np.full(2, scale), ink=ink)


def _open_picture(path):
    """Open a picture's file with Pillow."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as picture:
            return ImageOps.exif_transpose(picture)  # as a telephone held it
    except Exception as error:  # Pillow has many
        raise ValueError(f"{path.name} cannot be read as a picture ({error})") from None


def _of_picture(picture, name):
    """Make the set of a Pillow picture's ink: what is darker than halfway, or lighter where most is dark."""
    from PIL import Image

    picture = picture.convert("RGBA")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    for color in ("white", "black"):  # what shines through; white ink is seen on black alone
        paper = Image.new("RGBA", picture.size, color)
        grey = np.asarray(Image.alpha_composite(paper, picture).convert("L"), dtype=float)
        contrast = float(np.ptp(grey))
        if contrast > 25:
            break
    require.that(contrast > 25, "the picture's contrast, of 255,", contrast, "above 25: there is no ink in it")
    ink = grey < (grey.min() + grey.max()) / 2
    white = ink.mean() > 0.5
    said = "White on black: the white was taken for the ink. " if white else ""
    ink = ~ink if white else ink
    return _of_ink(ink, ink, said, name)


def _of_strokes(strokes, name):
    """Make the set of a drawing: strokes, each a list of (x, y) in pixels, y downwards."""
    places = [place for stroke in strokes for place in stroke]
    require.that(places, "the drawing", "empty", "a line at least: draw on the sheet, then ask again")
    size = np.ptp(places, axis=0)
    longer = f"longer than the pen is wide, {PEN} pixels, and at most 4,000"
    require.that(PEN < size.max() <= 4000, "the drawing's larger side, in pixels,", int(size.max()), longer)
    corner, side = np.min(places, axis=0) - PEN, tuple(map(int, size + 2 * PEN))
    moved = [[tuple(np.subtract(place, corner)) for place in stroke] for stroke in strokes]
    ink, inside = (np.asarray(picture_of_strokes(moved, side, pen)) == 0 for pen in (PEN, PEN - 2 * EDGE))
    return _of_ink(ink, inside, "", name)


def picture_of_strokes(strokes, size, pen=PEN):
    """Return a Pillow picture of ``size`` (width, height), black on white, of strokes as wide as the ``pen``, round."""
    from PIL import Image, ImageDraw

    picture = Image.new("L", size, 255)
    draw = ImageDraw.Draw(picture)
    for stroke in strokes:
        draw.line(stroke, fill=0, width=pen)
        for x, y in stroke:
            draw.ellipse([x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2], fill=0)
    return picture


def _ink_of_word(word):
    """Return the ink (rows, columns) of a word in bold type, and what is ``EDGE`` inside it; a sentence if signs lack.

    Points are drawn a hair inside the edge, as a pen's middle is: so letters stay apart.
    """
    from matplotlib import rc_context, rcdefaults
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    require.that(word.strip(), "the word", word, "at least one letter that can be seen")
    require.that(len(word) <= 60, "the word's length", len(word), "at most 60 letters: each must be seen")
    families = _families_for(word)
    with rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a missing glyph the sentence of _families_for tells
        rcdefaults()  # whatever the reader's settings are
        figure = Figure(dpi=72)
        canvas = FigureCanvasAgg(figure)
        text = figure.text(0, 0, word.strip("\n"), size=LETTER, weight="bold", family=families, parse_math=False)
        box = text.get_window_extent(canvas.get_renderer())
        figure.set_size_inches((box.width + 20) / 72, (box.height + 20) / 72)
        text.set_position(((10 - box.x0) / figure.bbox.width, (10 - box.y0) / figure.bbox.height))
        canvas.draw()
    ink = np.asarray(canvas.buffer_rgba())[..., 0] < 128
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    require.that(len(rows), "the word", word, "at least one letter that can be seen")
    ink = np.pad(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], EDGE)
    shifts = [(EDGE, 0), (-EDGE, 0), (0, EDGE), (0, -EDGE)]
    inside = np.logical_and.reduce([np.roll(ink, shift, axis=(0, 1)) for shift in shifts])
    taller = round(ink.shape[1] / ink.shape[0] / 1.5)  # tall letters fill a square, and their strokes are farther apart
    taller = min(max(taller, 1), 3)
    return ink.repeat(taller, axis=0), inside.repeat(taller, axis=0)


def _families_for(word):
    """Return the font families in which all signs of ``word`` are found: matplotlib's, else others on the machine."""
    from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

    def lacks(path, signs):
        try:
            return [sign for sign in signs if not get_font(path).get_char_index(ord(sign))]
        except (OSError, RuntimeError):  # a font that matplotlib cannot read
            return signs

    missing = lacks(findfont(FontProperties(family="DejaVu Sans", weight="bold")), dict.fromkeys("".join(word.split())))
    families = ["DejaVu Sans"]
    for font in fontManager.ttflist if missing else ():
        if "LastResort" not in font.fname and len(left := lacks(font.fname, missing)) < len(missing):
            families.append(font.name)
            missing = left
        if not missing:
            break
    none = f"of signs that a font on this machine has (or drawn: own_drawing): none has {' '.join(missing)}"
    require.that(not missing, "the word", word, none)
    return families
