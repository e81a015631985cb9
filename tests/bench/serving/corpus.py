"""Folders of valid wheels and sdists: the same shape, the same bytes."""

import base64
import gzip
import hashlib
import io
import json
import multiprocessing
import os
import random
import shutil
import tarfile
import zipfile
from collections import namedtuple
from dataclasses import asdict, dataclass
from pathlib import Path

# Part of a corpus' folder name: raise it when the same shape comes to other bytes.
EDITION = 1
STAMP = 1_735_689_600  # of every file: long past, so that no server takes it for a file that is just being written
WHEEL = b"Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
SMALL_VERSIONS = 5  # of the project `bench-small`
LARGE_VERSIONS = ("1.0", "2.0", "3.0")  # of the project `bench-large`: 100 KB, 1 MB, and a really large one
WORDS = ("amber basil cedar delta ember fjord grove hazel ivory jade karst linen maple north opal pearl quartz river "
         "slate tulip umber vivid willow xenon yarrow zephyr parser client config engine filter router schema stream "
         "signal tensor widget worker").split()

File = namedtuple("File", "project version name size_bytes sha256 metadata_sha256")


@dataclass(frozen=True)
class Shape:
    """What a corpus holds. Beside its ordinary projects there are those that the figures ask for."""

    projects: int
    files_each: int
    realistic: bool = True  # metadata of 1 to 8 KB, wheels of 5 to 25 KB; otherwise the least that is valid
    page_files: int = 0  # wheels of the project `bench-page`; 0 leaves out `bench-page` and `bench-large`
    large_megabytes: int = 0  # the wheel of the project `bench-large`

    @property
    def files(self):
        special = SMALL_VERSIONS + (self.page_files + len(LARGE_VERSIONS) if self.page_files else 0)
        return self.projects * self.files_each + special

    def folder_name(self):
        key = json.dumps([EDITION, asdict(self)], sort_keys=True).encode()
        return f"{self.projects * self.files_each}-{hashlib.sha256(key).hexdigest()[:8]}"

    def bytes_on_disk(self):
        """About how much room it takes, blocks of 4 KB counted whole."""
        each = 16_000 if self.realistic else 4096
        return self.projects * self.files_each * each + self.page_files * 8192 + self.large_megabytes * 1_000_000


@dataclass(frozen=True)
class Corpus:
    folder: Path
    files: list

    @property
    def packages(self):
        return self.folder / "packages"

    def by_project(self):
        projects = {}
        for file in self.files:
            projects.setdefault(file.project, []).append(file)
        return projects


def metadata(project, version, size_bytes):
    """Core metadata: the least that is valid, or as projects have it, with a README that fills it up."""
    text = f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\nSummary: made for a benchmark\n"
    text += "Requires-Python: >=3.8\n"
    if size_bytes > 600:
        noise = random.Random(f"{project} {version}")
        text += "Author: nobody\nLicense: MIT\nDescription-Content-Type: text/markdown\n"
        text += "".join(f"Classifier: Programming Language :: Python :: 3.{minor}\n" for minor in range(8, 15))
        text += f"\n# {project}\n\n"
        while len(text) < size_bytes:
            text += " ".join(noise.choices(WORDS, k=12)) + ".\n"
    return text.encode()


def wheel(project, version, metadata_bytes, payload=b"", total_bytes=None):
    """A pure wheel as `(file name, content)`. `total_bytes` fills its module up, until the file is that long."""
    stem = project.replace("-", "_")
    info = f"{stem}-{version}.dist-info"
    module = f'__version__ = "{version}"\n'.encode() + payload

    def packed(module):
        members = [(f"{stem}/__init__.py", module), (f"{info}/METADATA", metadata_bytes), (f"{info}/WHEEL", WHEEL)]
        record = "".join(
            f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b'=').decode()},"
            f"{len(content)}\n" for name, content in members)
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for name, content in [*members, (f"{info}/RECORD", f"{record}{info}/RECORD,,\n".encode())]:
                member = zipfile.ZipInfo(name)
                member.external_attr = 0o100644 << 16
                archive.writestr(member, content)
        return target.getvalue()

    content = packed(module)
    # More bytes of the module may mean one more digit in RECORD, so that it takes a second look.
    while total_bytes and len(content) != total_bytes:
        missing = total_bytes - len(content)
        module = module + b"#" * missing if missing > 0 else module[:missing]
        content = packed(module)
    return f"{stem}-{version}-py3-none-any.whl", content


