//! A catalog whose file is locked, removed, spoilt or out of reach goes on, and comes back.

use std::fs;
use std::sync::Mutex;
use std::time::Instant;

use rusqlite::Connection;
use tempfile::TempDir;

use super::super::contract::{self, facts, key, name, seen, stamp, upload};
use super::*;
use crate::storage::Root;

/// A folder with a root in it that holds the catalog.
struct Fixture {
    root: PathBuf,
    path: PathBuf,
    folders: TempDir,
    /// What a listing of the root gives.
    listing: Arc<Mutex<Vec<Entry>>>,
}

fn fixture() -> Fixture {
    let folders = tempfile::tempdir().unwrap();
    let root = folders.path().join("packages");
    Fixture {
        path: root.join(".pkgctl/catalog.db"),
        root,
        folders,
        listing: Arc::default(),
    }
}

impl Fixture {
    async fn open(&self) -> (SteadyCatalog, Opened) {
        let listing = Arc::clone(&self.listing);
        let census: Census = Box::new(move || {
            let entries = listing.lock().unwrap().clone();
            Box::pin(async move { Ok(entries) })
        });
        let roots = [self.root.clone()];
        SteadyCatalog::open(&self.path, &roots, census).await.unwrap()
    }

    /// One that holds an upload by alice and a file that was copied in.
    async fn filled(&self) -> SteadyCatalog {
        let (catalog, opened) = self.open().await;
        assert_eq!(opened, Opened::New);
        catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
        catalog
            .observe(vec![seen(0, "b-1.0.tar.gz", stamp(2))])
            .await
            .unwrap();
        let entry = |path: &str, number| Entry {
            key: StoreKey::parse(Root(0), path).unwrap(),
            stamp: stamp(number),
        };
        *self.listing.lock().unwrap() = vec![entry("a-1.0.tar.gz", 1), entry("b-1.0.tar.gz", 2)];
        catalog
    }

    fn beside(&self) -> Connection {
        Connection::open(&self.path).unwrap()
    }
}

async fn is_on_disk(catalog: &SteadyCatalog) -> bool {
    catalog.shared.current.read().await.stand_in.is_none()
}

