"""Calls one hook of a build backend in this fresh interpreter.

The one argument is a folder. `call.json` in it says what to call:

    {"hook": "build_wheel", "arguments": ["/out", null, null],
     "backend": "module:object", "backend_paths": ["/project/tools"]}

`result.json` takes the answer, because backends print freely: {"returned": value}, or one of {"no_backend": why},
{"no_hook": name}, {"unsupported": why}, {"failed": why}. Tracebacks go to stderr.
"""

import os
import sys

# This script's own folder must not lend modules to the backend. (With PYTHONSAFEPATH it isn't there.)
_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if not entry or os.path.abspath(entry) != _HERE]

import importlib
import importlib.machinery
import json
import traceback


class OutsideBackendPath(ImportError):
    """The backend's module is in none of the folders that it must come from."""


class BackendPathFinder:
    """Finds the backend's top-level module in its own folders, before any other finder gets to see it."""

    def __init__(self, folders, module):
        self.folders = folders
        self.top_level = module.partition(".")[0]

    def find_spec(self, fullname, path=None, target=None):
        if path is not None:  # A module inside a package: the package knows where.
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, self.folders, target)
        if spec is None and fullname == self.top_level:
            raise OutsideBackendPath(
                "`%s` is in none of the folders of `backend-path`" % fullname
            )
        return spec


def load_backend(reference, folders):
    module, _, attributes = reference.partition(":")
    if folders:
        finder = BackendPathFinder(folders, module)
        sys.path[:0] = folders
        sys.meta_path.insert(0, finder)
        # This runner may have imported a module of that name already.
        for name in list(sys.modules):
            if name.partition(".")[0] == finder.top_level:
                del sys.modules[name]
    backend = importlib.import_module(module)
    for attribute in filter(None, attributes.split(".")):
        backend = getattr(backend, attribute)
    return backend


def own_frames_skipped(error):
    """The traceback from the first frame that is not of this file."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def explain(error):
    """Prints the traceback, and gives the line that says what is wrong."""
    if isinstance(error, SystemExit):
        # What `sys.exit("error: ...")` would have printed at the end of a script.
        if isinstance(error.code, str) and error.code.strip():
            print(error.code, file=sys.stderr)
            lines = error.code.strip().splitlines()
            return next((line for line in lines if line.lower().startswith("error")), lines[-1])
        return "the backend ended the process by sys.exit(%r)" % (error.code,)
    traceback.print_exception(type(error), error, own_frames_skipped(error))
    if isinstance(error, OutsideBackendPath):
        return str(error)
    return traceback.format_exception_only(type(error), error)[-1].strip().splitlines()[0]


def call(request):
    try:
        backend = load_backend(request["backend"], request["backend_paths"])
    except BaseException as error:
        return {"no_backend": explain(error)}
    hook = getattr(backend, request["hook"], None)
    if hook is None:
        return {"no_hook": request["hook"]}
    unsupported = getattr(backend, "UnsupportedOperation", ())
    try:
        return {"returned": hook(*request["arguments"])}
    except BaseException as error:
        kind = "failed"
        if isinstance(unsupported, type) and isinstance(error, unsupported):
            kind = "unsupported"
        return {kind: explain(error)}


def write_by_lines():
    """Both streams are one pipe; what waits in a buffer would come out behind what was written after it."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)


def main(folder):
    write_by_lines()
    with open(os.path.join(folder, "call.json"), encoding="utf-8") as file:
        request = json.load(file)
    result = call(request)
    try:
        text = json.dumps(result)
    except (TypeError, ValueError):
        text = json.dumps({"failed": "the backend returned %r" % (result["returned"],)})
    with open(os.path.join(folder, "result.json"), "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main(sys.argv[1])
