//! What became of each file: a table for people, JSON for machines. Both go to stdout.

use serde_json::{Value, json};

use crate::client::{Destination, FileReport, Outcome, Report, State};
use crate::terminal::size;

/// One line for each file: name, size, what became of it, and where it is offered.
pub(super) fn table(report: &Report) -> String {
    let rows: Vec<[String; 4]> = report.files.iter().map(row).collect();
    aligned(&rows)
}

fn row(file: &FileReport) -> [String; 4] {
    let url = file.url.as_ref().filter(|_| matches!(file.state, State::Done(_)));
    [
        file.filename.clone(),
        size(file.size_bytes),
        status(file),
        url.map(ToString::to_string).unwrap_or_default(),
    ]
}

fn status(file: &FileReport) -> String {
    let word = match &file.state {
        State::Waiting => "not sent",
        State::UnderWay => "broken off",
        State::Failed(_) => "failed",
        State::Done(outcome) => outcome_in_words(*outcome),
    };
    // A file that was there before is known to be the same by its listing.
    let was_sent = matches!(file.state, State::Done(Outcome::Uploaded | Outcome::Replaced));
    match (was_sent, file.is_verified, file.is_awaited) {
        (true, true, _) => format!("{word}, verified"),
        (_, _, true) => format!("{word}, not listed yet"),
        _ => word.to_owned(),
    }
}

fn outcome_in_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Uploaded => "uploaded",
        Outcome::Replaced => "replaced",
        Outcome::AlreadyThere => "already there",
        Outcome::AlreadyThereByMd5 => "already there by its MD5",
        Outcome::AlreadyThereUnverified => "already there, not compared",
    }
}

/// Columns as wide as they must be; blanks at the end of a line are cut.
pub(super) fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths);
        let line: Vec<String> = cells.map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// The same for machines. `status` is one of `uploaded`, `replaced`, `already-there`, `failed`, `broken-off` and
/// `not-sent`; `compared` says by what a file that was there already is known to be the same; `not_listed_yet` that
/// the index took it and did not list it when it was last asked.
pub(super) fn document(report: &Report, destination: &Destination, succeeded: bool) -> String {
    let files: Vec<Value> = report.files.iter().map(file_document).collect();
    let document = json!({
        "succeeded": succeeded,
        "repository": destination.repository,
        "url": destination.url,
        "username": destination.username,
        "files": files,
    });
    format!("{document:#}\n")
}

fn file_document(file: &FileReport) -> Value {
    let (status, compared, error) = match &file.state {
        State::Waiting => ("not-sent", None, None),
        State::UnderWay => ("broken-off", None, None),
        State::Failed(reason) => ("failed", None, Some(reason)),
        State::Done(Outcome::Uploaded) => ("uploaded", None, None),
        State::Done(Outcome::Replaced) => ("replaced", None, None),
        State::Done(Outcome::AlreadyThere) => ("already-there", Some("sha256"), None),
        State::Done(Outcome::AlreadyThereByMd5) => ("already-there", Some("md5"), None),
        State::Done(Outcome::AlreadyThereUnverified) => ("already-there", Some("nothing"), None),
    };
    json!({
        "filename": file.filename,
        "project": file.project.to_string(),
        "version": file.version.to_string(),
        "size": file.size_bytes,
        "sha256": file.sha256.to_string(),
        "status": status,
        "compared": compared,
        "verified": file.is_verified,
        "not_listed_yet": file.is_awaited,
        "url": file.url.as_ref().map(ToString::to_string),
        "error": error,
    })
}
