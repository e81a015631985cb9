//! What local folders promise beyond the contract of every store: links, modes, leftovers, and what others do in them.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use tempfile::TempDir;

use super::*;
use crate::storage::contract::{self, bytes_of, key, listed, put, spooled, tells};

mod told; // what others do in the folders

/// A store on fresh folders: two roots and a state folder.
struct Fixture {
    store: Arc<LocalStore>,
    root: PathBuf,
    other_root: PathBuf,
    incoming: PathBuf,
    settings: Settings,
    folders: TempDir,
}

/// How the store under test is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setup {
    Events,
    Times,
}

const SETUPS: [Setup; 2] = [Setup::Events, Setup::Times];

fn fixture(setup: Setup) -> Fixture {
    let folders = tempfile::tempdir().unwrap();
    let [root, other_root, state_dir] =
        ["root", "other", "root/.pkgctl"].map(|name| folders.path().join(name));
    fs::create_dir(&root).unwrap();
    fs::create_dir(&other_root).unwrap();
    let mut settings = Settings::new(vec![root.clone(), other_root.clone()], state_dir.clone());
    settings.watch = setup == Setup::Events;
    settings.reserve_free_percent = 0;
    settings.reserve_free_bytes = 0;
    Fixture {
        store: Arc::new(LocalStore::open(settings.clone()).unwrap()),
        root,
        other_root,
        incoming: state_dir.join("incoming"),
        settings,
        folders,
    }
}

impl Fixture {
    /// Writes a file as another program would.
    fn copy_in(&self, path: &str, bytes: &[u8]) {
        fs::write(self.root.join(path), bytes).unwrap();
    }

    /// Asserts that `change` is told of at `path` by the very next call.
    #[track_caller]
    fn is_told(&self, path: &str, change: impl FnOnce()) {
        self.store.take_changes();
        change();
        assert!(!self.store.is_unchanged(), "a glance misses it");
        let changes = self.store.take_changes();
        assert!(tells(&changes, path), "{path} is missing in {changes:?}");
    }

    /// Asserts that nothing is served at `path`.
    async fn is_not_there(&self, path: &str) {
        let (open, head) = (
            self.store.open(&key(path)).await,
            self.store.head(&key(path)).await,
        );
        assert!(matches!(open, Err(Error::NotFound(_))), "{path}");
        assert!(matches!(head, Err(Error::NotFound(_))), "{path}");
    }

