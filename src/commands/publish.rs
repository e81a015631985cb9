//! `pkgctl publish`: uploads distributions to an index.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::{Args, ValueHint};

use crate::auth::credentials::{Basic, Secret};
use crate::checks::Checker;
use crate::client::{self, Client, Distribution, Outcome, Progress, Report, RetryPolicy, Timeouts};
use crate::config::Environment;
use crate::config::repository::{self, Target, Wanted};
use crate::failure::Failure;
use crate::pep517::Variables;
use crate::terminal;
use crate::terminal::progress::TransferBar;
use crate::terminal::prompt::{
    PromptError, Question, is_interactive, prompt_line, prompt_secret, secret_from_stdin,
};
use crate::terminal::size;

/// What is published when nothing is named.
const DEFAULT_FOLDER: &str = "dist";

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

Without a user in flags, variables or ~/.pypirc, the address itself and ~/.netrc are looked at.")]
#[expect(clippy::doc_markdown, reason = "the text is read in a terminal")]
pub(super) struct Arguments {
    /// Files, folders (their wheels and sdists) or patterns [default: dist/]
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    files: Vec<PathBuf>,

    /// Name of a repository in ~/.pypirc [env: PKGCTL_REPOSITORY]
    #[arg(short, long, value_name = "NAME")]
    repository: Option<String>,

    /// Address to upload to [env: PKGCTL_REPOSITORY_URL]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    repository_url: Option<String>,

    /// User to upload as [env: PKGCTL_USERNAME]
    #[arg(short, long, value_name = "USER", value_hint = ValueHint::Username)]
    username: Option<String>,

    /// Read the password from the first line of stdin [or set PKGCTL_PASSWORD]
    #[arg(long, conflicts_with = "password")]
    password_stdin: bool,

    /// Password; shows in the process list, so prefer --password-stdin [env: PKGCTL_PASSWORD]
    #[arg(short, long, value_name = "PASSWORD")]
    password: Option<String>,

    /// File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]
    #[arg(long, visible_alias = "pypirc", value_name = "FILE", value_hint = ValueHint::FilePath)]
    config_file: Option<PathBuf>,

    /// Ask the index first, skip what it has, and believe it when it has a file but shows no digest
    #[arg(long)]
    skip_existing: bool,

    /// Never ask for user or password [env: PKGCTL_NON_INTERACTIVE]
    #[arg(long)]
    non_interactive: bool,

    /// PEM file with further certificate authorities [env: PKGCTL_CERT]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    cert: Option<PathBuf>,

    /// PEM file with the client's certificate and key [env: PKGCTL_CLIENT_CERT]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    client_cert: Option<PathBuf>,

    /// Remark to send with each file
    #[arg(short, long, value_name = "TEXT")]
    comment: Option<String>,

    /// Pause before the first repetition of a failed request; doubles each time
    #[arg(long, value_name = "SECONDS", default_value = "0.5", value_parser = parse_seconds)]
    retry_delay: Duration,

    /// Show no progress bar
    #[arg(long)]
    disable_progress_bar: bool,

    /// Say where address, user and password come from
    #[arg(short, long)]
    verbose: bool,
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if duration <= Duration::from_secs(60) => Ok(duration),
        _ => Err("must be from 0 to 60 seconds".to_owned()),
    }
}

/// Runs the verb: finds and checks the files, finds the index and the credentials, and uploads.
///
/// # Errors
/// There is nothing sound to upload, no index to upload to, or not everything could be uploaded.
pub(super) fn run(arguments: Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let target = repository::resolve(&arguments.wanted()?, environment)?;
    for note in &target.notes {
        terminal::note(note);
    }
    let distributions = arguments.distributions(environment)?;
    let credentials = arguments.credentials(&target, environment)?;
    if arguments.verbose {
        terminal::note(provenance(&target));
    }
    let client = Client::new(client::Settings {
        url: target.url.clone(),
        repository: target.repository.clone(),
        credentials,
        ca_cert: target.ca_cert.clone(),
        client_cert: target.client_cert.clone(),
        skip_existing: arguments.skip_existing,
        retry: RetryPolicy {
            base_delay: arguments.retry_delay,
            ..RetryPolicy::default()
        },
        timeouts: Timeouts::default(),
    })?;
    terminal::note(plan(&client, &distributions));
    upload(&client, &distributions, &arguments)
}

