"""A class of two on a real JupyterHub with its proxy, on loopback."""

import asyncio
import hashlib
import importlib.util
import json
import os
import re
import tomllib
import urllib.error
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import classroom
import pytest

from ddim_lessons import files

README = (classroom.ROOT / "deploy" / "README.md").read_text()
NEEDS = (  # a sentence of the README
    "The classroom's tests need JupyterHub's proxy, which comes from npm: "
    "`npm install --prefix .node configurable-http-proxy@5.2.0`."
)
CI = (classroom.ROOT / ".ci" / "run").read_text()

WHERE = "from ddim_lessons.files import DATA\nfrom ddim_lessons.teaching.progress import place\n"
WHERE += "print(DATA, place(), sep='\\n')"
SOLVE = "from ddim_lessons.teaching.checks import verify; verify('{}', 1.0, 1.0)"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    if words := classroom.missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{NEEDS} ({words})")
    with classroom.jupyterhub(tmp_path_factory.mktemp("class"), {"ada", "emmy"}) as hub:
        yield hub
    assert hub.process.returncode == 0, "the hub did not stop cleanly"
    assert not [path for path in Path("/proc").glob("[0-9]*") if runs_in(path, hub.homes)], "a server stayed"


def runs_in(process, folder):
    """Whether a process, given by its folder in /proc, works in ``folder``."""
    try:
        return os.readlink(process / "cwd").startswith(str(folder))
    except OSError:
        return False


@pytest.fixture(scope="module")
def students(hub, tmp_path_factory):
    """Ada and Emmy, logged in, each with a server and the lessons, which deploy/README.md's link gives them."""
    words = link_words() | {"repo": classroom.bare_clone(tmp_path_factory.mktemp("git"))}
    both = [classroom.Student(hub, name) for name in ("ada", "emmy")]
    for student in both:
        student.log_in()
        student.start_server()
        led, page = student.follow(f"/hub/user-redirect/git-pull?{urlencode(words)}")
        assert led.startswith(f"{student.base}/git-pull?") and words["repo"] in page and words["urlpath"] in page
        assert '"phase": "finished"' in student.pull(words)
    return both


def link_words():
    """The words of the link in deploy/README.md, as a dict."""
    (words,) = re.findall(r"^https://HUB/hub/user-redirect/git-pull\?(\S+)$", README, flags=re.MULTILINE)
    return dict(parse_qsl(words))


def digests():
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files.DATA.rglob("*") if p.is_file()}


async def first_cells(student, number):
    """Run the first cells of lesson 04 and check one equation; returns (outputs, errors, [data folder, progress])."""
    kernel = await student.open_kernel("ddim-lessons/notebooks/04_the_posterior.ipynb")
    ran = [await kernel.run(code) for code in classroom.code_cells("04")[:2]]
    solved, _ = await kernel.run(SOLVE.format(number))
    where, _ = await kernel.run(WHERE)
    return [text for text, _ in ran] + [solved], [error for _, error in ran], where.split()


async def all_at_once(students):
    return await asyncio.gather(*(first_cells(s, n) for s, n in zip(students, ("4.2", "4.3"), strict=True)))


def test_each_student_runs_a_lesson_with_shared_data_and_progress_of_their_own(students):
    before = digests()
    found = asyncio.run(all_at_once(students))
    for student, (outputs, errors, (data, progress)) in zip(students, found, strict=True):
        assert errors == [None] * 2 and "✓ (4.1) 1,401 values agree" in outputs[1] and "✓" in outputs[2]
        assert data == str(files.DATA), "the data are not the shared ones"
        home = student.hub.homes / student.name
        assert progress == str(home / ".ddim_lessons" / "progress.json")
        assert (home / "ddim-lessons" / "notebooks" / "04_the_posterior.ipynb").is_file(), "the link gave no lessons"
    ada, emmy = (json.loads(Path(progress).read_text())["equation"] for _, _, (_, progress) in found)
    assert ada == ["4.1", "4.2"] and emmy == ["4.1", "4.3"]
    assert digests() == before, "a student changed the shared data"


def test_a_student_reaches_no_other_student_s_server(students):
    ada, emmy = students
    with pytest.raises(urllib.error.HTTPError, match="403|404"):
        ada.ask("GET", f"{emmy.base}/api/contents")


@pytest.mark.parametrize(("name", "password"), [("ada", "wrong"), ("ada", ""), ("mallory", None)])
def test_no_entry_without_the_password_or_for_who_is_not_named(hub, name, password):
    with pytest.raises(urllib.error.HTTPError, match="403"):
        classroom.Student(hub, name).log_in(" " if password == "" else password)


def test_the_culler_runs(hub, students):
    log = hub.log.read_text()
    assert "Starting service 'idle-culler'" in log and "Service idle-culler exited" not in log


def test_what_is_given_to_a_real_class_has_no_dummy_login_and_listens_on_this_machine():
    text = (classroom.ROOT / "deploy" / "jupyterhub_config.py").read_text()
    assert "dummy" not in text.lower() and "127.0.0.1:8000" in text and "allow_all = False" in text


def test_the_list_of_what_a_server_needs_is_part_of_the_test_list():
    extras = tomllib.loads((classroom.ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(extras["classroom"]) < set(extras["test"])


def test_ci_installs_the_proxy_of_the_readmes():
    front = (classroom.ROOT / "README.md").read_text()
    assert NEEDS in front, "the sentence of a missing proxy is not the README's"
    found = [re.findall(r"configurable-http-proxy@[\d.]+", text) for text in (README, CI, front)]
    assert found[0] and found[0] == found[1] == found[2]


def test_the_readme_s_tables_are_those_of_the_measurement():
    spec = importlib.util.spec_from_file_location("measured", classroom.ROOT / "benchmarks" / "classroom.py")
    measured = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(measured)
    tables = measured.tables(json.loads(measured.RESULT.read_text()))
    assert f"<!-- measured -->\n{tables}\n<!-- end -->" in README, "run python benchmarks/classroom.py"
