//! An error with its causes: on one line for logs and answers, one by one for messages.

use std::error::Error;
use std::iter::successors;

/// The error, then what caused it, then what caused that.
pub(crate) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&error| error.source())
}

/// The error and its causes, joined by colons. A cause whose text is there already is left out: the errors of some
/// libraries tell those of others in their own words.
#[must_use]
pub(crate) fn in_one_line(error: &(dyn Error + 'static)) -> String {
    let mut line = String::new();
    for text in chain(error).map(ToString::to_string) {
        if line.is_empty() {
            line = text;
        } else if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use thiserror::Error;

    #[derive(Debug, Error)]
    #[error("{text}")]
    struct Told {
        text: &'static str,
        #[source]
        cause: Option<Box<Self>>,
    }

    fn told(text: &'static str, cause: Option<Told>) -> Told {
        let cause = cause.map(Box::new);
        Told { text, cause }
    }

    #[test]
    fn each_cause_is_told_once() {
        let disk = told("disk full", None);
        let write = told("can't write", Some(disk));
        assert_eq!(in_one_line(&write), "can't write: disk full");
        let wordy = told("can't save: can't write: disk full", Some(write));
        assert_eq!(in_one_line(&wordy), "can't save: can't write: disk full");
        assert_eq!(chain(&wordy).count(), 3);
    }
}
