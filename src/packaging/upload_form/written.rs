//! The fields that `publish` writes.

use super::{Filetype, PROTOCOL_VERSION, digest_field};
use crate::packaging::digest::NamedDigest;
use crate::packaging::metadata::CoreMetadata;
use crate::packaging::{DistFilename, Version};

/// The headers of core metadata after the first three, and the fields that the public index reads them from.
const METADATA_FIELDS: [(&str, &str); 29] = [
    ("Dynamic", "dynamic"),
    ("Platform", "platform"),
    ("Supported-Platform", "supported_platform"),
    ("Summary", "summary"),
    ("Description-Content-Type", "description_content_type"),
    ("Keywords", "keywords"),
    ("Home-page", "home_page"),
    ("Download-URL", "download_url"),
    ("Author", "author"),
    ("Author-email", "author_email"),
    ("Maintainer", "maintainer"),
    ("Maintainer-email", "maintainer_email"),
    ("License", "license"),
    ("License-Expression", "license_expression"),
    ("License-File", "license_file"),
    ("Classifier", "classifiers"),
    ("Requires-Dist", "requires_dist"),
    ("Requires-Python", "requires_python"),
    ("Requires-External", "requires_external"),
    ("Project-URL", "project_urls"),
    ("Provides-Extra", "provides_extra"),
    // Some uploaders send these two in the plural, which no index reads.
    ("Import-Name", "import_name"),
    ("Import-Namespace", "import_namespace"),
    ("Provides-Dist", "provides_dist"),
    ("Obsoletes-Dist", "obsoletes_dist"),
    ("Requires", "requires"),
    ("Provides", "provides"),
    ("Obsoletes", "obsoletes"),
    ("Description", "description"),
];

/// All text fields for a distribution, in the order in which they are to be sent: what a server needs to refuse
/// early comes first, the long description last. The file itself follows as [`CONTENT_FIELD`](super::CONTENT_FIELD).
///
/// Empty headers are left out, except `requires_python`, which some indexes insist on.
#[must_use]
pub fn to_fields(
    filename: &DistFilename,
    metadata: &CoreMetadata,
    digests: &[NamedDigest],
    comment: Option<&str>,
) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        (":action", "file_upload".to_owned()),
        ("protocol_version", PROTOCOL_VERSION.to_owned()),
    ];
    for digest in digests {
        if let Some(field) = digest_field(digest.algorithm) {
            fields.push((field, digest.hex().to_owned()));
        }
    }
    let (filetype, pyversion) = match filename {
        DistFilename::Wheel(wheel) => (Filetype::Wheel, &*wheel.python),
        DistFilename::Sdist(_) | DistFilename::Legacy(_) => (Filetype::Sdist, "source"),
    };
    fields.push(("filetype", filetype.as_str().to_owned()));
    fields.push(("pyversion", pyversion.to_owned()));
    if let Some(comment) = comment.filter(|text| !text.is_empty()) {
        fields.push(("comment", comment.to_owned()));
    }
    fields.extend(metadata_fields(metadata));
    fields
}

fn metadata_fields(metadata: &CoreMetadata) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("metadata_version", metadata.metadata_version().to_owned()),
        ("name", metadata.name_as_written().to_owned()),
        ("version", metadata.version().to_string()),
    ];
    for (header, field) in METADATA_FIELDS {
        match field {
            // Either the body or, in old metadata, a header.
            "description" => fields.extend(non_empty(metadata.description()).map(|text| (field, text))),
            "requires_python" => {
                fields.push((field, metadata.requires_python().unwrap_or_default().to_owned()));
            }
            // setuptools wrote this header for years before a metadata version knew it; indexes refuse that.
            "license_file" if !knows_license_files(metadata) => {}
            _ => fields.extend(
                metadata
                    .all(header)
                    .filter_map(|value| Some((field, non_empty(Some(value))?))),
            ),
        }
    }
    fields
}

fn non_empty(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

fn knows_license_files(metadata: &CoreMetadata) -> bool {
    let declared = metadata.metadata_version().parse::<Version>();
    let first = "2.4".parse::<Version>();
    matches!((declared, first), (Ok(declared), Ok(first)) if declared >= first)
}
