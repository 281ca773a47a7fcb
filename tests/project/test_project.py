"""The project around the lessons: one list of dependencies, commands that are what the README says, clean style."""

import ast
import importlib.util
import io
import json
import re
import subprocess
import sys
import textwrap
import tokenize
import tomllib

import matplotlib.pyplot as plt
import numpy as np
import yaml
from packaging.requirements import Requirement

import ddim_lessons
from ddim_lessons import __main__, files, metrics
from ddim_lessons.teaching import environment
from ddim_lessons.teaching.road import roads

ROOT = files.ROOT
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
README = (ROOT / "README.md").read_text()


def names(requirements):
    return {Requirement(line).name.lower() for line in requirements}


def test_environment_yml_leaves_the_dependencies_to_pyproject():
    spec = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, torch, pip, nested = spec["dependencies"]
    assert spec["channels"] == ["conda-forge"] and pip == "pip" and nested == {"pip": ["-e ."]}
    assert [torch.replace("pytorch-cpu ", "torch")] == PROJECT["optional-dependencies"]["torch"]
    assert python.split()[0] == "python" and PROJECT["requires-python"] in python


def test_constraints_pin_every_dependency_inside_its_range():
    wanted = PROJECT["dependencies"] + sum(PROJECT["optional-dependencies"].values(), [])
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {r.name.lower(): r for r in map(Requirement, (line for line in lines if line and line[0] != "#"))}
    for requirement in map(Requirement, wanted):
        pin = pinned[requirement.name.lower()]
        (version,) = [s.version for s in pin.specifier if s.operator == "=="]
        assert requirement.specifier.contains(version), f"{pin} is outside {requirement}"


def test_the_packages_that_the_user_fixed_are_there():
    everything = names(PROJECT["dependencies"]) | names(PROJECT["optional-dependencies"]["test"])
    assert {"jupyterlab", "torch", "matplotlib", "ipywidgets", "numpy", "nbval"} <= everything


def imported_modules(path):
    """The top-level modules that a file imports, those of its own package left out."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]


def test_every_third_party_import_is_a_declared_dependency():
    # IPython comes with ipykernel, cycler with matplotlib, traitlets with ipywidgets;
    # lesson 11 looks at diffusers where it is installed
    declared = (
        names(PROJECT["dependencies"] + PROJECT["optional-dependencies"]["torch"])
        | {"ipython", "cycler", "traitlets", "diffusers"}
        | set(sys.stdlib_module_names)
    )
    for path in (ROOT / "ddim_lessons").rglob("*.py"):
        for name in imported_modules(path):
            assert {"PIL": "pillow"}.get(name, name.lower()) in declared, f"{path.name} imports {name}"


def commands():
    """The README's two commands: the first two shell blocks."""
    return re.findall(r"```sh\n(.*?)\n```", README, flags=re.DOTALL)[:2]


def test_ci_runs_exactly_the_readme_s_test_command():
    opens, tests = commands()
    assert "jupyter lab notebooks/00_start_here.ipynb" in opens and "\n" not in opens
    assert tests in (ROOT / ".ci" / "run").read_text().splitlines() and "pytest" in tests
    assert "bash .ci/run" in (ROOT / ".github" / "workflows" / "test.yml").read_text()


def test_readme_lists_every_lesson_and_its_links_lead_somewhere():
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        assert f"(notebooks/{path.name})" in README, f"the README's table of lessons has no row for {path.name}"
    for target in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", README):
        link = "".join(target)
        if not link.startswith(("http", "#", "../../")):  # the last: GitHub's own pages of the repository
            assert (ROOT / link.partition("#")[0]).exists(), f"{link} leads nowhere"


def test_the_stated_minutes_are_those_of_the_rule_and_the_main_road_takes_six_hours():
    plan = (ROOT / "lecture" / "README.md").read_text(encoding="utf-8")
    start = (ROOT / "notebooks" / "00_start_here.ipynb").read_text(encoding="utf-8")
    six_hours = 0
    for path, main_road, whole in roads():
        number, stated = path.stem[:2], f"{main_road.minutes or '–'}"
        assert f"(notebooks/{path.name}) | {stated} | {whole.minutes} |" in README, path.stem
        assert re.search(rf"\|\**{number}\**\|.*\|{stated}\|{whole.minutes}\|", start), f"lesson 00's map, {number}"
        if number <= "10":
            six_hours += main_road.minutes
            assert f"[{number}]({number}.md) ({stated})" in plan, f"the course plan, {number}"
    assert six_hours <= 360


