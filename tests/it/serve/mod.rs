//! `pkgctl serve`: the real binary, asked over bare sockets.

mod access; // passwords and what they guard
mod actions; // removals, and steps of the past
mod catalog_troubles; // a catalog that is locked, spoilt or cut short
mod command_line; // pypiserver's way to call it
mod configuration; // flag over variable over file over default
mod connections; // how many, how long, and how they end
mod cost; // system calls of the commonest requests
mod distutils; // the oldest client
mod door; // the way in front of hyper
mod express; // the way in front of the routes
mod figures; // readiness and metrics
mod files; // downloads, ranges, metadata files
mod folder; // what people do to the folder while it is served
mod folder_troubles; // full disks, lost catalogs, folders that go
mod forms; // the upload form in the manner of every client
mod legacy_names; // files of the past, as pypiserver reads their names
mod listing; // all files on one page, pages by other ways, ways to pages
mod logs; // where the log goes, and that nobody waits for it
mod metadata; // METADATA and PKG-INFO of all times
mod pages; // the Simple API
mod prefix; // everything below a path of its own
mod project_json; // the JSON of projects
mod proxies; // whose word about a request's way is taken
mod refusals; // uploads that make no sense
mod reload; // SIGHUP
mod search; // `pip search`
mod signatures; // PGP signatures beside the files
mod sockets; // Unix sockets, and those that are handed over
mod start; // flags, bad starts, stopping
mod tls; // HTTPS and HTTP/2
mod uploads; // what is accepted, what is refused and leaves nothing
mod welcome; // the page for people, and the operator's own
