//! The suite that every store must pass: the promises of the [module](super), through the trait alone.

use std::io::{Read as _, Seek as _, SeekFrom};

use bytes::Bytes;

use super::{Changes, Error, Root, SharedStore, Spool, Stamp, Store, StoreKey};
use crate::packaging::Sha256;
use crate::packaging::digest::{Algorithm, MultiHasher};

/// Every promise in turn, on a store that is empty.
pub(super) async fn holds_for(store: SharedStore) {
    a_spool_tells_length_and_digests(&*store).await;
    digests_asked_for_beforehand_are_those_of_all_bytes(&*store).await;
    a_spool_can_be_read_anywhere(&*store).await;
    what_was_put_is_there_whole(&*store).await;
    the_first_writer_wins(&*store).await;
    of_many_writers_one_wins(&store).await;
    a_replaced_object_stays_readable(&*store).await;
    a_deleted_object_stays_readable(&*store).await;
    an_abandoned_spool_leaves_nothing(&*store).await;
    nothing_is_found_where_nothing_is(&*store).await;
    own_changes_are_told(&*store).await;
}

/// A key in the first root.
pub(super) fn key(path: &str) -> StoreKey {
    StoreKey::parse(Root(0), path).unwrap()
}

/// A finished spool with these bytes, given in pieces.
pub(super) async fn spooled(store: &dyn Store, bytes: &[u8]) -> Spool {
    let mut spool = store.spool().await.unwrap();
    for piece in bytes.chunks(60_001) {
        spool.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    spool.finish().await.unwrap();
    spool
}

/// Puts an object that must not be there yet.
pub(super) async fn put(store: &dyn Store, path: &str, bytes: &[u8]) -> Stamp {
    let spool = spooled(store, bytes).await;
    store.put_new(&key(path), spool).await.unwrap()
}

/// All bytes of an object.
pub(super) async fn bytes_of(store: &dyn Store, path: &str) -> Vec<u8> {
    let mut object = store.open(&key(path)).await.unwrap();
    let mut bytes = Vec::new();
    object.reader.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len() as u64, object.stamp.size_bytes);
    bytes
}

/// The listed paths, in order.
pub(super) async fn listed(store: &dyn Store) -> Vec<String> {
    let entries = store.list().await.unwrap();
    let mut paths: Vec<_> = entries.iter().map(|entry| entry.key.path().to_owned()).collect();
    paths.sort();
    paths
}

/// Whether the changes include this key.
pub(super) fn tells(changes: &Changes, path: &str) -> bool {
    match changes {
        Changes::None => false,
        Changes::Keys(keys) => keys.contains(&key(path)),
        Changes::Everything => true,
    }
}

/// Bytes that differ everywhere, so that none can be taken for others.
fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

async fn a_spool_tells_length_and_digests(store: &dyn Store) {
    // The lengths lie on both sides of what a store may buffer.
    for length in [0, 1, 262_143, 262_144, 262_145, 1_500_000] {
        let bytes = noise(length, 1);
        let mut spool = spooled(store, &bytes).await;
        let contents = spool.finish().await.unwrap();
        assert_eq!(contents.size_bytes, length as u64);
        assert_eq!(contents.sha256, Sha256::of(&bytes), "{length} bytes");
        for algorithm in [
            Algorithm::Md5,
            Algorithm::Sha256,
            Algorithm::Sha512,
            Algorithm::Blake2b256,
        ] {
            let mut hasher = MultiHasher::new([algorithm]);
            hasher.update(&bytes);
            let digest = spool.digest(algorithm).await.unwrap();
            assert_eq!(
                Some(digest),
                hasher.finish().pop(),
                "{algorithm:?} of {length} bytes"
            );
        }
    }
}

