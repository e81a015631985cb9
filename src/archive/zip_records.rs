//! The records of a zip file, taken apart byte by byte and not yet judged.
//!
//! Standard: the zip application note, sections 4.3 (records) and 4.5 (extra fields). All numbers are little-endian.

/// `PK\x03\x04`, before each member.
pub(super) const LOCAL_SIGNATURE: u32 = 0x0403_4b50;
/// `PK\x01\x02`, before each entry of the central directory.
pub(super) const CENTRAL_SIGNATURE: u32 = 0x0201_4b50;
/// `PK\x05\x06`, before the end record.
pub(super) const END_SIGNATURE: u32 = 0x0605_4b50;
/// `PK\x06\x06`, before the zip64 end record.
pub(super) const ZIP64_END_SIGNATURE: u32 = 0x0606_4b50;
/// `PK\x06\x07`, before the locator of the zip64 end record.
pub(super) const ZIP64_LOCATOR_SIGNATURE: u32 = 0x0706_4b50;
/// `PK\x07\x08`, before a data descriptor.
pub(super) const DESCRIPTOR_SIGNATURE: u32 = 0x0807_4b50;

/// Stands for "see the zip64 record" in a field of two bytes.
pub(super) const SENTINEL_16: u16 = u16::MAX;
/// Stands for "see the zip64 record" in a field of four bytes.
pub(super) const SENTINEL_32: u32 = u32::MAX;

pub(super) const FLAG_ENCRYPTED: u16 = 1;
pub(super) const FLAG_DESCRIPTOR: u16 = 1 << 3;
pub(super) const FLAG_UTF8: u16 = 1 << 11;
/// Flags that change nothing about how a member is read: how hard deflate tried, and those above but encryption.
pub(super) const HARMLESS_FLAGS: u16 = 0b110 | FLAG_DESCRIPTOR | FLAG_UTF8;

pub(super) const METHOD_STORED: u16 = 0;
pub(super) const METHOD_DEFLATED: u16 = 8;

/// The record at the end of every zip.
pub(super) struct EndRecord {
    pub(super) disk: u16,
    pub(super) directory_disk: u16,
    pub(super) entries_on_disk: u16,
    pub(super) entries: u16,
    pub(super) directory_bytes: u32,
    pub(super) directory_offset: u32,
    pub(super) comment_bytes: u16,
}

impl EndRecord {
    pub(super) const BYTES: usize = 22;

    /// `None` when the signature is another.
    pub(super) fn parse(block: &[u8; Self::BYTES]) -> Option<Self> {
        (u32_at(block, 0) == END_SIGNATURE).then(|| Self {
            disk: u16_at(block, 4),
            directory_disk: u16_at(block, 6),
            entries_on_disk: u16_at(block, 8),
            entries: u16_at(block, 10),
            directory_bytes: u32_at(block, 12),
            directory_offset: u32_at(block, 16),
            comment_bytes: u16_at(block, 20),
        })
    }
}

/// Says where the zip64 end record is.
pub(super) struct Zip64Locator {
    pub(super) disk: u32,
    pub(super) end_offset: u64,
    pub(super) disks: u32,
}

impl Zip64Locator {
    pub(super) const BYTES: usize = 20;

    pub(super) fn parse(block: &[u8; Self::BYTES]) -> Option<Self> {
        (u32_at(block, 0) == ZIP64_LOCATOR_SIGNATURE).then(|| Self {
            disk: u32_at(block, 4),
            end_offset: u64_at(block, 8),
            disks: u32_at(block, 16),
        })
    }
}

/// The end record with room for large numbers.
pub(super) struct Zip64EndRecord {
    /// Size of what follows this field; 44 when there are no extensible data.
    pub(super) following_bytes: u64,
    pub(super) disk: u32,
    pub(super) directory_disk: u32,
    pub(super) entries_on_disk: u64,
    pub(super) entries: u64,
    pub(super) directory_bytes: u64,
    pub(super) directory_offset: u64,
}

impl Zip64EndRecord {
    pub(super) const BYTES: usize = 56;

