//! README's table of differences names every one that the tables meet, and no other.

use std::collections::BTreeSet;
use std::fs;

use super::tables::{Expected, Table};
use super::{access, actions, files, flags, listings, pages, start, uploads};
use crate::support::blessed::project_path;

/// Every table of requests.
const TABLES: &[&Table] = &[
    &access::ALL_GUARDED,
    &access::BROKEN_PASSWORDS,
    &access::BY_DEFAULT,
    &access::DOWNLOADS_ALONE,
    &access::OPEN_TO_ALL,
    &access::PASSWORDS_BY_THEMSELVES,
    &access::PASSWORD_SCHEMES,
    &access::READ_ONLY,
    &actions::OF_THE_PAST,
    &actions::REMOVING,
    &actions::SIGNATURES,
    &files::OF_THE_PAST,
    &files::OPEN,
    &flags::BELOW_A_PATH,
    &flags::CACHED,
    &flags::HEALTH,
    &flags::WELCOME,
    &listings::GUARDED,
    &listings::LISTING,
    &listings::PROJECT_JSON,
    &listings::SEARCH,
    &listings::SHORT_ADDRESSES,
    &pages::CHANGING,
    &pages::LINKS,
    &pages::ODD_NAMES,
    &pages::ODD_VERSIONS,
    &pages::OF_THE_PAST,
    &pages::OPEN,
    &pages::TWO_ROOTS,
    &pages::WITHOUT_DIGESTS,
    &pages::WITHOUT_FALLBACK,
    &uploads::ELSEWHERE,
    &uploads::OF_THE_PAST,
    &uploads::OVERWRITING,
    &uploads::OVERWRITING_ELSEWHERE,
    &uploads::REFUSALS,
    &uploads::UPLOADS,
];

#[test]
fn readme_names_every_difference_and_no_other() {
    let requests: Vec<Expected> = TABLES
        .iter()
        .flat_map(|table| (table.rows)())
        .map(|row| row.expected)
        .collect();
    assert!(
        requests.len() >= 80,
        "only {} requests are compared",
        requests.len()
    );
    let starts = start::starts().into_iter().map(|start| start.expected);
    let met: BTreeSet<String> = requests
        .into_iter()
        .chain(starts)
        .filter_map(|expected| match expected {
            Expected::Differs { topic, .. } => Some(topic.to_owned()),
            Expected::Same(_) => None,
        })
        .collect();
    let told = topics_of_readme();
    let untold: Vec<&String> = met.difference(&told).collect();
    let unmet: Vec<&String> = told.difference(&met).collect();
    assert!(
        untold.is_empty(),
        "README's table of differences has no row for {untold:?}"
    );
    assert!(
        unmet.is_empty(),
        "no request shows what README tells of {unmet:?}"
    );
}

/// What the table of flags says of pypiserver's must be shown by a start or by a table of requests.
#[test]
fn every_flag_that_readme_names_is_tried() {
    let readme = fs::read_to_string(project_path("README.md")).unwrap();
    let (_, rest) = readme.split_once("| flags | here |\n").unwrap();
    let flags: Vec<&str> = rest
        .lines()
        .take_while(|line| line.starts_with('|'))
        .flat_map(|row| row.split('|').nth(1).unwrap().split('`'))
        .filter(|word| word.starts_with('-') && !word.starts_with("---"))
        .collect();
    assert!(flags.len() > 20, "{flags:?}");
    let tried: BTreeSet<String> = start::starts()
        .iter()
        .flat_map(start::Start::flags)
        .chain(
            TABLES
                .iter()
                .flat_map(|table| table.flags)
                .map(|flag| (*flag).to_owned()),
        )
        .collect();
    let untried: Vec<&&str> = flags.iter().filter(|flag| !tried.contains(**flag)).collect();
    assert!(untried.is_empty(), "nobody tries {untried:?}");
}

/// The first cells of the table under "What differs on purpose".
fn topics_of_readme() -> BTreeSet<String> {
    let readme = fs::read_to_string(project_path("README.md")).unwrap();
    let (_, rest) = readme.split_once("What differs on purpose").unwrap();
    rest.lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|row| row.split('|').nth(1).unwrap().trim().to_owned())
        .collect()
}
