"""The figures: what is asked of each server, and what pkgctl has to come to."""

import gzip
import os
import shutil
import statistics
import subprocess
import time
from collections import namedtuple
from dataclasses import dataclass, field

from . import corpus as corpora
from .load import JSON, Refused, ask, file_paths, upload_request, write_requests
from .processes import Meter, forget_peak, memory_bytes, peak_bytes, settle
from .public_index import PublicIndex
from .servers import KINDS
from .tools import Missing

# `against` is a peer's name, another row of pkgctl's own (`row:KEY`), or None for the figure itself. The figure, or its
# ratio to the other, must be at least (">=") or at most ("<=") the bound.
Bound = namedtuple("Bound", "against relation number")


@dataclass(frozen=True)
class Row:
    key: str
    title: str
    unit: str
    take: object  # a function from a server and a `Context` to a sample: a dict with `value`
    more_is_better: bool = True
    goal: str = ""
    bounds: tuple = field(default_factory=tuple)
    with_password: bool = False
    needs: str = ""  # the row whose sample this one is another side of


@dataclass(frozen=True)
class Stage:
    """Rows that are asked of the same servers over the same corpus, all of them running, in turns."""

    name: str
    shape: corpora.Shape
    rows: list
    kinds: dict = field(default_factory=lambda: KINDS)  # the class of each server that takes part, by its name
    marker: str = ""  # the option without which the stage is left out


class QuickPublicIndex(PublicIndex):
    projects = 8000
    files = 50_000


@dataclass(frozen=True)
class Sizes:
    """How much is made and asked for."""

    small: corpora.Shape = corpora.Shape(100, 5)
    medium: corpora.Shape = corpora.Shape(5000, 4, page_files=2000, large_megabytes=200)
    large: corpora.Shape = corpora.Shape(100_000, 2, realistic=False)
    public: type = PublicIndex
    installed_projects: int = 50
    uploads: int = 400
    starts: int = 3
    program_starts: int = 20
    upload_seconds: float = 8

    @staticmethod
    def quick():
        return Sizes(corpora.Shape(20, 5), corpora.Shape(400, 2, page_files=300, large_megabytes=20),
                     corpora.Shape(3000, 2, realistic=False), QuickPublicIndex, installed_projects=10, uploads=60, starts=1,
                     program_starts=5, upload_seconds=2)


class Context:
    """What a figure may need beside the server."""

    def __init__(self, tools, load, sizes, scratch, repetition):
        self.tools = tools
        self.load = load
        self.sizes = sizes
        self.scratch = scratch
        self.repetition = repetition
        self.uploaded = 0

    def new_name(self):
        """A project that no server has."""
        self.uploaded += 1
        letters = "".join(chr(97 + int(digit)) for digit in str(self.uploaded))
        return f"bench-new-{'abcdefghijklmnopqrstuvwxyz'[self.repetition % 26]}-{letters}"


def stages(sizes):
    """All of them, also those that are only measured when their option asks for them."""
    small, medium, large, public = sizes.small, sizes.medium, sizes.large, sizes.public
    projects = f"{public.projects:,} projects of {public.files:,} files"
    return [
        Stage("programs", small, [program_start()]),
        Stage("small", small, [
            *starting("small", small, 0.03, 20),
            page("small-page-few", f"small project page, {count(small)} files"),
            page("small-page-password", "the same, read with a bcrypt user", with_password=True,
                 goal="≥ 0.9 × without a password", bounds=(Bound("row:small-page-few", ">=", 0.9),)),
            *uploads(sizes),
        ]),
        Stage("medium", medium, [
            *starting("medium", medium, 0.05, 30),
            *pages(medium),
            *files(medium),
            dropped(medium),
            *installs(sizes),
            memory("memory-after-medium", f"memory after all this, {count(medium)} files", 150),
        ]),
        Stage("large", large, [
            *starting("large", large, 0.15, 60, 1.5),
            page("small-page-large", f"small project page, {count(large)} files", **AS_FEW),
            root("root-large-gzip", large.projects, "json", True, **AS_NGINX),
            memory("memory-after-large", f"memory after all this, {count(large)} files", 150),
        ], marker="--large"),
        Stage("public", small, [
            ready("ready-public", f"ready, warm, {projects}", 1.0),
            memory("memory-public", "memory when ready", 600),
            page("small-page-public", f"small project page, {projects}", **AS_FEW),
            root("root-public-gzip", public.projects, "json", True),
            memory("memory-after-public", "memory after all this", 600),
        ], {"pkgctl": public}, "--public-index-size"),
    ]


