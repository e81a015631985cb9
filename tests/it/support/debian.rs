//! Programs that are no Python packages: the machine's own, or unpacked from Debian's archive beside the other tools.
//! Nothing is installed for that and no rights are needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::tools::{Skipped, Tool, install_once, succeed, tell};

/// Apache's `htpasswd`.
pub(crate) fn htpasswd() -> Result<Tool, Skipped> {
    static HTPASSWD: OnceLock<Result<Tool, Skipped>> = OnceLock::new();
    let find = || {
        // It needs libraries that only an installation brings.
        on_this_machine("htpasswd").ok_or_else(|| Skipped("there is no htpasswd (apache2-utils)".to_owned()))
    };
    HTPASSWD.get_or_init(find).clone().inspect_err(tell)
}

/// nginx.
pub(crate) fn nginx() -> Result<Tool, Skipped> {
    static NGINX: OnceLock<Result<Tool, Skipped>> = OnceLock::new();
    let find = || match on_this_machine("nginx") {
        Some(tool) => Ok(tool),
        None => unpacked("nginx", "usr/sbin/nginx"),
    };
    NGINX.get_or_init(find).clone().inspect_err(tell)
}

#[expect(clippy::disallowed_methods, reason = "asks for the machine's programs")]
fn on_this_machine(name: &str) -> Option<Tool> {
    let path = std::env::var_os("PATH")?;
    // Administrators' programs are not in everybody's PATH.
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let mut programs = folders.map(|folder| folder.join(name));
    programs
        .find(|program| program.is_file())
        .map(|program| Tool { program })
}

/// The program at `path` of a package.
fn unpacked(package: &str, path: &str) -> Result<Tool, Skipped> {
    let folder = install_once(package, &[package], |folder| {
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        succeed(
            Command::new("apt-get")
                .args(["download", package])
                .current_dir(folder),
        )?;
        let archive = archive_in(folder)?;
        succeed(Command::new("dpkg-deb").arg("-x").arg(archive).arg(folder))?;
        succeed(Command::new(folder.join(path)).arg("-v"))
    })?;
    Ok(Tool {
        program: folder.join(path),
    })
}

fn archive_in(folder: &Path) -> Result<PathBuf, String> {
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .ok_or_else(|| "nothing was downloaded".to_owned())
}
