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

impl IndexSettings {
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
    fn nothing_of_it_can_be_read_from_a_debug_line() {
        let shown = format!("{:?}", settings());
        assert!(
            !shown.contains("secret") && shown.starts_with("IndexSettings("),
            "{shown}"
        );
        assert_ne!(shown, format!("{:?}", IndexSettings::default()));
    }
}