def count(shape):
    return f"{shape.projects * shape.files_each + shape.page_files + 5:,}"


def running(take):
    """A figure of a server that is running."""

    def of_running(server, context):
        if not server.is_running():
            server.start()
        return take(server, context)

    return of_running


# Starting.


def starting(stage, shape, ready_seconds, megabytes, first_seconds=None):
    files = count(shape)
    return [
        Row(f"first-{stage}", f"ready, first start on {files} unseen files", "s", first_start, False,
            **at_most(first_seconds, "s")),
        ready(f"ready-{stage}", f"ready, warm, {files} files", ready_seconds),
        memory(f"memory-{stage}", f"memory when ready, {files} files", megabytes),
    ]


def ready(key, title, seconds):
    return Row(key, title, "s", warm_start, False, **at_most(seconds, "s"))


def memory(key, title, megabytes):
    return Row(key, title, "MB", running(memory_now), False, **at_most(megabytes, "MB"))


def at_most(number, unit):
    return {"goal": f"≤ {number} {unit}", "bounds": (Bound(None, "<=", number),)} if number is not None else {}


def first_start(server, context):
    if not server.learns_from_the_folder:
        raise Refused("no first start: it starts as always, or has to import")
    server.stop()
    server.prepare()
    server.forget()
    with Meter() as meter:
        seconds = server.start()
    return {"value": seconds, **meter.about()}


def warm_start(server, context):
    if not server.is_running():
        server.start()
    taken = []
    with Meter() as meter:
        for _ in range(context.sizes.starts):
            # What it does behind its first answer, such as to read the files, belongs to the start before.
            settle(server.pids())
            server.stop()
            taken.append(server.start())
    return {"value": statistics.median(taken), "each": taken, **meter.about(), "foreign_cores": None}


def memory_now(server, context):
    settle(server.pids())
    return {"value": memory_bytes(server.pids()) / 1e6}


def program_start():
    def take(server, context):
        command = [str(word) for word in server.version_command()]
        taken = []
        with Meter() as meter:
            for _ in range(context.sizes.program_starts):
                begin = time.perf_counter()
                subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                taken.append((time.perf_counter() - begin) * 1e3)
        return {"value": statistics.median(taken), **meter.about(), "tool_cores": 0}

    return Row("version", "start of the program (`--version`)", "ms", take, False, **at_most(5, "ms"))


# Pages.


def asked(path, method="GET", headers=None, expected=lambda status, answer: status == 200, entries=0):
    """A figure under load: `path` and `headers` are functions of the server. What it answers is looked at first, so
    that no server gets a figure for something else: its head, and whether it lists as many entries as it should."""

    def take(server, context):
        where = path(server)
        sent = {**server.headers(), **(headers(server, where) if headers else {})}
        status, answer, body = ask(server.port, where, method, sent)
        if not expected(status, answer):
            form = (str(status), answer.get("content-type", ""), answer.get("content-encoding", ""))
            raise Refused(f"not offered: {' '.join(filter(None, form))}")
        plain = gzip.decompress(body) if answer.get("content-encoding") == "gzip" else body
        listed = plain.count(b'"url":') or plain.count(b'"name":') or plain.count(b"<a ")
        if listed < entries:
            raise Refused(f"failed: the page has {listed} entries instead of {entries}")
        return context.load.again(server, where, method, sent)

    return running(take)


def form(kind, compressed):
    """Headers that ask for a page in this form, and a check that it is."""
    sent = {**({"Accept": JSON} if kind == "json" else {}), **({"Accept-Encoding": "gzip"} if compressed else {})}

    def expected(status, answer):
        is_form = status == 200 and kind in answer.get("content-type", "")
        return is_form and (answer.get("content-encoding") == "gzip") == compressed

    return {"headers": lambda server, path: sent, "expected": expected}


def page(key, title, project="bench-small", kind="html", compressed=False, entries=5, **more):
    take = asked(lambda server: server.page(project), entries=entries, **form(kind, compressed))
    return Row(key, title, "req/s", take, **more)


def root(key, projects, kind, compressed=False, **more):
    title = f"root page, {projects:,} projects, {kind.upper()}{', gzip' * compressed}"
    take = asked(lambda server: server.root, entries=projects, **form(kind, compressed))
    return Row(key, title, "req/s", take, **more)


