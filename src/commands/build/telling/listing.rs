//! What a build has made, for people and for machines.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::packaging::DistFilename;
use crate::pep517::{Artifact, Built, Change, Difference};
use crate::terminal::{data, size};

/// So many members are named where details are not asked for.
const NAMED_MEMBERS: usize = 3;

/// `my_lib-1.0.0.tar.gz (3.20 kB)`, its digest on a line of its own, for which there is room on any screen, and what
/// changed since the last file of that name; with `is_detailed` member by member.
pub(in crate::commands::build) fn described(artifact: &Artifact, is_detailed: bool) -> String {
    let name = artifact.path.file_name().unwrap_or_default().display();
    let mut text = format!(
        "{name} ({})\n  sha256 {}",
        size(artifact.size_bytes),
        artifact.sha256
    );
    // Writing to a String can't fail.
    let _ = match &artifact.change {
        Change::New => Ok(()),
        Change::Same => write!(text, "\n  the same bytes as before"),
        Change::Unknown => write!(text, "\n  in the place of a file that was no sound distribution"),
        Change::Differs(difference) => write!(text, "\n  since before: {}", summary(difference, is_detailed)),
    };
    text
}

fn summary(difference: &Difference, is_detailed: bool) -> String {
    let groups = [
        ("added", '+', &difference.added),
        ("removed", '-', &difference.removed),
        ("changed", '~', &difference.changed),
    ];
    let members: usize = groups.iter().map(|(_, _, members)| members.len()).sum();
    if members == 0 {
        return "the same members, but other times, order or compression".to_owned();
    }
    let groups = groups.into_iter().filter(|(_, _, members)| !members.is_empty());
    let mut text = String::new();
    for (what, _, members) in groups.clone() {
        let separator = if text.is_empty() { "" } else { "; " };
        if members.len() <= NAMED_MEMBERS && !is_detailed {
            let _ = write!(text, "{separator}{what} {}", members.join(", "));
        } else {
            let _ = write!(text, "{separator}{} {what}", members.len());
        }
    }
    if is_detailed {
        for (_, sign, members) in groups {
            for member in members {
                let _ = write!(text, "\n    {sign} {member}");
            }
        }
    }
    text
}

/// One line about the files of the project that were there before.
pub(in crate::commands::build) fn told_of_older(older: &[PathBuf], cleared: bool) -> String {
    let names: Vec<String> = older
        .iter()
        .map(|path| path.file_name().unwrap_or_default().display().to_string())
        .collect();
    let names = names.join(", ");
    if cleared {
        format!("* removed {names}")
    } else {
        format!("* still there from before: {names} (--clear removes them)")
    }
}

/// One document with all that a script may want to know.
pub(in crate::commands::build) fn print_json(built: &Built, cleared: bool) -> Result<(), Failure> {
    let artifacts: Vec<serde_json::Value> = built.artifacts.iter().map(document).collect();
    let older: Vec<_> = built.older.iter().map(|path| path.to_string_lossy()).collect();
    let key = if cleared { "removed" } else { "older" };
    let text = format!("{:#}\n", serde_json::json!({"artifacts": artifacts, key: older}));
    data(text).map_err(|error| Failure::new("can't print the artifacts").caused_by(&error))
}

/// What a script may want to know about one artifact.
pub(in crate::commands::build) fn document(artifact: &Artifact) -> serde_json::Value {
    let change = match &artifact.change {
        Change::New => serde_json::json!({"kind": "new"}),
        Change::Same => serde_json::json!({"kind": "same"}),
        Change::Unknown => serde_json::json!({"kind": "unknown"}),
        Change::Differs(difference) => serde_json::json!({
            "kind": "differs",
            "added": difference.added,
            "removed": difference.removed,
            "changed": difference.changed,
        }),
    };
    serde_json::json!({
        "path": artifact.path.to_string_lossy(),
        "filename": artifact.filename.as_str(),
        "kind": match artifact.filename {
            DistFilename::Wheel(_) => "wheel",
            DistFilename::Sdist(_) | DistFilename::Legacy(_) => "sdist",
        },
        "name": artifact.filename.project().as_str(),
        "version": artifact.filename.version().to_string(),
        "size_bytes": artifact.size_bytes,
        "sha256": artifact.sha256.to_string(),
        "change": change,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_members_are_named_and_many_are_counted() {
        let members = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let mut difference = Difference {
            added: members(&["a.py"]),
            removed: members(&[]),
            changed: members(&["b", "c", "d", "e"]),
        };
        assert_eq!(summary(&difference, false), "added a.py; 4 changed");
        let detailed = "1 added; 4 changed\n    + a.py\n    ~ b\n    ~ c\n    ~ d\n    ~ e";
        assert_eq!(summary(&difference, true), detailed);
        difference = Difference::default();
        assert!(summary(&difference, false).starts_with("the same members"));
    }
}
