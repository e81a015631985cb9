#!/usr/bin/env python3
"""How fast pkgctl, uv and `python -m build` make an sdist and the wheel from it, and how fast that could be.

A setuptools, a hatchling and a flit project, each cold (every cache empty) and warm. All take turns, lap by lap, so that
a busy machine is unfair to none. What they install comes from `pkgctl serve` on this machine, so that no network is
measured. Two floors stand beside them, both in an environment that is ready:

    hooks       the backend's four hooks in one Python process, and the sdist unpacked by `tarfile` in between
    setup.py    `python setup.py sdist bdist_wheel`, which checks, unpacks and isolates nothing (setuptools only)

Printed are medians of wall time and of CPU time (user and system, children included), the spread of the wall time (from
the first to the third quartile), and the ratios that matter. `--json FILE` keeps every lap.

    tests/bench/build.py [--laps N] [--only WORD] [--pkgctl PATH] [--uv PATH] [--build PYTHON] [--json FILE]

Python 3.9 or later, without packages. The pinned backends are downloaded once, to `target/bench/`; uv and build are
those of the tests, which `cargo test --test it build` sets up. A program that is not found is left out.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
WHEELS = ["setuptools==84.2.1", "hatchling==1.33.0", "flit_core==4.2.0", "packaging==26.3", "pathspec==1.1.1",
          "pluggy==1.7.0", "tomlkit==0.15.2", "trove-classifiers==2026.9.21.13"]
TABLE = "[project]\nname = 'bench-lib'\nversion = '1.0'\ndescription = 'x'\nreadme = 'README.md'\n"
BACKENDS = {
    "setuptools": ("setuptools==84.2.1", "setuptools.build_meta"),
    "hatchling": ("hatchling==1.33.0", "hatchling.build"),
    "flit": ("flit_core==4.2.0", "flit_core.buildapi"),
}
HOOKS = """
import importlib, os, sys, tarfile, tempfile
backend, out = importlib.import_module(sys.argv[1]), os.path.abspath("dist")
os.makedirs(out, exist_ok=True)
getattr(backend, "get_requires_for_build_sdist", lambda settings: [])(None)
sdist = os.path.join(out, backend.build_sdist(out, None))
with tempfile.TemporaryDirectory() as folder, tarfile.open(sdist) as archive:
    archive.extractall(folder, filter="data") if hasattr(tarfile, "data_filter") else archive.extractall(folder)
    os.chdir(os.path.join(folder, os.listdir(folder)[0]))
    getattr(backend, "get_requires_for_build_wheel", lambda settings: [])(None)
    backend.build_wheel(out, None, None)
    os.chdir(out)
"""


def write_project(folder, backend):
    requirement, module = BACKENDS[backend]
    (folder / "bench_lib").mkdir(parents=True)
    table = f"[build-system]\nrequires = ['{requirement}']\nbuild-backend = '{module}'\n{TABLE}"
    (folder / "pyproject.toml").write_text(table)
    (folder / "README.md").write_text("# A library\n")
    if backend == "setuptools":
        (folder / "setup.py").write_text("from setuptools import setup\nsetup(packages=['bench_lib'])\n")
    for number in range(10):
        (folder / f"bench_lib/module_{number}.py").write_text(f"NUMBER = {number}\n" * 100)
    (folder / "bench_lib/__init__.py").write_text("'''A library.'''\n")


def succeed(command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if done.returncode:
        sys.exit(f"{command[0]} failed ({done.returncode}):\n{done.stdout.decode(errors='replace')}")


def wheelhouse(pip):
    """The backends and what they need, from the registry that this machine's pip uses."""
    folder = PROJECT / "target/bench/wheelhouse"
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        succeed([pip, "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", part, *WHEELS])
        part.rename(folder)
    return folder


