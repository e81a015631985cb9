//! How two archives of the same name differ: which members, and in what.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Seek, SeekFrom};

use super::error::Error;
use super::limits::Limits;
use super::members::{Recorded, members};
use crate::packaging::DistFilename;

/// One thing in which the second archive is not as the first. `Display` says it in a line for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A member that the second has not got.
    OnlyInFirst(String),
    /// A member that the first has not got.
    OnlyInSecond(String),
    /// Another content, another target of a link, or another kind of member.
    Content {
        /// The member.
        path: String,
        /// What is there in the first, such as `120 bytes`.
        first: String,
        /// What is there in the second.
        second: String,
    },
    /// Another time, in seconds since 1970.
    Modified {
        /// The member.
        path: String,
        /// The time in the first.
        first: i64,
        /// The time in the second.
        second: i64,
    },
    /// Other permissions.
    Mode {
        /// The member.
        path: String,
        /// The Unix mode in the first.
        first: u64,
        /// The Unix mode in the second.
        second: u64,
    },
    /// The members that both have do not come in the same order.
    Order {
        /// The first member that comes elsewhere in the second archive.
        path: String,
    },
    /// The time in the head of the gzip file.
    GzipTime {
        /// In the first, in seconds since 1970.
        first: u32,
        /// In the second.
        second: u32,
    },
    /// All members are the same, what is around them is not: owners, the way in which they are packed.
    Packing {
        /// Where the first other byte is, counted from 0.
        offset: u64,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnlyInFirst(path) => write!(f, "`{path}` is only in the first"),
            Self::OnlyInSecond(path) => write!(f, "`{path}` is only in the second"),
            Self::Content { path, first, second } if first == second => {
                write!(f, "`{path}` has other bytes ({first} in both)")
            }
            Self::Content { path, first, second } => {
                write!(f, "`{path}` has other bytes ({first}, then {second})")
            }
            Self::Modified { path, first, second } => {
                write!(f, "`{path}` has another time ({first}, then {second})")
            }
            Self::Mode { path, first, second } => {
                write!(f, "`{path}` has other permissions ({first:o}, then {second:o})")
            }
            Self::Order { path } => write!(f, "the members come in another order, from `{path}` on"),
            Self::GzipTime { first, second } => {
                write!(f, "the gzip header has another time ({first}, then {second})")
            }
            Self::Packing { offset } => {
                write!(
                    f,
                    "the members are the same, but packed in another way from byte {offset} on"
                )
            }
        }
    }
}

/// All differences between two archives that are both called `filename`; none when they are the same byte for byte.
///
/// Both are read whole, and must be sound by the rules of [`inspect`](super::inspect).
///
/// # Errors
/// As [`inspect`](super::inspect).
pub fn differences(
    filename: &DistFilename,
    mut first: impl Read + Seek,
    mut second: impl Read + Seek,
    limits: &Limits,
) -> Result<Vec<Difference>, Error> {
    let Some(offset) = first_other_byte(&mut first, &mut second)? else {
        return Ok(Vec::new());
    };
    let heads = [head(&mut first)?, head(&mut second)?];
    let [first, second] = [
        members(filename, first, limits)?,
        members(filename, second, limits)?,
    ];
    let mut found = gzip_times(heads);
    found.extend(of_members(&first, &second));
    if found.is_empty() {
        found.push(Difference::Packing { offset });
    }
    Ok(found)
}

/// Where the files begin to differ; `None` when they don't.
fn first_other_byte(
    first: &mut (impl Read + Seek),
    second: &mut (impl Read + Seek),
) -> Result<Option<u64>, Error> {
    const BUFFER_BYTES: u64 = 128 * 1024;
    for file in [&mut *first as &mut dyn Seek, second] {
        file.seek(SeekFrom::Start(0)).map_err(Error::Read)?;
    }
    let mut offset = 0;
    let (mut one, mut other) = (Vec::new(), Vec::new());
    loop {
        one.clear();
        other.clear();
        first
            .take(BUFFER_BYTES)
            .read_to_end(&mut one)
            .map_err(Error::Read)?;
        second
            .take(BUFFER_BYTES)
            .read_to_end(&mut other)
            .map_err(Error::Read)?;
        if one != other {
            let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
            return Ok(Some(offset + same as u64));
        }
        if one.is_empty() {
            return Ok(None);
        }
        offset += one.len() as u64;
    }
}

/// The first bytes, as many as a gzip header has at least, and the file set back to its beginning.
fn head(file: &mut (impl Read + Seek)) -> Result<Vec<u8>, Error> {
    const GZIP_HEADER_BYTES: u64 = 10;
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0)).map_err(Error::Read)?;
    file.take(GZIP_HEADER_BYTES)
        .read_to_end(&mut head)
        .map_err(Error::Read)?;
    file.seek(SeekFrom::Start(0)).map_err(Error::Read)?;
    Ok(head)
}

fn gzip_times(heads: [Vec<u8>; 2]) -> Vec<Difference> {
    let times = heads.map(|head| match head[..] {
        [0x1f, 0x8b, _, _, a, b, c, d, ..] => Some(u32::from_le_bytes([a, b, c, d])),
        _ => None,
    });
    match times {
        [Some(first), Some(second)] if first != second => vec![Difference::GzipTime { first, second }],
        _ => Vec::new(),
    }
}

fn of_members(first: &[Recorded], second: &[Recorded]) -> Vec<Difference> {
    let by_path = |members| -> BTreeMap<&str, &Recorded> {
        let members: &[Recorded] = members;
        members
            .iter()
            .map(|member| (member.path.as_str(), member))
            .collect()
    };
    let (in_first, in_second) = (by_path(first), by_path(second));
    let mut found = Vec::new();
    for member in first {
        match in_second.get(member.path.as_str()) {
            Some(twin) => compare(member, twin, &mut found),
            None => found.push(Difference::OnlyInFirst(member.path.clone())),
        }
    }
    for member in second {
        if !in_first.contains_key(member.path.as_str()) {
            found.push(Difference::OnlyInSecond(member.path.clone()));
        }
    }
    let shared = |members, others: &BTreeMap<&str, &Recorded>| -> Vec<String> {
        let members: &[Recorded] = members;
        let paths = members.iter().map(|member| member.path.clone());
        paths.filter(|path| others.contains_key(path.as_str())).collect()
    };
    let orders = shared(first, &in_second)
        .into_iter()
        .zip(shared(second, &in_first));
    if let Some((path, _)) = orders.into_iter().find(|(one, other)| one != other) {
        found.push(Difference::Order { path });
    }
    found
}

fn compare(first: &Recorded, second: &Recorded, found: &mut Vec<Difference>) {
    let path = &first.path;
    if first.content != second.content {
        found.push(Difference::Content {
            path: path.clone(),
            first: first.content.to_string(),
            second: second.content.to_string(),
        });
    }
    if first.modified != second.modified {
        found.push(Difference::Modified {
            path: path.clone(),
            first: first.modified,
            second: second.modified,
        });
    }
    if first.mode != second.mode {
        found.push(Difference::Mode {
            path: path.clone(),
            first: first.mode,
            second: second.mode,
        });
    }
}
