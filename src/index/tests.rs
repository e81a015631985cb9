//! The index over a real folder, without HTTP.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::*;
use crate::catalog::SqliteCatalog;
use crate::packaging::Sha256;
use crate::packaging::simple::negotiate::Format;
use crate::packaging::upload_form::UploadForm;
use crate::storage::{Changes, Entry, LocalStore, Object, Placed, Stamp, Store, StoreKey};

/// A store that can be told to fail when it is asked about a file.
struct Flaky {
    inner: LocalStore,
    fails: AtomicBool,
    panics: AtomicBool,
    /// What is placed can't be kept.
    forgets: AtomicBool,
}

#[async_trait]
impl Store for Flaky {
    async fn spool(&self) -> Result<Spool, storage::Error> {
        self.inner.spool().await
    }

    async fn put_new(&self, key: &StoreKey, spool: Spool) -> Result<Stamp, storage::Error> {
        self.inner.put_new(key, spool).await
    }

    async fn place_new(&self, key: &StoreKey, spool: Spool) -> Result<Placed, storage::Error> {
        let stamp = self.inner.put_new(key, spool).await?;
        if !self.forgets.load(Ordering::Relaxed) {
            return Ok(Placed::safely(stamp));
        }
        self.inner.delete(key).await?;
        let path = key.path().into();
        Ok(Placed::until(stamp, async {
            let source = std::io::Error::other("the folder can't be synced");
            Err(storage::Error::Io {
                action: "sync",
                path,
                source,
            })
        }))
    }

    async fn replace(&self, key: &StoreKey, spool: Spool) -> Result<Stamp, storage::Error> {
        self.inner.replace(key, spool).await
    }

    async fn head(&self, key: &StoreKey) -> Result<Stamp, storage::Error> {
        assert!(!self.panics.load(Ordering::Relaxed), "a fault of ours");
        if self.fails.load(Ordering::Relaxed) {
            let source = std::io::Error::other("the disk is having a bad day");
            return Err(storage::Error::Io {
                action: "read",
                path: key.path().into(),
                source,
            });
        }
        self.inner.head(key).await
    }

    async fn open(&self, key: &StoreKey) -> Result<Object, storage::Error> {
        self.inner.open(key).await
    }

    async fn list(&self) -> Result<Vec<Entry>, storage::Error> {
        self.inner.list().await
    }

    async fn delete(&self, key: &StoreKey) -> Result<(), storage::Error> {
        self.inner.delete(key).await
    }

    fn take_changes(&self) -> Changes {
        self.inner.take_changes()
    }

    fn sees_content_changes(&self) -> bool {
        self.inner.sees_content_changes()
    }

    fn sees_changes_of(&self, key: &StoreKey) -> bool {
        self.inner.sees_changes_of(key)
    }

    async fn free_bytes(&self) -> Option<u64> {
        self.inner.free_bytes().await
    }
}

fn local(folder: &Path, watch: bool) -> LocalStore {
    let state_dir = folder.join(".pkgctl");
    let settings = storage::Settings {
        watch,
        ..storage::Settings::new(vec![folder.to_owned()], state_dir)
    };
    LocalStore::open(settings).unwrap()
}

async fn open(store: impl Store, folder: &Path) -> Arc<Index> {
    let catalog = SqliteCatalog::in_memory(&[folder.to_owned()]).unwrap();
    Index::open(Arc::new(store), Arc::new(catalog), Settings::default())
        .await
        .unwrap()
}

fn page_of(project: &str) -> PageKey {
    PageKey {
        project: Some(project.parse().unwrap()),
        format: Format::Json,
        gzip: false,
    }
}

async fn page(index: &Arc<Index>, project: &str) -> Option<Arc<Page>> {
    index.page(&page_of(project)).await.unwrap()
}

async fn text(index: &Arc<Index>, project: &str) -> String {
    let page = page(index, project).await.unwrap();
    String::from_utf8(page.body.to_vec()).unwrap()
}

