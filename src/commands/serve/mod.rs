//! `pkgctl serve`: the index server over folders of wheels and sdists.
//!
//! `settings.rs` makes settings of the flags, `announcement.rs` says what is served, `signals.rs` waits for the end.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::warn;

use self::settings::{DEFAULT_FALLBACK_URL, Settings, parse_size};
use crate::auth::{Authenticator, PasswordSource};
use crate::catalog::{self, Opened, SqliteCatalog};
use crate::config::Environment;
use crate::failure::Failure;
use crate::index::Index;
use crate::packaging::digest::Algorithm;
use crate::server::{self, Access};
use crate::storage::{self, LocalStore};
use crate::{auth, logging};

mod announcement;
mod settings;
mod signals;

/// The catalog in the state folder.
const CATALOG: &str = "catalog.db";

/// Serve folders of wheels and sdists as a Python package index
///
/// Point it at the folder that pypiserver served: the flags of the same names mean the same. Files may be uploaded, copied in, replaced and
/// deleted while it runs: each answer shows the folder as it is.
///
/// Without a passwords file pages and downloads are open and uploads are switched off. `pkgctl adduser NAME` makes
/// one for the default folder; `pkgctl adduser -f FOLDER/.htaccess NAME` for another.
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "the text is read in a terminal")]
#[command(after_help = "\
Examples:
  pkgctl serve
  pkgctl serve -p 8080 -P ~/packages/.htaccess ~/packages
  pkgctl serve -P htpasswd -a update,download,list /srv/packages
  pkgctl serve -P . -a . ~/packages            # everybody may upload")]
pub(super) struct Arguments {
    /// Folders to serve, searched in this order; the first receives uploads [env: PKGCTL_ROOTS, separated as in PATH] [default: ~/packages]
    #[arg(value_name = "FOLDER")]
    roots: Vec<PathBuf>,

    /// Port to listen on; 0 picks a free one
    #[arg(short, long, value_name = "PORT", default_value_t = 8080, env = "PKGCTL_PORT")]
    port: u16,

    /// Address or name of the interface to listen on
    #[arg(
        short = 'i',
        visible_short_alias = 'H',
        long,
        visible_alias = "interface",
        value_name = "ADDRESS",
        default_value = "0.0.0.0",
        env = "PKGCTL_HOST"
    )]
    host: String,

    /// Passwords file in htpasswd format, or `.` for none [default: .htaccess in the first folder, if it is there]
    #[arg(short = 'P', long, value_name = "FILE", env = "PKGCTL_PASSWORDS")]
    passwords: Option<PathBuf>,

    /// What needs a password: a list of update, download and list, or `.` for nothing (with -P .) [default: update]
    #[arg(short = 'a', long, value_name = "ACTIONS", env = "PKGCTL_AUTHENTICATE")]
    authenticate: Option<String>,

    /// Let uploads replace files of the same name
    #[arg(short, long, env = "PKGCTL_OVERWRITE", value_parser = BoolishValueParser::new())]
    overwrite: bool,

    /// Simple index where clients are sent for projects that were never here
    #[arg(long, value_name = "URL", default_value = DEFAULT_FALLBACK_URL, env = "PKGCTL_FALLBACK_URL")]
    fallback_url: String,

    /// Answer 404 for projects that were never here
    #[arg(long, env = "PKGCTL_DISABLE_FALLBACK", value_parser = BoolishValueParser::new())]
    disable_fallback: bool,

    /// Names that are never sent to the fallback, such as `corp-*` (may be repeated)
    #[arg(long, value_name = "PATTERN", env = "PKGCTL_PRIVATE", value_delimiter = ',')]
    private: Vec<String>,

    /// Digest shown in pages
    #[arg(
        long,
        value_name = "ALGORITHM",
        default_value = "sha256",
        env = "PKGCTL_HASH_ALGO",
        ignore_case = true
    )]
    hash_algo: HashAlgorithm,

    /// Largest file that may be uploaded, in bytes or with K, M or G behind
    #[arg(long, value_name = "SIZE", default_value = "2G", env = "PKGCTL_MAX_UPLOAD_SIZE", value_parser = parse_size)]
    max_upload_size: u64,

    /// Folder for the catalog and unfinished uploads [default: .pkgctl in the first folder]
    #[arg(long, value_name = "FOLDER", env = "PKGCTL_STATE_DIR")]
    state_dir: Option<PathBuf>,

    /// Ignored: pypiserver's choice of an HTTP server; this one has its own
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    server: Option<String>,

    /// Ignored: pypiserver's choice of a cache; this one has its own
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    backend: Option<String>,

    /// Shape of the log on stderr
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        env = "PKGCTL_LOG_FORMAT"
    )]
    log_format: LogFormat,

    /// Log more; twice for everything
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum HashAlgorithm {
    Md5,
    Sha256,
    Sha384,
    Sha512,
    #[value(alias = "no", alias = "0", alias = "false", alias = "n", alias = "f")]
    Off,
}

impl HashAlgorithm {
    fn algorithm(self) -> Option<Algorithm> {
        match self {
            Self::Md5 => Some(Algorithm::Md5),
            Self::Sha256 => Some(Algorithm::Sha256),
            Self::Sha384 => Some(Algorithm::Sha384),
            Self::Sha512 => Some(Algorithm::Sha512),
            Self::Off => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

pub(super) fn run(args: Arguments, environment: &Environment) -> Result<(), Failure> {
    logging::init(logging::Settings {
        verbosity: args.verbose,
        json: args.log_format == LogFormat::Json,
        file: None,
        no_color: environment.is_set("NO_COLOR"),
        told_by_message: server::ACCESS_TARGET,
    });
    warn_of_ignored(&args);
    let settings = Settings::resolve(args, environment)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("can't start the server's threads").caused_by(&error))?;
    let outcome = runtime.block_on(serve(settings));
    // Files that are still being hashed for clients that are gone keep nobody waiting.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    outcome
}

/// One line for all that is accepted from habit.
fn warn_of_ignored(args: &Arguments) {
    let ignored = [("--server", &args.server), ("--backend", &args.backend)];
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
