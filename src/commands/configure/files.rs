//! The two files of `configure`: which they are, what is in them, and how they are written together.

use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::Arguments;
use crate::config::dotfile::{self, Dotfile};
use crate::config::ini::IniError;
use crate::config::pip_conf::{self, Platform, Standing};
use crate::config::{Environment, mask_secrets};
use crate::failure::Failure;
use crate::terminal::{data, note, warning};

/// Which two files are meant.
pub(super) struct Paths {
    pypirc: PathBuf,
    pip_conf: PathBuf,
    /// Further files of the user that pip reads, whose keys count where the chosen one doesn't have them.
    other_pip_confs: Vec<PathBuf>,
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
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
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
                other_pip_confs: Vec::new(),
                is_pips_own: false,
            },
            None => {
                let files = pip_conf::user_files(environment, Platform::current(), Path::exists);
                let mut files = files.ok_or_else(|| homeless("--pip-conf"))?;
                // One that is a link to the chosen one is the chosen one.
                files.others.retain(|path| real(path) != real(&files.path));
                Self {
                    pypirc,
                    pip_conf: files.path,
                    other_pip_confs: files.others,
                    is_pips_own: true,
                }
            }
        };
        let pips = std::iter::once(&paths.pip_conf).chain(&paths.other_pip_confs);
        if pips.into_iter().any(|path| real(path) == real(&paths.pypirc)) {
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

/// A file with its text, locked.
pub(super) struct TextFile {
    pub(super) file: Dotfile,
    pub(super) text: String,
}

impl TextFile {
    fn open(path: &Path) -> Result<Self, Failure> {
        let file = Dotfile::open(path)?;
        let text = text_of(&file)?;
        Ok(Self { file, text })
    }

    pub(super) fn shown(&self) -> std::path::Display<'_> {
        self.file.path().display()
    }

    /// What becomes of its text: read, or written anew.
    pub(super) fn parsed<T>(&self, step: impl FnOnce(&str) -> Result<T, IniError>) -> Result<T, Failure> {
        step(&self.text).map_err(|error| {
            Failure::new(format!("can't edit `{}`", self.shown()))
                .caused_by(&error)
                .hint("mend or remove that line and run the command again; nothing was changed")
        })
    }
}

/// The files as they are, each locked.
pub(super) struct Files {
    pub(super) pypirc: TextFile,
    pub(super) pip_conf: TextFile,
    pub(super) other_pip_confs: Vec<TextFile>,
}

impl Files {
    pub(super) fn open(paths: &Paths) -> Result<Self, Failure> {
        Ok(Self {
            pypirc: TextFile::open(&paths.pypirc)?,
            pip_conf: TextFile::open(&paths.pip_conf)?,
            other_pip_confs: paths
                .other_pip_confs
                .iter()
                .map(|path| TextFile::open(path))
                .collect::<Result<_, _>>()?,
        })
    }

    /// pip's files, the one whose keys win first.
    pub(super) fn pip_confs(&self) -> impl Iterator<Item = &TextFile> {
        std::iter::once(&self.pip_conf).chain(&self.other_pip_confs)
    }

    /// How pip is told of the first of these indexes that it knows; in pip's own order.
    pub(super) fn standing(&self, indexes: &[&str]) -> Option<Standing> {
        let found: Vec<Standing> = self
            .pip_confs()
            .flat_map(|file| {
                indexes
                    .iter()
                    .filter_map(|url| pip_conf::standing(&file.text, url))
            })
            .collect();
        if found.contains(&Standing::Only) {
            return Some(Standing::Only);
        }
        found.first().copied()
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

/// The new contents of the files, in the order of [`Files`].
pub(super) struct Written {
    pub(super) pypirc: String,
    /// pip's files, the one whose keys win first; none when they are left alone.
    pub(super) pip_confs: Vec<String>,
    /// A secret goes into `.pypirc`, which is then for its owner alone.
    pub(super) holds_new_secret: bool,
}

/// What is said of a file in which nothing changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unchanged {
    /// It is as it should be.
    Sound,
    /// The index was not in it.
    Unknown,
}

impl Written {
    pub(super) fn changes(&self, files: &Files) -> bool {
        let before = std::iter::once(&files.pypirc).chain(files.pip_confs());
        before
            .zip(self.contents())
            .any(|(file, after)| file.text != *after)
    }

    fn contents(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.pypirc).chain(&self.pip_confs)
    }
}

/// Shows what would change, with stars for secrets.
pub(super) fn show(files: &Files, written: &Written) -> Result<(), Failure> {
    let mut shown = String::new();
    let before = std::iter::once(&files.pypirc).chain(files.pip_confs());
    for (TextFile { file, text: before }, after) in before.zip(written.contents()) {
        let path = file.path().display().to_string();
        let (old, new) = (mask_secrets(before, None), mask_secrets(after, Some(before)));
        let old_path = if file.exists() { path.as_str() } else { "/dev/null" };
        let diff = TextDiff::from_lines(&old, &new);
        shown.push_str(&diff.unified_diff().header(old_path, &path).to_string());
    }
    if shown.is_empty() {
        note("nothing would change");
    }
    if written.holds_new_secret && files.pypirc.file.is_open_to_others() {
        note(format_args!(
            "`{}` would be taken from other users of this machine (mode 0600)",
            files.pypirc.shown()
        ));
    }
    data(&shown).map_err(|error| {
        let failure = Failure::new("can't write the difference to stdout").caused_by(&error);
        failure.hint("check what stdout leads to")
    })
}

/// Writes all files, or none.
pub(super) fn write(files: Files, written: &Written, unchanged: Unchanged) -> Result<(), Failure> {
    let all = [files.pypirc, files.pip_conf]
        .into_iter()
        .chain(files.other_pip_confs);
    let (mut staged, mut emptied, mut told, mut untouched) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut is_secret = written.holds_new_secret;
    for (TextFile { file, .. }, content) in all.zip(written.contents()) {
        let path = file.path().display().to_string();
        let takes_from_others = std::mem::take(&mut is_secret) && file.is_open_to_others();
        if takes_from_others {
            told.push(format!(
                "wrote `{path}`, which other users of this machine can't read any more (mode 0600)"
            ));
            staged.push(file.stage_private(content.as_bytes())?);
        } else if file.content() == content.as_bytes() {
            untouched.push(format!("`{path}`"));
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
    match unchanged {
        Unchanged::Sound => untouched
            .iter()
            .for_each(|path| note(format_args!("{path} is as it should be"))),
        Unchanged::Unknown if told.is_empty() => {}
        Unchanged::Unknown => untouched
            .iter()
            .for_each(|path| note(format_args!("nothing to remove from {path}"))),
    }
    Ok(())
}
