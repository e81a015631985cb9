//! The JSON of projects: made once after a change, then kept without the address of the index, which each client
//! knows under its own.
//!
//! Two caches, each bounded in bytes. Templates are kept by project and [generation](super::generations). What is
//! sent, with an address in its links and compressed, is kept by the template's digest and the address: no client is
//! ever given what was made for another address, and whoever asks under many addresses pushes out copies, which are
//! cheap, and no template.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::facts::{ATTEMPTS, Unseen};
use super::pages::{Page, PageWeight, finish};
use super::shelf::Shelf;
use super::{Error, Index};
use crate::catalog::{FileFacts, FileRecord, ProjectRecord};
use crate::packaging::digest::{Algorithm, NamedDigest};
use crate::packaging::metadata::CoreMetadata;
use crate::packaging::project_json::{self, JsonTemplate, ProjectDocument, ReleaseFile, Releases};
use crate::packaging::simple::ProjectStatus;
use crate::packaging::{ProjectName, ReleaseVersion, Sha256};
use crate::storage;

/// What a template costs in memory beside its bytes.
const TEMPLATE_OVERHEAD_BYTES: u64 = 512;

/// Which document of which project.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DocumentKey {
    /// The project.
    pub project: ProjectName,
    /// Which of its documents.
    pub which: Which,
}

/// A document of a project.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// The latest release and all others, as at `/pypi/{project}/json`.
    Latest,
    /// The newest release and all others, as pypiserver has it at `/{project}/json`.
    Newest,
    /// One release, as at `/pypi/{project}/{version}/json`.
    Release(ReleaseVersion),
}

/// The caches.
pub(super) struct Documents {
    templates: Shelf<(DocumentKey, u64), Template, TemplateWeight>,
    placed: Cache<PlacedKey, Arc<Page>, PageWeight>,
}

struct Template {
    json: JsonTemplate,
    digest: Sha256,
    /// The files that must be looked at before this is sent again.
    unseen: Unseen,
}

/// What a document says, and what that was drawn from.
struct Drawn {
    document: ProjectDocument,
    unseen: Unseen,
    may_be_kept: bool,
}

/// A template at an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PlacedKey {
    template: Sha256,
    base: Box<str>,
    gzip: bool,
}

#[derive(Clone)]
struct TemplateWeight;

impl Weighter<(DocumentKey, u64), Arc<Template>> for TemplateWeight {
    fn weight(&self, _: &(DocumentKey, u64), template: &Arc<Template>) -> u64 {
        template.json.as_bytes().len() as u64 + TEMPLATE_OVERHEAD_BYTES
    }
}

impl Weighter<PlacedKey, Arc<Page>> for PageWeight {
    fn weight(&self, key: &PlacedKey, page: &Arc<Page>) -> u64 {
        (key.base.len() + page.body.len()) as u64 + TEMPLATE_OVERHEAD_BYTES
    }
}

impl Documents {
    pub(super) fn new(capacity_bytes: u64) -> Self {
        let typical_document_bytes = 4096;
        let expected = usize::try_from(capacity_bytes / 2 / typical_document_bytes).unwrap_or(usize::MAX);
        let expected = expected.min(50_000);
        Self {
            templates: Shelf::new(expected, capacity_bytes / 2, TemplateWeight),
            placed: Cache::with_weighter(expected, capacity_bytes / 2, PageWeight),
        }
    }
}

impl Index {
    /// A document about a project, for clients that know this index under `base`, an address with a final slash.
    /// `None` when there is no such project or release, or its files are not offered.
    ///
    /// # Errors
    /// The folder or the catalog can't be read.
    pub async fn document(
        self: &Arc<Self>,
        key: DocumentKey,
        base: &str,
        gzip: bool,
    ) -> Result<Option<Arc<Page>>, Error> {
        let Some(template) = self.fresh_template(key).await? else {
            return Ok(None);
        };
        let key = PlacedKey {
            template: template.digest,
            base: base.into(),
            gzip,
        };
        if let Some(page) = self.documents.placed.get(&key) {
            return Ok(Some(page));
        }
        let place = {
            let base = key.base.clone();
            move || Arc::new(finish(template.json.at(&base), 'p', gzip))
        };
        let page = tokio::task::spawn_blocking(place).await?;
        self.documents.placed.insert(key, Arc::clone(&page));
        Ok(Some(page))
    }

    /// The document without an address, as the folder is now.
    async fn fresh_template(self: &Arc<Self>, key: DocumentKey) -> Result<Option<Arc<Template>>, Error> {
        self.settle().await?;
        for _ in 0..ATTEMPTS {
            let Some(template) = self.template(key.clone()).await? else {
                return Ok(None);
            };
            if self.are_as_before(&template.unseen).await? {
                return Ok(Some(template));
            }
        }
        Err(Error::Unsteady(key.project.as_str().to_owned()))
    }

