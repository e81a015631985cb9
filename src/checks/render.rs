//! Renders reStructuredText as indexes do: by docutils, in a Python of the user's.
//!
//! docutils is the definition of the format. The parsers that were written for Rust know a part of it, and would
//! refuse what indexes show and pass what they refuse. Where there is no docutils, `markup.rs` looks for the usual
//! mistakes, and the user is told that nothing was rendered.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::docutils::{self, Docutils, Silence};
use super::problem::Problem;
use super::verdicts::Verdicts;
use super::{markup, ordinary};
use crate::pep517::Variables;

/// How long a renderer may keep silent: at its start, and over each text.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

const NO_DOCUTILS: &str = "there is no Python with docutils here";

/// Finds a Python that can render, and has it render. One that is not needed is not started: not for texts that are
/// sure to render, nor for those that it has rendered before.
#[derive(Debug)]
pub(super) struct Renderer {
    search: Arc<Search>,
    /// A renderer on its way, started when the first text for it was seen.
    expected: Mutex<Option<JoinHandle<Found>>>,
}

/// Where a renderer is looked for.
#[derive(Debug)]
struct Search {
    variables: Variables,
    verdicts: Verdicts,
    patience: Duration,
}

/// A renderer, or why there is none.
type Found = Result<Docutils, String>;

/// What is known of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Renders,
    Complaint(String),
    /// It was not rendered, for this reason.
    Unknown(String),
}

impl Renderer {
    /// One that looks for Python through these variables, and gives them to it; what rendered once is remembered in
    /// the folder.
    pub(super) fn new(variables: Variables, memory: Option<PathBuf>, patience: Duration) -> Self {
        Self {
            search: Arc::new(Search {
                variables,
                verdicts: Verdicts::in_folder(memory),
                patience,
            }),
            expected: Mutex::new(None),
        }
    }

    /// Gets a renderer ready, if this text needs one, while the caller does something else.
    pub(super) fn expect(&self, text: &str) {
        if ordinary::renders(text) {
            return;
        }
        let mut expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        if expected.is_none() && !self.search.remembers(text) {
            let search = Arc::clone(&self.search);
            *expected = Some(std::thread::spawn(move || search.start()));
        }
    }

    /// For each text the problem that it has, if any.
    pub(super) fn render(&self, texts: &[&str]) -> Vec<Option<Problem>> {
        // Wheel and sdist have the same text as a rule.
        let distinct: BTreeSet<&str> = texts.iter().copied().collect();
        let extraordinary = distinct.into_iter().filter(|text| !ordinary::renders(text));
        let distinct: Vec<&str> = extraordinary.collect();
        let fates = self.fates(&distinct);
        let problem_of = |text: &&str| {
            let position = distinct.binary_search(text).ok()?;
            match &fates[position] {
                Fate::Renders => None,
                Fate::Complaint(complaint) => Some(problem(complaint)),
                Fate::Unknown(reason) => {
                    Some(markup::first_mistake(text).unwrap_or_else(|| Problem::NotRendered(reason.clone())))
                }
            }
        };
        texts.iter().map(problem_of).collect()
    }

    fn fates(&self, texts: &[&str]) -> Vec<Fate> {
        let remembered: Vec<bool> = texts.iter().map(|text| self.search.remembers(text)).collect();
        let asked: Vec<&str> = texts
            .iter()
            .zip(&remembered)
            .filter(|(_, remembered)| !**remembered)
            .map(|(text, _)| *text)
            .collect();
        let mut answers = self.ask(&asked).into_iter();
        let fate = |remembered: &bool| match remembered {
            true => Fate::Renders,
            false => answers
                .next()
                .unwrap_or_else(|| Fate::Unknown(NO_DOCUTILS.to_owned())),
        };
        remembered.iter().map(fate).collect()
    }

    fn ask(&self, texts: &[&str]) -> Vec<Fate> {
        if texts.is_empty() {
            return Vec::new();
        }
        let expected = self
            .expected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let found = match expected.map(JoinHandle::join) {
            Some(Ok(found)) => found,
            None | Some(Err(_)) => self.search.start(),
        };
        match found {
            Ok(docutils) => self.search.ask(docutils, texts),
            Err(reason) => vec![Fate::Unknown(reason); texts.len()],
        }
    }
}

impl Search {
    /// Whether the renderer that would be asked has rendered this text before.
    fn remembers(&self, text: &str) -> bool {
        for interpreter in docutils::interpreters(&self.variables) {
            match self.verdicts.recall(&interpreter) {
                Some(record) if record.renders => return record.knows(text),
                // Known to have no renderer: the next one would be asked.
                Some(_) => {}
                None => return false,
            }
        }
        false
    }

    /// Starts the first interpreter that has a renderer.
    fn start(&self) -> Found {
        let mut reason = NO_DOCUTILS.to_owned();
        for interpreter in docutils::interpreters(&self.variables) {
            if self
                .verdicts
                .recall(&interpreter)
                .is_some_and(|record| !record.renders)
            {
                continue;
            }
            match Docutils::start(&interpreter, &self.variables, self.patience) {
                Ok(docutils) if docutils.introduction.renders => return Ok(docutils),
                Ok(docutils) => self.verdicts.keep(&interpreter, &docutils.introduction, &[]),
                Err(Silence::Ended) => {}
                Err(Silence::TooLong) => {
                    reason = self.too_slow(&interpreter);
                    break;
                }
            }
        }
        Err(reason)
    }

