//! What the user should know about a change: what it replaces, what keeps it from counting, what is left over.

use std::path::Path;

use super::change::{Addition, Removal};
use super::files::{Files, Paths, Written};
use crate::config::keyring::Keyring;
use crate::config::netrc::{self, Netrc};
use crate::config::pip_conf::{self, Platform, Standing};
use crate::config::pypirc::PasswordEdit;
use crate::config::shadows::{PipSetting, Settings, Shadow};
use crate::config::tools::Tool;
use crate::config::{Environment, HostLogin, mask_secrets};
use crate::terminal::{note, warning};

pub(super) fn on_addition(addition: &Addition, files: &Files, paths: &Paths, environment: &Environment) {
    if addition.is_public() {
        note(format_args!(
            "`{}` is for uploads to a public index; pip's configuration is left alone",
            addition.url
        ));
    } else {
        on_pip(addition, files);
    }
    on_shadows(addition, files, paths, environment);
    if addition.url.is_exposed() {
        warning(format_args!(
            "`{}` is plain http to another machine: whoever is on the way can read passwords and change packages; \
             use https",
            addition.url
        ));
    }
    on_password(addition, files);
    on_stale_netrc(addition, files, environment);
}

fn on_password(addition: &Addition, files: &Files) {
    let Addition { login, known, .. } = addition;
    let edit = login.password_edit(known);
    let new_password = match edit {
        PasswordEdit::Set(password) => Some(password),
        PasswordEdit::Keep | PasswordEdit::Remove => None,
    };
    // Its own settings are TOML, where nothing is special about it.
    let hatch_reads_pypirc = !files.tools().contains(&Tool::Hatch);
    if hatch_reads_pypirc && new_password.is_some_and(|password| password.expose().contains('%')) {
        warning("hatch can't read a password with a `%` in it from .pypirc; --hatch writes it where it can");
    }
    let keeps_password = known.password.is_some() && matches!(edit, PasswordEdit::Keep);
    if keeps_password && files.pypirc.file.is_readable_by_others() {
        warning(format_args!(
            "other users of this machine can read `{0}`, which holds a password; run `chmod 600 {0}`",
            files.pypirc.shown()
        ));
    }
    if login.user(known).is_none() && known.username.is_none() {
        note("no user was given, so no credentials are stored; `-u NAME` or PKGCTL_USERNAME gives one");
    } else if new_password.is_none() && !keeps_password && !login.is_for_keyring {
        note("no password is stored; `pkgctl publish` asks for it or takes PKGCTL_PASSWORD");
    }
}

/// pip and uv go on sending the old password then, which is hard to find out.
fn on_stale_netrc(addition: &Addition, files: &Files, environment: &Environment) {
    let (None, Some(login)) = (&files.netrc, addition.host_login()) else {
        return;
    };
    let Some(path) = netrc::user_file(environment) else {
        return;
    };
    if login_in_netrc(&login, environment) == InNetrc::OtherPassword {
        warning(format_args!(
            "`{}` has another password of `{}` for `{}`, which pip and uv use; --netrc writes the new one",
            path.display(),
            login.username,
            login.host
        ));
    }
}

/// What `.netrc` says of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InNetrc {
    Same,
    OtherPassword,
    /// Nothing, or another user.
    Nothing,
}

/// Looks for a login where pip and uv do.
pub(super) fn login_in_netrc(login: &HostLogin<'_>, environment: &Environment) -> InNetrc {
    let text = netrc::user_file(environment).and_then(|path| std::fs::read_to_string(path).ok());
    let netrc = text.and_then(|text| Netrc::parse(&text).ok());
    let entry = netrc.as_ref().and_then(|netrc| netrc.entry(login.host));
    match entry.map(|entry| (entry.login.as_deref(), &entry.password)) {
        Some((Some(user), Some(password))) if user == login.username => {
            if password.matches(login.password) {
                InNetrc::Same
            } else {
                InNetrc::OtherPassword
            }
        }
        _ => InNetrc::Nothing,
    }
}

fn on_shadows(addition: &Addition, files: &Files, paths: &Paths, environment: &Environment) {
    let index = addition.index(files);
    let tools = files.tools();
    let tells_pip = paths.is_pips_own && !addition.is_public();
    let settings = Settings {
        name: &addition.name,
        upload_url: addition.url.as_str(),
        username: addition.login.user(&addition.known),
        pip: tells_pip.then_some(PipSetting {
            simple_url: &index.url,
            is_only: index.is_only,
        }),
        tools: &tools,
    };
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    for shadow in settings.shadows(environment, Platform::current(), read) {
        match shadow {
            Shadow::HiddenList { .. } => note(shadow),
            _ => warning(shadow),
        }
    }
}

fn on_pip(addition: &Addition, files: &Files) {
    let index = addition.index(files);
    let path = files.pip_conf.shown();
    match (addition.standing(files), index.is_only) {
        (Some(Standing::Only), false) => warning(
            "the index was pip's only one and is one of several now: pip takes the highest version from any of \
             them (dependency confusion); --index-url makes it the only one again",
        ),
        (Some(Standing::Extra), true) => {
            note("the index was one of several and is pip's only one now");
        }
        _ => {}
    }
    if index.is_only
        && let Some(other) = pip_conf::other_index_url(&files.pip_conf.text, &index.url)
        && addition
            .former()
            .is_none_or(|former| other.trim_end_matches('/') != former.url.trim_end_matches('/'))
    {
        warning(format_args!(
            "`index-url = {}` in `{path}` is replaced; `--remove` can't bring it back",
            mask_secrets(&other, None)
        ));
    }
    for key in pip_conf::shadowing_keys(&files.pip_conf.text, index.is_only) {
        warning(format_args!("`{key}` in `{path}` wins over the new setting"));
    }
    for other in &files.other_pip_confs {
        let other_path = other.shown();
        note(format_args!(
            "pip reads `{path}` and `{other_path}`; where both have a key, the one in `{path}` counts"
        ));
        let hides = !index.is_only && pip_conf::has_other_extra_indexes(&other.text, &index.url);
        if hides {
            warning(format_args!(
                "the extra indexes in `{other_path}` don't count beside those in `{path}`; move them there"
            ));
        }
    }
}

pub(super) fn on_removal(removal: &Removal, files: &Files, written: &Written, environment: &Environment) {
    if !written.changes(files) {
        note(format_args!(
            "nothing to remove: there is no repository `{}` in `{}`, and no index of it in pip's configuration",
            removal.name,
            files.pypirc.shown()
        ));
    }
    // Keys of other sections, which this command doesn't write.
    for (file, content) in files.pip_confs().zip(&written.pip_confs) {
        for url in &removal.urls {
            for key in pip_conf::keys_naming(&content.text, &url.for_pip(false).url) {
                warning(format_args!(
                    "`{key}` in `{}` still names the index; take it out by hand",
                    file.shown()
                ));
            }
        }
    }
    let has_no_password = removal.known.username.is_some() && removal.known.password.is_none();
    if has_no_password && Keyring::find(environment).is_ok() {
        note("a password in the keyring stays there unless --keyring is given too");
    }
}