    pub(super) fn parse(block: &[u8; Self::BYTES]) -> Option<Self> {
        (u32_at(block, 0) == ZIP64_END_SIGNATURE).then(|| Self {
            following_bytes: u64_at(block, 4),
            disk: u32_at(block, 16),
            directory_disk: u32_at(block, 20),
            entries_on_disk: u64_at(block, 24),
            entries: u64_at(block, 32),
            directory_bytes: u64_at(block, 40),
            directory_offset: u64_at(block, 48),
        })
    }
}

/// The fixed part of a member's entry in the central directory.
pub(super) struct CentralHeader {
    pub(super) needed_version: u16,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) time: u16,
    pub(super) date: u16,
    pub(super) crc: u32,
    pub(super) compressed_bytes: u32,
    pub(super) bytes: u32,
    pub(super) name_bytes: u16,
    pub(super) extra_bytes: u16,
    pub(super) comment_bytes: u16,
    pub(super) disk: u16,
    pub(super) external_attributes: u32,
    pub(super) offset: u32,
}

impl CentralHeader {
    pub(super) const BYTES: usize = 46;

    pub(super) fn parse(block: &[u8; Self::BYTES]) -> Option<Self> {
        (u32_at(block, 0) == CENTRAL_SIGNATURE).then(|| Self {
            needed_version: u16_at(block, 6),
            flags: u16_at(block, 8),
            method: u16_at(block, 10),
            time: u16_at(block, 12),
            date: u16_at(block, 14),
            crc: u32_at(block, 16),
            compressed_bytes: u32_at(block, 20),
            bytes: u32_at(block, 24),
            name_bytes: u16_at(block, 28),
            extra_bytes: u16_at(block, 30),
            comment_bytes: u16_at(block, 32),
            disk: u16_at(block, 34),
            external_attributes: u32_at(block, 38),
            offset: u32_at(block, 42),
        })
    }
}

/// The fixed part of the header before a member's data.
pub(super) struct LocalHeader {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) compressed_bytes: u32,
    pub(super) bytes: u32,
    pub(super) name_bytes: u16,
    pub(super) extra_bytes: u16,
}

impl LocalHeader {
    pub(super) const BYTES: usize = 30;

    pub(super) fn parse(block: &[u8; Self::BYTES]) -> Option<Self> {
        (u32_at(block, 0) == LOCAL_SIGNATURE).then(|| Self {
            flags: u16_at(block, 6),
            method: u16_at(block, 8),
            crc: u32_at(block, 14),
            compressed_bytes: u32_at(block, 18),
            bytes: u32_at(block, 22),
            name_bytes: u16_at(block, 26),
            extra_bytes: u16_at(block, 28),
        })
    }
}

/// What follows the data of a member that was written as a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DataDescriptor {
    pub(super) crc: u32,
    pub(super) compressed_bytes: u64,
    pub(super) bytes: u64,
}

impl DataDescriptor {
    /// With the signature and sizes of eight bytes; every real descriptor is one of four lengths up to this.
    pub(super) const MAX_BYTES: usize = 24;

    /// `has_wide_sizes` says whether the member's local header has a zip64 field, which makes the sizes eight bytes
    /// long. `None` when the length fits no such descriptor, or when it could be read in two ways.
    pub(super) fn parse(block: &[u8], has_wide_sizes: bool) -> Option<Self> {
        let fields = if has_wide_sizes { 20 } else { 12 };
        let (signature, rest) = block.split_at(block.len().checked_sub(fields)?);
        let is_signature = |bytes: &[u8]| bytes == DESCRIPTOR_SIGNATURE.to_le_bytes();
        if !(is_signature(signature) || signature.is_empty() && !is_signature(&rest[..4])) {
            return None;
        }
        let (compressed_bytes, bytes) = if has_wide_sizes {
            (u64_at(rest, 4), u64_at(rest, 12))
        } else {
            (u64::from(u32_at(rest, 4)), u64::from(u32_at(rest, 8)))
        };
        Some(Self {
            crc: u32_at(rest, 0),
            compressed_bytes,
            bytes,
        })
    }
}

