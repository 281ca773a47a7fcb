"""However the project arrives (a clone that rewrites line ends, an archive, a wheel), nothing is missing or damaged."""

import os
import subprocess
import sys
import zipfile

import pytest

from ddim_lessons.files import ROOT

LOOK = """
from ddim_lessons import files, toy_data
from ddim_lessons.stage.server import NOTEBOOKS, NOTES
from ddim_lessons.teaching import progress
print(*files.damaged_files(), sep="\\n", end="")
assert toy_data.load_digits()[0].shape == (1797, 64)
titles = [title for title, _ in progress.overview()]
assert len(titles) == len(list(NOTEBOOKS.glob("*.ipynb"))) > 10 and (NOTES / "07.md").is_file(), titles
"""


def git(*arguments, cwd=ROOT):
    """Run git with its defaults, whatever the tester's own settings are."""
    own = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(["git", *map(str, arguments)], cwd=cwd, env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def damaged(folder):
    """The names of the files that the package in ``folder`` finds damaged; its lessons and notes must be there."""
    own = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", LOOK], cwd=folder, env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture(scope="module")
def repository():
    if not (ROOT / ".git").exists():
        pytest.skip("this copy of the project is no clone: there is nothing to clone")
    return ROOT


@pytest.mark.parametrize(
    "setting", ["core.autocrlf=true", "core.autocrlf=input", "core.eol=crlf", "core.safecrlf=true"]
)
def test_a_clone_is_whole_whatever_git_does_to_line_ends(repository, tmp_path, setting):
    clone = tmp_path / "数据 and spaces"
    git("-c", setting, "clone", "-q", repository, clone)
    assert damaged(clone) == []
    texts = [path for path in clone.rglob("*") if path.suffix in {".json", ".ipynb", ".py", ".md"}]
    assert texts and not [path.name for path in texts if b"\r\n" in path.read_bytes()]


def test_without_the_attributes_git_would_damage_files(repository, tmp_path):
    git("clone", "-q", repository, tmp_path / "clone")
    (tmp_path / "clone" / ".gitattributes").write_text("* text=auto\n")
    for name in ("data/manifest.json", "data/results/lesson_09.json"):
        (tmp_path / "clone" / name).unlink()
    git("-c", "core.autocrlf=true", "checkout", "-q", "--", "data", cwd=tmp_path / "clone")
    assert "results/lesson_09.json" in damaged(tmp_path / "clone")


def test_an_archive_without_git_is_whole(repository, tmp_path):
    git("archive", "--format=zip", f"--output={tmp_path / 'project.zip'}", "HEAD")
    with zipfile.ZipFile(tmp_path / "project.zip") as archive:
        archive.extractall(tmp_path / "project")
    assert damaged(tmp_path / "project") == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this project, unpacked as pip would: a folder that holds ddim_lessons."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_a_wheel_brings_data_lessons_and_notes_along(wheel):
    assert damaged(wheel) == []


def test_a_wheel_holds_all_files_of_the_package_and_nothing_of_the_tests(wheel):
    def inside(folder):
        names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        return {name for name in names if "__pycache__" not in name and ".ipynb_checkpoints" not in name}

    brought = {f"{part}/{name}" for part in ("data", "lecture", "notebooks") for name in inside(ROOT / part)}
    assert inside(wheel / "ddim_lessons") == inside(ROOT / "ddim_lessons") | brought
    assert sorted(path.name.partition("-")[0] for path in wheel.iterdir()) == ["ddim_lessons", "ddim_lessons"]


def test_a_wheel_s_damaged_file_is_told_with_advice_that_fits(wheel):
    path = wheel / "ddim_lessons" / "data" / "digits.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    try:
        code = "from ddim_lessons.files import damaged_files, RESTORE; print(damaged_files(), RESTORE)"
        own = os.environ | {"PYTHONPATH": str(wheel)}
        done = subprocess.run([sys.executable, "-c", code], cwd=wheel, env=own, capture_output=True, text=True)
    finally:
        path.write_bytes(whole)
    assert done.stdout.startswith("['digits.npz']") and "else from a fresh copy of the project" in done.stdout
