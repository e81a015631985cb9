"""Real clients, as whole programs."""

import os
import shutil
import subprocess
import sys

from .load import Refused
from .processes import Meter, settle
from .rows import Bound, Row, running
from .tools import Missing


def installs(sizes):
    wanted = sizes.installed_projects
    goal = {"more_is_better": False, "goal": "≤ pypiron", "bounds": (Bound("pypiron", "<=", 1.0),)}
    return [
        Row("uv", f"`uv pip install` of {wanted} projects", "s", installed(uv_command), **goal),
        Row("pip", f"`pip download` of {wanted} projects", "s", installed(pip_command), **goal),
    ]


def uv_command(tools, index, folder, python):
    return [tools.uv(), "pip", "install", "--quiet", "--no-config", "--no-deps", "--only-binary", ":all:", "--python",
            python, "--target", folder / "installed", "--cache-dir", folder / "cache", "--index-url", index,
            "-r", folder / "requirements.txt"]


def pip_command(tools, index, folder, python):
    return [tools.pip(), "-m", "pip", "--isolated", "download", "--quiet", "--no-deps", "--only-binary", ":all:",
            "--no-cache-dir", "--disable-pip-version-check", "--index-url", index, "--dest", folder / "downloaded",
            "-r", folder / "requirements.txt"]


def installed(command):
    def take(server, context):
        folder = context.scratch / "client"
        folder.mkdir()
        try:
            ordinary = [name for name in server.corpus.by_project() if not name.startswith("bench-")]
            wanted = ordinary[: context.sizes.installed_projects]
            (folder / "requirements.txt").write_text("\n".join(wanted))
            index = f"http://127.0.0.1:{server.port}{server.root}"
            try:
                words = command(context.tools, index, folder, sys.executable)
            except Missing as missing:
                raise Refused(str(missing)) from None
            environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
            settle(server.pids())
            with Meter(server.pids()) as meter:
                done = subprocess.run([str(word) for word in words], env=environment, capture_output=True, text=True,
                                      stdin=subprocess.DEVNULL)
            if done.returncode:
                raise Refused(f"{words[0]} failed: {(done.stderr + done.stdout).strip()[-300:]}")
            return {"value": meter.wall, **meter.about(), "tool_cores": 0}
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return running(take)