async fn digests_asked_for_beforehand_are_those_of_all_bytes(store: &dyn Store) {
    let asked = [Algorithm::Md5, Algorithm::Sha256, Algorithm::Blake2b256];
    for length in [0, 5_000, 262_144, 262_145, 5_000_000] {
        let bytes = noise(length, 4);
        let mut spool = store.spool().await.unwrap();
        spool.digest_too(asked);
        for piece in bytes.chunks(100_003) {
            spool.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        // One more that nobody asked for beforehand, and each twice.
        for algorithm in asked.into_iter().chain([Algorithm::Sha512]) {
            let mut hasher = MultiHasher::new([algorithm]);
            hasher.update(&bytes);
            let expected = hasher.finish().pop();
            for _ in 0..2 {
                let digest = spool.digest(algorithm).await.unwrap();
                assert_eq!(Some(digest), expected, "{algorithm:?} of {length} bytes");
            }
        }
    }
}

async fn a_spool_can_be_read_anywhere(store: &dyn Store) {
    let bytes = noise(600_000, 2);
    let spool = spooled(store, &bytes).await;
    let mut one = spool.reader();
    let mut other = spool.reader();
    let mut tail = [0; 10];
    one.seek(SeekFrom::End(-10)).unwrap();
    one.read_exact(&mut tail).unwrap();
    assert_eq!(tail, bytes[599_990..]);
    assert_eq!(one.read(&mut tail).unwrap(), 0);
    let mut all = Vec::new();
    other.read_to_end(&mut all).unwrap();
    assert!(all == bytes);
    assert!(one.seek(SeekFrom::Current(-600_001)).is_err());
    drop(spool);
    one.seek(SeekFrom::Start(7)).unwrap();
    one.read_exact(&mut tail).unwrap();
    assert_eq!(tail, bytes[7..17], "a reader outlives its spool");
}

async fn what_was_put_is_there_whole(store: &dyn Store) {
    let bytes = noise(300_000, 3);
    let stamp = put(store, "whole-1.0.tar.gz", &bytes).await;
    assert_eq!(stamp.size_bytes, 300_000);
    assert!(bytes_of(store, "whole-1.0.tar.gz").await == bytes);
    assert_eq!(store.head(&key("whole-1.0.tar.gz")).await.unwrap(), stamp);
    assert_eq!(store.open(&key("whole-1.0.tar.gz")).await.unwrap().stamp, stamp);
    let entries = store.list().await.unwrap();
    assert!(
        entries
            .iter()
            .any(|entry| entry.key == key("whole-1.0.tar.gz") && entry.stamp == stamp)
    );
    put(store, "empty-1.0.tar.gz", b"").await;
    assert_eq!(bytes_of(store, "empty-1.0.tar.gz").await, b"");
}

async fn the_first_writer_wins(store: &dyn Store) {
    put(store, "first-1.0.tar.gz", b"first").await;
    let second = spooled(store, b"second").await;
    let refused = store.put_new(&key("first-1.0.tar.gz"), second).await;
    assert!(matches!(refused, Err(Error::AlreadyExists(at)) if at == key("first-1.0.tar.gz")));
    assert_eq!(bytes_of(store, "first-1.0.tar.gz").await, b"first");
}

async fn of_many_writers_one_wins(store: &SharedStore) {
    for round in 0..10 {
        let path = format!("race-{round}.tar.gz");
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..8_u32 {
            let (store, key) = (SharedStore::clone(store), key(&path));
            writers.spawn(async move {
                let spool = spooled(&*store, &noise(5_000, writer)).await;
                (writer, store.put_new(&key, spool).await)
            });
        }
        let mut winners = Vec::new();
        while let Some(done) = writers.join_next().await {
            match done.unwrap() {
                (writer, Ok(_)) => winners.push(writer),
                (_, Err(Error::AlreadyExists(_))) => {}
                (_, Err(error)) => panic!("{error}"),
            }
        }
        let [winner] = winners[..] else {
            panic!("{winners:?} won");
        };
        assert!(bytes_of(&**store, &path).await == noise(5_000, winner));
    }
}

async fn a_replaced_object_stays_readable(store: &dyn Store) {
    let (old, new) = (noise(400_000, 4), noise(300_000, 5));
    let before = put(store, "replaced-1.0.tar.gz", &old).await;
    let mut object = store.open(&key("replaced-1.0.tar.gz")).await.unwrap();
    let mut start = vec![0; 1000];
    object.reader.read_exact(&mut start).unwrap();
    let spool = spooled(store, &new).await;
    let after = store.replace(&key("replaced-1.0.tar.gz"), spool).await.unwrap();
    assert_ne!(before, after);
    object.reader.read_to_end(&mut start).unwrap();
    assert!(start == old);
    assert!(bytes_of(store, "replaced-1.0.tar.gz").await == new);
    let spool = spooled(store, b"not there yet").await;
    store.replace(&key("replaced-2.0.tar.gz"), spool).await.unwrap();
    assert_eq!(bytes_of(store, "replaced-2.0.tar.gz").await, b"not there yet");
}

async fn a_deleted_object_stays_readable(store: &dyn Store) {
    put(store, "deleted-1.0.tar.gz", b"still here").await;
    let mut object = store.open(&key("deleted-1.0.tar.gz")).await.unwrap();
    store.delete(&key("deleted-1.0.tar.gz")).await.unwrap();
    let mut text = String::new();
    object.reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "still here");
    assert!(!listed(store).await.contains(&"deleted-1.0.tar.gz".to_owned()));
    put(store, "deleted-1.0.tar.gz", b"again").await;
}

async fn an_abandoned_spool_leaves_nothing(store: &dyn Store) {
    let before = listed(store).await;
    drop(store.spool().await.unwrap());
    drop(spooled(store, &noise(400_000, 6)).await);
    let mut unfinished = store.spool().await.unwrap();
    unfinished.write(noise(900_000, 7).into()).await.unwrap();
    drop(unfinished);
    assert_eq!(listed(store).await, before);
}

async fn nothing_is_found_where_nothing_is(store: &dyn Store) {
    for path in [
        "absent-1.0.tar.gz",
        "no/such/folder.tar.gz",
        "whole-1.0.tar.gz/below",
    ] {
        let at = key(path);
        assert!(
            matches!(store.head(&at).await, Err(Error::NotFound(found)) if found == at),
            "{path}"
        );
        assert!(
            matches!(store.open(&at).await, Err(Error::NotFound(found)) if found == at),
            "{path}"
        );
        assert!(
            matches!(store.delete(&at).await, Err(Error::NotFound(found)) if found == at),
            "{path}"
        );
    }
    let elsewhere = StoreKey::parse(Root(999), "a-1.0.tar.gz").unwrap();
    assert!(matches!(store.head(&elsewhere).await, Err(Error::NotFound(_))));
}

async fn own_changes_are_told(store: &dyn Store) {
    store.take_changes();
    put(store, "told-1.0.tar.gz", b"one").await;
    assert!(tells(&store.take_changes(), "told-1.0.tar.gz"));
    let spool = spooled(store, b"two").await;
    store.replace(&key("told-1.0.tar.gz"), spool).await.unwrap();
    assert!(tells(&store.take_changes(), "told-1.0.tar.gz"));
    store.delete(&key("told-1.0.tar.gz")).await.unwrap();
    assert!(tells(&store.take_changes(), "told-1.0.tar.gz"));
}
