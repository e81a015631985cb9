//! The indexes themselves: whether they answer, as what, and what this user may do there.

use std::time::Duration;

use super::report::Section;
use crate::auth::credentials::{Basic, Username};
use crate::client::probe::{self, ClockSkew, Findings, Pages, Question, Reading, Unreachable, Uploading};
use crate::config::repository::{self, RepositoryError, Target, Wanted};
use crate::config::{Environment, IndexUrl};
use crate::failure::Failure;
use crate::packaging::public_index::PublicIndex;

/// An index that needs longer than this is as good as absent.
const PATIENCE: Duration = Duration::from_secs(5);

/// Clocks that are further apart make signatures, tokens and age limits of packages go wrong.
const MOST_CLOCK_SKEW: Duration = Duration::from_secs(60);

/// Looks at the repository of that name in `.pypirc`.
pub(super) fn look_at_repository(name: &str, environment: &Environment) -> Section {
    let wanted = Wanted {
        repository: Some(name.to_owned()),
        ..Wanted::default()
    };
    let resolved = repository::resolve(&wanted, environment);
    look(format!("Repository {name}"), resolved)
}

/// Looks at the server at this address.
pub(super) fn look_at_address(url: &str, environment: &Environment) -> Section {
    let wanted = Wanted {
        repository_url: Some(url.to_owned()),
        ..Wanted::default()
    };
    let title = "Server".to_owned();
    match repository::resolve(&wanted, environment) {
        Err(RepositoryError::BadUrl { shown, .. }) => {
            let mut section = Section::new(title);
            section.problem(
                format!("`{shown}` is not the address of a server"),
                "write it like http://localhost:8080",
            );
            section
        }
        resolved => look(title, resolved),
    }
}

fn look(title: String, resolved: Result<Target, RepositoryError>) -> Section {
    let target = match resolved {
        Ok(target) => target,
        Err(error) => {
            let mut section = Section::new(title);
            section.failure(&Failure::from(error));
            return section;
        }
    };
    let mut section = Section::new(format!("{title} at {}", target.url));
    if PublicIndex::at(&target.url).is_some() {
        section.note("this is a public index, which is not asked");
        return section;
    }
    for note in &target.notes {
        section.note(note);
    }
    let index: IndexUrl = match target.url.as_str().parse() {
        Ok(index) => index,
        Err(error) => {
            section.problem(
                format!("that address can't be used: {error}"),
                "write it like http://packages.example:8080/",
            );
            return section;
        }
    };
    if index.is_exposed() {
        section.problem(
            "passwords and packages travel there unprotected, in plain http",
            "serve it by https: `pkgctl serve --tls-cert FILE --tls-key FILE`, or a proxy in front of it",
        );
    }
    match ask(&target, &index) {
        Ok(findings) => tell(&mut section, &target, &findings),
        Err(Trouble::Failure(failure)) => section.failure(&failure),
        Err(Trouble::Unreachable(reason)) => tell_unreachable(&mut section, &reason),
    }
    section
}

enum Trouble {
    Failure(Failure),
    Unreachable(Unreachable),
}

