//! `pkgctl publish`: uploads distributions to an index.
//!
//! | question | file |
//! |---|---|
//! | which words are understood | `arguments.rs` |
//! | which signatures are made first | `signing.rs` |
//! | as whom | `credentials.rs` |
//! | what would be done | `rehearsal.rs` |
//! | what is shown meanwhile, and in the end | `narrator.rs`, `summary.rs` |
//! | what to type next when something failed | `again.rs` |

mod again;
mod arguments;
mod credentials;
mod narrator;
mod rehearsal;
mod signing;
mod summary;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime::Runtime;

use self::again::Next;
use self::credentials::{Search, unanswered};
use self::narrator::Narrator;
use self::rehearsal::Rehearsal;
use self::signing::Signer;
use crate::auth::credentials::{Basic, Secret};
use crate::client::{self, CheckPlace, Client, Distribution, Preparation, Progress, Report, RetryPolicy};
use crate::commands::distribution_files::selected;
use crate::config::Environment;
use crate::config::repository::{self, Target, Wanted};
use crate::failure::Failure;
use crate::terminal;
use crate::terminal::prompt::secret_from_stdin;
use crate::terminal::size;

pub(super) use arguments::Arguments;

/// Runs the verb: finds and checks the files, finds the index and the credentials, and uploads.
///
/// # Errors
/// There is nothing sound to upload, no index to upload to, or not everything could be uploaded.
pub(super) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let target = repository::resolve(&arguments.wanted()?, environment)?;
    for note in &target.notes {
        terminal::note(note);
    }
    let distributions = arguments.distributions(environment)?;
    for warning in client::judge(&distributions, &target.url)? {
        terminal::warning(warning);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("can't start the network runtime").caused_by(&error))?;
    let settings = arguments.settings(&target, environment)?;
    let mut client = Client::new(settings.clone())?;
    let mut login = Search {
        arguments,
        target: &target,
        environment,
        client: &client,
        runtime: &runtime,
    }
    .find()?;
    if arguments.verbose {
        terminal::note(login.provenance(&target));
    }
    match (login.trade.take(), &login.credentials) {
        (Some((token, offer, identities)), _) => client.log_in_with(&token, offer, identities),
        (None, Some(credentials)) => client.log_in(credentials.clone()),
        (None, None) => {}
    }
    if arguments.dry_run {
        let rehearsal = Rehearsal {
            arguments,
            target: &target,
            settings,
            login,
            client,
        };
        return rehearsal.run(&distributions, runtime);
    }
    terminal::note(plan(&client, &distributions));
    if arguments.verbose {
        for file in &distributions {
            let size = size(file.size_bytes());
            terminal::note(format!(
                "{} ({size}), sha256 {}",
                file.path().display(),
                file.sha256()
            ));
        }
    }
    upload(&client, &distributions, arguments, runtime)
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

    /// How to send; as whom comes later.
    fn settings(&self, target: &Target, environment: &Environment) -> Result<client::Settings, Failure> {
        let check = match &self.check_url {
            Some(text) => Some(check_place(text, environment)?),
            None => None,
        };
        Ok(client::Settings {
            repository: target.repository.clone(),
            ca_cert: target.ca_cert.clone(),
            client_cert: target.client_cert.clone(),
            skip_existing: self.skip_existing,
            verify: !self.no_verify,
            check,
            jobs: self.jobs,
            retry: RetryPolicy {
                base_delay: self.retry_delay,
                ..RetryPolicy::default()
            },
            ..client::Settings::plain(target.url.clone())
        })
    }

    /// The files that are meant, all of them sound.
    fn distributions(&self, environment: &Environment) -> Result<Vec<Distribution>, Failure> {
        let mut selection = selected(&self.files)?;
        if self.sign && !self.dry_run {
            let signer = Signer {
                program: &self.sign_with,
                identity: self.identity.as_deref(),
            };
            signer.sign_all(&mut selection.files, environment)?;
        }
        let checker = super::check::checker(environment);
        let preparation = Preparation {
            checker: &checker,
            comment: self.comment.as_deref(),
            with_attestations: self.attestations,
        };
        let checked = client::check_all(&selection.files, &preparation);
        let checked = checked.map_err(client::Error::BadFiles)?;
        if let Some((name, reason)) = checked.not_rendered.first() {
            let others = match checked.not_rendered.len() - 1 {
                0 => String::new(),
                others => format!(" and {}", terminal::counted(others as u64, "other file")),
            };
            terminal::warning(format!("`{name}`{others}: {reason}"));
        }
        let distributions = checked.distributions;
        for distribution in &distributions {
            for warning in distribution.warnings() {
                terminal::warning(format!("`{}`: {warning}", distribution.filename()));
            }
        }
        Ok(distributions)
    }
}

