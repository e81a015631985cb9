//! One setting: an option of the command line with its values and where they come from.

use std::any::TypeId;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};

use crate::config::Environment;

/// Values of path options that are words and no paths: `-P .` is no file.
const WORDS: [(&str, &str); 1] = [("passwords", ".")];

/// A setting of `serve`.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    /// The option's identifier.
    pub(super) id: String,
    /// Its long name, the key in the settings file.
    pub(super) key: String,
    /// Its letter.
    pub(super) short: Option<char>,
    /// The group that it stands in.
    pub(super) heading: String,
    /// What its values are.
    pub(super) kind: Kind,
    /// The words that it is set to; none when it is not set. Paths are absolute.
    pub(super) values: Vec<OsString>,
    /// Who has set it.
    pub(super) origin: Origin,
    /// What its help says of it when it is not set.
    pub(super) if_unset: Option<String>,
    /// The option's own default.
    default: Vec<OsString>,
}

/// What the values of a setting are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `true` or `false`.
    Switch,
    /// How often a flag was given.
    Count,
    /// A number, in some options also a text that stands for one.
    Number,
    Text,
    Path,
    Texts,
    Paths,
}

/// Who has set a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands::serve) enum Origin {
    /// Nobody.
    Default,
    /// A line of the settings file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// The variable of this name.
    Variable(String),
    /// The command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File { path, line } => write!(formatter, "line {line} of `{}`", path.display()),
            Self::Variable(name) => write!(formatter, "the variable {name}"),
            Self::Flag => formatter.write_str("the command line"),
        }
    }
}

impl Kind {
    fn of(option: &Arg) -> Self {
        match option.get_action() {
            ArgAction::SetTrue | ArgAction::SetFalse => return Self::Switch,
            ArgAction::Count => return Self::Count,
            _ => {}
        }
        let value = option.get_value_parser().type_id();
        let is_path = value == TypeId::of::<PathBuf>();
        let is_list = matches!(option.get_action(), ArgAction::Append)
            || option.get_num_args().is_some_and(|range| range.max_values() > 1);
        let is_number = [
            TypeId::of::<u16>(),
            TypeId::of::<u32>(),
            TypeId::of::<u64>(),
            TypeId::of::<usize>(),
        ]
        .into_iter()
        .any(|number| value == number);
        match (is_list, is_path) {
            (true, true) => Self::Paths,
            (true, false) => Self::Texts,
            (false, true) => Self::Path,
            (false, false) if is_number => Self::Number,
            (false, false) => Self::Text,
        }
    }

    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::Texts | Self::Paths)
    }
}

impl Setting {
    /// What words and variables say about an option.
    pub(super) fn typed(option: &Arg, matches: &ArgMatches, environment: &Environment) -> Self {
        let id = option.get_id().as_str();
        let kind = Kind::of(option);
        let origin = match (matches.value_source(id), option.get_env()) {
            (Some(ValueSource::CommandLine), _) => Origin::Flag,
            (Some(ValueSource::EnvVariable), Some(name)) => {
                Origin::Variable(name.to_string_lossy().into_owned())
            }
            _ => Origin::Default,
        };
        let values = match kind {
            // A variable may say `1` or `yes` for `true`.
            Kind::Switch => matches
                .try_get_one::<bool>(id)
                .ok()
                .flatten()
                .map(|switch| switch.to_string().into())
                .into_iter()
                .collect(),
            _ => matches
                .try_get_raw(id)
                .ok()
                .flatten()
                .into_iter()
                .flatten()
                .map(|value| expand_path(id, kind, value.to_owned(), environment.working_dir(), environment))
                .collect(),
        };
        Self {
            id: id.to_owned(),
            key: option.get_long().unwrap_or(id).to_owned(),
            short: option.get_short(),
            heading: option.get_help_heading().unwrap_or("Folders").to_owned(),
            kind,
            values,
            origin,
            if_unset: option.get_help().and_then(|help| default_in(&help.to_string())),
            default: option
                .get_default_values()
                .iter()
                .map(|value| OsString::from(value.as_os_str()))
                .collect(),
        }
    }
}

/// What a help text says of the default that clap does not know.
fn default_in(help: &str) -> Option<String> {
    let (_, behind) = help.rsplit_once("[default: ")?;
    behind.split_once(']').map(|(default, _)| default.to_owned())
}

/// Makes a path absolute that starts from `folder`; a value of another kind stays as it is.
pub(super) fn expand_path(
    id: &str,
    kind: Kind,
    value: OsString,
    folder: &Path,
    environment: &Environment,
) -> OsString {
    let is_word = WORDS.iter().any(|(option, word)| *option == id && value == *word);
    if is_word || !matches!(kind, Kind::Path | Kind::Paths) {
        return value;
    }
    let path = Path::new(&value);
    if path.starts_with("~") {
        return environment.expand(path).into_os_string();
    }
    environment.expand(&folder.join(path)).into_os_string()
}

impl Setting {
    /// Gives it back its default.
    pub(super) fn unset(&mut self) {
        self.values.clone_from(&self.default);
        self.origin = Origin::Default;
    }

    /// The setting with a value that it may have, as a line of the settings file.
    pub(super) fn example(&self) -> Option<String> {
        let value = match self.kind {
            Kind::Switch => "true".to_owned(),
            Kind::Count => "1".to_owned(),
            _ => super::show::toml(self.kind, &self.default)?,
        };
        Some(format!("{} = {value}", self.key))
    }
}