async fn comes_back(catalog: &SteadyCatalog) {
    let begun = Instant::now();
    while !is_on_disk(catalog).await {
        assert!(begun.elapsed() < Duration::from_secs(30), "it never came back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn uploader(catalog: &SteadyCatalog, filename: &str) -> Option<String> {
    catalog.file(filename).await.unwrap().unwrap().uploader
}

#[tokio::test]
async fn the_contract_holds() {
    let folders = tempfile::tempdir().unwrap();
    let roots: [PathBuf; 2] = ["/srv/a".into(), "/srv/b".into()];
    let mut catalogs = Vec::new();
    // More than there are promises.
    for number in 0..40 {
        let path = folders.path().join(format!("{number}/catalog.db"));
        let census: Census = Box::new(|| Box::pin(async { Ok(Vec::new()) }));
        catalogs.push(SteadyCatalog::open(&path, &roots, census).await.unwrap().0);
    }
    let catalogs = std::cell::RefCell::new(catalogs);
    contract::holds_for(|| catalogs.borrow_mut().pop().unwrap()).await;
}

// A backup, or a person with `sqlite3`, keeps a transaction open.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_file_keeps_no_reader_waiting() {
    let f = fixture();
    let catalog = f.filled().await;
    let other = f.beside();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    let gone = Observation::Gone {
        key: key(0, "b-1.0.tar.gz"),
    };
    catalog
        .observe(vec![gone, seen(0, "c-1.0.tar.gz", stamp(3))])
        .await
        .unwrap();
    assert_eq!(catalog.projects().await.unwrap(), [name("a"), name("c")]);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(uploader(&catalog, "a-1.0.tar.gz").await.as_deref(), Some("alice"));
    assert!(
        catalog
            .record_facts(&key(0, "c-1.0.tar.gz"), stamp(3), facts("3"))
            .await
            .unwrap()
    );
    let rewritten = Observation::Seen {
        key: key(0, "a-1.0.tar.gz"),
        filename: "a-1.0.tar.gz".parse().unwrap(),
        stamp: stamp(1),
        rewritten: true,
    };
    catalog.observe(vec![rewritten]).await.unwrap();
    let refused = catalog.record_upload(upload("d-1.0.tar.gz", 4)).await;
    assert!(matches!(refused, Err(Error::Busy { .. })), "{refused:?}");
    other.execute_batch("ROLLBACK").unwrap();
    comes_back(&catalog).await;
    catalog.record_upload(upload("d-1.0.tar.gz", 4)).await.unwrap();
    drop(catalog);
    let (catalog, opened) = f.open().await;
    assert_eq!(opened, Opened::Existing);
    assert_eq!(
        catalog.projects().await.unwrap(),
        [name("a"), name("c"), name("d")]
    );
    let record = catalog.file("a-1.0.tar.gz").await.unwrap().unwrap();
    assert_eq!(record.facts, None, "it was rewritten under the same stamp");
    let record = catalog.file("c-1.0.tar.gz").await.unwrap().unwrap();
    assert_eq!(record.facts, Some(facts("3")), "what was read meanwhile is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_removed_or_emptied_is_made_anew_with_all_it_held() {
    for way in ["state folder", "file", "emptied"] {
        let f = fixture();
        let catalog = f.filled().await;
        match way {
            "state folder" => fs::remove_dir_all(f.path.parent().unwrap()).unwrap(),
            "file" => fs::remove_file(&f.path).unwrap(),
            _ => drop(fs::File::create(&f.path).unwrap()),
        }
        assert_eq!(catalog.projects().await.unwrap(), [name("a"), name("b")], "{way}");
        catalog.record_upload(upload("c-1.0.tar.gz", 3)).await.unwrap();
        assert!(is_on_disk(&catalog).await, "{way}");
        drop(catalog);
        let (catalog, opened) = f.open().await;
        assert_eq!(opened, Opened::Existing, "{way}");
        assert_eq!(
            uploader(&catalog, "a-1.0.tar.gz").await.as_deref(),
            Some("alice"),
            "{way}"
        );
        assert_eq!(catalog.counts().await.unwrap().files, 3, "{way}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_goes_is_not_made_anew() {
    let f = fixture();
    let catalog = f.filled().await;
    let away = f.folders.path().join("away");
    fs::rename(&f.root, &away).unwrap();
    assert_eq!(catalog.projects().await.unwrap(), [name("a"), name("b")]);
    assert!(catalog.record_upload(upload("c-1.0.tar.gz", 3)).await.is_err());
    assert!(!f.root.exists(), "something else may be mounted there soon");
    fs::rename(&away, &f.root).unwrap();
    comes_back(&catalog).await;
    fs::remove_dir_all(&f.root).unwrap();
    assert_eq!(catalog.projects().await.unwrap(), [name("a"), name("b")]);
    fs::create_dir(&f.root).unwrap();
    comes_back(&catalog).await;
    catalog.record_upload(upload("c-1.0.tar.gz", 3)).await.unwrap();
    drop(catalog);
    let (catalog, _) = f.open().await;
    assert_eq!(uploader(&catalog, "a-1.0.tar.gz").await.as_deref(), Some("alice"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_exchanged_is_followed() {
    let f = fixture();
    let catalog = f.filled().await;
    let other = fixture();
    let (theirs, _) = other.open().await;
    theirs.record_upload(upload("z-1.0.tar.gz", 9)).await.unwrap();
    drop(theirs);
    fs::rename(&other.path, &f.path).unwrap();
    assert_eq!(
        catalog.projects().await.unwrap(),
        [name("a"), name("b")],
        "what is there is known"
    );
    comes_back(&catalog).await;
    assert_eq!(catalog.projects().await.unwrap(), [name("a"), name("b")]);
    assert_eq!(catalog.files_like("z-1.0.tar.gz").await.unwrap().len(), 0);
    assert!(
        catalog.project(&name("z")).await.unwrap().is_some(),
        "its history counts"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_scribbled_on_is_set_aside() {
    let f = fixture();
    let catalog = f.filled().await;
    // Everything is in the file, and no page of it in anybody's memory.
    f.beside()
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let length = fs::metadata(&f.path).unwrap().len();
    fs::write(&f.path, vec![0xa5; usize::try_from(length).unwrap()]).unwrap();
    let begun = Instant::now();
    loop {
        catalog
            .observe(vec![seen(0, "b-1.0.tar.gz", stamp(2))])
            .await
            .unwrap();
        assert_eq!(catalog.projects().await.unwrap(), [name("a"), name("b")]);
        if f.path.with_file_name("catalog.db.damaged-1").exists() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it was never noticed");
        // A reader that has not read anything yet.
        let mut current = catalog.shared.current.write().await;
        let path = f.path.clone();
        let roots = [f.root.clone()];
        if let Ok((fresh, _)) = SqliteCatalog::open(&path, &roots) {
            current.catalog = Arc::new(fresh);
        }
    }
    comes_back(&catalog).await;
    catalog.record_upload(upload("c-1.0.tar.gz", 3)).await.unwrap();
    drop(catalog);
    let (catalog, opened) = f.open().await;
    assert_eq!(opened, Opened::Existing);
    assert_eq!(
        catalog.projects().await.unwrap(),
        [name("a"), name("b"), name("c")]
    );
}

/// What files can't say, of the one who uploaded `a` and of `z`, which is here no more.
async fn assert_all_remembered(catalog: &SteadyCatalog) {
    assert_eq!(uploader(catalog, "a-1.0.tar.gz").await.as_deref(), Some("alice"));
    let record = catalog.file("a-1.0.tar.gz").await.unwrap().unwrap();
    assert_eq!(record.yanked.map(|yank| yank.reason).as_deref(), Some("broken"));
    let gone = catalog.files_like(&identity("z-1.0.tar.gz")).await.unwrap();
    assert!(!gone[0].present && gone[0].facts.is_some(), "{gone:?}");
}

/// A file that is gone, and remembered.
async fn upload_and_remove(catalog: &SteadyCatalog, path: &str) {
    catalog.record_upload(upload(path, 26)).await.unwrap();
    catalog
        .record_removal(&key(0, path), None, Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
}

fn identity(filename: &str) -> String {
    DistFilename::parse_listed(filename).unwrap().identity()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_copy_takes_the_place_of_a_damaged_catalog() {
    let f = fixture();
    let catalog = f.filled().await;
    upload_and_remove(&catalog, "z-1.0.tar.gz").await;
    f.beside()
        .execute_batch("UPDATE files SET yank_reason = 'broken' WHERE filename = 'a-1.0.tar.gz'")
        .unwrap();
    catalog.keep_copy().await.unwrap();
    let copy = f.path.with_file_name("catalog.db.copy");
    let made = fs::metadata(&copy).unwrap().modified().unwrap();
    catalog.keep_copy().await.unwrap();
    assert_eq!(
        fs::metadata(&copy).unwrap().modified().unwrap(),
        made,
        "nothing has changed"
    );
    // After the copy: one file comes, another one goes.
    catalog.record_upload(upload("c-1.0.tar.gz", 3)).await.unwrap();
    drop(catalog);
    let length = usize::try_from(fs::metadata(&f.path).unwrap().len()).unwrap();
    fs::write(&f.path, vec![0xa5; length]).unwrap();
    let (catalog, opened) = f.open().await;
    assert!(
        matches!(
            opened,
            Opened::Replaced {
                copied_at: Some(_),
                ..
            }
        ),
        "{opened:?}"
    );
    assert_all_remembered(&catalog).await;
    assert_eq!(catalog.projects().await.unwrap(), [name("a"), name("b")]);

    // The same while it is in use.
    let error = Error::Damaged {
        path: f.path.clone(),
        source: rusqlite::Error::InvalidQuery,
    };
    f.listing.lock().unwrap().pop();
    catalog.shared.step_in(0, error).await.unwrap();
    assert_all_remembered(&catalog).await;
    assert_eq!(catalog.projects().await.unwrap(), [name("a")], "b went meanwhile");
    comes_back(&catalog).await;
    assert_all_remembered(&catalog).await;
    drop(catalog);

    // A copy that is damaged too is no help and no harm.
    fs::write(&f.path, vec![0xa5; length]).unwrap();
    fs::write(&copy, vec![0xa5; length]).unwrap();
    let (catalog, opened) = f.open().await;
    assert!(
        matches!(opened, Opened::Replaced { copied_at: None, .. }),
        "{opened:?}"
    );
    assert_eq!(catalog.projects().await.unwrap(), []);
    catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
}

#[tokio::test]
async fn a_file_that_cant_be_written_is_read_all_the_same() {
    let f = fixture();
    drop(f.filled().await);
    let copy = SqliteCatalog::load(&f.path, std::slice::from_ref(&f.root)).unwrap();
    let record = copy.file("a-1.0.tar.gz").await.unwrap().unwrap();
    assert_eq!(record.uploader.as_deref(), Some("alice"));
    let (catalog, opened) = SteadyCatalog::open(
        Path::new("/sys/pkgctl/catalog.db"),
        std::slice::from_ref(&f.root),
        Box::new(|| Box::pin(async { Ok(Vec::new()) })),
    )
    .await
    .unwrap();
    assert!(matches!(opened, Opened::InMemory { .. }));
    catalog
        .observe(vec![seen(0, "a-1.0.tar.gz", stamp(1))])
        .await
        .unwrap();
    assert_eq!(catalog.projects().await.unwrap(), [name("a")]);
    let refused = catalog.record_upload(upload("a-2.0.tar.gz", 2)).await;
    assert!(matches!(refused, Err(Error::NotWritable { .. })), "{refused:?}");
}

/// A catalog of more than four megabytes, with a yank and a name that went, and a second copy of all that.
async fn large(f: &Fixture) -> PathBuf {
    let catalog = f.filled().await;
    upload_and_remove(&catalog, "z-1.0.tar.gz").await;
    let many: Vec<(String, u64)> = (0..20_000)
        .map(|number| (format!("many{number}-1.0.tar.gz"), number))
        .collect();
    let observations = many.iter().map(|(path, number)| seen(0, path, stamp(*number)));
    catalog.observe(observations.collect()).await.unwrap();
    let entries = many.iter().map(|(path, number)| Entry {
        key: key(0, path),
        stamp: stamp(*number),
    });
    f.listing.lock().unwrap().extend(entries);
    f.beside()
        .execute_batch("UPDATE files SET yank_reason = 'broken' WHERE filename = 'a-1.0.tar.gz'")
        .unwrap();
    catalog.keep_copy().await.unwrap();
    drop(catalog);
    assert!(fs::metadata(&f.path).unwrap().len() > 4 << 20);
    f.path.with_file_name("catalog.db.copy")
}

/// Overwrites pages in the midst of a database, so that opening it does not tell.
fn scribble_in_the_midst_of(path: &Path) {
    use std::os::unix::fs::FileExt as _;
    let file = fs::File::options().write(true).open(path).unwrap();
    let middle = fs::metadata(path).unwrap().len() / 2 / 4096 * 4096;
    file.write_all_at(&[0xa5; 16 * 4096], middle).unwrap();
}

// Reading all of it takes longer than a start may.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_catalog_that_is_damaged_is_found_after_the_start_and_replaced_by_its_copy() {
    let f = fixture();
    large(&f).await;
    scribble_in_the_midst_of(&f.path);
    let (catalog, opened) = f.open().await;
    assert_eq!(opened, Opened::Existing, "the start does not wait for the look");
    let aside = f.path.with_file_name("catalog.db.damaged-1");
    let begun = Instant::now();
    while !aside.exists() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it was never noticed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    comes_back(&catalog).await;
    assert_all_remembered(&catalog).await;
    assert_eq!(catalog.counts().await.unwrap().files, 20_002);
    drop(catalog);
    let (catalog, opened) = f.open().await;
    assert_eq!(opened, Opened::Existing);
    catalog.shared.current.read().await.catalog.check().await.unwrap();
    assert_all_remembered(&catalog).await;
}

// A server that is stopped right after its start has not looked yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_catalog_is_never_copied_over_its_sound_copy() {
    let f = fixture();
    let copy = large(&f).await;
    scribble_in_the_midst_of(&f.path);
    let (catalog, _) = f.open().await;
    // Something to copy, if the damage lets it be said.
    let _ = catalog.record_upload(upload("c-1.0.tar.gz", 3)).await;
    catalog.keep_copy().await.unwrap();
    assert!(f.path.with_file_name("catalog.db.damaged-1").exists());
    super::super::file::check(&Connection::open(&copy).unwrap()).unwrap();
    comes_back(&catalog).await;
    assert_all_remembered(&catalog).await;
}
