//! `--show-config`: all settings as a settings file, with where each comes from behind it.

use std::ffi::OsString;
use std::fmt::Write as _;

use super::Configuration;
use super::setting::{Kind, Origin, Setting};

/// What a value is shown as that holds a password.
const STARS: &str = "********";

impl Configuration {
    /// The settings as a settings file that gives the same ones again. Values that hold a secret are left out of it.
    pub(in crate::commands::serve) fn shown(&self) -> String {
        let mut text = String::from(
            "# All settings of `pkgctl serve`. Saved as pkgctl.toml in the folder .pkgctl of the first folder, or named\n\
             # with --config, this is what the server starts with.\n",
        );
        let mut heading = "";
        for setting in &self.settings {
            if setting.heading != heading {
                heading = &setting.heading;
                // Writing to a String can't fail.
                let _ = write!(text, "\n# {heading}\n");
            }
            let _ = writeln!(text, "{}", line(setting));
        }
        text
    }
}

fn line(setting: &Setting) -> String {
    let key = &setting.key;
    let origin = match &setting.origin {
        Origin::Default => "default".to_owned(),
        Origin::File { path, line } => format!("{}, line {line}", path.display()),
        Origin::Variable(name) => name.clone(),
        Origin::Flag if *key == super::ROOTS => "command line".to_owned(),
        Origin::Flag => format!("--{key}"),
    };
    // A path may hold a line end, and a comment must not.
    let origin = origin.escape_debug().to_string();
    if setting.values.is_empty() {
        let unset = setting.if_unset.as_deref().map(|default| format!(": {default}"));
        return format!("# {key} is not set{}", unset.unwrap_or_default());
    }
    if setting.values.iter().any(holds_secret) {
        return format!("# {key} = {STARS}  # holds a password; {origin}");
    }
    toml(setting.kind, &setting.values).map_or_else(
        || format!("# {key} can't be shown, it is not UTF-8  # {origin}"),
        |value| format!("{key} = {value}  # {origin}"),
    )
}

/// Whether it is an address with a password in it.
fn holds_secret(value: &OsString) -> bool {
    value
        .to_str()
        .and_then(|value| url::Url::parse(value).ok())
        .is_some_and(|url| url.password().is_some())
}

/// Values as TOML; `None` where they are no text.
pub(super) fn toml(kind: Kind, values: &[OsString]) -> Option<String> {
    let texts: Vec<&str> = values.iter().map(|value| value.to_str()).collect::<Option<_>>()?;
    if kind.is_list() {
        let quoted: Vec<String> = texts.into_iter().map(quoted).collect();
        return Some(format!("[{}]", quoted.join(", ")));
    }
    let text = *texts.first()?;
    let is_bare = match kind {
        Kind::Switch | Kind::Count => true,
        Kind::Number => text.parse::<u32>().is_ok_and(|number| number.to_string() == text),
        Kind::Text | Kind::Path | Kind::Texts | Kind::Paths => false,
    };
    Some(if is_bare { text.to_owned() } else { quoted(text) })
}

/// A basic string of TOML 1.0.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::settings_file::{SettingsFile, Value};

    proptest! {
        #[test]
        fn any_text_is_read_back_as_it_was(text in any::<String>()) {
            let shown = toml(Kind::Texts, &[text.clone().into()]).unwrap();
            let file = SettingsFile::parse("x".as_ref(), &format!("private = {shown}")).unwrap();
            prop_assert_eq!(&file.entries[0].value, &Value::List(vec![text]));
        }
    }

    #[test]
    fn numbers_are_bare_unless_they_are_written_otherwise() {
        let shown = |text: &str| toml(Kind::Number, &[text.into()]).unwrap();
        assert_eq!(shown("8080"), "8080");
        assert_eq!(shown("2G"), "\"2G\"");
        assert_eq!(shown("08080"), "\"08080\"");
    }

    #[test]
    fn an_address_with_a_password_is_no_sight_for_others() {
        assert!(holds_secret(&"https://alice:hunter2@x/".into()));
        assert!(!holds_secret(&"https://x/@y:z".into()));
    }
}
