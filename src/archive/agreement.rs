//! Whether an archive's inside agrees with its file name.

use super::error::{Error, Rule};
use crate::packaging::metadata::CoreMetadata;
use crate::packaging::{ProjectName, Version};

/// Reads METADATA or PKG-INFO and holds its name and version against the file name's.
pub(super) fn check_metadata(
    path: &str,
    bytes: &[u8],
    project: &ProjectName,
    version: &Version,
) -> Result<CoreMetadata, Error> {
    let metadata = CoreMetadata::parse(bytes).map_err(|source| Error::Metadata {
        member: path.to_owned(),
        source,
    })?;
    let rule = if metadata.name() != project {
        Rule::NameMismatch {
            found: metadata.name().to_string(),
            expected: project.to_string(),
        }
    } else if metadata.version() != version {
        Rule::VersionMismatch {
            found: metadata.version().to_string(),
            expected: version.to_string(),
        }
    } else {
        return Ok(metadata);
    };
    Err(Error::member(path, rule))
}

/// Whether `stem` is `{name}-{version}` for this release, in any spelling of either.
pub(super) fn is_release_folder(stem: &str, project: &ProjectName, version: &Version) -> bool {
    stem.match_indices('-').any(|(dash, _)| {
        let (name, rest) = (&stem[..dash], &stem[dash + 1..]);
        let is_project = name.parse::<ProjectName>().is_ok_and(|name| name == *project);
        // In file names `_` stands for a dash.
        is_project
            && rest
                .replace('_', "-")
                .parse::<Version>()
                .is_ok_and(|found| found == *version)
    })
}

/// The paths that the metadata promise to be in the archive. Before version 2.4 tools wrote the header without a
/// meaning that all of them shared.
pub(super) fn license_files(metadata: &CoreMetadata) -> impl Iterator<Item = &str> {
    let promises = metadata.format_version() >= Some((2, 4));
    let paths = promises.then(|| metadata.all("License-File").map(str::trim));
    paths.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b6_b12_only_the_release_s_own_folder_agrees() {
        let project: ProjectName = "my-lib".parse().unwrap();
        let version: Version = "1.0.post1".parse().unwrap();
        for stem in [
            "my_lib-1.0.post1",
            "My.Lib-1.0-1",
            "my-lib-1.0.0_1",
            "my_lib-v1.post1",
        ] {
            assert!(is_release_folder(stem, &project, &version), "{stem}");
        }
        for stem in [
            "my_lib",
            "my_lib-1.0",
            "other-1.0.post1",
            "my_lib-1.0.post1-x",
            "my_lib_1.0.post1",
            "-1.0",
        ] {
            assert!(!is_release_folder(stem, &project, &version), "{stem}");
        }
    }
}
