//! The bounds within which archives are read, and the switches for what is odd but not dangerous.

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// Bounds on what an archive may cost to read. Real output is counted, never what headers claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of METADATA or PKG-INFO. Default 8 MiB.
    pub max_metadata_bytes: u64,
    /// Most bytes of WHEEL and of `entry_points.txt`, each. Default 1 MiB.
    pub max_side_file_bytes: u64,
    /// Most bytes of a wheel's RECORD, which is read row by row. Default 64 MiB.
    pub max_record_bytes: u64,
    /// Most members; folders that are only implied by paths are counted apart, up to the same number.
    /// Default 100,000.
    pub max_members: usize,
    /// Longest path of a member, in bytes. Default 1,024.
    pub max_path_bytes: usize,
    /// Most bytes of a zip's central directory. Default 64 MiB.
    pub max_directory_bytes: u64,
    /// How many times its own size an archive may unpack to, above [`Limits::ratio_free_bytes`]. Default 50.
    pub max_ratio: u64,
    /// Output, in bytes, up to which no ratio is too high. Default 64 MiB.
    pub ratio_free_bytes: u64,
    /// Most bytes that a wheel may unpack to. Default 16 GiB.
    pub max_wheel_unpacked_bytes: u64,
    /// Most bytes that an sdist may unpack to. Default 2 GiB.
    pub max_sdist_unpacked_bytes: u64,
    /// Most bytes of one PAX header or GNU long name in a tar. Default 1 MiB.
    pub max_pax_bytes: u64,
    /// Most symbolic links in a tar. Default 10,000.
    pub max_links: usize,
    /// What is done about oddities.
    pub policy: Policy,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_metadata_bytes: 8 * MIB,
            max_side_file_bytes: MIB,
            max_record_bytes: 64 * MIB,
            max_members: 100_000,
            max_path_bytes: 1024,
            max_directory_bytes: 64 * MIB,
            max_ratio: 50,
            ratio_free_bytes: 64 * MIB,
            max_wheel_unpacked_bytes: 16 * GIB,
            max_sdist_unpacked_bytes: 2 * GIB,
            max_pax_bytes: MIB,
            max_links: 10_000,
            policy: Policy::default(),
        }
    }
}

/// One switch for each oddity that some real distributions have and that harms nobody by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// RECORD lacks a member, lists a ghost, or states a wrong, weak or no digest. Default refuse.
    pub record: Verdict,
    /// A zip written as a stream: sizes and checksum follow the data of a member. They must be right in any case.
    /// Default warn.
    pub data_descriptors: Verdict,
    /// Two members whose paths differ in letter case alone. Default warn.
    pub case_collisions: Verdict,
    /// Set-uid, set-gid and sticky bits, which unpacking clears. Default warn.
    pub special_modes: Verdict,
    /// Names that Windows can't hold or gives to devices: `con`, `aux.txt`, a final dot, a question mark.
    /// Default warn.
    pub windows_names: Verdict,
    /// A tar that simply stops after its last member. Default warn.
    pub missing_end_markers: Verdict,
    /// An sdist packed as zip, which today's standard does not know. Default warn.
    pub zip_sdists: Verdict,
    /// A short comment behind a zip's directory, which some build backends sign their work with. One that is long or
    /// could be taken for a part of the zip is refused in any case. Default warn.
    pub zip_comments: Verdict,
    /// A License-File of the metadata (2.4 and later) that is not in the archive. Default accept.
    pub license_files: Verdict,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            record: Verdict::Refuse,
            data_descriptors: Verdict::Warn,
            case_collisions: Verdict::Warn,
            special_modes: Verdict::Warn,
            windows_names: Verdict::Warn,
            missing_end_markers: Verdict::Warn,
            zip_sdists: Verdict::Warn,
            zip_comments: Verdict::Warn,
            license_files: Verdict::Accept,
        }
    }
}

/// What is done about an oddity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Accept,
    /// The archive passes with a [`Warning`](super::Warning).
    Warn,
    /// The archive is refused.
    Refuse,
}
