//! The headers of core metadata.
//!
//! Standard: the core metadata specifications, versions 1.0 to 2.6.

/// The versions of the format that were ever published; 2.0 was withdrawn before it was.
pub(super) const METADATA_VERSIONS: [&str; 9] =
    ["1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6"];

/// A header that the standard knows.
pub(super) struct Known {
    pub(super) name: &'static str,
    /// The version of the format that brought it.
    pub(super) since: &'static str,
    pub(super) repeats: bool,
}

/// The header of that name, in any case.
pub(super) fn known(name: &str) -> Option<&'static Known> {
    HEADERS.iter().find(|known| known.name.eq_ignore_ascii_case(name))
}

const fn once(name: &'static str, since: &'static str) -> Known {
    Known {
        name,
        since,
        repeats: false,
    }
}

const fn many(name: &'static str, since: &'static str) -> Known {
    Known {
        name,
        since,
        repeats: true,
    }
}

const HEADERS: [Known; 32] = [
    once("Metadata-Version", "1.0"),
    once("Name", "1.0"),
    once("Version", "1.0"),
    many("Platform", "1.0"),
    once("Summary", "1.0"),
    once("Description", "1.0"),
    once("Keywords", "1.0"),
    once("Home-page", "1.0"),
    once("Author", "1.0"),
    once("Author-email", "1.0"),
    once("License", "1.0"),
    many("Supported-Platform", "1.1"),
    once("Download-URL", "1.1"),
    many("Classifier", "1.1"),
    many("Requires", "1.1"),
    many("Provides", "1.1"),
    many("Obsoletes", "1.1"),
    once("Maintainer", "1.2"),
    once("Maintainer-email", "1.2"),
    many("Requires-Dist", "1.2"),
    once("Requires-Python", "1.2"),
    many("Requires-External", "1.2"),
    many("Project-URL", "1.2"),
    many("Provides-Dist", "1.2"),
    many("Obsoletes-Dist", "1.2"),
    once("Description-Content-Type", "2.1"),
    many("Provides-Extra", "2.1"),
    many("Dynamic", "2.2"),
    once("License-Expression", "2.4"),
    many("License-File", "2.4"),
    many("Import-Name", "2.5"),
    many("Import-Namespace", "2.5"),
];
