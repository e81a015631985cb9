//! The program's own settings file, `pkgctl.toml`: keys with their values and lines. What a key means, and whether its
//! value makes sense, is for the verb to say that reads it.

use std::io;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

/// Names of the file, below the folder of the server's state and below the user's configuration folder.
pub const FILE_NAME: &str = "pkgctl.toml";

/// A settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its keys, in the order of the file; each only once.
    pub entries: Vec<Entry>,
}

/// `key = value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key as it is written.
    pub key: String,
    /// What it is set to.
    pub value: Value,
    /// The line of the key, counted from 1.
    pub line: usize,
}

/// What a key is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// `true` or `false`.
    Switch(bool),
    /// Texts or numbers, which may be none.
    List(Vec<String>),
}

/// Why a settings file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsFileError {
    /// There is no such file.
    #[error("the settings file `{}` does not exist", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The system refused to read it, or it is no text.
    #[error("can't read the settings file `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It is no TOML.
    #[error("line {line} of the settings file `{}` is malformed", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: Syntax,
    },
    /// A kind of value that no setting has.
    #[error("`{key}` in line {line} of the settings file `{}` is {found}, which no setting is", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The key.
        key: String,
        /// What its value is, with its article.
        found: &'static str,
    },
}

/// What is wrong with a line, in the parser's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Syntax(String);

impl SettingsFile {
    /// Reads a file.
    ///
    /// # Errors
    /// It is missing, unreadable or malformed, or holds values of kinds that no setting has.
    pub fn read(path: &Path) -> Result<Self, SettingsFileError> {
        let text = std::fs::read_to_string(path).map_err(|source| {
            let path = path.to_owned();
            match source.kind() {
                // A file where a folder should be: whoever looks for the folder will say so.
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => SettingsFileError::Missing { path },
                _ => SettingsFileError::Unreadable { path, source },
            }
        })?;
        Self::parse(path, &text)
    }

    /// Reads the content of a file.
    ///
    /// # Errors
    /// It is malformed, or holds values of kinds that no setting has.
    pub fn parse(path: &Path, text: &str) -> Result<Self, SettingsFileError> {
        let table = DeTable::parse(text).map_err(|error| SettingsFileError::Malformed {
            path: path.to_owned(),
            line: line_at(text, error.span().map_or(0, |span| span.start)),
            source: Syntax(error.message().replace('\n', ", ")),
        })?;
        let mut entries = Vec::new();
        for (key, value) in table.get_ref() {
            let line = line_at(text, key.span().start);
            let value = Value::of(value.get_ref()).map_err(|found| SettingsFileError::Unfit {
                path: path.to_owned(),
                line,
                key: key.get_ref().clone().into_owned(),
                found,
            })?;
            entries.push(Entry {
                key: key.get_ref().clone().into_owned(),
                value,
                line,
            });
        }
        entries.sort_by_key(|entry| entry.line);
        Ok(Self {
            path: path.to_owned(),
            entries,
        })
    }

    /// The entry of a key.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl Value {
    /// The value, or what it is instead of one.
    fn of(value: &DeValue<'_>) -> Result<Self, &'static str> {
        match value {
            DeValue::String(text) => Ok(Self::Text(text.clone().into_owned())),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map(Self::Number)
                .map_err(|_| "a number beyond all bounds"),
            DeValue::Boolean(switch) => Ok(Self::Switch(*switch)),
            DeValue::Array(values) => values
                .iter()
                .map(|value| match Self::of(value.get_ref())? {
                    Self::Text(text) => Ok(text),
                    Self::Number(number) => Ok(number.to_string()),
                    Self::Switch(_) | Self::List(_) => Err("a list of something else than texts"),
                })
                .collect::<Result<_, _>>()
                .map(Self::List),
            DeValue::Float(_) => Err("a number with a fraction"),
            DeValue::Datetime(_) => Err("a date or a time"),
            DeValue::Table(_) => Err("a table"),
        }
    }
}

/// The line of a byte, counted from 1.
fn line_at(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    1 + before.iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_a_file_or_an_error_on_one_of_its_lines(text in r#"([a-z"'=\[\],.#\n\r 0-9-]|true|"""|\PC){0,40}"#) {
            let lines = 1 + text.matches('\n').count();
            match parse(&text) {
                Ok(file) => prop_assert!(file.entries.iter().all(|entry| (1..=lines).contains(&entry.line))),
                Err(SettingsFileError::Malformed { line, .. } | SettingsFileError::Unfit { line, .. }) => {
                    prop_assert!((1..=lines).contains(&line));
                }
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }

    fn parse(text: &str) -> Result<SettingsFile, SettingsFileError> {
        SettingsFile::parse(Path::new("/x/pkgctl.toml"), text)
    }

    #[test]
    fn values_keep_their_kinds_and_lines() {
        let file = parse(
            "# a comment\nport = 0x1F90\n\nprivate = [\n  'a-*',\n  1,\n]\noverwrite=true\n\"host\" = \"::\"",
        )
        .unwrap();
        let found: Vec<(&str, &Value, usize)> = file
            .entries
            .iter()
            .map(|entry| (entry.key.as_str(), &entry.value, entry.line))
            .collect();
        assert_eq!(
            found,
            [
                ("port", &Value::Number(8080), 2),
                ("private", &Value::List(vec!["a-*".to_owned(), "1".to_owned()]), 4),
                ("overwrite", &Value::Switch(true), 8),
                ("host", &Value::Text("::".to_owned()), 9),
            ]
        );
    }

    #[test]
    fn what_is_malformed_is_told_with_its_line() {
        for (text, line) in [
            ("port = ", 1),
            ("port = 1\nport = 2", 2),
            ("host = \"a\n", 1),
            ("\n\n=", 3),
            ("port 8080", 1),
        ] {
            match parse(text) {
                Err(SettingsFileError::Malformed {
                    line: found, source, ..
                }) => {
                    assert_eq!(found, line, "{text:?}");
                    assert!(!source.to_string().contains('\n'), "{source}");
                }
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn kinds_that_no_setting_has_are_refused() {
        for (text, what) in [
            ("port = 80.5", "fraction"),
            ("port = 99999999999999999999", "bounds"),
            ("port = 2026-01-01", "date"),
            ("[serve]\nport = 1", "table"),
            ("private = [true]", "list"),
            ("private = [['a']]", "list"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(
                error.contains(what) && error.contains("line 1"),
                "{text}: {error}"
            );
        }
    }
}
