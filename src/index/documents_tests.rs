//! Documents, listings and pages of projects of which the catalog says something: yanks and status.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::catalog::SqliteCatalog;
use crate::index::{PageKey, Settings};
use crate::packaging::simple::FileEntry;
use crate::packaging::simple::negotiate::Format;
use crate::storage::LocalStore;

/// A registry over a folder, and its database, in which nothing but a test can say these things yet.
struct Fixture {
    folder: TempDir,
    index: Arc<Index>,
}

impl Fixture {
    async fn with(files: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            fs::write(folder.path().join(file), file).unwrap();
        }
        let index = open(folder.path(), 64 << 20).await;
        Self { folder, index }
    }

    /// As another program would do it while the server stands still.
    async fn sql(&self, sql: &str) {
        let path = self.folder.path().join(".pkgctl/catalog.db");
        rusqlite::Connection::open(path)
            .unwrap()
            .execute_batch(sql)
            .unwrap();
        self.index.pages.forget_all();
    }

    async fn document(&self, project: &str, which: Which) -> Option<Value> {
        self.document_at(project, which, "http://x/").await
    }

    async fn document_at(&self, project: &str, which: Which, base: &str) -> Option<Value> {
        let project = project.parse().unwrap();
        let key = DocumentKey { project, which };
        let page = self.index.document(key, base, false).await.unwrap()?;
        Some(serde_json::from_slice(&page.body).unwrap())
    }

    async fn page(&self, project: Option<&str>, format: Format) -> String {
        let key = PageKey {
            project: project.map(|name| name.parse().unwrap()),
            format,
            gzip: false,
        };
        let page = self.index.page(&key).await.unwrap().unwrap();
        String::from_utf8(page.body.to_vec()).unwrap()
    }

    async fn listed(&self) -> Vec<FileEntry> {
        let mut listing = self.index.listing().await.unwrap();
        let mut all = Vec::new();
        while let Some(files) = listing.next().await.unwrap() {
            all.extend(files);
        }
        all
    }
}

async fn open(folder: &Path, page_cache_bytes: u64) -> Arc<Index> {
    let state_dir = folder.join(".pkgctl");
    let roots = [folder.to_owned()];
    let store = LocalStore::open(storage::Settings::new(roots.to_vec(), state_dir.clone())).unwrap();
    let (catalog, _) = SqliteCatalog::open(&state_dir.join("catalog.db"), &roots).unwrap();
    let settings = Settings {
        page_cache_bytes,
        ..Settings::default()
    };
    Index::open(Arc::new(store), Arc::new(catalog), settings)
        .await
        .unwrap()
}

const FILES: [&str; 3] = ["lib-1.0.tar.gz", "lib-2.0.tar.gz", "lib-2.0.zip"];

