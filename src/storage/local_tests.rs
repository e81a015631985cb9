//! What local folders promise beyond the contract of every store: what others do in them, links, modes, leftovers.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use tempfile::TempDir;

use super::super::contract::{self, bytes_of, key, listed, put, spooled, tells};
use super::*;

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
async fn whatever_others_do_is_told() {
    for setup in SETUPS {
        let f = fixture(setup);
        f.is_told("a-1.0.tar.gz", || f.copy_in("a-1.0.tar.gz", b"one"));
        f.is_told("a-1.0.tar.gz", || {
            fs::rename(f.root.join("a-1.0.tar.gz"), f.root.join("b-1.0.tar.gz")).unwrap()
        });
        f.is_told("c-1.0.tar.gz", || {
            fs::rename(f.root.join("b-1.0.tar.gz"), f.root.join("c-1.0.tar.gz")).unwrap()
        });
        f.is_told("c-1.0.tar.gz", || {
            fs::rename(f.root.join("c-1.0.tar.gz"), f.folders.path().join("x")).unwrap()
        });
        f.is_told("d-1.0.tar.gz", || {
            fs::rename(f.folders.path().join("x"), f.root.join("d-1.0.tar.gz")).unwrap()
        });
        f.is_told("e-1.0.tar.gz", || {
            fs::hard_link(f.root.join("d-1.0.tar.gz"), f.root.join("e-1.0.tar.gz")).unwrap()
        });
        f.is_told("l-1.0.tar.gz", || {
            symlink(f.root.join("d-1.0.tar.gz"), f.root.join("l-1.0.tar.gz")).unwrap()
        });
        f.is_told("e-1.0.tar.gz", || {
            fs::remove_file(f.root.join("e-1.0.tar.gz")).unwrap()
        });
        let other = StoreKey::parse(Root(1), "o-1.0.tar.gz").unwrap();
        f.store.take_changes();
        fs::write(f.other_root.join("o-1.0.tar.gz"), b"x").unwrap();
        assert!(match f.store.take_changes() {
            Changes::None => false,
            Changes::Keys(keys) => keys.contains(&other),
            Changes::Everything => true,
        });
        assert_eq!(f.store.sees_content_changes(), setup == Setup::Events);
    }
}

#[tokio::test]
async fn changes_inside_a_file_are_told_by_events() {
    let f = fixture(Setup::Events);
    f.copy_in("a-1.0.tar.gz", b"one");
    let path = f.root.join("a-1.0.tar.gz");
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    f.is_told("a-1.0.tar.gz", || file.write_all(b"more").unwrap());
    f.is_told("a-1.0.tar.gz", || drop(file));
    let file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    f.is_told("a-1.0.tar.gz", || file.set_len(2).unwrap());
    f.is_told("a-1.0.tar.gz", || {
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap()
    });
    f.is_told("a-1.0.tar.gz", || {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap()
    });
    assert_eq!(f.store.take_changes(), Changes::None);
}

#[tokio::test]
async fn a_glance_finds_nothing_only_where_nothing_is_left_to_be_told() {
    let f = fixture(Setup::Events);
    assert!(
        !f.store.is_unchanged(),
        "nobody has asked for what was there at the start"
    );
    f.store.take_changes();
    let taken_by_somebody = f.store.shared.watch();
    assert!(f.store.is_unchanged(), "a glance waits for nobody");
    drop(taken_by_somebody);

    f.copy_in("a-1.0.tar.gz", b"one");
    assert!(!f.store.is_unchanged());
    f.store.head(&key("a-1.0.tar.gz")).await.unwrap();
    assert!(
        !f.store.is_unchanged(),
        "learned by the way, and told to nobody yet"
    );
    f.store.take_changes();
    assert!(f.store.is_unchanged());

    let being_written = fs::File::create(f.root.join("b-1.0.tar.gz")).unwrap();
    f.store.take_changes();
    assert!(
        !f.store.is_unchanged(),
        "it counts as finished when enough time has passed"
    );
    drop(being_written);
    f.store.take_changes();
    assert!(f.store.is_unchanged());

    let away = f.folders.path().join("away");
    fs::rename(&f.other_root, &away).unwrap();
    assert!(!f.store.is_unchanged(), "a root is gone");
    f.store.take_changes();
    fs::rename(&away, &f.other_root).unwrap();
    assert!(!f.store.is_unchanged(), "it is back");
    f.store.take_changes();
    // The end of the former watch is an event, too.
    f.store.take_changes();
    assert!(f.store.is_unchanged());
}

