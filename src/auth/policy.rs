//! Which actions need a user: pypiserver's `-P` and `-a`, to the letter.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Something a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Reading pages.
    List,
    /// Reading files.
    Download,
    /// Uploading and removing.
    Update,
    /// Reading the server's figures. pypiserver has none.
    Metrics,
}

impl Action {
    const ALL: [Self; 4] = [Self::List, Self::Download, Self::Update, Self::Metrics];

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::List => "list",
            Self::Download => "download",
            Self::Update => "update",
            Self::Metrics => "metrics",
        })
    }
}

/// A set of actions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ActionSet(u8);

impl ActionSet {
    /// No action; written `.`.
    pub const NONE: Self = Self(0);

    /// Whether the action is in the set.
    #[must_use]
    pub fn contains(self, action: Action) -> bool {
        self.0 & action.bit() != 0
    }

    /// Whether there is no action in the set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Default for ActionSet {
    /// Uploading and removing alone.
    fn default() -> Self {
        Self(Action::Update.bit())
    }
}

impl FromIterator<Action> for ActionSet {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        Self(actions.into_iter().fold(0, |bits, action| bits | action.bit()))
    }
}

impl fmt::Display for ActionSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return formatter.write_str(".");
        }
        let mut separator = "";
        for action in Action::ALL.into_iter().filter(|action| self.contains(*action)) {
            write!(formatter, "{separator}{action}")?;
            separator = ",";
        }
        Ok(())
    }
}

impl fmt::Debug for ActionSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ActionSet({self})")
    }
}

impl FromStr for ActionSet {
    type Err = ActionSetError;

    /// Reads `list,download,update` in any order; case, spaces and repetition don't matter. `.` alone is no action.
    fn from_str(text: &str) -> Result<Self, ActionSetError> {
        let words: Vec<String> = text.split(',').map(|word| word.trim().to_lowercase()).collect();
        if words.iter().all(|word| word == ".") {
            return Ok(Self::NONE);
        }
        words
            .iter()
            .map(|word| match word.as_str() {
                "list" => Ok(Action::List),
                "download" => Ok(Action::Download),
                "update" => Ok(Action::Update),
                "metrics" => Ok(Action::Metrics),
                "" => Err(ActionSetError::Empty),
                "." => Err(ActionSetError::DotNotAlone),
                _ => Err(ActionSetError::Unknown(word.clone())),
            })
            .collect()
    }
}

/// Why a text is no set of actions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionSetError {
    /// Nothing, or nothing between two commas.
    #[error("an action is missing; there are list, download, update and metrics, or `.` for none")]
    Empty,
    /// `.` beside other actions.
    #[error("`.` means no action at all and must stand alone")]
    DotNotAlone,
    /// Some other word.
    #[error("there is no action `{0}`; there are list, download, update and metrics, or `.` for none")]
    Unknown(String),
}

/// Where passwords come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordSource {
    /// No file was named: nobody can log in.
    None,
    /// `-P .`: nobody needs to.
    Open,
    /// The file.
    File(PathBuf),
}

impl PasswordSource {
    /// The meaning of the value of `-P`.
    #[must_use]
    pub fn from_flag(value: Option<PathBuf>) -> Self {
        match value {
            None => Self::None,
            Some(path) if path.as_os_str() == "." => Self::Open,
            Some(path) => Self::File(path),
        }
    }
}

/// What an action asks of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Open,
    /// Credentials of a user.
    User,
    /// What nobody has: there is no password file. 401 without credentials, 403 with any.
    Impossible,
}

/// Who may do what: `-P` and `-a` taken together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    protected: ActionSet,
    has_users: bool,
}

impl Policy {
    /// Joins where passwords come from and which actions need them (uploads and removals, when not said).
    ///
    /// # Errors
    /// `-P .` and `-a .` are only allowed together, so that nobody opens an index by accident.
    pub fn new(passwords: &PasswordSource, protected: Option<ActionSet>) -> Result<Self, PolicyError> {
        let protected = protected.unwrap_or_default();
        match (passwords, protected.is_empty()) {
            (PasswordSource::Open, false) => Err(PolicyError::OpenButProtected { protected }),
            (PasswordSource::None | PasswordSource::File(_), true) => Err(PolicyError::ProtectedByNothing),
            (PasswordSource::Open, true) => Ok(Self {
                protected,
                has_users: false,
            }),
            (PasswordSource::None, false) => Ok(Self {
                protected,
                has_users: false,
            }),
            (PasswordSource::File(_), false) => Ok(Self {
                protected,
                has_users: true,
            }),
        }
    }

