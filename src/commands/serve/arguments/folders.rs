//! What may be stored, and where our own state lies.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

/// What may be stored, and where our own state lies.
#[derive(Debug, Args)]
#[command(next_help_heading = "Uploads and storage")]
pub(in crate::commands::serve) struct FolderArguments {
    /// Let uploads replace files of the same name
    #[arg(short, long, env = "PKGCTL_OVERWRITE", value_parser = BoolishValueParser::new())]
    pub(in crate::commands::serve) overwrite: bool,

    /// Largest file that may be uploaded, in bytes or with K, M or G behind
    #[arg(long, value_name = "SIZE", default_value = "2G", env = "PKGCTL_MAX_UPLOAD_SIZE", value_parser = parse_size)]
    pub(in crate::commands::serve) max_upload_size: u64,

    /// Space on the disk that uploads leave alone, in bytes or with K, M or G behind [default: 512M, or 5 % of the disk when that is more]
    #[arg(long, value_name = "SIZE", env = "PKGCTL_KEEP_FREE", value_parser = parse_space)]
    pub(in crate::commands::serve) keep_free: Option<u64>,

    /// Folder for the catalog and unfinished uploads [default: .pkgctl in the first folder]
    #[arg(long, value_name = "FOLDER", env = "PKGCTL_STATE_DIR")]
    pub(in crate::commands::serve) state_dir: Option<PathBuf>,

    /// Ignored: pypiserver's choice of a cache; this one has its own
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(in crate::commands::serve) backend: Option<String>,
}

/// Reads the size of something: `100`, `64K`, `2G`.
fn parse_size(text: &str) -> Result<u64, String> {
    match parse_space(text) {
        Ok(0) => Err(format!("`{text}` is not a size; write it like 500M or 2G")),
        outcome => outcome,
    }
}

/// The same, and it may be none.
fn parse_space(text: &str) -> Result<u64, String> {
    let digits = text
        .trim()
        .trim_end_matches(['b', 'B'])
        .trim_end_matches(['i', 'I']);
    let (number, factor) = match digits.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&digits[..at], 1_u64 << 10),
        Some((at, 'm' | 'M')) => (&digits[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&digits[..at], 1 << 30),
        _ => (digits, 1),
    };
    let malformed = || format!("`{text}` is not a size; write it like 500M or 2G");
    let whole: u64 = number.trim().parse().map_err(|_| malformed())?;
    whole.checked_mul(factor).ok_or_else(malformed)
}
