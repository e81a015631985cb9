//! What is said at the start: what is served, where, to whom, and where unknown names go.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use tracing::{error, info, warn};

use super::CATALOG;
use super::settings::{DEFAULT_PASSWORDS, Settings};
use crate::auth::policy::Access;
use crate::auth::{Action, PasswordSource};
use crate::failure::Failure;
use crate::failure::rights::Rights;
use crate::index::Index;

/// What is served, where, to whom, and where unknown names go.
pub(super) async fn tell(
    settings: &Settings,
    index: &Arc<Index>,
    addresses: &[String],
) -> Result<(), Failure> {
    let counts = index.counts().await?;
    for (number, root) in settings.roots.iter().enumerate() {
        let uploads = if number == 0 {
            ", which receives uploads"
        } else {
            ""
        };
        info!("serving the folder {}{uploads}", root.display());
    }
    let files = counted(counts.files, "file");
    let projects = counted(counts.projects, "project");
    match index.ignored_files() {
        0 => info!("{files} of {projects}"),
        ignored => info!(
            "{files} of {projects}; {} not listed, -v says why",
            counted(ignored, "other file")
        ),
    }
    if settings.index.overwrite {
        warn!("uploads may replace files that are there (--overwrite)");
    }
    tell_access(settings);
    match &settings.server.fallback {
        Some(fallback) => info!(
            "clients that ask for a project that was never here are sent to {}/",
            fallback.url
        ),
        None => info!("projects that were never here are answered with 404"),
    }
    for address in addresses {
        let mount = if address.starts_with("http") {
            settings.server.mount.to_string()
        } else {
            String::new()
        };
        info!("listening on {address}{mount}");
    }
    Ok(())
}

/// What the server may not write to, though it has to: reading goes on, so that only this tells what must be changed.
pub(super) fn tell_missing_rights(settings: &Settings) {
    let root = settings.roots.first().map(PathBuf::as_path);
    let catalog = settings.state_dir.join(CATALOG);
    let needed = [root, Some(&*settings.state_dir), Some(&*catalog)];
    for path in needed.into_iter().flatten().filter(|path| path.exists()) {
        let Err(error) = Rights::to_write(path) else {
            continue;
        };
        let why = match Rights::at(path) {
            Some(rights) if error.kind() == ErrorKind::PermissionDenied => {
                format!("{}; {}", rights.told(), rights.remedy())
            }
            _ => error.to_string(),
        };
        // A folder that is meant to be read only needs no alarm.
        if settings.policy.access(Action::Update) == Access::Impossible {
            warn!("`{}` can't be written to: {why}", path.display());
        } else {
            error!(
                "uploads are refused, since `{}` can't be written to: {why}",
                path.display()
            );
        }
        return;
    }
}

pub(super) fn tell_access(settings: &Settings) {
    let describe = |action| match settings.policy.access(action) {
        Access::Open => "open to everybody",
        Access::User => "for users with a password",
        Access::Impossible => "switched off",
    };
    info!(
        "pages are {}, downloads {}, uploads {}, /metrics {}",
        describe(Action::List),
        describe(Action::Download),
        describe(Action::Update),
        describe(Action::Metrics)
    );
    match &settings.passwords {
        PasswordSource::File(path) => info!("passwords are in {}", path.display()),
        PasswordSource::None => {
            let usual = settings
                .roots
                .first()
                .map(|root| root.join(DEFAULT_PASSWORDS))
                .unwrap_or_default();
            warn!(
                "there is no passwords file, so nobody can upload; make one with `pkgctl adduser -f {} NAME`, then start \
                 again or send SIGHUP",
                usual.display()
            );
        }
        PasswordSource::Open => {
            warn!("anyone who reaches this port can upload packages that others will run")
        }
    }
}

/// `1 file`, `2 files`.
fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
