//! Rendered pages: made once when first asked for after a change, then shared bytes until the next change.

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use quick_cache::{Equivalent, Weighter};
use tracing::{debug, warn};

use super::facts::{ATTEMPTS, Unseen, digest_of};
use super::generations::Generations;
use super::shelf::Shelf;
use super::{Error, Index};
use crate::catalog::{FileFacts, FileRecord, ProjectRecord};
use crate::causes::in_one_line;
use crate::packaging::simple::negotiate::Format;
use crate::packaging::simple::{FileEntry, ProjectDetail, ProjectList, ProjectStatus, html, json};
use crate::packaging::{ProjectName, Sha256};

/// Below this, compressing saves no packet.
const SMALLEST_COMPRESSED_BYTES: usize = 1024;

/// What a page costs in memory beside its body.
const PAGE_OVERHEAD_BYTES: u64 = 256;

/// Which page, and in which form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageKey {
    /// The project; `None` for the list of all projects.
    pub project: Option<ProjectName>,
    /// The rendering.
    pub format: Format,
    /// Whether the client takes gzip.
    pub gzip: bool,
}

/// A [`PageKey`] that borrows its name, which is any text: only a project's own name finds a page.
#[derive(Hash)]
struct PageWord<'a> {
    project: Option<&'a str>,
    format: Format,
    gzip: bool,
}

impl Equivalent<PageKey> for PageWord<'_> {
    fn equivalent(&self, key: &PageKey) -> bool {
        let project = key.project.as_ref().map(ProjectName::as_str);
        (self.project, self.format, self.gzip) == (project, key.format, key.gzip)
    }
}

/// A page as it goes over the wire.
#[derive(Debug)]
pub struct Page {
    /// The bytes, compressed or not.
    pub body: Bytes,
    /// Whether they are gzip-compressed; small pages are not, whatever the client takes.
    pub gzip: bool,
    /// A strong validator, with its quotes.
    pub etag: Bytes,
    /// Files on it that must be looked at before it is shown again.
    unseen: Unseen,
}

/// The cache, bounded in bytes.
pub(super) struct Pages {
    cache: Shelf<PageKey, Page, PageWeight>,
    /// What is made from the same files elsewhere is forgotten with the pages.
    pub(super) generations: Generations,
}

#[derive(Clone)]
pub(super) struct PageWeight;

impl Weighter<PageKey, Arc<Page>> for PageWeight {
    fn weight(&self, _: &PageKey, page: &Arc<Page>) -> u64 {
        page.body.len() as u64 + PAGE_OVERHEAD_BYTES
    }
}

impl Pages {
    pub(super) fn new(capacity_bytes: u64) -> Self {
        let typical_page_bytes = 2048;
        let expected_pages = usize::try_from(capacity_bytes / typical_page_bytes).unwrap_or(usize::MAX);
        Self {
            cache: Shelf::new(expected_pages.min(100_000), capacity_bytes, PageWeight),
            generations: Generations::default(),
        }
    }

    /// Forgets the pages of these projects, and the list of projects. A page that is being rendered right now is
    /// forgotten too: whoever asks from now on gets a new rendering.
    pub(super) fn forget<'a>(&self, projects: impl IntoIterator<Item = &'a ProjectName>) {
        let mut forgot_any = false;
        for project in projects {
            self.generations.end(project);
            self.forget_one(Some(project));
            forgot_any = true;
        }
        if forgot_any {
            self.forget_one(None);
        }
    }

    /// Forgets all pages.
    pub(super) fn forget_all(&self) {
        self.generations.end_all();
        self.cache.forget_all();
    }

    /// How many bytes the pages take.
    pub(super) fn bytes(&self) -> u64 {
        self.cache.weight()
    }

    fn forget_one(&self, project: Option<&ProjectName>) {
        for format in [Format::Json, Format::HtmlV1, Format::Html] {
            for gzip in [false, true] {
                self.cache.forget(&PageKey {
                    project: project.cloned(),
                    format,
                    gzip,
                });
            }
        }
    }
}