#[tokio::test(flavor = "multi_thread")]
async fn yanks_are_shown_everywhere() {
    let fixture = Fixture::with(&FILES).await;
    fixture
        .sql(
            "UPDATE files SET yank_reason = 'bad \"<1>\"' WHERE filename LIKE 'lib-2.0%'; \
              UPDATE files SET yank_reason = '' WHERE filename = 'lib-2.0.zip'",
        )
        .await;
    let latest = fixture.document("lib", Which::Latest).await.unwrap();
    assert_eq!(
        (&latest["info"]["version"], &latest["info"]["yanked"]),
        (&json!("1.0"), &json!(false))
    );
    assert_eq!(
        fixture.document("lib", Which::Newest).await.unwrap()["info"]["version"],
        "1.0"
    );
    let release = Which::Release(ReleaseVersion::parse("2.0"));
    let yanked = fixture.document("lib", release).await.unwrap();
    let info = &yanked["info"];
    assert_eq!(
        (&info["yanked"], &info["yanked_reason"]),
        (&json!(true), &json!("bad \"<1>\""))
    );
    assert_eq!(yanked["urls"][1]["yanked"], json!(true));
    assert_eq!(yanked["urls"][1]["yanked_reason"], json!(null));
    let page: Value = serde_json::from_str(&fixture.page(Some("lib"), Format::Json).await).unwrap();
    let yanks: Vec<&Value> = page["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| &file["yanked"])
        .collect();
    assert_eq!(yanks, [&json!(false), &json!("bad \"<1>\""), &json!(true)]);
    let html = fixture.page(Some("lib"), Format::Html).await;
    assert!(
        html.contains("data-yanked=\"bad &#34;&#60;1&#62;&#34;\"") && html.contains("data-yanked=\"\""),
        "{html}"
    );
    let listed: Vec<Option<String>> = fixture
        .listed()
        .await
        .into_iter()
        .map(|file| file.yanked)
        .collect();
    assert_eq!(
        listed,
        [None, Some("bad \"<1>\"".to_owned()), Some(String::new())]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_shown_and_a_quarantined_project_offers_nothing() {
    let fixture = Fixture::with(&FILES).await;
    let status =
        |status: &str| format!("UPDATE projects SET status = '{status}', status_reason = 'use <other>'");
    for shown in ["archived", "deprecated"] {
        fixture.sql(&status(shown)).await;
        let expected = json!({"status": shown, "reason": "use <other>"});
        let document = fixture.document("lib", Which::Latest).await.unwrap();
        assert_eq!(document["project-status"], expected);
        assert_eq!(document["releases"].as_object().unwrap().len(), 2);
        let page: Value = serde_json::from_str(&fixture.page(Some("lib"), Format::Json).await).unwrap();
        assert_eq!(page["project-status"], expected);
        let html = fixture.page(Some("lib"), Format::Html).await;
        for meta in [
            format!("<meta name=\"pypi:project-status\" content=\"{shown}\">"),
            "<meta name=\"pypi:project-status-reason\" content=\"use &#60;other&#62;\">".to_owned(),
        ] {
            assert!(html.contains(&meta), "{html}");
        }
        assert!(fixture.page(None, Format::Html).await.contains("lib"));
        assert_eq!(fixture.listed().await.len(), 3);
    }
    fixture.sql(&status("quarantined")).await;
    for which in [
        Which::Latest,
        Which::Newest,
        Which::Release(ReleaseVersion::parse("1.0")),
    ] {
        assert_eq!(fixture.document("lib", which).await, None);
    }
    // Its page stays, without files: the name must not be looked for elsewhere.
    let page: Value = serde_json::from_str(&fixture.page(Some("lib"), Format::Json).await).unwrap();
    assert_eq!((&page["files"], &page["versions"]), (&json!([]), &json!([])));
    assert_eq!(page["project-status"]["status"], "quarantined");
    assert!(!fixture.page(None, Format::Html).await.contains("lib"));
    assert_eq!(fixture.listed().await, []);
    let found = fixture
        .index
        .search(&crate::index::Query::new(["lib"], false))
        .await
        .unwrap();
    assert_eq!(found, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_made_once_and_outdated_by_any_change_of_the_project() {
    let fixture = Fixture::with(&FILES).await;
    let key = || DocumentKey {
        project: "lib".parse().unwrap(),
        which: Which::Latest,
    };
    // Times of before: what was written a moment ago is not kept where it may change unseen.
    let first = fixture.index.template(key()).await.unwrap().unwrap();
    assert!(Arc::ptr_eq(
        &first,
        &fixture.index.template(key()).await.unwrap().unwrap()
    ));
    fs::write(fixture.folder.path().join("lib-3.0.tar.gz"), "three").unwrap();
    assert_eq!(
        fixture.document("lib", Which::Latest).await.unwrap()["info"]["version"],
        "3.0"
    );
    fs::remove_file(fixture.folder.path().join("lib-3.0.tar.gz")).unwrap();
    assert_eq!(
        fixture.document("lib", Which::Latest).await.unwrap()["info"]["version"],
        "2.0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_without_end_take_no_more_memory_than_allowed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lib-1.0.tar.gz"), "one").unwrap();
    let index = open(folder.path(), 1 << 20).await;
    let key = || DocumentKey {
        project: "lib".parse().unwrap(),
        which: Which::Latest,
    };
    let template = index.template(key()).await.unwrap().unwrap();
    for number in 0..2000 {
        let base = format!("http://host-{number}.example/");
        let page = index.document(key(), &base, false).await.unwrap().unwrap();
        let page: Value = serde_json::from_slice(&page.body).unwrap();
        assert_eq!(page["urls"][0]["url"], format!("{base}packages/lib-1.0.tar.gz"));
    }
    assert!(index.documents.placed.weight() <= 1 << 17);
    // The template was not pushed out.
    assert!(Arc::ptr_eq(
        &template,
        &index.template(key()).await.unwrap().unwrap()
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_reads_only_so_much_of_what_nobody_has_read() {
    let fixture = Fixture::with(&["big-1.0.tar.gz", "small-1.0.tar.gz"]).await;
    let big = fs::File::create(fixture.folder.path().join("big-1.0.tar.gz")).unwrap();
    // A hole: large without a byte on disk.
    big.set_len((64 << 20) + 1).unwrap();
    drop(big);
    let digests: Vec<bool> = fixture
        .listed()
        .await
        .iter()
        .map(|file| file.digest.is_some())
        .collect();
    assert_eq!(digests, [false, true]);
}
