//! Which files the words on the command line mean.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Error;
use crate::causes::in_one_line;
use crate::packaging::DistFilename;
use crate::packaging::filename::FilenameError;
use crate::packaging::version::{Version, VersionError};

/// Files to publish, and those that were passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Distributions, wheels before sdists, otherwise in the order in which they were named.
    pub files: Vec<Selected>,
    /// Files of named folders that are no distributions, and signatures and attestations of none; hidden files are
    /// not mentioned.
    pub ignored: Vec<Ignored>,
}

/// A distribution with what belongs to it: files that lie beside it, or were named with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// The file.
    pub path: PathBuf,
    /// Its name.
    pub filename: DistFilename,
    /// Its detached PGP signature, `<file>.asc`.
    pub signature: Option<PathBuf>,
    /// Its attestations, `<file>.*.attestation`, by name.
    pub attestations: Vec<PathBuf>,
}

/// A file that was passed over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ignored {
    /// The file.
    pub path: PathBuf,
    /// Why it is no distribution, though its name ends as that of one.
    pub reason: Option<String>,
}

impl Ignored {
    fn stranger(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            reason: None,
        }
    }
}

/// Finds the files that `arguments` name: files, folders (their distributions), and patterns such as `dist/*.whl`
/// for systems whose shell does not expand them. Naming a file twice is the same as naming it once.
///
/// # Errors
/// [`Error::NothingThere`] for a name or pattern without a file, [`Error::NoDistributions`] for a folder without
/// any, [`Error::NotDistributions`] for files named one by one, [`Error::SameName`] when two files would collide
/// on the index, [`Error::Unreadable`].
pub fn select(arguments: &[PathBuf]) -> Result<Selection, Error> {
    let mut found = Found::default();
    for argument in arguments {
        if argument.is_dir() {
            found.folder(argument)?;
        } else if argument.exists() {
            found.file(argument);
        } else {
            found.pattern(argument)?;
        }
    }
    if !found.strangers.is_empty() {
        return Err(Error::NotDistributions(found.strangers));
    }
    let mut files = without_repeats(std::mem::take(&mut found.files))?;
    if files.is_empty() {
        // Signatures alone.
        let reason = "the file that it belongs to was not named".to_owned();
        if let (true, Some(nothing)) = (found.companions.is_empty(), arguments.first()) {
            return Err(Error::NothingThere(nothing.clone()));
        }
        let companions = found.companions.into_iter();
        return Err(Error::NotDistributions(
            companions.map(|path| (path, reason.clone())).collect(),
        ));
    }
    files.sort_by_key(|(_, name)| !matches!(name, DistFilename::Wheel(_)));
    let mut selection = Selection {
        ignored: std::mem::take(&mut found.ignored),
        files: Vec::new(),
    };
    found.companions.retain(|path| {
        let belongs = files.iter().any(|(_, name)| belongs_to(path, name));
        if !belongs {
            selection.ignored.push(Ignored::stranger(path));
        }
        belongs
    });
    for (path, filename) in files {
        selection.files.push(found.companions_of(path, filename)?);
    }
    selection.ignored.sort();
    selection.ignored.dedup();
    Ok(selection)
}

#[derive(Default)]
struct Found {
    files: Vec<(PathBuf, DistFilename)>,
    ignored: Vec<Ignored>,
    /// Signatures and attestations that were named, or lie in a named folder.
    companions: Vec<PathBuf>,
    /// Named one by one, but no distributions; with the reason.
    strangers: Vec<(PathBuf, String)>,
}

impl Found {
    fn folder(&mut self, folder: &Path) -> Result<(), Error> {
        let unreadable = |source: io::Error| Error::Unreadable {
            path: folder.to_owned(),
            source,
        };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            paths.push(entry.map_err(unreadable)?.path());
        }
        paths.sort();
        let mut nearly = Vec::new();
        let before = self.files.len();
        for path in paths {
            match distribution_name(&path) {
                Ok(name) if path.is_file() => self.files.push((path, name)),
                _ if is_hidden(&path) => {}
                Err(_) if is_companion(&path) => self.companions.push(path),
                Err(FilenameError::UnknownEnding(_)) | Ok(_) => {
                    self.ignored.push(Ignored::stranger(&path));
                }
                Err(error) => nearly.push((path, reason_of(&error))),
            }
        }
        if self.files.len() == before {
            return Err(Error::NoDistributions {
                folder: folder.to_owned(),
                nearly,
            });
        }
        self.ignored
            .extend(nearly.into_iter().map(|(path, reason)| Ignored {
                path,
                reason: Some(reason),
            }));
        Ok(())
    }

    fn file(&mut self, path: &Path) {
        match distribution_name(path) {
            Ok(name) => self.files.push((path.to_owned(), name)),
            // `dist/*` names these too. They go with the file that they belong to.
            Err(_) if is_companion(path) => self.companions.push(path.to_owned()),
            Err(error) => self.strangers.push((path.to_owned(), reason_of(&error))),
        }
    }

    fn pattern(&mut self, pattern: &Path) -> Result<(), Error> {
        let nothing = || Error::NothingThere(pattern.to_owned());
        let text = pattern.to_str().ok_or_else(nothing)?;
        let mut matches = glob::glob(text).map_err(|_| nothing())?.peekable();
        if matches.peek().is_none() {
            return Err(nothing());
        }
        for path in matches {
            let path = path.map_err(|error| Error::Unreadable {
                path: error.path().to_owned(),
                source: error.into(),
            })?;
            if path.is_dir() {
                self.ignored.push(Ignored::stranger(&path));
            } else {
                self.file(&path);
            }
        }
        Ok(())
    }
}