impl Arguments {
    /// The words about the index and the user, with the password that was to be read.
    fn wanted(&self) -> Result<Wanted, Failure> {
        let password = if self.password_stdin {
            let password = secret_from_stdin().map_err(unanswered)?;
            if password.is_empty() {
                return Err(Failure::usage("standard input holds no password")
                    .hint("pipe it in, as in `pkgctl publish --password-stdin < password.txt`"));
            }
            Some(Secret::new(password.as_str()))
        } else {
            self.password.as_ref().map(Secret::new)
        };
        if self.password.is_some() {
            terminal::warning(
                "a password on the command line shows in the process list; use --password-stdin or PKGCTL_PASSWORD",
            );
        }
        Ok(Wanted {
            repository: self.repository.clone(),
            repository_url: self.repository_url.clone(),
            username: self.username.clone(),
            password,
            config_file: self.config_file.clone(),
            ca_cert: self.cert.clone(),
            client_cert: self.client_cert.clone(),
        })
    }

    /// The files that are meant, all of them sound.
    fn distributions(&self, environment: &Environment) -> Result<Vec<Distribution>, Failure> {
        let named = match &self.files[..] {
            [] if !Path::new(DEFAULT_FOLDER).exists() => {
                return Err(client::Error::NoDistributions {
                    folder: DEFAULT_FOLDER.into(),
                    nearly: Vec::new(),
                }
                .into());
            }
            [] => vec![PathBuf::from(DEFAULT_FOLDER)],
            named => named.to_vec(),
        };
        let selection = client::select(&named)?;
        for ignored in &selection.ignored {
            let reason = ignored.reason.as_deref().unwrap_or("not a distribution");
            terminal::note(format!("ignored `{}`: {reason}", ignored.path.display()));
        }
        let checker = Checker::new(Variables::without_credentials(environment.variables()));
        let checked = client::check_all(&selection.files, &checker, self.comment.as_deref());
        let distributions = checked.map_err(client::Error::BadFiles)?;
        for distribution in &distributions {
            for warning in distribution.warnings() {
                terminal::warning(format!("`{}`: {warning}", distribution.filename()));
            }
        }
        for warning in client::mixed_versions(&distributions) {
            terminal::warning(warning);
        }
        Ok(distributions)
    }

    /// The credentials that are known, completed by asking where that is possible. `None` sends none.
    fn credentials(&self, target: &Target, environment: &Environment) -> Result<Option<Basic>, Failure> {
        if target.anonymous {
            return Ok(None);
        }
        let may_ask = !self.is_non_interactive(environment) && is_interactive();
        let username = match &target.username {
            Some(known) => known.value.clone(),
            None if may_ask => prompt_line(
                Question {
                    wanted: "the user",
                    prompt: &format!("User for {target} (empty for none)"),
                    instead: "name the user with --username or PKGCTL_USERNAME",
                },
                None,
            )
            .map_err(unanswered)?,
            None if target.password.is_some() => {
                return Err(
                    Failure::usage(format!("there is a password but no user for {target}"))
                        .hint("name the user with --username or PKGCTL_USERNAME"),
                );
            }
            // Perhaps the index wants none. Its answer will tell.
            None => String::new(),
        };
        if username.is_empty() {
            return Ok(None);
        }
        let username = username.parse().map_err(|error| {
            Failure::usage("that user can't be sent to an index")
                .caused_by(&error)
                .hint("check the name in --username, the environment, or the configuration file")
        })?;
        let password = match &target.password {
            Some(known) => known.value.clone(),
            None if may_ask => {
                let password = prompt_secret(Question {
                    wanted: "the password",
                    prompt: &format!("Password of `{username}` for {target}"),
                    instead: "give it with --password-stdin or in PKGCTL_PASSWORD",
                })
                .map_err(unanswered)?;
                Secret::new(password.as_str())
            }
            None if target.client_cert.is_some() => return Ok(None),
            None => {
                return Err(
                    Failure::usage(format!("there is no password for `{username}` at {target}"))
                        .hint("give it with --password-stdin or in PKGCTL_PASSWORD"),
                );
            }
        };
        Ok(Some(Basic { username, password }))
    }

    /// As twine reads its variable: `0`, `false` and `no` mean no.
    fn is_non_interactive(&self, environment: &Environment) -> bool {
        let variable = ["PKGCTL_NON_INTERACTIVE", "TWINE_NON_INTERACTIVE"]
            .iter()
            .find_map(|name| environment.var(name));
        let says_no = |value: &str| ["0", "false", "no"].contains(&value.to_ascii_lowercase().as_str());
        self.non_interactive || variable.is_some_and(|value| !says_no(value))
    }
}

/// Where everything was found, for `--verbose`.
fn provenance(target: &Target) -> String {
    let mut text = format!("the address is from {}", target.source);
    // Writing to a String can't fail.
    if let Some(username) = &target.username {
        let _ = write!(text, "; the user `{}` from {}", username.value, username.source);
    }
    if let Some(password) = &target.password {
        let _ = write!(text, "; the password from {}", password.source);
    }
    text
}

