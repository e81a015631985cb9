//! `pkgctl doctor`: looks at everything between a developer and the index, changes nothing, and says what is wrong.
//!
//! Each file looks at one thing and adds a section to the report; `report.rs` shows it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use self::report::Report;
use crate::commands::serve;
use crate::config::Environment;
use crate::failure::Failure;
use crate::terminal::{self, data};

mod bytes;
mod client_files;
mod live;
mod packages;
mod passwords;
mod programs;
mod report;
mod servers;

/// Find out what is wrong between you, your tools and the index
///
/// Looks at the programs, the configuration files, each repository that is configured, and the packages folder and
/// passwords file of a server on this machine. It reads only: nothing is created, changed, uploaded or locked.
///
/// With a URL it looks at that server alone. Public indexes are not asked.
///
/// Exits with 0 when nothing is wrong, and with 1 otherwise. Each problem comes with one remedy.
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "the text is read in a terminal")]
#[command(after_help = "\
Examples:
  pkgctl doctor
  pkgctl doctor --json
  pkgctl doctor http://packages.example:8080
  pkgctl doctor --live                         # the health check of a container
  pkgctl doctor --live http://127.0.0.1:8080
  pkgctl doctor --folder /srv/packages -P /srv/htpasswd
  pkgctl doctor --verify --offline             # read every package and compare its digest")]
pub(super) struct Arguments {
    /// Address of a server to look at, and at nothing else
    url: Option<String>,

    /// Only ask whether the server is alive, at URL or where the settings of `serve` have it; says nothing when it is
    #[arg(long, conflicts_with_all = ["json", "folder", "passwords", "offline", "verify"])]
    live: bool,

    /// Folder of packages to look at (may be repeated) [default: ~/packages, if it is there]
    #[arg(long, value_name = "FOLDER")]
    folder: Vec<PathBuf>,

    /// Passwords file to look at [env: PKGCTL_PASSWORDS] [default: .htaccess in the first folder, if it is there]
    #[arg(short = 'P', long, value_name = "FILE")]
    passwords: Option<PathBuf>,

    /// Folder of the server's catalog [default: .pkgctl in the first folder]
    #[arg(long, value_name = "FOLDER", env = "PKGCTL_STATE_DIR")]
    state_dir: Option<PathBuf>,

    /// Read every package from its first byte to its last, and compare it with the digests that the server recorded
    #[arg(long, conflicts_with = "url")]
    verify: bool,

    /// Ask no server
    #[arg(long, conflicts_with = "url")]
    offline: bool,

    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
///
/// # Errors
/// The report can't be printed. What is wrong with the things it looks at is in the report.
pub(super) fn run(arguments: Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let mut report = Report::default();
    match &arguments.url {
        Some(url) if arguments.live => return live::check(url),
        None if arguments.live => return live::check(&serve::live_address(environment)?),
        Some(url) => report.add(servers::look_at_address(url, environment)),
        None => look_at_everything(&arguments, environment, &mut report),
    }
    let shown = if arguments.json {
        data(report.to_json())
    } else {
        terminal::report(&report.to_text())
    };
    shown.map_err(|error| Failure::new("can't print the findings").caused_by(&error))?;
    Ok(report.exit_code())
}

fn look_at_everything(arguments: &Arguments, environment: &Environment, report: &mut Report) {
    report.add(programs::look(environment));
    let files = client_files::look(environment);
    report.add(files.section);
    if !arguments.offline {
        for name in &files.repositories {
            report.add(servers::look_at_repository(name, environment));
        }
    }
    look_at_server_files(arguments, environment, report);
}

/// What a server on this machine works with; nothing where there is no sign of one.
fn look_at_server_files(arguments: &Arguments, environment: &Environment, report: &mut Report) {
    let named: Vec<PathBuf> = arguments
        .folder
        .iter()
        .map(|folder| environment.expand(folder))
        .collect();
    let usual = environment
        .home()
        .map(|home| home.join("packages"))
        .filter(|folder| folder.is_dir());
    let roots = if named.is_empty() {
        usual.into_iter().collect()
    } else {
        named
    };
    if let Some(first) = roots.first() {
        let state_dir = arguments
            .state_dir
            .as_ref()
            .map(|folder| environment.expand(folder));
        let state_dir = state_dir.unwrap_or_else(|| first.join(".pkgctl"));
        report.add(packages::look(&roots, &state_dir));
        if arguments.verify {
            report.add(bytes::look(&roots, &state_dir.join(serve::CATALOG)));
        }
    }
    let named = arguments
        .passwords
        .as_deref()
        .or(environment.var_os("PKGCTL_PASSWORDS").map(AsRef::as_ref));
    let usual = roots
        .first()
        .map(|root| root.join(".htaccess"))
        .filter(|file| file.is_file());
    if let Some(file) = named.map(|file| environment.expand(file)).or(usual) {
        report.add(passwords::look(&file));
    }
}
