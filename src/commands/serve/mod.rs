//! `pkgctl serve`: the index server over folders of wheels and sdists.
//!
//! | question | file |
//! |---|---|
//! | which flags are there | `arguments/` |
//! | what is understood of pypiserver's command line | `words.rs` |
//! | where does a setting come from: flag, variable, settings file or default | `configuration/` |
//! | what do the settings mean | `settings.rs` |
//! | where can it be asked whether it is alive | `live_address.rs` |
//! | where does it listen | `listeners.rs`, `descriptors.rs` |
//! | what is said at the start, and to the service manager | `announcement.rs`, `notify.rs` |
//! | what ends the server, what makes it read its settings again | `signals.rs`, `reload.rs` |

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::{info, warn};

pub(super) use self::arguments::Arguments;
use self::configuration::Configuration;
use self::listeners::{HandedOver, OpenSockets};
pub(super) use self::live_address::live_address;
use self::notify::ServiceManager;
use self::reload::{Reload, Running};
use self::settings::Settings;
use self::signals::Signals;
pub(super) use self::words::Words;
use crate::auth::{Authenticator, PasswordSource};
use crate::catalog::{Census, Opened, SharedCatalog, SteadyCatalog, what_is_lost};
use crate::causes::in_one_line;
use crate::config::Environment;
use crate::failure::Failure;
use crate::index::{self, Index};
use crate::logging::Log;
use crate::server::{self, Access, Live};
use crate::storage::{self, LocalStore, SharedStore};
use crate::{logging, terminal};

mod announcement;
mod arguments;
mod configuration;
mod descriptors;
mod listeners;
mod live_address;
mod notify;
mod reload;
mod settings;
mod signals;
mod words;

/// The catalog in the state folder.
pub(super) const CATALOG: &str = "catalog.db";

/// How long after the start the catalog is copied for the first time: the start is busy enough.
const FIRST_COPY_PAUSE: Duration = Duration::from_secs(60);

/// How often the catalog is copied at most.
const COPY_PAUSE: Duration = Duration::from_secs(3600);

/// How long the end may take to save the next start some work. Without a bookmark that takes longer, and no more.
const BOOKMARK_TIME: Duration = Duration::from_secs(2);

/// Runs the verb until it is stopped, or shows its settings.
///
/// # Errors
/// Words, variables or the settings file make no sense, or what they name can't be used.
pub(super) fn run(words: Words, environment: Environment) -> Result<ExitCode, Failure> {
    let configuration = Configuration::load(&words, &environment)?;
    if configuration.is_to_be_shown {
        terminal::data(configuration.shown())
            .map_err(|error| Failure::new("can't print the settings").caused_by(&error))?;
        return Ok(ExitCode::SUCCESS);
    }
    let arguments = configuration.arguments()?;
    // Dropped last, so that whatever is said at the end is written.
    let log = logging::init(logging::Settings {
        shape: arguments.logs.shape(),
        no_color: environment.is_set("NO_COLOR"),
        told_by_message: server::ACCESS_TARGET,
        course: arguments.logs.course(),
    })?;
    for notice in &configuration.notices {
        warn!("{notice}");
    }
    let settings =
        Settings::resolve(arguments, &environment).map_err(|failure| configuration.blame(failure))?;
    let sockets = HandedOver::take(&environment)?;
    let manager = ServiceManager::find(&environment);
    descriptors::refuse_core_dumps();
    descriptors::take_all(settings.server.limits.connections);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("can't start the server's threads").caused_by(&error))?;
    let start = Start {
        words,
        environment,
        log,
        configuration,
        settings,
    };
    let outcome = runtime.block_on(serve(start, sockets, manager));
    // Files that are still being hashed for clients that are gone keep nobody waiting.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome.map(|()| ExitCode::SUCCESS)
}

/// What the program was told, and the log that tells what comes of it.
struct Start {
    words: Words,
    environment: Environment,
    log: Log,
    configuration: Configuration,
    settings: Settings,
}

