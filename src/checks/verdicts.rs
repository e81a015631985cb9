//! Which texts are known to render, kept for the next time: starting Python costs more than all else together.
//!
//! ```text
//! KEY.json    what one interpreter can do, what that rests on, and the digests of the texts that it rendered
//! ```
//!
//! A record counts as long as everything that it rests on is as it was: the interpreter, the folders that it loads
//! modules from, the renderer itself, and the script that asks it. Only good news are kept, so whatever is refused
//! was rendered just now. A record that is lost or damaged costs a start of Python.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::docutils::{Introduction, SCRIPT};

/// How many texts of one interpreter are kept; then it begins anew.
const MAX_TEXTS: usize = 1000;
/// The longest record that is read, in bytes.
const MAX_RECORD_BYTES: u64 = 1 << 20;

/// The records, all in one folder.
#[derive(Debug)]
pub(super) struct Verdicts {
    /// `None` keeps nothing.
    folder: Option<PathBuf>,
}

/// What is known of one interpreter.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    script: String,
    interpreter: PathBuf,
    rests_on: Vec<(PathBuf, Option<Stamp>)>,
    /// Whether it can render at all.
    pub(super) renders: bool,
    texts: Vec<String>,
}

/// What a file or folder is told by.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    inode: u64,
    size: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            inode: metadata.ino(),
            size: metadata.len(),
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec(),
        })
    }
}

impl Record {
    /// What an interpreter has said of itself. `None` for one that is another than it was called by: which one such a
    /// stand-in chooses may depend on anything.
    fn of(interpreter: &Path, introduction: &Introduction) -> Option<Self> {
        let itself = fs::canonicalize(&introduction.executable).ok()?;
        if itself != fs::canonicalize(interpreter).ok()? {
            return None;
        }
        let stamped = |path: &PathBuf| (path.clone(), Stamp::of(path));
        Some(Self {
            script: digest(SCRIPT),
            interpreter: interpreter.to_owned(),
            rests_on: introduction.rests_on.iter().map(stamped).collect(),
            renders: introduction.renders,
            texts: Vec::new(),
        })
    }

    fn is_current(&self) -> bool {
        self.script == digest(SCRIPT)
            && self
                .rests_on
                .iter()
                .all(|(path, stamp)| Stamp::of(path) == *stamp)
    }

    /// Whether this text was seen to render.
    pub(super) fn knows(&self, text: &str) -> bool {
        self.texts.contains(&digest(text))
    }
}

impl Verdicts {
    pub(super) fn in_folder(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// What is known of an interpreter, if that still holds.
    pub(super) fn recall(&self, interpreter: &Path) -> Option<Record> {
        let path = self.path_for(interpreter)?;
        let is_short = fs::metadata(&path).ok()?.len() <= MAX_RECORD_BYTES;
        let record: Record = serde_json::from_slice(&is_short.then(|| fs::read(&path).ok())??).ok()?;
        (record.interpreter == interpreter && record.is_current()).then_some(record)
    }

    /// Keeps what an interpreter has said of itself, and which texts it has just rendered. That it can't be kept is
    /// no reason to complain.
    pub(super) fn keep(&self, interpreter: &Path, introduction: &Introduction, rendered: &[&str]) {
        let kept = self.recall(interpreter).filter(|record| record.renders);
        let Some(mut record) = kept.or_else(|| Record::of(interpreter, introduction)) else {
            return;
        };
        if record.texts.len() + rendered.len() > MAX_TEXTS {
            record.texts.clear();
        }
        for text in rendered.iter().take(MAX_TEXTS).map(|text| digest(text)) {
            if !record.texts.contains(&text) {
                record.texts.push(text);
            }
        }
        let _ = self.write(interpreter, &record);
    }

    fn write(&self, interpreter: &Path, record: &Record) -> std::io::Result<()> {
        let (Some(folder), Some(path)) = (&self.folder, self.path_for(interpreter)) else {
            return Ok(());
        };
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut file, record)?;
        file.persist(path)?;
        Ok(())
    }

    fn path_for(&self, interpreter: &Path) -> Option<PathBuf> {
        let name = digest(interpreter.to_str()?);
        Some(self.folder.as_ref()?.join(format!("{name}.json")))
    }
}

fn digest(text: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_holds_until_something_that_it_rests_on_changes() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        fs::write(at("python"), "x").unwrap();
        fs::create_dir(at("site")).unwrap();
        let introduction = Introduction {
            renders: true,
            executable: at("python"),
            rests_on: vec![at("python"), at("site"), at("absent")],
        };
        let verdicts = Verdicts::in_folder(Some(at("kept")));
        assert!(verdicts.recall(&at("python")).is_none());
        verdicts.keep(&at("python"), &introduction, &["good"]);
        verdicts.keep(&at("python"), &introduction, &["better"]);
        let record = verdicts.recall(&at("python")).unwrap();
        assert!(record.renders && record.knows("good") && record.knows("better") && !record.knows("bad"));
        assert!(verdicts.recall(&at("other")).is_none());
        fs::write(at("absent"), "now there").unwrap();
        assert!(verdicts.recall(&at("python")).is_none());
        // A program that is a stand-in for others is not told by its file.
        let elsewhere = Introduction {
            executable: at("absent"),
            ..introduction
        };
        verdicts.keep(&at("python"), &elsewhere, &["good"]);
        assert!(verdicts.recall(&at("python")).is_none());
    }

    #[test]
    fn damaged_records_and_no_folder_are_no_trouble() {
        let scratch = tempfile::tempdir().unwrap();
        let python = scratch.path().join("python");
        let verdicts = Verdicts::in_folder(Some(scratch.path().to_owned()));
        fs::write(verdicts.path_for(&python).unwrap(), "{").unwrap();
        assert!(verdicts.recall(&python).is_none());
        assert!(Verdicts::in_folder(None).recall(&python).is_none());
    }
}
