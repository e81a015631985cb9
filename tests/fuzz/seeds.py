#!/usr/bin/env python3
"""Writes the first inputs of every fuzz target below tests/fuzz/seeds/. Needs nothing but Python."""

import base64
import gzip
import hashlib
import io
import pathlib
import tarfile
import zipfile

SEEDS = pathlib.Path(__file__).parent / "seeds"
METADATA = b"""Metadata-Version: 2.4
Name: Demo.Pkg
Version: 1.0
Summary: a demo
Requires-Python: >=3.8,<4
Requires-Dist: x[y]>=1 ; extra == 'z'
  and python_version > '3'
License-File: LICENSE
Description: one
       |two

body
"""


def seed(target, *inputs):
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    for content in inputs:
        content = content.encode() if isinstance(content, str) else content
        (folder / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)


class Stream(io.RawIOBase):
    """A sink that can't seek, so that sizes follow the data."""

    def __init__(self):
        self.content = b""

    def writable(self):
        return True

    def write(self, data):
        self.content += bytes(data)
        return len(data)


def zip_of(members, streamed=False, wide=False, method=zipfile.ZIP_DEFLATED, comment=b""):
    sink = Stream() if streamed else io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        archive.comment = comment
        for name, content in members:
            info = zipfile.ZipInfo(name, (2024, 1, 2, 3, 4, 6))
            info.compress_type = method
            with archive.open(info, "w", force_zip64=wide) as member:
                member.write(content)
    return sink.content if streamed else sink.getvalue()


def wheel_members():
    info = "demo_pkg-1.0.dist-info"
    members = [
        ("demo_pkg/__init__.py", b"x = 1\n"),
        (f"{info}/METADATA", METADATA),
        (f"{info}/WHEEL", b"Wheel-Version: 1.0\nGenerator: seeds\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
        (f"{info}/entry_points.txt", b"[console_scripts]\ndemo = demo_pkg:main\n"),
    ]
    rows = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip('=')},{len(content)}"
        for name, content in members
    ]
    record = "\n".join(rows) + f"\n{info}/RECORD,,\n"
    return members + [(f"{info}/RECORD", record.encode())]


def tar_of(form, members):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as archive:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                info.linkname = content.decode()
                archive.addfile(info)
            else:
                info.size = len(content)
                info.mtime = 1700000000.5 if form == tarfile.PAX_FORMAT else 1700000000
                archive.addfile(info, io.BytesIO(content))
    return sink.getvalue()


def archives():
    members = wheel_members()
    zips = [
        zip_of(members),
        zip_of(members, streamed=True),
        zip_of(members, wide=True),
        zip_of(members, streamed=True, wide=True),
        zip_of(members, method=zipfile.ZIP_STORED),
        zip_of([("ä/ö.txt", "ü".encode()), ("folder/", b""), ("empty", b"")], comment=b"a comment"),
        zip_of([]),
    ]
    seed("zip", *zips)
    regular, folder = tarfile.REGTYPE, tarfile.DIRTYPE
    top = [
        ("demo_pkg-1.0", folder, b""),
        ("demo_pkg-1.0/PKG-INFO", regular, METADATA),
        ("demo_pkg-1.0/pyproject.toml", regular, b"[build-system]\nrequires = []\n"),
        ("demo_pkg-1.0/" + "l" * 120 + "/ü.py", regular, b"x = 1\n"),
        ("demo_pkg-1.0/link", tarfile.SYMTYPE, b"PKG-INFO"),
        ("demo_pkg-1.0/hard", tarfile.LNKTYPE, b"demo_pkg-1.0/PKG-INFO"),
    ]
    tars = [tar_of(form, top) for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)]
    tars = tars + [tar[: -len(tar.rstrip(b"\0")) % 512 or None] for tar in tars]
    packed = [gzip.compress(tar, mtime=0) for tar in tars]
    seed("tar", *tars, *packed)
    wheels = [b"\0" + archive for archive in zips]
    eggs = [b"\3" + zip_of([("EGG-INFO/PKG-INFO", METADATA), ("demo/__init__.py", b"")])]
    sdists = [b"\1" + archive for archive in packed]
    old = [b"\2" + zip_of([("demo_pkg-1.0/PKG-INFO", METADATA), ("demo_pkg-1.0/setup.py", b"")])]
    seed("distribution", *wheels, *sdists, *eggs, *old)


def form(parts, line="\r\n", end="--XX--\r\n"):
    return "".join(f"--XX{line}{head}{line}{line}{content}{line}" for head, content in parts) + end


