//! Taking the settings file in: which file, which key is which option, and what is wrong with a value.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command};

use super::setting::{Kind, Origin, Setting, expand_path};
use super::{Configuration, serve};
use crate::config::Environment;
use crate::config::settings_file::{Entry, FILE_NAME, SettingsFile, SettingsFileError, Value};
use crate::failure::Failure;

/// Keys that people try for the folders.
const ROOTS_TRIED: [&str; 6] = [
    "directories",
    "directory",
    "folder",
    "folders",
    "packages",
    "root",
];

/// Why a value in the settings file can't be used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("it is switched on by `true` and off by `false`")]
    NotASwitch,
    #[error("it is a whole number from 0 to 255")]
    NotACount,
    #[error("it takes one value, not a list")]
    NotAList,
    #[error("`{value}` is none of {known}")]
    NotOneOf { value: String, known: String },
    #[error("{0}")]
    Rejected(String),
}

/// The first of the files that need no naming.
pub(super) fn first_of(
    first_root: Option<&Path>,
    config_dir: Option<&Path>,
) -> Result<Option<SettingsFile>, Failure> {
    let of_the_folder = first_root.map(|root| root.join(".pkgctl").join(FILE_NAME));
    let of_the_user = config_dir.map(|folder| folder.join("pkgctl").join(FILE_NAME));
    for path in [of_the_folder, of_the_user].into_iter().flatten() {
        match SettingsFile::read(&path) {
            Ok(file) => return Ok(Some(file)),
            Err(SettingsFileError::Missing { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

impl Configuration {
    /// Takes the file's values for what neither words nor variables have set. The others are checked as well: a mistake
    /// should not wait for the day on which a flag is left out.
    pub(super) fn take_file(
        &mut self,
        file: &SettingsFile,
        environment: &Environment,
    ) -> Result<(), Failure> {
        let verb = serve();
        for entry in &file.entries {
            let Some(setting) = self.settings.iter_mut().find(|setting| setting.key == entry.key) else {
                return Err(self.unknown(file, entry, &verb));
            };
            let option = verb
                .get_arguments()
                .find(|option| option.get_id().as_str() == setting.id)
                .ok_or_else(|| Failure::usage(format!("there is no option `{}`", setting.id)))?;
            let values = values_of(entry, setting, option)
                .map_err(|unusable| refuse(file, entry, setting, &unusable))?;
            if setting.origin == Origin::Default {
                let folder = file.path.parent().unwrap_or(Path::new("/"));
                setting.values = values
                    .into_iter()
                    .map(|value| expand_path(&setting.id, setting.kind, value, folder, environment))
                    .collect();
                setting.origin = Origin::File {
                    path: file.path.clone(),
                    line: entry.line,
                };
            }
        }
        Ok(())
    }

    /// Drops what the file says beside something typed that excludes it: a flag beats the file in this, too.
    pub(super) fn drop_excluded(&mut self) {
        let mut verb = serve();
        verb.build();
        let typed: Vec<String> = self
            .settings
            .iter()
            .filter(|setting| matches!(setting.origin, Origin::Flag | Origin::Variable(_)))
            .map(|setting| setting.id.clone())
            .collect();
        for setting in &mut self.settings {
            let is_excluded = verb
                .get_arguments()
                .find(|option| option.get_id().as_str() == setting.id)
                .is_some_and(|option| {
                    let excluded_by = verb.get_arg_conflicts_with(option);
                    excluded_by
                        .iter()
                        .any(|other| typed.iter().any(|id| other.get_id().as_str() == id))
                });
            if is_excluded && matches!(setting.origin, Origin::File { .. }) {
                setting.unset();
            }
        }
    }

    fn unknown(&self, file: &SettingsFile, entry: &Entry, verb: &Command) -> Failure {
        let keys: Vec<&str> = self.settings.iter().map(|setting| setting.key.as_str()).collect();
        let hint = nearest(&entry.key, &keys, verb).map_or_else(
            || "`pkgctl serve --show-config` shows all settings; leave this one out".to_owned(),
            |key| format!("did you mean `{key}`?"),
        );
        Failure::usage(format!(
            "`{}` in line {} of the settings file `{}` is no setting of `pkgctl serve`",
            entry.key.escape_debug(),
            entry.line,
            file.path.display()
        ))
        .hint(hint)
    }
}

/// The key that was probably meant: an option's other name, or one that looks much like it.
fn nearest<'a>(tried: &str, keys: &[&'a str], verb: &Command) -> Option<&'a str> {
    let tried = tried.to_lowercase().replace('_', "-");
    let by_alias = verb
        .get_arguments()
        .find(|option| {
            option
                .get_all_aliases()
                .is_some_and(|all| all.contains(&tried.as_str()))
        })
        .and_then(Arg::get_long);
    let meant = if ROOTS_TRIED.contains(&tried.as_str()) {
        Some(super::ROOTS)
    } else {
        by_alias
    };
    match meant {
        Some(meant) => keys.iter().find(|key| **key == meant).copied(),
        None => similar::get_close_matches(tried.as_str(), keys, 1, 0.6)
            .first()
            .copied(),
    }
}

fn refuse(file: &SettingsFile, entry: &Entry, setting: &Setting, unusable: &Unusable) -> Failure {
    let example = setting
        .example()
        .map_or_else(String::new, |line| format!("write it like `{line}`, or "));
    let flag = if setting.key == super::ROOTS {
        "FOLDER".to_owned()
    } else {
        format!("--{}", setting.key)
    };
    Failure::usage(format!(
        "`{}` in line {} of the settings file `{}` can't be used",
        entry.key,
        entry.line,
        file.path.display()
    ))
    .caused_by(unusable)
    .hint(format!("{example}see `{flag}` in `pkgctl serve --help`"))
}

/// The entry's value in the form of words, each accepted by the option.
fn values_of(entry: &Entry, setting: &Setting, option: &Arg) -> Result<Vec<OsString>, Unusable> {
    let texts = match (setting.kind, &entry.value) {
        (Kind::Switch, Value::Switch(switch)) => return Ok(vec![switch.to_string().into()]),
        (Kind::Switch, _) => return Err(Unusable::NotASwitch),
        (Kind::Count, Value::Number(number @ 0..=255)) => return Ok(vec![number.to_string().into()]),
        (Kind::Count, _) => return Err(Unusable::NotACount),
        (kind, Value::List(texts)) if kind.is_list() => texts.clone(),
        (_, Value::List(_)) => return Err(Unusable::NotAList),
        (_, Value::Text(text)) => vec![text.clone()],
        (_, Value::Number(number)) => vec![number.to_string()],
        // `hash-algo = false` says what is meant.
        (_, Value::Switch(switch)) => vec![switch.to_string()],
    };
    for text in &texts {
        check(text, option)?;
    }
    Ok(texts.into_iter().map(Into::into).collect())
}

/// Asks the option's own parser, by way of a command that has nothing else.
fn check(text: &str, option: &Arg) -> Result<(), Unusable> {
    let alone = Arg::new("value")
        .long("value")
        .action(ArgAction::Set)
        .require_equals(true)
        .ignore_case(option.is_ignore_case_set())
        .value_parser(option.get_value_parser().clone());
    let outcome = Command::new("check")
        .no_binary_name(true)
        .arg(alone)
        .try_get_matches_from([format!("--value={text}")]);
    let Err(error) = outcome else { return Ok(()) };
    if let Some(ContextValue::Strings(known)) = error.get(ContextKind::ValidValue)
        && !known.is_empty()
    {
        return Err(Unusable::NotOneOf {
            value: text.to_owned(),
            known: known.join(", "),
        });
    }
    let cause =
        std::error::Error::source(&error).map_or_else(|| "there is no value".to_owned(), ToString::to_string);
    let names_it = cause.contains(text);
    Err(Unusable::Rejected(if names_it {
        cause
    } else {
        format!("`{text}`: {cause}")
    }))
}
