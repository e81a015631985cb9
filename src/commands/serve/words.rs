//! pypiserver's way to say things, translated before the words are parsed.
//!
//! - `pkgctl run` is `pkgctl serve`: what stood behind pypiserver's program, in a container above all, is told to this
//!   program as it is.
//! - The word `run` may stand in front of the folders, with options before and behind it. It is always pypiserver's
//!   word: at the root of a container there is a folder `/run`, and nobody means to serve that. `./run` is the folder.
//! - Long options may be cut short as far as pypiserver understands them, and no further: an abbreviation keeps its
//!   meaning whatever options are added here.
//! - `update`, and the `-U` and `-x` of older days, are no part of a server.

use std::ffi::OsString;
use std::path::Path;

use clap::{Arg, Command};

use crate::failure::Failure;

/// The long options of `pypi-server run` 2.4.2.
const LONG_OPTIONS: [&str; 24] = [
    "authenticate",
    "backend",
    "cache-control",
    "disable-fallback",
    "fallback-url",
    "hash-algo",
    "health-endpoint",
    "help",
    "host",
    "interface",
    "log-err-frmt",
    "log-file",
    "log-frmt",
    "log-req-frmt",
    "log-res-frmt",
    "log-stream",
    "overwrite",
    "passwords",
    "port",
    "server",
    "server-base-url",
    "verbose",
    "version",
    "welcome",
];

/// The words of a command line, the program's name first.
#[derive(Debug, Clone, Default)]
pub(in crate::commands) struct Words {
    /// The words as clap is to read them.
    pub(in crate::commands) words: Vec<OsString>,
    /// What is to be said about them once there is a log.
    pub(super) notices: Vec<String>,
}

impl Words {
    /// Translates the words when they are for `serve`; others stay as they are.
    ///
    /// # Errors
    /// They ask for what pypiserver does beside serving.
    pub(in crate::commands) fn translate(words: Vec<OsString>, program: &Command) -> Result<Self, Failure> {
        let mut words = Self {
            words,
            notices: Vec::new(),
        };
        if let Some(verb) = words.words.get_mut(1).filter(|word| *word == "run") {
            *verb = "serve".into();
        }
        if words.words.get(1).is_some_and(|word| word == "serve")
            && let Some(verb) = program.find_subcommand("serve")
        {
            words.translate_options(verb)?;
        }
        Ok(words)
    }

    /// Goes through the words up to the first that is no option nor an option's value.
    fn translate_options(&mut self, verb: &Command) -> Result<(), Failure> {
        let mut first_operand = None;
        let mut at = 2;
        while at < self.words.len() {
            let word = self.words[at].to_string_lossy().into_owned();
            if word == "--" {
                break;
            }
            if let Some(option) = word.strip_prefix("--") {
                let (name, value) = option
                    .split_once('=')
                    .map_or((option, None), |(name, value)| (name, Some(value)));
                let full = full_name(name, verb);
                // A value that is not UTF-8 is left to clap, which needs no abbreviations.
                if full != name && self.words[at].to_str().is_some() {
                    let value = value.map(|value| format!("={value}")).unwrap_or_default();
                    self.words[at] = format!("--{full}{value}").into();
                }
                let takes_next = value.is_none() && option_named(full, verb).is_some_and(takes_value);
                at += usize::from(takes_next);
            } else if word.len() > 1 && word.starts_with('-') {
                at += usize::from(read_cluster(&word[1..], verb)?);
            } else if first_operand.is_none() {
                first_operand = Some(at);
            }
            at += 1;
        }
        first_operand.map_or(Ok(()), |at| self.translate_command(at))
    }

    /// The words of a call that leaves everything to variables and the settings file.
    pub(super) fn none() -> Self {
        Self {
            words: ["pkgctl", "serve"].map(OsString::from).to_vec(),
            notices: Vec::new(),
        }
    }

    /// Leaves pypiserver's `run` out.
    fn translate_command(&mut self, at: usize) -> Result<(), Failure> {
        match self.words[at].to_str() {
            Some("update") => return Err(no_updates("update")),
            Some("run") => {}
            _ => return Ok(()),
        }
        if Path::new("run").is_dir() {
            self.notices.push(
                "`run` is taken for pypiserver's word, not for the folder of that name here; write ./run for the folder"
                    .to_owned(),
            );
        }
        self.words.remove(at);
        Ok(())
    }
}

/// Reads `-ov` or `-p8080`, and tells whether the next word is a value.
fn read_cluster(letters: &str, verb: &Command) -> Result<bool, Failure> {
    for (at, letter) in letters.char_indices() {
        let option = verb.get_arguments().find(|option| {
            option
                .get_short_and_visible_aliases()
                .is_some_and(|all| all.contains(&letter))
        });
        match option {
            Some(option) if takes_value(option) => return Ok(at + letter.len_utf8() == letters.len()),
            None if ['U', 'x'].contains(&letter) => return Err(no_updates(&format!("-{letter}"))),
            _ => {}
        }
    }
    Ok(false)
}

