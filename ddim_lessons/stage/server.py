"""What presenting and pages share: the lessons' files, a free port, a server that ends with the command."""

import signal
import socket
import subprocess
import sys
from importlib.util import find_spec

from .. import require
from ..files import ROOT

NOTEBOOKS, NOTES = ROOT / "notebooks", ROOT / "lecture"
LAB_FLAGS = (
    "--ip=127.0.0.1", "--ServerApp.port_retries=0", "--ServerApp.answer_yes=True", "--LabApp.custom_css=True",
    "--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)  # fmt: skip
PLACES = (
    "JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR",
)  # fmt: skip


def lesson(number):
    """Return the path of the lesson called ``number``, such as "07" or "7"."""
    paths = {path.name[:2]: path for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))}
    require.that(paths, "the folder of lessons", str(NOTEBOOKS), "a folder with the lessons (a clone of the project)")
    name = str(number).rjust(2, "0") if number else ""
    require.that(name in paths, "the lesson", str(number), "one of " + ", ".join(paths))
    return paths[name]


def write(path, text):
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def free_port():
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def require_free(port):
    """Raise a ``ValueError`` if a port of this machine is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise ValueError(f"port {port} cannot be used ({error}); leave --port out, or name another") from None


def require_jupyterlab():
    """Raise a ``ValueError`` that says what to do if there is no JupyterLab."""
    if find_spec("jupyterlab") is None:
        raise ValueError("JupyterLab is not installed for this Python: run the first command of the README")


def serve(command, environment):
    """Run JupyterLab until it ends or this process is told to end; returns its exit status, 0 after Ctrl+C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = subprocess.Popen(command, env=environment)
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait(20)
