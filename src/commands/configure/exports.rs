//! The variables by which CI tells its programs of an index, as lines for a shell.

use std::fmt::Write as _;

use super::change::Addition;
use crate::config::pip_conf::Standing;
use crate::config::shadows::variable_part;
use crate::failure::Failure;
use crate::terminal::{data, note, warning};

/// Prints the lines. The password itself is among them only when that was asked for.
pub(super) fn print(addition: &Addition, shows_password: bool) -> Result<(), Failure> {
    let user = addition.login.user(&addition.known);
    let password = addition.login.secret(&addition.known);
    let password = match (shows_password, user, password) {
        (true, Some(_), Some(password)) => {
            warning("the password is on stdout; logs that keep these lines keep it too");
            Some(quoted(password.expose()))
        }
        (true, ..) => {
            let failure = Failure::usage("there is no password to print: it takes a user and a password");
            return Err(failure.hint("give --username and --password-stdin, or leave out --print-password"));
        }
        (false, Some(_), _) => {
            note("the passwords are taken from PKGCTL_PASSWORD where these lines are run");
            Some("\"$PKGCTL_PASSWORD\"".to_owned())
        }
        (false, None, _) => None,
    };
    if addition.is_public() {
        note("pip, uv and pdm are told nothing: this is for uploads to a public index");
    } else if user.is_some() {
        note("pip takes a login for reading from ~/.netrc alone; `pkgctl configure --netrc` writes it");
    }
    let mut lines = String::new();
    for (name, value) in places(addition) {
        // Writing to a String can't fail.
        let _ = writeln!(lines, "export {name}={}", quoted(&value));
    }
    for (name, kind) in logins(addition) {
        let value = match kind {
            Part::User => user.map(quoted),
            Part::Password => password.clone(),
        };
        if let Some(value) = value {
            let _ = writeln!(lines, "export {name}={value}");
        }
    }
    data(&lines).map_err(|error| {
        let failure = Failure::new("can't write the variables to stdout").caused_by(&error);
        failure.hint("check what stdout leads to")
    })
}

/// Where to install from and upload to.
fn places(addition: &Addition) -> Vec<(String, String)> {
    let Addition { name, url, .. } = addition;
    let upload = url.as_str().to_owned();
    let is_only = addition.wanted == Some(Standing::Only);
    let index = url.for_pip(is_only);
    let mut places = Vec::new();
    let mut add = |name: &str, value: &str| places.push((name.to_owned(), value.to_owned()));
    if !addition.is_public() {
        if is_only {
            add("PIP_INDEX_URL", &index.url);
            add("UV_DEFAULT_INDEX", &format!("{name}={}", index.url));
            add("PDM_PYPI_URL", &index.url);
        } else {
            add("PIP_EXTRA_INDEX_URL", &index.url);
            add("UV_INDEX", &format!("{name}={}", index.url));
        }
        if let Some(host) = &index.trusted_host {
            add("PIP_TRUSTED_HOST", host);
        }
    }
    for variable in [
        "PKGCTL_REPOSITORY_URL",
        "TWINE_REPOSITORY_URL",
        "UV_PUBLISH_URL",
        "PDM_PUBLISH_REPO",
        "HATCH_INDEX_REPO",
        "FLIT_INDEX_URL",
    ] {
        add(variable, &upload);
    }
    add(
        &format!("POETRY_REPOSITORIES_{}_URL", variable_part(name)),
        &upload,
    );
    places
}

#[derive(Clone, Copy)]
enum Part {
    User,
    Password,
}

/// Who uploads, and reads.
fn logins(addition: &Addition) -> Vec<(String, Part)> {
    use Part::{Password, User};
    let name = variable_part(&addition.name);
    let mut logins: Vec<(String, Part)> = [
        ("PKGCTL_USERNAME", User),
        ("TWINE_USERNAME", User),
        ("TWINE_PASSWORD", Password),
        ("UV_PUBLISH_USERNAME", User),
        ("UV_PUBLISH_PASSWORD", Password),
        ("PDM_PUBLISH_USERNAME", User),
        ("PDM_PUBLISH_PASSWORD", Password),
        ("HATCH_INDEX_USER", User),
        ("HATCH_INDEX_AUTH", Password),
        ("FLIT_USERNAME", User),
        ("FLIT_PASSWORD", Password),
    ]
    .map(|(variable, part)| (variable.to_owned(), part))
    .into();
    logins.extend([
        (format!("POETRY_HTTP_BASIC_{name}_USERNAME"), User),
        (format!("POETRY_HTTP_BASIC_{name}_PASSWORD"), Password),
    ]);
    if !addition.is_public() {
        logins.extend([
            (format!("UV_INDEX_{name}_USERNAME"), User),
            (format!("UV_INDEX_{name}_PASSWORD"), Password),
        ]);
    }
    logins
}

/// A word of a POSIX shell.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_text_itself() {
        let texts = ["plain-1.0/x", "", "a b", "$(id)`x`", "it's", "\"\\\n;&|", "é*?~"];
        for text in texts {
            let script = format!("printf %s {}", quoted(text));
            let output = std::process::Command::new("sh")
                .args(["-c", &script])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        }
    }
}