impl Found {
    /// The file with its signature and attestations. What was named comes before what merely lies beside the file.
    fn companions_of(&self, path: PathBuf, filename: DistFilename) -> Result<Selected, Error> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let unreadable = |source: io::Error| Error::Unreadable {
            path: folder.to_owned(),
            source,
        };
        let mut candidates = self.companions.clone();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            candidates.push(entry.map_err(unreadable)?.path());
        }
        let ours = candidates.into_iter().filter(|path| belongs_to(path, &filename));
        let (signatures, mut attestations): (Vec<_>, Vec<_>) =
            ours.partition(|path| path.extension().is_some_and(|ending| ending == "asc"));
        attestations.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
        attestations.dedup_by(|a, b| a.file_name() == b.file_name());
        Ok(Selected {
            path,
            filename,
            signature: signatures.into_iter().next(),
            attestations,
        })
    }
}

/// Whether a file is the signature or an attestation of the distribution of that name.
fn belongs_to(path: &Path, filename: &DistFilename) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let rest = name
        .strip_prefix(filename.as_str())
        .and_then(|rest| rest.strip_prefix('.'));
    rest.is_some_and(|rest| {
        let attestation = rest.strip_suffix(".attestation");
        rest == "asc" || attestation.is_some_and(|kind| !kind.is_empty())
    })
}

fn distribution_name(path: &Path) -> Result<DistFilename, FilenameError> {
    path.file_name().unwrap_or_default().to_string_lossy().parse()
}

/// The reason behind `X is not a distribution: `, without saying that again.
fn reason_of(error: &FilenameError) -> String {
    match error {
        FilenameError::UnknownEnding(_) => "its name ends in none of `.whl`, `.tar.gz` and `.zip`".to_owned(),
        FilenameError::Wheel { reason, .. } => format!("no wheel has such a name, {reason}"),
        FilenameError::Sdist(name) => bad_version(name).map_or_else(
            || "an sdist's name is the project's name, a dash, the version and `.tar.gz`".to_owned(),
            |error| in_one_line(&error),
        ),
        FilenameError::Name { source, .. } => in_one_line(source),
        FilenameError::Version { source, .. } => in_one_line(source),
        FilenameError::TooLong { .. }
        | FilenameError::NotPlain(_)
        | FilenameError::NotInstaller(_)
        | FilenameError::NotTaken { .. } => in_one_line(error),
    }
}

/// What is wrong with the part of an sdist's name that is meant as the version: it follows the first dash that a
/// digit follows.
fn bad_version(filename: &str) -> Option<VersionError> {
    let stem = filename
        .strip_suffix(".tar.gz")
        .or_else(|| filename.strip_suffix(".zip"))?;
    let (_, version) = stem
        .match_indices('-')
        .map(|(at, _)| stem.split_at(at + 1))
        .find(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()))?;
    version.parse::<Version>().err()
}

fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_companion(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending == "asc" || ending == "attestation")
}

