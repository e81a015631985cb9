//! What was found: a list for a person, or a document for a machine.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;

use crate::failure::Failure;

/// All findings, in the order in which they were looked for.
#[derive(Debug, Default)]
pub(super) struct Report {
    sections: Vec<Section>,
}

/// What belongs together.
#[derive(Debug)]
pub(super) struct Section {
    title: String,
    findings: Vec<Finding>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    state: State,
    text: String,
    remedy: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Good,
    /// Worth knowing, but nothing is wrong.
    Note,
    /// Wrong; a remedy goes with it.
    Problem,
}

impl Section {
    pub(super) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            findings: Vec::new(),
        }
    }

    /// Something is as it should be.
    pub(super) fn good(&mut self, text: impl Into<String>) {
        self.add(State::Good, text.into(), None);
    }

    /// Something is worth knowing, though nothing is wrong.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.add(State::Note, text.into(), None);
    }

    /// Something is wrong, and this is what to do about it.
    pub(super) fn problem(&mut self, text: impl Into<String>, remedy: impl Into<String>) {
        self.add(State::Problem, text.into(), Some(remedy.into()));
    }

    /// Something is wrong in the way that another verb would report.
    pub(super) fn failure(&mut self, failure: &Failure) {
        let text = std::iter::once(failure.headline())
            .chain(failure.causes())
            .collect::<Vec<&str>>()
            .join(": ");
        self.add(State::Problem, text, failure.remedy().map(ToOwned::to_owned));
    }

    fn add(&mut self, state: State, text: String, remedy: Option<String>) {
        self.findings.push(Finding { state, text, remedy });
    }
}

impl Report {
    /// Adds a section; one in which nothing was looked at is left out.
    pub(super) fn add(&mut self, section: Section) {
        if !section.findings.is_empty() {
            self.sections.push(section);
        }
    }

    fn problems(&self) -> usize {
        let all = self.sections.iter().flat_map(|section| &section.findings);
        all.filter(|finding| finding.state == State::Problem).count()
    }

    /// 0 when nothing is wrong, 1 otherwise.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(self.problems() > 0))
    }

    /// The list for a person, with colours; whoever prints it takes them away where they don't belong.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        for section in &self.sections {
            // Writing to a String can't fail.
            let _ = writeln!(text, "\x1b[1m{}\x1b[0m", section.title);
            for finding in &section.findings {
                let mark = match finding.state {
                    State::Good => "\x1b[32m✓\x1b[0m",
                    State::Note => "\x1b[33m·\x1b[0m",
                    State::Problem => "\x1b[31m✗\x1b[0m",
                };
                let _ = writeln!(text, "  {mark} {}", finding.text.replace('\n', "\n    "));
                if let Some(remedy) = &finding.remedy {
                    let _ = writeln!(text, "    → {}", remedy.replace('\n', "\n      "));
                }
            }
            text.push('\n');
        }
        let _ = match self.problems() {
            0 => writeln!(text, "nothing is wrong"),
            1 => writeln!(text, "1 problem"),
            problems => writeln!(text, "{problems} problems"),
        };
        text
    }

    /// The document for a machine: `{"sound": bool, "findings": [{"section", "state", "text", "remedy"}]}`, where the
    /// state is `good`, `note` or `problem` and the remedy may be null.
    pub(super) fn to_json(&self) -> String {
        let findings: Vec<Line<'_>> = self
            .sections
            .iter()
            .flat_map(|section| section.findings.iter().map(|finding| (&section.title, finding)))
            .map(|(section, finding)| Line {
                section,
                state: finding.state,
                text: &finding.text,
                remedy: finding.remedy.as_deref(),
            })
            .collect();
        let document = serde_json::json!({ "sound": self.problems() == 0, "findings": findings });
        format!("{document:#}\n")
    }
}

#[derive(Serialize)]
struct Line<'a> {
    section: &'a str,
    state: State,
    text: &'a str,
    remedy: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut section = Section::new("Programs");
        section.good("Python 3.13");
        section.note("uv is not installed");
        section.problem("pip is missing\nand more", "install it");
        let mut report = Report::default();
        report.add(section);
        report.add(Section::new("Nothing"));
        report
    }

    #[test]
    fn a_person_reads_marks_and_remedies() {
        let text = anstream::adapter::strip_str(&report().to_text()).to_string();
        assert_eq!(
            text,
            "Programs\n  ✓ Python 3.13\n  · uv is not installed\n  ✗ pip is missing\n    and more\n    → install it\n\n\
             1 problem\n"
        );
    }

    #[test]
    fn a_machine_reads_the_same() {
        let document: serde_json::Value = serde_json::from_str(&report().to_json()).unwrap();
        assert_eq!(document["sound"], false);
        assert_eq!(
            document["findings"][2],
            serde_json::json!({
                "section": "Programs",
                "state": "problem",
                "text": "pip is missing\nand more",
                "remedy": "install it"
            })
        );
        assert_eq!(document["findings"].as_array().unwrap().len(), 3);
    }
}
