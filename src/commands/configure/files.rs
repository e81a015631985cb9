//! The files of `configure`: which they are, what is in them, and how they are written together.

use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::arguments::Arguments;
use crate::config::dotfile::{self, Dotfile};
use crate::config::netrc::{self, Netrc};
use crate::config::pip_conf::{self, Platform, Standing};
use crate::config::tools::{Tool, ToolFile};
use crate::config::{EditError, EditProblem, Environment, mask_secrets};
use crate::failure::Failure;
use crate::terminal::{data, note};

/// Which files are meant.
pub(super) struct Paths {
    pypirc: PathBuf,
    pip_conf: PathBuf,
    /// Further files of the user that pip reads, whose keys count where the chosen one doesn't have them.
    other_pip_confs: Vec<PathBuf>,
    /// The file is one that pip looks for by itself.
    pub(super) is_pips_own: bool,
    /// Files of further tools, and whether they are to be made where they are missing.
    tools: Vec<(ToolFile, PathBuf, bool)>,
    /// `.netrc`, if its login is to be written or taken out.
    netrc: Option<PathBuf>,
}

impl Paths {
    /// `takes_netrc` tells whether there is a login for `.netrc`.
    pub(super) fn choose(
        arguments: &Arguments,
        environment: &Environment,
        takes_netrc: bool,
    ) -> Result<Self, Failure> {
        let named = |flag: &Option<PathBuf>, variable| {
            let path = flag
                .as_deref()
                .or_else(|| environment.var_os(variable).map(Path::new));
            path.map(|path| environment.expand(path))
        };
        let pypirc = named(&arguments.files.pypirc, "PKGCTL_PYPIRC")
            .or_else(|| environment.home().map(|home| home.join(".pypirc")))
            .ok_or_else(|| homeless("--pypirc"))?;
        let named_pip_conf = named(&arguments.files.pip_conf, "PKGCTL_PIP_CONF");
        let is_pips_own = named_pip_conf.is_none();
        let (pip_conf, other_pip_confs) = match named_pip_conf {
            Some(pip_conf) => (pip_conf, Vec::new()),
            None => {
                let files = pip_conf::user_files(environment, Platform::current(), Path::exists);
                let mut files = files.ok_or_else(|| homeless("--pip-conf"))?;
                // One that is a link to the chosen one is the chosen one.
                files.others.retain(|path| real(path) != real(&files.path));
                (files.path, files.others)
            }
        };
        let netrc = netrc::user_file(environment);
        let paths = Self {
            pypirc,
            pip_conf,
            other_pip_confs,
            is_pips_own,
            tools: tools(arguments, environment),
            netrc: netrc.filter(|path| takes_netrc && (!arguments.doing.remove || path.exists())),
        };
        paths.refuse_clashes()?;
        Ok(paths)
    }

    /// The same file in two roles would be written twice, and only the second time would count.
    fn refuse_clashes(&self) -> Result<(), Failure> {
        let pypirc = real(&self.pypirc);
        let mut pips = std::iter::once(&self.pip_conf).chain(&self.other_pip_confs);
        if pips.any(|path| real(path) == pypirc) {
            let failure = Failure::usage(format!(
                "`{}` can't be both .pypirc and pip.conf",
                self.pypirc.display()
            ));
            return Err(failure.hint("name two files with --pypirc and --pip-conf"));
        }
        let mut taken = vec![pypirc, real(&self.pip_conf)];
        taken.extend(self.other_pip_confs.iter().map(|path| real(path)));
        let tools = self.tools.iter().map(|(_, path, _)| path);
        for path in tools.chain(&self.netrc) {
            if taken.contains(&real(path)) {
                let failure = Failure::usage(format!(
                    "`{}` can't be two settings files at once",
                    path.display()
                ));
                return Err(
                    failure.hint("look at the variables that name it, such as UV_CONFIG_FILE and NETRC")
                );
            }
            taken.push(real(path));
        }
        Ok(())
    }
}

fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn homeless(flag: &str) -> Failure {
    let failure = Failure::usage("can't tell where the files are: there is no home folder");
    failure.hint(format!("name them with {flag}"))
}

