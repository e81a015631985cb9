//! What the SQLite catalog promises beyond the contract: several openers, several roots over time, damage.

use std::fs;

use tempfile::TempDir;

use super::super::contract::{self, facts, key, name, seen, stamp, upload};
use super::super::{ProjectStatus, Yank};
use super::*;

/// A folder with a root in it that holds the catalog.
struct Fixture {
    root: PathBuf,
    path: PathBuf,
    folders: TempDir,
}

fn fixture() -> Fixture {
    let folders = tempfile::tempdir().unwrap();
    let root = folders.path().join("packages");
    Fixture {
        path: root.join(".pkgctl/catalog.db"),
        root,
        folders,
    }
}

impl Fixture {
    fn open(&self) -> (SqliteCatalog, Opened) {
        self.open_over(&[&self.root])
    }

    fn open_over(&self, roots: &[&Path]) -> (SqliteCatalog, Opened) {
        let roots: Vec<_> = roots.iter().map(|root| root.to_path_buf()).collect();
        SqliteCatalog::open(&self.path, &roots).unwrap()
    }

    fn sql(&self, sql: &str) {
        Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }
}

async fn paths(catalog: &SqliteCatalog) -> Vec<(u16, String)> {
    let present = catalog.present().await.unwrap();
    let mut paths: Vec<_> = present
        .into_iter()
        .map(|(key, _)| (key.root().0, key.path().to_owned()))
        .collect();
    paths.sort();
    paths
}

#[tokio::test]
async fn the_contract_holds_on_disk() {
    let folders = tempfile::tempdir().unwrap();
    let number = std::cell::Cell::new(0);
    contract::holds_for(|| {
        number.set(number.get() + 1);
        let path = folders.path().join(format!("{}/catalog.db", number.get()));
        let (catalog, opened) = SqliteCatalog::open(&path, &["/srv/a".into(), "/srv/b".into()]).unwrap();
        assert_eq!(opened, Opened::New);
        catalog
    })
    .await;
}

#[tokio::test]
async fn the_contract_holds_in_memory() {
    contract::holds_for(|| SqliteCatalog::in_memory(&["/srv/a".into(), "/srv/b".into()]).unwrap()).await;
}

#[tokio::test]
async fn what_was_recorded_is_there_after_a_restart() {
    let f = fixture();
    let (catalog, opened) = f.open();
    assert_eq!(opened, Opened::New);
    catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
    drop(catalog);
    f.sql(
        "UPDATE files SET yank_reason = 'broken'; UPDATE projects SET status = 'deprecated', status_reason = 'old';",
    );
    let (catalog, opened) = f.open();
    assert_eq!(opened, Opened::Existing);
    let project = catalog.project(&name("a")).await.unwrap().unwrap();
    assert_eq!(project.status, ProjectStatus::Deprecated);
    assert_eq!(project.status_reason.as_deref(), Some("old"));
    let broken = Yank {
        reason: "broken".into(),
    };
    assert_eq!(project.files[0].yanked, Some(broken.clone()));
    catalog
        .observe(vec![seen(0, "a-1.0.tar.gz", stamp(2))])
        .await
        .unwrap();
    let touched = catalog.file("a-1.0.tar.gz").await.unwrap().unwrap();
    assert_eq!(
        touched.yanked,
        Some(broken),
        "what is said of a name outlives a change by hand"
    );
    let mut replacement = upload("a-1.0.tar.gz", 3);
    replacement.replaced = true;
    catalog.record_upload(replacement).await.unwrap();
    let replaced = catalog.file("a-1.0.tar.gz").await.unwrap().unwrap();
    assert_eq!(replaced.yanked, None);
}

#[tokio::test]
async fn a_quarantined_project_offers_no_file_and_keeps_them_all() {
    let f = fixture();
    let (catalog, _) = f.open();
    catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
    catalog.record_upload(upload("b-1.0.tar.gz", 2)).await.unwrap();
    f.sql("UPDATE projects SET status = 'quarantined' WHERE name = 'a'");
    assert_eq!(catalog.file("a-1.0.tar.gz").await.unwrap(), None);
    assert!(catalog.file("b-1.0.tar.gz").await.unwrap().is_some());
    assert_eq!(catalog.project(&name("a")).await.unwrap().unwrap().files.len(), 1);
    f.sql("UPDATE projects SET status = 'archived' WHERE name = 'a'");
    assert!(catalog.file("a-1.0.tar.gz").await.unwrap().is_some());
}