async fn bytes(index: &Arc<Index>, path: &str) -> Option<Vec<u8>> {
    let download = index.download(path).await.unwrap()?;
    match download.content {
        Content::Memory(bytes) => Some(bytes.to_vec()),
        Content::Stored(_) => panic!("a small file was not kept in memory"),
    }
}

/// What a look at a large folder finds, and what it finds when it is taken again, however much came and went between.
#[tokio::test(flavor = "multi_thread")]
async fn large_folders_are_looked_at_in_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let at = |number: u32| folder.path().join(format!("lib{}-{number}.tar.gz", number % 7));
    for number in 0..6000 {
        fs::write(at(number), number.to_string()).unwrap();
    }
    fs::write(folder.path().join("notes.txt"), "no distribution").unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("sub/lib0-0.tar.gz"), "a twin").unwrap();
    let index = open(local(folder.path(), true), folder.path()).await;
    let counts = index.counts().await.unwrap();
    assert_eq!(
        (counts.projects, counts.files, index.ignored_files()),
        (7, 6001, 1)
    );
    assert_eq!(index.twins_told.lock().unwrap().len(), 1);
    assert!(text(&index, "lib6").await.contains("lib6-5998.tar.gz"));
    for number in 0..4500 {
        fs::remove_file(at(number)).unwrap();
    }
    fs::write(at(5998), "other bytes").unwrap();
    for number in 6000..9000 {
        fs::write(at(number), "x").unwrap();
    }
    index.rescan().await.unwrap();
    let counts = index.counts().await.unwrap();
    assert_eq!((counts.projects, counts.files), (7, 4501));
    let digest = Sha256::of("other bytes").to_string();
    assert!(text(&index, "lib6").await.contains(&digest));
}

