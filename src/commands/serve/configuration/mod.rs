//! Every setting of `serve` and where it comes from: flag over variable over settings file over default.
//!
//! A setting is an option of the command line: its key is the option's long name, and the option's own parser decides
//! which values it takes, wherever they come from. So an option that is added to `arguments/` is a key of the settings
//! file, and a line of `--show-config`, without a word here. An option that needs another one must be checked where
//! settings are made of options, since clap knows only what was typed.

mod file;
mod setting;
mod show;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Command, FromArgMatches as _};

pub(super) use self::setting::Origin;
use self::setting::Setting;
use super::arguments::{Arguments, WITHOUT_EFFECT};
use super::words::Words;
use crate::commands::{command, usage};
use crate::config::{Environment, SettingsFile};
use crate::failure::Failure;

/// The key of the folders, which have no long name.
pub(super) const ROOTS: &str = "roots";
/// The variable of the folders, separated as in `PATH`, which clap can't split.
const ROOTS_VARIABLE: &str = "PKGCTL_ROOTS";

/// Options that say something about this call, not about the server.
const NO_SETTINGS: [&str; 4] = ["config", "show_config", "help", "version"];

/// All settings, each with where it comes from.
#[derive(Debug, Clone)]
pub(super) struct Configuration {
    settings: Vec<Setting>,
    /// The settings file, where there is one.
    pub(super) file: Option<PathBuf>,
    /// Whether the settings are to be shown instead of used.
    pub(super) is_to_be_shown: bool,
    /// What is to be said about the words of the call once there is a log.
    pub(super) notices: Vec<String>,
}

impl Configuration {
    /// Reads words, variables and the settings file.
    ///
    /// # Errors
    /// One of them makes no sense, or the settings file can't be read.
    pub(super) fn load(words: &Words, environment: &Environment) -> Result<Self, Failure> {
        let verb = serve();
        let matches = parse(words)?;
        let typed = Arguments::from_arg_matches(&matches)
            .map_err(|error| usage::failure(&error, &command(), &words.words))?;
        let mut settings: Vec<Setting> = verb
            .get_arguments()
            .filter(|option| is_setting(option.get_id().as_str()))
            .map(|option| Setting::typed(option, &matches, environment))
            .collect();
        for setting in settings.iter_mut().filter(|setting| setting.key == ROOTS) {
            take_roots_variable(setting, environment);
        }
        let mut configuration = Self {
            settings,
            file: None,
            is_to_be_shown: typed.configuration.show_config,
            notices: [words.notices.clone(), without_effect(&matches)].concat(),
        };
        let file = configuration.find_file(typed.configuration.config.as_deref(), environment)?;
        if let Some(file) = file {
            configuration.take_file(&file, environment)?;
            configuration.drop_excluded();
            configuration.file = Some(file.path);
        }
        Ok(configuration)
    }

    /// The settings in the form of the command line's arguments.
    ///
    /// # Errors
    /// None that is known: each value has been through its option's parser before.
    pub(super) fn arguments(&self) -> Result<Arguments, Failure> {
        let mut verb = serve().mut_args(|option| option.env(clap::builder::Resettable::Reset));
        // An empty list in the file is a value too: none, whatever the default.
        let is_set =
            |setting: &&Setting| !setting.values.is_empty() || matches!(setting.origin, Origin::File { .. });
        for setting in self.settings.iter().filter(is_set) {
            verb = verb.mut_arg(&setting.id, |option| {
                option.default_values(setting.values.clone())
            });
        }
        verb.try_get_matches_from(["serve"])
            .and_then(|matches| Arguments::from_arg_matches(&matches))
            .map_err(|error| usage::failure(&error, &command(), &[]))
    }

    /// These settings as far as a running server can take them on, the others as they are in `running`; and the keys
    /// of those that differ, first those that are taken on, then those that are not.
    pub(super) fn carried_into(
        &self,
        running: &Self,
        can_change: &[&str],
    ) -> (Self, Vec<String>, Vec<String>) {
        let mut effective = running.clone();
        effective.file.clone_from(&self.file);
        let (mut changed, mut kept) = (Vec::new(), Vec::new());
        for (new, old) in self.settings.iter().zip(&mut effective.settings) {
            if new.values == old.values {
                continue;
            }
            if can_change.contains(&new.key.as_str()) {
                changed.push(new.key.clone());
                old.clone_from(new);
            } else {
                kept.push(new.key.clone());
            }
        }
        (effective, changed, kept)
    }

