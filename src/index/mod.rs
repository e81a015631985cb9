//! The registry in domain words, without HTTP.
