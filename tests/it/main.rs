//! The program's tests: the real binary, over real HTTP, with real clients.
//!
//! One harness. Each module below is one verb or one concern; `support` holds what they share.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should end there"
)]
#![expect(clippy::too_many_lines, reason = "tables of cases are long")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]
#![expect(
    clippy::disallowed_methods,
    reason = "the tests make the environment that the program reads"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

mod adduser; // the passwords file
mod architecture; // who may use whom, read from the sources
mod benchmark; // how fast the server is, taken at its smallest
mod build; // sdists and wheels of all kinds of projects
mod check; // what is wrong with distributions, before they are sent
mod configure; // the files of pip and of uploaders
mod dependencies; // what is built in, against deny.toml
mod dev_server; // containers, compose, Kubernetes and systemd
mod doctor; // what is wrong between user, tools and index
mod drop_in; // beside a real pypiserver, request by request
mod generated; // man pages and completions are those of this version
mod guide; // the guide's commands, as written
mod help; // a snapshot per `--help`
mod publish; // uploads, to indexes of all manners
mod real_clients; // every installer and uploader of the field, there and back
mod real_distributions; // hundreds of wheels and sdists of the public index, where they have been fetched
mod reliability; // killed, starved, left without power: nothing lost, nothing let out
mod serve; // the index server, asked over bare sockets
mod standards; // the packaging standards, line by line
mod support;

/// A file that no `mod` line names would be compiled by nobody and would seem to pass.
#[test]
fn every_file_of_this_folder_is_part_of_the_harness() {
    assert_all_declared(&support::blessed::project_path("tests/it"), "main.rs");
}

/// Looks for a `mod` line for each source of `folder` in `list`, and goes on below. A folder without a list is data.
fn assert_all_declared(folder: &Path, list: &str) {
    let list = folder.join(list);
    let text = fs::read_to_string(&list).unwrap();
    let declared: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| {
            let item = line.strip_prefix("pub(crate) ").unwrap_or(line);
            Some(item.strip_prefix("mod ")?.split_once(';')?.0)
        })
        .collect();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        if path.join("mod.rs").exists() {
            assert_all_declared(&path, "mod.rs");
        }
        let is_module = is_source || path.join("mod.rs").exists();
        let is_list = path == list;
        assert!(
            !is_module || is_list || declared.contains(name),
            "`{}` has no `mod` line in `{}`",
            path.display(),
            list.display()
        );
    }
}
