//! Everything that can be wrong with a distribution, with how bad it is and what to do about it.

use thiserror::Error;

use crate::archive;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Indexes take the file; its users may regret it.
    Warning,
    /// The file must not be sent.
    Error,
}

/// One thing that is wrong with a distribution. `Display` is the cause; [`Problem::remedy`] says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the text of each problem says what it means")]
pub enum Problem {
    #[error(transparent)]
    Archive(archive::Error),
    #[error("{0}")]
    Oddity(archive::Warning),
    #[error("{0}")]
    LicenseFileMissing(archive::Warning),

    #[error("its metadata version is {0}, which no standard defines")]
    MetadataVersion(String),
    #[error(
        "its metadata hold {header}, which began with version {since}, but say that they are version {stated}"
    )]
    HeaderTooNew {
        header: &'static str,
        since: &'static str,
        stated: String,
    },
    #[error("its metadata hold more than one {0}")]
    HeaderRepeated(&'static str),
    #[error("its metadata hold the unknown header {0}")]
    HeaderUnknown(String),
    #[error("its metadata hold a Description header and a text below the headers")]
    DescriptionTwice,
    #[error("its Summary has more than one line")]
    SummaryLines,
    #[error("its Requires-Dist `{requirement}` is no valid requirement: {reason}")]
    Requirement { requirement: String, reason: String },
    #[error(
        "its Requires-Python `{0}` has a `.*` behind an order, which the standard knows behind `==` and `!=` alone"
    )]
    RequiresPythonStar(String),
    #[error("its Provides-Extra `{0}` is no valid name")]
    Extra(String),
    #[error("its metadata declare {0} as Dynamic, which can't be")]
    Dynamic(String),

    #[error("its metadata hold both License and License-Expression, which exclude each other")]
    LicenseTwice,
    #[error("its metadata hold the classifier `{0}` beside a License-Expression, which replaces it")]
    LicenseClassifier(String),
    #[error("its License-Expression `{expression}` is not valid: {reason}")]
    LicenseExpression { expression: String, reason: String },
    #[error("its License-File `{0}` is not a relative path with `/` between its parts")]
    LicenseFilePath(String),

    #[error("its Description-Content-Type `{value}` is not valid: {reason}")]
    ContentType { value: String, reason: &'static str },
    #[error(
        "it states no Description-Content-Type, so that indexes read its description as reStructuredText"
    )]
    ContentTypeMissing,
    #[error("it has no long description")]
    DescriptionMissing,
    #[error("its long description shows nothing")]
    DescriptionBlank,
    #[error("its description does not render as reStructuredText{}: {message}", at_line(*.line))]
    Markup {
        /// From 1, in the description.
        line: Option<usize>,
        message: String,
    },
    #[error("its description was not rendered: {0}")]
    NotRendered(String),

    #[error("a newer version of the project, {newest}, lies beside it")]
    Stale { newest: String },
}

fn at_line(line: Option<usize>) -> String {
    line.map(|line| format!(" at line {line}")).unwrap_or_default()
}

