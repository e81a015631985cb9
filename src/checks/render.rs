//! Renders reStructuredText as indexes do: by docutils, in a Python of the user's.
//!
//! docutils is the definition of the format. The parsers that were written for Rust know a part of it, and would
//! refuse what indexes show and pass what they refuse. Where there is no docutils, `markup.rs` looks for the usual
//! mistakes, and the user is told that nothing was rendered.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::markup;
use super::problem::Problem;
use crate::pep517::{Variables, programs_on_path};

const SCRIPT: &str = include_str!("render.py");

/// How many interpreters are asked before it is believed that none has docutils.
const MAX_INTERPRETERS: usize = 4;

/// Finds a Python that can render, and has it render.
#[derive(Debug)]
pub(super) struct Renderer {
    variables: Variables,
}

impl Renderer {
    /// One that looks for Python through these variables, and gives them to it.
    pub(super) fn new(variables: Variables) -> Self {
        Self { variables }
    }

    /// For each text the problem that it has, if any.
    pub(super) fn render(&self, texts: &[&str]) -> Vec<Option<Problem>> {
        // Wheel and sdist have the same text as a rule.
        let marked_up = texts.iter().copied().filter(|text| !markup::is_plain(text));
        let distinct: Vec<&str> = marked_up.collect::<BTreeSet<_>>().into_iter().collect();
        let complaints = match &distinct[..] {
            [] => None,
            distinct => self.complaints(distinct),
        };
        let problem_of = |text: &&str| {
            if markup::is_plain(text) {
                return None;
            }
            let Some(complaints) = &complaints else {
                return Some(markup::first_mistake(text).unwrap_or(Problem::NotRendered));
            };
            let position = distinct.binary_search(text).ok()?;
            complaints[position].as_deref().map(problem)
        };
        texts.iter().map(problem_of).collect()
    }

    /// For each text what the renderer complained about; `None` when there is no renderer.
    fn complaints(&self, texts: &[&str]) -> Option<Vec<Option<String>>> {
        let interpreters = self.interpreters();
        let mut answers = interpreters
            .iter()
            .take(MAX_INTERPRETERS)
            .filter_map(|interpreter| self.ask(interpreter, texts));
        answers.find(|complaints| complaints.len() == texts.len())
    }

    /// The interpreters that may have a renderer, each once: that of the active environment, twine's, those on the
    /// search path.
    fn interpreters(&self) -> Vec<PathBuf> {
        let active = self.variables.get("VIRTUAL_ENV");
        let active = active.map(|environment| Path::new(environment).join("bin/python"));
        let on_path = |name: &str| programs_on_path(OsStr::new(name), &self.variables);
        let twine = on_path("twine")
            .into_iter()
            .filter_map(|twine| interpreter_of(&twine));
        let mut interpreters: Vec<PathBuf> = Vec::new();
        for program in active
            .into_iter()
            .chain(twine)
            .chain(on_path("python3"))
            .chain(on_path("python"))
        {
            if !interpreters.contains(&program) {
                interpreters.push(program);
            }
        }
        interpreters
    }

    /// What this interpreter says; `None` when it has no renderer, or does not run at all.
    fn ask(&self, interpreter: &Path, texts: &[&str]) -> Option<Vec<Option<String>>> {
        // A file as its standard input, since a pipe would have to be written and read at the same time.
        let mut input = tempfile::tempfile().ok()?;
        input.write_all(&serde_json::to_vec(texts).ok()?).ok()?;
        input.rewind().ok()?;
        let mut command = Command::new(interpreter);
        self.variables.apply_to(&mut command);
        // Isolated: neither the current folder nor PYTHON* variables may put other modules in docutils' place.
        command
            .args(["-I", "-c", SCRIPT])
            .stdin(input)
            .stderr(Stdio::null());
        let output = command.output().ok().filter(|output| output.status.success())?;
        let text = String::from_utf8(output.stdout).ok()?;
        serde_json::from_str(text.lines().last()?).ok()
    }
}

/// The interpreter that a Python script names in its first line.
fn interpreter_of(script: &Path) -> Option<PathBuf> {
    let mut line = String::new();
    let start = BufReader::new(File::open(script).ok()?.take(1024)).read_line(&mut line);
    start.ok()?;
    let interpreter = PathBuf::from(line.strip_prefix("#!")?.trim());
    let is_python = interpreter.file_name()?.to_str()?.starts_with("python");
    (is_python && interpreter.is_absolute() && fs::metadata(&interpreter).is_ok()).then_some(interpreter)
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
    use super::*;

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
