//! The oracles of all rooms, held against the seeds of the fuzz targets, against what fuzzing has found, and against
//! some thousand small changes of both.
//!
//! A finding of `cargo fuzz` is kept by copying its file into `tests/fuzz/regressions/TARGET/`.

use std::fs;
use std::path::Path;

use crate::{archive, auth, checks, client, config, packaging, server};

/// How often each seed is changed.
const CHANGES: usize = 200;

/// A fuzz target: its name, and what must hold of any bytes.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 21] = [
    ("zip", |bytes| drop(archive::oracles::zip(bytes))),
    ("tar", |bytes| drop(archive::oracles::tar_gz(bytes))),
    ("distribution", |bytes| {
        archive::oracles::distribution(
            "demo_pkg-1.0-py3-none-any.whl",
            bytes.get(1..).unwrap_or_default(),
        );
        archive::oracles::distribution("demo_pkg-1.0.tar.gz", bytes.get(1..).unwrap_or_default());
    }),
    ("door", server::oracles::door),
    ("multipart", server::oracles::multipart),
    ("headers", server::oracles::headers),
    ("xml_rpc", |bytes| of_text(bytes, server::oracles::xml_rpc)),
    ("metadata", packaging::oracles::metadata),
    ("names", |bytes| of_text(bytes, packaging::oracles::names)),
    ("pyproject", |bytes| of_text(bytes, packaging::oracles::pyproject)),
    ("upload_fields", |bytes| {
        of_text(bytes, packaging::oracles::upload_fields);
    }),
    ("htpasswd", auth::oracles::htpasswd),
    ("authorization", auth::oracles::authorization),
    ("pypirc", |bytes| of_text(bytes, config::oracles::pypirc)),
    ("pip_conf", |bytes| of_text(bytes, config::oracles::pip_conf)),
    ("netrc", |bytes| of_text(bytes, config::oracles::netrc)),
    ("tool_files", |bytes| of_text(bytes, config::oracles::tool_files)),
    ("settings", |bytes| of_text(bytes, config::oracles::settings)),
    ("index_page", |bytes| of_text(bytes, client::oracles::index_page)),
    ("answer", client::oracles::answer),
    ("markup", |bytes| of_text(bytes, checks::oracles::markup)),
];

fn of_text(bytes: &[u8], oracle: fn(&str)) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        oracle(text);
    }
}

/// The files of `tests/fuzz/KIND/TARGET/`, in the order of their names.
fn files(kind: &str, target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz")
        .join(kind)
        .join(target);
    let Ok(listing) = fs::read_dir(&folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = listing.map(|entry| entry.unwrap().path()).collect();
    paths.sort_unstable();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Some bytes of `seed` changed, taken out, doubled, or put elsewhere.
fn changed(seed: &[u8], roll: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    const WORTHY: &[u8] = b"\0\n\r\t \"'#%&*+,-./:;<=>[\\]{|}~09Aaz\x7f\x80\xff";
    let mut bytes = seed.to_vec();
    for _ in 0..=roll(4) {
        let at = roll(bytes.len() + 1);
        let end = (at + roll(12)).min(bytes.len());
        match roll(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                let to = roll(bytes.len() + 1);
                drop(bytes.splice(to..to, piece));
            }
            3 => bytes.insert(at, WORTHY[roll(WORTHY.len())]),
            4 if at < bytes.len() => bytes[at] ^= 1 << roll(8),
            _ if at < bytes.len() => bytes[at] = WORTHY[roll(WORTHY.len())],
            _ => {}
        }
    }
    bytes
}

#[test]
fn the_oracles_hold() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut roll = |sides: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % sides
    };
    let mut broken = Vec::new();
    for (target, oracle) in TARGETS {
        let seeds = files("seeds", target);
        assert!(
            !seeds.is_empty(),
            "{target} has no seeds: run tests/fuzz/seeds.py"
        );
        let mut inputs = seeds.clone();
        inputs.extend(files("regressions", target));
        for position in 0..inputs.len() {
            let more: Vec<_> = (0..CHANGES)
                .map(|_| changed(&inputs[position], &mut roll))
                .collect();
            inputs.extend(more);
        }
        let fails = |input: &Vec<u8>| std::panic::catch_unwind(|| oracle(input)).is_err();
        if let Some(input) = inputs.into_iter().find(fails) {
            broken.push(format!("{target}: b\"{}\"", input.escape_ascii()));
        }
    }
    assert!(
        broken.is_empty(),
        "oracles that do not hold of\n{}",
        broken.join("\n")
    );
}

#[test]
fn every_fuzz_target_is_here_too() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/targets");
    let mut there: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut here: Vec<String> = TARGETS.iter().map(|(target, _)| format!("{target}.rs")).collect();
    there.sort_unstable();
    here.sort_unstable();
    assert_eq!(there, here);
}
