//! The indexes that the user's pip knows, told to uv, which reads none of pip's settings.

use std::fmt;
use std::process::Command;

use super::variables::Variables;

/// Variables by which a user tells uv itself about indexes: then uv is not told anything else.
const OWN_INDEXES: [&str; 6] = [
    "UV_INDEX",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_NO_INDEX",
];

/// Where pip looks for packages, as its variables and files have it. Addresses may hold passwords.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct IndexSettings {
    /// The index in the place of the public one.
    pub index_url: Option<String>,
    /// More indexes.
    pub extra_index_urls: Vec<String>,
    /// `host` or `host:port` of those whose certificate does not matter, or that have none.
    pub trusted_hosts: Vec<String>,
    /// Folders and pages with links to files.
    pub find_links: Vec<String>,
    /// Whether no index is asked at all.
    pub no_index: bool,
    /// A file with the certificates to trust.
    pub certificates: Option<String>,
    /// Stands for all that pip's files say; where it differs, other packages may be meant.
    pub fingerprint: String,
}

/// For the digest of what an environment is made of, and for nobody to read.
impl fmt::Debug for IndexSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = format!(
            "{:?}",
            (
                &self.index_url,
                &self.extra_index_urls,
                &self.trusted_hosts,
                &self.find_links,
                self.no_index,
                &self.certificates,
                &self.fingerprint,
            )
        );
        write!(f, "IndexSettings({})", crate::packaging::Sha256::of(all))
    }
}

/// Where pip and uv look when nobody tells them.
const PUBLIC_INDEX: &str = "https://pypi.org/simple/";

