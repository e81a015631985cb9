//! `pkgctl serve`: the index server over folders of wheels and sdists.
//!
//! | question | file |
//! |---|---|
//! | which flags are there | `arguments/` |
//! | what is understood of pypiserver's command line | `words.rs` |
//! | where does a setting come from: flag, variable, settings file or default | `configuration/` |
//! | what do the settings mean | `settings.rs` |
//! | where can it be asked whether it is alive | `live_address.rs` |
//! | how are folders and catalog opened, kept and left for the next start | `opening.rs` |
//! | where does it listen | `listeners.rs`, `descriptors.rs` |
//! | what is said at the start, and to the service manager | `announcement.rs`, `notify.rs` |
//! | what ends the server, what makes it read its settings again | `signals.rs`, `reload.rs` |

use std::process::ExitCode;
use std::sync::Arc;
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
use crate::config::Environment;
use crate::failure::Failure;
use crate::logging::Log;
use crate::server::{self, Access, Live};
use crate::{logging, terminal};

mod announcement;
mod arguments;
mod configuration;
mod descriptors;
mod listeners;
mod live_address;
mod notify;
mod opening;
mod reload;
mod settings;
mod signals;
mod words;

/// The catalog in the state folder.
pub(super) const CATALOG: &str = "catalog.db";

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
    let (index, catalog) = opening::open_index(&settings).await?;
    if let Some(file) = &configuration.file {
        info!("settings are in {}", file.display());
    }
    if let Some(file) = log.file() {
        info!("the log is in {}", file.display());
    }
    announcement::tell_missing_rights(&settings);
    announcement::tell(&settings, &index, &addresses).await?;
    manager.ready();
    let background = opening::work_in_background(&index, &catalog);
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
        opening::leave_for_the_next(&index, &catalog).await;
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