def test_the_course_plan_counts_what_the_lessons_tags_say():
    """Each session's and each week's minutes in class, slides, minutes at home and exercises."""
    plan = (ROOT / "lecture" / "README.md").read_text(encoding="utf-8")
    there = {path.stem[:2]: both for path, *both in roads()}
    lines = [line for line in plan.splitlines() if re.match(r"\| \d \| \[", line)]
    for line in lines:
        road, whole = zip(*(there[number] for number in re.findall(r"\[(\d\d)\]", line)), strict=True)
        in_class = sum(lesson.minutes for lesson in road)
        home = sum(lesson.minutes for lesson in whole) - in_class
        exercises = sum(lesson.exercises + lesson.whole for lesson in whole)
        assert line.endswith(f"| {in_class} | {sum(lesson.slides for lesson in road)} | {home} | {exercises} |"), line
    assert re.findall(r"\[(\d\d)\]", "".join(lines[-8:])) == list(there)
    assert f"{sum(whole.minutes for _, whole in there.values())} minutes" in plan
    assert f"whole: {sum(there[number][1].minutes for number in ('01', '04', '07'))} minutes" in plan
    lecture = plan.partition("## The main road")[0]
    assert sum(map(int, re.findall(r"^\| (\d+) \|", lecture, re.MULTILINE))) == 90


def block_after(text, mark):
    """The indented block that follows ``mark``, up to the next line at the margin."""
    found = re.match(r"(?:\n| {4}.*\n)+", text.partition(mark)[2].lstrip("\n"))
    return textwrap.dedent(found.group()).strip("\n")


def test_the_ten_lines_of_the_readme_are_the_package_s_own_and_draw_the_moons(monkeypatch):
    example = block_after(ddim_lessons.__doc__, "::\n")
    assert f"```python\n{example}\n```" in README and len([line for line in example.splitlines() if line]) <= 10
    plt.switch_backend("agg")
    monkeypatch.setattr(plt, "show", lambda: None)
    names = {}
    exec(example, names)
    (drawn,) = plt.gca().collections
    points, rng = np.asarray(drawn.get_offsets()), np.random.default_rng(1)
    plt.close("all")
    moons = ddim_lessons.data_set("moons")
    floor = metrics.noise_floor(metrics.sliced_w2, moons, len(points), rng)
    assert metrics.sliced_w2(points, moons.sample(len(points), rng)) < 2 * floor
    assert metrics.sliced_w2(names["x_T"], moons.sample(len(points), rng)) > 4 * floor


def test_the_face_shows_a_dozen_names():
    assert len(ddim_lessons.__all__) == 12 and ddim_lessons.__all__ == sorted(ddim_lessons.__all__)
    assert all(getattr(ddim_lessons, name).__doc__ for name in ddim_lessons.__all__)


def test_the_readme_s_layout_is_the_package_s():
    (tree,) = re.findall(r"```\n(ddim_lessons/\n.*?)```", README, flags=re.DOTALL)
    shown = set(re.findall(r"\w+\.py(?=  )|^  \w+(?=/)", tree, flags=re.MULTILINE))
    package = ROOT / "ddim_lessons"
    folders = {path.parent for path in package.glob("*/__init__.py")}
    commands = {"__main__.py", "present.py", "pages.py"}
    assert shown == {p.name for p in package.glob("*.py")} - commands | {f"  {folder.name}" for folder in folders}


def code_lines(path):
    """The number of lines of code of a file: no blank lines, comments and docstrings."""
    text = path.read_text(encoding="utf-8")
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = [token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type not in skipped]
    lines = {n for token in tokens for n in range(token.start[0], token.end[0] + 1)}
    kinds = (ast.Module, ast.FunctionDef, ast.ClassDef)
    documented = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds) and ast.get_docstring(node)]
    return len(lines - {n for d in documented for n in range(d.body[0].lineno, d.body[0].end_lineno + 1)})


