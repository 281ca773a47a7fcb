"""The checkers: right things pass, wrong things are named, and a reader's crash is one sentence."""

import numpy as np
import pytest
import sympy as sp
import torch

from ddim_lessons.teaching import checks, exercises
from ddim_lessons.teaching.checks import EquationError, verify, verify_mean, verify_true
from ddim_lessons.teaching.exercises import Exercise, check, exercise, judge

a, b = sp.symbols("a b", positive=True)


def test_verify_prints_one_constant_line(capsys):
    verify("1.1", sp.sqrt(a * b), sp.sqrt(a) * sp.sqrt(b))
    verify("1.2", np.arange(3) / 3, [0, 1 / 3, 2 / 3])
    verify("1.3", 0.1 + 0.2, 0.3)
    verify("1.4", torch.ones(2), 1)
    verify_mean("1.5", np.random.default_rng(0).standard_normal(1000), 0)
    verify_true("1.6", "squares are not negative", np.arange(5) ** 2 >= 0)
    checks.claim("one is one", True)
    assert capsys.readouterr().out.splitlines() == [
        "✓ (1.1) left − right simplifies to 0",
        "✓ (1.2) 3 values agree to 1e-12",
        "✓ (1.3) both sides agree to 1e-12",
        "✓ (1.4) 2 values agree to 1e-12",
        "✓ (1.5) the mean of 1,000 draws is within 5 standard errors",
        "✓ (1.6) squares are not negative",
        "✓ one is one",
    ]


def test_what_is_broken_on_purpose_is_said_and_goes_on_and_must_fail(capsys):
    with checks.on_purpose():
        verify("1.1", 1 + 1, 3)
    assert capsys.readouterr().out == "✗ (1.1) does not hold: 2 on the left, 3 on the right\n"
    with pytest.raises(AssertionError, match="it holds"), checks.on_purpose():
        verify("1.1", 1 + 1, 2)
    with pytest.raises(ZeroDivisionError), checks.on_purpose():
        verify("1.1", 1 / 0, 2)


def test_verify_takes_the_package_s_half_powers_for_roots():
    verify("1.1", (a * b) ** 0.5, sp.sqrt(a) * sp.sqrt(b))


def test_verify_takes_one_symbolic_side_and_one_number():
    verify("1.1", sp.Integer(2), 2)
    verify("1.1", 0, a - a)


def test_verify_evaluates_no_text():
    for text in ("__import__('os').abort()", "x + 1", ["x"]):
        with pytest.raises(ValueError, match="a side of the equation is .* but must be a SymPy expression or a number"):
            verify("1.1", text, a)


@pytest.mark.parametrize(
    "left, right, tol, right_enough",
    [
        (0.9e-12, 0.0, 1e-12, True),
        (1.5e-12, 0.0, 1e-12, False),
        (100 + 9e-11, 100.0, 1e-12, True),
        (100 + 11e-11, 100.0, 1e-12, False),
        (3.0, 3.0, 0, True),
        (0.3, np.nextafter(0.3, 1), 0, False),
    ],
)
def test_verify_s_tolerance_is_relative_and_absolute(left, right, tol, right_enough):
    if right_enough:
        verify("1.1", left, right, tol)
    else:
        with pytest.raises(EquationError):
            verify("1.1", left, right, tol)


def test_verify_mean_at_its_bounds(capsys):
    verify_mean("1.1", [0.0, 2.0], 0.0, sigmas=1)  # two draws, and exactly 1 standard error off
    with pytest.raises(EquationError, match="the mean of 2 draws is 1.0 standard errors off"):
        verify_mean("1.1", [0.0, 2.0], 0.0, sigmas=0.99)
    verify_mean("1.1", [1.1, 0.8, 1.2], 1.0, sigmas=0.5)
    verify_mean("1.1", [[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]], [2.0, 6.0], sigmas=0)
    with pytest.raises(EquationError):
        verify_mean("1.1", [[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]], [2.0, -6.0])
    for draws, words in [
        (np.zeros((3, 0)), r"draws' shape is \(3, 0\), but must be not empty"),
        (1.0, "the number of draws is 0"),
        ([1.0], "the number of draws is 1, but must be a whole number of at least 2"),
    ]:
        with pytest.raises(ValueError, match=words):
            verify_mean("1.1", draws, 0.0)


