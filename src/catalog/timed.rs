//! A catalog whose work is timed: what operators look at when answers are slow.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    Catalog, Counts, Error, FileFacts, FileRecord, Known, Observation, Pieces, ProjectRecord, SharedCatalog,
    UploadRecord,
};
use crate::measures::Durations;
use crate::packaging::{DistFilename, ProjectName};
use crate::storage::{Stamp, StoreKey};

/// How long the catalog's work took, failures included.
#[derive(Debug, Default)]
pub struct Timings {
    /// Questions.
    pub reads: Durations,
    /// Transactions that change something, with the wait for their turn.
    pub writes: Durations,
}

/// A catalog that tells how long its work takes.
pub struct Timed {
    inner: SharedCatalog,
    timings: Arc<Timings>,
}

impl Timed {
    /// Times the work of `inner`.
    #[must_use]
    pub fn new(inner: SharedCatalog, timings: Arc<Timings>) -> Self {
        Self { inner, timings }
    }

    async fn read<T>(&self, work: impl Future<Output = T> + Send) -> T {
        time(&self.timings.reads, work).await
    }

    async fn write<T>(&self, work: impl Future<Output = T> + Send) -> T {
        time(&self.timings.writes, work).await
    }
}

async fn time<T>(durations: &Durations, work: impl Future<Output = T> + Send) -> T {
    let begun = Instant::now();
    let result = work.await;
    durations.record_since(begun);
    result
}

#[async_trait]
impl Catalog for Timed {
    async fn projects(&self) -> Result<Vec<ProjectName>, Error> {
        self.read(self.inner.projects()).await
    }

    async fn project(&self, name: &ProjectName) -> Result<Option<ProjectRecord>, Error> {
        self.read(self.inner.project(name)).await
    }

    async fn file(&self, filename: &str) -> Result<Option<FileRecord>, Error> {
        self.read(self.inner.file(filename)).await
    }

    async fn files_named(&self, filenames: Vec<String>) -> Result<Vec<FileRecord>, Error> {
        self.read(self.inner.files_named(filenames)).await
    }

    async fn listed_paths(&self) -> Result<Vec<Box<str>>, Error> {
        self.read(self.inner.listed_paths()).await
    }

    async fn files_like(&self, identity: &str) -> Result<Vec<FileRecord>, Error> {
        self.read(self.inner.files_like(identity)).await
    }

    async fn known(&self, filename: &DistFilename) -> Result<Known, Error> {
        self.read(self.inner.known(filename)).await
    }

    async fn present(&self) -> Result<Vec<(StoreKey, Stamp)>, Error> {
        self.read(self.inner.present()).await
    }

    async fn unread(&self, limit: usize) -> Result<Vec<FileRecord>, Error> {
        self.read(self.inner.unread(limit)).await
    }

    async fn observe(&self, observations: Vec<Observation>) -> Result<Vec<ProjectName>, Error> {
        self.write(self.inner.observe(observations)).await
    }

    async fn observe_pieces(&self, pieces: Pieces<'_>) -> Result<(), Error> {
        self.write(self.inner.observe_pieces(pieces)).await
    }

    async fn twins(&self) -> Result<Vec<StoreKey>, Error> {
        self.read(self.inner.twins()).await
    }

    async fn record_facts(&self, key: &StoreKey, stamp: Stamp, facts: FileFacts) -> Result<bool, Error> {
        self.write(self.inner.record_facts(key, stamp, facts)).await
    }

    async fn record_upload(&self, upload: UploadRecord) -> Result<(), Error> {
        self.write(self.inner.record_upload(upload)).await
    }

    async fn record_removal(&self, key: &StoreKey, actor: Option<&str>, at: Timestamp) -> Result<(), Error> {
        self.write(self.inner.record_removal(key, actor, at)).await
    }

    async fn record_kept(&self, key: &StoreKey, actor: Option<&str>, at: Timestamp) -> Result<(), Error> {
        self.write(self.inner.record_kept(key, actor, at)).await
    }

    async fn record_refusal(&self, upload: UploadRecord, was_known: bool) -> Result<(), Error> {
        self.write(self.inner.record_refusal(upload, was_known)).await
    }

    async fn set_bookmark(&self, text: String) -> Result<(), Error> {
        self.write(self.inner.set_bookmark(text)).await
    }

    async fn bookmark(&self) -> Result<Option<String>, Error> {
        self.read(self.inner.bookmark()).await
    }

    async fn counts(&self) -> Result<Counts, Error> {
        self.read(self.inner.counts()).await
    }
}
