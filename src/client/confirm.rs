//! Asking the index what it has, to tell "the same file is there" from "another file is in the way", before and after
//! the files are sent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use reqwest::StatusCode;
use reqwest::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use url::Url;

use super::distribution::Distribution;
use super::listing::{self, ListedFile};
use super::progress::{Outcome, Progress};
use super::report::{Report, State};
use super::retry::{RetryPolicy, chance};
use super::upload::root_cause;
use super::{Client, Error, UploadError, accept, read_body};
use crate::causes::in_one_line;
use crate::packaging::ProjectName;
use crate::packaging::digest::{Algorithm, NamedDigest};
use crate::packaging::public_index::PublicIndex;

/// Longest project page that is read.
const MAX_PAGE_BYTES: usize = 64 * 1024 * 1024;

/// Redirects that are followed for one page.
const MAX_HOPS: usize = 3;

/// How often an index is asked for a file that it has just taken: some list it a moment later. With the usual pauses
/// that is about a minute.
const LOOKS: u32 = 8;
/// The same for public indexes, in front of whose pages there are caches that hold them for longer than anybody waits.
const LOOKS_AT_PUBLIC: u32 = 4;

/// What the index has under a file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Listed {
    /// A file with our digest.
    Same,
    /// A file with our MD5 digest, and no better one is shown: no proof against malice, but against mistakes.
    SameByMd5,
    /// A file with this other digest.
    Other(NamedDigest),
    /// No such file, though the project's page could be read or is known not to exist.
    Absent,
    /// There is no telling, for this reason.
    Unknown(String),
}

impl Listed {
    /// What that means for a file that this run did not send.
    pub(super) fn already_there(&self) -> Outcome {
        match self {
            Self::Same => Outcome::AlreadyThere,
            Self::SameByMd5 => Outcome::AlreadyThereByMd5,
            Self::Other(_) | Self::Absent | Self::Unknown(_) => Outcome::AlreadyThereUnverified,
        }
    }
}

/// The same, with the address under which the index offers the file.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) listed: Listed,
    pub(super) url: Option<Url>,
}

/// What the index has under the name of a file that was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// Nothing.
    New,
    /// The same file, or at least one that passes for it.
    There(Outcome),
    /// Another file, with this digest.
    InTheWay(NamedDigest),
    /// There is no telling, for this reason.
    Unknown(String),
}

/// A project's page.
#[derive(Debug)]
pub(super) struct Page {
    url: Url,
    files: Vec<ListedFile>,
}

/// What asking for one project's page gave: the page, none, or the reason for not knowing.
type Asked = Result<Option<Page>, String>;

/// The pages of several projects.
pub(super) struct Pages(BTreeMap<ProjectName, Asked>);

impl Pages {
    /// Looks for a distribution on its project's page.
    pub(super) fn look_up(&self, distribution: &Distribution) -> Listing {
        match self.0.get(distribution.project()) {
            Some(asked) => look_up(distribution, asked),
            None => unknown("its page was not asked for"),
        }
    }
}

impl Client {
    /// Looks for `distribution` on its project's page.
    pub(super) async fn look_up(&self, distribution: &Distribution) -> Listed {
        look_up(distribution, &self.project_page(distribution.project()).await).listed
    }

    /// The pages of all projects that the distributions belong to, several at a time.
    pub(super) async fn pages(&self, distributions: &[&Distribution]) -> Pages {
        let mut projects: Vec<&ProjectName> = distributions
            .iter()
            .map(|distribution| distribution.project())
            .collect();
        projects.sort();
        projects.dedup();
        let asked = stream::iter(projects)
            .map(|project| async move { (project.clone(), self.project_page(project).await) })
            .buffer_unordered(self.settings.jobs.get());
        Pages(asked.collect().await)
    }