def test_a_condition_about_nothing_is_refused():
    for check_ in (lambda: checks.claim("all of none", np.zeros(0, dtype=bool)), lambda: verify_true("1.1", "", [])):
        with pytest.raises(ValueError, match="the condition"):
            check_()


WRONG = [
    (lambda: verify("1.1", sp.Float("1e-40"), 0), "(1.1) does not hold: left − right is"),
    (lambda: verify("1.1", sp.sqrt(a), a), "(1.1) does not hold: left − right is"),
    (lambda: verify("1.2", [1.0, 2.0], [1.0, 2.1]), "(1.2) does not hold: 2 on the left, 2.1 on the right"),
    (lambda: verify("1.3", [1.0, np.nan], [1.0, 2.0]), "(1.3) does not hold: nan on the left"),
    (lambda: verify("1.4", np.ones(2), np.ones(3)), "the sides have shapes (2,) and (3,)"),
    (lambda: verify("1.5", [], []), "compares nothing"),
    (lambda: verify_mean("1.6", np.random.default_rng(0).standard_normal(1000), 1.0), "standard errors off"),
    (lambda: verify_mean("1.7", [np.nan, 1.0, 2.0], 1.0), "(1.7) does not hold"),
    (lambda: verify_true("1.8", "1 < 0", 1 < 0), "(1.8) does not hold: it is not true that 1 < 0"),
]


@pytest.mark.parametrize("call, sentence", WRONG)
def test_a_wrong_equation_stops_the_cell(call, sentence):
    with pytest.raises(EquationError) as error:
        call()
    assert sentence in str(error.value)


def test_a_wrong_claim_stops_the_cell():
    with pytest.raises(AssertionError, match="it is not true that pigs fly"):
        checks.claim("pigs fly", False)


HALF = Exercise(
    truth=lambda x: x / 2,
    cases=[(np.array([1.0, 2.0]),), (np.array([3.0, 5.0]),)],
    mistakes=[("you doubled", lambda x: 2 * x, "half of 2 is 1.")],
)


@pytest.mark.parametrize(
    "answer, verdict, fragment",
    [
        (lambda x: ..., "open", "not attempted yet"),
        (lambda x: None, "wrong", "returns nothing: is a `return` missing?"),
        (lambda x: x * 0.5, "right", "✓ right"),
        (lambda x: torch.from_numpy(x) / 2, "right", "✓ right"),
        (lambda x: x + x, "known mistake", "not yet: you doubled. Hint: half of 2 is 1."),
        (lambda x: x * 0.7, "wrong", "not yet: [0.7 1.4] is not right for the arguments [1. 2.]"),
        (lambda x: x.sum(), "wrong", "your answer has shape (), but it should have shape (2,)"),
        (lambda x: "half", "wrong", "it should have shape (2,)"),
        (lambda x: x / np.nan, "wrong", "no real number for the arguments [1. 2.]: look for a root"),
        (lambda: 3, "wrong", "your code stopped with TypeError for the arguments [1. 2.]: "),
        (lambda x: (-x) ** (0.5 + 0j), "wrong", "no real number"),
        (lambda x: x.no_such_thing, "wrong", "your code stopped with AttributeError"),
        (lambda x: x * np.ones((3, 1)) + np.ones((4, 1)), "wrong", "need a column, `[:, None]`"),
        (lambda x: torch.ones(3) * torch.ones(3, 2), "wrong", "need a column, `[:, None]`"),
    ],
)
def test_judge(answer, verdict, fragment):
    found, sentence = judge(HALF, answer)
    assert found == verdict and fragment in sentence


