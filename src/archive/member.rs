//! What both walkers report: members in the order in which they lie in the archive, then their bytes.

use super::error::{Error, Judge, Rule};
use super::limits::Limits;

/// One member, as its headers describe it.
#[derive(Debug)]
pub(super) struct Member<'a> {
    /// Position in the archive, from 0.
    pub(super) index: usize,
    /// Clean relative path, without a slash at its end.
    pub(super) path: &'a str,
    pub(super) kind: Kind<'a>,
    /// Seconds since 1970.
    pub(super) modified: i64,
    /// Whether its owner may execute it.
    pub(super) executable: bool,
    /// The Unix mode as it stands there, type included where the format has that; 0 where there is none.
    pub(super) mode: u64,
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    Folder,
    /// With its size, which is checked against the real output.
    File {
        bytes: u64,
    },
    /// The target is relative to the folder of the link.
    Symlink {
        target: &'a str,
    },
    /// The target is the clean path of an earlier file in the archive.
    HardLink {
        target: &'a str,
    },
}

/// Whether a walk goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Continue,
    /// The visitor has what it came for; nothing behind it is verified.
    Stop,
}

/// Receives the members of an archive.
///
/// A walker calls `begin`, for files any number of `data`, and `end` once the member's size and checksum have
/// proved right.
pub(super) trait Visitor {
    fn begin(&mut self, member: &Member<'_>, judge: &mut Judge<'_>) -> Result<(), Error>;
    fn data(&mut self, bytes: &[u8]) -> Result<(), Error>;
    fn end(&mut self, judge: &mut Judge<'_>) -> Result<Flow, Error>;
}

/// Checks a relative path with `/` between its components and none at its end.
pub(super) fn check_path(path: &str, limits: &Limits) -> Result<(), Rule> {
    check_characters(path, limits)?;
    match path.split('/').find(|part| matches!(*part, "" | "." | "..")) {
        Some("..") => Err(Rule::PathParent),
        Some(_) => Err(Rule::PathUnclean),
        None => Ok(()),
    }
}

/// The clean form of a path in a tar, where `./` and doubled slashes are common; empty for the root itself.
pub(super) fn clean_path(path: &str, limits: &Limits) -> Result<String, Rule> {
    check_characters(path, limits)?;
    let mut clean = String::with_capacity(path.len());
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(Rule::PathParent),
            part => {
                if !clean.is_empty() {
                    clean.push('/');
                }
                clean.push_str(part);
            }
        }
    }
    Ok(clean)
}

fn check_characters(path: &str, limits: &Limits) -> Result<(), Rule> {
    if path.is_empty() {
        return Err(Rule::PathEmpty);
    }
    if path.len() > limits.max_path_bytes {
        return Err(Rule::PathTooLong {
            limit_bytes: limits.max_path_bytes,
        });
    }
    if path.starts_with('/') {
        return Err(Rule::PathAbsolute);
    }
    if path.contains('\\') {
        return Err(Rule::PathBackslash);
    }
    if path.chars().any(char::is_control) {
        return Err(Rule::PathControl);
    }
    match path.as_bytes() {
        [letter, b':', ..] if letter.is_ascii_alphabetic() => Err(Rule::PathDrive),
        _ => Ok(()),
    }
}

/// Whether Windows gives one of the path's names to a device, or can't hold it.
pub(super) fn is_windows_trouble(path: &str) -> bool {
    path.split('/').any(|name| {
        let stem = name.split('.').next().unwrap_or(name).trim_end();
        let is_numbered = stem.len() == 4
            && stem.is_char_boundary(3)
            && matches!(&stem.as_bytes()[3], b'1'..=b'9')
            && (stem[..3].eq_ignore_ascii_case("com") || stem[..3].eq_ignore_ascii_case("lpt"));
        let is_device = ["con", "prn", "aux", "nul"]
            .iter()
            .any(|device| stem.eq_ignore_ascii_case(device));
        is_numbered
            || is_device
            || name.ends_with(['.', ' '])
            || name.contains(['<', '>', ':', '"', '|', '?', '*'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_windows_refuses_are_known() {
        for name in [
            "con",
            "a/AUX.txt",
            "com1",
            "lpt9.py",
            "nul .x",
            "a.",
            "b /c",
            "a:b",
            "what?",
        ] {
            assert!(is_windows_trouble(name), "{name}");
        }
        for name in [
            "console.py",
            "com.py",
            "com10",
            "aux_/a",
            "a.b",
            "közi/.x",
            "com0",
        ] {
            assert!(!is_windows_trouble(name), "{name}");
        }
    }
}
