"""How long it takes until a server answers, and how much memory it has then."""

import statistics
import subprocess
import time

from .load import Refused
from .processes import Meter, memory_bytes, settle
from .rows import Row, at_most, running


def starting(stage, shape, ready_seconds, megabytes, first_seconds=None):
    files = f"{shape.files:,}"
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


def first_start(server, context):
    if not server.learns_from_the_folder:
        raise Refused("no first start: it starts as always, or has to import")
    server.stop()
    server.prepare()
    server.forget()
    return started(server)


def started(server):
    with Meter() as meter:
        seconds = server.start()
        # They are new, so that all that they used belongs to the start.
        meter.pids = server.pids()
    return {"value": seconds, **meter.about()}


def warm_start(server, context):
    if not server.is_running():
        server.start()
    taken = []
    for _ in range(context.sizes.starts):
        # What it does behind its first answer, such as to read the files, belongs to the start before.
        settle(server.pids())
        server.stop()
        taken.append(started(server))
    return sorted(taken, key=lambda start: start["value"])[len(taken) // 2]


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
