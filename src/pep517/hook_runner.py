"""Calls the hooks of one build backend, each in a process that no other hook has touched.

The one argument is a folder. `backend.json` in it says which backend:

    {"backend": "module:object", "backend_paths": ["/project/tools"], "fence": "...", "compiles": true}

With `compiles` Python keeps what it compiles while the backend is imported, even where the user does not want that: the
environment is nobody's but the builder's, and the next build starts with it.

The backend is imported once. Then each line on stdin names a folder whose `call.json` says what to call there:

    {"hook": "build_wheel", "arguments": ["/out", null, null], "project": [47, 112, ...]}

(`project` is the hook's working folder, byte by byte.)

The hook runs in a child that is forked for it, so that it finds the imported modules, and nothing that another hook
has left in them. `result.json` in the same folder takes the answer, because backends print freely: {"returned": value},
or one of {"no_backend": why}, {"no_hook": name}, {"unsupported": why}, {"failed": why}. Tracebacks go to stderr. When
the child has ended, a line with the fence and its exit status goes to stdout, behind all that the hook has printed:
`FENCE exited 0`, `FENCE killed 9`.

Where a fork is of no use (a system without it, a backend with threads), this process takes one call and ends: the
line is `FENCE last` then.
"""

import os
import sys

# This script's own folder must not lend modules to the backend. (With PYTHONSAFEPATH it isn't there.)
_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if not entry or os.path.abspath(entry) != _HERE]

import gc
import importlib
import importlib.machinery
import json
import signal
import traceback

# What the hooks of well-known backends import when they are called: each of them would do it again. These modules only
# define things, whoever imports them; what a project asks for, such as a plug-in, is none of them.
IMPORTED_BY_HOOKS = {
    "hatchling.build": {
        "": ["email.headerregistry", "glob", "hatchling.bridge.app", "hatchling.metadata.core", "hatchling.utils.context",
             "packaging.requirements", "tomllib", "trove_classifiers"],
        "sdist": ["hatchling.builders.sdist"],
        "wheel": ["hatchling.builders.wheel"],
    },
    "pdm.backend": {"": [], "sdist": ["pdm.backend.sdist"], "wheel": ["pdm.backend.wheel"]},
    "poetry.core.masonry.api": {
        "": ["poetry.core.factory", "poetry.core.json", "poetry.core.masonry.metadata", "poetry.core.masonry.utils.module",
             "poetry.core.packages.directory_dependency", "poetry.core.packages.file_dependency",
             "poetry.core.packages.project_package", "poetry.core.packages.url_dependency",
             "poetry.core.packages.vcs_dependency", "poetry.core.poetry", "poetry.core.pyproject.toml",
             "poetry.core.spdx.helpers", "poetry.core.vcs", "poetry.core.version.helpers",
             "poetry.core.version.pep440.parser"],
        "sdist": ["poetry.core.masonry.builders.sdist"],
        "wheel": ["poetry.core.masonry.builders.wheel"],
    },
    "setuptools.build_meta": {
        "": ["setuptools.command.%s" % name for name in (
            "setopt", "alias", "bdist_egg", "bdist_rpm", "build", "sdist", "egg_info", "bdist_wheel", "build_clib",
            "build_ext", "build_py", "develop", "dist_info", "easy_install", "install", "install_scripts", "editable_wheel",
            "install_egg_info", "install_lib", "rotate", "saveopts")] + [
            "setuptools.config._validate_pyproject", "tomllib"],
        "sdist": ["distutils.command.check", "setuptools.archive_util", "tarfile"],
        "wheel": ["distutils.command.bdist", "zipfile"],
    },
}


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


class ProjectWatch:
    """Notices when the import of a backend reads the project: then it is of use for that project's folder alone."""

    def __init__(self, project):
        self.project = os.path.realpath(project)
        self.elsewhere = tuple({sys.prefix + os.sep, sys.base_prefix + os.sep})
        self.is_on = False
        self.has_read = False
        sys.addaudithook(self.see)

    def remark(self):
        return " bound" if self.has_read else ""

    def see(self, event, arguments):
        if self.is_on and event in ("open", "os.listdir", "os.scandir", "os.chdir"):
            self.look_at(arguments[0] if arguments else None)

    def look_at(self, path):
        if path is None:
            self.has_read = True
        elif isinstance(path, str) and path.startswith(self.elsewhere):
            pass  # Nearly all: what the environment holds.
        elif isinstance(path, (str, bytes)):
            path = os.path.realpath(os.fsdecode(path))
            self.has_read |= path == self.project or path.startswith(self.project + os.sep)


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


