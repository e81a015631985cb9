//! Many files: in which order, and what stands when one fails.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::confirm::{Listed, compare};
use super::distribution::Distribution;
use super::progress::{Outcome, Progress};
use super::{Client, Error, UploadError};

/// What was done so far. It is filled while [`publish`] works, so that it is right whenever that ends, be it by a
/// failure or because the user had enough.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Files that are on the index, in the order in which they got there.
    pub done: Vec<(String, Outcome)>,
    /// Files that were not sent, or not wholly.
    pub left: Vec<String>,
}

/// Uploads `distributions` one after the other and stops at the first that fails. Releases keep the order in which
/// they are given; within one, wheels go first, so that nobody builds from source what will be there as a wheel in a
/// moment.
///
/// # Errors
/// [`Error::Upload`].
pub async fn publish(
    client: &Client,
    distributions: &[Distribution],
    progress: &Arc<dyn Progress>,
    report: &mut Report,
) -> Result<(), Error> {
    let ordered = in_order(distributions);
    report.left = ordered
        .iter()
        .map(|distribution| distribution.filename().to_owned())
        .collect();
    let present = if client.settings.skip_existing {
        client.present(&ordered).await?
    } else {
        BTreeMap::new()
    };
    for distribution in ordered {
        let name = distribution.filename();
        let outcome = match present.get(name) {
            Some(outcome) => *outcome,
            None => client
                .upload(distribution, progress)
                .await
                .map_err(|source| client.failed(distribution, source))?,
        };
        progress.finished(name, distribution.size_bytes, outcome);
        report.left.retain(|left| left != name);
        report.done.push((name.to_owned(), outcome));
    }
    Ok(())
}

impl Client {
    /// Which of the files the index lists already, asked before anything is sent. An index that can't be read is no
    /// obstacle: its answers to the uploads will tell.
    async fn present(&self, distributions: &[&Distribution]) -> Result<BTreeMap<String, Outcome>, Error> {
        let mut pages = BTreeMap::new();
        let mut present = BTreeMap::new();
        for distribution in distributions {
            let project = distribution.project();
            if !pages.contains_key(project) {
                let page = self.project_page(project).await.unwrap_or_default();
                pages.insert(project.clone(), page);
            }
            let listed = pages.get(project).map(|page| compare(distribution, page));
            match listed {
                Some(Listed::Same) => {
                    present.insert(distribution.filename().to_owned(), Outcome::AlreadyThere);
                }
                Some(Listed::Other(theirs)) => {
                    let ours = distribution.sha256.to_string();
                    return Err(self.failed(distribution, UploadError::OtherContent { ours, theirs }));
                }
                Some(Listed::Absent | Listed::Unknown(_)) | None => {}
            }
        }
        Ok(present)
    }

    fn failed(&self, distribution: &Distribution, source: UploadError) -> Error {
        Error::Upload {
            filename: distribution.filename().to_owned(),
            destination: self.destination(),
            source: Box::new(source),
        }
    }
}

/// Says of each project that is there in more than one version which versions those are: more often than not the
/// older ones were left over by earlier builds.
#[must_use]
pub fn mixed_versions(distributions: &[Distribution]) -> Vec<String> {
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

/// Release by release, wheels before sdists.
fn in_order(distributions: &[Distribution]) -> Vec<&Distribution> {
    let mut releases: Vec<Vec<&Distribution>> = Vec::new();
    for distribution in distributions {
        let same = |release: &&mut Vec<&Distribution>| {
            release.first().is_some_and(|first| {
                first.project() == distribution.project() && first.version() == distribution.version()
            })
        };
        match releases.iter_mut().find(same) {
            Some(release) => release.push(distribution),
            None => releases.push(vec![distribution]),
        }
    }
    for release in &mut releases {
        release.sort_by_key(|distribution| !distribution.is_wheel());
    }
    releases.into_iter().flatten().collect()
}
