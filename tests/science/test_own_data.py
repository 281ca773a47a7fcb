"""Data of one's own: every source becomes scaled points with an exact denoiser, or a sentence; known by its content."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib import rc_context, style
from PIL import Image, ImageDraw

from ddim_lessons import own
from ddim_lessons.ddim import ddim_sample
from ddim_lessons.oracle import GaussianMixture, finite_eps_fn
from ddim_lessons.own import own_data
from ddim_lessons.remember import remember
from ddim_lessons.schedules import alpha_bar_schedule, make_tau, own_schedule
from ddim_lessons.toy_data import data_set

ALPHA_BAR = alpha_bar_schedule()
POINTS = np.random.default_rng(0).normal([5000, -3], 70, (150, 2))


def frame(**columns):
    """What pandas' frames have of what is looked at."""
    arrays = {name: np.array(values) for name, values in columns.items()}

    def to_numpy(dtype, na_value):
        return np.column_stack(list(arrays.values())).astype(dtype)

    kinds = [array.dtype for array in arrays.values()]
    return SimpleNamespace(columns=list(arrays), dtypes=kinds, iloc=None, to_numpy=to_numpy)


SOURCES = {
    "an array": POINTS,
    "a list": POINTS.tolist(),
    "a tensor": torch.tensor(POINTS, requires_grad=True),
    "small integers": (POINTS - POINTS.min(axis=0)).astype(np.uint16),
    "a frame": frame(x=POINTS[:, 0], y=POINTS[:, 1]),
}


@pytest.mark.parametrize("name", SOURCES)
def test_numbers_are_centred_scaled_and_scaled_back(name):
    data = own_data(SOURCES[name])
    assert data.points.shape == (150, 2) and "standard deviation 7" in data.said
    assert np.allclose(data.mean(), 0, atol=1e-9) and np.mean(data.points**2) == pytest.approx(1, abs=1e-9)
    given = np.asarray(POINTS if name != "small integers" else SOURCES[name], dtype=float)
    assert np.allclose(data.back(data.points), given) and np.allclose(data.scaled(given), data.points)


def test_columns_in_other_units_are_scaled_by_their_own():
    data = own_data(POINTS * [1, 1e-4])
    assert np.allclose(data.points.std(axis=0), 1) and "each column by its own" in data.said
    assert np.allclose(own_data(np.column_stack([POINTS[:, 0], np.ones(150)])).points[:, 1], 0)