def call(backend, request):
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


def write_result(folder, result):
    try:
        text = json.dumps(result)
    except (TypeError, ValueError):
        text = json.dumps({"failed": "the backend returned %r" % (result["returned"],)})
    with open(os.path.join(folder, "result.json"), "w", encoding="utf-8") as file:
        file.write(text)


def answer(backend, folder):
    """Calls what `folder` asks for, and ends this process as an interpreter ends, but for what costs time alone."""
    with open(os.path.join(folder, "call.json"), encoding="utf-8") as file:
        request = json.load(file)
    os.chdir(bytes(request["project"]))
    write_result(folder, call(backend, request))
    status = 0
    try:
        # Threads first, then what was registered for the end: the order in which the interpreter does it.
        threading = sys.modules.get("threading")
        if threading is not None:
            threading._shutdown()
        import atexit

        atexit._run_exitfuncs()
    except BaseException as error:
        explain(error)
        status = 1
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    os._exit(status)


def can_fork():
    """Whether a child would find everything as it is here: threads do not come along."""
    if not hasattr(os, "fork") or sys.platform == "darwin":
        return False  # Libraries of macOS break in the children of processes that have used them.
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        threading = sys.modules.get("threading")
        return threading is None or threading.active_count() == 1


class Stop:
    """Ctrl-C goes to the whole group. The hook is what has to stop; this process ends after it."""

    def __init__(self):
        self.is_wanted = False
        self.before = signal.signal(signal.SIGINT, self.want)

    def want(self, number, frame):
        self.is_wanted = True

    def undo(self):
        signal.signal(signal.SIGINT, self.before)


def tell(fence, words):
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(1, ("%s %s\n" % (fence, words)).encode("ascii"))


def ended(status):
    if os.WIFSIGNALED(status):
        return "killed %d" % os.WTERMSIG(status)
    return "exited %d" % os.WEXITSTATUS(status)


def import_ahead(module, folder):
    """Imports what the hook that `folder` asks for is going to import from its backend."""
    groups = IMPORTED_BY_HOOKS.get(module)
    if groups is None:
        return
    with open(os.path.join(folder, "call.json"), encoding="utf-8") as file:
        hook = json.load(file)["hook"]
    for name in groups[""] + groups["sdist" if hook.endswith("sdist") else "wheel"]:
        try:
            importlib.import_module(name)
        except Exception:
            pass  # Other versions have other modules; the hook itself shows what is wrong with one that breaks.


class Quick:
    """Imports in here are quick now and the next time: nothing becomes garbage, and what is compiled is kept."""

    def __init__(self, watch, compiles):
        self.watch, self.compiles = watch, compiles

    def __enter__(self):
        gc.disable()
        self.watch.is_on = True
        self.before = sys.dont_write_bytecode
        sys.dont_write_bytecode = self.before and not self.compiles

    def __exit__(self, *_):
        sys.dont_write_bytecode = self.before
        self.watch.is_on = False
        if hasattr(gc, "freeze"):
            gc.freeze()  # Children would copy all memory that the collector looks at.
        gc.enable()


def take_calls(backend, problem, module, quick, fence, calls):
    stop = Stop() if can_fork() else None
    for line in calls:
        folder = line.rstrip("\n")
        if problem is not None:
            write_result(folder, {"no_backend": problem})
            tell(fence, "exited 0" + quick.watch.remark())
            continue
        with quick:
            import_ahead(module, folder)
        if stop is None or not can_fork():
            if stop is not None:
                stop.undo()
            tell(fence, "last")
            answer(backend, folder)
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            stop.undo()
            answer(backend, folder)
        status = os.waitpid(child, 0)[1]
        tell(fence, ended(status) + quick.watch.remark())
        if stop.is_wanted:
            return


def main(folder):
    write_by_lines()
    with open(os.path.join(folder, "backend.json"), encoding="utf-8") as file:
        request = json.load(file)
    # Calls come through what is stdin now; a backend finds nothing there.
    calls = os.fdopen(os.dup(0), encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    quick = Quick(ProjectWatch(os.getcwd()), request["compiles"])
    backend = problem = None
    with quick:
        try:
            backend = load_backend(request["backend"], request["backend_paths"])
        except BaseException as error:
            problem = explain(error)
    # One from the project's own tree is not the well-known one, whatever its name.
    module = None if request["backend_paths"] else request["backend"].partition(":")[0]
    take_calls(backend, problem, module, quick, request["fence"], calls)


if __name__ == "__main__":
    main(sys.argv[1])
