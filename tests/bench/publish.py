#!/usr/bin/env python3
"""How fast pkgctl, twine and uv publish: 100 small wheels, and one of 100 MB.

Each goes to a stub that takes everything and records what came, and to `pkgctl serve`. The programs take turns, so that
a busy machine is unfair to none. Printed are the medians of wall time and CPU time (user and system) of each uploader, its peak
memory, and what the stub saw. Memory is read from /proc, so on Linux only.

    tests/bench/publish.py [--pkgctl PATH] [--twine PATH] [--uv PATH] [--rounds N] [--megabytes N] [--wheels N]

Python 3.9 or later, without packages. A program that is not found is left out.
"""

import argparse
import base64
import hashlib
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def wheel(folder, name, version, payload):
    """A sound wheel: stored, with a RECORD."""
    stem = name.replace("-", "_")
    info = f"{stem}-{version}.dist-info"
    path = folder / f"{stem}-{version}-py3-none-any.whl"
    record = []
    with zipfile.ZipFile(path, "w") as archive:

        def add(member, content):
            archive.writestr(member, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{member},sha256={digest},{len(content)}\n")

        add(f"{stem}/__init__.py", b"")
        add(f"{stem}/data.bin", payload)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: a benchmark\n\nNothing.\n"
        add(f"{info}/METADATA", metadata.encode())
        add(f"{info}/WHEEL", b"Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "".join(record) + f"{info}/RECORD,,\n")
    return path


class Stub:
    """Takes every upload, keeps nothing, and counts requests and bytes. It knows no project pages."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.lock = threading.Lock()
        self.uploads = self.others = self.received = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def take_counts(self):
        with self.lock:
            counts = (self.uploads, self.others, self.received)
            self.uploads = self.others = self.received = 0
            return counts

    def _accept(self):
        while True:
            connection, _ = self.listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        buffer = bytearray(1 << 20)
        view = memoryview(buffer)
        pending = b""
        with connection:
            while True:
                while b"\r\n\r\n" not in pending:
                    count = connection.recv_into(buffer)
                    if not count:
                        return
                    pending += bytes(view[:count])
                head, pending = pending.split(b"\r\n\r\n", 1)
                length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
                left = total = int(length.group(1)) if length else 0
                taken = min(left, len(pending))
                pending, left = pending[taken:], left - taken
                while left:
                    count = connection.recv_into(view[: min(left, len(buffer))])
                    if not count:
                        return
                    left -= count
                is_upload = head.startswith(b"POST")
                with self.lock:
                    self.received += total
                    self.uploads += is_upload
                    self.others += not is_upload
                status = b"200 OK" if is_upload else b"404 Not Found"
                connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")


class Server:
    """`pkgctl serve` on an empty folder that anybody may upload to."""

    def __init__(self, program, scratch):
        self.folder = Path(tempfile.mkdtemp(dir=scratch))
        self.log = open(scratch / f"{self.folder.name}.log", "w+")
        command = [program, "serve", "--host", "127.0.0.1", "--port", "0", "-P", ".", "-a", ".", self.folder]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=self.log)
        while not (told := re.search(r"listening on (http://[^ \"]+)", Path(self.log.name).read_text())):
            if self.process.poll() is not None:
                sys.exit(f"the server ended:\n{Path(self.log.name).read_text()}")
            time.sleep(0.01)
        self.url = told.group(1).rstrip("/") + "/"

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


def measured(command, environment, folder):
    """Runs the command and gives seconds and CPU seconds, those of its children included."""
    start = time.perf_counter()
    process = started(command, environment, folder)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    assert_succeeded(command, process.returncode, said)
    return wall, usage.ru_utime + usage.ru_stime


def peak_memory(command, environment, folder):
    """Runs the command and gives its peak memory in MB, by looking at it all the time.

    The figure that the system keeps for an ended process begins with that of this script, which is larger.
    """
    process = started(command, environment, folder)
    peak = 0
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            break
        if found := re.search(r"VmHWM:\s*(\d+) kB", status):
            peak = max(peak, int(found.group(1)))
    said = process.stdout.read()
    assert_succeeded(command, process.wait(), said)
    return peak * 1024 / 1e6


def started(command, environment, folder):
    return subprocess.Popen(
        command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def assert_succeeded(command, code, said):
    if code != 0:
        sys.exit(f"{command[0]} failed ({code}):\n{said.decode(errors='replace')}")


def uploaders(words):
    """The programs that there are, each as a function from address and files to a command."""
    found = {
        "pkgctl": lambda url, files: [words.pkgctl, "publish", "--non-interactive", "--repository-url", url, *files],
        "pkgctl --no-verify": lambda url, files: [
            words.pkgctl, "publish", "--non-interactive", "--no-verify", "--repository-url", url, *files],
        "pkgctl --jobs 1": lambda url, files: [
            words.pkgctl, "publish", "--non-interactive", "--jobs", "1", "--repository-url", url, *files],
    }
    if words.twine:
        found["twine"] = lambda url, files: [
            words.twine, "upload", "--non-interactive", "--disable-progress-bar", "--repository-url", url, *files]
    if words.uv:
        found["uv"] = lambda url, files: [words.uv, "publish", "--publish-url", url, *files]
    return found


def arguments():
    tools = PROJECT / "target/test-tools"

    def default(name, place):
        return str(place) if place.exists() else shutil.which(name)

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pkgctl", default=str(PROJECT / "target/release/pkgctl"))
    parser.add_argument("--twine", default=default("twine", tools / "twine/bin/twine"))
    parser.add_argument("--uv", default=default("uv", tools / "uv/bin/uv"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--wheels", type=int, default=100)
    parser.add_argument("--megabytes", type=int, default=100)
    return parser.parse_args()


def main():
    words = arguments()
    if not Path(words.pkgctl).exists():
        sys.exit(f"{words.pkgctl} is not there; run `cargo build --release` first")
    scratch = Path(tempfile.mkdtemp(prefix="pkgctl-bench-"))
    try:
        run(words, scratch)
    finally:
        shutil.rmtree(scratch)


def run(words, scratch):
    # An address with a user needs no settings, and any user will do.
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(scratch), "LANG": "C.UTF-8",
        "TWINE_USERNAME": "u", "TWINE_PASSWORD": "p", "UV_PUBLISH_USERNAME": "u", "UV_PUBLISH_PASSWORD": "p",
        "UV_KEYRING_PROVIDER": "disabled", "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    noise = random.Random(4)
    (scratch / "small").mkdir()
    (scratch / "large").mkdir()
    small = [wheel(scratch / "small", f"bench-{n:03}", "1.0", noise.randbytes(4096)) for n in range(words.wheels)]
    large = [wheel(scratch / "large", "bench-large", "1.0", noise.randbytes(words.megabytes * 1_000_000))]
    programs = uploaders(words)
    sets = {f"{len(small)} small wheels": small, f"one wheel of {words.megabytes} MB": large}
    stub = Stub()
    figures, memory, seen = {}, {}, {}
    for lap in range(words.rounds + 1):
        for what, files in sets.items():
            for name, command in programs.items():
                for place in ("the stub", "pkgctl serve"):
                    server = stub if place == "the stub" else Server(words.pkgctl, scratch)
                    line = command(server.url, [str(file) for file in files])
                    # The first lap warms caches up, and is the one for memory: looking at it takes time.
                    if lap:
                        figures.setdefault((what, place, name), []).append(measured(line, environment, scratch))
                    else:
                        memory[what, place, name] = peak_memory(line, environment, scratch)
                    if server is stub:
                        seen[what, name] = stub.take_counts()
                    else:
                        server.stop()
    last = None
    for (what, place, name), laps in sorted(figures.items(), key=lambda item: item[0][:2]):
        if (what, place) != last:
            print(f"\n{what} to {place}, median of {words.rounds}")
            print(f"{'':20} {'wall s':>8} {'CPU s':>8} {'peak MB':>8}   what the stub saw")
            last = (what, place)
        wall, cpu = (statistics.median(column) for column in zip(*laps))
        uploads, others, received = seen[what, name]
        note = f"{uploads} uploads, {others} other requests, {received / 1e6:.1f} MB" if place == "the stub" else ""
        print(f"{name:20} {wall:8.3f} {cpu:8.3f} {memory[what, place, name]:8.1f}   {note}")


if __name__ == "__main__":
    main()
