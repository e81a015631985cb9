//! The address of an index, from which uploads and pip's pages follow.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use super::pip_conf::PipIndex;
use crate::packaging::public_index::PublicIndex;

/// The http or https address of an index: ends with a slash, holds no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexUrl(Url);

/// Why a text is no address of an index. The text itself is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IndexUrlError {
    /// Nothing at all.
    #[error("it is empty")]
    Empty,
    /// Not a URL at all.
    #[error("it is not a URL: {0}")]
    NotAUrl(url::ParseError),
    /// A file, a bare name, or another scheme.
    #[error("it does not begin with `http://` or `https://`")]
    NotHttp,
    /// `user:password@` in it; configuration files with addresses are often readable by others.
    #[error("it holds credentials, which others could read in pip's configuration")]
    Credentials,
    /// A `?` or `#` in it.
    #[error("it has a `?` or `#` in it")]
    Query,
}

impl FromStr for IndexUrl {
    type Err = IndexUrlError;

    /// The address of the index's Simple API (`.../simple/`) is taken for the index itself.
    fn from_str(text: &str) -> Result<Self, IndexUrlError> {
        let text = text.trim();
        let mut url = Url::parse(text).map_err(|error| match error {
            _ if text.is_empty() => IndexUrlError::Empty,
            url::ParseError::RelativeUrlWithoutBase => IndexUrlError::NotHttp,
            _ => IndexUrlError::NotAUrl(error),
        })?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(IndexUrlError::NotHttp);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(IndexUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(IndexUrlError::Query);
        }
        let path = url.path().trim_end_matches('/');
        let path = path.strip_suffix("/simple").unwrap_or(path).to_owned();
        url.set_path(&format!("{path}/"));
        Ok(Self(url))
    }
}

impl fmt::Display for IndexUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl IndexUrl {
    /// The address as text, with its final slash; uploads go there.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The index as pip is to know it. pip trusts https and this machine; any other host must be named.
    #[must_use]
    pub fn for_pip(&self, is_only: bool) -> PipIndex {
        PipIndex {
            url: format!("{}simple/", self.0),
            trusted_host: self.is_exposed().then(|| self.host_and_port()),
            is_only,
        }
    }

    /// The host alone, as `.netrc` has it.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// `host` or `host:port`, under which pip and uv look into the keyring.
    #[must_use]
    pub fn host_and_port(&self) -> String {
        let port = self.0.port().map(|port| format!(":{port}"));
        format!("{}{}", self.host(), port.unwrap_or_default())
    }

    /// The address as a URL.
    #[must_use]
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// Whether passwords and packages travel unprotected: plain http to another machine.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        self.0.scheme() == "http" && !self.is_loopback()
    }

    /// Whether uploads to a public index go there, from where nothing can be installed.
    #[must_use]
    pub fn is_public_upload(&self) -> bool {
        let takes_uploads_alone =
            self.0.path() == "/legacy/" || self.0.host_str().is_some_and(|host| host.starts_with("upload."));
        takes_uploads_alone && PublicIndex::at(&self.0).is_some()
    }

    /// Whether it is on this very machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_found_behind_what_people_paste() {
        for text in [
            "http://h:8080",
            "http://h:8080/",
            " http://H:8080/simple/ ",
            "http://h:8080/simple",
        ] {
            assert_eq!(text.parse::<IndexUrl>().unwrap().as_str(), "http://h:8080/");
        }
        let nested: IndexUrl = "https://h/team/simple/".parse().unwrap();
        assert_eq!(nested.as_str(), "https://h/team/");
        assert_eq!(nested.for_pip(false).url, "https://h/team/simple/");
    }

    #[test]
    fn what_is_no_index_is_refused_without_repeating_it() {
        use IndexUrlError::{Credentials, Empty, NotAUrl, NotHttp, Query};
        for (text, error) in [
            ("localhost", NotHttp),
            (" ", Empty),
            ("http://h:port/", NotAUrl(url::ParseError::InvalidPort)),
            ("http://", NotAUrl(url::ParseError::EmptyHost)),
            ("localhost:8080", NotHttp),
            ("ftp://h/", NotHttp),
            ("https://alice:hunter2@h/", Credentials),
            ("https://token@h/", Credentials),
            ("https://h/?token=x", Query),
            ("https://h/#x", Query),
        ] {
            assert_eq!(text.parse::<IndexUrl>(), Err(error), "{text}");
        }
    }

    #[test]
    fn upload_addresses_of_public_indexes_are_no_indexes_for_pip() {
        for (text, expected) in [
            ("https://upload.pypi.org/legacy/", true),
            ("https://upload.pypi.org/legacy", true),
            ("https://test.pypi.org/legacy/", true),
            ("https://test.pypi.org/simple/", false),
            ("https://index.example/legacy/", false),
        ] {
            let url: IndexUrl = text.parse().unwrap();
            assert_eq!(url.is_public_upload(), expected, "{text}");
        }
    }

    #[test]
    fn pip_is_told_to_trust_plain_http_of_other_machines_alone() {
        let trusted = |text: &str| text.parse::<IndexUrl>().unwrap().for_pip(false).trusted_host;
        for text in [
            "http://localhost:8080",
            "http://127.0.0.9",
            "http://[::1]:80",
            "https://index.example",
        ] {
            assert_eq!(trusted(text), None, "{text}");
        }
        assert_eq!(
            trusted("http://index.example:8080/").as_deref(),
            Some("index.example:8080")
        );
        assert_eq!(trusted("http://10.0.0.5/").as_deref(), Some("10.0.0.5"));
    }
}
