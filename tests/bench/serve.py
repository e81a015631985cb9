#!/usr/bin/env python3
"""How fast pkgctl serves, beside nginx with pages made beforehand, pypiron and pypiserver.

    python3 tests/bench/serve.py                 everything, three times: about half an hour
    python3 tests/bench/serve.py --quick         small folders, once: under two minutes, and good for nothing but a look
    python3 tests/bench/serve.py --only small-page,file --servers pkgctl,nginx --repetitions 5

It makes folders of valid wheels and sdists, always the same ones (500 and 22,000 files, 200,000 with --large), gives
each server one of its own, starts them on free ports of 127.0.0.1 and asks them in turns: figure by figure, so that a
machine that is slower for a while is so for all. Whoever is first in one repetition is last in the next.

How to read the table. A figure of pkgctl's own depends on the machine: look at the ratios. Each is pkgctl's figure
divided by the peer's of the same repetition; the table has their median, least and most. More than 1 is better for
rates, less than 1 for time, memory and CPU seconds. Server and load tool share the same cores: a `*` marks figures for
which the tool had none left, where the CPU seconds say more. A `!` marks those that other programs disturbed, although
each was taken again once; make the machine quiet and run it again. Bodies differ between servers, and a figure that one
doesn't offer (JSON, gzip, `.metadata`) is `no`, never a number for something else. nginx has no index to keep: it stands
for what the machine can do.

The load is wrk's where it is installed, otherwise (and for HEAD, uploads and streams) that of a small generator of this
project, which is compiled with rustc: figures are to be compared within one run only. `--json FILE` keeps every sample,
`--report FILE` shows them again, and `--into README.md` writes the table into the README.

Python 3.9 or later on Linux, without packages. pkgctl is built for release unless `--pkgctl PATH` names a binary. nginx
is looked for on the path; pypiserver 2.4.2, pypiron 0.0.29, uv and pip are set up once below `target/bench/`. What can't
be had is left out, and named. Nothing is left behind but `target/bench/`, also after Ctrl-C.
"""

import argparse
import dataclasses
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# The folder of the sources stays clean.
sys.dont_write_bytecode = True

from serving import corpus, report, stages, tools  # noqa: E402
from serving.load import LoadTool  # noqa: E402
from serving.run import Run  # noqa: E402
from serving.servers import KINDS, PASSWORD, USER  # noqa: E402

STORE = tools.PROJECT / "target/bench/serve"


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="The head of the script tells the rest.")
    parser.add_argument("--pkgctl", metavar="PATH", help="the binary; built for release when not given")
    parser.add_argument("--nginx", metavar="PATH", help="looked for on the path when not given")
    parser.add_argument("--pypiron", metavar="PATH", help="set up by pip when not given")
    parser.add_argument("--servers", type=names, default=list(KINDS), metavar="NAMES",
                        help=f"which take part, separated by commas: {','.join(KINDS)}; pkgctl always does")
    parser.add_argument("--only", type=names, metavar="ROWS", help="figures, separated by commas; --list shows them")
    parser.add_argument("--list", action="store_true", help="show the figures and their names, and end")
    parser.add_argument("--repetitions", type=positive, metavar="N", help="3 when not given")
    parser.add_argument("--seconds", type=float, metavar="S", help="of load for each sample, 3 when not given")
    parser.add_argument("--large", action="store_true", help="with a folder of 200,000 files too")
    parser.add_argument("--public-index-size", action="store_true",
                        help="with a catalog of 800,000 projects and 5 million files that are nowhere; pkgctl alone")
    parser.add_argument("--quick", action="store_true", help="small folders, one repetition, 0.3 seconds of load")
    parser.add_argument("--retakes", type=int, metavar="N", help="of samples that others disturbed; 1 when not given")
    parser.add_argument("--load", choices=["wrk", "own"], help="the load tool; wrk where it is installed")
    parser.add_argument("--linked", action="store_true", help="give pkgctl hard links too instead of copies")
    parser.add_argument("--no-install", action="store_true", help="leave out what isn't there, set up nothing")
    parser.add_argument("--store", type=Path, default=STORE, metavar="FOLDER",
                        help="where packages, peers and scratch files lie; target/bench/serve when not given")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample to this file")
    parser.add_argument("--into", type=Path, metavar="FILE",
                        help="write the table into this Markdown file too, between the marks that the README has")
    parser.add_argument("--report", type=Path, metavar="FILE", help="measure nothing, show what --json wrote")
    words = parser.parse_args()
    words.repetitions = words.repetitions or (1 if words.quick else 3)
    words.seconds = words.seconds or (0.3 if words.quick else 3)
    words.retakes = words.retakes if words.retakes is not None else int(not words.quick)
    words.store = words.store.resolve()
    unknown = [name for name in words.servers if name not in KINDS]
    if unknown:
        sys.exit(f"error: there is no server `{unknown[0]}`\nhint: these can take part: {', '.join(KINDS)}")
    words.servers = ["pkgctl", *(name for name in KINDS if name in words.servers and name != "pkgctl")]
    return words


def names(text):
    return [name for name in text.split(",") if name]