impl IndexSettings {
    /// All addresses, some of them with passwords.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.index_url
            .iter()
            .chain(&self.extra_index_urls)
            .chain(&self.find_links)
            .map(String::as_str)
    }

    /// Which indexes an installer (`pip` or `uv`) asks, in a sentence, passwords included; `None` where it knows
    /// more about that than these settings do.
    #[must_use]
    pub fn asked_by(&self, installer: &str, variables: &Variables) -> Option<String> {
        let quoted = |addresses: &[&str]| -> String {
            let quoted: Vec<String> = addresses.iter().map(|address| format!("`{address}`")).collect();
            match quoted.split_last() {
                Some((last, [_, ..])) => format!("{} and {last}", quoted[..quoted.len() - 1].join(", ")),
                _ => quoted.concat(),
            }
        };
        if installer == "uv" && OWN_INDEXES.iter().any(|name| variables.get(name).is_some()) {
            let own = [
                "UV_INDEX",
                "UV_EXTRA_INDEX_URL",
                "UV_DEFAULT_INDEX",
                "UV_INDEX_URL",
            ];
            let own = own.iter().filter_map(|name| variables.get(name)?.to_str());
            let addresses: Vec<&str> = own
                .flat_map(str::split_whitespace)
                // One may have a name: `internal=https://...`.
                .map(|item| match item.split_once('=') {
                    Some((name, address)) if !name.contains(':') => address,
                    _ => item,
                })
                .collect();
            return (!addresses.is_empty()).then(|| quoted(&addresses));
        }
        let is_silent = self.index_url.is_none() && self.extra_index_urls.is_empty() && !self.no_index;
        if installer == "uv" && is_silent && self.find_links.is_empty() {
            return None;
        }
        let folders: Vec<&str> = self.find_links.iter().map(String::as_str).collect();
        if self.no_index {
            return Some(match folders[..] {
                [] => "no index at all, because of `no-index` in pip's settings".to_owned(),
                _ => format!(
                    "{} and, because of `no-index` in pip's settings, no index",
                    quoted(&folders)
                ),
            });
        }
        let mut addresses = vec![self.index_url.as_deref().unwrap_or(PUBLIC_INDEX)];
        addresses.extend(self.extra_index_urls.iter().map(String::as_str));
        addresses.extend(folders);
        Some(quoted(&addresses))
    }

    /// Tells them to uv, by variables: arguments can be read by everybody on the machine.
    pub(crate) fn apply_to_uv(&self, command: &mut Command, variables: &Variables) {
        if let Some(file) = &self.certificates
            && variables.get("SSL_CERT_FILE").is_none()
        {
            command.env("SSL_CERT_FILE", file);
        }
        if OWN_INDEXES.iter().any(|name| variables.get(name).is_some()) {
            return;
        }
        if self.no_index {
            command.arg("--no-index");
        }
        if let Some(url) = &self.index_url {
            command.env("UV_DEFAULT_INDEX", url);
        }
        let lists = [
            ("UV_INDEX", &self.extra_index_urls, " "),
            ("UV_INSECURE_HOST", &self.trusted_hosts, " "),
            ("UV_FIND_LINKS", &self.find_links, ","),
        ];
        for (name, list, separator) in lists {
            if !list.is_empty() && variables.get(name).is_none() {
                command.env(name, list.join(separator));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ffi::OsStr;

    use super::*;

    fn told(settings: &IndexSettings, own: &[(&str, &str)]) -> (BTreeMap<String, String>, Vec<String>) {
        let variables = Variables::without_credentials(
            own.iter()
                .map(|(name, value)| (OsStr::new(*name), OsStr::new(*value))),
        );
        let mut command = Command::new("uv");
        settings.apply_to_uv(&mut command, &variables);
        let text = |text: &OsStr| text.to_str().unwrap().to_owned();
        let told = command
            .get_envs()
            .map(|(name, value)| (text(name), text(value.unwrap())));
        (told.collect(), command.get_args().map(text).collect())
    }

    fn settings() -> IndexSettings {
        IndexSettings {
            index_url: Some("https://u:secret@host/simple/".to_owned()),
            extra_index_urls: vec!["http://a/simple/".to_owned(), "http://b/simple/".to_owned()],
            trusted_hosts: vec!["a".to_owned(), "b:8080".to_owned()],
            find_links: vec!["/wheels".to_owned()],
            no_index: false,
            certificates: Some("/ca.pem".to_owned()),
            fingerprint: String::new(),
        }
    }

    #[test]
    fn uv_is_told_by_variables_alone() {
        let (variables, arguments) = told(&settings(), &[]);
        let expected = [
            ("SSL_CERT_FILE", "/ca.pem"),
            ("UV_DEFAULT_INDEX", "https://u:secret@host/simple/"),
            ("UV_FIND_LINKS", "/wheels"),
            ("UV_INDEX", "http://a/simple/ http://b/simple/"),
            ("UV_INSECURE_HOST", "a b:8080"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(variables, BTreeMap::from(expected));
        assert_eq!(arguments, [""; 0]);
    }

    #[test]
    fn who_has_told_uv_about_indexes_is_not_contradicted() {
        let (variables, _) = told(&settings(), &[("UV_INDEX", "mine=http://c/simple/")]);
        assert_eq!(variables.into_keys().collect::<Vec<_>>(), ["SSL_CERT_FILE"]);
    }

    #[test]
    fn what_each_installer_asks_is_named() {
        let variables = |own: &[(&'static str, &'static str)]| {
            Variables::without_credentials(
                own.iter()
                    .map(|(name, value)| (OsStr::new(*name), OsStr::new(*value))),
            )
        };
        let given = settings();
        let all = "`https://u:secret@host/simple/`, `http://a/simple/`, `http://b/simple/` and `/wheels`";
        assert_eq!(given.asked_by("pip", &variables(&[])).as_deref(), Some(all));
        assert_eq!(given.asked_by("uv", &variables(&[])).as_deref(), Some(all));
        let own = variables(&[("UV_INDEX", "mine=http://c/simple/ http://d/?a=b")]);
        let told = given.asked_by("uv", &own);
        assert_eq!(told.as_deref(), Some("`http://c/simple/` and `http://d/?a=b`"));
        let none = IndexSettings::default();
        let told = none.asked_by("pip", &variables(&[]));
        assert_eq!(told.as_deref(), Some("`https://pypi.org/simple/`"));
        assert_eq!(none.asked_by("uv", &variables(&[])), None);
    }

    #[test]
    fn nothing_of_it_can_be_read_from_a_debug_line() {
        let shown = format!("{:?}", settings());
        assert!(
            !shown.contains("secret") && shown.starts_with("IndexSettings("),
            "{shown}"
        );
        assert_ne!(shown, format!("{:?}", IndexSettings::default()));
    }
}
