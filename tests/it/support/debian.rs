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

/// strace.
pub(crate) fn strace() -> Result<Tool, Skipped> {
    static STRACE: OnceLock<Result<Tool, Skipped>> = OnceLock::new();
    let find = || {
        let tool = match on_this_machine("strace") {
            Some(tool) => tool,
            None => unpacked("strace", "usr/bin/strace")?,
        };
        // Containers may forbid what it does.
        succeed(Command::new(&tool.program).args(["-f", "-o", "/dev/null", "true"]))
            .map_err(|reason| Skipped(format!("strace may not watch programs: {reason}")))?;
        Ok(tool)
    };
    STRACE.get_or_init(find).clone().inspect_err(tell)
}

/// The library that makes programs believe another time.
pub(crate) fn faketime() -> Result<PathBuf, Skipped> {
    static FAKETIME: OnceLock<Result<PathBuf, Skipped>> = OnceLock::new();
    let find = || {
        let folder = install_once("libfaketime", &["libfaketime"], |folder| {
            fs::create_dir_all(folder).map_err(|error| error.to_string())?;
            succeed(
                Command::new("apt-get")
                    .args(["download", "libfaketime"])
                    .current_dir(folder),
            )?;
            let archive = archive_in(folder)?;
            succeed(Command::new("dpkg-deb").arg("-x").arg(archive).arg(folder))
        })?;
        let libraries = fs::read_dir(folder.join("usr/lib"))
            .into_iter()
            .flatten()
            .flatten();
        libraries
            .map(|machine| machine.path().join("faketime/libfaketime.so.1"))
            .find(|library| library.exists())
            .ok_or_else(|| Skipped("libfaketime has no library".to_owned()))
    };
    FAKETIME.get_or_init(find).clone().inspect_err(tell)
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