#[tokio::test]
async fn uploads_and_removals_are_audited() {
    let f = fixture();
    let (catalog, _) = f.open();
    let mut replacement = upload("a-1.0.tar.gz", 2);
    replacement.replaced = true;
    catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
    catalog.record_upload(replacement).await.unwrap();
    let at = Timestamp::from_second(7).unwrap();
    catalog
        .record_removal(&key(0, "a-1.0.tar.gz"), None, at)
        .await
        .unwrap();
    let connection = Connection::open(&f.path).unwrap();
    let mut rows = connection
        .prepare("SELECT action || ' ' || project || ' ' || path || ' ' || ifnull(actor, '-') FROM audit ORDER BY id")
        .unwrap();
    let rows: Vec<String> = rows
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        rows,
        [
            "upload a a-1.0.tar.gz alice",
            "replace a a-1.0.tar.gz alice",
            "remove a a-1.0.tar.gz -"
        ]
    );
    let (at_ns, sha256): (i64, [u8; 32]) = connection
        .query_row("SELECT at_ns, sha256 FROM audit ORDER BY id DESC", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(
        (at_ns, &sha256),
        (7_000_000_000, facts("upload").sha256.as_bytes())
    );
}

#[tokio::test]
async fn files_stay_with_their_root_whatever_its_number() {
    let f = fixture();
    let (a, b) = (f.folders.path().join("a"), f.folders.path().join("b"));
    let (catalog, _) = f.open_over(&[&a, &b]);
    let observations = vec![
        seen(0, "in-1.0.tar.gz", stamp(1)),
        seen(1, "in-2.0.tar.gz", stamp(2)),
    ];
    catalog.observe(observations).await.unwrap();
    drop(catalog);
    let (catalog, _) = f.open_over(&[&b, &a]);
    assert_eq!(
        paths(&catalog).await,
        [(0, "in-2.0.tar.gz".into()), (1, "in-1.0.tar.gz".into())]
    );
    drop(catalog);
    let (catalog, _) = f.open_over(&[&b]);
    assert_eq!(paths(&catalog).await, [(0, "in-2.0.tar.gz".into())]);
    assert_eq!(catalog.file("in-1.0.tar.gz").await.unwrap(), None);
    assert_eq!(
        catalog.counts().await.unwrap(),
        Counts {
            projects: 1,
            files: 1
        }
    );
    assert_eq!(catalog.unread(10).await.unwrap().len(), 1);
    drop(catalog);
    let (catalog, _) = f.open_over(&[&f.folders.path().join("c")]);
    assert_eq!(catalog.projects().await.unwrap(), []);
    let hosted = catalog.project(&name("in")).await.unwrap().unwrap();
    assert_eq!(hosted.files, [], "its name stays known");
    drop(catalog);
    let (catalog, _) = f.open_over(&[&a, &b, &a]);
    assert_eq!(
        paths(&catalog).await,
        [(0, "in-1.0.tar.gz".into()), (1, "in-2.0.tar.gz".into())]
    );
}