    /// The document without an address, from the cache or newly rendered; one request renders, others wait for it.
    async fn template(self: &Arc<Self>, key: DocumentKey) -> Result<Option<Arc<Template>>, Error> {
        let generation = self.pages.generations.of(&key.project);
        let key = (key, generation);
        let turn = match self.documents.templates.find(&key).await {
            Ok(template) => return Ok(Some(template)),
            Err(turn) => turn,
        };
        let made = self.make_template(&key.0).await;
        let kept = match &made {
            Ok(Some((template, true))) => Some(Arc::clone(template)),
            _ => None,
        };
        turn.end(kept);
        Ok(made?.map(|(template, _)| template))
    }

    /// A new template, and whether it may be kept.
    async fn make_template(
        self: &Arc<Self>,
        key: &DocumentKey,
    ) -> Result<Option<(Arc<Template>, bool)>, Error> {
        let Some(Drawn {
            document,
            unseen,
            may_be_kept,
        }) = self.project_document(key).await?
        else {
            return Ok(None);
        };
        let render = move || {
            let json = project_json::render(&document);
            let digest = Sha256::of(json.as_bytes());
            Arc::new(Template { json, digest, unseen })
        };
        let template = tokio::task::spawn_blocking(render).await?;
        Ok(Some((template, may_be_kept)))
    }

    async fn project_document(self: &Arc<Self>, key: &DocumentKey) -> Result<Option<Drawn>, Error> {
        let Some(project) = self.project_as_it_is(&key.project).await? else {
            return Ok(None);
        };
        let unseen = self.unseen(&project.files);
        let ProjectRecord {
            name,
            status,
            status_reason,
            files,
        } = project;
        if status == ProjectStatus::Quarantined {
            return Ok(None);
        }
        if let Which::Release(wanted) = &key.which
            && !files.iter().any(|file| file.filename.version() == wanted)
        {
            return Ok(None);
        }
        let (known, may_be_kept) = self.known_files(files).await?;
        let records: Vec<FileRecord> = known.iter().map(|(record, _)| record.clone()).collect();
        let files: Vec<ReleaseFile> = known
            .into_iter()
            .map(|(record, facts)| self.release_file(record, facts.as_ref()))
            .collect();
        let (release, releases) = match &key.which {
            Which::Latest => (project_json::latest(&files), Releases::OldestFirst),
            Which::Newest => (project_json::newest(&files), Releases::NewestFirst),
            Which::Release(wanted) => (find(&files, wanted), Releases::None),
        };
        let Some(release) = release.cloned() else {
            return Ok(None);
        };
        let metadata = self.release_metadata(&records, &release).await?;
        let document = ProjectDocument {
            name,
            status,
            status_reason,
            files,
            release,
            metadata,
            releases,
        };
        Ok(Some(Drawn {
            document,
            unseen,
            may_be_kept,
        }))
    }

    fn release_file(&self, record: FileRecord, facts: Option<&FileFacts>) -> ReleaseFile {
        ReleaseFile {
            entry: self.line(record, facts),
            digests: facts.map(all_digests).unwrap_or_default(),
        }
    }

    /// The latest release of a project's files, which are in the order of their versions.
    pub(super) fn latest_release(&self, files: &[FileRecord]) -> Option<ReleaseVersion> {
        let files: Vec<ReleaseFile> = files
            .iter()
            .map(|record| self.release_file(record.clone(), record.facts.as_ref()))
            .collect();
        project_json::latest(&files).cloned()
    }

    /// The metadata of a release: those of the file that came first, or of the next one where that has none.
    pub(super) async fn release_metadata(
        self: &Arc<Self>,
        files: &[FileRecord],
        release: &ReleaseVersion,
    ) -> Result<Option<CoreMetadata>, Error> {
        let of_release = files.iter().filter(|file| file.filename.version() == release);
        let mut by_age: Vec<&FileRecord> = of_release.collect();
        by_age.sort_by_key(|file| file.uploaded_at);
        for record in by_age {
            let bytes = match self.store.open(&record.key).await {
                Ok(object) => self.metadata_of(&record.filename, object).await?,
                // Gone, or not readable: the next one may be.
                Err(storage::Error::NotFound(_) | storage::Error::Io { .. }) => None,
                Err(error) => return Err(error.into()),
            };
            let metadata = bytes.and_then(|bytes| CoreMetadata::parse_lenient(&bytes).ok());
            if metadata.is_some() {
                return Ok(metadata);
            }
        }
        Ok(None)
    }
}

fn find<'a>(files: &'a [ReleaseFile], wanted: &ReleaseVersion) -> Option<&'a ReleaseVersion> {
    let versions = files.iter().map(|file| file.entry.filename.version());
    versions.into_iter().find(|version| *version == wanted)
}

/// sha256, which is always known, and those that an upload announced or pages show. Others are not worth reading all
/// files again.
fn all_digests(facts: &FileFacts) -> Vec<NamedDigest> {
    let sha256 = NamedDigest::parse(Algorithm::Sha256, &facts.sha256.to_string()).ok();
    let others = facts
        .digests
        .iter()
        .filter(|digest| digest.algorithm != Algorithm::Sha256);
    sha256.into_iter().chain(others.cloned()).collect()
}

#[cfg(test)]
#[path = "documents_tests.rs"]
mod tests;
