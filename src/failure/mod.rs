//! What the user sees when a command fails: the headline, the chain of causes, one remedy, and the exit code.
//!
//! Every translation from a room's error to a message for a person is in this folder, by what it is about, so that
//! headline and remedy of any failure are found in one place. Rooms describe what went wrong; only here is decided
//! what to advise.

mod access;
mod archives;
mod build_symptoms;
mod builds;
mod configuration;
mod folder;
mod listening;
mod logs;
mod publishing;
pub(crate) mod rights;

use std::error::Error;
use std::fmt::Write as _;
use std::process::ExitCode;

use crate::causes;

/// A command's failure, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    kind: Kind,
    headline: String,
    causes: Vec<String>,
    hint: Option<String>,
}

/// Decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The work could not be done: exit code 1.
    Failed,
    /// The words or settings make no sense: exit code 2.
    Usage,
    /// A signal ended it, such as Ctrl-C: exit code 128 and its number, as shells expect.
    Interrupted { signal: u8 },
}

impl Failure {
    /// The work could not be done; `headline` names the object and what failed.
    #[must_use]
    pub fn new(headline: impl Into<String>) -> Self {
        Self {
            kind: Kind::Failed,
            headline: headline.into(),
            causes: Vec::new(),
            hint: None,
        }
    }

    /// The arguments or settings make no sense.
    #[must_use]
    pub fn usage(headline: impl Into<String>) -> Self {
        Self {
            kind: Kind::Usage,
            ..Self::new(headline)
        }
    }

    /// The user stopped the command; `headline` says what state things are in now.
    #[must_use]
    pub fn interrupted(headline: impl Into<String>) -> Self {
        Self {
            kind: Kind::Interrupted { signal: 2 },
            ..Self::new(headline)
        }
    }

    /// Which signal it was, where it was not Ctrl-C; means nothing for other failures.
    #[must_use]
    pub fn by_signal(mut self, number: u8) -> Self {
        if let Kind::Interrupted { signal } = &mut self.kind {
            *signal = number;
        }
        self
    }

    /// The same with each text replaced by what `replace` makes of it.
    #[must_use]
    pub fn map_texts(self, replace: impl Fn(&str) -> String) -> Self {
        Self {
            kind: self.kind,
            headline: replace(&self.headline),
            causes: self.causes.iter().map(|cause| replace(cause)).collect(),
            hint: self.hint.as_deref().map(replace),
        }
    }

    /// A failure whose headline is the error's own text and whose causes are its sources.
    #[must_use]
    pub fn from_error(error: &(dyn Error + 'static)) -> Self {
        Self::new(error.to_string()).caused_by_sources(error)
    }

    /// Adds `error` and its sources to the causes.
    #[must_use]
    pub fn caused_by(mut self, error: &(dyn Error + 'static)) -> Self {
        self.causes.push(error.to_string());
        self.caused_by_sources(error)
    }

    /// Adds a cause that is no error of its own.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// The headline and the causes, for the log of a program that goes on.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        let mut line = self.headline.replace('\n', " ");
        for cause in &self.causes {
            let _ = write!(line, ": {}", cause.replace('\n', " "));
        }
        line
    }

    /// The one thing to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds lines to the headline: the state that things are in now.
    #[must_use]
    pub fn detail(mut self, lines: &str) -> Self {
        let _ = write!(self.headline, "\n{lines}");
        self
    }

    /// Adds the command to type once the remedy has helped; it is on a line of its own, to be copied.
    #[must_use]
    pub fn then_run(mut self, command: &str) -> Self {
        self.hint = Some(match self.hint {
            Some(hint) => format!("{hint}; then run\n{command}"),
            None => format!("run\n{command}"),
        });
        self
    }

    fn caused_by_sources(mut self, error: &(dyn Error + 'static)) -> Self {
        self.causes
            .extend(causes::chain(error).skip(1).map(ToString::to_string));
        self
    }

    /// What failed, without its causes.
    #[must_use]
    pub fn headline(&self) -> &str {
        &self.headline
    }

    /// Why it failed, the nearest cause first.
    pub fn causes(&self) -> impl Iterator<Item = &str> {
        self.causes.iter().map(String::as_str)
    }

    /// The one thing to do about it, where there is one.
    #[must_use]
    pub fn remedy(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// What the process exits with.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self.kind {
            Kind::Failed => ExitCode::from(1),
            Kind::Usage => ExitCode::from(2),
            Kind::Interrupted { signal } => ExitCode::from(128_u8.saturating_add(signal)),
        }
    }

    /// The text for stderr: `error:`, `caused by:`, `hint:`; each on lines of its own, with a final line end.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a String can't fail.
        let _ = writeln!(text, "error: {}", indent(&self.headline));
        for cause in &self.causes {
            let _ = writeln!(text, "caused by: {}", indent(cause));
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "hint: {}", indent(hint));
        }
        text
    }
}

/// Lines after the first are set in, so that a message of several lines stays one block.
fn indent(message: &str) -> String {
    message.trim_end().replace('\n', "\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headline_causes_and_hint_stand_on_lines_of_their_own() {
        let cause = std::io::Error::other("disk on fire");
        let failure = Failure::new("can't write `x`")
            .caused_by(&cause)
            .hint("put it out\nthen try again");
        let shown = "error: can't write `x`\ncaused by: disk on fire\nhint: put it out\n  then try again\n";
        assert_eq!(failure.render(), shown);
    }
}
