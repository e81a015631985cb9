"""The programs of a run, pkgctl, peers, load tools and clients: found, made or set up, or named as left out."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]

# What is set up when it isn't there, each in a virtual environment of its own.
REQUIREMENTS = {
    # Behind waitress, and with a watchdog that doesn't tell of every read of a file as of a change: later ones do, and
    # pypiserver then drops its cache with every download. passlib knows no bcrypt after 4.0.1.
    "pypiserver": ["pypiserver==2.4.2", "passlib==1.7.4", "bcrypt==4.0.1", "watchdog==2.1.1", "waitress==3.0.2"],
    "pypiron": ["pypiron==0.0.29"],
    "uv": ["uv==0.13.9"],
    "pip": ["pip==26.3"],
}


class Missing(Exception):
    """A program that can't be had, with the reason."""


class Tools:
    def __init__(self, words, store):
        self.store = store
        self.may_install = not words.no_install
        self.given = {"pkgctl": words.pkgctl, "nginx": words.nginx, "pypiron": words.pypiron}

    def pkgctl(self):
        """The binary that was named, or that of this project as it is now, built for release."""
        if not self.given["pkgctl"]:
            binary = PROJECT / "target/release/pkgctl"
            print("building pkgctl for release", file=sys.stderr)
            command = ["cargo", "build", "--quiet", "--release", "--locked", "--bin", "pkgctl"]
            succeed(command, "install Rust, or name a binary with --pkgctl", cwd=PROJECT)
            self.given["pkgctl"] = str(binary)
        return named(self.given["pkgctl"], "--pkgctl")

    def nginx(self):
        if self.given["nginx"]:
            return named(self.given["nginx"], "--nginx")
        # Systems that keep it from ordinary users' paths have it there.
        found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        if not found:
            raise Missing("nginx is not installed")
        return found

    def pypiron(self):
        if self.given["pypiron"]:
            return named(self.given["pypiron"], "--pypiron")
        return self.environment("pypiron") / "bin/pypiron"

    def pypiserver(self):
        """The folder of its programs."""
        return self.environment("pypiserver") / "bin"

    def uv(self):
        return shutil.which("uv") or self.environment("uv") / "bin/uv"

    def pip(self):
        """A Python that has pip."""
        return self.environment("pip") / "bin/python"

    def environment(self, name):
        folder = self.store / name
        stamp = folder / "complete"
        wanted = "\n".join(REQUIREMENTS[name])
        if stamp.exists() and stamp.read_text() == wanted:
            return folder
        if not self.may_install:
            raise Missing(f"{name} is not set up, and --no-install was given")
        print(f"setting up {wanted.replace(chr(10), ' ')}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            run([sys.executable, "-m", "venv", folder])
            run([folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                 *REQUIREMENTS[name]])
            stamp.write_text(wanted)
        except (OSError, subprocess.CalledProcessError) as error:
            said = (getattr(error, "output", None) or str(error)).strip().splitlines()
            raise Missing(f"{wanted.splitlines()[0]} can't be installed: {said[-1] if said else error}") from None
        finally:
            if not stamp.exists():
                shutil.rmtree(folder, ignore_errors=True)
        return folder

    def load_generator(self):
        """Our own, built when it isn't there or older than its source."""
        source = Path(__file__).with_name("load.rs")
        program = self.store / "load"
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            self.store.mkdir(parents=True, exist_ok=True)
            command = ["rustc", "--edition", "2024", "-O", "-o", program, source]
            succeed(command, "install Rust: the load generator is a small program of this project")
        return program


def named(path, option):
    found = shutil.which(path)
    if not found:
        sys.exit(f"error: `{path}` is no program\nhint: give {option} the path of one")
    return str(Path(found).resolve())


def run(command):
    return subprocess.run(
        [str(word) for word in command], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True).stdout


def succeed(command, hint, cwd=None):
    try:
        subprocess.run([str(word) for word in command], check=True, cwd=cwd, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: `{command[0]}` failed: {error}\nhint: {hint}")


def version(command):
    """The first version number that a program tells of itself."""
    try:
        found = re.search(r"\d+\.\d[\w.]*", run(command))
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.group() if found else None
