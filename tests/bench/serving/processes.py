"""What processes cost, read from /proc: CPU time, memory, and what everybody else on the machine used meanwhile."""

import os
import resource
import time

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def family(pid):
    """The process and its descendants that are alive."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = stat_fields(name)
            if fields:
                children.setdefault(int(fields[1]), []).append(int(name))
    found, waiting = [], [pid]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def stat_fields(pid):
    """The fields of a process behind its name, which may hold anything; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def cpu_seconds(pids):
    """Used so far, that of children that ended included."""
    fields = (stat_fields(pid) for pid in pids)
    return sum(sum(map(int, some[11:15])) for some in fields if some) / TICKS


def memory_bytes(pids):
    """Resident memory. What processes share counts for each."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm") as file:
                total += int(file.read().split()[1]) * PAGE_BYTES
        except OSError:
            pass
    return total


def forget_peak(pids):
    for pid in pids:
        try:
            with open(f"/proc/{pid}/clear_refs", "w") as file:
                file.write("5")
        except OSError:
            pass


def peak_bytes(pids):
    """The most resident memory since `forget_peak`, as the kernel saw it."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/status") as file:
                total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))
        except OSError:
            pass
    return total


def machine_seconds():
    """CPU seconds that the whole machine was busy so far."""
    with open("/proc/stat") as file:
        numbers = list(map(int, file.readline().split()[1:9]))
    return (sum(numbers) - numbers[3] - numbers[4]) / TICKS


def own_seconds():
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(some.ru_utime + some.ru_stime for some in used)


class Meter:
    """Around a piece of work: its wall time, the server's CPU seconds, and the cores that the load tool and all other
    processes of the machine kept busy meanwhile."""

    def __init__(self, pids=()):
        self.pids = pids

    def __enter__(self):
        self.begin = self.now()
        return self

    def __exit__(self, *_):
        wall, server, tool, machine = (after - before for before, after in zip(self.begin, self.now()))
        self.wall = wall
        self.server_seconds = server
        self.tool_cores = tool / wall
        self.foreign_cores = max(0.0, machine - server - tool) / wall

    def now(self):
        return time.perf_counter(), cpu_seconds(self.pids), own_seconds(), machine_seconds()

    def about(self):
        return {"server_cpu_seconds": round(self.server_seconds, 3), "tool_cores": round(self.tool_cores, 3),
                "foreign_cores": round(self.foreign_cores, 3)}


def settle(pids, limit_seconds=120):
    """Waits until the processes have worked off what was asked of them, or have gone on for too long."""
    end = time.monotonic() + limit_seconds
    last = cpu_seconds(pids)
    while time.monotonic() < end:
        time.sleep(0.15)
        now = cpu_seconds(pids)
        if now - last <= 1.5 / TICKS:
            return
        last = now
