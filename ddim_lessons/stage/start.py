"""Open a lesson in the reader's own JupyterLab, with the reader's own settings."""

import sys

from . import server


def start_lesson(number="00", port=None, flags=()):
    """Open a lesson; returns the exit status of JupyterLab, to which ``port`` and ``flags`` are handed."""
    path = server.lesson_path(number)
    server.require_jupyterlab()
    ports = [] if port is None else [f"--port={server.usable_port(port)}", "--ServerApp.port_retries=0"]
    place = [f"--LabApp.default_url=/lab/tree/{path.name}", f"--ServerApp.root_dir={path.parent}"]
    return server.serve([sys.executable, "-m", "jupyterlab", *server.LAB_FLAGS, *ports, *place, *flags])
