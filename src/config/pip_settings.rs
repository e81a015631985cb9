//! What pip's variables and files say about indexes, taken together as pip takes them.
//!
//! Files are read one after the other, and a later one's value replaces an earlier one's, lists as a whole. A command's
//! own section (`[install]`) counts for more than `[global]`, whichever file it is in; `PIP_*` variables count for
//! more than both. The file of an active environment is left out: it is not the environment that packages go to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Environment;
use super::ini::{IniDocument, words};
use super::pip_conf::{Platform, user_files};
use super::shadows::{global_files, is_on, null_device};

/// The sections that count for `pip install`, the weaker one first.
const SECTIONS: [&str; 2] = ["global", "install"];

/// The values that count.
#[derive(Debug, Default)]
pub struct PipSettings {
    values: BTreeMap<String, String>,
    /// The texts of all files that were read.
    pub texts: Vec<String>,
}

impl PipSettings {
    /// Reads them. A file that can't be read, or that pip could not read, says nothing: pip itself will tell.
    #[must_use]
    pub fn read(environment: &Environment) -> Self {
        Self::with(environment, Platform::current(), |path| {
            fs::read_to_string(path).ok()
        })
    }

    fn with(environment: &Environment, platform: Platform, read: impl Fn(&Path) -> Option<String>) -> Self {
        let mut settings = Self::default();
        let mut documents = Vec::new();
        for path in files(environment, platform, |path| read(path).is_some()) {
            let Some(text) = read(&path) else { continue };
            documents.extend(IniDocument::parse(text.as_str()));
            settings.texts.push(text);
        }
        for section in SECTIONS {
            for document in &documents {
                for key in document.keys(section) {
                    let value = document.own_value(section, key).unwrap_or_default();
                    settings.set(key, value);
                }
            }
        }
        for (name, value) in environment.variables() {
            if let (Some(name), Some(value)) = (name.to_str(), value.to_str())
                && let Some(key) = name.strip_prefix("PIP_")
            {
                settings.set(key, value);
            }
        }
        if is_on(environment, "PIP_NO_INDEX") {
            settings.set("no-index", "1");
        }
        settings
    }

    fn set(&mut self, key: &str, value: &str) {
        if !value.trim().is_empty() {
            let key = key.to_lowercase().replace('_', "-");
            self.values.insert(key, value.trim().to_owned());
        }
    }

    /// A value by its key in pip's spelling, such as `index-url`.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// The items of a list, such as `extra-index-url`.
    #[must_use]
    pub fn list(&self, key: &str) -> Vec<String> {
        let items = words(self.value(key).unwrap_or_default());
        items.map(str::to_owned).collect()
    }

    /// Whether a switch such as `no-index` is on.
    #[must_use]
    pub fn is_on(&self, key: &str) -> bool {
        let value = self.value(key).map(str::to_lowercase);
        value.is_some_and(|value| matches!(value.as_str(), "1" | "true" | "yes" | "on" | "t" | "y"))
    }
}

/// pip's files in the order in which it reads them.
fn files(environment: &Environment, platform: Platform, exists: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let named = environment.var_os("PIP_CONFIG_FILE").map(Path::new);
    if named.is_some_and(|path| path == null_device(platform)) {
        return Vec::new();
    }
    let named = named
        .map(|path| environment.expand(path))
        .filter(|path| exists(path));
    let mut files = global_files(environment, platform);
    if named.is_none()
        && let Some(users) = user_files(environment, platform, &exists)
    {
        files.extend(users.others);
        files.push(users.path);
    }
    files.extend(named);
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)], files: &[(&str, &str)]) -> PipSettings {
        let environment = Environment::for_testing(Path::new("/home/alice"), variables);
        PipSettings::with(&environment, Platform::Unix, |path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| (*text).to_owned())
        })
    }

    const GLOBAL: (&str, &str) = (
        "/etc/pip.conf",
        "[global]\nindex-url = http://global/\nextra-index-url = http://x/\n",
    );
    const OLD_USER: (&str, &str) = ("/home/alice/.pip/pip.conf", "[global]\nindex_url = http://old/\n");
    const USER: (&str, &str) = (
        "/home/alice/.config/pip/pip.conf",
        "[global]\nextra-index-url =\n  http://a/\n  http://b/\ntrusted-host = a\n[install]\nno-index = off\n",
    );

    #[test]
    fn later_files_win_key_by_key_and_lists_are_replaced() {
        let found = settings(&[], &[USER, GLOBAL, OLD_USER]);
        assert_eq!(found.value("index-url"), Some("http://old/"));
        assert_eq!(found.list("extra-index-url"), ["http://a/", "http://b/"]);
        assert_eq!(found.list("trusted-host"), ["a"]);
        assert!(!found.is_on("no-index"));
        assert_eq!(found.texts.len(), 3);
    }

    #[test]
    fn the_commands_own_section_wins_over_every_file() {
        let own = (
            "/etc/xdg/pip/pip.conf",
            "[install]\nindex-url = http://own/\n[download]\nindex-url = http://no/\n",
        );
        assert_eq!(
            settings(&[], &[own, GLOBAL, USER]).value("index-url"),
            Some("http://own/")
        );
    }

    #[test]
    fn variables_win_and_empty_ones_do_not_count() {
        let variables = [
            ("PIP_INDEX_URL", "http://v/"),
            ("PIP_EXTRA_INDEX_URL", ""),
            ("PIP_NO_INDEX", "true"),
        ];
        let found = settings(&variables, &[GLOBAL]);
        assert_eq!(found.value("index-url"), Some("http://v/"));
        assert_eq!(found.list("extra-index-url"), ["http://x/"]);
        assert!(found.is_on("no-index"));
    }

    #[test]
    fn a_named_file_stands_for_the_users_and_the_null_device_for_none() {
        let named = ("/own.conf", "[global]\ntrusted-host = own\n");
        let files = [GLOBAL, USER, named];
        let found = settings(&[("PIP_CONFIG_FILE", "/own.conf")], &files);
        assert_eq!(found.list("trusted-host"), ["own"]);
        assert_eq!(found.list("extra-index-url"), ["http://x/"]);
        assert_eq!(
            settings(&[("PIP_CONFIG_FILE", "/missing")], &files).list("trusted-host"),
            ["a"]
        );
        let none = settings(&[("PIP_CONFIG_FILE", "/dev/null")], &files);
        assert!(none.texts.is_empty() && none.value("index-url").is_none());
    }

    #[test]
    fn a_file_that_pip_could_not_read_says_nothing() {
        let broken = ("/etc/pip.conf", "index-url = http://no-section/\n");
        assert_eq!(settings(&[], &[broken, USER]).value("index-url"), None);
    }
}
