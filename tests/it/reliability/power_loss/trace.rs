//! What the server asked of the file system, as strace saw it.

use std::collections::HashMap;
use std::path::PathBuf;

/// Calls that change files or folders, or bring changes to the disk; `openat`, `close` and `lseek` to know what they are about.
pub(super) const CALLS: &str = "openat,close,lseek,mkdir,mkdirat,write,pwrite64,fsync,fdatasync,syncfs,link,linkat,rename,\
     renameat,renameat2,unlink,unlinkat,rmdir,ftruncate,copy_file_range,sendfile,writev,pwritev,fallocate,\
     sync_file_range";

/// One call that succeeded.
#[derive(Debug)]
pub(super) struct Call {
    /// When it began, in seconds since 1970.
    pub(super) at: f64,
    /// How many calls had ended when it began: what it brings to the disk is what those did.
    pub(super) begun_after: usize,
    pub(super) name: String,
    /// As strace writes them.
    pub(super) arguments: Vec<String>,
    pub(super) result: i64,
}

/// A call that has begun on a thread and not ended.
struct Begun {
    at: f64,
    after: usize,
    text: String,
}

/// The calls in the order in which they ended.
pub(super) fn read(text: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut begun: HashMap<&str, Begun> = HashMap::new();
    for line in text.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let Some((at, rest)) = rest.trim_start().split_once(' ') else {
            continue;
        };
        let at: f64 = at.parse().unwrap();
        let whole = if let Some(head) = rest.strip_suffix(" <unfinished ...>") {
            let (text, after) = (head.to_owned(), calls.len());
            // The number is free before the call has ended, and another thread may have it already.
            if text.starts_with("close(") {
                let text = format!("{text}) = 0");
                calls.extend(parse(&Begun { at, after, text }));
                continue;
            }
            begun.insert(thread, Begun { at, after, text });
            continue;
        } else if rest.starts_with("<... ") {
            let Some(head) = begun.remove(thread) else {
                continue;
            };
            let tail = rest.split_once("resumed>").unwrap().1;
            Begun {
                text: head.text + tail,
                ..head
            }
        } else {
            Begun {
                at,
                after: calls.len(),
                text: rest.to_owned(),
            }
        };
        calls.extend(parse(&whole));
    }
    calls
}

/// `name(arguments) = result`; `None` for signals, ends of threads and calls that failed.
fn parse(begun: &Begun) -> Option<Call> {
    let (call, result) = begun.text.rsplit_once(" = ")?;
    let result: i64 = result.split(' ').next()?.parse().ok()?;
    let (name, arguments) = call.trim_end().strip_suffix(')')?.split_once('(')?;
    (result >= 0).then(|| Call {
        at: begun.at,
        begun_after: begun.after,
        name: name.to_owned(),
        arguments: split(arguments),
        result,
    })
}

/// Strings are all in hexadecimal, so that a comma always parts two arguments.
fn split(arguments: &str) -> Vec<String> {
    arguments.split(", ").map(str::to_owned).collect()
}

impl Call {
    pub(super) fn number(&self, index: usize) -> i64 {
        self.arguments[index].parse().unwrap()
    }

    /// The bytes of a string.
    pub(super) fn bytes(&self, index: usize) -> Vec<u8> {
        let text = &self.arguments[index];
        let inside = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or_else(|| {
                panic!(
                    "cut short or no string: {} {}",
                    self.name,
                    &text[..text.len().min(80)]
                )
            });
        let pairs = inside.split("\\x").skip(1);
        pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }

    pub(super) fn path(&self, index: usize) -> PathBuf {
        use std::os::unix::ffi::OsStringExt as _;
        std::ffi::OsString::from_vec(self.bytes(index)).into()
    }
}
