//! Passwords in the system's keyring, under each name by which a program looks for them.

use super::change::{Addition, Change, Removal};
use crate::config::Environment;
use crate::config::IndexUrl;
use crate::config::keyring::Keyring;
use crate::config::tools::Tool;
use crate::failure::Failure;
use crate::terminal::note;

/// Stores or forgets the password. `tools` are those whose files are written too.
pub(super) fn carry_out(change: &Change, tools: &[Tool], environment: &Environment) -> Result<(), Failure> {
    let keyring = Keyring::find(environment)?;
    match change {
        Change::Add(addition) => store(addition, tools, &keyring),
        Change::Remove(removal) => forget(removal, &keyring),
    }
}

fn store(addition: &Addition, tools: &[Tool], keyring: &Keyring) -> Result<(), Failure> {
    let Addition {
        name,
        url,
        login,
        known,
        ..
    } = addition;
    let Some(username) = login.user(known) else {
        let failure = Failure::usage("a password in the keyring takes a user");
        return Err(failure.hint("name the user with --username"));
    };
    let kept = || keyring.password(url.as_str(), username);
    let password = match login.secret(known) {
        Some(password) => password.clone(),
        None => kept()?.ok_or_else(|| {
            let failure = Failure::usage("there is no password to put into the keyring");
            failure.hint("type it when asked, pipe it to --password-stdin, or set PKGCTL_PASSWORD")
        })?,
    };
    for service in services(name, url, tools) {
        keyring.store(&service, username, &password)?;
    }
    note(format_args!(
        "the keyring has the password of `{username}` for `{url}`"
    ));
    Ok(())
}

fn forget(removal: &Removal, keyring: &Keyring) -> Result<(), Failure> {
    let Some(username) = &removal.known.username else {
        let failure = Failure::usage(format!(
            "it is not known whose password of `{}` to forget",
            removal.name
        ));
        return Err(failure.hint("run `keyring del ADDRESS USER`"));
    };
    let mut is_forgotten = false;
    for url in &removal.urls {
        let is_shared = removal.known.shares_login(url.host(), username);
        for service in services(&removal.name, url, &Tool::ALL) {
            // Another repository of that host needs what is kept under the host.
            if !(is_shared && service == url.host_and_port()) {
                is_forgotten |= keyring.forget(&service, username)?;
            }
        }
    }
    note(if is_forgotten {
        format!("the keyring has forgotten the password of `{username}`")
    } else {
        format!("the keyring has no password of `{username}`")
    });
    Ok(())
}

/// Under which names programs look: uploaders by the address, pip and uv by the host, poetry and pdm by the name.
fn services(name: &str, url: &IndexUrl, tools: &[Tool]) -> Vec<String> {
    let mut services = vec![url.as_str().to_owned(), url.host_and_port()];
    if tools.contains(&Tool::Poetry) {
        services.push(format!("poetry-repository-{name}"));
    }
    if tools.contains(&Tool::Pdm) {
        services.extend(["repository", "pypi"].map(|kind| format!("pdm-{kind}-{name}")));
    }
    services
}
