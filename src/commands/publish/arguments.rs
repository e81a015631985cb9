//! The words of `pkgctl publish`, and what help says of them.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};

/// Upload distributions to a package index
///
/// Every file is checked before the first one is sent; one that is not sound stops them all. A file that the index
/// has already, with the same bytes, counts as uploaded, so a run that failed half-way can simply be repeated.
///
/// Without --repository or --repository-url the one private repository in ~/.pypirc is used; the public index never
/// is, unless it is named.
#[derive(Debug, Args)]
#[command(after_long_help = "\
The variables of twine, such as TWINE_USERNAME, are read after those of the same names that begin with PKGCTL_.

User and password are looked for in flags, variables, ~/.pypirc (the section that is named, or the one with the same
address), the address itself, ~/.netrc and the keyring. A job of GitHub Actions, GitLab, Buildkite or CircleCI that has
none of these trades its identity for a token, where the index offers that. Then the user is asked.

Exit codes: 0 everything is on the index, 1 something is not, 2 wrong words or settings.")]
#[expect(clippy::doc_markdown, reason = "the text is read in a terminal")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(in crate::commands) struct Arguments {
    /// Files, folders (their wheels and sdists) or patterns [default: dist/]
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(super) files: Vec<PathBuf>,

    /// Name of a repository in ~/.pypirc [env: PKGCTL_REPOSITORY]
    #[arg(short, long, value_name = "NAME")]
    pub(super) repository: Option<String>,

    /// Address to upload to [env: PKGCTL_REPOSITORY_URL]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(super) repository_url: Option<String>,

    /// User to upload as [env: PKGCTL_USERNAME]
    #[arg(short, long, value_name = "USER", value_hint = ValueHint::Username)]
    pub(super) username: Option<String>,

    /// Read the password from the first line of stdin [or set PKGCTL_PASSWORD]
    #[arg(long, conflicts_with = "password")]
    pub(super) password_stdin: bool,

    /// Password; shows in the process list, so prefer --password-stdin [env: PKGCTL_PASSWORD]
    #[arg(short, long, value_name = "PASSWORD")]
    pub(super) password: Option<String>,

    /// File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]
    #[arg(long, visible_alias = "pypirc", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) config_file: Option<PathBuf>,

    /// Send nothing; show what would be sent, where, as whom, and what the index says to it
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Ask the index first, skip what it has, and believe it when it has a file but shows no digest
    #[arg(long)]
    pub(super) skip_existing: bool,

    /// List of projects to ask, as installers use it, where it is not in a usual place
    #[arg(long, value_name = "URL", env = "PKGCTL_CHECK_URL", value_hint = ValueHint::Url)]
    pub(super) check_url: Option<String>,

    /// Check afterwards that the index lists every file with its digest, as is done unless --no-verify is given
    #[arg(long, overrides_with = "no_verify")]
    pub(super) verify: bool,

    /// Don't ask the index afterwards whether it lists the files
    #[arg(long, overrides_with = "verify")]
    pub(super) no_verify: bool,

    /// Files to send at a time; sdists wait for the wheels of their release
    #[arg(short, long, value_name = "N", default_value = "4", env = "PKGCTL_JOBS", value_parser = parse_jobs)]
    pub(super) jobs: NonZeroUsize,

    /// Sign the files that have no signature yet, with gpg
    #[arg(short, long)]
    pub(super) sign: bool,

    /// Program that signs, called as gpg is
    #[arg(long, value_name = "PROGRAM", default_value = "gpg", value_hint = ValueHint::CommandName)]
    pub(super) sign_with: PathBuf,

    /// Key to sign with, as gpg names it
    #[arg(short, long, value_name = "KEY", requires = "sign")]
    pub(super) identity: Option<String>,

    /// Send the attestations that lie beside each file as FILE.*.attestation
    #[arg(long)]
    pub(super) attestations: bool,

    /// Remark to send with each file
    #[arg(short, long, value_name = "TEXT")]
    pub(super) comment: Option<String>,

    /// Never ask for user or password [env: PKGCTL_NON_INTERACTIVE]
    #[arg(long)]
    pub(super) non_interactive: bool,

    /// PEM file with further certificate authorities [env: PKGCTL_CERT]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) cert: Option<PathBuf>,

    /// PEM file with the client's certificate and key [env: PKGCTL_CLIENT_CERT]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) client_cert: Option<PathBuf>,

    /// Pause before the first repetition of a failed request; doubles each time
    #[arg(long, value_name = "SECONDS", default_value = "0.5", value_parser = parse_seconds)]
    pub(super) retry_delay: Duration,

    /// Write what became of each file to stdout as JSON
    #[arg(long)]
    pub(super) json: bool,

    /// Show no progress bar
    #[arg(long)]
    pub(super) disable_progress_bar: bool,

    /// Say where address, user and password come from, and which files with which digests are sent
    #[arg(short, long)]
    pub(super) verbose: bool,
}

fn parse_jobs(text: &str) -> Result<NonZeroUsize, String> {
    let jobs: usize = text.parse().map_err(|_| "not a number".to_owned())?;
    NonZeroUsize::new(jobs)
        .filter(|jobs| jobs.get() <= 64)
        .ok_or_else(|| "must be from 1 to 64".to_owned())
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if duration <= Duration::from_secs(60) => Ok(duration),
        _ => Err("must be from 0 to 60 seconds".to_owned()),
    }
}