class Index:
    """`pkgctl serve` on the wheelhouse."""

    def __init__(self, pkgctl, folder, scratch):
        log = scratch / "serve.log"
        packages = scratch / "packages"
        shutil.copytree(folder, packages)
        with log.open("w") as file:
            command = [pkgctl, "serve", "--host", "127.0.0.1", "--port", "0", "--disable-fallback", packages]
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=file)
        while not (told := re.search(r"listening on (http://[^ \"]+)", log.read_text())):
            if self.process.poll() is not None:
                sys.exit(f"the server ended:\n{log.read_text()}")
            time.sleep(0.01)
        self.url = told.group(1).rstrip("/") + "/simple/"

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Contestant:
    """One command on one project, with a tree and with caches of its own."""

    def __init__(self, name, project, temperature, command, environment, scratch, caches=()):
        self.name, self.project, self.temperature, self.command = name, project, temperature, command
        self.folder = Path(tempfile.mkdtemp(prefix=f"{project}-", dir=scratch))
        self.tree = self.folder / "tree"
        write_project(self.tree, project)
        self.caches = {name: self.folder / "caches" / name for name in caches}
        self.environment = {**environment, **{name: str(path) for name, path in self.caches.items()}}
        self.laps = []

    def run(self, counts):
        for stale in ("dist", "build", "bench_lib.egg-info", "bench_lib/__pycache__"):
            shutil.rmtree(self.tree / stale, ignore_errors=True)
        if self.temperature == "cold":
            shutil.rmtree(self.folder / "caches", ignore_errors=True)
        start = time.perf_counter()
        process = subprocess.Popen(
            self.command, cwd=self.tree, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        made = {path.suffix for path in (self.tree / "dist").glob("*.*") if not path.name.startswith(".")}
        if process.returncode or made != {".gz", ".whl"}:
            sys.exit(f"{self.name} on {self.project} failed:\n{said.decode(errors='replace')}")
        if counts:
            self.laps.append((wall, usage.ru_utime + usage.ru_stime))


def contestants(words, index, scratch):
    python = str(Path(words.python).resolve())
    ready = scratch / "ready"
    succeed([python, "-m", "venv", ready])
    succeed([ready / "bin/python", "-m", "pip", "install", "--quiet", "--no-index", "--find-links", words.wheelhouse, *WHEELS])
    folders = [str(Path(python).parent), "/usr/local/bin", "/usr/bin", "/bin"]
    base = {"HOME": str(scratch), "LANG": "C.UTF-8", "PIP_INDEX_URL": index, "UV_DEFAULT_INDEX": index,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_CONFIG_FILE": "/dev/null", "UV_PYTHON_DOWNLOADS": "never",
            "PATH": os.pathsep.join(([str(Path(words.uv).parent)] if words.uv else []) + folders)}
    caches = ("UV_CACHE_DIR", "PIP_CACHE_DIR", "PKGCTL_CACHE_DIR")
    for project, (_, module) in BACKENDS.items():
        for temperature in ("warm", "cold"):
            def entry(name, command, caches=caches):
                return Contestant(name, project, temperature, command, base, scratch, caches)
            yield entry("pkgctl build", [words.pkgctl, "build", "--python", python])
            if words.uv:
                yield entry("uv build", [words.uv, "build", "--python", python])
            if words.build:
                yield entry("python -m build", [words.build, "-m", "build"])
                if words.uv:
                    yield entry("python -m build, uv", [words.build, "-m", "build", "--installer", "uv"])
        yield Contestant("hooks", project, "floor", [ready / "bin/python", "-c", HOOKS, module], base, scratch)
        if project == "setuptools":
            command = [ready / "bin/python", "setup.py", "sdist", "bdist_wheel"]
            yield Contestant("setup.py", project, "floor", command, base, scratch)


def median(contestant, column=0):
    return statistics.median(lap[column] for lap in contestant.laps)


def report(field):
    by_name = {(one.project, one.temperature, one.name): one for one in field}
    for project in dict.fromkeys(one.project for one in field):
        print(f"\n{project}\n{'':28} {'wall s':>8} {'quartiles':>15} {'CPU s':>8}")
        for one in (one for one in field if one.project == project):
            low, _, high = statistics.quantiles([lap[0] for lap in one.laps], n=4, method="inclusive")
            spread = f"{low:.3f} to {high:.3f}"
            name = one.name if one.temperature == "floor" else f"{one.name}, {one.temperature}"
            print(f"{name:28} {median(one):8.3f} {spread:>15} {median(one, 1):8.3f}")
        for temperature, other in (("warm", "uv build"), ("cold", "uv build"), ("warm", "hooks")):
            ours = by_name.get((project, temperature, "pkgctl build"))
            theirs = by_name.get((project, "floor" if other == "hooks" else temperature, other))
            if ours and theirs:
                # Lap by lap: what else the machine did then slowed both.
                ratios = [theirs_lap[0] / ours_lap[0] for ours_lap, theirs_lap in zip(ours.laps, theirs.laps)]
                wall, cpu = statistics.median(ratios), median(theirs, 1) / median(ours, 1)
                if other == "hooks":
                    print(f"  warm, pkgctl takes {1 / wall:.2f} times what the hooks alone take (CPU {1 / cpu:.2f})")
                else:
                    print(f"  {temperature}, pkgctl is {wall:.2f} times as fast as {other} (CPU {cpu:.2f})")


def arguments():
    tools = PROJECT / "target/test-tools"

    def default(name, place):
        return str(place) if place.exists() else shutil.which(name)

    build = tools / "build/bin/python"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pkgctl", default=str(PROJECT / "target/release/pkgctl"))
    parser.add_argument("--uv", default=default("uv", tools / "uv/bin/uv"))
    parser.add_argument("--build", default=str(build) if build.exists() else None, help="a Python that has build")
    parser.add_argument("--pip", default=default("pip", tools / "pip/bin/pip"))
    parser.add_argument("--python", default=sys.executable, help="what all build with")
    parser.add_argument("--laps", type=int, default=7)
    parser.add_argument("--only", default="", help="only those whose line has this word")
    parser.add_argument("--json")
    return parser.parse_args()


def main():
    words = arguments()
    if not Path(words.pkgctl).exists():
        sys.exit(f"{words.pkgctl} is not there; run `cargo build --release` first")
    words.wheelhouse = wheelhouse(words.pip)
    scratch = Path(tempfile.mkdtemp(prefix="pkgctl-bench-"))
    index = Index(words.pkgctl, words.wheelhouse, scratch)
    try:
        field = [one for one in contestants(words, index.url, scratch)
                 if words.only in f"{one.project} {one.temperature} {one.name}" or one.temperature == "floor"]
        # The first lap fills the caches and starts from none: it does not count.
        for lap in range(words.laps + 1):
            for one in field:
                one.run(counts=lap > 0)
        report(field)
        if words.json:
            laps = [{"project": one.project, "caches": one.temperature, "name": one.name,
                     "laps": [{"wall_seconds": wall, "cpu_seconds": cpu} for wall, cpu in one.laps]} for one in field]
            Path(words.json).write_text(json.dumps(laps, indent=1) + "\n")
    finally:
        index.stop()
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
