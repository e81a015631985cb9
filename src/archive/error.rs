//! Why an archive was refused, or could not be read or unpacked.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::limits::{Limits, Verdict};
use crate::packaging::metadata::MetadataError;

/// Why an archive was not accepted.
#[derive(Debug, Error)]
pub enum Error {
    /// The file could not be read: a fault of disk or network, not of the archive.
    #[error("the archive can't be read")]
    Read(#[source] io::Error),
    /// A file could not be written while unpacking.
    #[error("`{}` can't be written", path.display())]
    Write {
        /// Where it should have gone.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The archive breaks a rule.
    #[error(transparent)]
    Refused(Finding),
    /// The archive's METADATA or PKG-INFO is not valid.
    #[error("the member `{member}` holds invalid core metadata")]
    Metadata {
        /// Its path in the archive.
        member: String,
        /// What is wrong with it.
        #[source]
        source: MetadataError,
    },
}

impl Error {
    /// Whether the archive itself is at fault, rather than the disk that it lies on.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Metadata { .. })
    }

    /// The rule that was broken, if the archive was refused for one of this room's.
    #[must_use]
    pub fn rule(&self) -> Option<&Rule> {
        match self {
            Self::Refused(finding) => Some(&finding.rule),
            _ => None,
        }
    }

    /// Refuses the archive as a whole.
    pub(super) fn archive(rule: Rule) -> Self {
        Self::Refused(Finding { member: None, rule })
    }

    /// Refuses one member; its path may be anything.
    pub(super) fn member(path: &str, rule: Rule) -> Self {
        Self::Refused(Finding::of_member(path, rule))
    }

    /// For readers that ran into the end of the file: that is the archive's fault, every other failure is not.
    pub(super) fn from_read(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Self::archive(Rule::Cut)
        } else {
            Self::Read(error)
        }
    }
}

/// A rule and the member that breaks it. `Display` is one plain sentence without a full stop.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Finding {
    /// Path of the member, escaped and cut when long; `None` when the archive as a whole is meant.
    pub member: Option<String>,
    /// The rule.
    pub rule: Rule,
}

impl Finding {
    fn of_member(path: &str, rule: Rule) -> Self {
        Self {
            member: Some(shown(path)),
            rule,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            Some(path) => write!(f, "the member `{path}` {}", self.rule),
            None => write!(f, "the archive {}", self.rule),
        }
    }
}

/// An oddity that was let pass; see [`Policy`](super::Policy).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What was found, and at which member first.
    pub finding: Finding,
    /// At how many members the same was found.
    pub occurrences: usize,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.finding.fmt(f)?;
        match self.occurrences {
            0 | 1 => Ok(()),
            more => write!(f, " (and {} more)", more - 1),
        }
    }
}

/// The rules an archive must keep. Each text is the end of a sentence that begins with its subject.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the text of each rule says what it means")]
pub enum Rule {
    // Any archive.
    #[error("is neither a wheel nor an sdist")]
    UnsupportedKind,
    #[error("ends too early: the file is cut short")]
    Cut,
    #[error("has more than {limit} members or folders")]
    TooManyMembers { limit: usize },
    #[error("unpacks to more than {ratio} times its own size")]
    Bomb { ratio: u64 },
    #[error("unpacks to more than {limit_bytes} bytes")]
    UnpacksTooLarge { limit_bytes: u64 },
    #[error("is larger than the {limit_bytes} bytes that such a file may have")]
    MemberTooLarge { limit_bytes: u64 },
    #[error("is a zip and a tar at once, so that tools would unpack different things")]
    ZipAndTar,

