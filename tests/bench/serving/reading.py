"""Pages and files under load."""

import gzip
import statistics

from .load import JSON, Refused, ask, file_paths
from .processes import Meter, settle
from .rows import AS_NGINX, Bound, Row, at_most, running


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


def pages(shape):
    long, entries = f"{shape.page_files:,}-file page", shape.page_files
    return [
        page("small-page", f"small project page, {shape.files:,} files", goal="≥ 1.1 × nginx, ≥ 1.5 × pypiron",
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
