"""The playground: its numbers against ``ddim.py``, and the page in a browser."""

import json
import os
import shutil
import subprocess
from itertools import pairwise, product

import numpy as np
import pytest
import served

from ddim_lessons.ddim import ddim_step
from ddim_lessons.files import ROOT
from ddim_lessons.oracle import GaussianMixture
from ddim_lessons.schedules import SCHEDULES, SPACINGS, alpha_bar_schedule, make_tau

FOLDER = ROOT / "web" / "playground"
MODULE = FOLDER / "playground.js"
NODE = shutil.which("node")
T = 1000

# --- its numbers -------------------------------------------------------------------------------------------------

SCRIPT = """
import { readFileSync } from 'node:fs';
const { path, body, ask } = JSON.parse(readFileSync(0, 'utf8'));
const m = await import('data:text/javascript;base64,' + readFileSync(path).toString('base64'));
const list = value => ArrayBuffer.isView(value) ? [...value] : value;
process.stdout.write(JSON.stringify(ask.map(new Function('m', 'q', `return (${body})(...q)`).bind(null, m)).map(list)));
"""


def javascript(body, ask):
    """What the function ``body``, JavaScript that knows the module as ``m``, answers to each list of arguments."""
    if NODE is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "no node on this machine (Debian: apt-get install nodejs)"
        )
    words = json.dumps({"path": str(MODULE), "body": body, "ask": ask})
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", SCRIPT], input=words, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_schedules_and_grids_are_the_package_s():
    found = javascript("(name, T) => m.alphaBar(name, T)", [[name, T] for name in SCHEDULES])
    for name, alpha_bar in zip(SCHEDULES, found, strict=True):
        np.testing.assert_allclose(alpha_bar, alpha_bar_schedule(name, T), rtol=1e-11)
    ask = [[T, S, spacing] for S in range(1, T + 1, 7) for spacing in SPACINGS]
    for (_, S, spacing), tau in zip(ask, javascript("(T, S, spacing) => m.makeTau(T, S, spacing)", ask), strict=True):
        assert tuple(tau) == make_tau(T, S, spacing), (S, spacing)


def path_of_the_package(x, z, parts, std, alpha_bar, tau, eta):
    """The states of ``ddim_step`` with the exact denoiser and the given z, shape (S + 1, n, 2)."""
    mixture, states = GaussianMixture(parts, std), [x]
    for k, (t, s) in enumerate(pairwise(tau)):
        x = ddim_step(x, mixture.eps(x, alpha_bar[t]), alpha_bar, t, s, eta, z[k])
        states.append(x)
    return np.array(states)


TABLE = [*product((1, 2, 5, 20, 50), (0.0, 0.3, 1.0), SPACINGS, SCHEDULES, (0.04,)), (20, 0.3, "linear", "linear", 0.0)]


def test_the_walk_is_the_package_s_with_the_same_x_T_and_z():
    rng = np.random.default_rng(0)
    parts, x_T, z = rng.standard_normal((60, 2)), rng.standard_normal((5, 2)), rng.standard_normal((50, 5, 2))
    asked, expected = [], []
    for S, eta, spacing, schedule, std in TABLE:
        alpha_bar, tau = alpha_bar_schedule(schedule, T), make_tau(T, S, spacing)
        levels = alpha_bar[list(tau)].tolist()
        asked.append([x_T.ravel().tolist(), z[:S].ravel().tolist(), parts.ravel().tolist(), std, levels, eta])
        expected.append(path_of_the_package(x_T, z, parts, std, alpha_bar, tau, eta))
    body = "(xT, z, parts, ...rest) => m.walk(Float64Array.from(xT), z, Float64Array.from(parts), ...rest)"
    for case, found, states in zip(TABLE, javascript(body, asked), expected, strict=True):
        np.testing.assert_allclose(np.reshape(found, states.shape), states, atol=1e-5, rtol=0, err_msg=str(case))


def test_its_draws_are_normal_and_a_stream_a_point():
    seeds = [[seed, 0, 4000, 2] for seed in range(3)]
    drawn = javascript("(...q) => { const { xT, z } = m.draws(...q); return [...xT, ...z]; }", [*seeds, [0, 7, 3, 1]])
    few = drawn.pop()
    values = np.array(drawn)
    pooled = values.ravel()
    error = 1 / np.sqrt(len(pooled))
    assert abs(pooled.mean()) < 5 * error and abs(pooled.var() - 1) < 5 * 2**0.5 * error
    assert abs(np.corrcoef(values)[np.triu_indices(3, 1)]).max() < 5 / np.sqrt(values.shape[1])  # across seeds
    assert abs(np.mean(pooled[:-2] * pooled[2:])) < 5 * error  # from a point to the next
    assert few[:6] == drawn[0][14:20], "point 7 has another start when it is asked for alone"


