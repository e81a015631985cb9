//! Starts that go on from a bookmark are as right as those that read the folders.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use bytes::Bytes;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::catalog::SqliteCatalog;
use crate::index::{Accepted, PageKey, Settings, Submission};
use crate::packaging::Sha256;
use crate::packaging::simple::negotiate::Format;
use crate::packaging::upload_form::UploadForm;
use crate::storage::{self, LocalStore, Store as _};

const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----\n\nabcd\n-----END PGP SIGNATURE-----\n";

/// A server's run over a folder.
struct Run {
    index: Arc<Index>,
    goes_on: bool,
}

impl Run {
    async fn begin(folder: &Path) -> Self {
        let state_dir = folder.join(".pkgctl");
        let roots = [folder.to_owned()];
        let (catalog, _) = SqliteCatalog::open(&state_dir.join("catalog.db"), &roots).unwrap();
        let bookmark = last_bookmark(&catalog).await;
        let settings = storage::Settings::new(roots.to_vec(), state_dir);
        let store = LocalStore::open_at(settings, bookmark.as_ref()).unwrap();
        let goes_on = store.goes_on();
        let index = Index::open(Arc::new(store), Arc::new(catalog), Settings::default());
        let index = index.await.unwrap();
        Self { index, goes_on }
    }

    /// Ends it when the folder is old enough for a bookmark. `false` when there was none in five seconds.
    async fn end(self) -> bool {
        for _ in 0..100 {
            if self.index.try_bookmark().await.unwrap() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }

    /// File names and digests on a page; empty without a page.
    async fn page(&self, project: &str) -> Vec<(String, String)> {
        let key = PageKey {
            project: Some(project.parse().unwrap()),
            format: Format::Json,
            gzip: false,
        };
        let Some(page) = self.index.page(&key).await.unwrap() else {
            return Vec::new();
        };
        let page: Value = serde_json::from_slice(&page.body).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let files = page["files"].as_array().unwrap().iter();
        files
            .map(|file| (text(&file["filename"]), text(&file["hashes"]["sha256"])))
            .collect()
    }
}

/// A folder with a file of each project and one that is no distribution, and a run that has ended with a bookmark.
async fn folder_with(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes.txt"), "no distribution").unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    let run = Run::begin(folder.path()).await;
    assert!(!run.goes_on, "there was nothing to go on from");
    assert!(run.end().await);
    folder
}

fn line(name: &str, content: &str) -> (String, String) {
    (name.to_owned(), Sha256::of(content).to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_known_is_known_again() {
    let folder = folder_with(&["a-1.0.tar.gz", "team/b-1.0.tar.gz", "team/b-1.0.tar.gz.asc"]).await;
    for _ in 0..2 {
        let run = Run::begin(folder.path()).await;
        assert!(run.goes_on);
        assert_eq!(run.index.ignored_files(), 1);
        assert_eq!(run.page("a").await, [line("a-1.0.tar.gz", "a-1.0.tar.gz")]);
        assert_eq!(run.page("b").await, [line("b-1.0.tar.gz", "team/b-1.0.tar.gz")]);
        let signature = run.index.signature_file("team/b-1.0.tar.gz").await.unwrap();
        assert!(signature.is_some());
        assert!(run.end().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_came_or_went_meanwhile_are_noticed() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 6] = [
        ("a file came", |folder| {
            fs::write(folder.join("new-1.0.tar.gz"), "new").unwrap();
        }),
        ("a file came into a folder", |folder| {
            fs::write(folder.join("team/new-1.0.tar.gz"), "new").unwrap();
        }),
        ("a folder came", |folder| {
            fs::create_dir(folder.join("other")).unwrap();
            fs::write(folder.join("other/new-1.0.tar.gz"), "new").unwrap();
        }),
        ("a file went", |folder| {
            fs::remove_file(folder.join("a-1.0.tar.gz")).unwrap();
        }),
        ("a file took another one's place", |folder| {
            fs::write(folder.join("new"), "other bytes").unwrap();
            fs::rename(folder.join("new"), folder.join("a-1.0.tar.gz")).unwrap();
        }),
        ("a folder went", |folder| {
            fs::remove_dir_all(folder.join("team")).unwrap();
        }),
    ];
    for (what, change) in changes {
        let folder = folder_with(&["a-1.0.tar.gz", "team/b-1.0.tar.gz"]).await;
        change(folder.path());
        let run = Run::begin(folder.path()).await;
        assert!(!run.goes_on, "{what}");
        let content = |path: &str| fs::read_to_string(folder.path().join(path)).ok();
        for (project, paths) in [
            ("a", &["a-1.0.tar.gz"][..]),
            ("b", &["team/b-1.0.tar.gz"]),
            (
                "new",
                &["new-1.0.tar.gz", "team/new-1.0.tar.gz", "other/new-1.0.tar.gz"],
            ),
        ] {
            let there = paths.iter().filter_map(|path| {
                let name = path.rsplit('/').next().unwrap();
                Some(line(name, &content(path)?))
            });
            assert_eq!(
                run.page(project).await,
                there.collect::<Vec<_>>(),
                "{what}: {project}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_rewritten_meanwhile_are_noticed() {
    let folder = folder_with(&["a-1.0.tar.gz", "b-1.0.tar.gz"]).await;
    let rewrite = |file: &str| {
        let path = folder.path().join(file);
        OpenOptions::new()
            .append(true)
            .open(path)
            .unwrap()
            .write_all(b", and more")
            .unwrap();
    };
    rewrite("a-1.0.tar.gz");
    let run = Run::begin(folder.path()).await;
    assert!(run.goes_on, "no name came or went");
    assert_eq!(
        run.page("a").await,
        [line("a-1.0.tar.gz", "a-1.0.tar.gz, and more")]
    );
    assert_eq!(run.page("b").await, [line("b-1.0.tar.gz", "b-1.0.tar.gz")]);
    // What happens from now on is noticed as ever.
    rewrite("b-1.0.tar.gz");
    assert_eq!(
        run.page("b").await,
        [line("b-1.0.tar.gz", "b-1.0.tar.gz, and more")]
    );
    fs::write(folder.path().join("c-1.0.tar.gz"), "c").unwrap();
    assert_eq!(run.page("c").await, [line("c-1.0.tar.gz", "c")]);
    assert!(run.end().await);
    assert!(Run::begin(folder.path()).await.goes_on);
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_and_uploads_look_at_files_too() {
    let folder = folder_with(&["a-1.0.tar.gz"]).await;
    fs::write(folder.path().join("a-1.0.tar.gz"), "rewritten").unwrap();
    let run = Run::begin(folder.path()).await;
    assert!(run.goes_on);
    let mut listing = run.index.listing().await.unwrap();
    let files = listing.next().await.unwrap().unwrap();
    assert_eq!(files[0].size_bytes, 9);

    fs::write(folder.path().join("a-1.0.tar.gz"), "rewritten again").unwrap();
    let run = Run::begin(folder.path()).await;
    let mut spool = run.index.begin_upload().await.unwrap();
    spool.write(Bytes::from_static(b"rewritten again")).await.unwrap();
    let submission = Submission {
        form: UploadForm::from_fields(&[]).unwrap(),
        filename: "a-1.0.tar.gz".to_owned(),
        spool,
        signature: None,
        uploader: None,
    };
    assert_eq!(run.index.accept(submission).await.unwrap(), Accepted::Unchanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_names_do_not_tell_all_there_is_no_bookmark() {
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = folder_with(&["a-1.0.tar.gz"]).await;
    let run = Run::begin(folder.path()).await;
    let link = folder.path().join("late-1.0.tar.gz");
    std::os::unix::fs::symlink(elsewhere.path().join("late"), &link).unwrap();
    assert!(!run.end().await, "a symlink may begin to lead somewhere");
    fs::write(elsewhere.path().join("late"), "late").unwrap();
    let run = Run::begin(folder.path()).await;
    assert!(!run.goes_on);
    assert_eq!(run.page("late").await, [line("late-1.0.tar.gz", "late")]);
    fs::remove_file(link).unwrap();
    drop(run);
    let run = Run::begin(folder.path()).await;
    let mut written = fs::File::create(folder.path().join("b-1.0.tar.gz")).unwrap();
    written.write_all(b"half of it").unwrap();
    assert!(!run.end().await, "what is being written has no name yet");
    written.write_all(b", and the rest").unwrap();
    drop(written);
    let run = Run::begin(folder.path()).await;
    assert!(!run.goes_on);
    assert_eq!(
        run.page("b").await,
        [line("b-1.0.tar.gz", "half of it, and the rest")]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_came_meanwhile_is_there() {
    let folder = folder_with(&["a-1.0.tar.gz"]).await;
    fs::write(folder.path().join("a-1.0.tar.gz.asc"), SIGNATURE).unwrap();
    let run = Run::begin(folder.path()).await;
    assert!(run.index.signature_file("a-1.0.tar.gz").await.unwrap().is_some());
    assert!(run.end().await);
    let run = Run::begin(folder.path()).await;
    assert!(run.goes_on);
    assert!(run.index.signature_file("a-1.0.tar.gz").await.unwrap().is_some());
}