def texts():
    disposition = "Content-Disposition: form-data; "
    parts = [
        (disposition + 'name=":action"', "file_upload"),
        (disposition + 'name="content"; filename="a-1.0.tar.gz"\r\nContent-Type: a/b', "\r\n--X\r\n--XY"),
        (disposition + "name=empty", ""),
        (disposition + "filename=\"%C3%A4.asc\"; filename*=UTF-8''%C3%A4.asc; name=\"gpg\"", "sig"),
    ]
    seed(
        "multipart",
        "\x07" + form(parts),
        "\x01\r\n" + form(parts),
        "\x40" + form([(head.replace("\r\n", "\n"), content) for head, content in parts], "\n", "--XX--\n"),
        "\x03--XX--",
    )
    seed("metadata", METADATA, METADATA.replace(b"\n", b"\r\n"), b"Name: a\nVersion: 1\nAuthor: J\xf6rg\n")
    seed(
        "htpasswd",
        "ada:$2y$05$abcdefghijklmnopqrstuuVOXMfm3EOlqWLfT6x8kTTnqIjNrgAvm\n# a comment\n\nbob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\r\n",
        "\ufeffa:$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00:extra\na:$5$rounds=1000$salt$" + "a" * 43 + "\n",
        "c:$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$" + "A" * 43 + "\nd:plain\ne:rqXexS6ZhobKA\nf:{SSHA}x\nzoë:$6$s$" + "b" * 86,
    )
    ini = "[distutils]\nindex-servers =\n    pypi\n    house\n\n[pypi]\nusername: __token__\npassword = a%b ; c\n"
    seed(
        "pypirc",
        ini,
        ini + "[house]\nrepository=https://h/\nusername = u\n   v\n# c\n; d\n",
        ini.replace("\n", "\r\n"),
        "[DEFAULT]\na = 1\n[distutils]\nindex-servers: house,\n\tother\n",
        "",
    )
    seed(
        "pip_conf",
        "[global]\nindex-url = https://h/simple\nextra_index_url =\n  https://a/\n  https://b/\ntrusted-host = x\n",
        "[install]\nindex-url=https://h\n# end",
        "[global]\n\n[global.x]\ntimeout = 1",
        "",
    )
    seed(
        "netrc",
        "machine packages.example.org login zoe password x\nmacdef init\nput a\n\ndefault login anonymous\n",
        'machine h\n\tlogin "a b"\n\tpassword "c\\"d" # e\n',
        "",
    )
    seed(
        "tool_files",
        '[[index]]\nname = "house"\nurl = "https://h/"\n\n[tool]\nx = [1, {y = 2}]\n',
        '[repositories.house]\nurl = "https://h/"\n[http-basic]\nhouse = {username = "u", password = "p"}\n',
        '[pypi.extra]\nurl = "x"\n[repository]\nusername = "u"\n[publish.index]\nuser = "x"\nrepos = {}\n# c',
        "",
    )
    seed("settings", 'port = 8080\nhost = "127.0.0.1" # c\npackages = ["a", \'b\']\nhash-algo = """sha256"""\nx = true\n')
    seed("pyproject", '[build-system]\nrequires = ["setuptools>=61", "wheel; python_version<\'3\'"]\nbuild-backend = "a.b:c"\nbackend-path = ["."]\n')
    seed("upload_fields", ":action=file_upload\nprotocol_version=1\nname=Demo\nversion=1.0\nfiletype=sdist\npyversion=source\nmd5_digest=" + "a" * 32 + "\nsha256_digest=" + "B" * 64 + "\n", ":action=remove_pkg\nname=a\nversion=1")
    seed(
        "names",
        "Foo.Bar__baz", "1!2.0rc1.post2.dev3+local.4", "v1.0-alpha_3", ">=3.8,<4,!=3.9.*,~=1.2", "a" * 64,
        "demo_pkg-1.0-1a-py2.py3-cp39.abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "demo.pkg-1.0.tar.gz", "demo-1.0.zip", "demo-1.0-py3.8.egg", "a-b-1.0.tgz", "demo-1.0.win32-py2.7.exe",
    )
    seed(
        "headers",
        "bytes=0-9", "bytes=-5", "bytes=10-", "bytes=0-0,-1", "bytes=18446744073709551615-99999999999999999999",
        '"abc", W/"def", *', "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.2, text/html;q=0.01",
        "gzip;q=0.5, *;q=0", 'multipart/form-data; boundary="a b"; charset=utf-8', "Sun, 06 Nov 1994 08:49:37 GMT",
    )
    seed(
        "index_page",
        '<!DOCTYPE html><a href="../a-1.0.tar.gz#sha256=' + "a" * 64 + '" data-x=1>a</a><A HREF=\'b&amp;c%20d.whl?x#md5=' + "b" * 32 + "'>",
        '{"meta":{"api-version":"1.0"},"name":"a","files":[{"filename":"a-1.0.tar.gz","url":"a#x","hashes":{"sha256":"' + "c" * 64 + '"}}]}',
    )
    seed(
        "answer",
        "\x02\x00400 File already exists", "\x04\x01<html><head><title>403 Forbidden</title></head><body><h1>No</h1><p>x &lt; y</p></body>",
        '\x05\x02{"message":"no","errors":[{"status":409,"message":"there"}]}', '\x06\x03{"title":"t","detail":"d\\u0000"}',
    )
    seed(
        "xml_rpc",
        "<?xml version='1.0'?><methodCall><methodName>search</methodName><params><param><value><struct><member><name>name</name>"
        "<value><array><data><value><string>a&amp;b</string></value></data></array></value></member></struct></value></param>"
        "<param><value><string>or</string></value></param></params></methodCall>",
        "<methodCall><methodName>a</methodName><params><param><value>&#65;<![CDATA[x]]></value></param></params></methodCall>",
    )
    seed(
        "markup",
        "Title\n=====\n\n* a **b** `c <https://d>`_\n\n.. note:: x\n\n   y\n\n.. code-block:: python\n\n   z\n\n::\n\n  lit\n",
        "Title\n==\n\n:role:`x` **open\n\n.. unknown:: y\n\n| a\n| b\n\n+-+\n|x|\n+-+\n\n.. role:: r\n",
    )
    seed(
        "door",
        "GET /simple/lib/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "HEAD /packages/a-1.0.tar.gz HTTP/1.1\r\nHost: x:80\r\nUser-Agent: pip/25\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n",
        "GET / HTTP/1.1\nhost:x\nConnection: close\nIf-None-Match: \"a\"\n\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n0\r\n\r\n",
    )
    seed("authorization", "Basic " + base64.b64encode("zoë:pa:ss".encode()).decode(), "basic  QTo=", "Bearer x")


archives()
texts()