impl Problem {
    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Oddity(_)
            | Self::HeaderUnknown(_)
            // Build tools have written it for years, and installers read it.
            | Self::RequiresPythonStar(_)
            // The standard leaves it to tools whether they refuse this, and the public index takes it.
            | Self::LicenseClassifier(_)
            | Self::ContentTypeMissing
            | Self::DescriptionMissing
            | Self::NotRendered(_)
            | Self::Stale { .. } => Severity::Warning,
            Self::Archive(_)
            | Self::LicenseFileMissing(_)
            | Self::MetadataVersion(_)
            | Self::HeaderTooNew { .. }
            | Self::HeaderRepeated(_)
            | Self::DescriptionTwice
            | Self::SummaryLines
            | Self::Requirement { .. }
            | Self::Extra(_)
            | Self::Dynamic(_)
            | Self::LicenseTwice
            | Self::LicenseExpression { .. }
            | Self::LicenseFilePath(_)
            | Self::ContentType { .. }
            | Self::DescriptionBlank
            | Self::Markup { .. } => Severity::Error,
        }
    }

    /// Whether it is only that the description was not rendered, so that nobody knows.
    #[must_use]
    pub fn is_not_rendered(&self) -> bool {
        matches!(self, Self::NotRendered(_))
    }

    /// A word for programs, which stays as it is from version to version.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Archive(archive::Error::Read(_)) => "unreadable",
            Self::Archive(_) => "archive",
            Self::Oddity(_) => "archive-oddity",
            Self::LicenseFileMissing(_) => "license-file-missing",
            Self::MetadataVersion(_) => "metadata-version",
            Self::HeaderTooNew { .. } => "header-too-new",
            Self::HeaderRepeated(_) => "header-repeated",
            Self::HeaderUnknown(_) => "header-unknown",
            Self::DescriptionTwice => "description-twice",
            Self::SummaryLines => "summary-lines",
            Self::Requirement { .. } => "requirement",
            Self::RequiresPythonStar(_) => "requires-python-star",
            Self::Extra(_) => "extra",
            Self::Dynamic(_) => "dynamic",
            Self::LicenseTwice => "license-twice",
            Self::LicenseClassifier(_) => "license-classifier",
            Self::LicenseExpression { .. } => "license-expression",
            Self::LicenseFilePath(_) => "license-file-path",
            Self::ContentType { .. } => "content-type",
            Self::ContentTypeMissing => "content-type-missing",
            Self::DescriptionMissing => "description-missing",
            Self::DescriptionBlank => "description-blank",
            Self::Markup { .. } => "markup",
            Self::NotRendered(_) => "not-rendered",
            Self::Stale { .. } => "stale",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Archive(archive::Error::Read(_)) => "check that the file is there and who may read it",
            Self::Archive(_) => "build it again, as with `pkgctl build`",
            Self::Oddity(_) => "a newer build backend may write it without that",
            Self::LicenseFileMissing(_) => {
                "check `license-files` in pyproject.toml, and that the file is part of the build"
            }
            Self::MetadataVersion(_) => {
                "build it with a backend that writes one of 1.0 to 1.2 and 2.1 to 2.6"
            }
            Self::HeaderTooNew { .. } => "build it with a newer build backend, or leave that setting out",
            Self::HeaderRepeated(_) | Self::DescriptionTwice => {
                "keep one of them; the build backend wrote both"
            }
            Self::HeaderUnknown(_) => "leave it out: twine refuses such a file",
            Self::SummaryLines => "put `description` in pyproject.toml on one line",
            Self::Requirement { .. } => {
                "correct it in `dependencies` or `optional-dependencies` of pyproject.toml"
            }
            Self::RequiresPythonStar(_) => {
                "write `requires-python = \">=3.9\"` without the star: twine and the public index refuse such a file"
            }
            Self::Extra(_) => "use letters, digits and single dashes in the names of `optional-dependencies`",
            Self::Dynamic(_) => "name, version and unknown fields can't be dynamic",
            Self::LicenseTwice => {
                "leave the License out; `license = \"MIT\"` in pyproject.toml is the expression"
            }
            Self::LicenseClassifier(_) => "leave the `License ::` classifiers out",
            Self::LicenseExpression { .. } => {
                "write it as in `license = \"MIT OR Apache-2.0\"`; a license without a name in SPDX is a LicenseRef-"
            }
            Self::LicenseFilePath(_) => "name plain files in `license-files` of pyproject.toml",
            Self::ContentType { .. } => {
                "state text/markdown, text/x-rst or text/plain, as the build backend does for README.md, .rst and .txt"
            }
            Self::ContentTypeMissing => {
                "set `readme = \"README.md\"` in pyproject.toml, or `long_description_content_type` in setup.py"
            }
            Self::DescriptionMissing => "set `readme = \"README.md\"` in pyproject.toml",
            Self::DescriptionBlank => "write a README that is more than comments",
            Self::Markup { .. } => {
                "correct the README and build again; if it is Markdown, state text/markdown"
            }
            Self::NotRendered(_) => {
                "install readme_renderer or docutils into the Python on the PATH to have it rendered"
            }
            Self::Stale { .. } => "remove what is not to be published, or name the files one by one",
        }
    }
}
