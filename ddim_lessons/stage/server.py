"""What presenting, pages and start share: the lessons' files, a port, a server that ends with the command."""

import json
import os
import signal
import socket
import subprocess
import sys
from importlib.util import find_spec

from .. import require
from ..files import ROOT

NOTEBOOKS, NOTES = ROOT / "notebooks", ROOT / "lecture"
LAB_FLAGS = (  # JupyterLab listens on this machine, stops without a question, and asks nobody elsewhere for news
    "--ip=127.0.0.1", "--ServerApp.answer_yes=True", "--LabApp.news_url=",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)  # fmt: skip
OWN_FOLDERS = (
    "JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR",
)  # fmt: skip


def lesson_path(number):
    """Return the path of the lesson called ``number``, such as "07" or "7"."""
    paths = {path.name[:2]: path for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))}
    require.that(paths, "the folder of lessons", str(NOTEBOOKS), "a folder with the lessons (a clone of the project)")
    name = str(number).rjust(2, "0") if number else ""
    require.that(name in paths, "the lesson", str(number), "one of " + ", ".join(paths))
    return paths[name]


def write_file(path, text):
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_copies(folder, copy_of):
    """Write a copy of every lesson, ``copy_of(notebook, number)``, so that the links between them work.

    A copy that lies there already may have been worked on: it stays. Returns whether any did.
    """
    paths = list(NOTEBOOKS.glob("*.ipynb"))
    missing = [path for path in paths if not (folder / "lessons" / path.name).exists()]
    for path in missing:
        copy = copy_of(json.loads(path.read_text(encoding="utf-8")), path.name[:2])
        write_file(folder / "lessons" / path.name, json.dumps(copy, ensure_ascii=False, indent=1))
    return len(missing) < len(paths)


def own_environment(folder):
    """Return this process's environment, with all settings and the progress in ``folder`` instead of the user's."""
    own = {name: str(folder / name.lower()) for name in OWN_FOLDERS}
    return os.environ | own | {"DDIM_LESSONS_PROGRESS": str(folder / "progress.json")}


def usable_port(port=None):
    """Return ``port``, or a free one if it is None; raise a ``ValueError`` if it is taken or none of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port or 0))
        except (OSError, OverflowError) as error:
            raise ValueError(f"port {port} cannot be used ({error}); leave --port out, or name another") from None
        return probe.getsockname()[1]


def require_jupyterlab():
    """Raise a ``ValueError`` that says what to do if there is no JupyterLab."""
    if find_spec("jupyterlab") is None:
        raise ValueError("JupyterLab is not installed for this Python: run the first command of the README")


def serve(command, environment=None):
    """Run a server until it ends or this process is told to end; returns its exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.stdout.flush()  # what was said stands before what the server says
    server = subprocess.Popen(command, env=environment)
    try:
        return server.wait()
    finally:
        server.terminate()
        server.wait(20)
