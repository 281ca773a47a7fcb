"""JupyterHub for a class. Start it from the lessons' folder: ``jupyterhub -f deploy/jupyterhub_config.py``.

Students log in with their account on this machine (PAM, JupyterHub's own default): each works as a user of the
system, in a home folder that is closed to the others. README.md beside this file says what to change for other logins.
"""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

c = get_config()  # noqa: F821  (JupyterHub defines it)
LESSONS = Path(__file__).resolve().parents[1]
PROGRAMS = Path(sys.executable).parent

# --- who and where: on this machine only; HTTPS is the business of the web server in front ---------------------------
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.hub_ip = "127.0.0.1"
c.Authenticator.allow_existing_users = False
c.Authenticator.allow_all = False  # name the students: allowed_users, or PAM's allowed_groups
c.PAMAuthenticator.allowed_groups = {"ddim-students"}
c.ConfigurableHTTPProxy.command = [
    shutil.which("configurable-http-proxy", path=f"{LESSONS / '.node/node_modules/.bin'}{os.pathsep}{os.defpath}")
    or "configurable-http-proxy"
]

# --- a student's server ----------------------------------------------------------------------------------------------
c.Spawner.cmd = [str(PROGRAMS / "jupyterhub-singleuser")]
c.Spawner.default_url = "/lab"
c.Spawner.http_timeout = c.Spawner.start_timeout = 120  # a class arrives at once
c.JupyterHub.concurrent_spawn_limit = 10
c.Spawner.environment = {
    "OMP_NUM_THREADS": "1",  # the class shares the cores
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "131072",  # freed arrays go back to the system
    "PATH": f"{PROGRAMS}{os.pathsep}{os.defpath}",
}
c.Spawner.mem_limit = "1.5G"  # enforced by systemdspawner; SimpleLocalProcessSpawner and LocalProcessSpawner only tell
if find_spec("systemdspawner"):
    c.JupyterHub.spawner_class = "systemd"
    c.SystemdSpawner.default_shell = "/bin/bash"
    c.SystemdSpawner.isolate_tmp = True
    c.SystemdSpawner.disable_user_sudo = True
    c.SystemdSpawner.readonly_paths = [str(LESSONS)]

# --- what nobody uses goes: a kernel after an hour, even if its page is open; a server after an hour and a half -----
c.Spawner.args = [
    "--MappingKernelManager.cull_idle_timeout=3600",
    "--MappingKernelManager.cull_interval=300",
    "--MappingKernelManager.cull_connected=True",
    "--LabApp.news_url=",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
]
c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=5400", "--cull-every=300"],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]
