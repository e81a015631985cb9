"""Requests, by one connection of our own or by a load tool."""

import hashlib
import http.client
import json
import re
import subprocess
import time
import urllib.parse

from .processes import Meter, settle

BOUNDARY = "a-boundary-that-no-wheel-of-a-benchmark-has"
JSON = "application/vnd.pypi.simple.v1+json"
# Connections that ask at the same time; fewer where one answer takes long, so that the load ends in time.
CONNECTIONS = 32


class Refused(Exception):
    """An answer that no figure can be made of."""


def ask(port, path, method="GET", headers=None, body=None, timeout_seconds=120):
    """One request over a connection of its own, as `(status, headers with small letters, body)`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def file_paths(port, page, headers=None):
    """Where a project page says that its files are, by file name."""
    status, _, body = ask(port, page, headers=headers)
    paths = {}
    for link in re.findall(r'<a [^>]*?href="([^"#]+)', body.decode()) if status == 200 else []:
        path = urllib.parse.urlsplit(urllib.parse.urljoin(f"http://127.0.0.1:{port}{page}", link)).path
        paths[urllib.parse.unquote(path.rpartition("/")[2])] = path
    return paths


class LoadTool:
    """wrk where there is one and it can do what is asked for; otherwise the load generator of this project."""

    WRK_SCRIPT = """done = function(summary, latency)
        local errors = summary.errors
        io.write(string.format('{"requests": %d, "seconds": %f, "bytes": %d, "bad": %d, "p50_us": %d, "p99_us": %d}\\n',
            summary.requests, summary.duration / 1e6, summary.bytes,
            errors.status + errors.connect + errors.read + errors.write + errors.timeout,
            latency:percentile(50), latency:percentile(99)))
    end"""

    def __init__(self, wrk, own, scratch, seconds):
        self.wrk = wrk
        self.own = own
        self.seconds = seconds
        self.script = scratch / "wrk.lua"
        if wrk:
            self.script.write_text(self.WRK_SCRIPT)

    def told(self):
        if self.wrk:
            return "wrk, and the project's own generator for HEAD, uploads and streams"
        return "the project's own generator"

    def again(self, server, path, method="GET", headers=None):
        """The same request from all connections, for the tool's seconds."""
        begin = time.perf_counter()
        _, _, body = ask(server.port, path, method, headers)
        one_answer = time.perf_counter() - begin
        connections = CONNECTIONS if one_answer < 0.1 else 4 if one_answer < 0.3 else 1
        settle(server.pids())
        with Meter(server.pids()) as meter:
            # wrk waits for the body that the answer to a HEAD announces.
            if self.wrk and method == "GET":
                got = self.by_wrk(server.port, path, headers, connections)
            else:
                request = request_text(server.port, path, method, headers)
                got = self.run("again", server.port, connections, self.seconds, stdin=request)
        if got["bad"] or not got["requests"]:
            raise Refused(f"{got['bad']} of {got['requests']} answers under load were errors")
        return {**got, **meter.about(), "connections": connections, "body_bytes": len(body),
                "value": got["requests"] / got["seconds"]}

    def by_wrk(self, port, path, headers, connections):
        command = [self.wrk, "-t1", f"-c{connections}", f"-d{max(1, round(self.seconds))}s", "--timeout", "60s",
                   "-s", str(self.script)]
        for name, value in (headers or {}).items():
            command += ["-H", f"{name}: {value}"]
        done = subprocess.run([*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode or not lines:
            raise Refused(f"wrk failed: {(done.stderr or done.stdout).strip()[-200:]}")
        return json.loads(lines[-1])

    def once(self, server, file, connections, limit_seconds):
        """Each request of the file once."""
        return self.run("once", server.port, connections, limit_seconds, file)

    def stream(self, server, path, headers=None):
        """One answer, as fast as it comes."""
        return self.run("stream", server.port, stdin=request_text(server.port, path, "GET", headers))

    def run(self, what, port, *words, stdin=b""):
        command = [self.own, what, f"127.0.0.1:{port}", *words]
        done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True)
        if done.returncode:
            raise Refused(done.stderr.decode(errors="replace").strip()[-300:])
        return json.loads(done.stdout)


def request_text(port, path, method, headers=None, body=b""):
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *(f"{k}: {v}" for k, v in (headers or {}).items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def upload_request(server, project, version, name, content):
    """An upload as twine sends it."""
    digests = {"md5_digest": hashlib.md5(content), "sha256_digest": hashlib.sha256(content),
               "blake2_256_digest": hashlib.blake2b(content, digest_size=32)}
    fields = {":action": "file_upload", "protocol_version": "1", "metadata_version": "2.1", "name": project,
              "version": version, "filetype": "bdist_wheel", "pyversion": "py3", "summary": "made for a benchmark",
              "requires_python": ">=3.8", **{field: digest.hexdigest() for field, digest in digests.items()}}
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
             for field, value in fields.items()]
    parts.append(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="{name}"\r\n'
                 "Content-Type: application/octet-stream\r\n\r\n")
    body = "".join(parts).encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    headers = {"User-Agent": "twine/7.0.0", "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
               "Content-Length": len(body), **server.upload_headers()}
    return request_text(server.port, server.upload_path, "POST", headers, body)


def write_requests(path, requests):
    with open(path, "wb") as file:
        for request in requests:
            file.write(len(request).to_bytes(8, "little"))
            file.write(request)
    return path
