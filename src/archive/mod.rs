//! Wheels and sdists, read under limits.