def positive(text):
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def chosen_stages(words, sizes):
    asked_for = {"": True, "--large": words.large, "--public-index-size": words.public_index_size}
    chosen = [stage for stage in stages.of(sizes) if asked_for[stage.marker]]
    known = {row.key: row for stage in chosen for row in stage.rows}
    if words.only is not None:
        unknown = [key for key in words.only if key not in known]
        if unknown:
            hint = "--list shows their names, and those that take another option"
            sys.exit(f"error: there is no figure `{unknown[0]}`\nhint: {hint}")
        wanted = set(words.only) | {known[key].needs for key in words.only}
        chosen = [dataclasses.replace(stage, rows=[row for row in stage.rows if row.key in wanted]) for stage in chosen]
    return [stage for stage in chosen if stage.rows]


def programs(words, found):
    """The program of each server, and why those that are left out are."""
    have, left_out = {}, {}
    for name in words.servers:
        try:
            have[name] = getattr(found, name)()
        except tools.Missing as missing:
            left_out[name] = str(missing)
            print(f"left out: {name}: {missing}", file=sys.stderr)
    return have, left_out


def load_tool(words, found, scratch):
    wrk = shutil.which("wrk") if words.load != "own" else None
    if words.load == "wrk" and not wrk:
        sys.exit("error: wrk is not installed\nhint: install it, or leave out --load")
    # wrk counts whole seconds.
    if words.seconds < 1:
        wrk = None
    return LoadTool(wrk, found.load_generator(), scratch, words.seconds)


def check_room(words, chosen):
    """Ends with a remedy, before anything is made, where the disk has too little room."""
    shapes = {stage.shape for stage in chosen}
    missing = [shape for shape in shapes if not (words.store / shape.folder_name()).exists()]
    # The packages, two copies of them, and what the others keep beside each file.
    needed = sum(shape.bytes_on_disk() for shape in missing)
    needed += 6_000_000_000 if words.public_index_size and not words.quick else 0
    needed += sum(2 * shape.bytes_on_disk() + 12_000 * shape.projects * shape.files_each for shape in shapes)
    words.store.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(words.store).free
    if free < needed:
        sys.exit(f"error: {words.store} has {free / 1e9:.1f} GB of room, and about {needed / 1e9:.1f} GB are needed\n"
                 "hint: name a folder on another disk with --store, or use --quick")


def password_line(pkgctl):
    """A line with a bcrypt hash, of a cost that many have: a check takes about 60 ms."""
    command = [pkgctl, "adduser", "--print", "--bcrypt", "--cost", "10", "--password-stdin", USER]
    made = subprocess.run([str(word) for word in command], input=f"{PASSWORD}\n", capture_output=True, text=True)
    if made.returncode:
        sys.exit(f"error: `{pkgctl} adduser` failed\n{made.stderr}hint: give --pkgctl the path of a pkgctl that works")
    return made.stdout


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
    return {"processor": model, "cores": os.cpu_count(), "kernel": platform.release(),
            "python": platform.python_version(), "load_average": os.getloadavg()}


def measure(words, scratch):
    """Everything, and the document of it."""
    sizes = stages.Sizes.quick() if words.quick else stages.Sizes()
    chosen = chosen_stages(words, sizes)
    check_room(words, chosen)
    found = tools.Tools(words, words.store)
    have, left_out = programs(words, found)
    load = load_tool(words, found, scratch)
    for shape in {stage.shape for stage in chosen}:
        if not (words.store / shape.folder_name()).exists():
            print(f"making a folder of {shape.files:,} files", file=sys.stderr)
        corpus.made(shape, words.store)
    run = Run(have, chosen, words, scratch, password_line(have["pkgctl"]))
    versions = {name: tools.version(KINDS[name](program, None, scratch).version_command())
                for name, program in have.items()}
    begin = time.time()
    try:
        run.measure(found, load, sizes)
    finally:
        uninterrupted(run.clean_up)
    entries = report.judged([row for stage in chosen for row in stage.rows], run.samples, list(have)[1:])
    return {"command": sys.argv, "begin": begin, "seconds": time.time() - begin, "machine": machine(),
            "load_tool": load.told(), "load_seconds": words.seconds, "repetitions": words.repetitions,
            "versions": versions, "left_out": left_out, "rows": entries, "samples": run.samples}


def uninterrupted(clean_up):
    """Does it whatever signals come: a second Ctrl-C would leave processes behind."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        clean_up()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main():
    words = arguments()
    if not sys.platform.startswith("linux"):
        sys.exit("error: what processes use is read from /proc\nhint: run it on Linux")
    if words.list:
        sizes = stages.Sizes.quick() if words.quick else stages.Sizes()
        for stage in stages.of(sizes):
            for row in stage.rows:
                print(f"{row.key:22} {row.title}" + (f" (needs {stage.marker})" if stage.marker else ""))
        return
    if words.report:
        show(words, json.loads(words.report.read_text()))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Shells have programs in the background ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    words.store.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="run-", dir=words.store))
    try:
        document = measure(words, scratch)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        uninterrupted(lambda: shutil.rmtree(scratch, ignore_errors=True))
    if words.json:
        words.json.write_text(json.dumps(document, indent=1) + "\n")
    show(words, document)


def show(words, document):
    sys.stdout.write(report.text(document))
    if words.into:
        try:
            report.put_into(words.into, document)
        except (OSError, ValueError) as error:
            sys.exit(f"error: the table was not written: {error}\nhint: --into takes a Markdown file with these marks")


if __name__ == "__main__":
    main()