#[tokio::test]
async fn folders_come_move_and_go() {
    for setup in SETUPS {
        let f = fixture(setup);
        f.is_told("team/deep/a-1.0.tar.gz", || {
            fs::create_dir_all(f.root.join("team/deep")).unwrap();
            f.copy_in("team/deep/a-1.0.tar.gz", b"one");
        });
        f.is_told("team/deep/b-1.0.tar.gz", || {
            f.copy_in("team/deep/b-1.0.tar.gz", b"two")
        });
        f.is_told("team/deep/b-1.0.tar.gz", || {
            fs::rename(f.root.join("team"), f.root.join("crew")).unwrap()
        });
        f.is_told("crew/deep/c-1.0.tar.gz", || {
            f.copy_in("crew/deep/c-1.0.tar.gz", b"three")
        });
        assert_eq!(listed(&*f.store).await.len(), 3);
        f.is_told("crew/deep/c-1.0.tar.gz", || {
            fs::rename(f.root.join("crew"), f.folders.path().join("away")).unwrap()
        });
        assert_eq!(listed(&*f.store).await, [""; 0]);
        f.store.take_changes();
        fs::write(f.folders.path().join("away/deep/d-1.0.tar.gz"), "elsewhere").unwrap();
        if setup == Setup::Events {
            assert_eq!(
                f.store.take_changes(),
                Changes::None,
                "a folder that left is not watched any more"
            );
        }
        f.is_told("back/deep/d-1.0.tar.gz", || {
            fs::rename(f.folders.path().join("away"), f.root.join("back")).unwrap()
        });
        f.is_told("back/deep/d-1.0.tar.gz", || {
            fs::remove_dir_all(f.root.join("back")).unwrap()
        });
        f.is_told("back/e-1.0.tar.gz", || {
            fs::create_dir(f.root.join("back")).unwrap();
            f.copy_in("back/e-1.0.tar.gz", b"five");
        });
        f.is_told("back/e-1.0.tar.gz", || {
            fs::remove_file(f.root.join("back/e-1.0.tar.gz")).unwrap()
        });
    }
}

#[tokio::test]
async fn a_root_that_is_exchanged_is_noticed() {
    for setup in SETUPS {
        let f = fixture(setup);
        let (real, next, link) = (
            f.folders.path().join("v1"),
            f.folders.path().join("v2"),
            f.folders.path().join("now"),
        );
        fs::create_dir(&real).unwrap();
        fs::create_dir(&next).unwrap();
        fs::write(next.join("new-1.0.tar.gz"), "x").unwrap();
        symlink(&real, &link).unwrap();
        let mut settings = f.settings.clone();
        settings.roots = vec![link.clone()];
        let store = LocalStore::open(settings).unwrap();
        store.take_changes();
        fs::remove_file(&link).unwrap();
        assert_eq!(
            store.take_changes(),
            Changes::Everything,
            "{setup:?}: the root is gone"
        );
        assert_eq!(store.take_changes(), Changes::None, "{setup:?}: it is gone still");
        assert!(matches!(store.list().await, Err(Error::Root { .. })));
        symlink(&next, &link).unwrap();
        assert_eq!(store.take_changes(), Changes::Everything, "{setup:?}: it is back");
        assert_eq!(listed(&store).await, ["new-1.0.tar.gz"]);
        store.take_changes();
        fs::write(next.join("newer-1.0.tar.gz"), "x").unwrap();
        assert!(tells(&store.take_changes(), "newer-1.0.tar.gz"), "{setup:?}");
    }
}

#[tokio::test]
async fn lost_events_are_made_good_by_a_listing() {
    let f = fixture(Setup::Events);
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    f.store.take_changes();
    fs::create_dir(f.root.join("unseen")).unwrap();
    let [a, b] = ["a-1.0.tar.gz", "b-1.0.tar.gz"].map(|name| f.root.join(name));
    fs::write(&a, "x").unwrap();
    // Like events in a row are merged, so the name must change each time.
    for _ in 0..limit / 4 + 1 {
        fs::rename(&a, &b).unwrap();
        fs::rename(&b, &a).unwrap();
    }
    assert_eq!(f.store.take_changes(), Changes::Everything);
    assert_eq!(f.store.take_changes(), Changes::None);
    f.is_told("unseen/c-1.0.tar.gz", || f.copy_in("unseen/c-1.0.tar.gz", b"x"));
    assert!(f.store.sees_content_changes());
}

