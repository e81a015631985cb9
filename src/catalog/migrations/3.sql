-- The digest that a file had before its facts went, until they are known again: bytes that have changed under an
-- unchanged name are told by it.
ALTER TABLE files ADD COLUMN former_sha256 BLOB;
