//! The keys and values that the public index documents, and links that no client can influence.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::packaging::Sha256;

fn file(filename: &str) -> ReleaseFile {
    let entry = FileEntry {
        filename: crate::packaging::DistFilename::parse_listed(filename).unwrap(),
        path: format!("sub/{filename}"),
        digest: None,
        requires_python: None,
        metadata_sha256: None,
        yanked: None,
        is_signed: false,
        size_bytes: 12,
        uploaded_at: "2026-01-02T03:04:05.678901234Z".parse().unwrap(),
    };
    ReleaseFile {
        entry,
        digests: vec![NamedDigest::parse(Algorithm::Sha256, &"ab".repeat(32)).unwrap()],
    }
}

fn yanked(filename: &str) -> ReleaseFile {
    let mut file = file(filename);
    file.entry.yanked = Some("broken".to_owned());
    file
}

fn document(files: Vec<ReleaseFile>, metadata: &str) -> ProjectDocument {
    ProjectDocument {
        name: "my-lib".parse().unwrap(),
        status: ProjectStatus::Active,
        status_reason: None,
        release: latest(&files).unwrap().clone(),
        files,
        metadata: CoreMetadata::parse_lenient(metadata.as_bytes()).ok(),
        releases: Releases::OldestFirst,
    }
}

fn read(document: &ProjectDocument, base: &str) -> Value {
    serde_json::from_slice(&render(document).at(base)).unwrap()
}

const BASE: &str = "https://pkg.example:8443/pre/";

#[test]
fn the_latest_release_is_final_and_not_yanked_if_there_is_such_a_one() {
    let shown = |files: &[ReleaseFile]| latest(files).map(ToString::to_string);
    let sorted = |names: &[&str]| -> Vec<ReleaseFile> {
        names
            .iter()
            .map(|name| match name.strip_prefix('!') {
                Some(name) => yanked(name),
                None => file(name),
            })
            .collect()
    };
    for (names, expected) in [
        (&["a-1.0.tar.gz", "a-1.9.tar.gz", "a-1.10.tar.gz"][..], "1.10"),
        (&["a-1.0.tar.gz", "a-2.0rc1.tar.gz"], "1.0"),
        (&["a-1.0.tar.gz", "a-2.0.dev3.tar.gz"], "1.0"),
        (&["a-1.0a1.tar.gz", "a-1.0b1.tar.gz"], "1.0b1"),
        (&["a-1.0.tar.gz", "!a-2.0.tar.gz"], "1.0"),
        (&["a-1.0rc1.tar.gz", "!a-2.0.tar.gz"], "1.0rc1"),
        (&["!a-1.0.tar.gz", "!a-2.0.tar.gz"], "2.0"),
        // Half a release is no yanked release.
        (
            &["a-1.0.tar.gz", "!a-2.0.tar.gz", "a-2.0-py3-none-any.whl"],
            "2.0",
        ),
        (&["a-1.0.tar.gz", "a-1.0.post1.tar.gz", "a-1!0.1.tar.gz"], "1!0.1"),
        (&["a-9x.tar.bz2", "a-0.1.tar.gz"], "0.1"),
    ] {
        assert_eq!(shown(&sorted(names)).as_deref(), Some(expected), "{names:?}");
    }
    assert_eq!(latest(&[]), None);
    let pre = sorted(&["a-1.0.tar.gz", "a-2.0rc1.tar.gz", "!a-3.0.tar.gz"]);
    assert_eq!(newest(&pre).map(ToString::to_string).as_deref(), Some("2.0rc1"));
}

#[test]
fn info_has_every_field_of_the_metadata() {
    let metadata = "Metadata-Version: 2.4\nName: My.Lib\nVersion: 1.0\nSummary: short\nHome-page: https://h.example\n\
        Download-URL: javascript:alert(1)\nAuthor: A\nAuthor-email: a@example.com\nMaintainer: M\n\
        Maintainer-email: m@example.com\nLicense: UNKNOWN\nLicense-Expression: MIT\nLicense-File: LICENSE\n\
        Classifier: X :: Y\nClassifier: Z\nKeywords: a,b\nPlatform: any\nPlatform: win32\nRequires-Python: >=3.8\n\
        Requires-Dist: x>1\nRequires-Dist: y; extra == 'e'\nProvides-Extra: e\nDynamic: Version\n\
        Project-URL: Source, https://s.example/a,b\nProject-URL: Bad, JavaScript:alert(2)\n\
        Project-URL: Source, https://again.example\nDescription-Content-Type: text/markdown\n\n# Title\n";
    let mut whole = document(vec![file("my_lib-1.0.tar.gz")], metadata);
    whole.releases = Releases::None;
    let page = read(&whole, BASE);
    let link = "https://pkg.example:8443/pre/simple/my-lib/";
    let expected = json!({
        "author": "A", "author_email": "a@example.com", "bugtrack_url": null, "classifiers": ["X :: Y", "Z"],
        "description": "# Title\n", "description_content_type": "text/markdown", "docs_url": null,
        "download_url": null, "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
        "dynamic": ["Version"], "home_page": "https://h.example", "keywords": "a,b", "license": null,
        "license_expression": "MIT", "license_files": ["LICENSE"], "maintainer": "M",
        "maintainer_email": "m@example.com", "name": "My.Lib", "package_url": link, "platform": "any,win32",
        "project_url": link, "project_urls": {"Homepage": "https://h.example", "Source": "https://s.example/a,b"},
        "provides_extra": ["e"], "release_url": link, "requires_dist": ["x>1", "y; extra == 'e'"],
        "requires_python": ">=3.8", "summary": "short", "version": "1.0", "yanked": false, "yanked_reason": null,
    });
    assert_eq!(page["info"], expected);
    assert!(page.get("releases").is_none() && page.get("project-status").is_none());
    assert_eq!(page["vulnerabilities"], json!([]));
}

