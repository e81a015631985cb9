//! SIGHUP: the settings are read again, and what can change under a running server does.
//!
//! Whatever is wrong with the new settings, the server goes on with those it has, and says so.

use std::sync::Arc;

use tracing::{error, info, warn};

use super::configuration::Configuration;
use super::settings::Settings;
use super::words::Words;
use super::{announcement, open_passwords};
use crate::auth::Authenticator;
use crate::config::Environment;
use crate::failure::Failure;
use crate::logging::{Course, Log};
use crate::server::{Access, Live, Tls};

/// Settings that take effect without a restart, by their keys. All others keep the value of the start.
const CAN_CHANGE: [&str; 12] = [
    "allow-weak-passwords",
    "authenticate",
    "cache-control",
    "disable-fallback",
    "fallback-url",
    "log-file",
    "log-stream",
    "max-upload-size",
    "passwords",
    "private",
    "verbose",
    "welcome",
];

/// What is needed to read the settings of a running server again.
pub(super) struct Reload {
    pub(super) words: Words,
    pub(super) environment: Environment,
    pub(super) log: Log,
    pub(super) live: Live,
    /// Certificate and key, where the server speaks TLS.
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) running: Running,
}

/// What the server runs with now.
pub(super) struct Running {
    pub(super) configuration: Configuration,
    pub(super) settings: Settings,
    pub(super) authenticator: Option<Arc<Authenticator>>,
}

/// New settings that have passed every check.
struct Checked {
    running: Running,
    course: Course,
    changed: Vec<String>,
    needs_restart: Vec<String>,
}

impl Reload {
    /// Reads everything again.
    pub(super) fn run(&mut self) {
        // First of all and whatever comes next: the log was rotated, and the old file is about to be compressed.
        if let Err(error) = self.log.reopen() {
            let failure = Failure::from(error);
            error!("the log goes on in the old file: {}", failure.in_one_line());
        }
        self.read_files_again();
        match self.check() {
            Ok(checked) => self.apply(checked),
            Err(failure) => error!(
                "the settings stay as they were, since the new ones can't be used: {}",
                failure.in_one_line()
            ),
        }
    }

    /// Files whose content counts, not their settings. Passwords are looked at by each request that needs them.
    fn read_files_again(&self) {
        if let Some(tls) = &self.tls {
            tls.reload();
        }
    }

    /// Looks at the new settings without touching anything.
    fn check(&self) -> Result<Checked, Failure> {
        let now = &self.running;
        let read = Configuration::load(&self.words, &self.environment)?;
        let (configuration, changed, needs_restart) = read.carried_into(&now.configuration, &CAN_CHANGE);
        let arguments = configuration.arguments()?;
        let course = arguments.logs.course();
        let settings =
            Settings::resolve(arguments, &self.environment).map_err(|failure| read.blame(failure))?;
        let same_users = settings.passwords == now.settings.passwords
            && !changed.iter().any(|key| key == "allow-weak-passwords");
        let authenticator = if same_users {
            // It reads its file again by itself, and knows which clients were let in.
            now.authenticator.clone()
        } else {
            open_passwords(&settings)?
        };
        Ok(Checked {
            running: Running {
                configuration,
                settings,
                authenticator,
            },
            course,
            changed,
            needs_restart,
        })
    }

    fn apply(&mut self, checked: Checked) {
        let Checked {
            running,
            course,
            changed,
            needs_restart,
        } = checked;
        if let Err(error) = self.log.change(course) {
            error!(
                "the settings stay as they were, since the new ones can't be used: {}",
                Failure::from(error).in_one_line()
            );
            return;
        }
        let access = Access {
            policy: running.settings.policy.clone(),
            authenticator: running.authenticator.clone(),
        };
        let access_changed = running.settings.policy != self.running.settings.policy
            || running.settings.passwords != self.running.settings.passwords;
        self.live.change(running.settings.server.clone(), access);
        self.running = running;
        match &changed[..] {
            // A passwords file has appeared where one is looked for, or is gone.
            [] if access_changed => info!("settings read again; there is another passwords file now"),
            [] => info!("settings read again; none of those that can change without a restart has changed"),
            keys => info!("settings read again; changed: {}", keys.join(", ")),
        }
        if access_changed {
            announcement::tell_access(&self.running.settings);
        }
        if !needs_restart.is_empty() {
            warn!(
                "changed, but only a restart makes it count: {}",
                needs_restart.join(", ")
            );
        }
    }
}
