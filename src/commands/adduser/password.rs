//! Where the password comes from: stdin, the environment, chance, or a person.

use super::Arguments;
use crate::auth::{Secret, Username, generate};
use crate::config::Environment;
use crate::failure::Failure;
use crate::terminal::prompt::{self, Question};
use crate::terminal::warning;

/// The variable that holds a password.
const VARIABLE: &str = "PKGCTL_PASSWORD";

/// How to answer without a terminal.
const INSTEAD: &str = "use --password-stdin or set PKGCTL_PASSWORD";

/// Fewer characters than this are tried out in no time.
const SHORT_CHARACTERS: usize = 8;

/// Where the password comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    /// The first line of stdin.
    Stdin,
    /// [`VARIABLE`].
    Variable(&'a str),
    /// Made up here.
    Chance,
    /// Whoever sits at the terminal.
    Person,
}

impl<'a> Source<'a> {
    /// A flag wins over the variable, which wins over asking.
    pub(super) fn of(arguments: &Arguments, environment: &'a Environment) -> Self {
        if arguments.source.password_stdin {
            Self::Stdin
        } else if arguments.source.generate {
            Self::Chance
        } else {
            environment.var(VARIABLE).map_or(Self::Person, Self::Variable)
        }
    }

    /// A password that is to be set; a person is asked twice.
    ///
    /// # Errors
    /// There is none, or nobody to ask.
    pub(super) fn new_password(self, user: &Username) -> Result<Secret, Failure> {
        let password = match self {
            Self::Person => {
                let question = Question {
                    wanted: "the password",
                    prompt: &format!("New password for {user}"),
                    instead: "use --password-stdin or --generate, or set PKGCTL_PASSWORD",
                };
                Secret::new(prompt::prompt_new_secret(question)?.as_str())
            }
            other => other.read(user)?,
        };
        if password.is_empty() {
            return Err(Failure::usage(format!("the password of `{user}` is empty")).hint("choose one"));
        }
        warn_about_guessable(&password, user);
        Ok(password)
    }

    /// A password that is to be checked; a person is asked once.
    ///
    /// # Errors
    /// There is none, or nobody to ask.
    pub(super) fn read(self, user: &Username) -> Result<Secret, Failure> {
        match self {
            Self::Stdin => Ok(Secret::new(prompt::secret_from_stdin()?.as_str())),
            Self::Variable(text) => Ok(Secret::new(text)),
            Self::Chance => generate::password().map_err(|error| {
                Failure::new("can't make up a password")
                    .caused_by(&error)
                    .hint("try again")
            }),
            Self::Person => {
                let question = Question {
                    wanted: "the password",
                    prompt: &format!("Password of {user}"),
                    instead: INSTEAD,
                };
                Ok(Secret::new(prompt::prompt_secret(question)?.as_str()))
            }
        }
    }
}

/// A word, not a refusal: there may be reasons.
fn warn_about_guessable(password: &Secret, user: &Username) {
    let text = password.expose();
    if text.eq_ignore_ascii_case(user.as_str()) {
        warning("the password is the name of the user, which is what is tried first");
    } else if text.chars().count() < SHORT_CHARACTERS {
        warning(format_args!(
            "a password of fewer than {SHORT_CHARACTERS} characters is easily guessed; --generate makes one that is not"
        ));
    }
}
