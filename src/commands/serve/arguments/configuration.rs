//! Where settings come from beside flags.

use std::path::PathBuf;

use clap::Args;

/// Where settings come from beside flags.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(in crate::commands::serve) struct ConfigurationArguments {
    /// Settings file [default: .pkgctl/pkgctl.toml in the first folder, else pkgctl/pkgctl.toml in your configuration folder]
    ///
    /// TOML, with the long names of these flags as keys: `port = 8080`, `overwrite = true`, `private = ["corp-*"]`,
    /// and `roots = ["/srv/packages"]` for the folders. A flag beats its variable, a variable beats the file. Relative
    /// paths start from the file's folder. SIGHUP reads it again.
    #[arg(long, value_name = "FILE", env = "PKGCTL_CONFIG")]
    pub(in crate::commands::serve) config: Option<PathBuf>,

    /// Print every setting, its value and where it came from as a settings file, and exit
    #[arg(long)]
    pub(in crate::commands::serve) show_config: bool,
}
