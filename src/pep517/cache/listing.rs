//! What lies in a folder, told cheaply: names, sizes and times, without a look into the files.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::packaging::{Sha256, Sha256Hasher};

/// Where Python puts what it has compiled. It looks at the source's time and size before it trusts these.
const COMPILED: &str = "__pycache__";

/// A folder's content in short.
pub(super) struct Listing {
    /// Changes when a file comes, goes, or is written to.
    pub(super) digest: Sha256,
    /// The sizes of all files, those that Python compiled as well.
    pub(super) bytes: u64,
}

impl Listing {
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        let mut hasher = Sha256Hasher::default();
        let bytes = walk(folder, true, &mut hasher)?;
        Ok(Self {
            digest: hasher.finish(),
            bytes,
        })
    }
}

fn walk(folder: &Path, counts: bool, hasher: &mut Sha256Hasher) -> io::Result<u64> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut bytes = 0;
    for entry in entries {
        let (name, metadata) = (entry.file_name(), entry.metadata()?);
        let counts = counts && name != COMPILED;
        if counts {
            let mut numbers = vec![u64::from(metadata.mode())];
            if !metadata.is_dir() {
                // A folder's own time changes when Python puts what it compiled beside the sources.
                let times = [metadata.mtime(), metadata.mtime_nsec()];
                numbers.push(metadata.len());
                numbers.extend(times.map(i64::cast_unsigned));
            }
            hasher.update(name.as_bytes());
            hasher.update(b"\0");
            for number in numbers {
                hasher.update(&number.to_le_bytes());
            }
        }
        if metadata.is_dir() {
            bytes += walk(&entry.path(), counts, hasher)?;
            if counts {
                hasher.update(b"/");
            }
        } else {
            bytes += metadata.len();
        }
    }
    Ok(bytes)
}
