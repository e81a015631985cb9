//! From the flags of `serve` to settings, with everything looked up and checked that can be before the start.

use std::num::NonZero;
use std::path::{Path, PathBuf};

use super::arguments::{Arguments, ListenArguments};
use super::configuration::default_root;
use super::listeners::{Listen, ListenOn, TlsFiles};
use crate::auth::{self, Access, Action, ActionSet, PasswordSource, Policy};
use crate::config::Environment;
use crate::failure::Failure;
use crate::index;
use crate::server::{
    self, Fallback, HealthPath, HealthPathError, MountPath, MountPathError, NamePattern, TrustedProxies,
    WelcomeTemplate,
};
use crate::storage;

/// The password file that is used without `-P`, in the first folder.
pub(super) const DEFAULT_PASSWORDS: &str = ".htaccess";
/// The folder for what is ours, in the first folder.
const STATE_DIR: &str = ".pkgctl";

/// What the flags come to, with everything looked up and checked that can be before the server starts.
pub(super) struct Settings {
    pub(super) roots: Vec<PathBuf>,
    pub(super) state_dir: PathBuf,
    /// What uploads leave free on the disk; `None` for the store's own default.
    pub(super) keep_free_bytes: Option<u64>,
    pub(super) listen: Listen,
    pub(super) passwords: PasswordSource,
    pub(super) logins: auth::Settings,
    pub(super) policy: Policy,
    pub(super) index: index::Settings,
    pub(super) server: server::Settings,
}

impl Settings {
    /// Looks everything up that the flags leave open, and checks what can be checked without starting.
    pub(super) fn resolve(arguments: Arguments, environment: &Environment) -> Result<Self, Failure> {
        let roots = roots(&arguments.roots, environment)?;
        let first_root = &roots[0];
        let state_dir = arguments
            .folders
            .state_dir
            .map(|folder| environment.expand(&folder));
        let passwords = passwords(arguments.access.passwords, first_root, environment);
        let mut logins = auth::Settings::default();
        logins.scheme_limits.allow_weak = arguments.access.allow_weak_passwords;
        let protected = arguments
            .access
            .authenticate
            .as_deref()
            .map(protected)
            .transpose()?;
        let policy = Policy::new(&passwords, protected)?;
        refuse_locked_out(&policy, &passwords, first_root)?;
        let index = index::Settings {
            page_digest: arguments.pages.hash_algo.algorithm(),
            overwrite: arguments.folders.overwrite,
            ..index::Settings::default()
        };
        let server = server::Settings {
            max_upload_bytes: arguments.folders.max_upload_size,
            fallback: fallback(
                &arguments.pages.fallback_url,
                arguments.pages.disable_fallback,
                &arguments.pages.private,
            )?,
            files_may_change: arguments.folders.overwrite,
            limits: arguments.limits.limits(),
            trusted_proxies: TrustedProxies::parse(
                arguments.listen.trusted_proxy.iter().map(String::as_str),
            )?,
            // As for pypiserver, 0 says nothing.
            file_max_age_seconds: arguments.pages.cache_control.and_then(NonZero::new),
            mount: mount(&arguments.pages.server_base_url)?,
            health_path: health_path(&arguments.pages.health_endpoint)?,
            welcome: arguments
                .pages
                .welcome
                .map(|file| welcome(&environment.expand(&file)))
                .transpose()?,
        };
        Ok(Self {
            state_dir: state_dir.unwrap_or_else(|| first_root.join(STATE_DIR)),
            keep_free_bytes: arguments.folders.keep_free,
            roots,
            listen: listen(&arguments.listen, environment)?,
            passwords,
            logins,
            policy,
            index,
            server,
        })
    }
}

/// A port or a socket, and TLS when both of its files are named.
fn listen(arguments: &ListenArguments, environment: &Environment) -> Result<Listen, Failure> {
    let on = match &arguments.socket {
        Some(path) => ListenOn::Socket(environment.expand(path)),
        None => ListenOn::Port {
            host: arguments.host.clone(),
            port: arguments.port,
        },
    };
    let tls = match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(certificate), Some(key)) => Some(TlsFiles {
            certificate: environment.expand(certificate),
            key: environment.expand(key),
        }),
        (None, None) => None,
        (Some(_), None) => {
            return Err(Failure::usage("`--tls-cert` needs the key of the certificate")
                .hint("name its file with --tls-key; it may be the same file"));
        }
        (None, Some(_)) => {
            return Err(Failure::usage("`--tls-key` needs the certificate of the key")
                .hint("name its file with --tls-cert; it may be the same file"));
        }
    };
    Ok(Listen { on, tls })
}

