"""Which figures are taken of which folders, and how much is made and asked for."""

from dataclasses import dataclass, field

from . import corpus as corpora
from .installing import installs
from .public_index import PublicIndex
from .reading import files, page, pages, root
from .rows import AS_FEW, AS_NGINX, Bound
from .servers import KINDS
from .starting import memory, program_start, ready, starting
from .uploading import dropped, uploads


@dataclass(frozen=True)
class Stage:
    """Rows that are asked of the same servers over the same corpus, all of them running, in turns."""

    name: str
    shape: corpora.Shape
    rows: list
    kinds: dict = field(default_factory=lambda: KINDS)  # the class of each server that takes part, by its name
    marker: str = ""  # the option without which the stage is left out


class QuickPublicIndex(PublicIndex):
    projects = 8000
    files = 50_000


@dataclass(frozen=True)
class Sizes:
    """How much is made and asked for."""

    small: corpora.Shape = corpora.Shape(100, 5)
    medium: corpora.Shape = corpora.Shape(5000, 4, page_files=2000, large_megabytes=200)
    large: corpora.Shape = corpora.Shape(100_000, 2, realistic=False)
    public: type = PublicIndex
    installed_projects: int = 50
    uploads: int = 400
    starts: int = 3
    program_starts: int = 20
    upload_seconds: float = 8

    @staticmethod
    def quick():
        return Sizes(corpora.Shape(20, 5), corpora.Shape(400, 2, page_files=300, large_megabytes=20),
                     corpora.Shape(3000, 2, realistic=False), QuickPublicIndex, installed_projects=10, uploads=60,
                     starts=1, program_starts=5, upload_seconds=2)


def of(sizes):
    """All of them, also those that are only measured when their option asks for them."""
    small, medium, large, public = sizes.small, sizes.medium, sizes.large, sizes.public
    projects = f"{public.projects:,} projects of {public.files:,} files"
    return [
        Stage("programs", small, [program_start()]),
        Stage("small", small, [
            *starting("small", small, 0.03, 20),
            page("small-page-few", f"small project page, {small.files:,} files"),
            page("small-page-password", "the same, read with a bcrypt user", with_password=True,
                 goal="≥ 0.9 × without a password", bounds=(Bound("row:small-page-few", ">=", 0.9),)),
            *uploads(sizes),
        ]),
        Stage("medium", medium, [
            *starting("medium", medium, 0.05, 30),
            *pages(medium),
            *files(medium),
            dropped(medium),
            *installs(sizes),
            memory("memory-after-medium", f"memory after all this, {medium.files:,} files", 150),
        ]),
        Stage("large", large, [
            *starting("large", large, 0.15, 60, 1.5),
            page("small-page-large", f"small project page, {large.files:,} files", **AS_FEW),
            root("root-large-gzip", large.projects, "json", True, **AS_NGINX),
            memory("memory-after-large", f"memory after all this, {large.files:,} files", 150),
        ], marker="--large"),
        Stage("public", small, [
            ready("ready-public", f"ready, warm, {projects}", 1.0),
            memory("memory-public", "memory when ready", 600),
            page("small-page-public", f"small project page, {projects}", **AS_FEW),
            root("root-public-gzip", public.projects, "json", True),
            memory("memory-after-public", "memory after all this", 600),
        ], {"pkgctl": public}, "--public-index-size"),
    ]
