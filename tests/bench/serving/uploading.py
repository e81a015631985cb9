"""How fast files come in, and when they are seen."""

import time

from . import corpus as corpora
from .load import Refused, file_paths, upload_request, write_requests
from .processes import Meter, forget_peak, peak_bytes, settle
from .rows import Bound, Row, at_most, running


def uploads(sizes):
    return [
        Row("upload", "upload of 5 KB, one by one", "files/s", uploaded(1), goal="≥ 500",
            bounds=(Bound(None, ">=", 500),)),
        Row("upload-8", "upload of 5 KB, 8 at once", "files/s", uploaded(8), goal="≥ 1,000",
            bounds=(Bound(None, ">=", 1000),)),
        Row("upload-large", f"upload of {sizes.medium.large_megabytes} MB", "MB/s",
            large_upload(sizes.medium.large_megabytes), goal="≥ 450", bounds=(Bound(None, ">=", 450),)),
        Row("upload-large-memory", "peak memory meanwhile", "MB", large_upload_memory, False, needs="upload-large",
            **at_most(40, "MB")),
        Row("visible", "upload visible after its answer, worst of 20", "ms", taking_uploads(visible), False,
            "0: in the next request", (Bound(None, "<=", 0),)),
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

        there = []

        def act(name):
            file, content = corpora.small_wheel(name, "1.0")
            path = context.scratch / file
            path.write_bytes(content)
            there.append(server.drop(path))
            path.unlink()

        try:
            return {"value": max(shown_after(server, context.new_name(), act) for _ in range(5))}
        finally:
            for path in there:
                path.unlink()

    return Row("dropped", f"file copied in appears, {shape.files:,} files, worst of 5", "ms", running(take), False,
               "0: in the next request", (Bound(None, "<=", 0),))