fn check_place(text: &str, environment: &Environment) -> Result<CheckPlace, Failure> {
    let place = repository::reading_place(text, "--check-url", environment)?;
    for note in &place.notes {
        terminal::note(note);
    }
    let credentials = place.login.and_then(|(username, password)| {
        Some(Basic {
            username: username.parse().ok()?,
            password,
        })
    });
    Ok(CheckPlace {
        url: place.url,
        credentials,
    })
}

fn plan(client: &Client, distributions: &[Distribution]) -> String {
    let destination = client.destination();
    let files = terminal::counted(distributions.len() as u64, "file");
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
    runtime: Runtime,
) -> Result<ExitCode, Failure> {
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
    let succeeded = matches!(ended, Some(Ok(())));
    let shown = if arguments.json {
        summary::document(&report, &client.destination(), succeeded)
    } else {
        summary::table(&report)
    };
    terminal::data(shown)
        .map_err(|error| Failure::new("the summary can't be written to stdout").caused_by(&error))?;
    match ended {
        Some(Ok(())) => Ok(ExitCode::SUCCESS),
        Some(Err(error)) => {
            let next = Next::after(&error, report.done().next().is_some());
            let failure = with_aftermath(error.into(), &report);
            Err(with_command(failure, next, arguments))
        }
        None => {
            let next = Next::or_repeat(report.done().next().is_some());
            Err(with_command(interrupted(client, &report), Some(next), arguments))
        }
    }
}

/// Adds to a failure what is public already and what is not. Where nothing is, the failure says all there is to say.
fn with_aftermath(failure: Failure, report: &Report) -> Failure {
    let joined = |names: Vec<&str>| names.join(", ");
    let (done, left) = (joined(report.done().collect()), joined(report.left().collect()));
    let under_way = joined(report.under_way().collect());
    if done.is_empty() {
        return failure;
    }
    let mut lines = format!("on the index: {done}");
    for (what, names) in [
        ("not on the index", left),
        ("broken off, not known whether on the index", under_way),
    ] {
        if !names.is_empty() {
            let _ = write!(lines, "\n{what}: {names}");
        }
    }
    failure.detail(&lines)
}

/// Ends with what to type.
fn with_command(failure: Failure, next: Option<Next>, arguments: &Arguments) -> Failure {
    match next {
        Some(next) => failure.then_run(&arguments.command(&next)),
        None => failure,
    }
}

fn interrupted(client: &Client, report: &Report) -> Failure {
    let mut headline = format!(
        "stopped; {} of {} files are on {}",
        report.done().count(),
        report.files.len(),
        client.destination()
    );
    for name in report.done() {
        let _ = write!(headline, "\nuploaded: {name}");
    }
    for name in report.under_way() {
        let _ = write!(headline, "\nbroken off, not known whether uploaded: {name}");
    }
    for name in report.left() {
        let _ = write!(headline, "\nnot uploaded: {name}");
    }
    Failure::interrupted(headline).hint("upload the rest")
}