#[tokio::test]
async fn roots_within_roots_are_told_of_under_both_keys() {
    let f = fixture(Setup::Events);
    fs::create_dir(f.root.join("team")).unwrap();
    let mut settings = f.settings.clone();
    settings.roots = vec![f.root.clone(), f.root.join("team"), f.root.clone()];
    let store = LocalStore::open(settings).unwrap();
    store.take_changes();
    f.copy_in("team/a-1.0.tar.gz", b"x");
    let inner = StoreKey::parse(Root(1), "a-1.0.tar.gz").unwrap();
    assert_eq!(
        store.take_changes(),
        Changes::Keys(vec![key("team/a-1.0.tar.gz"), inner.clone()])
    );
    fs::rename(f.root.join("team"), f.root.join("crew")).unwrap();
    assert_eq!(store.take_changes(), Changes::Everything);
    assert!(matches!(store.list().await, Err(Error::Root { .. })));
    fs::rename(f.root.join("crew"), f.root.join("team")).unwrap();
    assert_eq!(store.take_changes(), Changes::Everything);
    let keys: Vec<_> = store
        .list()
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.key)
        .collect();
    assert_eq!(
        keys,
        [key("team/a-1.0.tar.gz"), inner],
        "a root that is named twice is listed once"
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
        assert!(
            matches!(f.store.open(&key(path)).await, Err(Error::NotFound(_))),
            "{path}"
        );
        assert!(
            matches!(f.store.head(&key(path)).await, Err(Error::NotFound(_))),
            "{path}"
        );
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
        assert!(
            matches!(f.store.open(&key(path)).await, Err(Error::NotFound(_))),
            "{path}"
        );
        assert!(
            matches!(f.store.head(&key(path)).await, Err(Error::NotFound(_))),
            "{path}"
        );
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

// D11
#[tokio::test]
async fn a_file_that_is_being_written_is_not_there_yet() {
    let f = fixture(Setup::Events);
    let path = f.root.join("a-1.0.tar.gz");
    let mut file = fs::File::create(&path).unwrap();
    // Asked without any look at the changes before.
    assert_eq!(listed(&*f.store).await, [""; 0]);
    file.write_all(b"half").unwrap();
    let unfinished = |result| matches!(result, Err(Error::Unfinished(_)));
    assert!(unfinished(f.store.head(&key("a-1.0.tar.gz")).await));
    assert!(f.store.open(&key("a-1.0.tar.gz")).await.is_err());
    f.store.take_changes();
    file.write_all(b"more").unwrap();
    assert_eq!(
        f.store.take_changes(),
        Changes::None,
        "it is not there, as before"
    );
    f.is_told("a-1.0.tar.gz", || drop(file));
    assert_eq!(listed(&*f.store).await, ["a-1.0.tar.gz"]);
    // Rewritten in place.
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    assert_eq!(f.store.take_changes(), Changes::None, "opened, not written");
    f.is_told("a-1.0.tar.gz", || file.write_all(b"again").unwrap());
    assert_eq!(listed(&*f.store).await, [""; 0]);
    f.is_told("a-1.0.tar.gz", || {
        fs::rename(&path, f.root.join("b-1.0.tar.gz")).unwrap()
    });
    assert_eq!(
        listed(&*f.store).await,
        ["b-1.0.tar.gz"],
        "renamed, so it was meant to be there"
    );
}

#[tokio::test]
async fn a_new_name_of_a_whole_file_is_there_at_once() {
    let f = fixture(Setup::Events);
    fs::write(f.folders.path().join("whole"), "whole").unwrap();
    for round in 0..50 {
        let name = format!("a-1.{round}.tar.gz");
        fs::hard_link(f.folders.path().join("whole"), f.root.join(&name)).unwrap();
        f.store.take_changes();
        assert!(f.store.head(&key(&name)).await.is_ok(), "linked");
    }
    symlink(f.root.join("a-1.0.tar.gz"), f.root.join("b-1.0.tar.gz")).unwrap();
    assert!(f.store.head(&key("b-1.0.tar.gz")).await.is_ok(), "a symlink");
    fs::write(f.root.join("empty-1.0.tar.gz"), "").unwrap();
    assert!(
        f.store.head(&key("empty-1.0.tar.gz")).await.is_ok(),
        "empty, and closed"
    );
}

#[tokio::test]
async fn a_file_that_is_never_closed_is_there_when_it_was_left_alone() {
    let f = fixture(Setup::Events);
    let mut settings = f.settings.clone();
    settings.quiet_for = Duration::from_millis(200);
    let store = LocalStore::open(settings).unwrap();
    store.take_changes();
    let mut file = fs::File::create(f.root.join("a-1.0.tar.gz")).unwrap();
    file.write_all(b"all there is").unwrap();
    let begun = std::time::Instant::now();
    assert!(tells(&store.take_changes(), "a-1.0.tar.gz"));
    let mut changes = Changes::None;
    while changes == Changes::None && begun.elapsed() < Duration::from_secs(10) {
        tokio::task::yield_now().await;
        changes = store.take_changes();
    }
    assert!(tells(&changes, "a-1.0.tar.gz") && begun.elapsed() >= Duration::from_millis(200));
    assert_eq!(listed(&store).await, ["a-1.0.tar.gz"]);
}

#[tokio::test]
async fn files_with_other_names_are_known_to_change_unseen() {
    let f = fixture(Setup::Events);
    let outside = f.folders.path().join("outside");
    fs::write(&outside, "one").unwrap();
    f.copy_in("plain-1.0.tar.gz", b"x");
    symlink(&outside, f.root.join("link-1.0.tar.gz")).unwrap();
    fs::hard_link(&outside, f.root.join("hard-1.0.tar.gz")).unwrap();
    let [plain, link, hard] = ["plain", "link", "hard"].map(|name| key(&format!("{name}-1.0.tar.gz")));
    f.store.list().await.unwrap();
    let seen = || [&plain, &link, &hard].map(|key| f.store.sees_changes_of(key));
    assert_eq!(seen(), [true, false, false], "by a listing");
    f.store
        .heads(vec![plain.clone(), link.clone(), hard.clone()])
        .await;
    assert_eq!(seen(), [true, false, true], "watched once it was looked at");
    fs::remove_file(&outside).unwrap();
    assert!(matches!(f.store.head(&link).await, Err(Error::NotFound(_))));
    f.store.head(&hard).await.unwrap();
    assert!(f.store.sees_changes_of(&hard), "it has no other name any more");
    let times = fixture(Setup::Times);
    times.copy_in("plain-1.0.tar.gz", b"x");
    assert!(!times.store.sees_changes_of(&plain));
}

#[tokio::test]
async fn changes_through_a_name_outside_are_told_once_a_file_was_looked_at() {
    let f = fixture(Setup::Events);
    let outside = f.folders.path().join("outside");
    let names = ["one-1.0.tar.gz", "two-1.0.tar.gz"];
    fs::write(&outside, "first").unwrap();
    for name in names {
        fs::hard_link(&outside, f.root.join(name)).unwrap();
    }
    let look = async || f.store.heads(names.map(key).to_vec()).await;
    let told = || {
        let changes = f.store.take_changes();
        names.map(|name| tells(&changes, name))
    };
    look().await;
    told();
    for (content, round) in [("second", 1), ("third", 2)] {
        fs::write(&outside, content).unwrap();
        assert_eq!(told(), [true, true], "round {round}");
        assert_eq!(told(), [false, false], "told once");
        look().await;
    }
    let mut writer = fs::File::options().append(true).open(&outside).unwrap();
    writer.write_all(b"half").unwrap();
    assert_eq!(told(), [true, true], "being written");
    assert!(matches!(
        f.store.head(&key(names[0])).await,
        Err(Error::Unfinished(_))
    ));
    drop(writer);
    assert_eq!(told(), [true, true], "whole again");
    look().await;

    // Another file takes one of the names, and the other name goes.
    fs::write(f.folders.path().join("new"), "another").unwrap();
    fs::rename(f.folders.path().join("new"), f.root.join(names[0])).unwrap();
    // The old file has a name less, which is told of all its names.
    assert_eq!(told(), [true, true]);
    look().await;
    told();
    fs::write(&outside, "fourth").unwrap();
    assert_eq!(
        told(),
        [false, true],
        "the old file is watched under its own name alone"
    );
    fs::remove_file(f.root.join(names[1])).unwrap();
    assert_eq!(told(), [false, true]);
    fs::write(&outside, "fifth").unwrap();
    assert_eq!(told(), [false, false], "nobody asks for it any more");
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
