//! Members of a `.tar.gz`: what our walker accepts, the crate `tar` reads alike.
//!
//! Fuzzers do not get past a gzip's checksum, so an input that does not begin as gzip is taken as the tar inside one.

#![no_main]

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let packed;
    let archive: &[u8] = if data.starts_with(b"\x1f\x8b") {
        data
    } else {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
        gzip.write_all(data).expect("memory takes all");
        packed = gzip.finish().expect("memory takes all");
        &packed
    };
    let Some(ours) = pkgctl::archive::oracles::tar_gz(archive) else {
        return;
    };
    let mut theirs = tar::Archive::new(GzDecoder::new(archive));
    let mut entries = theirs.entries().expect("another reader refuses what we accept");
    for seen in &ours {
        let mut entry = loop {
            let entry = entries.next().expect("a member less").expect("a member that is not readable");
            // A root folder is no member to us.
            if !clean(&entry.path_bytes()).is_empty() {
                break entry;
            }
        };
        assert_eq!(clean(&entry.path_bytes()), seen.path);
        let mut content = Vec::new();
        if seen.kind == 'f' {
            entry.read_to_end(&mut content).expect("content that is not readable");
        }
        assert!(content == seen.content, "{} has another content", seen.path);
    }
});

fn clean(path: &[u8]) -> String {
    let path = String::from_utf8_lossy(path);
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    parts.join("/")
}