/// With change events and without: nothing is ever stale.
#[tokio::test(flavor = "multi_thread")]
async fn changes_of_any_kind_are_in_the_next_answer() {
    for watch in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let index = open(local(folder.path(), watch), folder.path()).await;
        let path = folder.path().join("lib-1.0.tar.gz");
        assert!(page(&index, "lib").await.is_none());
        for round in 0..30 {
            let content = format!("round {round}, {}", "x".repeat(round));
            fs::write(&path, &content).unwrap();
            assert!(
                text(&index, "lib")
                    .await
                    .contains(&Sha256::of(&content).to_string()),
                "watch {watch}, {round}"
            );
            assert_eq!(bytes(&index, "lib-1.0.tar.gz").await.unwrap(), content.as_bytes());
            // The same length again, in place.
            let content = content.replace("round", "ROUND");
            fs::write(&path, &content).unwrap();
            assert_eq!(
                bytes(&index, "lib-1.0.tar.gz").await.unwrap(),
                content.as_bytes(),
                "watch {watch}, {round}"
            );
            assert!(
                text(&index, "lib")
                    .await
                    .contains(&Sha256::of(&content).to_string()),
                "watch {watch}, {round}"
            );
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(bytes(&index, "lib-1.0.tar.gz").await, None);
        assert!(text(&index, "lib").await.contains("\"files\":[]"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_made_once_for_all_who_want_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lib-1.0.tar.gz"), "one").unwrap();
    let index = open(local(folder.path(), true), folder.path()).await;
    let asking: Vec<_> = (0..50)
        .map(|_| {
            tokio::spawn({
                let index = Arc::clone(&index);
                async move { page(&index, "lib").await.unwrap() }
            })
        })
        .collect();
    let mut pages = Vec::new();
    for asked in asking {
        pages.push(asked.await.unwrap());
    }
    assert!(pages.iter().all(|page| Arc::ptr_eq(page, &pages[0])));
    // A change elsewhere leaves the page alone, one of its own does not.
    fs::write(folder.path().join("other-1.0.tar.gz"), "other").unwrap();
    assert!(Arc::ptr_eq(&page(&index, "lib").await.unwrap(), &pages[0]));
    fs::write(folder.path().join("lib-2.0.tar.gz"), "two").unwrap();
    let renewed = page(&index, "lib").await.unwrap();
    assert!(!Arc::ptr_eq(&renewed, &pages[0]) && renewed.etag != pages[0].etag);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_could_not_be_looked_at_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let store = Flaky {
        inner: local(folder.path(), true),
        fails: AtomicBool::new(false),
        panics: AtomicBool::new(false),
        forgets: AtomicBool::new(false),
    };
    let store = Arc::new(store);
    let catalog = SqliteCatalog::in_memory(&[folder.path().to_owned()]).unwrap();
    let index = Index::open(
        Arc::<Flaky>::clone(&store),
        Arc::new(catalog),
        Settings::default(),
    )
    .await
    .unwrap();
    store.fails.store(true, Ordering::Relaxed);
    fs::write(folder.path().join("lib-1.0.tar.gz"), "one").unwrap();
    // Rather no answer than a stale one.
    assert!(index.page(&page_of("lib")).await.is_err());
    assert!(index.page(&page_of("lib")).await.is_err());
    store.fails.store(false, Ordering::Relaxed);
    assert!(text(&index, "lib").await.contains(&Sha256::of("one").to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_asks_for_is_read_in_the_background() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..100 {
        let path = folder.path().join(format!("lib-1.{number}.tar.gz"));
        fs::write(&path, format!("{number}")).unwrap();
        let an_hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(an_hour_ago)
            .unwrap();
    }
    let catalog: SharedCatalog = Arc::new(SqliteCatalog::in_memory(&[folder.path().to_owned()]).unwrap());
    let store = Arc::new(local(folder.path(), true));
    let index = Index::open(store, Arc::clone(&catalog), Settings::default())
        .await
        .unwrap();
    assert_eq!(catalog.unread(1000).await.unwrap().len(), 100);
    let reading = tokio::spawn(Arc::clone(&index).read_in_background());
    let all_read = async {
        while !catalog.unread(1).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), all_read)
        .await
        .unwrap();
    reading.abort();
}

/// The clock of a file system may stand still between two writes.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_leaves_the_stamp_alone_is_noticed() {
    for watch in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let index = open(local(folder.path(), watch), folder.path()).await;
        let path = folder.path().join("lib-1.0.tar.gz");
        fs::write(&path, "aaaa").unwrap();
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        for content in ["bbbb", "cccc", "dddd"] {
            assert!(
                !text(&index, "lib")
                    .await
                    .contains(&Sha256::of(content).to_string())
            );
            assert_ne!(bytes(&index, "lib-1.0.tar.gz").await.unwrap(), content.as_bytes());
            fs::write(&path, content).unwrap();
            fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(time)
                .unwrap();
            let now = text(&index, "lib").await;
            assert!(
                now.contains(&Sha256::of(content).to_string()),
                "watch {watch}: {now}"
            );
            assert_eq!(
                bytes(&index, "lib-1.0.tar.gz").await.unwrap(),
                content.as_bytes(),
                "watch {watch}"
            );
        }
    }
}

/// `cp -p`, `tar x` and `rsync -t` set times back; the inode may be the same, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_under_an_old_stamp_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(local(folder.path(), true), folder.path()).await;
    let path = folder.path().join("lib-1.0.tar.gz");
    let an_hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    for content in ["aaaa", "bbbb", "cccc"] {
        fs::write(&path, content).unwrap();
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(an_hour_ago)
            .unwrap();
        let page = text(&index, "lib").await;
        assert!(
            page.contains(&Sha256::of(content).to_string()),
            "{content}: {page}"
        );
        assert_eq!(bytes(&index, "lib-1.0.tar.gz").await.unwrap(), content.as_bytes());
    }
}

/// Readers look at a file again when it is not as recorded; a late look must not undo a newer one.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_comes_and_goes_is_never_lost() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(local(folder.path(), true), folder.path()).await;
    let (here, away) = (folder.path().join("lib-1.0.tar.gz"), folder.path().join(".away"));
    fs::write(&here, "here").unwrap();
    let reading = AtomicBool::new(true);
    let reading = Arc::new(reading);
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (index, reading) = (Arc::clone(&index), Arc::clone(&reading));
            tokio::spawn(async move {
                while reading.load(Ordering::Relaxed) {
                    let _ = index.download("lib-1.0.tar.gz").await;
                    let _ = index.page(&page_of("lib")).await;
                    // A test that has failed must be able to end.
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for round in 0..300 {
        fs::rename(&here, &away).unwrap();
        assert_eq!(bytes(&index, "lib-1.0.tar.gz").await, None, "round {round}");
        fs::rename(&away, &here).unwrap();
        assert_eq!(
            bytes(&index, "lib-1.0.tar.gz").await.unwrap(),
            b"here",
            "round {round}"
        );
        assert!(
            text(&index, "lib")
                .await
                .contains(&Sha256::of("here").to_string()),
            "round {round}"
        );
    }
    reading.store(false, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
}

/// Two servers may share a folder and its catalog: what one has told the catalog is news to the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_index_on_the_folder_is_not_stale() {
    let folder = tempfile::tempdir().unwrap();
    let catalog_path = folder.path().join(".pkgctl/catalog.db");
    let roots = [folder.path().to_owned()];
    let mut both = Vec::new();
    for _ in 0..2 {
        let (catalog, _) = SqliteCatalog::open(&catalog_path, &roots).unwrap();
        let store = Arc::new(local(folder.path(), true));
        both.push(
            Index::open(store, Arc::new(catalog), Settings::default())
                .await
                .unwrap(),
        );
    }
    let path = folder.path().join("lib-1.0.tar.gz");
    for content in ["one", "two", "three"] {
        fs::write(&path, content).unwrap();
        for index in &both {
            assert!(
                text(index, "lib")
                    .await
                    .contains(&Sha256::of(content).to_string()),
                "{content}"
            );
            let root = index
                .page(&PageKey {
                    project: None,
                    ..page_of("lib")
                })
                .await
                .unwrap()
                .unwrap();
            assert!(String::from_utf8_lossy(&root.body).contains("lib"));
        }
    }
    fs::remove_file(&path).unwrap();
    for index in &both {
        assert!(text(index, "lib").await.contains("\"files\":[]"));
        assert_eq!(bytes(index, "lib-1.0.tar.gz").await, None);
    }
}

/// What is missing for now must not be missing for good.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_made_in_bad_times_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lib-1.0.tar.gz"), "one").unwrap();
    let store = Arc::new(Flaky {
        inner: local(folder.path(), true),
        fails: AtomicBool::new(false),
        panics: AtomicBool::new(false),
        forgets: AtomicBool::new(false),
    });
    let catalog = SqliteCatalog::in_memory(&[folder.path().to_owned()]).unwrap();
    let index = Index::open(
        Arc::<Flaky>::clone(&store),
        Arc::new(catalog),
        Settings::default(),
    )
    .await
    .unwrap();
    store.fails.store(true, Ordering::Relaxed);
    assert!(text(&index, "lib").await.contains("\"hashes\":{}"));
    store.fails.store(false, Ordering::Relaxed);
    assert!(text(&index, "lib").await.contains(&Sha256::of("one").to_string()));
}

/// A small sdist; `text` makes its bytes others.
fn sdist(name: &str, text: &str) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nSummary: {text}\n");
    for (path, content) in [("PKG-INFO", metadata.as_str()), ("pyproject.toml", "")] {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        let path = format!("{name}-1.0/{path}");
        archive
            .append_data(&mut header, path, content.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

async fn upload(index: &Arc<Index>, name: &str, content: Vec<u8>) -> Result<Accepted, Refusal> {
    let mut spool = index.begin_upload().await.unwrap();
    spool.write(content.into()).await.unwrap();
    let submission = Submission {
        form: UploadForm::from_fields(&[]).unwrap(),
        filename: format!("{name}-1.0.tar.gz"),
        spool,
        signature: None,
        uploader: None,
    };
    index.accept(submission).await
}

// D4: the name of what was refused is nobody's.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_can_t_be_kept_leaves_its_name_free() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Flaky {
        inner: local(folder.path(), true),
        fails: AtomicBool::new(false),
        panics: AtomicBool::new(false),
        forgets: AtomicBool::new(true),
    });
    let catalog = SqliteCatalog::in_memory(&[folder.path().to_owned()]).unwrap();
    let index = Index::open(
        Arc::<Flaky>::clone(&store),
        Arc::new(catalog),
        Settings::default(),
    )
    .await
    .unwrap();
    assert!(matches!(
        upload(&index, "lib", sdist("lib", "one")).await,
        Err(Refusal::Index(Error::Store(storage::Error::Io { .. })))
    ));
    store.forgets.store(false, Ordering::Relaxed);
    let other = sdist("lib", "two");
    assert_eq!(
        upload(&index, "lib", other.clone()).await.unwrap(),
        Accepted::Stored
    );
    assert_eq!(bytes(&index, "lib-1.0.tar.gz").await.unwrap(), other);
    assert!(matches!(
        upload(&index, "lib", sdist("lib", "one")).await,
        Err(Refusal::Duplicate { .. })
    ));
}

/// Changes that were in hand when a task of ours broke are not lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_loses_no_change() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Flaky {
        inner: local(folder.path(), true),
        fails: AtomicBool::new(false),
        panics: AtomicBool::new(false),
        forgets: AtomicBool::new(false),
    });
    let catalog = SqliteCatalog::in_memory(&[folder.path().to_owned()]).unwrap();
    let index = Index::open(
        Arc::<Flaky>::clone(&store),
        Arc::new(catalog),
        Settings::default(),
    )
    .await
    .unwrap();
    fs::write(folder.path().join("lib-1.0.tar.gz"), "one").unwrap();
    store.panics.store(true, Ordering::Relaxed);
    assert!(matches!(index.settle().await, Err(Error::Task(_))));
    store.panics.store(false, Ordering::Relaxed);
    assert!(text(&index, "lib").await.contains(&Sha256::of("one").to_string()));
}

