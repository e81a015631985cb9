//! Whether a second build makes the same bytes.
//!
//! The second build has the same project, variables and environment, but another temporary folder and a later clock:
//! what sneaks into an archive most often is a path or the time. A build whose times come from the project or from
//! `SOURCE_DATE_EPOCH` does not notice.

use std::fs::File;
use std::time::{Duration, Instant};

use super::delivery::Staged;
use super::error::{Error, Reason};
use super::process::{Interrupt, POLL};
use super::variables::Variables;
use crate::archive::{self, Limits};

/// Zips know no finer times than this.
const TICK: Duration = Duration::from_secs(2);
/// More lines about one archive help nobody.
const MAX_LINES: usize = 20;

/// Waits until no clock in an archive shows what it showed before.
pub(crate) fn wait_for_another_time(interrupt: &Interrupt) -> Result<(), Error> {
    let end = Instant::now() + TICK;
    while Instant::now() < end {
        if interrupt.is_set() {
            return Err(Error::Interrupted);
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

/// Compares what two builds of the same project have made.
pub(crate) fn compare(first: &[Staged], second: &[Staged], variables: &Variables) -> Result<(), Error> {
    let (mut filenames, mut lines) = (Vec::new(), Vec::new());
    for file in first {
        let found = match second.iter().find(|twin| twin.filename == file.filename) {
            Some(twin) => differences(file, twin)?,
            None => vec!["the second build has made none of that name".to_owned()],
        };
        if found.is_empty() {
            continue;
        }
        lines.push(format!("{}:", file.filename));
        let more = found.len().saturating_sub(MAX_LINES);
        lines.extend(found.into_iter().take(MAX_LINES).map(|line| format!("  {line}")));
        if more > 0 {
            lines.push(format!("  and {more} more"));
        }
        filenames.push(format!("`{}`", file.filename));
    }
    if filenames.is_empty() && first.len() == second.len() {
        return Ok(());
    }
    Err(Error::NotReproducible {
        filenames: filenames.join(" and "),
        differences: Reason(lines.join("\n")),
        has_epoch: variables.get("SOURCE_DATE_EPOCH").is_some(),
    })
}

fn differences(first: &Staged, second: &Staged) -> Result<Vec<String>, Error> {
    let open = |staged: &Staged| File::open(&staged.path).map_err(Error::system("read what was built"));
    let found = archive::differences(&first.filename, open(first)?, open(second)?, &Limits::default());
    let found = found.map_err(|source| Error::Unsound {
        filename: first.filename.to_string(),
        source,
    })?;
    Ok(found.iter().map(ToString::to_string).collect())
}
