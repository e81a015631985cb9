//! Builds through PEP 517 backends.
