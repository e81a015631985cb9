//! The folders and the catalog that a server is opened over, how they are kept, and how they are left.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use tokio::task::JoinHandle;
use tracing::warn;

use super::CATALOG;
use super::settings::Settings;
use crate::catalog::{Census, Opened, SharedCatalog, SteadyCatalog, what_is_lost};
use crate::causes::in_one_line;
use crate::failure::Failure;
use crate::index::{self, Index};
use crate::storage::{self, LocalStore, SharedStore};

/// How long after the start the catalog is copied for the first time: the start is busy enough.
const FIRST_COPY_PAUSE: Duration = Duration::from_secs(60);

/// How often the catalog is copied at most.
const COPY_PAUSE: Duration = Duration::from_secs(3600);

/// How long the end may take to save the next start some work. Without a bookmark that takes longer, and no more.
const BOOKMARK_TIME: Duration = Duration::from_secs(2);

/// Opens the folders and the catalog, and reads of them what the last server has not left known.
///
/// # Errors
/// A folder is missing or can't be read, or the state folder can't be used.
pub(super) async fn open_index(settings: &Settings) -> Result<(Arc<Index>, Arc<SteadyCatalog>), Failure> {
    // Where a packages folder isn't mounted, no catalog may take its place.
    storage::check_roots(&settings.roots)?;
    let of_census = Arc::new(OfCensus::default());
    let catalog = Arc::new(open_catalog(settings, Arc::clone(&of_census)).await?);
    let bookmark = index::last_bookmark(&*catalog).await;
    let mut of_store = storage::Settings::new(settings.roots.clone(), settings.state_dir.clone());
    if let Some(keep_free_bytes) = settings.keep_free_bytes {
        of_store.reserve_free_bytes = keep_free_bytes;
        of_store.reserve_free_percent = 0;
    }
    let store: SharedStore = Arc::new(LocalStore::open_at(of_store, bookmark.as_ref())?);
    let _ = of_census.store.set(Arc::clone(&store));
    let shared: SharedCatalog = Arc::<SteadyCatalog>::clone(&catalog);
    let index = Index::open(store, shared, settings.index.clone()).await?;
    let _ = of_census.index.set(Arc::downgrade(&index));
    Ok((index, catalog))
}

/// What a census of the folders needs, as soon as it is open.
#[derive(Default)]
struct OfCensus {
    store: OnceLock<SharedStore>,
    index: OnceLock<Weak<Index>>,
}

/// What goes on beside the answering of requests.
pub(super) fn work_in_background(index: &Arc<Index>, catalog: &Arc<SteadyCatalog>) -> [JoinHandle<()>; 3] {
    [
        tokio::spawn(Arc::clone(index).read_in_background()),
        tokio::spawn(Arc::clone(index).keep_bookmarks()),
        tokio::spawn(keep_copies(Arc::clone(catalog))),
    ]
}

/// Leaves what saves the next start work, and what it may need if the catalog is damaged by then.
pub(super) async fn leave_for_the_next(index: &Arc<Index>, catalog: &SteadyCatalog) {
    let _ = tokio::time::timeout(BOOKMARK_TIME, index.make_bookmark()).await;
    keep_copy(catalog).await;
}

/// Copies the catalog now and then: should it be found damaged one day, the copy knows what the folder can't tell.
async fn keep_copies(catalog: Arc<SteadyCatalog>) {
    tokio::time::sleep(FIRST_COPY_PAUSE).await;
    loop {
        keep_copy(&catalog).await;
        tokio::time::sleep(COPY_PAUSE).await;
    }
}

async fn keep_copy(catalog: &SteadyCatalog) {
    if let Err(error) = catalog.keep_copy().await {
        warn!(
            error = in_one_line(&error),
            "the catalog can't be copied; the copy made before is kept"
        );
    }
}

/// Opens the catalog; where it can't be used, one in memory stands in until it can.
async fn open_catalog(settings: &Settings, of_census: Arc<OfCensus>) -> Result<SteadyCatalog, Failure> {
    let census: Census = Box::new(move || {
        // The catalog begins anew: what was made from the one before may be wrong.
        if let Some(index) = of_census.index.get().and_then(Weak::upgrade) {
            index.forget_all_made();
        }
        let store = of_census.store.get().cloned();
        Box::pin(async move {
            match store {
                Some(store) => store.list().await,
                // Nothing has asked for the store yet; the listing at its opening will tell.
                None => Ok(Vec::new()),
            }
        })
    });
    let path = settings.state_dir.join(CATALOG);
    let (catalog, opened) = SteadyCatalog::open(&path, &settings.roots, census).await?;
    match opened {
        Opened::Existing | Opened::New => {}
        Opened::Replaced { damaged, copied_at } => warn!(
            "the catalog was damaged and is set aside as {}; {}",
            damaged.display(),
            what_is_lost(copied_at)
        ),
        Opened::InMemory { reason } => warn!(
            "the catalog {} can't be used: {reason}; one in memory stands in, and uploads wait until it can be used",
            path.display()
        ),
    }
    Ok(catalog)
}
