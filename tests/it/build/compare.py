"""Says in what the archives of two folders differ, as a line of JSON for each name:

    {"name": "a-1.tar.gz", "members": 3, "same_bytes": false, "differences": []}

Members are compared in their order, with all that is known of them but times: those of an sdist's members are mostly
those of files that the backend has just written. `same_bytes` is the whole file's answer, times included.
"""

import hashlib
import json
import os
import sys
import tarfile
import zipfile


def described(path):
    """Name and properties of each member, in order."""
    members = []
    if path.endswith(".whl"):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                content = archive.read(info)
                properties = {
                    "time": info.date_time,
                    "mode": oct(info.external_attr >> 16),
                    "compression": info.compress_type,
                    "compressed": info.compress_size,
                    "bytes": info.file_size,
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "text": content[:4000].decode("latin-1"),
                }
                members.append((info.filename, properties))
        return members
    with tarfile.open(path) as archive:
        for info in archive:
            content = archive.extractfile(info).read() if info.isfile() else b""
            properties = {
                "type": info.type.decode("ascii"),
                "mode": oct(info.mode),
                "owner": [info.uid, info.gid, info.uname, info.gname],
                "target": info.linkname,
                "bytes": info.size,
                "sha256": hashlib.sha256(content).hexdigest(),
                "extended": sorted(set(info.pax_headers) - {"mtime", "atime", "ctime"}),
                "text": content[:4000].decode("latin-1"),
            }
            members.append((info.name, properties))
    return members


def differences(ours, theirs):
    names = [[name for name, _ in side] for side in (ours, theirs)]
    if sorted(names[0]) != sorted(names[1]):
        yield "only ours: %s" % sorted(set(names[0]) - set(names[1]))
        yield "only theirs: %s" % sorted(set(names[1]) - set(names[0]))
        return
    if names[0] != names[1]:
        yield "another order of members"
    others = dict(theirs)
    for name, properties in ours:
        for key, value in properties.items():
            if value != others[name][key]:
                yield "%s: %s: ours %r, theirs %r" % (name, key, value, others[name][key])


def main(ours, theirs):
    names = sorted({name for folder in (ours, theirs) for name in os.listdir(folder) if not name.startswith(".")})
    for name in names:
        paths = [os.path.join(folder, name) for folder in (ours, theirs)]
        missing = ["only theirs" if path is paths[0] else "only ours" for path in paths if not os.path.exists(path)]
        if missing:
            answer = {"name": name, "members": 0, "same_bytes": False, "differences": missing}
        else:
            contents = [open(path, "rb").read() for path in paths]
            sides = [described(path) for path in paths]
            answer = {
                "name": name,
                "members": len(sides[0]),
                "same_bytes": contents[0] == contents[1],
                "differences": list(differences(*sides)),
            }
        print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
