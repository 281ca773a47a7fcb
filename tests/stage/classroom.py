"""A JupyterHub on loopback, and students who use it as their browsers would; for ``test_classroom.py`` and the
benchmark ``classroom.py``.

The hub reads ``deploy/jupyterhub_config.py``. Changed for the test: the login (a password of this run instead of the
machine's accounts), ports, and students who are processes of this user, each with a home folder of its own.
"""

import asyncio
import http.cookiejar
import json
import os
import secrets
import shutil
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from browser import free_port, wait_for
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from ddim_lessons.files import ROOT

PROXY = shutil.which(
    "configurable-http-proxy", path=f"{ROOT / '.node/node_modules/.bin'}{os.pathsep}{os.environ['PATH']}"
)
NEEDED = ("jupyterhub", "jupyterhub_idle_culler", "nbgitpuller")
CONFIG = """
load_subconfig({config!r})
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port, c.ConfigurableHTTPProxy.api_url = {hub_port}, "http://127.0.0.1:{proxy_port}"
c.JupyterHub.authenticator_class, c.DummyAuthenticator.password = "dummy", {password!r}
c.Authenticator.allowed_users = {students!r}
c.JupyterHub.spawner_class, c.SimpleLocalProcessSpawner.home_dir_template = "simple", {homes!r}
c.JupyterHub.db_url, c.JupyterHub.cookie_secret_file = "sqlite://", {secret!r}
c.ConfigurableHTTPProxy.pid_file, c.ConfigurableHTTPProxy.command = {pid!r}, [{proxy!r}]
c.Spawner.args = [*c.Spawner.args, "--allow-root", "--ServerApp.port_retries=0", "--ServerApp.answer_yes=True"]
c.Spawner.environment = c.Spawner.environment | {{"PYTHONPATH": {root!r}}}
"""


def missing():
    """Return a sentence that says what a hub needs and this machine has not, or None."""
    lacks = [name for name in NEEDED if find_spec(name) is None] + ([] if PROXY else ["configurable-http-proxy (npm)"])
    return f"not on this machine: {', '.join(lacks)}; deploy/README.md says how to install it" if lacks else None


class Hub(NamedTuple):
    """A running hub: its address, the students' password, the folder of their homes, its process and its log."""

    address: str
    password: str
    homes: Path
    process: subprocess.Popen
    log: Path


@contextmanager
def jupyterhub(folder, students):
    """Serve a class from a hub in ``folder``; yields a ``Hub``. At the end it is stopped, and its servers with it."""
    port, hub_port, proxy_port = (free_port() for _ in range(3))
    password, log = secrets.token_urlsafe(16), folder / "hub.log"
    (folder / "homes").mkdir()
    values = {
        "config": str(ROOT / "deploy" / "jupyterhub_config.py"), "port": port, "hub_port": hub_port,
        "proxy_port": proxy_port, "password": password, "students": set(students), "proxy": PROXY,
        "homes": str(folder / "homes" / "{username}"), "secret": str(folder / "secret"), "root": str(ROOT),
        "pid": str(folder / "proxy.pid"),
    }  # fmt: skip
    (folder / "jupyterhub_config.py").write_text(CONFIG.format(**values))
    own = {name: str(folder / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "IPYTHONDIR")}
    command = [sys.executable, "-m", "jupyterhub", "-f", "jupyterhub_config.py"]
    with open(log, "w") as out:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | own, stdout=out, stderr=out)
        hub = Hub(f"http://127.0.0.1:{port}", password, folder / "homes", process, log)
        try:
            wait_for(lambda: process.poll() is not None or _answers(hub), 60, "the hub does not answer")
            assert process.poll() is None, log.read_text()[-3000:]
            yield hub
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def _answers(hub):
    try:
        return urllib.request.urlopen(f"{hub.address}/hub/api/", timeout=5).status == 200
    except (urllib.error.URLError, OSError):
        return False