    fn leftovers(&self) -> Vec<String> {
        let names = fs::read_dir(&self.incoming).unwrap();
        names
            .map(|name| name.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_holds() {
    for setup in SETUPS {
        let fixture = fixture(setup);
        contract::holds_for(Arc::<LocalStore>::clone(&fixture.store)).await;
        assert_eq!(fixture.leftovers(), [""; 0], "{setup:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_in_pieces_is_whole_and_ends_when_nobody_listens() {
    let fixture = fixture(Setup::Events);
    fs::create_dir(fixture.root.join("deep")).unwrap();
    for number in 0..5000 {
        let folder = if number % 2 == 0 { "" } else { "deep/" };
        fs::write(fixture.root.join(format!("{folder}x-{number}.tar.gz")), "x").unwrap();
    }
    // Somebody is at work on one of them.
    let _ = fixture.store.take_changes();
    let mut being_written = fs::File::create(fixture.root.join("x-5000.tar.gz")).unwrap();
    being_written.write_all(b"half of it").unwrap();
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let store = Arc::clone(&fixture.store);
    let listing = tokio::spawn(async move { store.list_in_pieces(sender).await });
    let (mut pieces, mut keys) = (0, HashSet::new());
    while let Some(piece) = receiver.recv().await {
        pieces += 1;
        for entry in piece {
            assert_eq!(entry.stamp.size_bytes, 1);
            assert!(keys.insert(entry.key), "twice");
        }
    }
    listing.await.unwrap().unwrap();
    assert_eq!((pieces, keys.len()), (2, 5000));
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    drop(receiver);
    fixture.store.list_in_pieces(sender).await.unwrap();
}

// D16: the spool lies on another file system.
#[tokio::test(flavor = "multi_thread")]
async fn the_contract_holds_across_file_systems() {
    let fixture = fixture(Setup::Events);
    let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else {
        eprintln!("skipped: there is no /dev/shm");
        return;
    };
    let device = |path: &Path| fs::metadata(path).unwrap().dev();
    if device(elsewhere.path()) == device(&fixture.root) {
        eprintln!("skipped: /dev/shm is the same file system");
        return;
    }
    let mut settings = fixture.settings.clone();
    settings.state_dir = elsewhere.path().join("state");
    let store = Arc::new(LocalStore::open(settings).unwrap());
    contract::holds_for(store).await;
    assert_eq!(
        fs::read_dir(elsewhere.path().join("state/incoming"))
            .unwrap()
            .count(),
        0
    );
    let hidden = |name: &fs::DirEntry| name.file_name().to_str().unwrap().starts_with(".pkgctl-");
    assert_eq!(
        fs::read_dir(&fixture.root)
            .unwrap()
            .flatten()
            .filter(hidden)
            .count(),
        0
    );
}

#[tokio::test]
async fn hidden_names_are_neither_listed_nor_told() {
    let f = fixture(Setup::Events);
    f.store.take_changes();
    f.copy_in(".htaccess", b"secret");
    f.copy_in(".a-1.0.tar.gz.Xy12", b"half of an rsync");
    fs::create_dir(f.root.join(".cache")).unwrap();
    f.copy_in(".cache/a-1.0.tar.gz", b"x");
    drop(spooled(&*f.store, b"x").await);
    assert_eq!(f.store.take_changes(), Changes::None);
    assert_eq!(listed(&*f.store).await, [""; 0]);
}

#[tokio::test]
async fn a_state_folder_in_plain_sight_is_passed_over() {
    let f = fixture(Setup::Events);
    let mut settings = f.settings.clone();
    settings.state_dir = f.root.join("state");
    let store = LocalStore::open(settings).unwrap();
    store.take_changes();
    f.copy_in("state/a-1.0.tar.gz", b"x");
    let spool = spooled(&store, b"x").await;
    assert_eq!(store.take_changes(), Changes::None);
    assert_eq!(listed(&store).await, [""; 0]);
    drop(spool);
}

#[tokio::test]
async fn what_is_no_plain_file_is_not_listed() {
    use std::os::unix::ffi::OsStrExt as _;
    let f = fixture(Setup::Events);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        f.root.join("pipe-1.0.tar.gz"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o644),
        0,
    )
    .unwrap();
    fs::create_dir(f.root.join("folder-1.0.tar.gz")).unwrap();
    fs::write(f.root.join(std::ffi::OsStr::from_bytes(b"\xff-1.0.tar.gz")), "x").unwrap();
    fs::write(f.root.join("a\nb-1.0.tar.gz"), "x").unwrap();
    f.copy_in("plain-1.0.tar.gz", b"x");
    assert_eq!(listed(&*f.store).await, ["plain-1.0.tar.gz"]);
    for path in ["pipe-1.0.tar.gz", "folder-1.0.tar.gz"] {
        f.is_not_there(path).await;
    }
}

// D13
#[tokio::test]
async fn links_are_followed_to_files_and_not_to_folders() {
    let f = fixture(Setup::Events);
    let outside = f.folders.path().join("outside-1.0.tar.gz");
    fs::write(&outside, "elsewhere").unwrap();
    fs::write(f.other_root.join("real-1.0.tar.gz"), "shared").unwrap();
    f.copy_in(".htaccess", b"alice:secret");
    fs::create_dir(f.folders.path().join("folder")).unwrap();
    fs::write(f.folders.path().join("folder/in-1.0.tar.gz"), "x").unwrap();
    fs::write(f.incoming.join("state-1.0.tar.gz"), "x").unwrap();
    let link = |target: &Path, name: &str| symlink(target, f.root.join(name)).unwrap();
    link(&f.other_root.join("real-1.0.tar.gz"), "good-1.0.tar.gz");
    link(Path::new("../other/real-1.0.tar.gz"), "relative-1.0.tar.gz");
    link(&outside, "out-1.0.tar.gz");
    link(Path::new("../outside-1.0.tar.gz"), "out-2.0.tar.gz");
    link(&f.root.join(".htaccess"), "hidden-1.0.tar.gz");
    link(&f.incoming.join("state-1.0.tar.gz"), "state-1.0.tar.gz");
    link(&f.folders.path().join("folder"), "folder");
    link(Path::new("loop-1.0.tar.gz"), "loop-1.0.tar.gz");
    link(Path::new("gone"), "dangling-1.0.tar.gz");
    assert_eq!(
        listed(&*f.store).await,
        [
            "good-1.0.tar.gz",
            "out-1.0.tar.gz",
            "out-2.0.tar.gz",
            "real-1.0.tar.gz",
            "relative-1.0.tar.gz"
        ]
    );
    assert_eq!(bytes_of(&*f.store, "out-2.0.tar.gz").await, b"elsewhere");
    assert_eq!(bytes_of(&*f.store, "good-1.0.tar.gz").await, b"shared");
    let real = StoreKey::parse(Root(1), "real-1.0.tar.gz").unwrap();
    let stamp = f.store.head(&real).await.unwrap();
    assert_eq!(f.store.head(&key("good-1.0.tar.gz")).await.unwrap(), stamp);
    for path in [
        "hidden-1.0.tar.gz",
        "state-1.0.tar.gz",
        "folder/in-1.0.tar.gz",
        "loop-1.0.tar.gz",
        "dangling-1.0.tar.gz",
    ] {
        f.is_not_there(path).await;
    }
    f.store.delete(&key("good-1.0.tar.gz")).await.unwrap();
    assert!(f.store.head(&real).await.is_ok(), "only the link was removed");
}

#[tokio::test]
async fn stored_files_are_readable_by_others() {
    let f = fixture(Setup::Events);
    put(&*f.store, "a-1.0.tar.gz", b"x").await;
    let probe = f.folders.path().join("probe");
    fs::File::create(&probe).unwrap();
    // A new file of any program has 0666 less the umask.
    let umask = 0o666 & !fs::metadata(probe).unwrap().mode();
    let mode = fs::metadata(f.root.join("a-1.0.tar.gz")).unwrap().mode();
    assert_eq!(mode & 0o7777, 0o644 & !umask);
    assert_eq!(
        fs::metadata(f.root.join(".pkgctl")).unwrap().mode() & 0o7777,
        0o700
    );
}

// D9
#[tokio::test]
async fn only_what_dead_uploads_left_is_removed_at_the_start() {
    let f = fixture(Setup::Events);
    let alive = spooled(&*f.store, b"on its way").await;
    let dead = [
        f.incoming.join("upload-0123456789abcdef.part"),
        f.root.join(".pkgctl-0123456789abcdef.part"),
    ];
    let others = [
        f.incoming.join("notes.txt"),
        f.incoming.join("upload-mine.part"),
        f.root.join(".pkgctl-notes"),
        f.root.join("upload-0123456789abcdef.part"),
    ];
    for path in dead.iter().chain(&others) {
        fs::write(path, "x").unwrap();
    }
    let again = LocalStore::open(f.settings.clone()).unwrap();
    assert!(dead.iter().all(|path| !path.exists()));
    assert!(others.iter().all(|path| path.exists()));
    let stamp = again.put_new(&key("a-1.0.tar.gz"), alive).await.unwrap();
    assert_eq!(stamp.size_bytes, 10);
    assert_eq!(f.leftovers().len(), 2);
}

#[tokio::test]
async fn a_refused_upload_leaves_nothing() {
    let f = fixture(Setup::Events);
    put(&*f.store, "a-1.0.tar.gz", b"x").await;
    f.store.take_changes();
    let spool = spooled(&*f.store, b"y").await;
    assert!(f.store.put_new(&key("a-1.0.tar.gz"), spool).await.is_err());
    let spool = spooled(&*f.store, b"y").await;
    assert!(
        f.store
            .put_new(&key("no/folder/a-1.0.tar.gz"), spool)
            .await
            .is_err()
    );
    assert_eq!(f.leftovers(), [""; 0]);
    assert_eq!(f.store.take_changes(), Changes::None);
    assert_eq!(listed(&*f.store).await, ["a-1.0.tar.gz"]);
}

// D14
#[tokio::test]
async fn folders_that_cant_be_written_to_can_be_read() {
    let f = fixture(Setup::Events);
    f.copy_in("a-1.0.tar.gz", b"x");
    // Not even root can create anything there.
    let mut settings = f.settings.clone();
    settings.state_dir = "/sys/pkgctl-state".into();
    let store = LocalStore::open(settings).unwrap();
    assert_eq!(bytes_of(&store, "a-1.0.tar.gz").await, b"x");
    assert!(matches!(store.spool().await, Err(Error::NotWritable { .. })));
    let mut settings = f.settings.clone();
    settings.roots = vec!["/sys/kernel".into()];
    let store = LocalStore::open(settings).unwrap();
    let refused = match store.spool().await {
        Ok(mut spool) => {
            spool.write("x".into()).await.unwrap();
            store.put_new(&key("a-1.0.tar.gz"), spool).await.map(drop)
        }
        Err(error) => Err(error),
    };
    assert!(matches!(refused, Err(Error::NotWritable { .. })), "{refused:?}");
    assert_eq!(f.leftovers(), [""; 0]);
}

// D3
#[tokio::test]
async fn the_reserve_is_left_alone() {
    let f = fixture(Setup::Events);
    assert!(f.store.free_bytes().await.unwrap() > 0);
    let mut settings = f.settings.clone();
    settings.reserve_free_bytes = u64::MAX;
    let store = LocalStore::open(settings).unwrap();
    assert_eq!(store.free_bytes().await, Some(0));
    assert!(matches!(store.spool().await, Err(Error::NoSpace { .. })));
}

#[test]
fn a_root_that_is_no_folder_is_refused() {
    let folders = tempfile::tempdir().unwrap();
    let file = folders.path().join("file");
    fs::write(&file, "x").unwrap();
    for roots in [vec![folders.path().join("absent")], vec![file], vec![]] {
        let refused = LocalStore::open(Settings::new(roots.clone(), folders.path().join("state")));
        assert!(matches!(refused, Err(Error::Root { .. })), "{roots:?}");
    }
    assert!(
        !folders.path().join("state").exists(),
        "nothing is created for nothing"
    );
}

// D4
#[tokio::test]
async fn a_disk_that_fails_takes_no_uploads_until_it_works() {
    let f = fixture(Setup::Events);
    put(&*f.store, "a-1.0.tar.gz", b"whole").await;
    let fails = |now| f.store.shared.health.fails.store(now, Ordering::Relaxed);
    let (mut first, mut second) = (spooled(&*f.store, b"one").await, spooled(&*f.store, b"two").await);
    first.synced().await.unwrap();
    second.synced().await.unwrap();
    fails(true);
    let refused = f.store.put_new(&key("b-1.0.tar.gz"), first).await;
    assert!(
        matches!(refused, Err(Error::Io { action: "sync", .. })),
        "{refused:?}"
    );
    let refused = f.store.put_new(&key("c-1.0.tar.gz"), second).await;
    assert!(
        matches!(refused, Err(Error::Failing { .. })),
        "the one that was under way: {refused:?}"
    );
    let refused = f.store.spool().await.map(drop);
    assert!(matches!(refused, Err(Error::Failing { .. })), "{refused:?}");
    assert_eq!(listed(&*f.store).await, ["a-1.0.tar.gz"]);
    assert_eq!(bytes_of(&*f.store, "a-1.0.tar.gz").await, b"whole");
    assert_eq!(f.leftovers(), [""; 0]);
    fails(false);
    put(&*f.store, "b-1.0.tar.gz", b"again").await;
    assert_eq!(f.leftovers(), [""; 0]);
}