    /// What the action asks of the client.
    #[must_use]
    pub fn access(&self, action: Action) -> Access {
        match (self.protected.contains(action), self.has_users) {
            (false, _) => Access::Open,
            (true, true) => Access::User,
            (true, false) => Access::Impossible,
        }
    }

    /// Whether anybody may upload and remove without a password.
    #[must_use]
    pub fn is_wide_open(&self) -> bool {
        self.access(Action::Update) == Access::Open
    }
}

/// Why `-P` and `-a` contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// `-P .` beside protected actions.
    #[error("`-P .` lets everybody in, but `-a {protected}` asks for passwords")]
    OpenButProtected {
        /// The actions.
        protected: ActionSet,
    },
    /// `-a .` without `-P .`.
    #[error("`-a .` asks for no password at all, which needs `-P .` beside it")]
    ProtectedByNothing,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> ActionSet {
        text.parse().unwrap()
    }

    #[test]
    fn a_list_is_read_as_pypiserver_reads_it() {
        // Case, spaces and duplicates are ignored.
        for (text, shown) in [
            ("update", "update"),
            ("UPDATE", "update"),
            (" list , Download ", "list,download"),
            ("update,list,list", "list,update"),
            ("update,download,list", "list,download,update"),
            (".", "."),
            (" . ", "."),
        ] {
            assert_eq!(set(text).to_string(), shown, "{text:?}");
        }
        assert_eq!("".parse::<ActionSet>(), Err(ActionSetError::Empty));
        assert_eq!("list,".parse::<ActionSet>(), Err(ActionSetError::Empty));
        assert_eq!(".,list".parse::<ActionSet>(), Err(ActionSetError::DotNotAlone));
        assert_eq!(
            "list,upload".parse::<ActionSet>(),
            Err(ActionSetError::Unknown("upload".to_owned()))
        );
        assert_eq!(
            "list update".parse::<ActionSet>(),
            Err(ActionSetError::Unknown("list update".to_owned()))
        );
    }

    #[test]
    fn the_matrix_of_passwords_and_actions() {
        use Access::{Impossible, Open, User};
        let file = || PasswordSource::File("/x".into());
        let cases = [
            (PasswordSource::None, None, [Open, Open, Impossible, Open]),
            (
                PasswordSource::None,
                Some("list,download,update,metrics"),
                [Impossible; 4],
            ),
            (file(), None, [Open, Open, User, Open]),
            (file(), Some("list"), [User, Open, Open, Open]),
            (file(), Some("list,download,update"), [User, User, User, Open]),
            (file(), Some("update,metrics"), [Open, Open, User, User]),
            (PasswordSource::Open, Some("."), [Open; 4]),
        ];
        for (passwords, actions, expected) in cases {
            let policy = Policy::new(&passwords, actions.map(set)).unwrap();
            assert_eq!(
                Action::ALL.map(|action| policy.access(action)),
                expected,
                "{passwords:?} {actions:?}"
            );
        }
    }

    #[test]
    fn contradictions_are_errors() {
        let file = PasswordSource::File("/x".into());
        for (passwords, actions) in [(PasswordSource::Open, None), (PasswordSource::Open, Some("list"))] {
            let error = Policy::new(&passwords, actions.map(set)).unwrap_err();
            assert!(matches!(error, PolicyError::OpenButProtected { .. }));
        }
        for passwords in [PasswordSource::None, file] {
            assert_eq!(
                Policy::new(&passwords, Some(ActionSet::NONE)),
                Err(PolicyError::ProtectedByNothing)
            );
        }
    }

    #[test]
    fn a_dot_is_not_a_file() {
        assert_eq!(PasswordSource::from_flag(Some(".".into())), PasswordSource::Open);
        assert_eq!(
            PasswordSource::from_flag(Some("./x".into())),
            PasswordSource::File("./x".into())
        );
        assert_eq!(PasswordSource::from_flag(None), PasswordSource::None);
    }
}
