//! The index server: axum and hyper live here.
