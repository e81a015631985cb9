//! The last step: what the server says to the new setting. It never fails the command: the server may not run yet.

use std::time::Duration;

use super::change::Addition;
use super::remarks::{InNetrc, login_in_netrc};
use crate::auth::credentials::Basic;
use crate::client::probe::{ClockSkew, Findings, Pages, Question, Reading, Unreachable, Uploading, probe};
use crate::config::Environment;
use crate::terminal::{note, warning};

/// For all questions together.
const PATIENCE: Duration = Duration::from_secs(3);

/// Clocks this far apart break certificates and signatures.
const NOTABLE_SKEW: Duration = Duration::from_secs(60);

/// Asks, and tells the user what came of it.
pub(super) fn ask_server(addition: &Addition, environment: &Environment) {
    if addition.is_public() {
        return;
    }
    let Ok(simple_url) = addition.url.for_pip(false).url.parse() else {
        return;
    };
    let known = &addition.known;
    let certificate =
        |path: &Option<std::path::PathBuf>| path.as_deref().map(|path| environment.expand(path));
    let question = Question {
        upload_url: addition.url.as_url().clone(),
        simple_url,
        credentials: credentials(addition),
        ca_cert: certificate(&known.ca_cert),
        client_cert: certificate(&known.client_cert),
        patience: PATIENCE,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return note(format_args!("the server was not asked: {error}")),
    };
    match runtime.block_on(probe(&question)) {
        Ok(findings) => tell(addition, &findings, environment),
        Err(error) => tell_unreachable(addition, &error),
    }
    // A look-up of a name can't be called off; nobody waits for it.
    runtime.shutdown_background();
}

fn credentials(addition: &Addition) -> Option<Basic> {
    let username = addition.login.user(&addition.known)?;
    let password = addition.login.secret(&addition.known)?;
    Some(Basic {
        username: username.parse().ok()?,
        password: password.clone(),
    })
}

fn tell_unreachable(addition: &Addition, error: &Unreachable) {
    let url = &addition.url;
    match error {
        Unreachable::Tls(_) | Unreachable::Client(_) => {
            warning(format_args!("`{url}` can't be used as it is: {error}"));
        }
        _ if url.is_loopback() => note(format_args!(
            "no server answers at `{url}` yet ({error}); `pkgctl serve` starts one"
        )),
        _ => note(format_args!("no server answers at `{url}` yet ({error})")),
    }
}

fn tell(addition: &Addition, findings: &Findings, environment: &Environment) {
    let url = &addition.url;
    tell_pages(addition, findings);
    let user = match addition.login.user(&addition.known) {
        Some(user) => format!("`{user}`"),
        None => "everybody".to_owned(),
    };
    if findings.reading == Reading::WrongCredentials || findings.uploading == Uploading::WrongCredentials {
        warning(format_args!("`{url}` refuses the password of {user}"));
        return;
    }
    tell_readers(addition, findings.reading, environment);
    match findings.uploading {
        Uploading::Allowed => note(format_args!("`{url}` answers, and {user} may upload")),
        Uploading::NeedsCredentials => note(format_args!("`{url}` answers, and takes a login for uploads")),
        Uploading::Forbidden => warning(format_args!("`{url}` answers, but {user} may not upload")),
        Uploading::NotHere => warning(format_args!("`{url}` answers, but takes no uploads there")),
        Uploading::Unknown | Uploading::WrongCredentials => {
            note(format_args!(
                "`{url}` answers; whether {user} may upload can't be told"
            ));
        }
    }
}

/// How pip and uv, whose settings hold no password, get to read.
fn tell_readers(addition: &Addition, reading: Reading, environment: &Environment) {
    let url = &addition.url;
    let login = addition.host_login();
    let is_in_netrc = login.is_some_and(|login| login_in_netrc(&login, environment) == InNetrc::Same);
    match reading {
        Reading::Forbidden => warning(format_args!("`{url}` lets this user list nothing")),
        Reading::NeedsCredentials => note(format_args!(
            "`{url}` takes a login for reading; `pkgctl configure --netrc` writes one for pip and uv"
        )),
        Reading::Accepted if is_in_netrc => {}
        Reading::Accepted if addition.login.is_for_keyring => note(format_args!(
            "`{url}` takes a login for reading; pip and uv find it with `--keyring-provider subprocess` when the \
             index's address names the user, as in `//USER@HOST/`"
        )),
        Reading::Accepted => note(format_args!(
            "`{url}` takes a login for reading; pip and uv look for it in ~/.netrc, which --netrc writes"
        )),
        Reading::Open | Reading::WrongCredentials | Reading::Unknown => {}
    }
}

fn tell_pages(addition: &Addition, findings: &Findings) {
    let url = addition.url.for_pip(false).url;
    match &findings.pages {
        Pages::Elsewhere(target) => warning(format_args!(
            "`{url}` sends elsewhere: to `{target}`; give that address with --url"
        )),
        Pages::Other(status) => warning(format_args!(
            "`{url}` is no index that pip can read: the server answers {status}"
        )),
        Pages::Simple { .. } | Pages::Hidden | Pages::Unknown => {}
    }
    let skew = findings.clock_skew.filter(|skew| skew.amount() > NOTABLE_SKEW);
    if let Some(skew) = skew {
        let (seconds, direction) = match skew {
            ClockSkew::Ahead(amount) => (amount.as_secs(), "ahead of"),
            ClockSkew::Behind(amount) => (amount.as_secs(), "behind"),
        };
        warning(format_args!(
            "the server's clock is {seconds} s {direction} this machine's; one of them is wrong"
        ));
    }
}
