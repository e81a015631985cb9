//! What the steps of an answer cost: `cargo bench`, or `cargo bench -- NAME` for some.
//!
//! The inputs are those of real projects, and fixed. Look at the medians and compare them with those of the commit before,
//! taken on the same machine. What a request costs as a whole is measured by `serve.py` beside this file; how many
//! allocations and system calls it takes is pinned by tests.

#![expect(clippy::unwrap_used, reason = "a benchmark stops at what goes wrong")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use divan::{Bencher, black_box};
use jiff::Timestamp;
use pkgctl::catalog::SqliteCatalog;
use pkgctl::index::{self, Index, PageKey};
use pkgctl::packaging::digest::{Algorithm, NamedDigest};
use pkgctl::packaging::metadata::CoreMetadata;
use pkgctl::packaging::simple::negotiate::{Format, accepts_gzip, choose_format};
use pkgctl::packaging::simple::{FileEntry, ProjectDetail, ProjectList, ProjectStatus, html, json};
use pkgctl::packaging::specifier::SpecifierSet;
use pkgctl::packaging::{DistFilename, ProjectName, Sha256, Version};
use pkgctl::storage::{self, LocalStore};

fn main() {
    divan::main();
}

/// A wheel of each version, as the pages of large projects list them.
fn detail(files: usize) -> ProjectDetail {
    let entry = |number: usize| {
        let filename = format!(
            "service_client-{}.{}.{}-py3-none-any.whl",
            number / 100,
            number / 10 % 10,
            number % 10
        );
        let digest = Sha256::of(number.to_le_bytes()).to_string();
        FileEntry {
            filename: DistFilename::parse_listed(&filename).unwrap(),
            path: filename,
            digest: Some(NamedDigest::parse(Algorithm::Sha256, &digest).unwrap()),
            requires_python: Some(">=3.8,<4".to_owned()),
            metadata_sha256: Some(Sha256::of(b"metadata")),
            yanked: None,
            size_bytes: 12_345,
            uploaded_at: Timestamp::from_second(1_767_225_600).unwrap(),
            is_signed: false,
        }
    };
    ProjectDetail {
        name: "service-client".parse().unwrap(),
        status: ProjectStatus::Active,
        status_reason: None,
        files: (0..files).map(entry).collect(),
    }
}

mod rendering {
    use super::*;

    #[divan::bench(args = [10, 2000])]
    fn project_html(bencher: Bencher, files: usize) {
        let detail = detail(files);
        bencher.bench(|| html::project_detail(black_box(&detail)));
    }

    #[divan::bench(args = [10, 2000])]
    fn project_json(bencher: Bencher, files: usize) {
        let detail = detail(files);
        bencher.bench(|| json::project_detail(black_box(&detail)));
    }

    fn names() -> ProjectList {
        let name = |number| format!("project-of-a-team-{number:05}").parse().unwrap();
        ProjectList {
            projects: (0..5000).map(name).collect(),
        }
    }

    #[divan::bench]
    fn root_of_5000_html(bencher: Bencher) {
        let list = names();
        bencher.bench(|| html::project_list(black_box(&list)));
    }

    #[divan::bench]
    fn root_of_5000_json(bencher: Bencher) {
        let list = names();
        bencher.bench(|| json::project_list(black_box(&list)));
    }
}

mod parsing {
    use super::*;

    /// As pip sends it.
    const ACCEPT: &str =
        "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01";

    #[divan::bench(args = [
        "requests-2.32.3-py3-none-any.whl",
        "numpy-2.1.3-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    ])]
    fn wheel_filename(name: &str) -> DistFilename {
        DistFilename::parse_listed(black_box(name)).unwrap()
    }

    #[divan::bench]
    fn sdist_filename() -> DistFilename {
        DistFilename::parse_listed(black_box("my_service_lib-1.0.0.tar.gz")).unwrap()
    }

    #[divan::bench(args = ["My.Service__Lib", "requests"])]
    fn project_name(name: &str) -> ProjectName {
        black_box(name).parse().unwrap()
    }

    #[divan::bench(args = ["1.0.0", "1!2024.10.post3.dev4+local.7"])]
    fn version(text: &str) -> Version {
        black_box(text).parse().unwrap()
    }

    #[divan::bench(args = [">=3.8", ">=3.8,!=3.9.0,!=3.9.1,<4"])]
    fn specifier(text: &str) -> SpecifierSet {
        black_box(text).parse().unwrap()
    }

    #[divan::bench]
    fn accept_header() -> Option<Format> {
        choose_format(black_box(Some(ACCEPT)))
    }

    #[divan::bench]
    fn accept_encoding_header() -> bool {
        accepts_gzip(black_box(Some("gzip, deflate, br, zstd")))
    }

    /// With 40 header fields and a README of 8 KB.
    #[divan::bench]
    fn core_metadata(bencher: Bencher) {
        let mut text = String::from(
            "Metadata-Version: 2.1\nName: service-client\nVersion: 1.0\nRequires-Python: >=3.8\n",
        );
        for minor in 0..18 {
            text += &format!("Classifier: Programming Language :: Python :: 3.{minor}\n");
            text += &format!("Requires-Dist: dependency-{minor} >=1.{minor} ; extra == 'all'\n");
        }
        text += "\n";
        text += &"A line of a README that tells what the package is good for.\n".repeat(136);
        bencher.bench(|| CoreMetadata::parse(black_box(text.as_bytes())).unwrap());
    }
}

mod looking_up {
    use super::*;

    /// An index of a folder in which each of some projects has one file.
    async fn index_of(folder: &Path, projects: usize) -> Arc<Index> {
        for number in 0..projects {
            let file = fs::File::create(folder.join(format!("project_{number}-1.0.tar.gz"))).unwrap();
            // A page is kept when a change of its files would show in their times.
            file.set_modified(SystemTime::now() - Duration::from_secs(3600))
                .unwrap();
        }
        let state_dir = folder.join(".pkgctl");
        let roots = [folder.to_owned()];
        let store = LocalStore::open(storage::Settings::new(roots.to_vec(), state_dir.clone())).unwrap();
        let (catalog, _) = SqliteCatalog::open(&state_dir.join("catalog.db"), &roots).unwrap();
        let index = Index::open(Arc::new(store), Arc::new(catalog), index::Settings::default());
        index.await.unwrap()
    }

    /// A page that was rendered before, as nearly every request finds it.
    #[divan::bench(args = [10, 1000])]
    fn project_page(bencher: Bencher, projects: usize) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let index = runtime.block_on(index_of(folder.path(), projects));
        let key = PageKey {
            project: Some("project-7".parse().unwrap()),
            format: Format::Json,
            gzip: true,
        };
        let page = || runtime.block_on(index.page(black_box(&key))).unwrap();
        assert!(page().is_some(), "there is such a project");
        bencher.bench_local(page);
    }
}
