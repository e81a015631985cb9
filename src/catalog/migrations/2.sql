-- Where the folders stood when the rows of their files were in step with them, as the index wrote it; at most one row.
-- Whatever changes those rows takes it away in the same transaction.
CREATE TABLE bookmark (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    text TEXT NOT NULL
) STRICT;
