#!/usr/bin/env python3
"""Fetches real distributions into a folder: `fetch.py FOLDER`. What is there already is not fetched again.

It asks the index that pip is set up to use, through pip's own session and index reader, one request at a time, for the
projects in `projects.txt` and for nothing else. Nothing is built and nothing is run, which `pip download` would do to
sdists.
"""

import pathlib
import sys

from pip._internal.commands.download import DownloadCommand
from pip._internal.index.collector import parse_links
from pip._internal.models.link import Link
from pip._internal.models.target_python import TargetPython

MIB = 1 << 20
MAX_FILE_BYTES = 3 * MIB
MAX_LARGE_BYTES = 64 * MIB
MAX_TOTAL_BYTES = 700 * MIB
SDISTS = (".tar.gz", ".zip", ".tgz")


def first(links, ending):
    return next((link for link in links if link.filename.endswith(ending)), None)


def chosen(links):
    """Old and new files of every kind that a project has; the page lists the oldest first."""
    sdists = [link for link in links if link.filename.endswith(SDISTS)]
    wheels = [link for link in links if link.filename.endswith(".whl")]
    newest_wheels = wheels[::-1]
    picks = [first(sdists, SDISTS), first(sdists[::-1], SDISTS), first(sdists[::-1], ".zip"), first(links, ".egg")]
    if len(sdists) > 4:
        picks += [sdists[len(sdists) // 4], sdists[len(sdists) // 2]]
    picks += [first(wheels, ".whl")]
    for part in ("-any.whl", "manylinux", "musllinux", "macosx", "win_amd64", "win32"):
        picks.append(next((link for link in newest_wheels if part in link.filename), None))
    unique = {link.filename: link for link in picks if link is not None}
    return list(unique.values())


def fetch(session, link, path, limit):
    """Whether the file was small enough and came whole."""
    with session.get(link.url.split("#")[0], stream=True, headers={"Accept-Encoding": "identity"}) as answer:
        if answer.status_code != 200 or int(answer.headers.get("Content-Length", limit + 1)) > limit:
            return False
        part = path.with_name("." + path.name)
        part.write_bytes(answer.content)
        part.rename(path)
    return True


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    command = DownloadCommand("download", "")
    options, _ = command.parse_args(["x"])
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options, session, TargetPython())
        total = sum(path.stat().st_size for path in folder.iterdir())
        for line in (pathlib.Path(__file__).parent / "projects.txt").read_text().splitlines():
            name, _, size = line.partition(" ")
            if not name or name == "#":
                continue
            done = folder / f".{name}.done"
            if done.exists() or total > MAX_TOTAL_BYTES:
                continue
            project = name.lower().replace(".", "-").replace("_", "-")
            page = finder._link_collector.fetch_response(Link(finder.index_urls[0].rstrip("/") + f"/{project}/"))
            if page is None:
                print(f"{name}: no page", file=sys.stderr)
                continue
            large_left = size == "large"
            for link in chosen(list(parse_links(page))):
                path = folder / link.filename
                if path.exists():
                    continue
                came = fetch(session, link, path, MAX_FILE_BYTES)
                if not came and large_left:
                    came = fetch(session, link, path, MAX_LARGE_BYTES)
                    large_left = not came
                if came:
                    total += path.stat().st_size
            done.touch()
            print(f"{name}: {total // MIB} MiB", file=sys.stderr)


if __name__ == "__main__":
    main()
