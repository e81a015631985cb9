//! `pkgctl serve`: the index server over folders of wheels and sdists.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::{info, warn};

use crate::auth::{Action, ActionSet, Authenticator, PasswordSource, Policy};
use crate::catalog::{self, Opened, SqliteCatalog};
use crate::config::Environment;
use crate::failure::Failure;
use crate::index::{self, Index};
use crate::packaging::digest::Algorithm;
use crate::server::{self, Access, Fallback, NamePattern};
use crate::storage::{self, LocalStore};
use crate::{auth, logging};

/// Where names go that this index doesn't know, unless told otherwise; pypiserver's default.
const DEFAULT_FALLBACK_URL: &str = "https://pypi.org/simple";
/// The password file that is used without `-P`, in the first folder.
const DEFAULT_PASSWORDS: &str = ".htaccess";
/// The folder for what is ours, in the first folder.
const STATE_DIR: &str = ".pkgctl";
/// The catalog in that folder.
const CATALOG: &str = "catalog.db";

/// Serve folders of wheels and sdists as a Python package index
///
/// Point it at the folder that pypiserver served, with the same flags. Files may be uploaded, copied in, replaced and
/// deleted while it runs: each answer shows the folder as it is.
///
/// Without a passwords file pages and downloads are open and uploads are switched off. `pkgctl adduser NAME` makes
/// one at the place where this command looks for it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pkgctl serve
  pkgctl serve -p 8080 -P ~/packages/.htaccess ~/packages
  pkgctl serve -P htpasswd -a update,download,list /srv/packages
  pkgctl serve -P . -a . ~/packages            # everybody may upload")]
pub(super) struct Arguments {
    /// Folders to serve, searched in this order; the first receives uploads [env: `PKGCTL_ROOTS`] [default: `~/packages`]
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
    #[arg(short, long, env = "PKGCTL_OVERWRITE", value_parser = FalseyValueParser::new())]
    overwrite: bool,

    /// Simple index where clients are sent for projects that were never here
    #[arg(long, value_name = "URL", default_value = DEFAULT_FALLBACK_URL, env = "PKGCTL_FALLBACK_URL")]
    fallback_url: String,

    /// Answer 404 for projects that were never here
    #[arg(long, env = "PKGCTL_DISABLE_FALLBACK", value_parser = FalseyValueParser::new())]
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

/// Reads `100`, `64K`, `1.5G`.
fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text
        .trim()
        .trim_end_matches(['b', 'B'])
        .trim_end_matches(['i', 'I']);
    let (number, factor) = match digits.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&digits[..at], 1_u64 << 10),
        Some((at, 'm' | 'M')) => (&digits[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&digits[..at], 1 << 30),
        _ => (digits, 1),
    };
    let malformed = || format!("`{text}` is not a size; write it like 500M or 2G");
    let whole: u64 = number.trim().parse().map_err(|_| malformed())?;
    whole
        .checked_mul(factor)
        .filter(|size| *size > 0)
        .ok_or_else(malformed)
}

/// What the flags come to, with everything looked up and checked that can be before the server starts.
struct Settings {
    roots: Vec<PathBuf>,
    state_dir: PathBuf,
    listen: (String, u16),
    passwords: PasswordSource,
    policy: Policy,
    index: index::Settings,
    server: server::Settings,
}

pub(super) fn run(args: Arguments, environment: &Environment) -> Result<(), Failure> {
    logging::init(logging::Settings {
        verbosity: args.verbose,
        json: args.log_format == LogFormat::Json,
        file: None,
        no_color: environment.is_set("NO_COLOR"),
    });
    let settings = resolve(args, environment)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("can't start the server's threads").caused_by(&error))?;
    runtime.block_on(serve(settings))
}

fn resolve(args: Arguments, environment: &Environment) -> Result<Settings, Failure> {
    let roots = roots(&args.roots, environment)?;
    let first_root = &roots[0];
    let state_dir = args.state_dir.map_or_else(
        || first_root.join(STATE_DIR),
        |folder| environment.expand(&folder),
    );
    let passwords = match args.passwords {
        Some(path) if path.as_os_str() == "." => PasswordSource::Open,
        Some(path) => PasswordSource::File(environment.expand(&path)),
        None => {
            let usual = first_root.join(DEFAULT_PASSWORDS);
            if usual.is_file() {
                PasswordSource::File(usual)
            } else {
                PasswordSource::None
            }
        }
    };
    let protected = args
        .authenticate
        .as_deref()
        .map(str::parse::<ActionSet>)
        .transpose()
        .map_err(|error| {
            Failure::usage("the value of `--authenticate` can't be used")
                .caused_by(&error)
                .hint("write it like `-a update,download`")
        })?;
    let policy = Policy::new(&passwords, protected).map_err(|error| {
        Failure::usage("`-P` and `-a` contradict each other")
            .caused_by(&error)
            .hint("use `-P . -a .` to let everybody in, or name a passwords file with -P")
    })?;
    let fallback = fallback(&args.fallback_url, args.disable_fallback, &args.private)?;
    let index = index::Settings {
        page_digest: args.hash_algo.algorithm(),
        overwrite: args.overwrite,
        ..index::Settings::default()
    };
    let server = server::Settings {
        max_upload_bytes: args.max_upload_size,
        fallback,
        files_may_change: args.overwrite,
        limits: server::Limits::default(),
    };
    Ok(Settings {
        roots,
        state_dir,
        listen: (args.host, args.port),
        passwords,
        policy,
        index,
        server,
    })
}