def test_links_hold_what_differs_and_refuse_what_is_not_allowed():
    body = "text => { const [state, refused] = m.fromText(text); return [m.toText(state), refused]; }"
    good, bad = "S=50&eta=0.3&word=hej&spacing=quadratic&x=-1.5", "S=7&eta=2&n=9e9&x=&who=1&strokes=0&data=drawing"
    found = javascript(body, [[""], [good], [bad]])
    assert found[0] == ["", []] and sorted(found[1][0].split("&")) == sorted(good.split("&")) and found[1][1] == []
    assert found[2][0] == "" and len(found[2][1]) == 6


def test_the_module_is_small_and_whole():
    text = MODULE.read_text()
    assert len(text.encode()) <= 25_000
    assert "import" not in text and "http" not in text and "export default { render }" in text


# --- the page ----------------------------------------------------------------------------------------------------

WHOLE = """() => { const form = document.querySelector('form'); window.heard ??= [];
  document.querySelector('main').addEventListener('drawn', event => window.heard.push(event.detail)); }"""
SUM = "side => document.querySelectorAll('canvas')[side].toDataURL()"


@pytest.fixture(scope="module")
def program():
    with served.chromium() as program:
        yield program


def rest(page):
    """Wait until all points of the newest state are drawn and told; returns what is said."""
    page.wait_for_timeout(350)  # the page waits 300 ms before it speaks
    page.wait_for_function("() => window.heard?.length && window.heard.at(-1).drawn === window.heard.at(-1).n")
    page.evaluate("new Promise(requestAnimationFrame)")
    return page.locator(".say").inner_text()


@pytest.fixture
def playground(program):
    """The page, with a list of what was drawn."""
    with served.serve(FOLDER) as address, served.page_of(program, address) as page:
        page.goto(f"{address}/playground.html")
        page.evaluate(WHOLE)
        page.locator("[name=word]").fill("DDIM")
        rest(page)
        yield page


def pictures(page):
    return [page.evaluate(SUM, side) for side in (0, 1)]


@pytest.mark.browser
def test_words_sliders_and_the_point_by_keyboard_and_mouse(playground):
    page = playground
    first = pictures(page)
    page.locator("[name=word]").fill("Ohm")
    assert "500 points from one noise in 20 steps" in rest(page)
    word = pictures(page)
    assert word[0] != first[0] and word[1] != first[1]
    page.locator("[name=S]").press("ArrowRight")
    assert "in 30 steps" in rest(page) and page.locator("[name=S]").get_attribute("aria-valuetext") == "30"
    steps = pictures(page)
    assert steps[0] != word[0] and steps[1] != word[1]
    page.locator("[name=eta]").press("ArrowRight")
    said = rest(page)
    assert "with η = 0.05" in said
    noisy = pictures(page)
    assert noisy[0] == steps[0] and noisy[1] != steps[1], "η is the right side's alone"
    box = page.locator(".handle").first.bounding_box()
    page.mouse.move(box["x"] + 22, box["y"] + 22)
    page.mouse.down()
    page.mouse.move(box["x"] + 82, box["y"] + 62, steps=5)
    page.mouse.up()
    moved = rest(page)
    ends = [text.split("The starting point")[1] for text in (said, moved)]
    assert ends[0] != ends[1] and "word=Ohm" in page.evaluate("location.hash")
    assert all(now != before for now, before in zip(pictures(page), noisy, strict=True))


@pytest.mark.browser
def test_a_drawing_and_the_second_view_come_back_from_the_link(playground):
    page = playground
    page.get_by_role("button", name="Draw").click()
    box = page.locator("canvas").first.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 160, steps=12)
    page.mouse.up()
    page.locator("[name=view]").select_option("ode")
    rest(page)
    drawn = pictures(page)
    page.reload()
    page.evaluate(WHOLE)
    page.locator("[name=paths]").select_option("1")
    rest(page)
    assert pictures(page) == drawn and page.locator("[name=data]").input_value() == "drawing"
    assert page.locator(".ode .handle").first.is_hidden()
    page.get_by_role("button", name="Reset").click()
    rest(page)
    assert page.evaluate("location.hash") == "" and pictures(page) != drawn