    /// Tells where the values come from that a failure speaks of, unless they were typed.
    pub(super) fn blame(&self, failure: Failure) -> Failure {
        let told = failure.in_one_line();
        let spoken_of = |setting: &&Setting| {
            let short = setting.short.map(|letter| format!("`-{letter}"));
            let is_quoted = |value: &OsString| told.contains(&format!("`{}`", value.to_string_lossy()));
            told.contains(&format!("`--{}`", setting.key))
                || short.is_some_and(|short| told.contains(&short))
                || setting.values.iter().any(is_quoted)
        };
        self.settings
            .iter()
            .filter(|setting| matches!(setting.origin, Origin::File { .. } | Origin::Variable(_)))
            .filter(spoken_of)
            .fold(failure, |failure, setting| {
                failure.because(format!("`{}` is set by {}", setting.key, setting.origin))
            })
    }

    /// The settings file that counts: the named one, else the one of the first folder, else the user's.
    fn find_file(
        &self,
        named: Option<&Path>,
        environment: &Environment,
    ) -> Result<Option<SettingsFile>, Failure> {
        if let Some(named) = named {
            return Ok(Some(SettingsFile::read(&environment.expand(named))?));
        }
        let first_root = self
            .values(ROOTS)
            .first()
            .map(PathBuf::from)
            .or_else(|| default_root(environment));
        file::first_of(first_root.as_deref(), environment.config_dir())
    }

    fn values(&self, key: &str) -> &[OsString] {
        self.settings
            .iter()
            .find(|setting| setting.key == key)
            .map_or(&[], |setting| &setting.values)
    }
}

/// The verb's own command, variables and all.
fn serve() -> Command {
    // It is there: the program is built with it.
    command().find_subcommand("serve").cloned().unwrap_or_default()
}

fn parse(words: &Words) -> Result<ArgMatches, Failure> {
    command()
        .try_get_matches_from(&words.words)
        .map_err(|error| usage::failure(&error, &command(), &words.words))?
        .remove_subcommand()
        .map(|(_, matches)| matches)
        .ok_or_else(|| Failure::usage("there is no verb"))
}

fn is_setting(id: &str) -> bool {
    !NO_SETTINGS.contains(&id) && !WITHOUT_EFFECT.iter().any(|(ignored, _)| *ignored == id)
}

fn take_roots_variable(setting: &mut Setting, environment: &Environment) {
    let Some(list) = environment
        .var_os(ROOTS_VARIABLE)
        .filter(|_| setting.origin == Origin::Default)
    else {
        return;
    };
    setting.values = std::env::split_paths(list)
        .map(|folder| environment.expand(&folder).into_os_string())
        .collect();
    setting.origin = Origin::Variable(ROOTS_VARIABLE.to_owned());
}

/// One line for each option that was given from habit.
fn without_effect(matches: &ArgMatches) -> Vec<String> {
    let is_given = |id: &str| matches.try_get_raw(id).is_ok_and(|values| values.is_some());
    let mut lines: Vec<(String, &str)> = Vec::new();
    for (id, instead) in WITHOUT_EFFECT.into_iter().filter(|(id, _)| is_given(id)) {
        let flag = format!("--{}", id.replace('_', "-"));
        match lines.iter_mut().find(|(_, advice)| *advice == instead) {
            Some((flags, _)) => *flags = format!("{flags} and {flag}"),
            None => lines.push((flag, instead)),
        }
    }
    lines
        .into_iter()
        .map(|(flags, instead)| format!("{flags} ignored: {instead}"))
        .collect()
}

/// The folder that is served when none is named; it is made when it is absent.
pub(super) fn default_root(environment: &Environment) -> Option<PathBuf> {
    environment.home().map(|home| home.join("packages"))
}
