//! The suite that every catalog must pass: the promises of [`Catalog`], through the trait alone.

use jiff::Timestamp;

use super::*;
use crate::packaging::digest::Algorithm;
use crate::storage::Root;

mod coming_and_going;
mod listings;
mod observations;
mod what_was_read;

/// Every promise in turn; each begins with an empty catalog over two roots.
pub(super) async fn holds_for<C: Catalog>(empty: impl Fn() -> C) {
    coming_and_going::holds_for(&empty).await;
    what_was_read::holds_for(&empty).await;
    listings::holds_for(&empty).await;
    observations::holds_for(&empty).await;
}

pub(super) fn key(root: u16, path: &str) -> StoreKey {
    StoreKey::parse(Root(root), path).unwrap()
}

pub(super) fn name(text: &str) -> ProjectName {
    text.parse().unwrap()
}

pub(super) fn stamp(seed: u64) -> Stamp {
    Stamp {
        size_bytes: 1000 + seed,
        modified_ns: 1_700_000_000_123_456_789 + i64::try_from(seed).unwrap(),
        // An inode may use all 64 bits.
        identity: u64::MAX - seed,
    }
}

pub(super) fn seen(root: u16, path: &str, stamp: Stamp) -> Observation {
    let key = key(root, path);
    let filename = DistFilename::parse_listed(key.filename()).unwrap();
    let rewritten = false;
    Observation::Seen {
        key,
        filename,
        stamp,
        rewritten,
    }
}

fn gone(root: u16, path: &str) -> Observation {
    Observation::Gone { key: key(root, path) }
}

pub(super) fn facts(seed: &str) -> FileFacts {
    FileFacts {
        sha256: Sha256::of(seed),
        digests: vec![
            NamedDigest::parse(Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72").unwrap(),
            NamedDigest::parse(Algorithm::Blake2b256, &Sha256::of("b").to_string()).unwrap(),
        ],
        requires_python: Some(">=3.9, <4 # 'quoted' — ünïcode".to_owned()),
        metadata_sha256: Some(Sha256::of("metadata")),
        defect: Some("half of it is missing".to_owned()),
    }
}

pub(super) fn upload(path: &str, seed: u64) -> UploadRecord {
    let key = key(0, path);
    UploadRecord {
        filename: key.filename().parse().unwrap(),
        key,
        stamp: stamp(seed),
        facts: facts("upload"),
        at: "2026-02-03T04:05:06.789012345Z".parse().unwrap(),
        uploader: Some("alice".to_owned()),
        replaced: false,
    }
}

async fn the_file(catalog: &impl Catalog, filename: &str) -> FileRecord {
    catalog.file(filename).await.unwrap().unwrap()
}

async fn paths_of(catalog: &impl Catalog, project: &str) -> Vec<String> {
    let record = catalog.project(&name(project)).await.unwrap().unwrap();
    record
        .files
        .iter()
        .map(|file| file.key.path().to_owned())
        .collect()
}
