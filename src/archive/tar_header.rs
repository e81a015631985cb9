//! The headers of a tar, taken apart and judged one by one.
//!
//! Standards: ustar and pax as POSIX describes them, and GNU tar's long names. Where readers are known to differ
//! (Python ends an archive silently at a header that it can't read), the header is refused.

use super::error::Rule;

/// Size of a header and unit of everything in a tar, in bytes.
pub(super) const BLOCK_BYTES: usize = 512;

/// A header block.
pub(super) type Block = [u8; BLOCK_BYTES];

/// What a header announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    File,
    Folder,
    HardLink,
    Symlink,
    /// Extended fields for the next member.
    Pax,
    /// Extended fields for all members that follow.
    GlobalPax,
    /// GNU tar's way to give the next member a long path.
    LongName,
    /// GNU tar's way to give the next member a long target.
    LongLink,
}

impl Type {
    /// Whether the header is none of a member but says something about members to come.
    pub(super) fn is_extension(self) -> bool {
        matches!(
            self,
            Self::Pax | Self::GlobalPax | Self::LongName | Self::LongLink
        )
    }
}

/// A header whose checksum and numbers are right.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) kind: Type,
    /// As written, prefix included.
    pub(super) path: Vec<u8>,
    /// Target of a link, as written.
    pub(super) target: Vec<u8>,
    pub(super) bytes: u64,
    pub(super) mode: u64,
    /// Seconds since 1970.
    pub(super) modified: i64,
}

impl Header {
    /// Parses a block that is not all zeros.
    pub(super) fn parse(block: &Block) -> Result<Self, Rule> {
        if !has_right_checksum(block) {
            return Err(Rule::HeaderChecksum);
        }
        let invalid = |field| move || Rule::HeaderField { field };
        let name = text(&block[..100]);
        let mode = octal(&block[100..108]).ok_or_else(invalid("mode"))?;
        // Owners are of no interest, but a number that Python can't read ends the archive for it.
        for field in [108..116, 116..124] {
            number(&block[field]).ok_or_else(invalid("owner"))?;
        }
        for field in [329..337, 337..345] {
            number(&block[field]).ok_or_else(invalid("device number"))?;
        }
        let bytes = number(&block[124..136])
            .and_then(|bytes| u64::try_from(bytes).ok())
            .ok_or_else(invalid("size"))?;
        let modified = number(&block[136..148]).ok_or_else(invalid("time"))?;
        let kind = kind(block[156], name)?;
        if bytes != 0 && matches!(kind, Type::Folder | Type::HardLink | Type::Symlink) {
            return Err(Rule::HeaderField { field: "size" });
        }
        Ok(Self {
            kind,
            path: with_prefix(block, name, kind)?,
            target: text(&block[157..257]).to_vec(),
            bytes,
            mode,
            modified,
        })
    }
}

/// Whether the block could pass for a tar header at all. Some writers of old summed up signed bytes; Python and GNU tar
/// take such a header, readers in Rust do not, so that what passes here counts unsigned bytes.
pub(super) fn has_right_checksum(block: &Block) -> bool {
    let sum: u64 = block[..148]
        .iter()
        .chain(&[b' '; 8])
        .chain(&block[156..])
        .map(|&byte| u64::from(byte))
        .sum();
    octal(&block[148..156]) == Some(sum)
}

/// The path in a header for messages, whatever its bytes.
pub(super) fn shown_path(block: &Block) -> String {
    String::from_utf8_lossy(text(&block[..100])).into_owned()
}

fn kind(flag: u8, name: &[u8]) -> Result<Type, Rule> {
    match flag {
        // Before ustar, folders were files whose name ends in a slash.
        b'\0' if name.ends_with(b"/") => Ok(Type::Folder),
        b'0' | b'\0' => Ok(Type::File),
        b'1' => Ok(Type::HardLink),
        b'2' => Ok(Type::Symlink),
        b'5' => Ok(Type::Folder),
        b'x' => Ok(Type::Pax),
        b'g' => Ok(Type::GlobalPax),
        b'L' => Ok(Type::LongName),
        b'K' => Ok(Type::LongLink),
        b'S' => Err(Rule::Sparse),
        b'3' | b'4' | b'6' => Err(Rule::SpecialFile),
        other => Err(Rule::TarType {
            kind: if other.is_ascii_graphic() {
                other.into()
            } else {
                '?'
            },
        }),
    }
}

/// ustar splits long paths into prefix and name. In GNU's and older headers the place means something else, and some
/// readers want ustar's version too, but Python reads a prefix there all the same: such a header must leave it empty.
fn with_prefix(block: &Block, name: &[u8], kind: Type) -> Result<Vec<u8>, Rule> {
    let prefix = text(&block[345..500]);
    if prefix.is_empty() || matches!(kind, Type::LongName | Type::LongLink) {
        return Ok(name.to_vec());
    }
    if &block[257..265] != b"ustar\x0000" {
        return Err(Rule::HeaderField { field: "prefix" });
    }
    Ok([prefix, b"/", name].concat())
}

/// Text up to the first NUL.
pub(super) fn text(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    &field[..end]
}

/// Octal digits with spaces before and spaces or NULs behind; an empty field is zero.
fn octal(field: &[u8]) -> Option<u64> {
    let start = field.iter().position(|&byte| byte != b' ').unwrap_or(field.len());
    let digits = field[start..]
        .iter()
        .take_while(|byte| matches!(byte, b'0'..=b'7'))
        .count();
    let (digits, rest) = field[start..].split_at(digits);
    if !rest.iter().all(|byte| matches!(byte, b' ' | b'\0')) {
        return None;
    }
    digits.iter().try_fold(0u64, |value, digit| {
        value.checked_mul(8)?.checked_add(u64::from(digit - b'0'))
    })
}

/// Octal, or GNU's base 256: a first byte of 0x80 for positive numbers, of 0xff for negative ones.
pub(super) fn number(field: &[u8]) -> Option<i64> {
    let fill = match field.first()? {
        0x80 => 0x00,
        0xff => 0xff,
        _ => return octal(field).and_then(|value| i64::try_from(value).ok()),
    };
    let (high, low) = field[1..].split_at((field.len() - 1).saturating_sub(8));
    if high.iter().any(|&byte| byte != fill) {
        return None;
    }
    let mut bytes = [fill; 8];
    bytes[8 - low.len()..].copy_from_slice(low);
    let value = i64::from_be_bytes(bytes);
    ((value < 0) == (fill == 0xff)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b24_numbers_are_read_as_python_reads_them_or_refused() {
        assert_eq!(number(b"00000000644\0"), Some(0o644));
        assert_eq!(number(b"   644 \0"), Some(0o644));
        assert_eq!(number(b"\0\0\0\0\0\0\0\0"), Some(0));
        assert_eq!(number(b"\x80\0\0\0\0\0\0\0\0\0\x01\0"), Some(256));
        assert_eq!(number(b"\x80\0\0\0\0\0\x01\0"), Some(256));
        assert_eq!(
            number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe"),
            Some(-2)
        );
        for bad in [
            &b"-0000000001\0"[..],
            b"0o000000001\0",
            b"0_000000001\0",
            b"00000000009\0",
            b"0000\x000000001",
            b"\x80\x01\0\0\0\0\0\0\0\0\0\0",
            b"\x80\0\0\0\xff\0\0\0\0\0\0\0",
            b"\x81\0\0\0\0\0\0\0\0\0\0\0",
            b"\xff\0\0\0\0\0\0\0\0\0\0\0",
        ] {
            assert_eq!(number(bad), None, "{bad:?}");
        }
    }
}