@pytest.mark.parametrize(
    "answer, verdict",
    [(1.9e-6, "right"), (2.1e-6, "wrong"), (-1.9e-6, "right"), (-2.1e-6, "wrong"), (0, "right"), ("0", "wrong")],
)
def test_an_answer_is_compared_absolutely_near_0(answer, verdict):
    assert judge(Exercise(truth=lambda: 0.0, cases=[()], mistakes=[]), answer)[0] == verdict


def test_an_answer_is_compared_relatively_far_from_0_and_exactly_if_it_is_whole():
    far = Exercise(truth=lambda: 100.0, cases=[()], mistakes=[])
    assert judge(far, 100 + 1.9e-4)[0] == "right" and judge(far, 100 + 2.1e-4)[0] == "wrong"
    assert "rounding" in judge(far, 100 + 11e-8)[1] and "rounding" not in judge(far, 100 + 9e-8)[1]
    whole = Exercise(truth=lambda: 100, cases=[()], mistakes=[])
    assert judge(whole, 100.0) == ("right", "✓ right") and judge(whole, 100 + 2e-7)[0] == "wrong"


def test_long_arguments_and_answers_are_shown_short():
    long = Exercise(truth=lambda x: x, cases=[(np.arange(7) / 7,)], mistakes=[])
    assert judge(long, lambda x: x + 1 / 3)[1] == (
        "not yet: [0.3333 0.4762 ... 1.0476 1.1905] is not right for the arguments [0. 0.1429 ... 0.7143 0.8571], "
        "and it is none of the usual mistakes"
    )
    six = Exercise(truth=lambda x: x, cases=[(np.arange(6.0),)], mistakes=[])
    assert "[1. 2. 3. 4. 5. 6.]" in judge(six, lambda x: x + 1)[1]
    words = Exercise(truth={1}, cases=[()], mistakes=[])
    assert "z" * 159 + "…" in judge(words, "z" * 1000)[1] and "z" * 160 not in judge(words, "z" * 1000)[1]
    assert "z" * 160 in judge(words, "z" * 160)[1]


def test_exercises_do_not_change():
    with pytest.raises(AttributeError):
        HALF.truth = 1


def test_complex_numbers_and_texts_are_no_real_numbers():
    for answer in (lambda x: x / 2 + 0j, lambda x: (x / 2).astype(str)):
        verdict, sentence = judge(HALF, answer)
        assert verdict == "wrong" and "is not made of real numbers; it should have shape (2,)" in sentence


def test_judge_takes_an_answer_that_works_in_place(capsys):
    def in_place(x):
        x /= 2
        return x

    for _ in range(2):
        assert judge(HALF, in_place) == ("right", "✓ right")


def test_judge_leaves_the_stop_button_alone():
    def endless(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(HALF, endless)


def test_judge_compares_sets_and_choices():
    question = exercises.choice("b", {"a": "look again at the second line."})
    assert judge(question, "b")[0] == "right"
    assert judge(question, "a") == ("known mistake", "not yet: “a” is not it. Hint: look again at the second line.")
    assert judge(question, "z")[0] == "wrong"
    assert judge(question, ...)[0] == "open"
    sets = Exercise(truth=lambda: {(1, 2)}, cases=[()], mistakes=[])
    assert judge(sets, {(1, 2)})[0] == "right" and judge(sets, {(2, 1)})[0] == "wrong" and judge(sets, 5)[0] == "wrong"


def test_check_prints_and_unknown_numbers_are_told(capsys):
    check("0.1", lambda alpha_ddim, t: ...)
    assert capsys.readouterr().out.startswith("Exercise 0.1: not attempted yet")
    for number in ("0.9", "99.1", "x"):
        with pytest.raises(ValueError, match="must be an exercise of its lesson"):
            exercise(number)


def test_an_answer_that_cannot_be_compared_is_named_by_its_type():
    class Odd:
        def __array__(self, *more):
            raise RuntimeError("no array")

    verdict, sentence = judge(Exercise(1.0, [()], []), Odd())
    assert verdict == "wrong" and "your answer, of type Odd, cannot be compared (no array)" in sentence
