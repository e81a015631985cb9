//! What became of every file: filled while [`publish`](super::publish::publish) works, so that it is right whenever
//! that ends, be it by a failure or because the user had enough.

use url::Url;

use super::distribution::Distribution;
use super::progress::Outcome;
use crate::packaging::{ProjectName, ReleaseVersion, Sha256};

/// All files, in the order in which they are sent.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// One entry each.
    pub files: Vec<FileReport>,
}

/// One file.
#[derive(Debug, Clone)]
pub struct FileReport {
    /// Its name.
    pub filename: String,
    /// Its project.
    pub project: ProjectName,
    /// Its release.
    pub version: ReleaseVersion,
    /// Its length.
    pub size_bytes: u64,
    /// Its digest.
    pub sha256: Sha256,
    /// How far it got.
    pub state: State,
    /// The index was seen to list it with our sha256.
    pub is_verified: bool,
    /// The index took it, and still did not list it when it was last asked.
    pub is_awaited: bool,
    /// Where the index offers it, where that is known.
    pub url: Option<Url>,
}

/// How far a file got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nothing of it was sent.
    Waiting,
    /// Some or all of it was sent, and no answer came yet.
    UnderWay,
    /// It is on the index.
    Done(Outcome),
    /// It is not, for this reason, which is one line.
    Failed(String),
}

impl Report {
    pub(super) fn of(distributions: &[&Distribution]) -> Self {
        let files = distributions.iter().map(|distribution| FileReport {
            filename: distribution.filename().to_owned(),
            project: distribution.project().clone(),
            version: distribution.version().clone(),
            size_bytes: distribution.size_bytes,
            sha256: distribution.sha256,
            state: State::Waiting,
            is_verified: false,
            is_awaited: false,
            url: None,
        });
        Self {
            files: files.collect(),
        }
    }

    /// The names of the files that are on the index.
    pub fn done(&self) -> impl Iterator<Item = &str> {
        self.with(|state| matches!(state, State::Done(_)))
    }

    /// The names of those that were being sent when it ended.
    pub fn under_way(&self) -> impl Iterator<Item = &str> {
        self.with(|state| *state == State::UnderWay)
    }

    /// The names of those that are not there, failed ones included.
    pub fn left(&self) -> impl Iterator<Item = &str> {
        self.with(|state| matches!(state, State::Waiting | State::Failed(_)))
    }

    fn with(&self, wanted: impl Fn(&State) -> bool) -> impl Iterator<Item = &str> {
        let files = self.files.iter().filter(move |file| wanted(&file.state));
        files.map(|file| file.filename.as_str())
    }
}