class Student:
    """One student: logs in by the hub's form, starts a server, gets the lessons, runs cells over a websocket."""

    def __init__(self, hub, name):
        self.hub, self.name = hub, name
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self.base = f"{hub.address}/user/{name}"
        self.token = None

    def log_in(self, password=None):
        """Log in by the form and get a token of one's own; raises ``HTTPError`` (403) if the password is wrong."""
        self.opener.open(f"{self.hub.address}/hub/login", timeout=60).read()
        form = {"username": self.name, "password": password or self.hub.password, "_xsrf": self._xsrf()}
        body = urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(f"{self.hub.address}/hub/login?next=%2Fhub%2Fhome", body)
        self.opener.open(request, timeout=60).read()
        answer = self.ask("POST", f"{self.hub.address}/hub/api/users/{self.name}/tokens", {"note": "a browser"})
        self.token = answer["token"]

    def _xsrf(self):
        return next(cookie.value for cookie in self.cookies if cookie.name == "_xsrf" and cookie.path == "/hub/")

    def ask(self, method, url, body=None, timeout=120):
        """Send a REST request and return what comes back; ``HTTPError`` where it is refused."""
        headers = {"Authorization": f"token {self.token}"} if self.token else {"X-XSRFToken": self._xsrf()}
        headers |= {"Content-Type": "application/json", "Referer": f"{self.hub.address}/hub/"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers, method=method)
        opener = urllib.request.build_opener() if self.token else self.opener
        with opener.open(request, timeout=timeout) as response:
            text = response.read()
        return json.loads(text) if text[:1] in (b"{", b"[") else text.decode()

    def start_server(self, seconds=180):
        """Start this student's server, again where the hub asks to come back later, and wait until it is ready."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self.ask("POST", f"{self.hub.address}/hub/api/users/{self.name}/server")
                break
            except urllib.error.HTTPError as error:
                if error.code != 429:
                    raise
                time.sleep(2)
        user = f"{self.hub.address}/hub/api/users/{self.name}"
        wait_for(lambda: self.ask("GET", user)["server"], max(1, end - time.monotonic()), "the server does not start")

    def follow(self, link):
        """Open an address of the hub with this student's cookies, as a click does; returns (where it led, page)."""
        with self.opener.open(f"{self.hub.address}{link}", timeout=120) as response:
            return response.url, response.read().decode()

    def pull(self, words):
        """Clone or update the lessons in this student's home: what nbgitpuller's page does with its link's words."""
        return self.ask("GET", f"{self.base}/git-pull/api?{urllib.parse.urlencode(words)}")

    async def open_kernel(self, path):
        """Open a notebook's kernel and connect to it."""
        body = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        session = await asyncio.to_thread(self.ask, "POST", f"{self.base}/api/sessions", body)
        url = f"{self.base.replace('http', 'ws')}/api/kernels/{session['kernel']['id']}/channels"
        request = HTTPRequest(url, headers={"Authorization": f"token {self.token}"}, connect_timeout=60)
        return Kernel(await websocket_connect(request, max_message_size=2**28), self.name)

    async def close_kernels(self, kernel=None):
        """Shut all of this student's kernels down, and close a websocket."""
        if kernel is not None:
            kernel.socket.close()
        for session in await asyncio.to_thread(self.ask, "GET", f"{self.base}/api/sessions"):
            await asyncio.to_thread(self.ask, "DELETE", f"{self.base}/api/sessions/{session['id']}")


class Kernel:
    """A kernel on a websocket: run code, move a slider. One thing at a time, as a page does."""

    def __init__(self, socket, name):
        self.socket, self.name, self.session = socket, name, uuid.uuid4().hex

    async def send(self, kind, content):
        """Send a message on the shell channel and return its id."""
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": kind,
            "session": self.session,
            "username": "",
            "version": "5.3",
        }
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        await self.socket.write_message(json.dumps(message | {"buffers": []}))
        return header["msg_id"]

    async def run(self, code, seconds=180):
        """Run a cell; return (what it printed, the error's name or None)."""
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": False}
        asked, printed, error, idle, replied = await self.send("execute_request", content), [], None, False, False
        async with asyncio.timeout(seconds):
            while not (idle and replied):
                message = await self.receive()
                if message["parent_header"].get("msg_id") != asked:
                    continue
                kind, content = message["msg_type"], message["content"]
                idle = idle or (kind == "status" and content["execution_state"] == "idle")
                replied = replied or kind == "execute_reply"
                if kind == "stream":
                    printed.append(content["text"])
                elif kind == "error":
                    error = f"{content['ename']}: {content['evalue']}"
        return "".join(printed), error

    async def move(self, slider, index, picture, seconds=60):
        """Move a slider's model to an option and return the seconds until the picture's model has a new value."""
        start, new, idle = time.perf_counter(), None, False
        data = {"method": "update", "state": {"index": index}, "buffer_paths": []}
        asked = await self.send("comm_msg", {"comm_id": slider, "data": data})
        async with asyncio.timeout(seconds):
            while not (idle and new):  # in either order: a move right after a picture is drawn a little later
                message = await self.receive()
                kind, content = message["msg_type"], message["content"]
                if kind == "comm_msg" and content["comm_id"] == picture:
                    new = new or time.perf_counter() - start
                mine = message["parent_header"].get("msg_id") == asked
                idle = idle or (mine and kind == "status" and content["execution_state"] == "idle")
        return new

    async def receive(self):
        """Return the next message; its pictures are not unpacked."""
        message = await self.socket.read_message()
        if message is None:
            raise ConnectionError("the kernel's websocket was closed")
        if isinstance(message, bytes):
            first, second = struct.unpack("!2I", message[4:12])
            message = message[first:second]
        return json.loads(message)


def code_cells(name):
    """Return the sources of a lesson's code cells."""
    (path,) = (ROOT / "notebooks").glob(f"{name}_*.ipynb")
    return ["".join(c["source"]) for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]


def bare_clone(folder):
    """Make a bare git repository of this project's newest commit, branch main, and return its address."""
    bare = folder / "lessons.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", bare], check=True)
    subprocess.run(["git", "-C", bare, "config", "receive.shallowUpdate", "true"], check=True)
    subprocess.run(["git", "push", "-q", bare, "HEAD:refs/heads/main"], cwd=ROOT, check=True)
    return bare.as_uri()