/// What a project's page shows.
struct Detail {
    detail: ProjectDetail,
    unseen: Unseen,
    may_be_kept: bool,
}

impl Index {
    /// A page that can be shown without waiting for anything: it is in memory, and nothing has changed. `None` says that
    /// [`Index::page`] is to be asked. `project` is the name as it stands in the address.
    #[must_use]
    pub fn page_at_hand(&self, project: Option<&str>, format: Format, gzip: bool) -> Option<Arc<Page>> {
        if !self.is_settled() {
            return None;
        }
        let word = PageWord {
            project,
            format,
            gzip,
        };
        let page = self.pages.cache.at_hand(&word)?;
        page.unseen.is_empty().then(|| {
            self.statistics.page_hits.count();
            page
        })
    }

    /// A page, from the cache or newly rendered. `None` for a project of which no file was ever here.
    ///
    /// One request renders; others that want the same page wait for it.
    ///
    /// # Errors
    /// The folder or the catalog can't be read.
    pub async fn page(self: &Arc<Self>, key: &PageKey) -> Result<Option<Arc<Page>>, Error> {
        self.settle().await?;
        for _ in 0..ATTEMPTS {
            let turn = match self.pages.cache.find(key).await {
                Ok(page) if self.are_as_before(&page.unseen).await? => {
                    self.statistics.page_hits.count();
                    return Ok(Some(page));
                }
                Ok(_) => continue,
                Err(turn) => turn,
            };
            self.statistics.page_misses.count();
            let rendered = self.render(key).await;
            let kept = match &rendered {
                Ok(Some((page, true))) => Some(Arc::clone(page)),
                _ => None,
            };
            turn.end(kept);
            return Ok(rendered?.map(|(page, _)| page));
        }
        let project = key.project.as_ref().map_or("/", ProjectName::as_str);
        Err(Error::Unsteady(project.to_owned()))
    }

    /// A new page, and whether it may be kept.
    async fn render(self: &Arc<Self>, key: &PageKey) -> Result<Option<(Arc<Page>, bool)>, Error> {
        let (format, form, gzip) = (key.format, form_of(key.format), key.gzip);
        let Some(project) = &key.project else {
            let list = ProjectList {
                projects: self.catalog.projects().await?,
            };
            let page = tokio::task::spawn_blocking(move || match format {
                Format::Json => finish(json::project_list(&list), form, gzip),
                Format::HtmlV1 | Format::Html => finish(html::project_list(&list), form, gzip),
            });
            return Ok(Some((Arc::new(page.await?), true)));
        };
        let Some(Detail {
            detail,
            unseen,
            may_be_kept,
        }) = self.project_detail(project).await?
        else {
            return Ok(None);
        };
        let page = tokio::task::spawn_blocking(move || match format {
            Format::Json => finish(json::project_detail(&detail), form, gzip),
            Format::HtmlV1 | Format::Html => finish(html::project_detail(&detail), form, gzip),
        });
        let page = Page {
            unseen,
            ..page.await?
        };
        Ok(Some((Arc::new(page), may_be_kept)))
    }

    /// What the project's page shows, and whether that may be kept; `None` when no file of it was ever here.
    async fn project_detail(self: &Arc<Self>, name: &ProjectName) -> Result<Option<Detail>, Error> {
        let Some(project) = self.project_as_it_is(name).await? else {
            return Ok(None);
        };
        let unseen = self.unseen(&project.files);
        let ProjectRecord {
            name,
            status,
            status_reason,
            files,
        } = project;
        let files = if status == ProjectStatus::Quarantined {
            Vec::new()
        } else {
            files
        };
        let (files, may_be_kept) = self.known_files(files).await?;
        let files = files
            .into_iter()
            .map(|(record, facts)| self.line(record, facts.as_ref()))
            .collect();
        let detail = ProjectDetail {
            name,
            status,
            status_reason,
            files,
        };
        Ok(Some(Detail {
            detail,
            unseen,
            may_be_kept,
        }))
    }