def sdist(project, version, metadata_bytes):
    stem = f"{project.replace('-', '_')}-{version}"
    table = f'[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n' \
            f'[project]\nname = "{project}"\nversion = "{version}"\n'
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in (("PKG-INFO", metadata_bytes), ("pyproject.toml", table.encode())):
            member = tarfile.TarInfo(f"{stem}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return f"{stem}.tar.gz", gzip.compress(plain.getvalue(), 1, mtime=0)


def small_wheel(project, version):
    """The wheel of 5 KB that the figures fetch and upload."""
    return wheel(project, version, metadata(project, version, 2000), total_bytes=5120)


def sized_wheel(project, version, size_bytes):
    """A wheel with a payload that does not compress, where the server might try."""
    block = random.Random("payload").randbytes(500_000).hex().encode()
    payload = (block * (size_bytes // len(block) + 1))[:size_bytes]
    return wheel(project, version, metadata(project, version, 2000), b"#" + payload)


def project_name(number):
    """Distinct names in an order of their own, about as long as those of the public index."""
    noise = random.Random(number)
    tail = ""
    while True:
        tail = chr(97 + number % 26) + tail
        number //= 26
        if not number:
            return f"{noise.choice(WORDS)}-{noise.choice(WORDS)}-{tail}"


def version_of(number):
    return f"{number // 100 + 1}.{number // 10 % 10}.{number % 10}"


def ordinary(project, shape):
    """The files of an ordinary project. The last is an sdist; with the least files, that of every fifth project."""
    noise = random.Random(project)
    for number in range(shape.files_each):
        version = version_of(number)
        size_bytes = noise.choice((1200, 2500, 4000, 8000)) if shape.realistic else 0
        metadata_bytes = metadata(project, version, size_bytes)
        if number == shape.files_each - 1 and (shape.realistic or noise.random() < 0.2):
            yield version, *sdist(project, version, metadata_bytes)
        else:
            payload = b"x = 1\n" * noise.randint(300, 3000) if shape.realistic else b""
            yield version, *wheel(project, version, metadata_bytes, payload)


def special(shape):
    for version in range(SMALL_VERSIONS):
        yield "bench-small", f"1.0.{version}", *small_wheel("bench-small", f"1.0.{version}")
    if shape.page_files:
        for number in range(shape.page_files):
            yield "bench-page", version_of(number), *small_wheel("bench-page", version_of(number))
        for version, size_bytes in zip(LARGE_VERSIONS, (100_000, 1_000_000, shape.large_megabytes * 1_000_000)):
            yield "bench-large", version, *sized_wheel("bench-large", version, size_bytes)


def written(folder, project, version, name, content):
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (STAMP, STAMP))
    digest = "-"
    if name.endswith(".whl"):
        digest = hashlib.sha256(wheel_metadata(path)).hexdigest()
    return "\t".join((project, version, name, str(len(content)), hashlib.sha256(content).hexdigest(), digest))


def wheel_metadata(path):
    with zipfile.ZipFile(path) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA")))


def write_range(work):
    folder, numbers, shape = work
    lines = []
    for number in numbers:
        project = project_name(number)
        lines += [written(folder, project, *file) for file in ordinary(project, shape)]
    return lines


def made(shape, store):
    """The corpus of this shape, from the store or new."""
    folder = store / shape.folder_name()
    if not folder.exists():
        unfinished = store / f"{shape.folder_name()}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            (unfinished / "packages").mkdir(parents=True)
            write(shape, unfinished)
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    with open(folder / "files.tsv") as listing:
        rows = (line.rstrip("\n").split("\t") for line in listing)
        files = [File(*row[:3], int(row[3]), *row[4:]) for row in rows]
    return Corpus(folder, files)


def write(shape, folder):
    packages = folder / "packages"
    ranges = [(packages, range(at, min(at + 200, shape.projects)), shape) for at in range(0, shape.projects, 200)]
    lines = [written(packages, *file) for file in special(shape)]
    if len(ranges) == 1:
        lines += write_range(ranges[0])
    else:
        # Workers that are told to stop by Ctrl-C too would each say so at length.
        with multiprocessing.Pool(initializer=ignore_interrupts) as pool:
            for some in pool.imap(write_range, ranges):
                lines += some
    (folder / "files.tsv").write_text("\n".join(lines) + "\n")


def ignore_interrupts():
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
