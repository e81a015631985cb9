//! The flags of `adduser`, among them those of htpasswd that are safe.

use std::path::PathBuf;

use clap::Args;

use crate::auth::scheme::{
    BCRYPT_COSTS, DEFAULT_BCRYPT_COST, DEFAULT_SHA_CRYPT_ROUNDS, Recipe, SHA_CRYPT_ROUNDS,
};
use crate::terminal::warning;

/// Add a user to the passwords file, change a password, or see who is in it
///
/// Asks for the password twice and writes it, hashed, into the passwords file that `pkgctl serve`, pypiserver, Apache
/// and nginx read. All other lines of the file stay as they are. A running server takes the change with its next
/// request. A user who is there already gets the new password.
///
/// There is no way to give the password as an argument: every user of the machine can read the arguments of a running
/// program, and the shell keeps them in its history. Use --password-stdin, PKGCTL_PASSWORD or --generate where nobody can
/// type.
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "the text is read in a terminal")]
#[command(after_help = "\
Examples:
  pkgctl adduser alice                                  # asks twice
  pkgctl adduser -f /srv/packages/.htaccess alice
  pkgctl adduser --generate ci                          # prints a password that nobody can guess
  pkgctl adduser ci --password-stdin < secret.txt
  pkgctl adduser --list
  pkgctl adduser --verify alice && echo right
  pkgctl adduser --delete bob

Exit codes: 0 done, or the password is right; 1 failed, or the password is wrong; 2 bad usage; 130 interrupted.")]
pub(in crate::commands) struct Arguments {
    /// Name of the user
    #[arg(required_unless_present = "list")]
    pub(super) user: Option<String>,

    /// Passwords file [env: PKGCTL_PASSWORDS] [default: ~/packages/.htaccess]
    #[arg(short, long, value_name = "FILE")]
    pub(super) file: Option<PathBuf>,

    #[command(flatten)]
    pub(super) source: SourceArguments,

    #[command(flatten)]
    pub(super) action: ActionArguments,

    #[command(flatten)]
    pub(super) scheme: SchemeArguments,

    #[command(flatten)]
    pub(super) habits: HabitArguments,
}

/// Where the password comes from, when nobody is asked.
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "the text is read in a terminal")]
#[group(id = "source", multiple = false)]
pub(super) struct SourceArguments {
    /// Read the password from the first line of stdin [or set PKGCTL_PASSWORD]
    #[arg(short = 'i', long)]
    pub(super) password_stdin: bool,

    /// Make up a strong password and print it, once, as the only line on stdout
    #[arg(long)]
    pub(super) generate: bool,
}

/// What to do in place of setting a password.
#[derive(Debug, Args)]
#[command(next_help_heading = "Instead of setting a password")]
#[group(id = "action", multiple = false)]
pub(super) struct ActionArguments {
    /// Remove the user
    #[arg(short = 'D', long, conflicts_with_all = ["source", "scheme", "cost", "rounds"])]
    pub(super) delete: bool,

    /// Tell each user and how the password is stored; tab-separated, unless at a terminal
    #[arg(short, long, conflicts_with_all = ["source", "scheme", "cost", "rounds"])]
    pub(super) list: bool,

    /// Tell whether a password is the user's: exit code 0 or 1
    #[arg(short = 'v', long, conflicts_with_all = ["generate", "scheme", "cost", "rounds"])]
    pub(super) verify: bool,

    /// Print the line to stdout and leave the file alone
    #[arg(short = 'n', long, conflicts_with_all = ["generate", "file"])]
    pub(super) print: bool,
}

/// How the password is stored.
#[derive(Debug, Args)]
#[command(next_help_heading = "How it is stored")]
#[group(skip)]
pub(super) struct SchemeArguments {
    /// With bcrypt; the default, read by everybody
    #[arg(short = 'B', long, hide_short_help = true, group = "scheme")]
    bcrypt: bool,

    /// Work of one bcrypt check: each step doubles it, 12 takes about a quarter of a second
    #[arg(
        short = 'C',
        long,
        value_name = "4..14",
        default_value_t = DEFAULT_BCRYPT_COST,
        value_parser = clap::value_parser!(u8).range(i64::from(*BCRYPT_COSTS.start())..=i64::from(*BCRYPT_COSTS.end())),
        conflicts_with_all = ["sha512_crypt", "sha256_crypt", "argon2", "sha1"]
    )]
    cost: u8,

    /// With sha512-crypt, where rules ask for SHA-2; Apache and nginx read it where the system does
    #[arg(short = '5', long, groups = ["scheme", "sha_crypt"])]
    sha512_crypt: bool,

    /// With sha256-crypt, likewise
    #[arg(short = '2', long, hide_short_help = true, groups = ["scheme", "sha_crypt"])]
    sha256_crypt: bool,

    /// Rounds of sha512-crypt and sha256-crypt
    #[arg(
        short,
        long,
        value_name = "1000..1000000",
        default_value_t = DEFAULT_SHA_CRYPT_ROUNDS,
        value_parser = clap::value_parser!(u32).range(i64::from(*SHA_CRYPT_ROUNDS.start())..=i64::from(*SHA_CRYPT_ROUNDS.end())),
        requires = "sha_crypt",
        hide_short_help = true
    )]
    rounds: u32,

    /// With Argon2, which only `pkgctl serve` reads
    #[arg(long, group = "scheme")]
    argon2: bool,

    /// As an unsalted SHA-1, as `htpasswd -s` does; for readers that know nothing better
    #[arg(short, long, group = "scheme")]
    sha1: bool,
}

impl SchemeArguments {
    /// How the new password is to be stored.
    pub(super) fn recipe(&self) -> Recipe {
        match self {
            Self { sha1: true, .. } => Recipe::Sha1,
            Self { argon2: true, .. } => Recipe::Argon2id,
            Self {
                sha512_crypt: true,
                rounds,
                ..
            } => Recipe::Sha512Crypt { rounds: *rounds },
            Self {
                sha256_crypt: true,
                rounds,
                ..
            } => Recipe::Sha256Crypt { rounds: *rounds },
            Self { cost, .. } => Recipe::Bcrypt { cost: *cost },
        }
    }

    /// Says what speaks against the scheme.
    pub(super) fn warn_about_readers(&self) {
        if self.sha1 {
            warning(
                "an unsalted SHA-1 is guessed at billions of tries a second once the file is stolen; \
                 without -s the password is stored with bcrypt",
            );
        }
        if self.argon2 {
            warning(
                "only `pkgctl serve` reads Argon2; Apache and nginx don't let the user in, and pypiserver takes the \
                 stored text itself for the password",
            );
        }
    }
}

/// What is accepted or refused from habit.
#[derive(Debug, Args)]
pub(super) struct HabitArguments {
    /// Accepted from habit: the file is created when it is missing, and never wiped
    #[arg(short, hide_short_help = true)]
    pub(super) create: bool,

    /// Refused: `htpasswd -b` takes the password as an argument
    #[arg(short = 'b', hide = true)]
    pub(super) batch: bool,

    /// Refused: stores a password that is easily guessed
    #[arg(short = 'm', hide = true)]
    pub(super) apr1: bool,

    /// Refused: stores a password that is easily guessed
    #[arg(short = 'd', hide = true)]
    pub(super) des_crypt: bool,

    /// Refused: other users could read it
    #[arg(long = "password", short = 'p', hide = true, value_name = "PASSWORD", num_args = 0..=1)]
    pub(super) password: Option<Option<String>>,

    /// Refused: what `htpasswd -b` calls the password
    #[arg(hide = true, num_args = 0..)]
    pub(super) surplus: Vec<String>,
}
