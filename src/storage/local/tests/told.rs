//! What others do in the folders is told, by events and by times.

use super::*;

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
