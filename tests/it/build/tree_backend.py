"""A build backend in the project's own tree. It needs nothing installed, and misbehaves when it is told to.

The config setting named like a hook says what that hook does: see `act`. `TREE_LOG` in the environment names a file
that takes one line of JSON for each hook.
"""

import atexit
import base64
import gzip
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
import zipfile

NAME, VERSION = "tree_lib", "1.0"
# What an earlier hook leaves here must not be seen by a later one.
CALLED = []
METADATA = "Metadata-Version: 2.2\nName: tree-lib\nVersion: %s\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: tree_backend\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


class UnsupportedOperation(Exception):
    pass


def get_requires_for_build_sdist(config_settings=None):
    return requirements("get_requires_for_build_sdist", config_settings)


def get_requires_for_build_wheel(config_settings=None):
    return requirements("get_requires_for_build_wheel", config_settings)


def build_sdist(sdist_directory, config_settings=None):
    answer = act("build_sdist", config_settings)
    if answer is not None:
        return answer
    stem = "%s-%s" % (NAME, VERSION)
    path = os.path.join(sdist_directory, stem + ".tar.gz")
    with gzip.GzipFile(path, "wb", mtime=0) as packed, tarfile.open(
        fileobj=packed, mode="w", format=tarfile.PAX_FORMAT
    ) as archive:
        add(archive, stem + "/PKG-INFO", (METADATA % VERSION).encode())
        for folder, _, names in sorted(os.walk(".")):
            for name in sorted(names):
                path = os.path.normpath(os.path.join(folder, name))
                if path.endswith((".py", ".toml")):
                    with open(path, "rb") as file:
                        add(archive, stem + "/" + path, file.read())
    return stem + ".tar.gz"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    answer = act("build_wheel", config_settings)
    if answer is not None:
        return answer
    if (config_settings or {}).get("build_wheel") == "junk":
        filename = "%s-%s-py3-none-any.whl" % (NAME, VERSION)
        with open(os.path.join(wheel_directory, filename), "w") as file:
            file.write("not an archive")
        return filename
    large = (config_settings or {}).get("build_wheel") == "large"
    version = "2.0" if (config_settings or {}).get("build_wheel") == "other-version" else VERSION
    stem = "%s-%s" % (NAME, version)
    members = {
        "tree_lib.py": b"ANSWER = 42\n",
        stem + ".dist-info/METADATA": (METADATA % version).encode(),
        stem + ".dist-info/WHEEL": WHEEL.encode(),
    }
    if large:
        members["tree_lib_data.bin"] = os.urandom(200000)
    record = ""
    for name, content in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += "%s,sha256=%s,%d\n" % (name, digest, len(content))
    members[stem + ".dist-info/RECORD"] = (record + stem + ".dist-info/RECORD,,\n").encode()
    filename = stem + "-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, filename), "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return filename


def add(archive, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def requirements(hook, settings):
    answer = act(hook, settings)
    if answer is None:
        return []
    return json.loads(answer)


def act(hook, settings):
    CALLED.append(hook)
    os.environ["LEFT_BY_" + hook] = "1"
    atexit.register(print, "goodbye from", hook)
    log(hook, settings)
    print("this is", hook)
    action, _, rest = (settings or {}).get(hook, "").partition(":")
    if action == "raise":
        raise ValueError("no luck in " + hook)
    if action == "exit":
        sys.exit("error: stopped in " + hook)
    if action == "die":
        os._exit(3)
    if action == "unsupported":
        raise UnsupportedOperation("not from here")
    if action == "bytes":
        sys.stdout.buffer.write(b"caf\xe9 \xff\xfe\n")
        sys.stdout.flush()
        raise ValueError("caf\xe9")
    if action == "litter":
        with open(os.path.join(sys.prefix, rest), "w") as file:
            file.write("left by " + hook)
    if action == "meet":
        meet(rest, hook)
    if action == "import":
        __import__(rest)
    if action == "wait":
        # Both this process and its child would wait for much longer than any test.
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print("waiting in %d with %d" % (os.getpid(), child.pid), flush=True)
        child.wait()
    if action == "stubborn":
        # Neither this process nor its child takes notice of a polite request.
        code = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        child.stdout.readline()
        print("waiting in %d with %d" % (os.getpid(), child.pid), flush=True)
        time.sleep(600)
    if action == "sleep":
        time.sleep(float(rest))
    if action == "print":
        print(os.path.expandvars(rest))
        raise ValueError("printed")
    if action == "answer":
        return rest
    return None


def meet(folder, hook):
    """Waits until the same hook of another project has come to the folder too."""
    with open(os.path.join(folder, hook + "-" + NAME), "w"):
        pass
    deadline = time.monotonic() + 120
    while len([name for name in os.listdir(folder) if name.startswith(hook + "-")]) < 2:
        if time.monotonic() > deadline:
            raise ValueError("nobody came")
        time.sleep(0.02)


def log(hook, settings):
    path = os.environ.get("TREE_LOG")
    if not path:
        return
    try:
        import tiny_dependency

        tiny = tiny_dependency.ANSWER
    except ImportError:
        tiny = None
    line = {
        "hook": hook,
        "pid": os.getpid(),
        "parent": os.getppid(),
        "called": CALLED,
        "cwd": os.getcwd(),
        "settings": settings,
        "import_path": sys.path,
        "variables": dict(os.environ),
        "prefix": sys.prefix,
        "stdin": sys.stdin.read() if sys.stdin else None,
        "tiny": tiny,
    }
    with open(path, "a") as file:
        file.write(json.dumps(line) + "\n")
