//! What pages show, and what is answered for names that are not here.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};

use crate::packaging::digest::Algorithm;

/// Where names go that this index doesn't know, unless told otherwise; pypiserver's default.
const DEFAULT_FALLBACK_URL: &str = "https://pypi.org/simple";

/// What pages show, and what is answered for names that are not here.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pages and names")]
pub(in crate::commands::serve) struct PageArguments {
    /// Simple index where clients are sent for projects that were never here
    #[arg(long, value_name = "URL", default_value = DEFAULT_FALLBACK_URL, env = "PKGCTL_FALLBACK_URL")]
    pub(in crate::commands::serve) fallback_url: String,

    /// Answer 404 for projects that were never here
    #[arg(long, env = "PKGCTL_DISABLE_FALLBACK", value_parser = BoolishValueParser::new())]
    pub(in crate::commands::serve) disable_fallback: bool,

    /// Names that are never sent to the fallback, such as `corp-*` (may be repeated)
    #[arg(long, value_name = "PATTERN", env = "PKGCTL_PRIVATE", value_delimiter = ',')]
    pub(in crate::commands::serve) private: Vec<String>,

    /// Digest shown in pages
    #[arg(
        long,
        value_name = "ALGORITHM",
        default_value = "sha256",
        env = "PKGCTL_HASH_ALGO",
        ignore_case = true
    )]
    pub(in crate::commands::serve) hash_algo: HashAlgorithm,

    /// Page to show at the address of the index, with {{URL}}, {{VERSION}}, {{NUMPKGS}}, {{PACKAGES}} and {{SIMPLE}} filled in
    #[arg(long, value_name = "FILE", env = "PKGCTL_WELCOME")]
    pub(in crate::commands::serve) welcome: Option<PathBuf>,

    /// How long clients may keep downloads without asking; 0 is as if not given [default: for ever, with --overwrite not at all]
    #[arg(long, value_name = "SECONDS", env = "PKGCTL_CACHE_CONTROL")]
    pub(in crate::commands::serve) cache_control: Option<u32>,

    /// Path below which everything is served, such as /pypi
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/",
        env = "PKGCTL_SERVER_BASE_URL"
    )]
    pub(in crate::commands::serve) server_base_url: String,

    /// Path that answers `Ok` as long as the server is alive
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/health",
        env = "PKGCTL_HEALTH_ENDPOINT"
    )]
    pub(in crate::commands::serve) health_endpoint: String,
}

/// A digest that pages may show.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::commands::serve) enum HashAlgorithm {
    Md5,
    Sha256,
    Sha384,
    Sha512,
    #[value(alias = "no", alias = "0", alias = "false", alias = "n", alias = "f")]
    Off,
}

impl HashAlgorithm {
    /// The digest; `None` when pages show none.
    pub(in crate::commands::serve) fn algorithm(self) -> Option<Algorithm> {
        match self {
            Self::Md5 => Some(Algorithm::Md5),
            Self::Sha256 => Some(Algorithm::Sha256),
            Self::Sha384 => Some(Algorithm::Sha384),
            Self::Sha512 => Some(Algorithm::Sha512),
            Self::Off => None,
        }
    }
}
