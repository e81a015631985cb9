//! The HTTP client of `publish`.
