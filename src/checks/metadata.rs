//! What the headers of core metadata must and must not say, beyond what every reader relies on.

use std::collections::BTreeSet;

use pep440_rs::VersionSpecifier;
use pep508_rs::{Requirement, VerbatimUrl};

use super::headers::{METADATA_VERSIONS, known};
use super::license;
use super::problem::Problem;
use crate::packaging::ProjectName;
use crate::packaging::metadata::CoreMetadata;

/// All problems of the headers; the description's are found elsewhere.
pub(super) fn judge(metadata: &CoreMetadata) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !METADATA_VERSIONS.contains(&metadata.metadata_version()) {
        problems.push(Problem::MetadataVersion(shown(metadata.metadata_version())));
    }
    problems.extend(headers(metadata));
    problems.extend(values(metadata));
    problems.extend(licenses(metadata));
    problems
}

/// Unknown, repeated and anachronistic headers, each said once.
fn headers(metadata: &CoreMetadata) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for (name, _) in metadata.headers() {
        let is_first = seen.insert(name.to_ascii_lowercase());
        match known(name) {
            None if is_first => problems.push(Problem::HeaderUnknown(shown(name))),
            // Said once, at its second occurrence.
            Some(known) if !is_first && !known.repeats => {
                let is_said = problems
                    .iter()
                    .any(|problem| matches!(problem, Problem::HeaderRepeated(name) if *name == known.name));
                if !is_said {
                    problems.push(Problem::HeaderRepeated(known.name));
                }
            }
            // setuptools wrote this one for years before a version knew it; all uploaders let that pass.
            Some(known) if known.name == "License-File" => {}
            Some(known) if is_first && is_too_new(metadata, known.since) => {
                problems.push(Problem::HeaderTooNew {
                    header: known.name,
                    since: known.since,
                    stated: metadata.metadata_version().to_owned(),
                });
            }
            _ => {}
        }
    }
    if metadata.has_description_twice() {
        problems.push(Problem::DescriptionTwice);
    }
    problems
}

fn is_too_new(metadata: &CoreMetadata, since: &str) -> bool {
    let position = |version: &str| METADATA_VERSIONS.iter().position(|known| *known == version);
    matches!(
        (position(metadata.metadata_version()), position(since)),
        (Some(stated), Some(since)) if since > stated
    )
}

fn values(metadata: &CoreMetadata) -> Vec<Problem> {
    let mut problems = Vec::new();
    let is_folded = |text: &str| text.trim().contains(['\n', '\r']);
    if metadata.first("Summary").is_some_and(is_folded) {
        problems.push(Problem::SummaryLines);
    }
    for requirement in metadata.all("Requires-Dist") {
        if let Err(error) = requirement.parse::<Requirement<VerbatimUrl>>() {
            // Behind its first line the error draws the requirement with a mark below it.
            let reason = error.to_string();
            problems.push(Problem::Requirement {
                requirement: shown(requirement),
                reason: reason.lines().next().unwrap_or_default().to_owned(),
            });
        }
    }
    // A star is all that is let pass beside the standard, so it is all that can be wrong here.
    let is_strict = |part: &str| part.parse::<VersionSpecifier>().is_ok();
    let stated = metadata.requires_python().unwrap_or_default();
    let mut parts = stated.split(',').map(str::trim).filter(|part| !part.is_empty());
    if !parts.all(is_strict) {
        problems.push(Problem::RequiresPythonStar(shown(stated)));
    }
    for extra in metadata.all("Provides-Extra") {
        if extra.trim().parse::<ProjectName>().is_err() {
            problems.push(Problem::Extra(shown(extra)));
        }
    }
    for field in metadata.all("Dynamic") {
        let is_fixed = ["name", "version", "metadata-version"]
            .iter()
            .any(|fixed| field.trim().eq_ignore_ascii_case(fixed));
        if is_fixed || known(field.trim()).is_none() {
            problems.push(Problem::Dynamic(shown(field)));
        }
    }
    problems
}