/// The folders to serve; never empty. The default one is made when it is absent, named ones must be there.
fn roots(named: &[PathBuf], environment: &Environment) -> Result<Vec<PathBuf>, Failure> {
    if !named.is_empty() {
        return Ok(named.iter().map(|folder| environment.expand(folder)).collect());
    }
    if let Some(list) = environment.var_os("PKGCTL_ROOTS") {
        // Separated as in PATH.
        return Ok(std::env::split_paths(list)
            .map(|folder| environment.expand(&folder))
            .collect());
    }
    let home = environment.home().ok_or_else(|| {
        Failure::usage("can't tell your home folder, where the packages folder would be")
            .hint("name the folder to serve: pkgctl serve FOLDER")
    })?;
    let folder = home.join("packages");
    std::fs::create_dir_all(&folder).map_err(|error| {
        Failure::new(format!("can't create the packages folder `{}`", folder.display()))
            .caused_by(&error)
            .hint("name another folder: pkgctl serve FOLDER")
    })?;
    Ok(vec![folder])
}

fn fallback(url: &str, disabled: bool, private: &[String]) -> Result<Option<Fallback>, Failure> {
    if disabled {
        return Ok(None);
    }
    let parsed = url::Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    if parsed.is_none() || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Failure::usage(format!("`{url}` is not the address of an index"))
            .hint("write it like https://index.example/simple, or use --disable-fallback"));
    }
    let private = private.iter().map(|pattern| NamePattern::new(pattern)).collect();
    Ok(Some(Fallback {
        url: url.trim_end_matches('/').to_owned(),
        private,
    }))
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
    tell(&settings, &index, &listener).await?;
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
        () = second_signal(stop) => Err(Failure::interrupted("stopped at once, with requests still in flight")),
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

/// What is served, where, to whom, and where unknown names go.
async fn tell(settings: &Settings, index: &Arc<Index>, listener: &TcpListener) -> Result<(), Failure> {
    let counts = index.counts().await?;
    for (number, root) in settings.roots.iter().enumerate() {
        let uploads = if number == 0 {
            ", which receives uploads"
        } else {
            ""
        };
        info!("serving the folder {}{uploads}", root.display());
    }
    info!("{} files of {} projects", counts.files, counts.projects);
    tell_access(settings);
    match &settings.server.fallback {
        Some(fallback) => info!(
            "clients that ask for a project that was never here are sent to {}/",
            fallback.url
        ),
        None => info!("projects that were never here are answered with 404"),
    }
    let address = listener
        .local_addr()
        .map_err(|error| Failure::new("can't tell the address that was bound").caused_by(&error))?;
    info!("listening on http://{address}");
    Ok(())
}

fn tell_access(settings: &Settings) {
    use auth::policy::Access::{Impossible, Open, User};
    let describe = |action| match settings.policy.access(action) {
        Open => "open to everybody",
        User => "for users with a password",
        Impossible => "switched off",
    };
    info!(
        "pages are {}, downloads {}, uploads {}",
        describe(Action::List),
        describe(Action::Download),
        describe(Action::Update)
    );
    match &settings.passwords {
        PasswordSource::File(path) => info!("passwords are in {}", path.display()),
        PasswordSource::None => {
            warn!("there is no passwords file, so nobody can upload; `pkgctl adduser NAME` makes one");
        }
        PasswordSource::Open => {
            warn!("anyone who reaches this port can upload packages that others will run")
        }
    }
}

/// Tells the server to stop at the first SIGTERM or Ctrl-C, and completes at the second.
#[cfg(unix)]
async fn second_signal(stop: oneshot::Sender<()>) {
    use tokio::signal::unix::{SignalKind, signal};
    let handlers = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Ok(mut terminate), Ok(mut interrupt)) = handlers else {
        // Without handlers the system's own apply, and those end the process. The sender must live on.
        std::future::pending::<()>().await;
        return drop(stop);
    };
    let mut stop = Some(stop);
    loop {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        match stop.take() {
            // It listens as long as the server runs.
            Some(stop) => drop(stop.send(())),
            None => return,
        }
    }
}

/// Tells the server to stop at the first Ctrl-C, and completes at the second.
#[cfg(not(unix))]
async fn second_signal(stop: oneshot::Sender<()>) {
    let mut stop = Some(stop);
    while tokio::signal::ctrl_c().await.is_ok() {
        match stop.take() {
            Some(stop) => drop(stop.send(())),
            None => return,
        }
    }
    std::future::pending::<()>().await;
}
