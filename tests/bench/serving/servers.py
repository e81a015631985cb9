"""The servers that are measured: how each is given a corpus, started, awaited and stopped."""

import base64
import gzip
import hashlib
import html
import json
import os
import shutil
import signal
import socket
import subprocess
import time

from .corpus import wheel_metadata
from .load import JSON, Refused, ask
from .processes import family

USER, PASSWORD = "bench", "a-password-of-the-benchmark"
UPLOAD_TIME = "2026-01-01T00:00:00Z"
START_SECONDS = 300
PORTS_TO_TRY = 3


class Server:
    """One server over its own copy of a corpus."""

    name = ""
    upload_path = None  # where twine would send its files; None for servers that take none
    takes_dropped_files = False  # shows what is copied into its folder
    learns_from_the_folder = False  # has a first start, on files that it never saw

    def __init__(self, program, corpus, folder, with_password=False, password_line="", linked=True):
        self.program = program
        self.corpus = corpus
        self.folder = folder
        self.with_password = with_password
        self.password_line = password_line
        # Hard links instead of copies of the packages.
        self.linked = linked
        self.process = None
        self.port = None
        # The sample that each row took last: some figures are another side of one.
        self.samples = {}
        self.is_laid_out = False
        # Uploads changed the folder, so that the next repetition needs a new one.
        self.is_used_up = False

    # What a server is made of.

    def lay_out(self):
        links = ["--link"] if self.linked else []
        subprocess.run(["cp", "--archive", *links, str(self.corpus.packages), str(self.packages)], check=True)

    def command(self):
        """The arguments and what is added to the environment."""
        raise NotImplementedError

    def version_command(self):
        return [self.program, "--version"]

    def forget(self):
        """Takes away what the server keeps between starts."""

    @property
    def packages(self):
        return self.folder / "packages"

    # What clients say.

    def page(self, project):
        return f"/simple/{project}/"

    root = "/simple/"

    def headers(self):
        return basic() if self.with_password else {}

    def upload_headers(self):
        return basic()

    # Its life.

    def prepare(self):
        if self.is_used_up:
            self.remove()
        if not self.is_laid_out:
            self.folder.mkdir(parents=True)
            self.lay_out()
            # What is still to be written would disturb what is measured next.
            os.sync()
            self.is_laid_out = True
            self.is_used_up = False

    def start(self):
        """Starts it and gives the seconds from then to the first right page of `bench-small`."""
        self.prepare()
        for _ in range(PORTS_TO_TRY):
            # Somebody else may take the port before the server does.
            self.port = free_port()
            begin = time.perf_counter()
            self.spawn()
            while not self.answers(self.page("bench-small")):
                if self.process.poll() is not None or time.perf_counter() - begin > START_SECONDS:
                    break
                time.sleep(0.001)
            else:
                return time.perf_counter() - begin
            self.stop()
            said = self.log_path.read_text(errors="replace").strip()[-1500:]
            if "in use" not in said:
                break
        raise Refused(f"failed to start: {said or 'it said nothing'}")

    def spawn(self):
        arguments, environment = self.command()
        passed_on = {name: value for name, value in os.environ.items()
                     if not name.startswith(("PKGCTL_", "PYPIRON_", "PYTHON"))}
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen(
                [str(word) for word in arguments], env={**passed_on, **environment}, cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def answers(self, path):
        try:
            return ask(self.port, path, headers=self.headers())[0] == 200
        except OSError:
            return False

    @property
    def log_path(self):
        return self.folder / "log"

    def is_running(self):
        return self.process is not None

    def pids(self):
        return family(self.process.pid)

    def stop(self):
        """Ends it and whatever it started. All of it is in a session of its own, which nothing else is in."""
        if not self.process:
            return
        process, self.process = self.process, None
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            pass
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except OSError:
                pass
            process.wait()

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.is_laid_out = False

    def drop(self, path):
        """Puts a file into its folder as a careful person would: under another name first."""
        unfinished = self.packages / f".{path.name}.unfinished"
        shutil.copyfile(path, unfinished)
        unfinished.rename(self.packages / path.name)
        return self.packages / path.name


def basic():
    return {"Authorization": "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Pkgctl(Server):
    """Its folder holds copies unless `--linked` is given: nobody is told of changes through a file's other names, so that
    it looks at such files whenever they are asked for."""

    name = "pkgctl"
    upload_path = "/"
    takes_dropped_files = True
    learns_from_the_folder = True

    def command(self):
        access = ["-P", ".", "-a", "."]
        if self.with_password:
            access = ["-P", self.write_password(), "-a", "update,download,list"]
        return [self.program, "serve", "--host", "127.0.0.1", "--port", self.port, "--disable-fallback", *access,
                self.packages], {"HOME": str(self.folder)}

    def write_password(self):
        path = self.folder / "passwords"
        path.write_text(self.password_line)
        return path

    def forget(self):
        shutil.rmtree(self.packages / ".pkgctl", ignore_errors=True)


class Pypiserver(Pkgctl):
    """At its best: its WSGI application behind waitress, with the cache of digests that works."""

    name = "pypiserver"
    learns_from_the_folder = False

    def command(self):
        password, actions = ".", []
        if self.with_password:
            password, actions = str(self.write_password()), ["list", "download", "update"]
        (self.folder / "bench_application.py").write_text(
            "import pathlib, pypiserver\n"
            f"application = pypiserver.app(roots=[pathlib.Path({str(self.packages)!r})], authenticate={actions!r}, "
            f"password_file={password!r}, disable_fallback=True, backend_arg='cached-dir')\n")
        return [self.program / "waitress-serve", f"--listen=127.0.0.1:{self.port}", "--threads=16",
                f"--max-request-body-size={4 << 30}", "bench_application:application"], {"PYTHONPATH": str(self.folder)}

    def version_command(self):
        return [self.program / "pypi-server", "--version"]

    def forget(self):
        pass


class Pypiron(Server):
    """With local disk, and without what reaches out to other servers."""

    name = "pypiron"
    upload_path = "/legacy/"

    def lay_out(self):
        # Its own layout, with the notes that it keeps beside each file; then its own command makes the pages.
        for project, files in self.corpus.by_project().items():
            folder = self.packages / project
            folder.mkdir(parents=True)
            nonce = hashlib.md5(project.encode()).hexdigest()
            (folder / ".origin").write_text(json.dumps({"origin": "private", "nonce": nonce}))
            for file in files:
                os.link(self.corpus.packages / file.name, folder / file.name)
                (folder / f"{file.name}.meta.json").write_text(json.dumps({
                    "sha256": file.sha256, "size": file.size_bytes, "version": file.version, "yanked": False,
                    "origin": "private", "upload-time": UPLOAD_TIME, "upload-epoch-ms": 1_767_225_600_000,
                    "requires-python": ">=3.8", "yank-epoch": 0, "snapshot": False}))
                if file.metadata_sha256 != "-":
                    metadata = wheel_metadata(self.corpus.packages / file.name)
                    (folder / f"{file.name}.metadata").write_bytes(metadata)
        subprocess.run([str(self.program), "rebuild-index", "--data-dir", str(self.folder)], check=True,
                       stdin=subprocess.DEVNULL, capture_output=True)

    def command(self):
        kind = "read" if self.with_password else "uploader"
        return [self.program, "serve", "--data-dir", self.folder, "--bind-addr", f"127.0.0.1:{self.port}",
                "--advisory-feed", "", "--malware-block", "false", "--audit-on-boot", "false", "--exclude-newer", "",
                f"--{kind}-user", USER, f"--{kind}-pass", PASSWORD], {"HOME": str(self.folder)}


class Nginx(Server):
    """Pages made beforehand, sent by sendfile, compressed ones as they lie there: little else can be done for a
    request than this does."""

    name = "nginx"
    CONFIGURATION = """
{user}worker_processes {workers};
daemon off;
pid {folder}/pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on; tcp_nopush on; tcp_nodelay on;
    gzip_static on;
    keepalive_requests 1000000000;
    open_file_cache max=20000 inactive=1h;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    types {{ text/html html; {json} json; }}
    default_type application/octet-stream;
    map $http_accept $document {{ default index.html; "~{json_pattern}" index.json; }}
    server {{
        listen 127.0.0.1:{port};
        root {folder};
        {password}
        location /simple/ {{ try_files $uri$document =404; }}
    }}
}}
"""

    def lay_out(self):
        projects = self.corpus.by_project()
        # Of a large corpus' ordinary projects no figure asks for the pages.
        pages = projects if len(projects) < 20_000 else {"bench-small": projects["bench-small"]}
        super().lay_out()
        for file in (file for files in pages.values() for file in files if file.metadata_sha256 != "-"):
            metadata = wheel_metadata(self.corpus.packages / file.name)
            (self.packages / f"{file.name}.metadata").write_bytes(metadata)
        for project, files in pages.items():
            self.write_page(self.folder / "simple" / project, f"Links for {project}", [anchor(file) for file in files],
                            {"name": project, "versions": sorted({file.version for file in files}),
                             "files": [entry(file) for file in files]}, project.startswith("bench-"))
        names = sorted(projects)
        self.write_page(self.folder / "simple", "Simple index", [f'<a href="{name}/">{name}</a>' for name in names],
                        {"projects": [{"name": name} for name in names]}, True)

    @staticmethod
    def write_page(folder, title, anchors, document, compressed):
        folder.mkdir(parents=True, exist_ok=True)
        lines = "<br>\n".join(anchors)
        page = ('<!DOCTYPE html>\n<html><head><meta name="pypi:repository-version" content="1.1">'
                f"<title>{title}</title></head>\n<body>\n{lines}\n</body></html>\n")
        shown = json.dumps({"meta": {"api-version": "1.1"}, **document}, separators=(",", ":"))
        for name, text in (("index.html", page), ("index.json", shown)):
            (folder / name).write_text(text)
            if compressed:
                (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode(), 6, mtime=0))

    def command(self):
        password = ""
        if self.with_password:
            (self.folder / "passwords").write_text(self.password_line)
            password = f"auth_basic bench; auth_basic_user_file {self.folder}/passwords;"
        path = self.folder / "nginx.conf"
        path.write_text(self.CONFIGURATION.format(
            folder=self.folder, port=self.port, password=password, workers=os.cpu_count(), json=JSON,
            json_pattern=JSON.replace("+", "."),
            # Its workers are nobody otherwise, who may not read here.
            user="user root;\n" if os.geteuid() == 0 else ""))
        return [self.program, "-c", path, "-p", self.folder, "-e", "stderr"], {}

    def version_command(self):
        return [self.program, "-v"]


def anchor(file):
    metadata = f' data-core-metadata="sha256={file.metadata_sha256}"' if file.metadata_sha256 != "-" else ""
    return (f'<a href="../../packages/{file.name}#sha256={file.sha256}" '
            f'data-requires-python="{html.escape(">=3.8")}"{metadata}>{file.name}</a>')


def entry(file):
    return {"filename": file.name, "url": f"../../packages/{file.name}", "hashes": {"sha256": file.sha256},
            "requires-python": ">=3.8", "size": file.size_bytes, "upload-time": UPLOAD_TIME, "yanked": False,
            "core-metadata": {"sha256": file.metadata_sha256} if file.metadata_sha256 != "-" else False}


KINDS = {kind.name: kind for kind in (Pkgctl, Nginx, Pypiron, Pypiserver)}
