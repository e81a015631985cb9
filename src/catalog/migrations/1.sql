-- A served folder. One that holds the catalog itself is known by the way from the catalog to it, so that it may be
-- moved or mounted elsewhere; any other by its absolute path.
CREATE TABLE roots (
    id INTEGER PRIMARY KEY,
    folder BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE projects (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL DEFAULT 'active',
    status_reason TEXT
) STRICT;

-- A file that is or was there. Its key is root, folder (empty, or a path) and file name.
-- The facts are known exactly when sha256 is; they belong to the state size_bytes, modified_ns, inode.
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    root_id INTEGER NOT NULL REFERENCES roots (id),
    folder TEXT NOT NULL,
    filename TEXT NOT NULL,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    identity TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    present INTEGER NOT NULL,
    uploaded_at_ns INTEGER NOT NULL,
    uploader TEXT,
    yank_reason TEXT,
    sha256 BLOB,
    digests TEXT NOT NULL DEFAULT '',
    requires_python TEXT,
    metadata_sha256 BLOB,
    defect TEXT
) STRICT;

CREATE UNIQUE INDEX files_by_key ON files (filename, folder, root_id);
CREATE INDEX files_by_identity ON files (identity);
CREATE INDEX files_present ON files (project_id, root_id) WHERE present = 1;
CREATE INDEX files_unread ON files (id) WHERE present = 1 AND sha256 IS NULL;

-- Who did what. Rows are only ever added.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at_ns INTEGER NOT NULL,
    actor TEXT,
    action TEXT NOT NULL,
    project TEXT,
    path TEXT NOT NULL,
    sha256 BLOB
) STRICT;