/// One path for each file; two files of one name can't both be on an index.
fn without_repeats(files: Vec<(PathBuf, DistFilename)>) -> Result<Vec<(PathBuf, DistFilename)>, Error> {
    let mut seen: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut unique = Vec::new();
    for (path, name) in files {
        match seen.get(&name.identity()) {
            None => {
                seen.insert(name.identity(), path.clone());
                unique.push((path, name));
            }
            Some(first) if is_same_file(first, &path) => {}
            Some(first) => {
                return Err(Error::SameName {
                    first: first.clone(),
                    second: path,
                });
            }
        }
    }
    Ok(unique)
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHEEL: &str = "a-1.0-py3-none-any.whl";
    const SDIST: &str = "a-1.0.tar.gz";

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        folder
    }

    fn names(selection: &Selection) -> Vec<&str> {
        selection
            .files
            .iter()
            .map(|file| file.filename.as_str())
            .collect()
    }

    #[test]
    fn a_folder_means_its_distributions_with_wheels_first() {
        let folder = folder(&[
            SDIST,
            WHEEL,
            ".gitignore",
            "notes.txt",
            "a-1.0.egg",
            "a-1.0.tar.gz.asc",
        ]);
        fs::create_dir(folder.path().join("b-1.0-py3-none-any.whl")).unwrap();
        let selection = select(&[folder.path().to_owned()]).unwrap();
        assert_eq!(names(&selection), [WHEEL, SDIST]);
        let ignored: Vec<_> = selection
            .ignored
            .iter()
            .map(|ignored| ignored.path.file_name().unwrap())
            .collect();
        assert_eq!(ignored, ["a-1.0.egg", "b-1.0-py3-none-any.whl", "notes.txt"]);
        let signature = |at: usize| selection.files[at].signature.as_ref();
        assert_eq!(
            (signature(0), signature(1)),
            (None, Some(&folder.path().join("a-1.0.tar.gz.asc")))
        );
    }

    #[test]
    fn what_looks_like_a_distribution_is_passed_over_with_a_reason() {
        let folder = folder(&[WHEEL, "Old.Style_Pkg-1.0dev-r123.tar.gz", "notes.txt"]);
        let selection = select(&[folder.path().to_owned()]).unwrap();
        let reasons: Vec<_> = selection.ignored.iter().map(|ignored| &ignored.reason).collect();
        assert_eq!(selection.ignored.len(), 2);
        assert!(
            reasons[0].as_ref().is_some_and(|text| text.contains("r123")),
            "{reasons:?}"
        );
        assert_eq!(reasons[1], &None);
        fs::remove_file(folder.path().join(WHEEL)).unwrap();
        let text = select(&[folder.path().to_owned()]).unwrap_err().to_string();
        assert!(text.contains("r123") && !text.contains("notes.txt"), "{text}");
    }

    #[test]
    fn files_folders_and_patterns_mix_without_repeats() {
        let folder = folder(&[SDIST, WHEEL, "a-1.0.tar.gz.asc"]);
        let at = |name: &str| folder.path().join(name);
        let arguments = [at("*"), at(SDIST), folder.path().to_owned(), at("./a-1.0.tar.gz")];
        let selection = select(&arguments).unwrap();
        assert_eq!(names(&selection), [WHEEL, SDIST]);
        assert_eq!(selection.ignored, []);
    }

    #[test]
    fn signatures_and_attestations_go_with_their_file() {
        let beside = folder(&[WHEEL, "a-1.0-py3-none-any.whl.asc"]);
        let elsewhere = folder(&[
            "a-1.0-py3-none-any.whl.asc",
            "a-1.0-py3-none-any.whl.build.attestation",
            "a-1.0-py3-none-any.whl.a.publish.attestation",
            "a-1.0-py3-none-any.whl.attestation",
            "b-1.0.tar.gz.asc",
        ]);
        let all = [beside.path().join(WHEEL), elsewhere.path().join("*")];
        let selection = select(&all).unwrap();
        let file = &selection.files[0];
        assert!(
            file.signature.as_ref().unwrap().starts_with(elsewhere.path()),
            "{file:?}"
        );
        let attestations: Vec<_> = file
            .attestations
            .iter()
            .map(|path| path.file_name().unwrap())
            .collect();
        assert_eq!(
            attestations,
            [
                "a-1.0-py3-none-any.whl.a.publish.attestation",
                "a-1.0-py3-none-any.whl.build.attestation"
            ]
        );
        let ignored: Vec<_> = selection
            .ignored
            .iter()
            .map(|one| one.path.file_name().unwrap())
            .collect();
        assert_eq!(
            ignored,
            ["a-1.0-py3-none-any.whl.attestation", "b-1.0.tar.gz.asc"]
        );
        let alone = select(&[elsewhere.path().join("b-1.0.tar.gz.asc")]);
        assert!(matches!(alone, Err(Error::NotDistributions(_))), "{alone:?}");
    }

    #[test]
    fn strangers_are_all_named_when_they_were_named() {
        let folder = folder(&[WHEEL, "notes.txt", "a.whl"]);
        let at = |name: &str| folder.path().join(name);
        let Err(Error::NotDistributions(strangers)) = select(&[at(WHEEL), at("notes.txt"), at("a.whl")])
        else {
            panic!("strangers were taken")
        };
        let paths: Vec<_> = strangers.into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, [at("notes.txt"), at("a.whl")]);
    }

    #[test]
    fn nothing_is_an_error_that_says_where() {
        let folder = folder(&["notes.txt"]);
        let at = |name: &str| folder.path().join(name);
        assert!(matches!(
            select(&[folder.path().to_owned()]),
            Err(Error::NoDistributions { .. })
        ));
        for missing in ["x.whl", "*.whl", "[.whl"] {
            let found = select(&[at(missing)]);
            assert!(
                matches!(&found, Err(Error::NothingThere(path)) if *path == at(missing)),
                "{found:?}"
            );
        }
    }

    #[test]
    fn two_files_of_one_name_are_refused() {
        let (one, two) = (folder(&[WHEEL]), folder(&["A-1.0.0-py3-none-any.whl"]));
        let both = select(&[one.path().to_owned(), two.path().to_owned()]);
        assert!(matches!(both, Err(Error::SameName { .. })), "{both:?}");
    }
}
