//! `tests/threats.md` says which tests meet which threat: all of them are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::blessed::project_path;

/// The names of all functions and modules below a folder.
fn names_below(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names_below(&path, names);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            names.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
            let text = fs::read_to_string(&path).unwrap();
            let words: Vec<&str> = text
                .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                .collect();
            let named = words.windows(2).filter(|pair| matches!(pair[0], "fn" | "mod"));
            names.extend(named.map(|pair| pair[1].to_owned()));
        }
    }
}

#[test]
fn every_test_that_is_named_is_there() {
    let mut names = BTreeSet::new();
    for folder in ["src", "tests/it"] {
        names_below(&project_path(folder), &mut names);
    }
    let table = fs::read_to_string(project_path("tests/threats.md")).unwrap();
    let quoted = table.split('`').skip(1).step_by(2);
    let tests: Vec<&str> = quoted
        .filter(|text| text.starts_with("it::") || text.starts_with("lib::"))
        .collect();
    assert!(tests.len() > 100, "{} tests", tests.len());
    let lost: Vec<&&str> = tests
        .iter()
        .filter(|test| {
            !test
                .split("::")
                .skip(1)
                .all(|part| part.is_empty() || names.contains(part))
        })
        .collect();
    assert!(lost.is_empty(), "{lost:#?}");
}
