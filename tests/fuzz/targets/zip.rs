//! Members of a zip: what our walker accepts, the crate `zip` reads alike.

#![no_main]

use std::io::{Cursor, Read as _};

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(ours) = pkgctl::archive::oracles::zip(data) else {
        return;
    };
    let mut theirs = zip::ZipArchive::new(Cursor::new(data)).expect("another reader refuses what we accept");
    assert_eq!(theirs.len(), ours.len());
    for (position, seen) in ours.iter().enumerate() {
        let mut member = theirs.by_index(position).expect("a member that is not readable");
        let name = member.name().expect("a name that is not readable").into_owned();
        assert_eq!(name.trim_end_matches('/'), seen.path);
        assert_eq!(member.is_dir(), seen.kind == 'd', "{}", seen.path);
        let mut content = Vec::new();
        member.read_to_end(&mut content).expect("content that is not readable");
        assert!(content == seen.content, "{} has another content", seen.path);
    }
});