/// The system tells nothing of what happens under the other name.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_through_another_name_is_noticed() {
    let folders = tempfile::tempdir().unwrap();
    let root = folders.path().join("root");
    fs::create_dir(&root).unwrap();
    for is_hard in [true, false] {
        let (outside, name) = (folders.path().join("outside"), root.join("lib-1.0.tar.gz"));
        let _ = fs::remove_file(&name);
        let an_hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        let write = |content: &str, age_seconds: u64| {
            fs::write(&outside, content).unwrap();
            let time = an_hour_ago - std::time::Duration::from_secs(age_seconds);
            let file = fs::File::options().write(true).open(&outside).unwrap();
            file.set_modified(time).unwrap();
        };
        write("first", 0);
        if is_hard {
            fs::hard_link(&outside, &name).unwrap();
        } else {
            std::os::unix::fs::symlink(&outside, &name).unwrap();
        }
        let index = open(local(&root, true), &root).await;
        assert!(
            text(&index, "lib")
                .await
                .contains(&Sha256::of("first").to_string())
        );
        assert_eq!(bytes(&index, "lib-1.0.tar.gz").await.unwrap(), b"first");
        let kept = page(&index, "lib").await.unwrap();
        assert!(
            Arc::ptr_eq(&page(&index, "lib").await.unwrap(), &kept),
            "made once"
        );
        for (content, age) in [("secnd", 10), ("longer by far", 20)] {
            write(content, age);
            assert!(
                text(&index, "lib")
                    .await
                    .contains(&Sha256::of(content).to_string())
            );
            write(&content.to_uppercase(), age + 5);
            assert_eq!(
                bytes(&index, "lib-1.0.tar.gz").await.unwrap(),
                content.to_uppercase().as_bytes()
            );
        }
        fs::remove_file(&outside).unwrap();
    }
}