def test_the_readme_s_sizes_are_the_package_s():
    package = ROOT / "ddim_lessons"
    lessons = sum(map(code_lines, (package / "lessons").rglob("*.py")))
    helper = sum(map(code_lines, package.rglob("*.py"))) - lessons
    said = [int(n.replace(",", "")) for n in re.findall(r"about ([\d,]+) lines", README)]
    assert len(said) == 2 and all(abs(a / b - 1) < 0.05 for a, b in zip(said, (helper, lessons), strict=True))


def test_the_readme_names_every_command_and_the_entry_point_leads_there():
    assert PROJECT["scripts"] == {"ddim-lessons": "ddim_lessons.__main__:main"} and callable(__main__.main)
    names = {function.__name__ for function, _, _ in __main__.COMMANDS}
    assert set(re.findall(r"ddim-lessons (\w+)", README)) == names


def test_files_that_the_pages_for_people_name_are_there():
    for page in ("README.md", "CONTRIBUTING.md", "deploy/README.md", "lecture/README.md", "data/README.md"):
        named = re.findall(r"(?<![\w./])(?:tests|tools|lecture|ddim_lessons)/[\w/.]+\.\w+", (ROOT / page).read_text())
        gone = {name for name in named if not (ROOT / name).exists() and "13" not in name}  # lesson 13 is the example
        assert not gone, f"{page} names {gone}"


def test_the_live_figure_of_the_contributor_s_page_works():
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.DOTALL)
    names = {}
    exec(textwrap.dedent(block), names)
    live = names["error_falls"]()
    live.controls["S"].value = 20
    assert live.words == "With S = 20 steps the error is about 0.05."


def test_ruff_is_clean_notebooks_included():
    for command in (["check"], ["format", "--check"]):
        result = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."], cwd=ROOT, capture_output=True, text=True
        )
        words = "mend it by: ruff check --fix . && ruff format .\n"
        assert result.returncode == 0, words + result.stdout + result.stderr


def test_refreshing_twice_gives_identical_bytes():
    spec = importlib.util.spec_from_file_location("refresh", ROOT / "tools" / "refresh_notebooks.py")
    refresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(refresh)
    path = ROOT / "notebooks" / "00_start_here.ipynb"
    assert refresh.refresh(path) == refresh.refresh(path)


def test_data_files_are_those_of_the_manifest():
    assert files.damaged_files() == []
    listed = set(json.loads((files.DATA / "manifest.json").read_text()))
    there = {p.relative_to(files.DATA).as_posix() for p in files.DATA.rglob("*") if p.is_file()}
    assert there - {"manifest.json", "README.md"} == listed
    readme = (files.DATA / "README.md").read_text()
    assert all(f"`{name}`" in readme for name in listed)


def test_the_report_names_a_damaged_file(tmp_path, monkeypatch, capsys):
    (tmp_path / "manifest.json").write_text(json.dumps({"digits.npz": "0" * 64}))
    monkeypatch.setattr(files, "DATA", tmp_path)
    environment.report()
    assert "missing or damaged: digits.npz" in capsys.readouterr().out


def test_nothing_of_a_machine_is_in_the_project():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in tracked.split("\n"):
        path = ROOT / name
        if path.suffix in {".py", ".md", ".yml", ".toml", ".ipynb", ".txt"} and not name.startswith("tests/"):
            found = re.search(r"/home/\w|/root/|/work/|/Users/\w|files\.pythonhosted|pypi\.org", path.read_text())
            assert not found, f"{name} names {found}"


def test_the_furniture_fits_the_project():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == ddim_lessons.__version__ and citation["license"] == PROJECT["license"]
    assert citation["title"] in README
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        form = yaml.safe_load(path.read_text())
        assert form["name"] and form["description"] and all(item["attributes"]["label"] for item in form["body"])
    lists = PROJECT["optional-dependencies"]
    assert set(lists["site"]) <= set(lists["test"]), "the tests build the site"
    assert set(lists["torch"]) <= set(lists["test"])
    npm = {name: re.findall(rf"{name}@[\d.]+", text) for name in ("katex", "axe-core") for text in [all_commands()]}
    assert all(len(found) > 1 and len(set(found)) == 1 for found in npm.values()), npm


def all_commands():
    """The texts that name versions of npm's packages."""
    files_ = [".ci/run", "CONTRIBUTING.md", ".github/workflows/site.yml", "tools/build_site.py"]
    return "\n".join((ROOT / name).read_text() for name in files_)
