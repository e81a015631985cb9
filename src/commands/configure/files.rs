//! The two files of `configure`: which they are, what is in them, and how they are written together.

use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::Arguments;
use crate::config::dotfile::{self, Dotfile};
use crate::config::ini::IniError;
use crate::config::pip_conf::{self, Platform};
use crate::config::{Environment, mask_secrets};
use crate::failure::Failure;
use crate::terminal::{data, note, warning};

/// Which two files are meant.
pub(super) struct Paths {
    pypirc: PathBuf,
    pip_conf: PathBuf,
    /// pip's older file, when the newer one was taken because it is there.
    hidden_pip_conf: Option<PathBuf>,
    /// The file is one that pip looks for by itself.
    is_pips_own: bool,
}

impl Paths {
    pub(super) fn choose(arguments: &Arguments, environment: &Environment) -> Result<Self, Failure> {
        let named = |flag: &Option<PathBuf>, variable| {
            let path = flag
                .as_deref()
                .or_else(|| environment.var_os(variable).map(Path::new));
            path.map(|path| environment.expand(path))
        };
        let homeless = |flag| {
            let failure = Failure::usage("can't tell where the files are: there is no home folder");
            failure.hint(format!("name them with {flag}"))
        };
        let pypirc = named(&arguments.pypirc, "PKGCTL_PYPIRC")
            .or_else(|| environment.home().map(|home| home.join(".pypirc")))
            .ok_or_else(|| homeless("--pypirc"))?;
        let paths = match named(&arguments.pip_conf, "PKGCTL_PIP_CONF") {
            Some(pip_conf) => Self {
                pypirc,
                pip_conf,
                hidden_pip_conf: None,
                is_pips_own: false,
            },
            None => {
                let file = pip_conf::user_file(environment, Platform::current(), Path::exists);
                let file = file.ok_or_else(|| homeless("--pip-conf"))?;
                Self {
                    pypirc,
                    pip_conf: file.path,
                    hidden_pip_conf: file.hides,
                    is_pips_own: true,
                }
            }
        };
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if real(&paths.pypirc) == real(&paths.pip_conf) {
            let failure = Failure::usage(format!(
                "`{}` can't be both .pypirc and pip.conf",
                paths.pypirc.display()
            ));
            return Err(failure.hint("name two files with --pypirc and --pip-conf"));
        }
        Ok(paths)
    }

    /// What keeps pip from reading the file, or the file from leaving others alone.
    pub(super) fn remarks(&self, environment: &Environment) {
        if !self.is_pips_own {
            return;
        }
        let chosen = self.pip_conf.display();
        if let Some(hidden) = &self.hidden_pip_conf {
            note(format_args!(
                "pip's newer file `{chosen}` exists and wins over `{}`",
                hidden.display()
            ));
            if std::fs::read_to_string(hidden).is_ok_and(|text| pip_conf::has_extra_indexes(&text)) {
                warning(format_args!(
                    "the extra indexes in `{}` are hidden by it",
                    hidden.display()
                ));
            }
        }
        if environment.var_os("PIP_CONFIG_FILE").is_some() {
            warning(format_args!(
                "PIP_CONFIG_FILE is set, so pip may not read `{chosen}`"
            ));
        }
        if environment.var_os("PIP_EXTRA_INDEX_URL").is_some() {
            warning("PIP_EXTRA_INDEX_URL is set and wins over pip's files");
        }
    }
}

/// The two files as they are, each locked.
pub(super) struct Files {
    pub(super) pypirc: Dotfile,
    pub(super) pypirc_text: String,
    pub(super) pip_conf: Dotfile,
    pub(super) pip_conf_text: String,
}

impl Files {
    pub(super) fn open(paths: &Paths) -> Result<Self, Failure> {
        let (pypirc, pip_conf) = (Dotfile::open(&paths.pypirc)?, Dotfile::open(&paths.pip_conf)?);
        let (pypirc_text, pip_conf_text) = (text_of(&pypirc)?, text_of(&pip_conf)?);
        Ok(Self {
            pypirc,
            pypirc_text,
            pip_conf,
            pip_conf_text,
        })
    }
}

fn text_of(file: &Dotfile) -> Result<String, Failure> {
    let text = std::str::from_utf8(file.content()).map_err(|error| {
        let line = file.content()[..error.valid_up_to()]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count()
            + 1;
        Failure::new(format!("line {line} of `{}` is not UTF-8", file.path().display()))
            .hint("save the file as UTF-8; nothing was changed")
    })?;
    Ok(text.to_owned())
}

pub(super) fn broken(file: &Dotfile) -> impl Fn(IniError) -> Failure {
    let path = file.path().display().to_string();
    move |error| {
        Failure::new(format!("can't edit `{path}`"))
            .caused_by(&error)
            .hint("mend or remove that line and run the command again; nothing was changed")
    }
}

/// The new contents of the two files.
pub(super) struct Written {
    pub(super) pypirc: String,
    pub(super) pip_conf: String,
}

/// Shows what would change, with stars for secrets.
pub(super) fn show(files: &Files, written: &Written) -> Result<(), Failure> {
    let pairs = [
        (&files.pypirc, &files.pypirc_text, &written.pypirc),
        (&files.pip_conf, &files.pip_conf_text, &written.pip_conf),
    ];
    let mut shown = String::new();
    for (file, before, after) in pairs {
        let path = file.path().display().to_string();
        let (old, new) = (mask_secrets(before, None), mask_secrets(after, Some(before)));
        let old_path = if file.exists() { path.as_str() } else { "/dev/null" };
        let diff = TextDiff::from_lines(&old, &new);
        shown.push_str(&diff.unified_diff().header(old_path, &path).to_string());
    }
    if shown.is_empty() {
        note("nothing would change");
    }
    data(&shown).map_err(|error| {
        let failure = Failure::new("can't write the difference to stdout").caused_by(&error);
        failure.hint("check what stdout leads to")
    })
}

/// Writes both files, or none.
pub(super) fn write(files: Files, written: &Written) -> Result<(), Failure> {
    let pairs = [
        (files.pypirc, &written.pypirc),
        (files.pip_conf, &written.pip_conf),
    ];
    let (mut staged, mut emptied, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for (file, content) in pairs {
        let path = file.path().display().to_string();
        if file.content() == content.as_bytes() {
            told.push(format!("`{path}` is as it should be"));
        } else if content.is_empty() {
            told.push(format!("removed `{path}`, in which nothing was left"));
            emptied.push(file);
        } else {
            told.push(format!("wrote `{path}`"));
            staged.push(file.stage(content.as_bytes())?);
        }
    }
    dotfile::commit_all(staged)?;
    for file in emptied {
        file.remove()?;
    }
    told.iter().for_each(note);
    Ok(())
}