AS_NGINX = {"goal": "≥ nginx", "bounds": (Bound("nginx", ">=", 1.0),)}
AS_FEW = {"goal": "no slower than with few", "bounds": (Bound("row:small-page-few", ">=", 1.0),)}


def pages(shape):
    long, entries = f"{shape.page_files:,}-file page", shape.page_files
    return [
        page("small-page", f"small project page, {count(shape)} files", goal="≥ 1.1 × nginx, ≥ 1.5 × pypiron",
             bounds=(Bound("nginx", ">=", 1.1), Bound("pypiron", ">=", 1.5))),
        cpu_of("small-page"),
        page("page-html", f"{long}, HTML", "bench-page", entries=entries, **AS_NGINX),
        page("page-json", f"{long}, JSON", "bench-page", "json", False, entries, **AS_NGINX),
        page("page-gzip", f"{long}, JSON, gzip", "bench-page", "json", True, entries, **AS_NGINX),
        root("root-html", shape.projects, "html", **AS_NGINX),
        root("root-json", shape.projects, "json", **AS_NGINX),
        root("root-gzip", shape.projects, "json", True, **AS_NGINX),
        not_modified("page-304", "304 for a page", lambda server: server.page("bench-small")),
        not_modified("file-304", "304 for a file", small_file),
    ]


def cpu_of(key):
    """CPU seconds of the server for 10,000 answers of the row before, from its sample."""

    def take(server, context):
        sample = server.samples.get(key)
        if not sample:
            raise Refused("there is no figure to make it of")
        return {"value": sample["server_cpu_seconds"] / sample["requests"] * 1e4,
                **{name: sample[name] for name in ("tool_cores", "foreign_cores")}}

    return Row(f"{key}-cpu", "CPU seconds for 10,000 of them", "s", take, False, needs=key, **at_most(0.13, "s"))


def small_file(server):
    return path_of(server, "bench-small", "bench_small-1.0.0-py3-none-any.whl")


def path_of(server, project, name):
    paths = file_paths(server.port, server.page(project), server.headers())
    if name not in paths:
        raise Refused(f"its page does not list {name}")
    return paths[name]


def not_modified(key, title, path):
    def headers(server, where):
        _, answer, _ = ask(server.port, where, headers=server.headers())
        if "etag" in answer:
            return {"If-None-Match": answer["etag"]}
        if "last-modified" in answer:
            return {"If-Modified-Since": answer["last-modified"]}
        raise Refused("not offered: answers have no validator")

    take = asked(path, headers=headers, expected=lambda status, answer: status == 304)
    return Row(key, title, "req/s", take, **AS_NGINX)


# Files.


def files(shape):
    def large(version):
        return lambda server: path_of(server, "bench-large", f"bench_large-{version}-py3-none-any.whl")

    huge = f"{shape.large_megabytes} MB wheel, one stream"
    return [
        Row("file", "5 KB wheel", "req/s", asked(small_file), **AS_NGINX),
        Row("file-head", "5 KB wheel, HEAD", "req/s", asked(small_file, "HEAD"), **AS_NGINX),
        Row("metadata", "`.metadata` of a wheel", "req/s", asked(lambda server: f"{small_file(server)}.metadata"),
            **AS_NGINX),
        Row("file-100k", "100 KB wheel", "req/s", asked(large("1.0")), **AS_NGINX),
        Row("file-1m", "1 MB wheel", "req/s", asked(large("2.0")), **AS_NGINX),
        Row("stream", huge, "MB/s", streamed(large("3.0")), **AS_NGINX),
        Row("stream-cpu", "CPU seconds for it", "s", stream_cpu, False, "≤ 1.5 × nginx",
            (Bound("nginx", "<=", 1.5),), needs="stream"),
    ]


def streamed(path):
    def take(server, context):
        where = path(server)
        context.load.stream(server, where, server.headers())  # the file comes into memory
        settle(server.pids())
        taken = []
        with Meter(server.pids()) as meter:
            for _ in range(3):
                got = context.load.stream(server, where, server.headers())
                taken.append(got["bytes"] / got["seconds"] / 1e6)
        return {"value": statistics.median(taken), "requests": 3, **meter.about(), "tool_cores": 0}

    return running(take)