#[test]
fn a_release_without_metadata_has_its_name_and_version() {
    let page = read(&document(vec![file("my_lib-1.0-py2.7.egg")], ""), BASE);
    let info = &page["info"];
    assert_eq!(
        (&info["name"], &info["version"]),
        (&json!("my-lib"), &json!("1.0"))
    );
    for absent in [
        "summary",
        "requires_dist",
        "project_urls",
        "dynamic",
        "license_files",
    ] {
        assert_eq!(info[absent], json!(null), "{absent}");
    }
    assert_eq!(
        (&info["classifiers"], &info["description"]),
        (&json!([]), &json!(""))
    );
}

#[test]
fn files_tell_all_that_is_known_of_them() {
    let mut wheel = file("my_lib-1.0+l.1-py2.py3-none-any.whl");
    wheel.entry.requires_python = Some("<4".to_owned());
    wheel.entry.metadata_sha256 = Some(Sha256::of("metadata"));
    wheel.entry.yanked = Some("bad \u{0}".to_owned());
    wheel
        .digests
        .push(NamedDigest::parse(Algorithm::Md5, &"cd".repeat(16)).unwrap());
    wheel
        .digests
        .push(NamedDigest::parse(Algorithm::Sha512, &"ef".repeat(64)).unwrap());
    let mut document = document(vec![file("my_lib-0.9.zip"), wheel], "");
    document.status = ProjectStatus::Deprecated;
    document.status_reason = Some("old".to_owned());
    document.release = "1.0+l.1"
        .parse::<crate::packaging::Version>()
        .map(ReleaseVersion::Standard)
        .unwrap();
    let page = read(&document, BASE);
    let wheel = json!({
        "comment_text": "", "core-metadata": {"sha256": Sha256::of("metadata").to_string()},
        "digests": {"md5": "cd".repeat(16), "sha256": "ab".repeat(32)}, "downloads": -1,
        "filename": "my_lib-1.0+l.1-py2.py3-none-any.whl", "has_sig": false, "md5_digest": "cd".repeat(16),
        "packagetype": "bdist_wheel", "python_version": "py2.py3", "requires_python": "<4", "size": 12,
        "upload_time": "2026-01-02T03:04:05", "upload_time_iso_8601": "2026-01-02T03:04:05.678901Z",
        "url": "https://pkg.example:8443/pre/packages/sub/my_lib-1.0%2Bl.1-py2.py3-none-any.whl",
        "yanked": true, "yanked_reason": "bad \u{0}",
    });
    assert_eq!(page["urls"], json!([wheel]));
    assert_eq!(page["releases"]["1.0+l.1"], json!([wheel]));
    let sdist = &page["releases"]["0.9"][0];
    assert_eq!(
        (&sdist["packagetype"], &sdist["python_version"]),
        (&json!("sdist"), &json!("source"))
    );
    assert_eq!(
        (&sdist["md5_digest"], &sdist["core-metadata"]),
        (&json!(null), &json!(false))
    );
    assert_eq!(
        (&sdist["yanked"], &sdist["yanked_reason"]),
        (&json!(false), &json!(null))
    );
    assert_eq!(
        (&page["info"]["yanked"], &page["info"]["yanked_reason"]),
        (&json!(true), &json!("bad \u{0}"))
    );
    assert_eq!(
        page["project-status"],
        json!({"status": "deprecated", "reason": "old"})
    );
}

#[test]
fn releases_stand_in_the_order_of_the_server_they_imitate() {
    let files = [
        "my_lib-0.9.zip",
        "my_lib-0.10.zip",
        "my_lib-1.0.zip",
        "my_lib-1.0.0-py3-none-any.whl",
    ];
    let mut document = document(files.map(file).to_vec(), "");
    let keys = |document: &ProjectDocument| -> Vec<usize> {
        let text = String::from_utf8(render(document).at(BASE)).unwrap();
        ["\"0.9\":[", "\"0.10\":[", "\"1.0\":["]
            .map(|key| text.find(key).unwrap())
            .to_vec()
    };
    assert!(keys(&document).is_sorted());
    // One release, although its files spell it in two ways.
    assert_eq!(
        read(&document, BASE)["releases"]["1.0"].as_array().unwrap().len(),
        2
    );
    document.releases = Releases::NewestFirst;
    assert!(keys(&document).iter().rev().is_sorted());
}

proptest! {
    /// Whatever authors write and whatever a client calls the index: links begin with the address and nothing else
    /// changes.
    #[test]
    fn texts_and_addresses_never_mix(summary in "\\PC{0,40}", reason in any::<String>(), base in any::<String>()) {
        let mut file = file("my_lib-1.0.tar.gz");
        file.entry.yanked = Some(reason.clone());
        let metadata = format!("Name: x\nVersion: 1.0\nProject-URL: url, \u{1}{summary}\nSummary: {summary}\n");
        let page = read(&document(vec![file], &metadata), &base);
        prop_assert_eq!(page["urls"][0]["url"].as_str().unwrap(), format!("{base}packages/sub/my_lib-1.0.tar.gz"));
        let shown = page["urls"][0]["yanked_reason"].as_str().unwrap_or_default();
        prop_assert_eq!(shown, reason);
    }
}