    // Paths.
    #[error("has an empty path")]
    PathEmpty,
    #[error("has an absolute path")]
    PathAbsolute,
    #[error("has a path with `..` in it")]
    PathParent,
    #[error("has a path with an empty or `.` component")]
    PathUnclean,
    #[error("has a path with a backslash in it")]
    PathBackslash,
    #[error("has a path with a drive letter")]
    PathDrive,
    #[error("has a path with a control character in it")]
    PathControl,
    #[error("has a path that is not marked and encoded as UTF-8")]
    PathNotUtf8,
    #[error("has a path longer than {limit_bytes} bytes")]
    PathTooLong { limit_bytes: usize },
    #[error("occurs more than once")]
    Duplicate,
    #[error("is a file and a folder at once")]
    FileAndFolder,
    #[error("lies below a member that is no folder")]
    BelowFile,
    #[error("lies below a link")]
    BelowLink,
    #[error("differs from another member in letter case alone")]
    CaseCollision,
    #[error("has a name that Windows can't hold")]
    WindowsName,
    #[error("has a set-uid, set-gid or sticky bit")]
    SpecialMode,

    // Zip.
    #[error("is not a zip archive")]
    NotZip,
    #[error("has bytes before its first member or behind its directory")]
    Prefix,
    #[error("is followed by bytes that do not belong to it")]
    TrailingBytes,
    #[error("carries a zip comment")]
    ZipComment,
    #[error("carries a zip comment that is long or looks like part of a zip")]
    DeceptiveComment,
    #[error("is part of a zip of several disks")]
    ManyDisks,
    #[error("has contradictory or unusual zip64 records")]
    Zip64Record,
    #[error("has a central directory of another place, size or count than its end record says")]
    DirectoryMismatch,
    #[error("has a central directory of more than {limit_bytes} bytes")]
    DirectoryTooLarge { limit_bytes: u64 },
    #[error("has a local header that differs from the central directory in its {field}")]
    HeaderMismatch { field: &'static str },
    #[error("overlaps the next record of the zip")]
    Overlap,
    #[error("is followed by bytes that belong to no member")]
    Gap,
    #[error("is encrypted")]
    Encrypted,
    #[error("uses zip features that readers disagree about (flags {flags:#06x})")]
    Flags { flags: u16 },
    #[error("is compressed by method {method}; only stored and deflated members are accepted")]
    Method { method: u16 },
    #[error("has a malformed or contradictory extra field")]
    ExtraField,
    #[error("is a link, a device or another special file")]
    SpecialFile,
    #[error("is a folder but holds data")]
    FolderWithData,
    #[error("has broken compressed data")]
    Deflate,
    #[error("unpacks to another size than its header says")]
    Size,
    #[error("does not match its checksum")]
    Checksum,
    #[error("was written as a stream: its size follows its data")]
    DataDescriptor,
    #[error("has a data descriptor that differs from the central directory")]
    DescriptorMismatch,

    // Tar.
    #[error("is not a gzip-compressed tar")]
    NotTarGz,
    #[error("has a malformed gzip header")]
    GzipHeader,
    #[error("holds a second gzip stream")]
    SecondGzipStream,
    #[error("has a tar header whose checksum is wrong")]
    HeaderChecksum,
    #[error("has a tar header with an invalid {field}")]
    HeaderField { field: &'static str },
    #[error("is of a tar type that is not accepted ({kind})")]
    TarType { kind: char },
    #[error("is a sparse file")]
    Sparse,
    #[error("has a malformed PAX header")]
    Pax,
    #[error("has a PAX header or long name of more than {limit_bytes} bytes")]
    PaxTooLarge { limit_bytes: u64 },
    #[error("has a PAX size that differs from the size in its header")]
    PaxSize,
    #[error("has a global PAX header that sets `{key}` for all members")]
    GlobalPax { key: String },
    #[error("has extension headers in an order that readers disagree about")]
    ExtensionOrder,
    #[error("has data after its end marker")]
    AfterEnd,
    #[error("has no end marker")]
    NoEndMarker,
    #[error("is a link that leaves the archive's top folder")]
    LinkEscapes,
    #[error("is a hard link to something that is not an earlier file of the archive")]
    LinkTarget,
    #[error("has more than {limit} links, or links that lead through too many others")]
    TooManyLinks { limit: usize },

    // Wheels.
    #[error("has no `.dist-info` folder")]
    NoDistInfo,
    #[error("is in a second `.dist-info` folder beside `{first}`")]
    SecondDistInfo { first: String },
    #[error("is in a `.dist-info` folder for another distribution than the file name says")]
    DistInfoName,
    #[error("lacks `{path}`")]
    MissingMember { path: String },
    #[error("names the project `{found}`, the file name says `{expected}`")]
    NameMismatch { found: String, expected: String },
    #[error("states version `{found}`, the file name says `{expected}`")]
    VersionMismatch { found: String, expected: String },
    #[error("does not state a Wheel-Version that begins with 1")]
    WheelVersion,
    #[error("is not UTF-8 text")]
    NotText,
    #[error("defines a script named `{name}`, which is not a plain file name")]
    ScriptName { name: String },
    #[error("is not listed in RECORD")]
    RecordMissing,
    #[error("is listed in RECORD but is not in the archive")]
    RecordGhost,
    #[error("is listed in RECORD twice with different digests or sizes")]
    RecordRepeated,
    #[error("is listed in RECORD without a digest")]
    RecordNoDigest,
    #[error("is listed in RECORD with a digest that is neither sha256, sha384 nor sha512")]
    RecordWeakDigest,
    #[error("does not match its digest in RECORD")]
    RecordDigest,
    #[error("does not match its size in RECORD")]
    RecordSize,
    #[error("is not a valid table of files")]
    RecordMalformed,
    #[error("is a path in RECORD that leaves the archive")]
    RecordPath,

    #[error("is missing, though the metadata name it as a License-File")]
    LicenseFile,

    // Sdists.
    #[error("lies outside the one top folder `{top}`")]
    SecondTop { top: String },
    #[error("lies outside any top folder")]
    NoTop,
    #[error("is in a top folder for another distribution than the file name says")]
    TopName,
    #[error("has no PKG-INFO in its top folder")]
    NoPkgInfo,
    #[error("is an sdist packed as zip; today's standard knows only `.tar.gz`")]
    ZipSdist,
}

/// Applies the policy and keeps the warnings of one archive.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    pub(super) limits: &'a Limits,
    warnings: Vec<Warning>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            warnings: Vec::new(),
        }
    }

    /// Lets an oddity of a member pass, notes it, or refuses it.
    pub(super) fn member(&mut self, verdict: Verdict, path: &str, rule: Rule) -> Result<(), Error> {
        self.judge(verdict, || Finding::of_member(path, rule))
    }

    /// Lets an oddity of the whole archive pass, notes it, or refuses it.
    pub(super) fn archive(&mut self, verdict: Verdict, rule: Rule) -> Result<(), Error> {
        self.judge(verdict, || Finding { member: None, rule })
    }

    fn judge(&mut self, verdict: Verdict, finding: impl FnOnce() -> Finding) -> Result<(), Error> {
        match verdict {
            Verdict::Accept => {}
            Verdict::Refuse => return Err(Error::Refused(finding())),
            Verdict::Warn => self.note(finding()),
        }
        Ok(())
    }

    /// Keeps a warning. Repeats are only counted, so that a hostile archive can't fill the memory with them.
    fn note(&mut self, finding: Finding) {
        match self
            .warnings
            .iter_mut()
            .find(|known| known.finding.rule == finding.rule)
        {
            Some(known) => known.occurrences += 1,
            None => self.warnings.push(Warning {
                finding,
                occurrences: 1,
            }),
        }
    }

    pub(super) fn into_warnings(self) -> Vec<Warning> {
        self.warnings
    }
}

/// A path fit for a message: control characters escaped, cut after 120 characters.
fn shown(path: &str) -> String {
    let mut shown: String = path.chars().take(120).flat_map(char::escape_debug).collect();
    if path.chars().nth(120).is_some() {
        shown.push('…');
    }
    shown
}