    /// What the index has of `distributions`, one by one.
    pub async fn presence(&self, distributions: &[Distribution]) -> Vec<Presence> {
        let references: Vec<&Distribution> = distributions.iter().collect();
        let pages = self.pages(&references).await;
        let presence = |distribution| match pages.look_up(distribution).listed {
            Listed::Absent => Presence::New,
            Listed::Other(theirs) => Presence::InTheWay(theirs),
            Listed::Unknown(reason) => Presence::Unknown(reason),
            same @ (Listed::Same | Listed::SameByMd5) => Presence::There(same.already_there()),
        };
        distributions.iter().map(presence).collect()
    }

    /// The list of projects: the one that was named, or the first of the usual places where something is.
    pub async fn list_of_projects(&self) -> Url {
        if let Some(check) = &self.settings.check {
            return check.url.clone();
        }
        let candidates = listing::list_candidates(&self.settings.url);
        let stall = self.settings.timeouts.stall;
        for url in &candidates {
            let request = self.http.get(url.clone()).headers(accept(listing::ACCEPT));
            let sent = tokio::time::timeout(stall, request.send()).await;
            if matches!(sent, Ok(Ok(response)) if response.status() != StatusCode::NOT_FOUND) {
                return url.clone();
            }
        }
        candidates
            .into_iter()
            .next()
            .unwrap_or_else(|| self.settings.url.clone())
    }

    /// Checks that the index lists every file that is done, with our digest. What can't be told is left open.
    ///
    /// # Errors
    /// [`Error::NotListed`] for files that are missing on a page that can be read, [`Error::Upload`] for those that
    /// are there with other bytes.
    pub(super) async fn verify(
        &self,
        ordered: &[&Distribution],
        progress: &Arc<dyn Progress>,
        report: &mut Report,
    ) -> Result<(), Error> {
        let begun = Instant::now();
        let mut open: Vec<usize> = (0..ordered.len())
            .filter(|place| {
                let file = &report.files[*place];
                matches!(file.state, State::Done(_)) && !file.is_verified
            })
            .collect();
        // An index that shows no page for the first project shows none for the others either.
        let Some(first) = open.first() else { return Ok(()) };
        if self.settings.check.is_none()
            && !matches!(self.project_page(ordered[*first].project()).await, Ok(Some(_)))
        {
            return Ok(());
        }
        let mut first_failure = None;
        let patience = self.patience_with_pages();
        for look in 1.. {
            let distributions: Vec<&Distribution> = open.iter().map(|place| ordered[*place]).collect();
            let pages = self.pages(&distributions).await;
            open.retain(|place| {
                let Listing { listed, url } = pages.look_up(ordered[*place]);
                let file = &mut report.files[*place];
                file.url = url;
                file.is_verified = listed == Listed::Same;
                file.is_awaited = listed == Listed::Absent;
                if let Listed::Other(theirs) = &listed {
                    let ours = file.sha256.to_string();
                    let error = UploadError::OtherContent {
                        ours,
                        theirs: theirs.clone(),
                    };
                    file.state = State::Failed(in_one_line(&error));
                    first_failure.get_or_insert_with(|| self.failed(ordered[*place], error));
                }
                listed == Listed::Absent
            });
            let pause = patience.delay(look, None, chance());
            let Some(pause) = pause.filter(|_| !open.is_empty()) else {
                break;
            };
            progress.waiting_for_listing(open.len(), begun.elapsed());
            tokio::time::sleep(pause).await;
        }
        match first_failure {
            Some(error) => Err(error),
            // Caches stand in front of the pages of the public indexes, for minutes.
            None if open.is_empty() || PublicIndex::at(&self.settings.url).is_some() => Ok(()),
            None => Err(Error::NotListed {
                files: open
                    .iter()
                    .map(|place| report.files[*place].filename.clone())
                    .collect(),
                destination: self.destination(),
                waited: begun.elapsed(),
            }),
        }
    }

