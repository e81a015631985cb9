//! The public indexes: the two that every tool knows by name, and that nothing private must reach by accident.

use url::Url;

/// A public index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicIndex {
    /// What `-r` and `.pypirc` call it.
    pub name: &'static str,
    /// Where it takes uploads.
    pub upload_url: &'static str,
    /// The host of its Simple pages, which is not always that of its uploads.
    pub page_host: &'static str,
    /// Every host that belongs to it.
    hosts: &'static [&'static str],
}

/// The public indexes. A `.pypirc` without `index-servers` lists them in this order.
pub const PUBLIC_INDEXES: [PublicIndex; 2] = [
    PublicIndex {
        name: "pypi",
        upload_url: "https://upload.pypi.org/legacy/",
        page_host: "pypi.org",
        hosts: &["upload.pypi.org", "pypi.org", "pypi.python.org", "upload.pypi.io"],
    },
    PublicIndex {
        name: "testpypi",
        upload_url: "https://test.pypi.org/legacy/",
        page_host: "test.pypi.org",
        hosts: &["test.pypi.org", "testpypi.python.org"],
    },
];

impl PublicIndex {
    /// The public index of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        PUBLIC_INDEXES.into_iter().find(|index| index.name == name)
    }

    /// The public index that an address belongs to.
    #[must_use]
    pub fn at(url: &Url) -> Option<Self> {
        let host = url.host_str()?;
        PUBLIC_INDEXES
            .into_iter()
            .find(|index| index.hosts.contains(&host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_indexes_are_known_by_name_and_by_address() {
        let at = |url: &str| PublicIndex::at(&url.parse().unwrap()).map(|index| index.name);
        assert_eq!(at("https://upload.pypi.org/legacy/"), Some("pypi"));
        assert_eq!(at("http://PYPI.org/x"), Some("pypi"));
        assert_eq!(at("https://test.pypi.org/legacy"), Some("testpypi"));
        assert_eq!(at("https://pypi.org.example.com/"), None);
        assert_eq!(at("http://localhost:8080/"), None);
        assert_eq!(PublicIndex::named("internal"), None);
        for name in ["pypi", "testpypi"] {
            let index = PublicIndex::named(name).unwrap();
            assert_eq!(at(index.upload_url), Some(name));
        }
    }
}