fn ask(target: &Target, index: &IndexUrl) -> Result<Findings, Trouble> {
    let own = |error: &(dyn std::error::Error + 'static)| Trouble::Failure(Failure::from_error(error));
    let question = Question {
        upload_url: target.url.clone(),
        simple_url: index
            .for_pip(false)
            .url
            .parse()
            .map_err(|error: url::ParseError| own(&error))?,
        credentials: credentials(target),
        ca_cert: target.ca_cert.clone(),
        client_cert: target.client_cert.clone(),
        patience: PATIENCE,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| own(&error))?;
    runtime
        .block_on(probe::probe(&question))
        .map_err(Trouble::Unreachable)
}

/// What is known of the user; half of it is of no use without the other.
fn credentials(target: &Target) -> Option<Basic> {
    let username: Username = target.username.as_ref()?.value.parse().ok()?;
    let password = target.password.as_ref()?.value.clone();
    Some(Basic { username, password })
}

fn tell(section: &mut Section, target: &Target, findings: &Findings) {
    tell_pages(section, findings);
    let user = target.username.as_ref().map(|user| user.value.as_str());
    match findings.reading {
        Reading::Open => section.good("everybody may list the projects"),
        Reading::Accepted => section.good(format!("`{}` may list the projects", user.unwrap_or_default())),
        Reading::NeedsCredentials => section.problem(
            "listing the projects takes a password, and none is configured here for that",
            "run `pkgctl configure` with that user; pip and uv find the login in ~/.netrc",
        ),
        Reading::WrongCredentials => {}
        Reading::Forbidden => section.problem(
            format!("`{}` may not list the projects", user.unwrap_or_default()),
            "ask the operator of the index for that right",
        ),
        Reading::Unknown => section.note("its answers do not tell who may list the projects"),
    }
    tell_uploading(section, user, findings.uploading);
    tell_clock(section, findings.clock_skew);
}

fn tell_pages(section: &mut Section, findings: &Findings) {
    let server = findings
        .server
        .as_ref()
        .map_or_else(String::new, |name| format!(" ({name})"));
    match &findings.pages {
        Pages::Simple {
            api_version,
            has_json,
        } => {
            let version = api_version.as_deref().unwrap_or("1.0 or older");
            let json = if *has_json { ", with JSON" } else { ", HTML only" };
            section.good(format!("it answers{server}: Simple API {version}{json}"));
        }
        Pages::Hidden => section.good(format!(
            "it answers{server}, and shows nothing without a password"
        )),
        Pages::Elsewhere(url) => section.problem(
            format!("it answers{server}, but sends clients on to {url}"),
            "configure that address instead",
        ),
        Pages::Other(status) => section.problem(
            format!("something answers there{server}, with {status} where the list of projects should be"),
            "check the address; it is the one that uploads go to, such as http://packages.example:8080/",
        ),
        Pages::Unknown => section.problem(
            "it answers, but too slowly to be of use",
            "look at the server's load and log",
        ),
    }
}

fn tell_uploading(section: &mut Section, user: Option<&str>, uploading: Uploading) {
    let who = user.map_or_else(|| "everybody".to_owned(), |user| format!("`{user}`"));
    match uploading {
        Uploading::Allowed => section.good(format!("{who} may upload")),
        Uploading::NeedsCredentials => section
            .note("uploading takes a password, and none is configured; `pkgctl publish` will ask for it"),
        Uploading::WrongCredentials => section.problem(
            format!("user name or password of {who} are wrong"),
            "run `pkgctl configure` again, or set the password anew on the server with `pkgctl adduser`",
        ),
        Uploading::Forbidden => section.problem(
            format!("{who} may not upload"),
            "ask the operator of the index; a server without a passwords file takes no uploads at all",
        ),
        Uploading::NotHere => section.problem(
            "uploads don't go to that address",
            "configure the address that uploads go to; for pypiserver and pkgctl it is the root",
        ),
        Uploading::Unknown => section.note("its answers do not tell who may upload"),
    }
}

fn tell_clock(section: &mut Section, skew: Option<ClockSkew>) {
    let Some(skew) = skew.filter(|skew| skew.amount() > MOST_CLOCK_SKEW) else {
        return;
    };
    let seconds = skew.amount().as_secs();
    let direction = match skew {
        ClockSkew::Ahead(_) => "ahead of",
        ClockSkew::Behind(_) => "behind",
    };
    section.problem(
        format!("its clock is {seconds} s {direction} this machine's"),
        "set the wrong one of the two, best by NTP",
    );
}

fn tell_unreachable(section: &mut Section, reason: &Unreachable) {
    let remedy = match reason {
        Unreachable::UnknownHost => "check the spelling of the address, and the network or VPN",
        Unreachable::NobodyListens => "start the server, or check the port",
        Unreachable::TimedOut(_) => "check the network, the VPN and the firewall between",
        Unreachable::Tls(_) => {
            "name the authority that signed its certificate: `ca_cert` in .pypirc, or PKGCTL_CERT"
        }
        Unreachable::Client(_) => "correct the certificates that are configured for it",
        Unreachable::Broken(_) => "look at the server's log",
    };
    section.problem(format!("it can't be reached: {reason}"), remedy);
}