/// `-P` wins; without it the usual file is used where there is one.
fn passwords(named: Option<PathBuf>, first_root: &Path, environment: &Environment) -> PasswordSource {
    match PasswordSource::from_flag(named) {
        PasswordSource::File(path) => PasswordSource::File(environment.expand(&path)),
        PasswordSource::Open => PasswordSource::Open,
        PasswordSource::None => {
            let usual = first_root.join(DEFAULT_PASSWORDS);
            if usual.is_file() {
                PasswordSource::File(usual)
            } else {
                PasswordSource::None
            }
        }
    }
}

/// Pages or files for which nobody could ever have a password are a mistake, not a setting.
fn refuse_locked_out(policy: &Policy, passwords: &PasswordSource, first_root: &Path) -> Result<(), Failure> {
    let nobody_reads = [Action::List, Action::Download, Action::Metrics]
        .map(|action| policy.access(action) == Access::Impossible);
    if *passwords != PasswordSource::None || nobody_reads == [false; 3] {
        return Ok(());
    }
    let file = first_root.join(DEFAULT_PASSWORDS);
    Err(
        Failure::usage("`-a` asks for passwords, but there is no passwords file, so nobody could get in")
            .hint(format!(
                "name one with -P, or make one with: pkgctl adduser -f {} NAME",
                file.display()
            )),
    )
}

fn protected(actions: &str) -> Result<ActionSet, Failure> {
    actions.parse().map_err(|error| {
        Failure::usage("the value of `--authenticate` can't be used")
            .caused_by(&error)
            .hint("write it like `-a update,download`")
    })
}

/// The folders to serve; never empty. The default one is made when it is absent, named ones must be there.
fn roots(named: &[PathBuf], environment: &Environment) -> Result<Vec<PathBuf>, Failure> {
    if !named.is_empty() {
        return Ok(named.iter().map(|folder| environment.expand(folder)).collect());
    }
    let folder = default_root(environment).ok_or_else(|| {
        Failure::usage("can't tell your home folder, where the packages folder would be")
            .hint("name the folder to serve: pkgctl serve FOLDER")
    })?;
    storage::make_folder(&folder, 0o777).map_err(|error| {
        Failure::new(format!("can't create the packages folder `{}`", folder.display()))
            .caused_by(&error)
            .hint("name another folder: pkgctl serve FOLDER")
    })?;
    Ok(vec![folder])
}

fn fallback(url: &str, disabled: bool, private: &[String]) -> Result<Option<Fallback>, Failure> {
    let private = private
        .iter()
        .map(|pattern| name_pattern(pattern))
        .collect::<Result<_, _>>()?;
    if disabled {
        return Ok(None);
    }
    let how = "write it like https://index.example/simple, or use --disable-fallback";
    let parsed = url::Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    // Every client is sent there, so a password in it would be everybody's.
    if parsed
        .as_ref()
        .is_none_or(|url| !url.username().is_empty() || url.password().is_some())
        && url.contains('@')
    {
        return Err(Failure::usage(
            "the address in `--fallback-url` must not hold a user name or a password",
        )
        .hint(how));
    }
    if parsed.is_none() || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Failure::usage(format!("`{url}` is not the address of an index")).hint(how));
    }
    let url = url.trim_end_matches('/').to_owned();
    Ok(Some(Fallback { url, private }))
}

pub(super) fn mount(path: &str) -> Result<MountPath, Failure> {
    path.parse().map_err(|error: MountPathError| {
        Failure::usage("the path in `--server-base-url` can't be used")
            .caused_by(&error)
            .hint("give the path alone, without a host: --server-base-url /pypi")
    })
}

pub(super) fn health_path(path: &str) -> Result<HealthPath, Failure> {
    path.parse().map_err(|error: HealthPathError| {
        Failure::usage("the path in `--health-endpoint` can't be used")
            .caused_by(&error)
            .hint("write it like --health-endpoint /healthz")
    })
}

/// Reads the operator's page at the start, so that a mistake in it is told to the operator and not to visitors.
fn welcome(file: &Path) -> Result<WelcomeTemplate, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::usage(format!("can't read the welcome page `{}`", file.display()))
            .caused_by(&error)
            .hint("name a file of HTML in UTF-8 with --welcome, or leave it out for the page that comes with pkgctl")
    })?;
    WelcomeTemplate::parse(&text).map_err(|error| {
        Failure::usage(format!("the welcome page `{}` can't be shown", file.display()))
            .caused_by(&error)
            .hint(
                "leave only {{URL}}, {{VERSION}}, {{NUMPKGS}}, {{PACKAGES}} and {{SIMPLE}} in it, or {{!URL}} and so on to \
                 have them unescaped; write a percent sign that begins a line as \\%",
            )
    })
}

fn name_pattern(pattern: &str) -> Result<NamePattern, Failure> {
    NamePattern::new(pattern).ok_or_else(|| {
        Failure::usage(format!(
            "`{}` in `--private` can't match any project name",
            pattern.escape_debug()
        ))
        .hint("use letters, digits, `-`, `_`, `.` and `*` for any text, as in `corp-*`")
    })
}
