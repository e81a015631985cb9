//! `pkgctl serve`: the index server over folders of wheels and sdists.
//!
//! `arguments/` has the flags, `settings.rs` makes settings of them, `listeners.rs` opens the sockets, `announcement.rs` says what is served,
//! `notify.rs` tells the service manager, `signals.rs` waits for the end.

use std::process::ExitCode;
use std::sync::Arc;

use tokio::sync::oneshot;
use tracing::warn;

pub(super) use self::arguments::Arguments;
use self::arguments::LogFormat;
use self::listeners::{HandedOver, OpenSockets};
use self::notify::ServiceManager;
use self::settings::Settings;
use crate::auth::{Authenticator, PasswordSource};
use crate::catalog::{self, Opened, SqliteCatalog};
use crate::config::Environment;
use crate::failure::Failure;
use crate::index::Index;
use crate::server::{self, Access};
use crate::storage::{self, LocalStore};
use crate::{auth, logging};

mod announcement;
mod arguments;
mod descriptors;
mod listeners;
mod notify;
mod settings;
mod signals;

/// The catalog in the state folder.
pub(super) const CATALOG: &str = "catalog.db";

pub(super) fn run(arguments: Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    logging::init(logging::Settings {
        verbosity: arguments.logs.verbose,
        json: arguments.logs.log_format == LogFormat::Json,
        file: None,
        no_color: environment.is_set("NO_COLOR"),
        told_by_message: server::ACCESS_TARGET,
    });
    warn_of_ignored(&arguments);
    let settings = Settings::resolve(arguments, environment)?;
    let handed_over = HandedOver::take(environment)?;
    let manager = ServiceManager::find(environment);
    descriptors::take_all(settings.server.limits.connections);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("can't start the server's threads").caused_by(&error))?;
    let outcome = runtime.block_on(serve(settings, handed_over, manager));
    // Files that are still being hashed for clients that are gone keep nobody waiting.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    outcome.map(|()| ExitCode::SUCCESS)
}

/// One line for all that is accepted from habit.
fn warn_of_ignored(arguments: &Arguments) {
    let ignored = [
        ("--server", &arguments.listen.server),
        ("--backend", &arguments.folders.backend),
    ];
    let named: Vec<&str> = ignored
        .iter()
        .filter(|(_, value)| value.is_some())
        .map(|(flag, _)| *flag)
        .collect();
    if !named.is_empty() {
        warn!(
            "{} ignored: leave it out, there is only one server and one cache here",
            named.join(" and ")
        );
    }
}

async fn serve(settings: Settings, handed_over: HandedOver, manager: ServiceManager) -> Result<(), Failure> {
    // The port first: it is what most often fails, and nothing has been touched yet.
    let OpenSockets {
        listeners,
        addresses,
        file,
    } = listeners::open(&settings.listen, handed_over).await?;
    let authenticator = open_passwords(&settings.passwords, &settings.logins)?;
    let store = LocalStore::open(storage::Settings::new(
        settings.roots.clone(),
        settings.state_dir.clone(),
    ))?;
    let catalog = open_catalog(&settings)?;
    let index = Index::open(Arc::new(store), Arc::new(catalog), settings.index.clone()).await?;
    announcement::tell(&settings, &index, &addresses).await?;
    manager.ready();
    let reading = tokio::spawn(Arc::clone(&index).read_in_background());
    let access = Access {
        policy: settings.policy,
        authenticator,
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let served = server::run(settings.server, access, index, listeners, async move {
        // Whether it is told or the teller is gone: it is time to stop.
        let _ = stopped.await;
        manager.stopping();
        // Before the last requests are answered, so that the next server finds its place free.
        drop(file);
    });
    let outcome = tokio::select! {
        () = served => Ok(()),
        () = signals::second(stop) => Err(Failure::interrupted("stopped at once, with requests still in flight")),
    };
    reading.abort();
    outcome
}

fn open_passwords(
    source: &PasswordSource,
    logins: &auth::Settings,
) -> Result<Option<Authenticator>, Failure> {
    match source {
        PasswordSource::File(path) => Ok(Some(Authenticator::open(path, logins.clone())?)),
        PasswordSource::None | PasswordSource::Open => Ok(None),
    }
}

/// Opens the catalog; where it can't be written, one in memory serves until the next start.
fn open_catalog(settings: &Settings) -> Result<SqliteCatalog, Failure> {
    let path = settings.state_dir.join(CATALOG);
    match SqliteCatalog::open(&path, &settings.roots) {
        Ok((catalog, Opened::Existing | Opened::New)) => Ok(catalog),
        Ok((catalog, Opened::Replaced { damaged })) => {
            warn!(
                "the catalog was damaged and is set aside as {}; packages are not affected, but upload times and yanks \
                 start anew",
                damaged.display()
            );
            Ok(catalog)
        }
        Err(catalog::Error::NotWritable { path, source }) => {
            warn!(catalog = %path.display(), error = %source, "can't be written to; what files can't say is forgotten at the end");
            Ok(SqliteCatalog::in_memory(&settings.roots)?)
        }
        Err(error) => Err(error.into()),
    }
}
