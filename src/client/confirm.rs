//! Asking the index what it has, to tell "the same file is there" from "another file is in the way".

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use url::Url;

use super::distribution::Distribution;
use super::listing::{self, ListedFile};
use super::{Client, accept, read_body};
use crate::causes::in_one_line;
use crate::packaging::ProjectName;
use crate::packaging::digest::NamedDigest;

/// Longest project page that is read.
const MAX_PAGE_BYTES: usize = 64 * 1024 * 1024;

/// Redirects that are followed for one page.
const MAX_HOPS: usize = 3;

/// What the index has under a file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Listed {
    /// A file with our digest.
    Same,
    /// A file with this other digest.
    Other(NamedDigest),
    /// No such file, though the project's page could be read or is known not to exist.
    Absent,
    /// There is no telling, for this reason.
    Unknown(String),
}

impl Client {
    /// Looks for `distribution` on its project's page.
    pub(super) async fn look_up(&self, distribution: &Distribution) -> Listed {
        match self.project_page(distribution.project()).await {
            Ok(files) => compare(distribution, &files),
            Err(reason) => Listed::Unknown(reason),
        }
    }

    /// The files that the index lists for a project; none when it has no such project.
    pub(super) async fn project_page(&self, project: &ProjectName) -> Result<Vec<ListedFile>, String> {
        let mut problem = None;
        for url in listing::page_candidates(&self.settings.url, project) {
            match self.page_at(url).await {
                Ok(Some(files)) => return Ok(files),
                Ok(None) => {}
                Err(reason) => problem = problem.or(Some(reason)),
            }
        }
        problem.map_or_else(|| Ok(Vec::new()), Err)
    }

    /// One guess. `None` when nothing is there.
    async fn page_at(&self, mut url: Url) -> Result<Option<Vec<ListedFile>>, String> {
        let stall = self.settings.timeouts.stall;
        for _ in 0..=MAX_HOPS {
            let request = self.http.get(url.clone()).headers(accept(listing::ACCEPT));
            let sent = tokio::time::timeout(stall, self.with_credentials(request, &url).send()).await;
            let mut response = match sent {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => {
                    return Err(format!(
                        "{url} can't be read: {}",
                        in_one_line(&error.without_url())
                    ));
                }
                Err(_) => return Err(format!("{url} did not answer")),
            };
            let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
            match response.status() {
                StatusCode::OK => {
                    let content_type = header(CONTENT_TYPE).unwrap_or_default().to_owned();
                    let body = read_body(&mut response, MAX_PAGE_BYTES, stall).await;
                    let page = listing::parse(&content_type, &String::from_utf8_lossy(&body));
                    return page
                        .map(Some)
                        .ok_or_else(|| format!("{url} is not a project page"));
                }
                StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::METHOD_NOT_ALLOWED => return Ok(None),
                status if status.is_redirection() => {
                    let target = header(LOCATION).and_then(|location| url.join(location).ok());
                    match target.filter(|target| target.origin() == url.origin()) {
                        Some(target) => url = target,
                        // Where an index sends those who ask for projects that it does not have.
                        None => return Ok(None),
                    }
                }
                status => return Err(format!("{url} answered {status}")),
            }
        }
        Err(format!("{url} redirects too often"))
    }
}

/// Finds a distribution on its project's page.
pub(super) fn compare(distribution: &Distribution, files: &[ListedFile]) -> Listed {
    let ours = distribution.filename.identity();
    let is_ours = |file: &&ListedFile| {
        crate::packaging::DistFilename::parse_listed(&file.filename).is_ok_and(|name| name.identity() == ours)
    };
    let Some(file) = files.iter().find(is_ours) else {
        return Listed::Absent;
    };
    let Some(theirs) = file.digests.first() else {
        return Listed::Unknown("the index lists the file without a sha256 digest".to_owned());
    };
    match distribution.digest(theirs.algorithm) {
        Ok(hex) if hex == theirs.hex() => Listed::Same,
        Ok(_) => Listed::Other(theirs.clone()),
        Err(error) => Listed::Unknown(format!("the file can't be read any more: {error}")),
    }
}
