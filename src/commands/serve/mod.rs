//! `pkgctl serve`: the index server over folders of wheels and sdists.
//!
//! `arguments/` has the flags, `settings.rs` makes settings of them, `announcement.rs` says what is served, `signals.rs` waits for the end.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::warn;

pub(super) use self::arguments::Arguments;
use self::arguments::LogFormat;
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
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("can't start the server's threads").caused_by(&error))?;
    let outcome = runtime.block_on(serve(settings));
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

async fn serve(settings: Settings) -> Result<(), Failure> {
    // The port first: it is what most often fails, and nothing has been touched yet.
    let listener = listen(&settings.listen.0, settings.listen.1).await?;
    let authenticator = open_passwords(&settings.passwords)?;
    let store = LocalStore::open(storage::Settings::new(
        settings.roots.clone(),
        settings.state_dir.clone(),
    ))?;
    let catalog = open_catalog(&settings)?;
    let index = Index::open(Arc::new(store), Arc::new(catalog), settings.index.clone()).await?;
    announcement::tell(&settings, &index, &listener).await?;
    let reading = tokio::spawn(Arc::clone(&index).read_in_background());
    let access = Access {
        policy: settings.policy,
        authenticator,
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let served = server::run(settings.server, access, index, listener, async {
        // Whether it is told or the teller is gone: it is time to stop.
        let _ = stopped.await;
    });
    let outcome = tokio::select! {
        () = served => Ok(()),
        () = signals::second(stop) => Err(Failure::interrupted("stopped at once, with requests still in flight")),
    };
    reading.abort();
    outcome
}

async fn listen(host: &str, port: u16) -> Result<TcpListener, Failure> {
    let addresses: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .map_err(|error| {
            Failure::usage(format!("there is no interface `{host}`"))
                .caused_by(&error)
                .hint("use 0.0.0.0 for all interfaces, 127.0.0.1 for this machine alone, or an address of this machine")
        })?
        .collect();
    TcpListener::bind(&addresses[..]).await.map_err(|error| {
        let failure = Failure::new(format!("can't listen on port {port} of {host}")).caused_by(&error);
        match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                failure.hint("another program listens there; stop it, or choose another port with --port")
            }
            std::io::ErrorKind::PermissionDenied => {
                failure.hint("ports below 1024 need special rights; choose another one with --port")
            }
            _ => failure.hint("use --host with an address of this machine, or 0.0.0.0 for all of them"),
        }
    })
}

fn open_passwords(source: &PasswordSource) -> Result<Option<Authenticator>, Failure> {
    match source {
        PasswordSource::File(path) => Ok(Some(Authenticator::open(path, auth::Settings::default())?)),
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