fn plan(client: &Client, distributions: &[Distribution]) -> String {
    let destination = client.destination();
    let files = match distributions.len() {
        1 => "1 file".to_owned(),
        several => format!("{several} files"),
    };
    let total: u64 = distributions.iter().map(Distribution::size_bytes).sum();
    match &destination.username {
        Some(username) => format!(
            "publishing {files} ({}) to {destination} as `{username}`",
            size(total)
        ),
        None => format!(
            "publishing {files} ({}) to {destination} without a user",
            size(total)
        ),
    }
}

/// Uploads until everything is done, something fails or the user presses Ctrl-C, and says what stands then.
fn upload(
    client: &Client,
    distributions: &[Distribution],
    arguments: &Arguments,
) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("can't start the network runtime").caused_by(&error))?;
    let narrator = Arc::new(Narrator::new(distributions, arguments.disable_progress_bar));
    let progress: Arc<dyn Progress> = Arc::clone(&narrator) as Arc<dyn Progress>;
    let mut report = Report::default();
    let ended = runtime.block_on(async {
        tokio::select! {
            done = client::publish(client, distributions, &progress, &mut report) => Some(done),
            // Without a handler Ctrl-C simply ends the process, which is all that is lost.
            Ok(()) = tokio::signal::ctrl_c() => None,
        }
    });
    // A thread that reads a file has nothing to finish.
    runtime.shutdown_background();
    narrator.clear();
    match ended {
        Some(Ok(())) => Ok(ExitCode::SUCCESS),
        Some(Err(error)) => Err(with_aftermath(error.into(), &report)),
        None => Err(interrupted(client, &report)),
    }
}

/// Adds to a failure what is public already and what is not. Where nothing is, the failure says all there is to say.
fn with_aftermath(failure: Failure, report: &Report) -> Failure {
    if report.done.is_empty() {
        return failure;
    }
    let done: Vec<&str> = report.done.iter().map(|(name, _)| name.as_str()).collect();
    failure
        .detail(&format!(
            "on the index: {}\nnot on the index: {}",
            done.join(", "),
            report.left.join(", ")
        ))
        .then("then run the same command again; it goes on where this one stopped")
}

/// A question that was left without an answer.
fn unanswered(error: PromptError) -> Failure {
    match error {
        PromptError::Interrupted => Failure::interrupted("interrupted; nothing was uploaded"),
        error => error.into(),
    }
}

fn interrupted(client: &Client, report: &Report) -> Failure {
    let all = report.done.len() + report.left.len();
    let mut headline = format!(
        "stopped; {} of {all} files are on {}",
        report.done.len(),
        client.destination()
    );
    for (name, _) in &report.done {
        let _ = write!(headline, "\nuploaded: {name}");
    }
    for name in &report.left {
        let _ = write!(headline, "\nnot uploaded: {name}");
    }
    Failure::interrupted(headline).hint("run the same command again to upload the rest")
}

/// Tells the user what the client does: a bar on a terminal, lines elsewhere.
struct Narrator {
    bar: Option<TransferBar>,
    /// Bytes of the files that are done; where the bar stands when the next one begins.
    done_bytes: AtomicU64,
}

impl Narrator {
    fn new(distributions: &[Distribution], without_bar: bool) -> Self {
        let total = distributions.iter().map(Distribution::size_bytes).sum();
        Self {
            bar: (!without_bar).then(|| TransferBar::on_terminal(total)).flatten(),
            done_bytes: AtomicU64::new(0),
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.line(text),
            None => terminal::note(text),
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.clear();
        }
    }
}

impl Progress for Narrator {
    fn begin(&self, filename: &str, _size_bytes: u64, _attempt: u32) {
        if let Some(bar) = &self.bar {
            bar.label(filename);
            bar.jump(self.done_bytes.load(Ordering::Relaxed));
        }
    }

    fn sent(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.advance(bytes);
        }
    }

    fn pausing(&self, filename: &str, pause: Duration, reason: &str) {
        self.line(&format!(
            "`{filename}`: {reason}; trying again in {:.1} s",
            pause.as_secs_f64()
        ));
    }

    fn finished(&self, filename: &str, size_bytes: u64, outcome: Outcome) {
        let done = self.done_bytes.fetch_add(size_bytes, Ordering::Relaxed) + size_bytes;
        if let Some(bar) = &self.bar {
            bar.jump(done);
        }
        let size = size(size_bytes);
        self.line(&match outcome {
            Outcome::Uploaded => format!("uploaded {filename} ({size})"),
            Outcome::Replaced => format!("uploaded {filename} ({size}), in place of another file"),
            Outcome::AlreadyThere => format!("already there {filename} ({size}), same bytes"),
            Outcome::AlreadyThereUnverified => {
                format!("already there {filename} ({size}); the index shows no digest to compare")
            }
        });
    }
}
