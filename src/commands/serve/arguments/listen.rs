//! Where the server listens, and whom it believes about where a request came from.

use std::path::PathBuf;

use clap::Args;

/// Where the server listens.
#[derive(Debug, Args)]
#[command(next_help_heading = "Listening")]
pub(in crate::commands::serve) struct ListenArguments {
    /// Port to listen on; 0 picks a free one
    #[arg(
        short,
        long,
        value_name = "PORT",
        default_value_t = 8080,
        env = "PKGCTL_PORT",
        value_parser = parse_port
    )]
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

    /// Unix socket to listen on instead, for a proxy on this machine
    #[arg(long, value_name = "PATH", env = "PKGCTL_SOCKET", conflicts_with_all = ["host", "port"])]
    pub(in crate::commands::serve) socket: Option<PathBuf>,

    /// Certificate chain for HTTPS and HTTP/2, a PEM file; read again when it changes
    #[arg(long, value_name = "FILE", env = "PKGCTL_TLS_CERT")]
    pub(in crate::commands::serve) tls_cert: Option<PathBuf>,

    /// Private key of the certificate, a PEM file without a passphrase
    #[arg(long, value_name = "FILE", env = "PKGCTL_TLS_KEY")]
    pub(in crate::commands::serve) tls_key: Option<PathBuf>,

    /// Addresses or networks of proxies that tell the client's own address and host, or `none` (may be repeated); whoever comes through --socket counts as one
    #[arg(
        long,
        value_name = "NETWORK",
        env = "PKGCTL_TRUSTED_PROXY",
        value_delimiter = ',',
        default_value = "127.0.0.0/8,::1"
    )]
    pub(in crate::commands::serve) trusted_proxy: Vec<String>,

    /// Ignored: pypiserver's choice of an HTTP server; this one has its own
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(in crate::commands::serve) server: Option<String>,
}

fn parse_port(text: &str) -> Result<u16, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not a port, which is a number from 0 to 65535"))
}