/// The files of each tool: to be made if the tool was asked for, else only looked into.
fn tools(arguments: &Arguments, environment: &Environment) -> Vec<(ToolFile, PathBuf, bool)> {
    let mut found = Vec::new();
    for tool in Tool::ALL {
        let paths = tool.files().iter().filter_map(|file| {
            let path = file.path(environment, Platform::current())?;
            Some((*file, path))
        });
        let paths: Vec<_> = paths.collect();
        let is_here =
            || environment.program(tool.program()).is_some() || paths.iter().any(|(_, path)| path.exists());
        let is_wanted = arguments.tools.names(tool) || arguments.tools.all && is_here();
        let files = paths.into_iter().map(|(file, path)| (file, path, is_wanted));
        found.extend(files);
    }
    found
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
    pub(super) fn parsed<T, E: Into<EditProblem>>(
        &self,
        step: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Failure> {
        step(&self.text).map_err(|error| {
            Failure::from(EditError {
                path: self.file.path().to_owned(),
                problem: error.into(),
            })
        })
    }
}

/// The files as they are, each locked.
pub(super) struct Files {
    pub(super) pypirc: TextFile,
    pub(super) pip_conf: TextFile,
    pub(super) other_pip_confs: Vec<TextFile>,
    pub(super) tools: Vec<(ToolFile, TextFile)>,
    pub(super) netrc: Option<TextFile>,
}

impl Files {
    /// Opens what is asked for, and the files of tools that know the repository of that name already.
    pub(super) fn open(paths: &Paths, name: &str) -> Result<Self, Failure> {
        let mut tools = Vec::new();
        for (kind, path, is_wanted) in &paths.tools {
            if *is_wanted {
                tools.push((*kind, TextFile::open(path)?));
            } else if let Ok(file) = TextFile::open(path)
                && kind.names(&file.text, name)
            {
                tools.push((*kind, file));
            }
        }
        Ok(Self {
            pypirc: TextFile::open(&paths.pypirc)?,
            pip_conf: TextFile::open(&paths.pip_conf)?,
            other_pip_confs: paths
                .other_pip_confs
                .iter()
                .map(|path| TextFile::open(path))
                .collect::<Result<_, _>>()?,
            tools,
            netrc: paths.netrc.as_deref().map(TextFile::open).transpose()?,
        })
    }

    /// pip's files, the one whose keys win first.
    pub(super) fn pip_confs(&self) -> impl Iterator<Item = &TextFile> {
        std::iter::once(&self.pip_conf).chain(&self.other_pip_confs)
    }

    /// The tools whose files are among these.
    pub(super) fn tools(&self) -> Vec<Tool> {
        let is_told = |tool: &Tool| self.tools.iter().any(|(kind, _)| tool.files().contains(kind));
        Tool::ALL.into_iter().filter(is_told).collect()
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

    /// The files with what becomes of them.
    fn with<'a>(&'a self, written: &'a Written) -> Vec<(&'a TextFile, &'a Content)> {
        let pips = self.pip_confs().zip(&written.pip_confs);
        let tools = self.tools.iter().map(|(_, file)| file).zip(&written.tools);
        let netrc = self.netrc.iter().zip(&written.netrc);
        std::iter::once((&self.pypirc, &written.pypirc))
            .chain(pips)
            .chain(tools)
            .chain(netrc)
            .collect()
    }

    /// The same, to be used up.
    fn into_edits(self, written: Written) -> Vec<(TextFile, Content)> {
        let pips = std::iter::once(self.pip_conf).chain(self.other_pip_confs);
        let tools = self.tools.into_iter().map(|(_, file)| file);
        std::iter::once((self.pypirc, written.pypirc))
            .chain(pips.zip(written.pip_confs))
            .chain(tools.zip(written.tools))
            .chain(self.netrc.into_iter().zip(written.netrc))
            .collect()
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

/// The new content of a file.
pub(super) struct Content {
    pub(super) text: String,
    /// A secret goes into the file, which is then for its owner alone.
    pub(super) holds_new_secret: bool,
    kind: Kind,
}

/// How secrets are found in a file.
#[derive(Clone, Copy)]
enum Kind {
    Settings,
    Netrc,
}

impl Content {
    pub(super) fn open(text: String) -> Self {
        Self::private(text, false)
    }

    pub(super) fn private(text: String, holds_new_secret: bool) -> Self {
        Self {
            text,
            holds_new_secret,
            kind: Kind::Settings,
        }
    }

    pub(super) fn netrc(text: String, holds_new_secret: bool) -> Self {
        Self {
            kind: Kind::Netrc,
            ..Self::private(text, holds_new_secret)
        }
    }

    fn masked(&self, text: &str, before: Option<&str>) -> String {
        match self.kind {
            Kind::Settings => mask_secrets(text, before),
            Kind::Netrc => Netrc::masked(text, before),
        }
    }
}

/// The new contents of the files, in the order of [`Files`].
pub(super) struct Written {
    pub(super) pypirc: Content,
    /// pip's files, the one whose keys win first; none when they are left alone.
    pub(super) pip_confs: Vec<Content>,
    pub(super) tools: Vec<Content>,
    pub(super) netrc: Option<Content>,
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
        let all = files.with(self);
        all.into_iter().any(|(file, after)| file.text != after.text)
    }
}

/// Shows what would change, with stars for secrets.
pub(super) fn show(files: &Files, written: &Written) -> Result<(), Failure> {
    let mut shown = String::new();
    let mut taken = Vec::new();
    for (TextFile { file, text: before }, after) in files.with(written) {
        let path = file.path().display().to_string();
        let (old, new) = (
            after.masked(before, None),
            after.masked(&after.text, Some(before)),
        );
        let old_path = if file.exists() { path.as_str() } else { "/dev/null" };
        let diff = TextDiff::from_lines(&old, &new);
        shown.push_str(&diff.unified_diff().header(old_path, &path).to_string());
        if after.holds_new_secret && file.is_open_to_others() {
            taken.push(path);
        }
    }
    if shown.is_empty() {
        note("nothing would change");
    }
    for path in taken {
        note(format_args!(
            "`{path}` would be taken from other users of this machine (mode 0600)"
        ));
    }
    data(&shown).map_err(|error| {
        let failure = Failure::new("can't write the difference to stdout").caused_by(&error);
        failure.hint("check what stdout leads to")
    })
}

/// Writes all files, or none.
pub(super) fn write(files: Files, written: Written, unchanged: Unchanged) -> Result<(), Failure> {
    let (mut staged, mut emptied, mut told, mut untouched) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (TextFile { file, .. }, content) in files.into_edits(written) {
        let path = file.path().display().to_string();
        let new = content.text.as_bytes();
        if content.holds_new_secret && file.is_open_to_others() {
            told.push(format!(
                "wrote `{path}`, which other users of this machine can't read any more (mode 0600)"
            ));
            staged.push(file.stage_private(new)?);
        } else if file.content() == new {
            // No word about a file that isn't there and isn't needed.
            untouched.extend(file.exists().then(|| format!("`{path}`")));
        } else if new.is_empty() {
            told.push(format!("removed `{path}`, in which nothing was left"));
            emptied.push(file);
        } else {
            told.push(format!("wrote `{path}`"));
            staged.push(file.stage(new)?);
        }
    }
    dotfile::commit_all(staged, emptied)?;
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