async fn serve(start: Start, handed_over: HandedOver, manager: ServiceManager) -> Result<(), Failure> {
    let Start {
        words,
        environment,
        log,
        configuration,
        settings,
    } = start;
    let signals = Signals::listen();
    // The port first: it is what most often fails, and nothing has been touched yet.
    let OpenSockets {
        listeners,
        addresses,
        file,
    } = listeners::open(&settings.listen, handed_over).await?;
    let authenticator = open_passwords(&settings)?;
    let (index, catalog) = open_index(&settings).await?;
    if let Some(file) = &configuration.file {
        info!("settings are in {}", file.display());
    }
    if let Some(file) = log.file() {
        info!("the log is in {}", file.display());
    }
    announcement::tell(&settings, &index, &addresses).await?;
    announcement::tell_missing_rights(&settings);
    manager.ready();
    let background = work_in_background(&index, &catalog);
    let access = Access {
        policy: settings.policy.clone(),
        authenticator: authenticator.clone(),
    };
    let limits = settings.server.limits.clone();
    let live = Live::new(settings.server.clone(), access, Arc::clone(&index));
    let mut reload = Reload {
        words,
        environment,
        log,
        live: live.clone(),
        tls: listeners.tls.clone(),
        running: Running {
            configuration,
            settings,
            authenticator,
        },
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let served = server::run(live, &limits, listeners, async move {
        // Whether it is told or the teller is gone: it is time to stop.
        let _ = stopped.await;
        manager.stopping();
        // Before the last requests are answered, so that the next server finds its place free.
        drop(file);
    });
    let outcome = tokio::select! {
        () = served => Ok(()),
        () = signals.second(stop, || reload.run()) => Err(Failure::interrupted("stopped at once, with requests still in flight")),
    };
    background.iter().for_each(JoinHandle::abort);
    if outcome.is_ok() {
        let _ = tokio::time::timeout(BOOKMARK_TIME, index.make_bookmark()).await;
        keep_copy(&catalog).await;
    }
    outcome
}

fn open_passwords(settings: &Settings) -> Result<Option<Arc<Authenticator>>, Failure> {
    match &settings.passwords {
        PasswordSource::File(path) => {
            let authenticator = Authenticator::open(path, settings.logins.clone())?;
            Ok(Some(Arc::new(authenticator)))
        }
        PasswordSource::None | PasswordSource::Open => Ok(None),
    }
}

async fn open_index(settings: &Settings) -> Result<(Arc<Index>, Arc<SteadyCatalog>), Failure> {
    // Where a packages folder isn't mounted, no catalog may take its place.
    storage::check_roots(&settings.roots)?;
    let store_of_census = Arc::new(OnceLock::new());
    let catalog = Arc::new(open_catalog(settings, Arc::clone(&store_of_census)).await?);
    let bookmark = index::last_bookmark(&*catalog).await;
    let mut of_store = storage::Settings::new(settings.roots.clone(), settings.state_dir.clone());
    if let Some(keep_free_bytes) = settings.keep_free_bytes {
        of_store.reserve_free_bytes = keep_free_bytes;
        of_store.reserve_free_percent = 0;
    }
    let store: SharedStore = Arc::new(LocalStore::open_at(of_store, bookmark.as_ref())?);
    let _ = store_of_census.set(Arc::clone(&store));
    let shared: SharedCatalog = Arc::<SteadyCatalog>::clone(&catalog);
    let index = Index::open(store, shared, settings.index.clone()).await?;
    Ok((index, catalog))
}

/// What goes on beside the answering of requests.
fn work_in_background(index: &Arc<Index>, catalog: &Arc<SteadyCatalog>) -> [JoinHandle<()>; 3] {
    [
        tokio::spawn(Arc::clone(index).read_in_background()),
        tokio::spawn(Arc::clone(index).keep_bookmarks()),
        tokio::spawn(keep_copies(Arc::clone(catalog))),
    ]
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
async fn open_catalog(
    settings: &Settings,
    store: Arc<OnceLock<SharedStore>>,
) -> Result<SteadyCatalog, Failure> {
    let census: Census = Box::new(move || {
        let store = store.get().cloned();
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
