"""The run: servers take turns, figure by figure, repetition by repetition."""

import http.client
import subprocess
import sys
import time

from . import corpus as corpora
from .load import Refused
from .rows import Context

# Cores that others kept busy, or that the load tool used, from where on a figure gets a mark.
DISTURBED_CORES = 0.3
SATURATED_CORES = 0.9


class Run:
    def __init__(self, programs, stages, words, scratch, password_line):
        self.programs = programs  # of each server that is measured, by its name
        self.stages = stages
        self.scratch = scratch
        self.store = words.store
        self.repetitions = words.repetitions
        self.retakes = words.retakes
        self.password_line = password_line
        self.linked = words.linked
        self.servers = {}
        self.samples = []

    def measure(self, tools, load, sizes):
        for repetition in range(self.repetitions):
            context = Context(tools, load, sizes, self.scratch, repetition)
            for stage in self.stages:
                self.measure_stage(stage, context)

    def measure_stage(self, stage, context):
        # Whoever is first in one repetition is last in the next.
        names = [name for name in self.programs if name in stage.kinds]
        turn = context.repetition % len(names)
        try:
            for row in stage.rows:
                for name in names[turn:] + names[:turn]:
                    server = self.server(stage, name, row.with_password)
                    self.keep(row, server, context.repetition, self.sample(row, server, context))
        finally:
            for server in self.servers.values():
                server.stop()

    def server(self, stage, name, with_password):
        """The server over this stage's corpus, kept from one repetition to the next."""
        key = (stage.name, name, with_password)
        if key not in self.servers:
            corpus = corpora.made(stage.shape, self.store)
            folder = self.scratch / "-".join((stage.name, name, *(["password"] if with_password else [])))
            linked = self.linked or name != "pkgctl"
            self.servers[key] = stage.kinds[name](
                self.programs[name], corpus, folder, with_password, self.password_line, linked)
        return self.servers[key]

    def sample(self, row, server, context):
        """The least disturbed of the samples that are taken; the first that is not disturbed ends it."""
        best = None
        server.samples.pop(row.key, None)
        for _ in range(1 + self.retakes):
            try:
                sample = row.take(server, context)
            except Refused as refused:
                return {"value": None, "note": str(refused)}
            except (OSError, http.client.HTTPException, subprocess.SubprocessError) as error:
                return {"value": None, "note": f"failed: {error!r}"[:400], "failed": True}
            if best is None or (sample.get("foreign_cores") or 0) < (best.get("foreign_cores") or 0):
                best = sample
            if (best.get("foreign_cores") or 0) <= DISTURBED_CORES:
                break
        server.samples[row.key] = best
        return best

    def keep(self, row, server, repetition, sample):
        disturbed = (sample.get("foreign_cores") or 0) > DISTURBED_CORES
        saturated = (sample.get("tool_cores") or 0) > SATURATED_CORES
        sample = {"row": row.key, "server": server.name, "repetition": repetition, "at": round(time.time(), 1),
                  **sample, "disturbed": disturbed, "saturated": saturated}
        self.samples.append(sample)
        value = sample["value"]
        shown = f"{value:12,.3f} {row.unit}" if value is not None else f"- {sample['note']}"
        marks = " !" * disturbed + " *" * saturated
        print(f"{repetition + 1}/{self.repetitions} {row.key:22} {server.name:11} {shown}{marks}", file=sys.stderr,
              flush=True)

    def clean_up(self):
        for server in self.servers.values():
            server.remove()
