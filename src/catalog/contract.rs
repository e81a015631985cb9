//! The suite that every catalog must pass: the promises of [`Catalog`], through the trait alone.

use jiff::Timestamp;

use super::*;
use crate::packaging::digest::Algorithm;
use crate::storage::Root;

/// Every promise in turn; each begins with an empty catalog over two roots.
pub(super) async fn holds_for<C: Catalog>(empty: impl Fn() -> C) {
    an_upload_round_trips(&empty()).await;
    a_copied_file_is_dated_by_its_change(&empty()).await;
    facts_are_kept_while_the_stamp_is(&empty()).await;
    a_rewritten_file_keeps_what_was_said_of_it(&empty()).await;
    a_changed_file_is_known_by_its_former_digest(&empty()).await;
    facts_of_another_state_are_refused(&empty()).await;
    the_smallest_key_of_a_name_is_served(&empty()).await;
    what_is_gone_is_remembered_and_may_come_back(&empty()).await;
    files_are_ordered_by_version_then_name(&empty()).await;
    all_paths_are_ordered_by_folder_project_and_version(&empty()).await;
    several_files_are_found_at_once(&empty()).await;
    a_removal_takes_the_file_away(&empty()).await;
    a_removal_that_could_not_be_done_is_taken_back(&empty()).await;
    a_replaced_file_has_new_facts(&empty()).await;
    only_affected_projects_are_told(&empty()).await;
    unread_files_come_oldest_first(&empty()).await;
    old_names_are_kept(&empty()).await;
    roots_that_are_not_served_do_no_harm(&empty()).await;
    a_bookmark_holds_until_something_changes(&empty()).await;
    what_comes_in_pieces_is_as_if_it_came_at_once(&empty()).await;
    files_of_one_name_are_known(&empty()).await;
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

async fn an_upload_round_trips(catalog: &impl Catalog) {
    let upload = upload("my_lib-1.0-py3-none-any.whl", 1);
    catalog.record_upload(upload.clone()).await.unwrap();
    let record = the_file(catalog, "my_lib-1.0-py3-none-any.whl").await;
    let expected = FileRecord {
        key: upload.key,
        filename: upload.filename,
        stamp: upload.stamp,
        present: true,
        uploaded_at: upload.at,
        uploader: upload.uploader,
        yanked: None,
        facts: Some(upload.facts),
        former_sha256: None,
    };
    assert_eq!(record, expected);
    let project = catalog.project(&name("My.Lib")).await.unwrap().unwrap();
    assert_eq!(project.files, std::slice::from_ref(&record));
    assert_eq!(
        (project.status, project.status_reason),
        (ProjectStatus::Active, None)
    );
    let alike = "My.Lib-1-py3-none-any.whl".parse::<DistFilename>().unwrap();
    assert_eq!(catalog.files_like(&alike.identity()).await.unwrap(), [record]);
    let mut bare = self::upload("bare-1.0.tar.gz", 2);
    bare.uploader = None;
    bare.facts = FileFacts {
        digests: Vec::new(),
        requires_python: None,
        metadata_sha256: None,
        defect: None,
        ..facts("bare")
    };
    catalog.record_upload(bare.clone()).await.unwrap();
    let record = the_file(catalog, "bare-1.0.tar.gz").await;
    assert_eq!((record.facts, record.uploader), (Some(bare.facts), None));
    assert_eq!(
        catalog.counts().await.unwrap(),
        Counts {
            projects: 2,
            files: 2
        }
    );
}

async fn a_copied_file_is_dated_by_its_change(catalog: &impl Catalog) {
    catalog
        .observe(vec![seen(1, "deep/er/a-1.0.tar.gz", stamp(5))])
        .await
        .unwrap();
    let record = the_file(catalog, "a-1.0.tar.gz").await;
    assert_eq!(record.key, key(1, "deep/er/a-1.0.tar.gz"));
    assert_eq!(
        record.uploaded_at,
        Timestamp::from_nanosecond(1_700_000_000_123_456_794).unwrap()
    );
    assert_eq!((record.stamp, record.present), (stamp(5), true));
    assert_eq!((record.uploader, record.yanked, record.facts), (None, None, None));
    assert_eq!(catalog.file("deep/er/a-1.0.tar.gz").await.unwrap(), None);
    assert_eq!(catalog.present().await.unwrap(), [(record.key, stamp(5))]);
}

async fn facts_are_kept_while_the_stamp_is(catalog: &impl Catalog) {
    catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
    assert_eq!(
        catalog
            .observe(vec![seen(0, "a-1.0.tar.gz", stamp(1))])
            .await
            .unwrap(),
        []
    );
    let record = the_file(catalog, "a-1.0.tar.gz").await;
    assert_eq!(
        (record.facts, record.uploader.as_deref()),
        (Some(facts("upload")), Some("alice"))
    );
    for (change, changed) in [
        Stamp {
            size_bytes: 7,
            ..stamp(1)
        },
        Stamp {
            modified_ns: 7,
            ..stamp(1)
        },
        Stamp {
            identity: 7,
            ..stamp(1)
        },
    ]
    .into_iter()
    .enumerate()
    {
        catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
        let affected = catalog
            .observe(vec![seen(0, "a-1.0.tar.gz", changed)])
            .await
            .unwrap();
        assert_eq!(affected, [name("a")], "change {change}");
        let record = the_file(catalog, "a-1.0.tar.gz").await;
        assert_eq!(
            (record.stamp, record.facts, record.uploader),
            (changed, None, None)
        );
        let changed_at = Timestamp::from_nanosecond(changed.modified_ns.into()).unwrap();
        assert_eq!(record.uploaded_at, changed_at);
    }
}

async fn a_rewritten_file_keeps_what_was_said_of_it(catalog: &impl Catalog) {
    let upload = upload("lib-1.0.tar.gz", 1);
    catalog.record_upload(upload.clone()).await.unwrap();
    let again = |rewritten| Observation::Seen {
        key: upload.key.clone(),
        filename: upload.filename.clone(),
        stamp: upload.stamp,
        rewritten,
    };
    assert_eq!(catalog.observe(vec![again(false)]).await.unwrap(), []);
    assert!(the_file(catalog, "lib-1.0.tar.gz").await.facts.is_some());
    assert_eq!(catalog.observe(vec![again(true)]).await.unwrap(), [name("lib")]);
    let record = the_file(catalog, "lib-1.0.tar.gz").await;
    assert_eq!(record.facts, None);
    assert_eq!(
        (record.uploader, record.uploaded_at),
        (upload.uploader, upload.at)
    );
}

async fn a_changed_file_is_known_by_its_former_digest(catalog: &impl Catalog) {
    let upload = upload("lib-1.0.tar.gz", 1);
    catalog.record_upload(upload.clone()).await.unwrap();
    let former = Some(upload.facts.sha256);
    // Changed twice before anybody has read it.
    for changed in [2, 3] {
        let seen = seen(0, "lib-1.0.tar.gz", stamp(changed));
        catalog.observe(vec![seen]).await.unwrap();
        let record = the_file(catalog, "lib-1.0.tar.gz").await;
        assert_eq!((record.facts, record.former_sha256), (None, former));
    }
    let rewritten = Observation::Seen {
        key: upload.key.clone(),
        filename: upload.filename,
        stamp: stamp(3),
        rewritten: true,
    };
    catalog.observe(vec![rewritten]).await.unwrap();
    let record = the_file(catalog, "lib-1.0.tar.gz").await;
    assert_eq!((record.facts, record.former_sha256), (None, former));
    let read = catalog.record_facts(&upload.key, stamp(3), facts("read again"));
    assert!(read.await.unwrap());
    let record = the_file(catalog, "lib-1.0.tar.gz").await;
    assert_eq!(
        (record.facts, record.former_sha256),
        (Some(facts("read again")), None)
    );
}

async fn facts_of_another_state_are_refused(catalog: &impl Catalog) {
    let at = key(0, "a-1.0.tar.gz");
    assert!(!catalog.record_facts(&at, stamp(1), facts("early")).await.unwrap());
    catalog
        .observe(vec![seen(0, "a-1.0.tar.gz", stamp(1))])
        .await
        .unwrap();
    assert!(!catalog.record_facts(&at, stamp(2), facts("late")).await.unwrap());
    assert_eq!(the_file(catalog, "a-1.0.tar.gz").await.facts, None);
    assert!(catalog.record_facts(&at, stamp(1), facts("now")).await.unwrap());
    assert_eq!(the_file(catalog, "a-1.0.tar.gz").await.facts, Some(facts("now")));
}

async fn the_smallest_key_of_a_name_is_served(catalog: &impl Catalog) {
    let (first, second) = ("b/a-1.0.tar.gz", "a/a-1.0.tar.gz");
    catalog
        .observe(vec![
            seen(1, second, stamp(1)),
            seen(0, first, stamp(2)),
            seen(1, "a-2.0.tar.gz", stamp(3)),
        ])
        .await
        .unwrap();
    assert_eq!(the_file(catalog, "a-1.0.tar.gz").await.key, key(0, first));
    assert_eq!(paths_of(catalog, "a").await, [first, "a-2.0.tar.gz"]);
    assert_eq!(catalog.present().await.unwrap().len(), 3);
    catalog.observe(vec![gone(0, first)]).await.unwrap();
    assert_eq!(the_file(catalog, "a-1.0.tar.gz").await.key, key(1, second));
    assert_eq!(paths_of(catalog, "a").await, [second, "a-2.0.tar.gz"]);
}

async fn what_is_gone_is_remembered_and_may_come_back(catalog: &impl Catalog) {
    assert_eq!(catalog.project(&name("a")).await.unwrap(), None);
    catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
    assert_eq!(
        catalog.observe(vec![gone(0, "a-1.0.tar.gz")]).await.unwrap(),
        [name("a")]
    );
    assert_eq!(catalog.observe(vec![gone(0, "a-1.0.tar.gz")]).await.unwrap(), []);
    assert_eq!(catalog.project(&name("a")).await.unwrap().unwrap().files, []);
    assert_eq!(catalog.file("a-1.0.tar.gz").await.unwrap(), None);
    assert_eq!(catalog.projects().await.unwrap(), []);
    assert_eq!(catalog.present().await.unwrap(), []);
    assert_eq!(
        catalog.counts().await.unwrap(),
        Counts {
            projects: 0,
            files: 0
        }
    );
    let identity = "a-1.0.tar.gz".parse::<DistFilename>().unwrap().identity();
    let history = catalog.files_like(&identity).await.unwrap();
    assert_eq!((history.len(), history[0].present), (1, false));
    assert_eq!(history[0].facts, Some(facts("upload")));
    let affected = catalog
        .observe(vec![seen(0, "a-1.0.tar.gz", stamp(1))])
        .await
        .unwrap();
    assert_eq!(affected, [name("a")]);
    let back = the_file(catalog, "a-1.0.tar.gz").await;
    assert_eq!(
        (back.facts, back.uploader.as_deref()),
        (Some(facts("upload")), Some("alice"))
    );
    catalog.observe(vec![gone(0, "a-1.0.tar.gz")]).await.unwrap();
    catalog
        .observe(vec![seen(0, "a-1.0.tar.gz", stamp(2))])
        .await
        .unwrap();
    assert_eq!(
        the_file(catalog, "a-1.0.tar.gz").await.facts,
        None,
        "it came back as another file"
    );
}

async fn files_are_ordered_by_version_then_name(catalog: &impl Catalog) {
    // The order is that of the version specifiers standard; what is no version comes first.
    let ordered = [
        "a-notaversion.zip",
        "a-1.0.dev1.tar.gz",
        "a-1.0rc1.tar.gz",
        "a-1.0-py2-none-any.whl",
        "a-1.0-py3-none-any.whl",
        "a-1.0.tar.gz",
        "a-1.0.post1.tar.gz",
        "a-1.9.tar.gz",
        "a-1.10.tar.gz",
        "a-1!0.1.tar.gz",
    ];
    let mut observations: Vec<_> = (0..)
        .zip(ordered)
        .map(|(seed, path)| seen(0, path, stamp(seed)))
        .collect();
    observations.reverse();
    observations.swap(1, 5);
    let affected = catalog.observe(observations).await.unwrap();
    assert_eq!(affected, [name("a")]);
    assert_eq!(paths_of(catalog, "a").await, ordered);
    assert_eq!(catalog.projects().await.unwrap(), [name("a")]);
}

async fn all_paths_are_ordered_by_folder_project_and_version(catalog: &impl Catalog) {
    let expected = [
        "a-1.0.tar.gz",
        "My_Lib-1.9-py3-none-any.whl",
        "my_lib-1.9.tar.gz",
        "my-lib-1.10.tar.gz",
        // A folder is a folder, not a piece of a name.
        "a/zlib-1.0.tar.gz",
        "a.b/alib-1.0.tar.gz",
        "a.b/c/alib-1.0.tar.gz",
    ];
    let mut observations: Vec<_> = expected
        .iter()
        .zip(0..)
        .map(|(path, number)| seen(0, path, stamp(number)))
        .collect();
    observations.reverse();
    observations.push(seen(1, "a/zlib-1.0.tar.gz", stamp(20)));
    observations.push(seen(0, "gone-1.0.tar.gz", stamp(21)));
    catalog.observe(observations).await.unwrap();
    catalog.observe(vec![gone(0, "gone-1.0.tar.gz")]).await.unwrap();
    let mut paths = catalog.listed_paths().await.unwrap();
    // Of twins each one is there.
    assert_eq!(
        paths
            .iter()
            .filter(|path| &***path == "a/zlib-1.0.tar.gz")
            .count(),
        2
    );
    paths.dedup();
    assert_eq!(paths.iter().map(|path| &**path).collect::<Vec<_>>(), expected);
}

async fn several_files_are_found_at_once(catalog: &impl Catalog) {
    let observations = vec![
        seen(1, "a-1.0.tar.gz", stamp(1)),
        seen(0, "z/a-1.0.tar.gz", stamp(2)),
        seen(0, "b-1.0.tar.gz", stamp(3)),
        seen(0, "gone-1.0.tar.gz", stamp(4)),
    ];
    catalog.observe(observations).await.unwrap();
    catalog.observe(vec![gone(0, "gone-1.0.tar.gz")]).await.unwrap();
    let asked = [
        "b-1.0.tar.gz",
        "gone-1.0.tar.gz",
        "a-1.0.tar.gz",
        "never-1.0.tar.gz",
    ];
    let found = catalog
        .files_named(asked.map(str::to_owned).to_vec())
        .await
        .unwrap();
    let keys: Vec<StoreKey> = found.into_iter().map(|file| file.key).collect();
    assert_eq!(keys, [key(0, "b-1.0.tar.gz"), key(0, "z/a-1.0.tar.gz")]);
}

async fn a_bookmark_holds_until_something_changes(catalog: &impl Catalog) {
    let put = || async {
        catalog.set_bookmark("here".to_owned()).await.unwrap();
        assert_eq!(catalog.bookmark().await.unwrap().as_deref(), Some("here"));
    };
    let is_gone = || async { catalog.bookmark().await.unwrap().is_none() };
    assert!(is_gone().await);
    put().await;
    put().await;
    catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
    assert!(is_gone().await, "an upload moves on");
    put().await;
    let at = key(0, "a-1.0.tar.gz");
    catalog.record_facts(&at, stamp(1), facts("a")).await.unwrap();
    catalog.observe(Vec::new()).await.unwrap();
    assert!(
        !is_gone().await,
        "what a file says of itself is no change of the folder"
    );
    catalog.observe(vec![gone(0, "a-1.0.tar.gz")]).await.unwrap();
    assert!(is_gone().await, "an observation moves on");
    put().await;
    catalog
        .record_removal(&at, None, Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    assert!(is_gone().await, "a removal moves on");
}

/// Has the catalog take in pieces of observations.
async fn observe_pieces(catalog: &impl Catalog, pieces: &[Vec<Observation>]) {
    let begin = || {
        let (sender, receiver) = mpsc::channel(1);
        let pieces = pieces.to_vec();
        tokio::spawn(async move {
            for piece in pieces {
                let _ = sender.send(piece).await;
            }
        });
        receiver
    };
    catalog.observe_pieces(&begin).await.unwrap();
}

async fn what_comes_in_pieces_is_as_if_it_came_at_once(catalog: &impl Catalog) {
    let path = |number: u64| format!("p{}-{number}.tar.gz", number % 700);
    let piece = |numbers: std::ops::Range<u64>| -> Vec<Observation> {
        numbers
            .map(|number| seen(0, &path(number), stamp(number)))
            .collect()
    };
    // Into an empty catalog, which is a way of its own. A file that was met twice is as it was met last.
    let again = vec![seen(0, &path(5), stamp(9999))];
    observe_pieces(catalog, &[piece(0..1500), piece(1500..2000), again]).await;
    let counts = |projects, files| Counts { projects, files };
    assert_eq!(catalog.counts().await.unwrap(), counts(700, 2000));
    assert_eq!(the_file(catalog, &path(5)).await.stamp, stamp(9999));
    assert_eq!(
        paths_of(catalog, "p5").await,
        ["p5-5.tar.gz", "p5-705.tar.gz", "p5-1405.tar.gz"]
    );
    catalog.set_bookmark("here".to_owned()).await.unwrap();
    observe_pieces(catalog, &[]).await;
    assert!(catalog.bookmark().await.unwrap().is_some(), "no news");
    // Into one that holds files.
    observe_pieces(
        catalog,
        &[piece(1999..2100), vec![gone(0, &path(0)), gone(0, &path(700))]],
    )
    .await;
    assert_eq!(catalog.bookmark().await.unwrap(), None);
    assert_eq!(catalog.counts().await.unwrap(), counts(700, 2098));
    assert_eq!(paths_of(catalog, "p0").await, ["p0-1400.tar.gz"]);
}

async fn files_of_one_name_are_known(catalog: &impl Catalog) {
    let observations = [
        "one/a-1.0.tar.gz",
        "a-1.0.tar.gz",
        "b-1.0.tar.gz",
        "two/a-1.0.tar.gz",
    ]
    .map(|path| seen(0, path, stamp(1)));
    catalog.observe(observations.to_vec()).await.unwrap();
    catalog
        .observe(vec![seen(1, "b-1.0.tar.gz", stamp(1))])
        .await
        .unwrap();
    catalog.observe(vec![gone(0, "two/a-1.0.tar.gz")]).await.unwrap();
    let mut twins = catalog.twins().await.unwrap();
    twins.sort();
    let expected = [
        key(0, "a-1.0.tar.gz"),
        key(0, "b-1.0.tar.gz"),
        key(0, "one/a-1.0.tar.gz"),
        key(1, "b-1.0.tar.gz"),
    ];
    assert_eq!(twins, expected);
    catalog.observe(vec![gone(0, "a-1.0.tar.gz")]).await.unwrap();
    catalog.observe(vec![gone(1, "b-1.0.tar.gz")]).await.unwrap();
    let twins = catalog.twins().await.unwrap();
    assert_eq!(twins, [], "those that went are nobody's twins");
}

async fn a_removal_takes_the_file_away(catalog: &impl Catalog) {
    catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
    let at = key(0, "a-1.0.tar.gz");
    catalog
        .record_removal(&at, Some("bob"), Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    assert_eq!(catalog.file("a-1.0.tar.gz").await.unwrap(), None);
    assert!(catalog.project(&name("a")).await.unwrap().is_some());
    // Whatever was never seen can be removed as well: the file was there, and now it isn't.
    catalog
        .record_removal(&key(0, "b-1.0.tar.gz"), None, Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    assert_eq!(catalog.project(&name("b")).await.unwrap(), None);
}

async fn a_removal_that_could_not_be_done_is_taken_back(catalog: &impl Catalog) {
    catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
    let before = the_file(catalog, "a-1.0.tar.gz").await;
    let at = key(0, "a-1.0.tar.gz");
    let bob = Some("bob");
    catalog
        .record_removal(&at, bob, Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    catalog
        .record_kept(&at, bob, Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    assert_eq!(the_file(catalog, "a-1.0.tar.gz").await, before);
}

async fn a_replaced_file_has_new_facts(catalog: &impl Catalog) {
    catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
    let mut second = upload("a-1.0.tar.gz", 2);
    second.replaced = true;
    second.facts = facts("second");
    second.uploader = Some("bob".to_owned());
    second.at = "2026-03-04T05:06:07Z".parse().unwrap();
    catalog.record_upload(second.clone()).await.unwrap();
    let record = the_file(catalog, "a-1.0.tar.gz").await;
    assert_eq!((record.stamp, record.facts), (second.stamp, Some(second.facts)));
    assert_eq!(
        (record.uploader, record.uploaded_at),
        (second.uploader, second.at)
    );
    assert_eq!(
        catalog.counts().await.unwrap(),
        Counts {
            projects: 1,
            files: 1
        }
    );
}

async fn only_affected_projects_are_told(catalog: &impl Catalog) {
    let first = vec![
        seen(0, "b-1.0.tar.gz", stamp(1)),
        seen(0, "B-2.0.tar.gz", stamp(2)),
        seen(0, "a-1.0.tar.gz", stamp(3)),
    ];
    let mut affected = catalog.observe(first.clone()).await.unwrap();
    affected.sort();
    assert_eq!(affected, [name("a"), name("b")]);
    assert_eq!(catalog.observe(first).await.unwrap(), []);
    assert_eq!(catalog.observe(Vec::new()).await.unwrap(), []);
    assert_eq!(
        catalog
            .observe(vec![gone(0, "unknown-1.0.tar.gz")])
            .await
            .unwrap(),
        []
    );
    let second = vec![seen(0, "b-1.0.tar.gz", stamp(1)), gone(0, "a-1.0.tar.gz")];
    assert_eq!(catalog.observe(second).await.unwrap(), [name("a")]);
}

async fn unread_files_come_oldest_first(catalog: &impl Catalog) {
    for path in ["c-1.0.tar.gz", "a-1.0.tar.gz", "b-1.0.tar.gz"] {
        catalog.observe(vec![seen(0, path, stamp(1))]).await.unwrap();
    }
    let paths = async |limit| {
        let unread = catalog.unread(limit).await.unwrap();
        unread
            .iter()
            .map(|file| file.key.path().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(paths(2).await, ["c-1.0.tar.gz", "a-1.0.tar.gz"]);
    catalog
        .record_facts(&key(0, "c-1.0.tar.gz"), stamp(1), facts("c"))
        .await
        .unwrap();
    catalog.observe(vec![gone(0, "a-1.0.tar.gz")]).await.unwrap();
    assert_eq!(paths(10).await, ["b-1.0.tar.gz"]);
    assert_eq!(paths(0).await, [""; 0]);
}

async fn old_names_are_kept(catalog: &impl Catalog) {
    let old = ["Foo-1.0-py2.7.egg", "foo-2004d.tar.gz", "foo-1.0.win32-py2.7.exe"];
    let observations = (0..)
        .zip(old)
        .map(|(seed, path)| seen(0, path, stamp(seed)))
        .collect();
    catalog.observe(observations).await.unwrap();
    assert_eq!(paths_of(catalog, "foo").await, [old[1], old[0], old[2]]);
    assert_eq!(the_file(catalog, old[0]).await.filename.as_str(), old[0]);
}

async fn roots_that_are_not_served_do_no_harm(catalog: &impl Catalog) {
    assert_eq!(
        catalog
            .observe(vec![seen(9, "a-1.0.tar.gz", stamp(1))])
            .await
            .unwrap(),
        []
    );
    assert!(
        !catalog
            .record_facts(&key(9, "a-1.0.tar.gz"), stamp(1), facts("x"))
            .await
            .unwrap()
    );
    assert_eq!(catalog.file("a-1.0.tar.gz").await.unwrap(), None);
}