TABLES = {
    "plain": "1,2\n3,4.5\n-1,0\n",
    "with names": "height,weight\n1,2\n3,4.5\n-1,0\n",
    "decimal commas": "x;y\n1,0;2\n3;4,5\n-1;0\n",
    "tabs": "1\t2\n3\t4.5\n-1\t0\n",
    "spaces": "1 2\n3  4.5\n-1 0\n\n",
    "decimal commas and spaces": "1,0 2\n3 4,5\n-1 0,0\n",
    "decimal commas in quotes": 'x,y\n"1,0",2\n3,"4,5"\n-1,"0,0"\n',
    "a European name": "Größe;Höhe\n1;2\n3;4.5\n-1;0\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_read(name, tmp_path):
    path = tmp_path / "my table.csv"
    path.write_text(TABLES[name], encoding="cp1252")
    data = own_data(path)
    assert np.allclose(data.back(data.points), [[1, 2], [3, 4.5], [-1, 0]]) and str(data) == "my table"
    assert ("Decimal commas" in data.said) == ("decimal commas" in name)


def test_what_spreadsheets_and_pandas_write_is_read(tmp_path):
    path = tmp_path / "frame.csv"
    path.write_text(",x,y\n0,1,2\n1,3,4.5\n2,-1,0\n")
    assert own_data(path).dim == 2 and "no name, was left out" in own_data(path).said
    path.write_bytes("x\ty\n1\t2\n3\t4\n".encode("utf-16"))
    assert own_data(path).points.shape == (2, 2)


def test_points_far_off_are_told():
    assert "1 of them lie more than 8" in own_data([*POINTS, [1e6, 0]]).said
    assert "lie more than" not in own_data(POINTS).said


def sketch(path, paper=255, ink=0, size=(90, 60)):
    picture = Image.new("L", size, paper)
    ImageDraw.Draw(picture).rectangle([10, 40, 39, 49], fill=ink)
    picture.save(path)
    return path


@pytest.mark.parametrize("paper, ink", [(255, 0), (0, 255), (250, 100)])
def test_a_picture_becomes_points_in_its_ink_upright(paper, ink, tmp_path):
    data = own_data(sketch(tmp_path / "bar.png", paper, ink))
    given = data.back(data.points)
    assert data.in_ink(data.points) == 1 and data.in_ink(data.points + 5) == 0
    assert np.allclose([given.min(axis=0), given.max(axis=0)], [[10, 10], [40, 20]], atol=0.1), "y points upwards"
    assert ("White on black" in data.said) == (paper == 0)


@pytest.mark.parametrize("color", ["black", "white"])
def test_ink_on_clear_paper_is_seen_and_a_photograph_stands_upright(color, tmp_path):
    picture = Image.new("RGBA", (90, 60), (0, 0, 0, 0))
    ImageDraw.Draw(picture).rectangle([10, 40, 39, 49], fill=color)
    turned = picture.getexif()
    turned[0x0112] = 6  # held upright, so that the right side of the file is the bottom
    picture.save(tmp_path / "bar.png", exif=turned)
    given = own_data(tmp_path / "bar.png")
    assert np.allclose(np.ptp(given.back(given.points), axis=0), [10, 30], atol=0.1)


def drawing(*strokes):
    return SimpleNamespace(strokes=strokes)


def test_a_drawing_becomes_points_under_its_strokes_upright():
    data = own_data(drawing([(50, 200), (50, 100), (150, 100)], [(400, 200)]))
    given = data.back(data.points)
    assert data.in_ink(data.points) == 1 and str(data) == "your drawing"
    inner = own.PEN - 2 * own.EDGE
    below = given[given[:, 1] < 100]  # the foot of the upright stroke, and the dot
    assert np.allclose(np.unique(below[:, 0].round(-2)), [0, 400]), "an L that hangs from its bar"
    assert np.ptp(given, axis=0) == pytest.approx([350 + inner, 100 + inner], abs=3)


def test_a_word_is_drawn_from_its_letters_whatever_the_reader_s_settings_are():
    plain = own_data("Hi")
    assert plain.in_ink(plain.points) == 1 and 0.9 < plain.in_ink(plain.sample(4000, np.random.default_rng(0))) < 1
    with rc_context():
        style.use("dark_background")
        assert own_data("Hi") == plain
    assert own_data("дом $").in_ink(plain.points) < 1, "no mathematics is read, other scripts are"
    assert own_data("a\nb").ink.shape[0] > own_data("ab").ink.shape[0]


def test_the_exact_denoiser_makes_the_word():
    data = own_data("Hi")
    x_T = np.random.default_rng(0).standard_normal((1000, 2)).astype(np.float32)
    eps_fn = finite_eps_fn(data.means, ALPHA_BAR, data.std[0], data.weights)
    assert data.in_ink(ddim_sample(x_T, eps_fn, ALPHA_BAR, make_tau(1000, 50))) > 0.9


def test_the_fast_denoiser_is_the_mixture_s():
    mixture = GaussianMixture([[-1.0, 0.3], [1.0, 0.0], [0.2, 2.0]], 0.2, [0.2, 0.3, 0.5])
    fast, exact = finite_eps_fn(mixture.means, ALPHA_BAR, 0.2, mixture.weights), mixture.eps_fn(ALPHA_BAR)
    x = np.random.default_rng(0).standard_normal((50, 2))
    assert max(abs(fast(x, t) - exact(x, t)).max() for t in (0, 1, 100, 900)) < 1e-5
    with pytest.raises(ValueError, match="t is 0"):
        finite_eps_fn(mixture.means, ALPHA_BAR)(x, 0)


# --- what is thinned, and what cannot be used ------------------------------------------------------------------------


def test_many_points_are_thinned_and_keep_their_spread():
    many = np.random.default_rng(0).standard_normal((20_000, 2)) * [3, 1]
    data = own_data(many)
    assert len(data.points) == 20_000 and len(data.means) <= own.PARTS and "parts" in data.said
    assert np.allclose(data.variance(), data.points.var(axis=0), rtol=0.1)


def test_few_points_stay_points_and_ten_dimensions_are_data_too():
    assert len(own_data([[0, 0], [1, 0], [0, 1]]).means) == 3 and own_data([1.0, 2.0]).dim == 1
    assert own_data(np.random.default_rng(0).standard_normal((300, 10))).dim == 10


def test_small_pictures_keep_their_shape():
    pictures = np.random.default_rng(0).integers(0, 256, (30, 12, 10), dtype=np.uint8)
    data = own_data(pictures)
    assert data.shape == (12, 10) and data.points.min() == -1 and data.points.max() == 1
    assert np.allclose(data.back(data.points), pictures) and len(data.means) == 30


BAD = {
    "NaN": (
        [[0, 1], [np.nan, 2], [1, 1]],
        "1 of 3 rows hold NaN, infinity or what is too large to square, the first is row 1",
    ),
    "one point": ([[0, 1]], "at least 2 points"),
    "all alike": (np.full((9, 2), 0.1), "all of them are one point"),
    "no points": (np.empty((0, 2)), "at least 2 points"),
    "a number": (3, "numbers of shape"),
    "nothing": (None, "numbers of shape"),
    "ragged": ([[1, 2], [3]], "equal lengths"),
    "four axes": (np.zeros((2, 2, 2, 2)), "(n, d)"),
    "texts": (np.array([["a", "b"]]), "real numbers"),
    "an empty word": ("  \n ", "at least one letter"),
    "a long word": ("x" * 99, "at most 60 letters"),
    "a missing glyph": ("a\U000f0000", "none has \U000f0000"),
    "a frame of words": (frame(x=[1.0, 2.0], name=["a", "b"]), "a column is 'name'"),
    "a picture of one grey": (Image.new("L", (9, 9), 128), "no ink"),
    "no drawing": (drawing(), "the drawing is 'empty'"),
    "a dot": (drawing([(5, 5)], [(6, 5), (7, 5)]), "longer than the pen is wide"),
    "a file of another kind": (__file__, "must be one that ends in .csv"),
    "a picture's numbers": (np.zeros((60, 90, 3)), "Image.fromarray(x)"),
    "grey pictures": (np.ones((5, 8, 8)), "above their lowest"),
    "large pictures": (np.zeros((5, 64, 64)), "1,024 pixels"),
    "no such file": ("nowhere.csv", "nowhere.csv cannot be read"),
    "no such picture": ("nowhere.png", "nowhere.png cannot be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_a_sentence(name):
    source, words = BAD[name]
    with pytest.raises(ValueError) as error:
        own_data(source)
    assert words in str(error.value)


@pytest.mark.parametrize("text, words", [("", "empty"), ("a,b\n", "last line of"), ("1,2\n3,x\n5,6\n", "line 2 of"),
                                         ("1,2\n3\n5,6\n", "line 2 of"), ("1,2\n,4\n5,6\n", "line 2 of")])  # fmt: skip
def test_what_is_no_table_is_a_sentence(text, words, tmp_path):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(ValueError, match=words):
        own_data(tmp_path / "bad.csv")


def test_what_is_no_text_and_no_picture_is_a_sentence(tmp_path):
    for name in ("bad.csv", "bad.png"):
        (tmp_path / name).write_bytes(b"\xff\x00\x81")
        with pytest.raises(ValueError, match=f"{name} cannot be read"):
            own_data(tmp_path / name)


# --- known by its content --------------------------------------------------------------------------------------------


def test_two_sets_of_one_name_are_two():
    asked = []
    look = remember(results=9)(lambda data: asked.append(data) or len(asked))
    first, again, other = own_data(POINTS, "mine"), own_data(POINTS.copy(), "mine"), own_data(POINTS + 1e-9, "mine")
    assert first == again and first != other and hash(first) == hash(again)
    assert [look(first), look(again), look(other)] == [1, 1, 2]
    assert first.on_schedule(own_schedule("cosine")) != first and first != "mine"


def test_what_keeps_results_true_cannot_be_changed():
    data = own_data(POINTS)
    for array in (data.points, data.means, data.std, data.weights, data.centre, data.scale, data.alpha_bar):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    POINTS_before = POINTS.copy()
    data.back(data.points)[:] = 0
    assert np.array_equal(POINTS, POINTS_before)


def test_data_set_takes_both_names_and_own_data():
    assert data_set("moons") is data_set("moons") and data_set(POINTS) == own_data(POINTS)
    with pytest.raises(ValueError, match="one of"):
        data_set("mons")


# --- schedules of one's own ------------------------------------------------------------------------------------------

BETA = np.array([0.1, 0.2, 0.3])
FORMS = {
    "ᾱ as libraries have it": dict(alpha_bar=np.cumprod(1 - BETA)),
    "ᾱ with its first 1": dict(alpha_bar=[1, *np.cumprod(1 - BETA)]),
    "β": dict(beta=BETA),
    "β with its first 0": dict(beta=[0, *BETA]),
    "σ": dict(sigmas=(1 / np.cumprod(1 - BETA) - 1) ** 0.5),
    "σ falling to 0": dict(sigmas=[*(1 / np.cumprod(1 - BETA)[::-1] - 1) ** 0.5, 0]),
    "a function": dict(alpha_bar=lambda u: 2 * np.interp(3 * u, range(4), [1, *np.cumprod(1 - BETA)]), T=3),
}


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_of_a_schedule_give_one(form):
    assert np.allclose(own_schedule(**FORMS[form]), [1, *np.cumprod(1 - BETA)])


def test_named_schedules_and_the_end_of_the_signal():
    assert np.array_equal(own_schedule("cosine", T=50), alpha_bar_schedule("cosine", 50))
    sigmoid = own_schedule("sigmoid", T=100)
    assert sigmoid[0] == 1 and sigmoid[50] == pytest.approx(0.5) and sigmoid[100] == 1e-9
    assert own_schedule(np.linspace(1, 0, 11))[-1] == 0


@pytest.mark.parametrize("form, words", [
    (dict(alpha_bar=[0.5, 0.9]), r"\(ᾱ_1, ᾱ_2\)"), (dict(alpha_bar=[1, 0.5, -0.1]), "at least 0"), ({}, "forms given"),
    (dict(beta=[0.1], sigmas=[1.0]), "forms given"), (dict(beta=[0.5, np.nan]), "NaN"), (dict(beta=[0.5, 1.5]), "ᾱ_2"),
    (dict(alpha_bar=lambda u: "x"), "alpha_bar"), (dict(alpha_bar="lin"), "name is 'lin'"), (dict(sigmas=[]), "shape"),
])  # fmt: skip
def test_what_is_no_schedule_is_a_sentence(form, words):
    with pytest.raises(ValueError, match=words):
        own_schedule(**form)
