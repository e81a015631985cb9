//! `pkgctl serve`: the real binary, asked over bare sockets.

mod access; // passwords and what they guard
mod actions; // removals, and steps of the past
mod figures; // readiness and metrics
mod files; // downloads, ranges, metadata files
mod folder; // what people do to the folder while it is served
mod pages; // the Simple API
mod signatures; // PGP signatures beside the files
mod start; // flags, bad starts, stopping
mod uploads; // what is accepted, what is refused and leaves nothing
