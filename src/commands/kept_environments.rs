//! The options that `build` and `cache` share: where environments are kept, how much, and for how long.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::config::Environment;
use crate::pep517::{CacheLimits, EnvironmentCache};

const HOUR: Duration = Duration::from_secs(60 * 60);

#[derive(Debug, Args)]
#[command(next_help_heading = "Kept environments")]
pub(super) struct KeptEnvironments {
    /// Folder that build environments are kept in [default: pkgctl in the user's cache folder]
    #[arg(long, value_name = "FOLDER", env = "PKGCTL_CACHE_DIR")]
    cache_dir: Option<PathBuf>,

    /// Keep at most this much; what was used longest ago goes first
    #[arg(long, value_name = "GIB", env = "PKGCTL_CACHE_MAX_GIB", default_value_t = 4)]
    cache_max_gib: u32,

    /// Remove environments that no build has used for this long
    #[arg(
        long,
        value_name = "DAYS",
        env = "PKGCTL_CACHE_MAX_DAYS",
        default_value_t = 30
    )]
    cache_max_days: u16,

    /// Make an environment anew after this long, unless its requirements name one version each
    #[arg(
        long,
        value_name = "HOURS",
        env = "PKGCTL_CACHE_FRESH_HOURS",
        default_value_t = 24
    )]
    cache_fresh_hours: u16,
}

impl KeptEnvironments {
    /// The folder that is the program's own, also for its logs; `None` as for [`Self::cache`].
    pub(super) fn folder(&self, environment: &Environment) -> Option<PathBuf> {
        own_folder(self.cache_dir.as_deref(), environment)
    }

    /// `None` when the system knows no folder for caches, and none is named.
    pub(super) fn cache(&self, environment: &Environment) -> Option<EnvironmentCache> {
        let folder = self.folder(environment)?;
        let limits = CacheLimits {
            max_bytes: u64::from(self.cache_max_gib) << 30,
            max_unused: HOUR * 24 * u32::from(self.cache_max_days),
            fresh_for: HOUR * u32::from(self.cache_fresh_hours),
        };
        Some(EnvironmentCache::new(&folder, limits))
    }
}

/// The program's own folder for caches: the one that is named, or that of `PKGCTL_CACHE_DIR`, or the usual one.
pub(super) fn own_folder(named: Option<&Path>, environment: &Environment) -> Option<PathBuf> {
    let variable = || environment.var_os("PKGCTL_CACHE_DIR").map(Path::new);
    match named.or_else(variable) {
        Some(folder) => Some(environment.expand(folder)),
        None => Some(environment.cache_folder()?.join("pkgctl")),
    }
}
