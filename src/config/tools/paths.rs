//! Where the tools keep their settings on each system, unless a variable names another place.
//!
//! poetry, pdm and hatch follow the Python package `platformdirs`, which heeds `XDG_CONFIG_HOME` on macOS too; uv goes
//! to `~/.config` on every Unix.

use std::path::{Path, PathBuf};

use super::ToolFile;
use crate::config::Environment;
use crate::config::pip_conf::Platform;

impl ToolFile {
    /// Where the file is, be there one or not. `None` without a home folder.
    #[must_use]
    pub fn path(self, environment: &Environment, platform: Platform) -> Option<PathBuf> {
        let named = |variable: &str| {
            let path = environment.var_os(variable).map(Path::new);
            path.map(|path| environment.expand(path))
        };
        let in_config = |windows, app: &[&str], file: &str| {
            let mut folder = config_folder(self, environment, platform, windows)?;
            folder.extend(app);
            Some(folder.join(file))
        };
        let poetry = |file: &str| {
            let folder = named("POETRY_CONFIG_DIR");
            folder
                .map(|folder| folder.join(file))
                .or_else(|| in_config(Windows::Roaming, &["pypoetry"], file))
        };
        match self {
            Self::Uv => named("UV_CONFIG_FILE").or_else(|| in_config(Windows::Roaming, &["uv"], "uv.toml")),
            Self::PoetryConfig => poetry("config.toml"),
            Self::PoetryAuth => poetry("auth.toml"),
            Self::Pdm => named("PDM_CONFIG_FILE").or_else(|| {
                // There the author's name comes first, and pdm names none.
                let app: &[&str] = match platform {
                    Platform::Windows => &["pdm", "pdm"],
                    _ => &["pdm"],
                };
                in_config(Windows::Local, app, "config.toml")
            }),
            Self::Hatch => {
                named("HATCH_CONFIG").or_else(|| in_config(Windows::Local, &["hatch"], "config.toml"))
            }
        }
    }
}

/// Which of the two folders for settings a program takes on Windows.
#[derive(Clone, Copy)]
enum Windows {
    Roaming,
    Local,
}

fn config_folder(
    file: ToolFile,
    environment: &Environment,
    platform: Platform,
    windows: Windows,
) -> Option<PathBuf> {
    let home = environment.home()?;
    let named = |variable: &str| environment.var_os(variable).map(PathBuf::from);
    Some(match (platform, windows) {
        (Platform::Windows, Windows::Roaming) => {
            named("APPDATA").unwrap_or_else(|| home.join("AppData").join("Roaming"))
        }
        (Platform::Windows, Windows::Local) => {
            named("LOCALAPPDATA").unwrap_or_else(|| home.join("AppData").join("Local"))
        }
        (Platform::MacOs, _) if file != ToolFile::Uv => {
            named("XDG_CONFIG_HOME").unwrap_or_else(|| home.join("Library").join("Application Support"))
        }
        _ => named("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the files are: uv, poetry (two), pdm, hatch.
    fn places(platform: Platform, variables: &[(&str, &str)]) -> [String; 5] {
        use ToolFile::{Hatch, Pdm, PoetryAuth, PoetryConfig, Uv};
        let environment = Environment::for_testing(Path::new("/h"), variables);
        [Uv, PoetryConfig, PoetryAuth, Pdm, Hatch].map(|file| {
            file.path(&environment, platform)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
    }

    #[test]
    fn each_tool_has_its_place_on_each_system() {
        assert_eq!(
            places(Platform::Unix, &[]),
            [
                "/h/.config/uv/uv.toml",
                "/h/.config/pypoetry/config.toml",
                "/h/.config/pypoetry/auth.toml",
                "/h/.config/pdm/config.toml",
                "/h/.config/hatch/config.toml",
            ]
        );
        assert_eq!(
            places(Platform::MacOs, &[]),
            [
                "/h/.config/uv/uv.toml",
                "/h/Library/Application Support/pypoetry/config.toml",
                "/h/Library/Application Support/pypoetry/auth.toml",
                "/h/Library/Application Support/pdm/config.toml",
                "/h/Library/Application Support/hatch/config.toml",
            ]
        );
        assert_eq!(
            places(Platform::Windows, &[]),
            [
                "/h/AppData/Roaming/uv/uv.toml",
                "/h/AppData/Roaming/pypoetry/config.toml",
                "/h/AppData/Roaming/pypoetry/auth.toml",
                "/h/AppData/Local/pdm/pdm/config.toml",
                "/h/AppData/Local/hatch/config.toml",
            ]
        );
    }

    #[test]
    fn variables_name_other_places() {
        let in_c = [
            "/c/uv/uv.toml",
            "/c/pypoetry/config.toml",
            "/c/pypoetry/auth.toml",
            "/c/pdm/config.toml",
            "/c/hatch/config.toml",
        ];
        for platform in [Platform::Unix, Platform::MacOs] {
            assert_eq!(places(platform, &[("XDG_CONFIG_HOME", "/c")]), in_c);
        }
        assert_eq!(
            places(Platform::Windows, &[("APPDATA", "/r"), ("LOCALAPPDATA", "/l")]),
            [
                "/r/uv/uv.toml",
                "/r/pypoetry/config.toml",
                "/r/pypoetry/auth.toml",
                "/l/pdm/pdm/config.toml",
                "/l/hatch/config.toml",
            ]
        );
        let own = [
            ("UV_CONFIG_FILE", "/1.toml"),
            ("POETRY_CONFIG_DIR", "~/2"),
            ("PDM_CONFIG_FILE", "3.toml"),
            ("HATCH_CONFIG", "/4.toml"),
        ];
        let named = [
            "/1.toml",
            "/h/2/config.toml",
            "/h/2/auth.toml",
            "/h/3.toml",
            "/4.toml",
        ];
        assert_eq!(places(Platform::Unix, &own), named);
    }
}