/// The option that pypiserver takes an abbreviation for; anything else is what it is.
fn full_name<'a>(name: &'a str, verb: &Command) -> &'a str {
    if name.is_empty() || option_named(name, verb).is_some() {
        return name;
    }
    let mut meant = LONG_OPTIONS.into_iter().filter(|option| option.starts_with(name));
    match (meant.next(), meant.next()) {
        (Some(option), None) => option,
        _ => name,
    }
}

fn option_named<'a>(name: &str, verb: &'a Command) -> Option<&'a Arg> {
    verb.get_arguments().find(|option| {
        option.get_long() == Some(name) || option.get_all_aliases().is_some_and(|all| all.contains(&name))
    })
}

fn takes_value(option: &Arg) -> bool {
    option.get_action().takes_values()
}

fn no_updates(word: &str) -> Failure {
    Failure::usage(format!(
        "`{word}` of pypiserver, which fetches newer versions, is no part of `pkgctl serve`"
    ))
    .hint("fetch what is wanted with `pip download --no-deps --dest FOLDER NAME`; the running server shows it at once")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::commands::command;

    fn translated(words: &[&str]) -> Option<Vec<String>> {
        let words = ["pkgctl", "serve"]
            .iter()
            .chain(words)
            .map(OsString::from)
            .collect();
        let words = Words::translate(words, &command()).ok()?.words;
        Some(
            words
                .into_iter()
                .skip(2)
                .map(|word| word.into_string().unwrap())
                .collect(),
        )
    }

    #[test]
    fn only_the_first_operand_is_a_command() {
        for (typed, expected) in [
            (&["run"][..], &[][..]),
            (&["-p", "1", "run", "run"], &["-p", "1", "run"]),
            (&["-p1", "run", "update"], &["-p1", "update"]),
            (&["--port=1", "run"], &["--port=1"]),
            (&["--port", "run", "x"], &["--port", "run", "x"]),
            (&["-oP", "run", "run"], &["-oP", "run"]),
            (&["-oPrun", "run"], &["-oPrun"]),
            (&["--", "run"], &["--", "run"]),
            (&["x", "run"], &["x", "run"]),
            (&["./run"], &["./run"]),
            (
                &["--auth=list", "--ho", "x"],
                &["--authenticate=list", "--host", "x"],
            ),
            (&["--log-f", "x"], &["--log-f", "x"]),
            (&["--"], &["--"]),
            (&["-"], &["-"]),
        ] {
            assert_eq!(
                translated(typed).as_deref(),
                Some(
                    expected
                        .iter()
                        .map(|&word| word.to_owned())
                        .collect::<Vec<_>>()
                        .as_slice()
                ),
                "{typed:?}"
            );
        }
        for refused in [&["update"][..], &["-U"], &["-vx"], &["-p", "1", "update"]] {
            assert_eq!(translated(refused), None, "{refused:?}");
        }
        assert!(translated(&["-P", "-U"]).is_some(), "a value is no option");
    }

    #[test]
    fn the_verb_run_is_serve() {
        let read = |words: &[&str]| {
            let words = words.iter().map(OsString::from).collect();
            Words::translate(words, &command()).unwrap().words
        };
        let options = ["-P", "x", "--auth", "list", "/data/packages"];
        let expected = [
            "pkgctl",
            "serve",
            "-P",
            "x",
            "--authenticate",
            "list",
            "/data/packages",
        ];
        assert_eq!(read(&[&["pkgctl", "run"], &options[..]].concat()), expected);
        assert_eq!(read(&["pkgctl", "run"]), ["pkgctl", "serve"]);
        assert_eq!(read(&["pkgctl", "build", "run"]), ["pkgctl", "build", "run"]);
    }

    #[test]
    fn words_of_other_verbs_are_left_alone() {
        let words: Vec<OsString> = ["pkgctl", "publish", "run", "--auth", "-U"]
            .map(Into::into)
            .to_vec();
        assert_eq!(Words::translate(words.clone(), &command()).unwrap().words, words);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn nothing_else_is_lost_or_made_up(words in prop::collection::vec(r"(-{0,2}[a-zA-Z=]{0,8}|run|--|\PC{0,3})", 0..6)) {
            let typed: Vec<&str> = words.iter().map(String::as_str).collect();
            if let Some(read) = translated(&typed) {
                prop_assert!(read.len() == typed.len() || read.len() + 1 == typed.len() && typed.contains(&"run"));
            }
        }
    }
}