/// Identifiers of extra fields that matter.
pub(super) const EXTRA_ZIP64: u16 = 0x0001;
/// A second name for the member, which some readers prefer to the first.
pub(super) const EXTRA_UNICODE_PATH: u16 = 0x7075;
/// Strong encryption, Unix links and devices (two forms), AES encryption: they turn a member into something else.
pub(super) const EXTRA_TRANSFORMING: [u16; 4] = [0x0017, 0x000d, 0x756e, 0x9901];

/// The extra fields of a header as pairs of identifier and data; `None` when they do not fill the space exactly.
pub(super) fn extra_fields(mut extra: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let mut fields = Vec::new();
    while !extra.is_empty() {
        let (head, rest) = extra.split_first_chunk::<4>()?;
        let (data, rest) = rest.split_at_checked(usize::from(u16_at(head, 2)))?;
        fields.push((u16_at(head, 0), data));
        extra = rest;
    }
    Some(fields)
}

/// Numbers of eight bytes, as the zip64 extra field holds them; `None` when the length is no multiple of eight.
pub(super) fn u64_list(data: &[u8]) -> Option<Vec<u64>> {
    let (numbers, rest) = data.as_chunks::<8>();
    rest.is_empty()
        .then(|| numbers.iter().map(|number| u64::from_le_bytes(*number)).collect())
}

/// Seconds since 1970 of a date and time of MS-DOS, read as UTC because zips know no zone.
pub(super) fn seconds_since_1970(date: u16, time: u16) -> i64 {
    let (date, time) = (i64::from(date), i64::from(time));
    let (year, month, day) = (
        1980 + (date >> 9),
        ((date >> 5) & 15).clamp(1, 12),
        (date & 31).max(1),
    );
    // Days of the civil calendar, counted in years that begin in March so that leap days come last.
    let (shifted_year, shifted_month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = shifted_year / 4 - shifted_year / 100 + shifted_year / 400;
    let days = shifted_year * 365 + leap_days + (153 * shifted_month + 2) / 5 + day - 1 - 719_468;
    days * 86_400 + (time >> 11) * 3600 + ((time >> 5) & 63) * 60 + (time & 31) * 2
}

fn u16_at(block: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([block[at], block[at + 1]])
}

fn u32_at(block: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]])
}

fn u64_at(block: &[u8], at: usize) -> u64 {
    u64::from(u32_at(block, at)) | u64::from(u32_at(block, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dos_times_are_read() {
        // 1980-01-01 00:00:00 and 2024-02-29 12:34:56, as `date -u +%s` counts them.
        assert_eq!(seconds_since_1970((1 << 5) | 1, 0), 315_532_800);
        let (date, time) = ((44 << 9) | (2 << 5) | 29, (12 << 11) | (34 << 5) | 28);
        assert_eq!(seconds_since_1970(date, time), 1_709_210_096);
    }

    #[test]
    fn b28_descriptors_are_read_in_one_way_or_not_at_all() {
        let narrow = [1u32, 2, 3].map(u32::to_le_bytes).concat();
        let signed = [DESCRIPTOR_SIGNATURE.to_le_bytes().to_vec(), narrow.clone()].concat();
        let expected = Some(DataDescriptor {
            crc: 1,
            compressed_bytes: 2,
            bytes: 3,
        });
        assert_eq!(DataDescriptor::parse(&narrow, false), expected);
        assert_eq!(DataDescriptor::parse(&signed, false), expected);
        assert_eq!(DataDescriptor::parse(&signed, true), None);
        assert_eq!(DataDescriptor::parse(&[7; 16], false), None);
        let ambiguous = [DESCRIPTOR_SIGNATURE, 2, 3].map(u32::to_le_bytes).concat();
        assert_eq!(DataDescriptor::parse(&ambiguous, false), None);
        let wide = [
            1u32.to_le_bytes().to_vec(),
            2u64.to_le_bytes().to_vec(),
            3u64.to_le_bytes().to_vec(),
        ]
        .concat();
        assert_eq!(DataDescriptor::parse(&wide, true), expected);
    }

    #[test]
    fn extra_fields_fill_their_space() {
        assert_eq!(extra_fields(b"\x01\x00\x02\x00ab"), Some(vec![(1, &b"ab"[..])]));
        assert_eq!(extra_fields(b"\x01\x00\x03\x00ab"), None);
        assert_eq!(extra_fields(b"\x01\x00"), None);
    }
}
