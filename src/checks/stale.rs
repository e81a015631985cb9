//! Files of older versions that lie beside newer ones, as builds leave them in `dist/`.

use std::collections::BTreeMap;

use super::Judgement;
use super::problem::Problem;
use crate::packaging::{ProjectName, ReleaseVersion};

/// Adds [`Problem::Stale`] to every file of a version that is not the newest one of its project among these.
pub fn add_stale(judgements: &mut [Judgement]) {
    let mut newest: BTreeMap<ProjectName, ReleaseVersion> = BTreeMap::new();
    for judgement in &*judgements {
        let version = judgement.filename.version();
        let project = judgement.filename.project().clone();
        let best = newest.entry(project).or_insert_with(|| version.clone());
        if *version > *best {
            *best = version.clone();
        }
    }
    for judgement in judgements {
        let newest = newest.get(judgement.filename.project());
        if let Some(newest) = newest.filter(|newest| *newest > judgement.filename.version()) {
            let newest = newest.to_string();
            judgement.problems.push(Problem::Stale { newest });
        }
    }
}
