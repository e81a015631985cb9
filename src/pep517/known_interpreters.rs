//! What interpreters have said of themselves, kept so that the next build need not start one to ask.
//!
//! Only of programs that are machine code: a launcher script means another interpreter in another folder, or tomorrow.
//! An answer counts while the program is the same file and nothing has changed that the answer depends on.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::interpreter::Answer;
use super::variables::Variables;
use crate::packaging::Sha256;

/// How programs of machine code begin on Linux and macOS.
const MACHINE_CODE: [[u8; 4]; 3] = [*b"\x7fELF", [0xcf, 0xfa, 0xed, 0xfe], [0xca, 0xfe, 0xba, 0xbe]];

/// The answers, each in a file of its own.
#[derive(Clone, Debug)]
pub(crate) struct KnownInterpreters {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    stamp: String,
    answer: Answer,
}

impl KnownInterpreters {
    /// Those in `folder`, which is created when there is something to keep.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// What `program` has said, if it would say the same again.
    pub(super) fn recall(&self, program: &Path, variables: &Variables) -> Option<Answer> {
        let text = fs::read(self.entry_path(program)).ok()?;
        let entry: Entry = serde_json::from_slice(&text).ok()?;
        (stamp(program, variables)? == entry.stamp).then_some(entry.answer)
    }

    /// Keeps what `program` says now. What can't be kept is asked again.
    pub(super) fn remember(&self, program: &Path, variables: &Variables, answer: &Answer) {
        if let Some(stamp) = stamp(program, variables) {
            let _ = self.write(
                program,
                &Entry {
                    stamp,
                    answer: answer.clone(),
                },
            );
        }
    }

    /// Forgets all of them.
    pub(crate) fn clear(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn write(&self, program: &Path, entry: &Entry) -> io::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        serde_json::to_writer(&mut file, entry)?;
        file.persist(self.entry_path(program))?;
        Ok(())
    }

    fn entry_path(&self, program: &Path) -> PathBuf {
        let name = Sha256::of(program.as_os_str().as_bytes()).to_string();
        self.folder.join(format!("{name}.json"))
    }
}

/// Changes whenever `program` may be another interpreter; `None` for one of which that can't be told.
fn stamp(program: &Path, variables: &Variables) -> Option<String> {
    let real = program.canonicalize().ok()?;
    let mut file = File::open(&real).ok()?;
    let mut start = [0; 4];
    file.read_exact(&mut start).ok()?;
    if !MACHINE_CODE.contains(&start) {
        return None;
    }
    let metadata = file.metadata().ok()?;
    let numbers = [
        i64::try_from(metadata.len()).ok()?,
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    ];
    // The one of a virtual environment lies beside the program, or in the folder above it.
    let settings = program.ancestors().skip(1).take(2);
    let settings = settings.filter_map(|folder| fs::read(folder.join("pyvenv.cfg")).ok());
    // These choose the library that most of an interpreter may be in.
    let loading = variables.starting_with(&["LD_", "DYLD_", "__PYVENV_LAUNCHER__"]);
    let parts = (
        real,
        numbers,
        settings
            .map(Sha256::of)
            .map(|digest| digest.to_string())
            .collect::<Vec<_>>(),
        loading.collect::<Vec<(&OsStr, &OsStr)>>(),
    );
    Some(Sha256::of(format!("{parts:?}")).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Answer {
        serde_json::from_str(
            r#"{"executable": "/usr/bin/python3", "version": [3, 12, 1], "implementation": "cpython", "build": "b"}"#,
        )
        .unwrap()
    }

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (OsStr::new(*name), OsStr::new(*value)));
        Variables::without_credentials(pairs)
    }

    #[test]
    fn an_answer_counts_until_something_changes_that_it_depends_on() {
        let scratch = tempfile::tempdir().unwrap();
        let known = KnownInterpreters::new(scratch.path().join("deep/known"));
        let program = scratch.path().join("venv/bin/python");
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::write(&program, b"\x7fELF and more").unwrap();
        let plain = variables(&[("PATH", "/usr/bin")]);
        assert!(known.recall(&program, &plain).is_none());
        known.remember(&program, &plain, &answer());
        let recalled = known.recall(&program, &variables(&[])).unwrap();
        assert_eq!(recalled.version, [3, 12, 1]);

        assert!(
            known
                .recall(&program, &variables(&[("LD_LIBRARY_PATH", "/x")]))
                .is_none()
        );
        fs::write(scratch.path().join("venv/pyvenv.cfg"), "home = /elsewhere").unwrap();
        assert!(known.recall(&program, &plain).is_none());
        known.remember(&program, &plain, &answer());
        assert!(known.recall(&program, &plain).is_some());
        // Another program of the same size and age, in its place.
        let other = scratch.path().join("other");
        fs::write(&other, b"\x7fELF AND MORE").unwrap();
        let modified = fs::metadata(&program).unwrap().modified().unwrap();
        File::options()
            .write(true)
            .open(&other)
            .unwrap()
            .set_modified(modified)
            .unwrap();
        fs::rename(&other, &program).unwrap();
        assert!(known.recall(&program, &plain).is_none());
        known.clear().unwrap();
        known.clear().unwrap();
    }

    #[test]
    fn a_launcher_script_is_asked_each_time() {
        let scratch = tempfile::tempdir().unwrap();
        let known = KnownInterpreters::new(scratch.path().join("known"));
        for content in [&b"#!/bin/sh\nexec python3.12 \"$@\"\n"[..], b"", b"\x7fE"] {
            let program = scratch.path().join("python");
            fs::write(&program, content).unwrap();
            known.remember(&program, &variables(&[]), &answer());
            assert!(known.recall(&program, &variables(&[])).is_none());
        }
        // What was written there by somebody else is no answer.
        let program = scratch.path().join("python");
        fs::write(&program, b"\x7fELF").unwrap();
        known.remember(&program, &variables(&[]), &answer());
        fs::write(known.entry_path(&program), "{}").unwrap();
        assert!(known.recall(&program, &variables(&[])).is_none());
    }
}