    fn ask(&self, docutils: Docutils, texts: &[&str]) -> Vec<Fate> {
        let interpreter = docutils.interpreter.clone();
        let (answers, introduction) = docutils.complaints(texts);
        let fates: Vec<Fate> = answers
            .into_iter()
            .map(|answer| match answer {
                Ok(None) => Fate::Renders,
                Ok(Some(complaint)) => Fate::Complaint(complaint),
                Err(Silence::TooLong) => Fate::Unknown(self.too_slow(&interpreter)),
                Err(Silence::Ended) => Fate::Unknown(format!("`{}` ended over it", interpreter.display())),
            })
            .collect();
        let rendered = texts
            .iter()
            .zip(&fates)
            .filter(|(_, fate)| **fate == Fate::Renders);
        let rendered: Vec<&str> = rendered.map(|(text, _)| *text).collect();
        self.verdicts.keep(&interpreter, &introduction, &rendered);
        fates
    }

    fn too_slow(&self, interpreter: &std::path::Path) -> String {
        format!(
            "`{}` did not answer within {} s",
            interpreter.display(),
            self.patience.as_secs_f64()
        )
    }
}

/// Reads docutils' `<string>:7: (WARNING/2) Title underline too short.` and the lines that follow.
fn problem(complaint: &str) -> Problem {
    let first = complaint.trim().lines().next().unwrap_or_default();
    if first.starts_with("No content rendered") {
        return Problem::DescriptionBlank;
    }
    let parsed = first.strip_prefix("<string>:").and_then(|rest| {
        let (place, message) = rest.split_once(") ")?;
        let (line, _) = place.split_once(':').unwrap_or_default();
        Some((line.parse().ok(), message))
    });
    let (line, message) = parsed.unwrap_or((None, first));
    Problem::Markup {
        line,
        message: message.trim().trim_end_matches('.').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use std::time::Instant;

    use super::*;

    /// A table, which is left to docutils.
    const TABLE: &str = "== ==\na  b\n== ==\n";

    /// A renderer whose only Python is this shell script.
    fn renderer(scratch: &Path, script: &str, patience: Duration) -> Renderer {
        let python = scratch.join("python3");
        fs::write(&python, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
        let path = scratch.as_os_str();
        let variables = Variables::without_credentials([("PATH".as_ref(), path)].into_iter());
        Renderer::new(variables, Some(scratch.join("memory")), patience)
    }

    fn reason(problem: Option<&Problem>) -> String {
        match problem {
            Some(Problem::NotRendered(reason)) => reason.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_renderer_that_hangs_is_given_up() {
        let scratch = tempfile::tempdir().unwrap();
        let patience = Duration::from_millis(100);
        let begun = Instant::now();
        // Silent from the start, though a child of its own holds the pipe open.
        let silent = renderer(scratch.path(), "/bin/sleep 60 & wait", patience);
        silent.expect(TABLE);
        let problems = silent.render(&[TABLE, "Plain.\n"]);
        assert!(reason(problems[0].as_ref()).ends_with("did not answer within 0.1 s"));
        assert!(problems[1].is_none());
        // Silent over the first text. What can be told without it is told.
        let hello = r#"echo '{"renders": true, "executable": "/", "rests_on": []}'; /bin/sleep 60"#;
        let stuck = renderer(scratch.path(), hello, Duration::from_secs(1));
        let problems = stuck.render(&[TABLE, "A title\n====\n"]);
        assert!(reason(problems[0].as_ref()).contains("did not answer"));
        assert!(problems[1].as_ref().unwrap().to_string().contains("too short"));
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn what_rendered_is_remembered_and_what_did_not_is_asked_again() {
        let scratch = tempfile::tempdir().unwrap();
        let other = "| line\n";
        let script = format!(
            "echo x >> {0}/starts\necho '{{\"renders\": true, \"executable\": \"{0}/python3\", \"rests_on\": []}}'\n\
             echo null; echo '\"<string>:1: (ERROR/3) No.\"'; /bin/cat > {0}/rest\n",
            scratch.path().display()
        );
        let renderer = renderer(scratch.path(), &script, PATIENCE);
        let starts =
            || fs::read_to_string(scratch.path().join("starts")).map_or(0, |text| text.lines().count());
        assert!(renderer.render(&["Plain.\n"])[0].is_none());
        assert_eq!(starts(), 0);
        // In the order of the texts: the table renders, the line doesn't.
        let problems = renderer.render(&[TABLE, other]);
        assert!(problems[0].is_none() && problems[1].is_some());
        assert!(renderer.render(&[TABLE])[0].is_none());
        assert_eq!(starts(), 1);
        renderer.render(&[other]);
        assert_eq!(starts(), 2);
    }

    #[test]
    fn complaints_of_docutils_are_understood() {
        let told = |complaint: &str| problem(complaint).to_string();
        assert_eq!(
            told("<string>:7: (WARNING/2) Title underline too short.\n\nTitle\n===\n"),
            "its description does not render as reStructuredText at line 7: Title underline too short"
        );
        assert_eq!(
            told("<string>: (ERROR/3) Anonymous hyperlink mismatch: 1 references but 0 targets.\n"),
            "its description does not render as reStructuredText: Anonymous hyperlink mismatch: 1 references but 0 \
             targets"
        );
        assert!(told("No content rendered from RST source.").contains("shows nothing"));
        assert!(told("").contains("does not render"));
    }
}
