//! What is wrong with a distribution, judged before anything is sent.
//!
//! `archive` decides what is sound, and an index must go no further than that. This room goes as far as an uploader
//! should: what the public index and the tools around it would refuse is an error here, and what their users would
//! regret is a warning.
//!
//! | question | file |
//! |---|---|
//! | which problems there are, how bad they are, and what to do about each | `problem.rs` |
//! | which headers there are, since when, how often | `headers.rs` |
//! | what the headers must and must not say together | `metadata.rs` |
//! | what a license expression may be | `license.rs` |
//! | what kind of text the long description is | `description.rs` |
//! | whether a reStructuredText description renders | `ordinary.rs` where that is certain; else `render.rs`, which asks `docutils.rs` with `render.py` and remembers in `verdicts.rs`; `markup.rs` where there is no renderer |
//! | which files lie beside newer ones | `stale.rs` |

mod description;
mod docutils;
mod headers;
mod license;
mod markup;
mod metadata;
#[cfg(any(test, fuzzing))]
pub mod oracles;
mod ordinary;
mod problem;
mod render;
mod stale;
mod verdicts;

use std::fs::File;
use std::path::{Path, PathBuf};

pub use problem::{Problem, Severity};
pub use stale::add_stale;

use crate::archive::{self, Inspection, Limits, Policy, Rule};
use crate::packaging::DistFilename;
use crate::pep517::Variables;
use render::Renderer;

/// Judges distributions.
#[derive(Debug)]
pub struct Checker {
    limits: Limits,
    renderer: Renderer,
}

/// What was found about one file.
#[derive(Debug)]
pub struct Judgement {
    /// The file.
    pub path: PathBuf,
    /// Its name.
    pub filename: DistFilename,
    /// The archive's own account; `None` when it is not sound.
    pub inspection: Option<Inspection>,
    /// What is wrong, in the order in which it was found.
    pub problems: Vec<Problem>,
}

/// How a file has passed, as one word for people and programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing is wrong.
    Passed,
    /// There are warnings, and they were not to count.
    PassedWithWarnings,
    /// There are warnings, and they were to count.
    FailedDueToWarnings,
    /// There is an error.
    Failed,
}

impl Judgement {
    /// The verdict; `strict` counts warnings as errors.
    #[must_use]
    pub fn verdict(&self, strict: bool) -> Verdict {
        match (self.problems.iter().map(Problem::severity).max(), strict) {
            (None, _) => Verdict::Passed,
            (Some(Severity::Warning), false) => Verdict::PassedWithWarnings,
            (Some(Severity::Warning), true) => Verdict::FailedDueToWarnings,
            (Some(Severity::Error), _) => Verdict::Failed,
        }
    }
}

impl Checker {
    /// A checker that finds a renderer of reStructuredText through `variables`: Python with `readme_renderer` or
    /// `docutils`, in the active virtual environment, beside twine, or on the search path. Which texts have rendered is
    /// remembered in the folder `memory`, if there is one.
    #[must_use]
    pub fn new(variables: Variables, memory: Option<PathBuf>) -> Self {
        let policy = Policy {
            license_files: archive::Verdict::Warn,
            ..Policy::default()
        };
        Self {
            limits: Limits {
                policy,
                ..Limits::default()
            },
            renderer: Renderer::new(variables, memory, render::PATIENCE),
        }
    }

    /// Judges all files, each read once from its first byte to its last in constant memory. Python is started once,
    /// and only when a description is reStructuredText.
    #[must_use]
    pub fn judge(&self, files: &[(PathBuf, DistFilename)]) -> Vec<Judgement> {
        let examined = files.iter().map(|(path, filename)| self.examine(path, filename));
        self.render(examined)
    }

    /// As [`Checker::judge`], for files that were inspected already, within [`Checker::limits`].
    #[must_use]
    pub fn judge_read(&self, files: Vec<(PathBuf, DistFilename, Inspection)>) -> Vec<Judgement> {
        let examined = files.into_iter().map(|(path, filename, inspection)| {
            let judgement = Judgement {
                path,
                filename,
                inspection: None,
                problems: Vec::new(),
            };
            weigh(judgement, inspection)
        });
        self.render(examined)
    }

    /// Prepares for a file that will be judged: what must be started for it is started now.
    pub fn expect(&self, inspection: &Inspection) {
        if let (_, Some(text)) = description::judge(&inspection.metadata) {
            self.renderer.expect(text);
        }
    }

    /// What an archive may hold.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Adds what rendering has to say, for all texts at once.
    fn render(&self, examined: impl Iterator<Item = (Judgement, Option<String>)>) -> Vec<Judgement> {
        let mut judgements = Vec::new();
        let mut texts = Vec::new();
        for (judgement, text) in examined {
            texts.extend(text.map(|text| (judgements.len(), text)));
            judgements.push(judgement);
        }
        let written: Vec<&str> = texts.iter().map(|(_, text)| text.as_str()).collect();
        let problems = self.renderer.render(&written);
        for ((position, _), problem) in texts.iter().zip(problems) {
            judgements[*position].problems.extend(problem);
        }
        judgements
    }

    /// All but the rendering, and the reStructuredText that is to be rendered.
    fn examine(&self, path: &Path, filename: &DistFilename) -> (Judgement, Option<String>) {
        let mut judgement = Judgement {
            path: path.to_owned(),
            filename: filename.clone(),
            inspection: None,
            problems: Vec::new(),
        };
        let inspection = File::open(path)
            .map_err(archive::Error::Read)
            .and_then(|file| archive::inspect(filename, &file, &self.limits));
        let inspection = match inspection {
            Ok(inspection) => inspection,
            Err(error) => {
                judgement.problems.push(Problem::Archive(error));
                return (judgement, None);
            }
        };
        weigh(judgement, inspection)
    }
}

/// What a sound archive says of itself, and the reStructuredText that is to be rendered.
fn weigh(mut judgement: Judgement, inspection: Inspection) -> (Judgement, Option<String>) {
    judgement.problems.extend(oddities(&inspection));
    judgement.problems.extend(metadata::judge(&inspection.metadata));
    let (problems, text) = description::judge(&inspection.metadata);
    judgement.problems.extend(problems);
    let text = text.map(str::to_owned);
    judgement.inspection = Some(inspection);
    (judgement, text)
}

/// What the archive was let pass with.
fn oddities(inspection: &Inspection) -> impl Iterator<Item = Problem> {
    inspection
        .warnings
        .iter()
        .map(|warning| match &warning.finding.rule {
            Rule::LicenseFile => Problem::LicenseFileMissing(warning.clone()),
            _ => Problem::Oddity(warning.clone()),
        })
}
