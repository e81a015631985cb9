//! The folders that a server on this machine would serve, and its catalog.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::report::Section;
use crate::catalog;
use crate::commands::serve::CATALOG;
use crate::failure::Failure;
use crate::packaging::DistFilename;
use crate::storage::{self, StoreKey};
use crate::terminal::{counted, size};

/// So many files that are no distributions are named; of more only the number is told.
const MOST_NAMED: usize = 5;

/// With less room than this the server refuses uploads.
const LEAST_FREE_BYTES: u64 = 512 << 20;

/// Looks at the folders as a server with these settings would.
pub(super) fn look(roots: &[PathBuf], state_dir: &Path) -> Section {
    let mut section = Section::new(title(roots));
    let survey = match storage::survey(roots, state_dir) {
        Ok(survey) => survey,
        Err(error) => {
            section.failure(&Failure::from(error));
            return section;
        }
    };
    tell_files(&mut section, roots, &survey.keys);
    let first = roots
        .first()
        .map(|root| root.display().to_string())
        .unwrap_or_default();
    if survey.can_write {
        section.good("you may put files there");
    } else {
        section.problem(
            "you may not put files there, and a server that you start could take no uploads",
            format!("let the user that runs pkgctl write to `{first}`"),
        );
    }
    match survey.free_bytes {
        Some(free) if free < LEAST_FREE_BYTES => section.problem(
            format!("only {} are free, so uploads are refused", size(free)),
            "free some space",
        ),
        Some(free) => section.good(format!("{} are free", size(free))),
        None => section.note("the file system does not tell how much is free"),
    }
    tell_catalog(&mut section, &state_dir.join(CATALOG));
    section
}

fn title(roots: &[PathBuf]) -> String {
    let names: Vec<String> = roots.iter().map(|root| root.display().to_string()).collect();
    format!("Packages in {}", names.join(", "))
}

fn tell_files(section: &mut Section, roots: &[PathBuf], keys: &[StoreKey]) {
    let path_of = |key: &StoreKey| {
        let root = roots.get(usize::from(key.root().0));
        root.map_or_else(PathBuf::new, |root| root.join(key.path()))
    };
    let mut places: BTreeMap<&str, Vec<&StoreKey>> = BTreeMap::new();
    let mut projects = std::collections::BTreeSet::new();
    let mut ignored = Vec::new();
    for key in keys {
        match DistFilename::parse_listed(key.filename()) {
            Ok(filename) => {
                projects.insert(filename.project().clone());
                places.entry(key.filename()).or_default().push(key);
            }
            Err(reason) => ignored.push(format!("`{}` is not listed: {reason}", path_of(key).display())),
        }
    }
    section.good(format!(
        "{} of {}",
        counted(places.len() as u64, "distribution"),
        counted(projects.len() as u64, "project")
    ));
    for text in ignored.iter().take(MOST_NAMED) {
        section.note(text);
    }
    if ignored.len() > MOST_NAMED {
        section.note(format!(
            "and {} more are not listed; `pkgctl serve -v` names them all",
            ignored.len() - MOST_NAMED
        ));
    }
    for places in places.values().filter(|places| places.len() > 1) {
        let [first, others @ ..] = places.as_slice() else {
            continue;
        };
        for other in others {
            section.problem(
                format!(
                    "`{}` is hidden behind `{}`, which has the same name",
                    path_of(other).display(),
                    path_of(first).display()
                ),
                "remove one of them",
            );
        }
    }
}

fn tell_catalog(section: &mut Section, path: &Path) {
    if !path.exists() {
        section.note("there is no catalog yet; the server makes one when it is started");
        return;
    }
    match catalog::examine(path) {
        Ok(()) => section.good("the catalog is sound"),
        Err(error) => section.failure(&Failure::from(error)),
    }
}