fn licenses(metadata: &CoreMetadata) -> Vec<Problem> {
    let mut problems = Vec::new();
    let stated = |header: &str| metadata.first(header).filter(|value| !value.trim().is_empty());
    if let Some(expression) = stated("License-Expression") {
        if let Err(error) = license::check(expression) {
            problems.push(Problem::LicenseExpression {
                expression: shown(expression),
                reason: error.to_string(),
            });
        }
        if stated("License").is_some() {
            problems.push(Problem::LicenseTwice);
        }
        let classifier = metadata
            .all("Classifier")
            .find(|classifier| classifier.trim_start().starts_with("License ::"));
        problems.extend(classifier.map(|classifier| Problem::LicenseClassifier(shown(classifier))));
    }
    if metadata.format_version() >= Some((2, 4)) {
        let unfit = metadata.all("License-File").filter(|path| !is_license_path(path));
        problems.extend(unfit.map(|path| Problem::LicenseFilePath(shown(path))));
    }
    problems
}

fn is_license_path(path: &str) -> bool {
    let is_drive = matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    !path.is_empty()
        && !path.starts_with('/')
        && !path.contains(['\\', '*'])
        && !path.contains("..")
        && !is_drive
}

/// A value fit for a message: on one line, cut after 80 characters.
fn shown(value: &str) -> String {
    let mut shown: String = value
        .trim()
        .chars()
        .take(80)
        .flat_map(char::escape_debug)
        .collect();
    if value.trim().chars().nth(80).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(version: &str, headers: &str) -> Vec<&'static str> {
        let text = format!("Metadata-Version: {version}\nName: a\nVersion: 1\n{headers}\nbody\n");
        let metadata = CoreMetadata::parse(text.as_bytes()).unwrap();
        judge(&metadata).iter().map(Problem::code).collect()
    }

    #[test]
    fn each_rule_is_broken_by_what_breaks_it_alone() {
        for (version, headers, expected) in [
            ("2.0", "", "metadata-version"),
            ("2.7", "", "metadata-version"),
            ("2.3", "License-Expression: MIT\n", "header-too-new"),
            ("1.2", "Description-Content-Type: text/plain\n", "header-too-new"),
            ("2.4", "Import-Name: a\n", "header-too-new"),
            ("2.1", "Summary: a\nSummary: b\nsummary: c\n", "header-repeated"),
            ("2.1", "X-Mine: a\nx-mine: b\n", "header-unknown"),
            ("2.1", "Description: a\n", "description-twice"),
            ("2.1", "Summary: a\n  b\n", "summary-lines"),
            ("2.1", "Requires-Dist: a >=\n", "requirement"),
            ("2.1", "Requires-Python: >=3.6.*\n", "requires-python-star"),
            ("2.1", "Provides-Extra: -\n", "extra"),
            ("2.2", "Dynamic: version\n", "dynamic"),
            ("2.2", "Dynamic: colour\n", "dynamic"),
            ("2.4", "License: MIT\nLicense-Expression: MIT\n", "license-twice"),
            (
                "2.4",
                "License-Expression: MIT\nClassifier: License :: X\n",
                "license-classifier",
            ),
            ("2.4", "License-Expression: Apache 2.0\n", "license-expression"),
            ("2.4", "License-File: ../LICENSE\n", "license-file-path"),
            ("2.4", "License-File: a\\b\n", "license-file-path"),
            ("2.4", "License-File: C:/b\n", "license-file-path"),
        ] {
            assert_eq!(codes(version, headers), [expected], "{version}: {headers}");
        }
    }

    #[test]
    fn what_the_standard_allows_passes() {
        for (version, headers) in [
            ("1.0", "Summary: a\nKeywords: a b\n"),
            ("2.1", "License-File: LICEN[CS]E*\n"),
            ("2.1", "Requires-Python: >=2.7, !=3.0.*,<4,\n"),
            ("2.3", "License: MIT\nClassifier: License :: X\n"),
            (
                "2.4",
                "License-Expression: MIT\nLicense-File: a/LICENSE.txt\nLicense:\n",
            ),
            ("2.6", "Import-Name: a.b ; private\nDynamic: Requires-Dist\n"),
            (
                "2.1",
                "Requires-Dist: a @ https://example.org/a.whl\nRequires-Dist: b[c]~=1.0; python_version<'3.9'\n",
            ),
        ] {
            assert!(codes(version, headers).is_empty(), "{version}: {headers}");
        }
    }
}
