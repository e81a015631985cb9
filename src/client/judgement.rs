//! Whether the selected distributions should go to that index at all: judged once all of them were read, and before
//! anything is sent.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use super::{BadFile, Distribution, Error};
use crate::packaging::public_index::PublicIndex;

/// What a classifier of that kind begins with; public indexes refuse every one of them.
const PRIVATE: &str = "Private ::";

/// Judges `distributions`, which are about to be sent to `url`, and gives what the user should think about.
///
/// # Errors
/// [`Error::Private`] when one that is marked as private would become public.
pub fn judge(distributions: &[Distribution], url: &Url) -> Result<Vec<String>, Error> {
    if let Some(index) = PublicIndex::at(url) {
        let private: Vec<BadFile> = distributions.iter().filter_map(private_mark).collect();
        if !private.is_empty() {
            return Err(Error::Private {
                files: private,
                index: index.name,
            });
        }
    }
    Ok(mixed_versions(distributions))
}

fn private_mark(distribution: &Distribution) -> Option<BadFile> {
    let mut classifiers = distribution
        .fields()
        .filter(|(name, _)| *name == "classifiers")
        .map(|(_, value)| value);
    let mark = classifiers.find(|classifier| {
        let start = classifier.trim_start().get(..PRIVATE.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(PRIVATE))
    })?;
    Some(BadFile {
        path: distribution.path.clone(),
        reason: format!("it is marked `{}`", mark.trim()),
    })
}

/// Says of each project that is there in more than one version which versions those are: more often than not the
/// older ones were left over by earlier builds.
fn mixed_versions(distributions: &[Distribution]) -> Vec<String> {
    let mut projects: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for distribution in distributions {
        projects
            .entry(distribution.project())
            .or_default()
            .insert(distribution.version());
    }
    projects
        .into_iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(project, versions)| {
            let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
            format!(
                "`{project}` is there in several versions, and all are published: {}",
                versions.join(", ")
            )
        })
        .collect()
}