#[tokio::test]
async fn a_root_that_holds_the_catalog_may_move() {
    let f = fixture();
    let (catalog, _) = f.open();
    catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
    drop(catalog);
    let moved = f.folders.path().join("elsewhere");
    fs::rename(&f.root, &moved).unwrap();
    let (catalog, opened) = SqliteCatalog::open(&moved.join(".pkgctl/catalog.db"), &[moved]).unwrap();
    assert_eq!(opened, Opened::Existing);
    let record = catalog.file("a-1.0.tar.gz").await.unwrap().unwrap();
    assert_eq!(record.uploader.as_deref(), Some("alice"));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_may_open_and_write_at_once() {
    let f = fixture();
    let openers: Vec<_> = (0..8_u64)
        .map(|number| {
            let (path, root) = (f.path.clone(), f.root.clone());
            tokio::task::spawn_blocking(move || (number, SqliteCatalog::open(&path, &[root]).unwrap().0))
        })
        .collect();
    let mut writers = tokio::task::JoinSet::new();
    for opener in openers {
        let (number, catalog) = opener.await.unwrap();
        writers.spawn(async move {
            for version in 0..10 {
                let upload = upload(&format!("p{number}-{version}.tar.gz"), number);
                catalog.record_upload(upload).await.unwrap();
            }
            catalog
        });
    }
    let catalogs = writers.join_all().await;
    for catalog in catalogs {
        assert_eq!(
            catalog.counts().await.unwrap(),
            Counts {
                projects: 8,
                files: 80
            }
        );
    }
}

#[tokio::test]
async fn a_damaged_catalog_is_set_aside() {
    let f = fixture();
    let (catalog, _) = f.open();
    for number in 0..200 {
        let path = format!("p{number}-1.0.tar.gz");
        catalog
            .observe(vec![seen(0, &path, stamp(number))])
            .await
            .unwrap();
    }
    assert_eq!(catalog.projects().await.unwrap().len(), 200);
    drop(catalog);
    assert!(
        !f.path.with_file_name("catalog.db-wal").exists(),
        "all is in one file when it is closed"
    );
    let sound = fs::read(&f.path).unwrap();
    let mut scribbled = sound.clone();
    let middle = scribbled.len() / 2;
    scribbled[middle..middle + 4096].fill(0xa5);
    let damages: [&[u8]; 4] = [
        b"not a database, but long enough to be one".as_slice(),
        &sound[..4096 * 3],
        &sound[..700],
        &scribbled,
    ];
    for (damage, number) in damages.into_iter().zip(1..) {
        fs::write(&f.path, damage).unwrap();
        let (catalog, opened) = f.open();
        let damaged = f.root.join(format!(".pkgctl/catalog.db.damaged-{number}"));
        assert_eq!(
            opened,
            Opened::Replaced {
                damaged: damaged.clone(),
                copied_at: None,
            }
        );
        assert!(fs::read(damaged).unwrap() == damage, "nothing of it is lost");
        assert_eq!(catalog.projects().await.unwrap(), []);
        catalog.record_upload(upload("a-1.0.tar.gz", 1)).await.unwrap();
        drop(catalog);
        let (catalog, opened) = f.open();
        assert_eq!(opened, Opened::Existing);
        assert_eq!(catalog.projects().await.unwrap(), [name("a")]);
    }
}

#[test]
fn a_catalog_of_a_newer_version_is_left_alone() {
    let f = fixture();
    drop(f.open());
    f.sql("PRAGMA user_version = 99");
    let before = fs::read(&f.path).unwrap();
    let refused = SqliteCatalog::open(&f.path, std::slice::from_ref(&f.root)).map(|_| ());
    assert!(matches!(refused, Err(Error::TooNew { path }) if path == f.path));
    assert!(fs::read(&f.path).unwrap() == before);
}

#[test]
fn where_nothing_can_be_written_it_says_so() {
    // Not even root can create anything there.
    let refused = SqliteCatalog::open(Path::new("/sys/pkgctl/catalog.db"), &[]).map(|_| ());
    assert!(matches!(refused, Err(Error::NotWritable { .. })), "{refused:?}");
}

#[tokio::test]
async fn rows_that_make_no_sense_are_passed_over() {
    let f = fixture();
    let (catalog, _) = f.open();
    for (path, number) in ["a-1.0.tar.gz", "a-2.0.tar.gz", "a-3.0.tar.gz", "b-1.0.tar.gz"]
        .into_iter()
        .zip(1..)
    {
        catalog.record_upload(upload(path, number)).await.unwrap();
    }
    f.sql(
        "UPDATE files SET filename = 'README.md' WHERE filename = 'a-1.0.tar.gz';
         UPDATE files SET folder = '../..' WHERE filename = 'a-2.0.tar.gz';
         UPDATE files SET digests = 'md5:xyz crc:00', sha256 = x'00' WHERE filename = 'a-3.0.tar.gz';
         UPDATE projects SET name = 'no name!' WHERE name = 'b';
         UPDATE projects SET status = 'haunted' WHERE name = 'a';",
    );
    let project = catalog.project(&name("a")).await.unwrap().unwrap();
    assert_eq!(project.status, ProjectStatus::Active);
    assert_eq!(project.files.len(), 1);
    assert_eq!(project.files[0].facts, None);
    assert_eq!(catalog.projects().await.unwrap(), [name("a")]);
    assert_eq!(catalog.file("README.md").await.unwrap(), None);
    assert_eq!(catalog.present().await.unwrap().len(), 3);
}

#[test]
fn only_the_owner_can_read_it() {
    use std::os::unix::fs::MetadataExt as _;
    let f = fixture();
    let (_catalog, _) = f.open();
    for ending in ["", "-wal", "-shm"] {
        let path = f.path.with_file_name(format!("catalog.db{ending}"));
        assert_eq!(
            fs::metadata(&path).unwrap().mode() & 0o777,
            0o600,
            "{}",
            path.display()
        );
    }
}
