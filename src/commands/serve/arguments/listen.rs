//! Where the server listens, and whom it believes about where a request came from.

use clap::Args;

/// Where the server listens.
#[derive(Debug, Args)]
#[command(next_help_heading = "Listening")]
pub(in crate::commands::serve) struct ListenArguments {
    /// Port to listen on; 0 picks a free one
    #[arg(short, long, value_name = "PORT", default_value_t = 8080, env = "PKGCTL_PORT")]
    pub(in crate::commands::serve) port: u16,

    /// Address or name of the interface to listen on
    #[arg(
        short = 'i',
        visible_short_alias = 'H',
        long,
        visible_alias = "interface",
        value_name = "ADDRESS",
        default_value = "0.0.0.0",
        env = "PKGCTL_HOST"
    )]
    pub(in crate::commands::serve) host: String,

    /// Ignored: pypiserver's choice of an HTTP server; this one has its own
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(in crate::commands::serve) server: Option<String>,
}
