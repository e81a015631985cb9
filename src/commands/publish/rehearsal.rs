//! `--dry-run`: everything but the sending. What the form would hold, where it would go, as whom, whether the index
//! accepts that, and which files it has already.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::arguments::Arguments;
use super::credentials::Login;
use super::summary::aligned;
use crate::client::probe::{self, Findings, Question, Reading, Uploading};
use crate::client::{self, Client, Distribution, Outcome, Presence};
use crate::config::repository::Target;
use crate::failure::Failure;
use crate::packaging::public_index::PublicIndex;
use crate::terminal::{self, size};

/// How long the index may take to say whether it accepts the credentials.
const PATIENCE: Duration = Duration::from_secs(15);

/// How much of a long value is shown to people, in characters; JSON has all of it.
const MAX_VALUE_CHARS: usize = 160;

/// A run that sends nothing.
pub(super) struct Rehearsal<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) target: &'a Target,
    pub(super) settings: client::Settings,
    pub(super) login: Login,
    pub(super) client: Client,
}

/// What the index says to the user.
enum Access {
    /// It accepts the credentials, or takes none.
    Granted(&'static str),
    Denied(&'static str),
    Unclear(String),
}

impl Access {
    /// Whether the index accepts the user, where that is known, and how that is put.
    fn in_words(&self) -> (Option<bool>, &str) {
        match self {
            Self::Granted(said) => (Some(true), said),
            Self::Denied(said) => (Some(false), said),
            Self::Unclear(said) => (None, said),
        }
    }
}

impl Rehearsal<'_> {
    pub(super) fn run(&self, distributions: &[Distribution], runtime: Runtime) -> Result<ExitCode, Failure> {
        let (access, presence) = runtime.block_on(async {
            // One after the other: wrong credentials are to be tried once.
            let access = self.access().await;
            let presence = match access {
                Access::Denied(_) => vec![Presence::Unknown("not asked".to_owned()); distributions.len()],
                _ => self.client.presence(distributions).await,
            };
            (access, presence)
        });
        runtime.shutdown_background();
        let shown = if self.arguments.json {
            self.document(&access, distributions, &presence)
        } else {
            self.text(&access, distributions, &presence)
        };
        terminal::data(shown)
            .map_err(|error| Failure::new("the result can't be written to stdout").caused_by(&error))?;
        self.verdict(&access, distributions, &presence)
    }

    /// Whether the real run could succeed.
    fn verdict(
        &self,
        access: &Access,
        distributions: &[Distribution],
        presence: &[Presence],
    ) -> Result<ExitCode, Failure> {
        if let Access::Denied(reason) = access {
            let failure = Failure::new(format!("{} would refuse the files: {reason}", self.target));
            return Err(failure.hint(match &self.login.credentials {
                Some(credentials) => format!("check the name and the password of `{}`", credentials.username),
                None => "name a user with --username and --password-stdin, or in ~/.pypirc".to_owned(),
            }));
        }
        let in_the_way: Vec<String> = distributions
            .iter()
            .zip(presence)
            .filter(|(_, presence)| matches!(presence, Presence::InTheWay(_)))
            .map(|(distribution, _)| format!("`{}`", distribution.filename()))
            .collect();
        if in_the_way.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        let names = in_the_way.join(", ");
        Err(
            Failure::new(format!("{} has other files of these names: {names}", self.target))
                .hint("a published file is not replaced; raise the version, build and publish again"),
        )
    }

    async fn access(&self) -> Access {
        if PublicIndex::at(&self.target.url).is_some() {
            return Access::Unclear(
                "not tried: a public index checks credentials only with a file".to_owned(),
            );
        }
        let mut question = Question {
            upload_url: self.target.url.clone(),
            simple_url: self.client.list_of_projects().await,
            credentials: self.login.credentials.clone(),
            ca_cert: self.settings.ca_cert.clone(),
            client_cert: self.settings.client_cert.clone(),
            patience: PATIENCE,
        };
        let findings = match probe::probe(&question).await {
            Ok(findings) => findings,
            Err(error) => return Access::Unclear(format!("can't tell: {error}")),
        };
        let is_open_question =
            findings.uploading == Uploading::Unknown && question.credentials.take().is_some();
        if is_open_question
            && let Ok(Findings {
                uploading: Uploading::NeedsCredentials,
                ..
            }) = probe::probe(&question).await
        {
            // It says something else to nobody than to this user.
            return Access::Granted("accepted");
        }
        self.judged(&findings)
    }

    fn judged(&self, findings: &Findings) -> Access {
        let has_user = self.login.credentials.is_some();
        match (findings.uploading, findings.reading) {
            (Uploading::WrongCredentials, _) | (_, Reading::WrongCredentials) => {
                Access::Denied("the credentials are wrong")
            }
            (Uploading::NeedsCredentials, _) => Access::Denied("it takes no uploads without a user"),
            (Uploading::Forbidden, _) => Access::Denied("this user may not upload"),
            (Uploading::NotHere, _) => Access::Denied("it takes no uploads at this address"),
            (Uploading::Allowed, _) if has_user => Access::Granted("accepted"),
            (Uploading::Allowed, _) => Access::Granted("none needed"),
            (Uploading::Unknown, Reading::Accepted) => Access::Granted("accepted for reading"),
            (Uploading::Unknown, _) => {
                Access::Unclear("can't tell: the index answers alike with any".to_owned())
            }
        }
    }

    fn text(&self, access: &Access, distributions: &[Distribution], presence: &[Presence]) -> String {
        let mut text = format!(
            "nothing is sent; this is what would be\n\n{}\n",
            aligned(&self.head(access))
        );
        for (distribution, presence) in distributions.iter().zip(presence) {
            // Writing to a String can't fail.
            let _ = writeln!(
                text,
                "{} ({}): {}",
                distribution.filename(),
                size(distribution.size_bytes()),
                in_words(presence, distribution)
            );
            let rows: Vec<[String; 2]> = distribution
                .fields()
                .map(|(name, value)| [format!("  {name}"), shortened(value)])
                .chain(companion_rows(distribution))
                .collect();
            text.push_str(&aligned(&rows));
            text.push('\n');
        }
        text
    }

    fn head(&self, access: &Access) -> Vec<[String; 2]> {
        let row = |name: &str, value: String| [name.to_owned(), value];
        let target = self.target;
        let mut rows = vec![row("address", format!("{}, from {}", target.url, target.source))];
        if let Some(name) = &target.repository {
            rows.push(row("repository", name.clone()));
        }
        match &self.login.credentials {
            Some(credentials) => {
                let user = format!("{}, from {}", credentials.username, self.login.username_source);
                rows.push(row("user", user));
                rows.push(row("password", format!("from {}", self.login.password_source)));
            }
            None => rows.push(row("user", "none".to_owned())),
        }
        let (_, said) = access.in_words();
        rows.push(row("credentials", said.to_owned()));
        rows
    }

    fn document(&self, access: &Access, distributions: &[Distribution], presence: &[Presence]) -> String {
        let (accepted, said) = access.in_words();
        let login = &self.login;
        let files: Vec<Value> = distributions
            .iter()
            .zip(presence)
            .map(|(distribution, presence)| file_document(distribution, presence))
            .collect();
        let document = json!({
            "dry_run": true,
            "repository": self.target.repository,
            "url": self.target.url.as_str(),
            "url_source": self.target.source,
            "username": login.credentials.as_ref().map(|credentials| credentials.username.to_string()),
            "username_source": login.credentials.as_ref().map(|_| &login.username_source),
            "password_source": login.credentials.as_ref().map(|_| &login.password_source),
            "credentials_accepted": accepted,
            "credentials_remark": said,
            "files": files,
        });
        format!("{document:#}\n")
    }
}

fn file_document(distribution: &Distribution, presence: &Presence) -> Value {
    let fields: Vec<[&str; 2]> = distribution.fields().map(|(name, value)| [name, value]).collect();
    let status = match presence {
        Presence::New => "new",
        Presence::There(_) => "already-there",
        Presence::InTheWay(_) => "in-the-way",
        Presence::Unknown(_) => "unknown",
    };
    json!({
        "filename": distribution.filename(),
        "size": distribution.size_bytes(),
        "sha256": distribution.sha256().to_string(),
        "status": status,
        "remark": in_words(presence, distribution),
        "signed": distribution.is_signed(),
        "fields": fields,
    })
}

/// The parts of the form that are files.
fn companion_rows(distribution: &Distribution) -> Vec<[String; 2]> {
    let mut rows = Vec::new();
    if distribution.is_signed() {
        rows.push([
            "  gpg_signature".to_owned(),
            format!("<{}.asc>", distribution.filename()),
        ]);
    }
    rows.push(["  content".to_owned(), format!("<{}>", distribution.filename())]);
    rows
}

fn in_words(presence: &Presence, distribution: &Distribution) -> String {
    match presence {
        Presence::New => "new".to_owned(),
        Presence::There(Outcome::AlreadyThereByMd5) => "already there, same MD5".to_owned(),
        Presence::There(_) => "already there, same bytes".to_owned(),
        Presence::InTheWay(theirs) => format!(
            "the index has another file of that name (ours: sha256 {}, theirs: {} {})",
            distribution.sha256(),
            theirs.algorithm.name(),
            theirs.hex()
        ),
        Presence::Unknown(reason) => format!("whether it is there can't be told: {reason}"),
    }
}

/// One line of a value; what is left out is counted.
fn shortened(value: &str) -> String {
    let first = value.lines().next().unwrap_or_default();
    let shown: String = first.chars().take(MAX_VALUE_CHARS).collect();
    if shown == value {
        return shown;
    }
    format!("{shown}… ({} characters)", value.chars().count())
}
