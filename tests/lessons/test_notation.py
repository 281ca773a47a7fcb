"""The five notations: each author's own formulas give our β and our marginal, on a schedule that is not linear."""

import numpy as np
import pytest

from ddim_lessons.lessons.lesson_00.notation import (
    AUTHORS,
    SYMBOLS,
    beta_in_the_notation_of,
    marginal_in_the_notation_of,
    schedule_in_the_notation_of,
    translate,
)
from ddim_lessons.schedules import alpha_bar_from_beta, cosine_beta

BETA = cosine_beta(20)


@pytest.mark.parametrize("author", AUTHORS)
def test_every_author_describes_the_same_process(author):
    symbols = schedule_in_the_notation_of(author, BETA)
    alpha_bar = alpha_bar_from_beta(BETA)
    for t in (1, 7, 19):
        assert beta_in_the_notation_of(author, symbols, t) == pytest.approx(BETA[t], rel=1e-9)
        factor, std = marginal_in_the_notation_of(author, symbols, t)
        assert factor == pytest.approx(np.sqrt(alpha_bar[t])) and std == pytest.approx(np.sqrt(1 - alpha_bar[t]))


def test_ddpm_s_and_ddim_s_alpha_are_told_apart():
    ddpm, ddim = (schedule_in_the_notation_of(author, BETA)["alpha"] for author in ("DDPM paper", "DDIM paper"))
    assert np.allclose(np.cumprod(ddpm), ddim) and not np.allclose(ddpm, ddim)


def test_each_meaning_has_a_symbol_for_each_author():
    assert all(tuple(translate(meaning)) == AUTHORS for meaning in SYMBOLS)
    assert translate("signal left at t")["DDIM paper"] == "α_t"