def stream_cpu(server, context):
    sample = server.samples.get("stream")
    if not sample:
        raise Refused("there is no figure to make it of")
    return {"value": sample["server_cpu_seconds"] / sample["requests"], "foreign_cores": sample["foreign_cores"]}


# Uploads.


def uploads(sizes):
    return [
        Row("upload", "upload of 5 KB, one by one", "files/s", uploaded(1), goal="≥ 500", bounds=(Bound(None, ">=", 500),)),
        Row("upload-8", "upload of 5 KB, 8 at once", "files/s", uploaded(8), goal="≥ 1,000",
            bounds=(Bound(None, ">=", 1000),)),
        Row("upload-large", f"upload of {sizes.medium.large_megabytes} MB", "MB/s",
            large_upload(sizes.medium.large_megabytes), goal="≥ 450", bounds=(Bound(None, ">=", 450),)),
        Row("upload-large-memory", "peak memory meanwhile", "MB", large_upload_memory, False, needs="upload-large",
            **at_most(40, "MB")),
        Row("visible", "upload visible after its answer, worst of 20", "ms", taking_uploads(visible), False, "0: in the next request",
            (Bound(None, "<=", 0),)),
    ]


def taking_uploads(take):
    def of_uploader(server, context):
        if not server.upload_path:
            raise Refused("takes no uploads")
        server.is_used_up = True
        return take(server, context)

    return running(of_uploader)


def uploaded(connections):
    def take(server, context):
        # Four versions each, as the jobs of many projects would send.
        wanted = context.sizes.uploads // (1 if connections > 1 else 2)
        names = [context.new_name() for _ in range(wanted // 4)]
        wheels = [(name, f"1.{version}") for name in names for version in range(4)]
        requests = [upload_request(server, *wheel, *corpora.small_wheel(*wheel)) for wheel in wheels]
        file = write_requests(context.scratch / "uploads", requests)
        settle(server.pids())
        with Meter(server.pids()) as meter:
            got = context.load.once(server, file, connections, context.sizes.upload_seconds)
        file.unlink()
        return {**got, **meter.about(), "tool_cores": 0, "value": got["requests"] / got["seconds"]}

    return taking_uploads(take)


def large_upload(megabytes):
    def take(server, context):
        name = context.new_name()
        content = corpora.sized_wheel(name, "1.0", megabytes * 1_000_000)
        file = write_requests(context.scratch / "upload", [upload_request(server, name, "1.0", *content)])
        size_bytes = len(content[1])
        del content
        settle(server.pids())
        forget_peak(server.pids())
        with Meter(server.pids()) as meter:
            got = context.load.once(server, file, 1, 300)
        file.unlink()
        return {**got, **meter.about(), "tool_cores": 0, "peak_bytes": peak_bytes(server.pids()),
                "value": size_bytes / (got["p50_us"] / 1e6) / 1e6}

    return taking_uploads(take)


def large_upload_memory(server, context):
    sample = server.samples.get("upload-large")
    if not sample:
        raise Refused("there is no figure to make it of")
    return {"value": sample["peak_bytes"] / 1e6}


def visible(server, context):
    def act(name):
        wheel = (name, "1.0")
        request = upload_request(server, *wheel, *corpora.small_wheel(*wheel))
        context.load.once(server, write_requests(context.scratch / "upload", [request]), 1, 60)

    return {"value": max(shown_after(server, context.new_name(), act) for _ in range(20)), "foreign_cores": None}


def shown_after(server, name, act):
    """Milliseconds from the end of `act` to the beginning of the first request whose answer shows the project; 0 when
    that is the next one."""
    act(name)
    begin = time.perf_counter()
    since = 0.0
    while since < 10_000:
        if file_paths(server.port, server.page(name), server.headers()):
            return since
        since = (time.perf_counter() - begin) * 1e3
    raise Refused("not in 10 s")


def dropped(shape):
    def take(server, context):
        if not server.takes_dropped_files:
            raise Refused("does not look at its folder")

        def act(name):
            file, content = corpora.small_wheel(name, "1.0")
            path = context.scratch / file
            path.write_bytes(content)
            server.drop(path)
            path.unlink()
            server.is_used_up = True

        return {"value": max(shown_after(server, context.new_name(), act) for _ in range(5))}

    return Row("dropped", f"file copied in appears, {count(shape)} files, worst of 5", "ms", running(take), False,
               "0: in the next request", (Bound(None, "<=", 0),))


# Real clients.


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
                words = command(context.tools, index, folder, shutil.which("python3"))
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