    /// The project's record, after a look at those of its files whose changes the store can't tell or has not told.
    pub(super) async fn project_as_it_is(
        self: &Arc<Self>,
        name: &ProjectName,
    ) -> Result<Option<ProjectRecord>, Error> {
        let project = self.catalog.project(name).await?;
        if self
            .are_as_known(project.iter().flat_map(|project| &project.files))
            .await?
        {
            return Ok(project);
        }
        Ok(self.catalog.project(name).await?)
    }

    /// These files with what they say of themselves, reading those that were not read yet; and whether that may be
    /// kept. Files that went meanwhile, or are still being written, are left out.
    pub(super) async fn known_files(
        self: &Arc<Self>,
        files: Vec<FileRecord>,
    ) -> Result<(Vec<(FileRecord, Option<FileFacts>)>, bool), Error> {
        let settled = files
            .iter()
            .all(|record| self.may_keep(&record.key, record.stamp));
        let readers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let known: Vec<(Option<_>, bool)> = stream::iter(files)
            .map(|record| self.known_file(record))
            .buffered(readers)
            .try_collect()
            .await?;
        // What is missing for now must not be missing for good.
        let complete = known.iter().all(|(_, complete)| *complete);
        let files = known.into_iter().filter_map(|(file, _)| file).collect();
        Ok((files, settled && complete))
    }

    /// A file with its facts, and whether that is all there is to say. There is none for a file that went, and none
    /// yet for one that is still being written.
    async fn known_file(
        self: &Arc<Self>,
        record: FileRecord,
    ) -> Result<(Option<(FileRecord, Option<FileFacts>)>, bool), Error> {
        match self.with_facts(record.clone()).await {
            Ok(Some((record, facts))) => Ok((Some((record, Some(facts))), true)),
            Ok(None) => Ok((None, false)),
            Err(Error::Unsteady(path)) => {
                debug!(path, "still being written, not listed yet");
                Ok((None, false))
            }
            // One file that can't be read must not take the whole page down: it is listed without a digest.
            Err(Error::Store(error)) => {
                warn!(file = %record.key, error = in_one_line(&error), "listed without a digest");
                Ok((Some((record, None)), false))
            }
            Err(error) => Err(error),
        }
    }

    /// What pages say of a file.
    pub(super) fn line(&self, record: FileRecord, facts: Option<&FileFacts>) -> FileEntry {
        let digest_of_facts = |algorithm| facts.and_then(|facts| digest_of(facts, algorithm));
        FileEntry {
            is_signed: self.signatures.has(&record.key),
            digest: self.settings.page_digest.and_then(digest_of_facts),
            path: record.key.path().to_owned(),
            filename: record.filename,
            metadata_sha256: facts.and_then(|facts| facts.metadata_sha256),
            requires_python: facts.and_then(|facts| facts.requires_python.clone()),
            yanked: record.yanked.map(|yank| yank.reason),
            size_bytes: record.stamp.size_bytes,
            uploaded_at: record.uploaded_at,
        }
    }
}

/// A letter for the rendering.
fn form_of(format: Format) -> char {
    match format {
        Format::Json => 'j',
        Format::HtmlV1 => 'v',
        Format::Html => 'h',
    }
}

/// Compresses where that pays, and makes the validator. Each representation has one of its own, as a strong
/// validator must: another content type or coding is another representation.
pub(super) fn finish(body: Vec<u8>, form: char, gzip: bool) -> Page {
    let digest = Sha256::of(&body).to_string();
    let compressed = if gzip && body.len() >= SMALLEST_COMPRESSED_BYTES {
        compress(&body)
    } else {
        None
    };
    let coding = if compressed.is_some() { "z" } else { "" };
    let etag = format!("\"{}-{form}{coding}\"", &digest[..32]);
    let gzip = compressed.is_some();
    Page {
        body: compressed.unwrap_or(body).into(),
        gzip,
        etag: etag.into(),
        unseen: Unseen::default(),
    }
}

/// `None` when compressing failed, which in memory it does not; the plain page is right in any case.
fn compress(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::default());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}
