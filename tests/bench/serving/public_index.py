"""An index of the public one's size, without its bytes: rows of the catalog for files that are nowhere.

pkgctl goes on from its catalog when the folder has not changed since it wrote it, and looks at a file when it is first
asked for. So a catalog with rows of absent files is taken as it is, until one of their pages is asked for. The page that
is measured is that of a project whose files are there. The rows are like those that pkgctl wrote for these files.
"""

import sqlite3
import time

from .corpus import WORDS
from .load import Refused
from .processes import settle
from .servers import Pkgctl

BATCH = 100_000


class PublicIndex(Pkgctl):
    projects = 800_000
    files = 5_000_000

    def lay_out(self):
        super().lay_out()
        # It reads the few files that there are, and puts down where the folder stands.
        self.is_laid_out = True
        self.start()
        settle(self.pids())
        time.sleep(4)
        self.stop()
        state = self.packages / ".pkgctl"
        catalog = sqlite3.connect(state / "catalog.db", isolation_level=None)
        try:
            self.fill(catalog)
        except sqlite3.Error as error:
            raise Refused(f"its catalog is not as this script expects it: {error}") from None
        finally:
            catalog.close()
        # A second copy that knows nothing of the rows.
        for copy in state.glob("*.copy"):
            copy.unlink()

    def forget(self):
        """There is no first start without the bytes."""

    def fill(self, catalog):
        for setting in ("journal_mode = DELETE", "synchronous = OFF", "cache_size = -500000"):
            catalog.execute(f"PRAGMA {setting}")
        if not catalog.execute("SELECT count(*) FROM bookmark").fetchone()[0]:
            raise Refused("it did not put down where the folder stands")
        # Made again at the end, which is quicker than to keep them.
        listed = catalog.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        indexes = listed.fetchall()
        catalog.execute("BEGIN")
        for name, _ in indexes:
            catalog.execute(f"DROP INDEX {name}")
        self.insert(catalog)
        for _, statement in indexes:
            catalog.execute(statement)
        catalog.execute("COMMIT")

    def insert(self, catalog):
        catalog.row_factory = sqlite3.Row
        project = dict(catalog.execute("SELECT * FROM projects WHERE name = 'bench-small'").fetchone())
        file = dict(catalog.execute("SELECT * FROM files WHERE project_id = ? AND filename LIKE '%-1.0.1-%'",
                                    [project["id"]]).fetchone())
        first_project, first_file, inode = (
            catalog.execute(f"SELECT max({column}) + 1 FROM {table}").fetchone()[0]
            for column, table in (("id", "projects"), ("id", "files"), ("inode", "files")))
        for begin in range(0, self.projects, BATCH):
            numbers = range(begin, min(begin + BATCH, self.projects))
            write(catalog, "projects", (
                {**project, "id": first_project + number, "name": stem(number).replace("_", "-")} for number in numbers))
            write(catalog, "files", (
                {**file, "id": first_file + at, "inode": inode + at, "project_id": first_project + number,
                 "sha256": at.to_bytes(32, "little"), **names(name, version)}
                for number in numbers for name in [stem(number)] for version, at in self.versions(number)))

    def versions(self, number):
        """The versions of a project with the numbers of their files, so that all projects together have all files."""
        begin, end = (self.files * at // self.projects for at in (number, number + 1))
        return enumerate(range(begin, end))


def stem(number):
    """A project's name, as file names have it."""
    return f"public_{WORDS[number % len(WORDS)]}_{number}"


def names(stem, version):
    # How the catalog compares file names: with the epoch of the version.
    tail = f"1.{version + 1}-py3-none-any.whl"
    return {"filename": f"{stem}-{tail}", "identity": f"{stem}-0!{tail}"}


def write(catalog, table, rows):
    rows = iter(rows)
    first = next(rows)
    statement = f"INSERT INTO {table} ({', '.join(first)}) VALUES ({', '.join(':' + column for column in first)})"
    catalog.execute(statement, first)
    catalog.executemany(statement, rows)