    /// How often, and how long in between, the index is asked for what it has just taken.
    fn patience_with_pages(&self) -> RetryPolicy {
        RetryPolicy {
            attempts: match PublicIndex::at(&self.settings.url) {
                Some(_) => LOOKS_AT_PUBLIC,
                None => LOOKS,
            },
            ..self.settings.retry
        }
    }

    /// The page of a project, or `None` when it has none.
    pub(super) async fn project_page(&self, project: &ProjectName) -> Asked {
        let candidates = match &self.settings.check {
            Some(check) => vec![listing::page_below(&check.url, project)],
            None => listing::page_candidates(&self.settings.url, project),
        };
        let mut problem = None;
        for url in candidates {
            match self.page_at(url).await {
                Ok(Some(page)) => return Ok(Some(page)),
                Ok(None) => {}
                Err(reason) => problem = problem.or(Some(reason)),
            }
        }
        problem.map_or(Ok(None), Err)
    }

    /// One guess. `None` when nothing is there.
    async fn page_at(&self, mut url: Url) -> Asked {
        let stall = self.settings.timeouts.stall;
        for _ in 0..=MAX_HOPS {
            // What stood there minutes ago is no answer to the question.
            let request = self
                .http
                .get(url.clone())
                .headers(accept(listing::ACCEPT))
                .header(CACHE_CONTROL, "no-cache");
            let sent = tokio::time::timeout(stall, self.as_reader(request, &url).send()).await;
            let mut response = match sent {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => {
                    return Err(format!(
                        "{url} can't be read: {}",
                        root_cause(&error.without_url())
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
                    return match page {
                        Some(files) => Ok(Some(Page { url, files })),
                        None => Err(format!("{url} is not a project page")),
                    };
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

    /// Adds the credentials of whoever looks: those of the place that was named for it, else those of the uploads,
    /// each towards its own origin only.
    fn as_reader(&self, request: reqwest::RequestBuilder, url: &Url) -> reqwest::RequestBuilder {
        let own = self
            .settings
            .check
            .as_ref()
            .filter(|check| check.url.origin() == url.origin());
        match own.and_then(|check| check.credentials.as_ref()) {
            Some(credentials) => {
                request.basic_auth(&credentials.username, Some(credentials.password.expose()))
            }
            None => self.with_credentials(request, url),
        }
    }
}

fn look_up(distribution: &Distribution, asked: &Asked) -> Listing {
    match asked {
        Ok(Some(page)) => compare(distribution, page),
        Ok(None) => Listing {
            listed: Listed::Absent,
            url: None,
        },
        Err(reason) => unknown(reason),
    }
}

fn unknown(reason: &str) -> Listing {
    Listing {
        listed: Listed::Unknown(reason.to_owned()),
        url: None,
    }
}

/// Finds a distribution on its project's page.
fn compare(distribution: &Distribution, page: &Page) -> Listing {
    let ours = distribution.filename.identity();
    let is_ours = |file: &&ListedFile| {
        crate::packaging::DistFilename::parse_listed(&file.filename).is_ok_and(|name| name.identity() == ours)
    };
    let Some(file) = page.files.iter().find(is_ours) else {
        return Listing {
            listed: Listed::Absent,
            url: None,
        };
    };
    Listing {
        listed: compare_digests(distribution, file),
        url: page.url.join(&file.link).ok(),
    }
}

fn compare_digests(distribution: &Distribution, file: &ListedFile) -> Listed {
    let Some(theirs) = file.best_digest() else {
        return Listed::Unknown("the index lists the file without a digest".to_owned());
    };
    match distribution.digest(theirs.algorithm) {
        Ok(hex) if hex != theirs.hex() => Listed::Other(theirs.clone()),
        Ok(_) if theirs.algorithm == Algorithm::Md5 => Listed::SameByMd5,
        Ok(_) => Listed::Same,
        Err(error) => Listed::Unknown(format!("the file can't be read any more: {error}")),
    }
}
