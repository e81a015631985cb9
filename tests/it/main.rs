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

mod adduser; // the passwords file
mod architecture; // who may use whom, read from the sources
mod build; // sdists and wheels of all kinds of projects
mod configure; // the files of pip and of uploaders
mod generated; // man pages and completions are those of this version
mod guide; // the guide's commands, as written
mod help; // a snapshot per `--help`
mod publish; // uploads, to indexes of all manners
mod real_clients; // pip, uv, twine and poetry, there and back
mod serve; // the index server, asked over bare sockets
mod support;

/// A file that no `mod` line names would be compiled by nobody and would seem to pass.
#[test]
fn every_file_of_this_folder_is_part_of_the_harness() {
    for folder in ["", "support/"] {
        let here = support::blessed::project_path("tests/it").join(folder);
        let list = if folder.is_empty() { "main.rs" } else { "mod.rs" };
        let text = std::fs::read_to_string(here.join(list)).unwrap();
        for entry in std::fs::read_dir(&here).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let is_module =
                path.extension().is_some_and(|extension| extension == "rs") || path.join("mod.rs").exists();
            let declared = text.lines().any(|line| {
                let line = line.split("//").next().unwrap_or_default().trim();
                line == format!("mod {name};") || line == format!("pub(crate) mod {name};")
            });
            let is_list = path.file_name().is_some_and(|file| file == list);
            assert!(
                !is_module || is_list || declared,
                "`{}` is not named in `{folder}{list}`",
                path.display()
            );
        }
    }
}
