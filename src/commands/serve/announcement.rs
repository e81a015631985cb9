//! What is said at the start: what is served, where, to whom, and where unknown names go.

use std::sync::Arc;

use tokio::net::TcpListener;
use tracing::{info, warn};

use super::settings::Settings;
use crate::auth::policy::Access;
use crate::auth::{Action, PasswordSource};
use crate::failure::Failure;
use crate::index::Index;

/// What is served, where, to whom, and where unknown names go.
pub(super) async fn tell(
    settings: &Settings,
    index: &Arc<Index>,
    listener: &TcpListener,
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
    info!("{} files of {} projects", counts.files, counts.projects);
    tell_access(settings);
    match &settings.server.fallback {
        Some(fallback) => info!(
            "clients that ask for a project that was never here are sent to {}/",
            fallback.url
        ),
        None => info!("projects that were never here are answered with 404"),
    }
    let address = listener
        .local_addr()
        .map_err(|error| Failure::new("can't tell the address that was bound").caused_by(&error))?;
    info!("listening on http://{address}");
    Ok(())
}

fn tell_access(settings: &Settings) {
    let describe = |action| match settings.policy.access(action) {
        Access::Open => "open to everybody",
        Access::User => "for users with a password",
        Access::Impossible => "switched off",
    };
    info!(
        "pages are {}, downloads {}, uploads {}",
        describe(Action::List),
        describe(Action::Download),
        describe(Action::Update)
    );
    match &settings.passwords {
        PasswordSource::File(path) => info!("passwords are in {}", path.display()),
        PasswordSource::None => {
            warn!("there is no passwords file, so nobody can upload; `pkgctl adduser NAME` makes one");
        }
        PasswordSource::Open => {
            warn!("anyone who reaches this port can upload packages that others will run")
        }
    }
}
