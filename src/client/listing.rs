//! What an index lists for a project: the Simple API as a client reads it, in JSON or HTML.
//!
//! Used to learn whether a file that an index claims to have already is the file at hand.

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use url::Url;

use super::answer::{media_type, unescape};
use crate::packaging::ProjectName;
use crate::packaging::digest::{Algorithm, NamedDigest};
use crate::packaging::public_index::PublicIndex;

/// What the client accepts as a project page, best first.
pub(super) const ACCEPT: &str =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/// One file of a project page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListedFile {
    pub(super) filename: String,
    /// Its address as the page gives it, mostly relative to the page, without the fragment.
    pub(super) link: String,
    /// The digests that distributions can be compared by.
    pub(super) digests: Vec<NamedDigest>,
}

impl ListedFile {
    /// The digest to compare by: an MD5 only where there is no other.
    pub(super) fn best_digest(&self) -> Option<&NamedDigest> {
        self.digests
            .iter()
            .min_by_key(|digest| digest.algorithm == Algorithm::Md5)
    }
}

/// Where a project's page may be, best guess first, for an index whose upload address is `upload`.
pub(super) fn page_candidates(upload: &Url, project: &ProjectName) -> Vec<Url> {
    let lists = list_candidates(upload).into_iter();
    lists.map(|list| page_below(&list, project)).collect()
}

/// Where the list of projects may be, best guess first, for an index whose upload address is `upload`.
///
/// There is no rule that leads from one to the other, but there are habits: `simple/` beside the upload address
/// (pypiserver, Artifactory, Nexus, GitLab, Google) or beside its parent (`legacy/`, `upload/`), `+simple/` below
/// it (devpi). Only the public index keeps its pages on another host.
pub(super) fn list_candidates(upload: &Url) -> Vec<Url> {
    let mut base = upload.clone();
    base.set_query(None);
    base.set_fragment(None);
    if let Some(index) = PublicIndex::at(upload) {
        // Can fail only for addresses without a host.
        let _ = base.set_host(Some(index.page_host));
        base.set_path("/");
    }
    let path = base.path().trim_end_matches('/').to_owned();
    let (parent, last) = path.rsplit_once('/').unwrap_or(("", &path));
    let mut folders = Vec::new();
    if last == "simple" {
        folders.push(path.clone());
    }
    if matches!(last, "legacy" | "upload") {
        folders.push(format!("{parent}/simple"));
    }
    folders.push(format!("{path}/simple"));
    if last == "pypi" {
        folders.push(format!("{parent}/simple"));
    }
    folders.push(format!("{path}/+simple"));
    folders
        .into_iter()
        .map(|folder| {
            let mut url = base.clone();
            url.set_path(&format!("{folder}/"));
            url
        })
        .collect()
}

/// The page of a project below the list of projects at `root`.
pub(super) fn page_below(root: &Url, project: &ProjectName) -> Url {
    let mut url = root.clone();
    url.set_fragment(None);
    url.set_path(&format!("{}/{project}/", root.path().trim_end_matches('/')));
    url
}

/// Reads a project page. `None` when it is neither of the two formats.
pub(super) fn parse(content_type: &str, body: &str) -> Option<Vec<ListedFile>> {
    match media_type(content_type).as_str() {
        "application/vnd.pypi.simple.v1+json" => parse_json(body),
        "application/vnd.pypi.simple.v1+html" | "text/html" => Some(parse_html(body)),
        _ => None,
    }
}

#[derive(Deserialize)]
struct Page {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    filename: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    hashes: std::collections::BTreeMap<String, String>,
}

fn parse_json(body: &str) -> Option<Vec<ListedFile>> {
    let page: Page = serde_json::from_str(body).ok()?;
    let files = page.files.into_iter().map(|file| ListedFile {
        filename: file.filename,
        link: file.url,
        digests: file
            .hashes
            .iter()
            .filter_map(|(name, hex)| parse_digest(name, hex))
            .collect(),
    });
    Some(files.collect())
}

/// Every link counts: its last path component is the file's name, its fragment the digest.
fn parse_html(body: &str) -> Vec<ListedFile> {
    let mut files = Vec::new();
    // ASCII lowering keeps every byte where it is, so positions hold for the page itself.
    let lower = body.to_ascii_lowercase();
    for (at, name) in lower.match_indices("href") {
        let rest = body[at + name.len()..].trim_start();
        let Some(value) = rest.strip_prefix('=').map(str::trim_start) else {
            continue;
        };
        let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            continue;
        };
        let Some((link, _)) = value[1..].split_once(quote) else {
            continue;
        };
        files.extend(parse_link(&unescape(link)));
    }
    files
}

fn parse_link(link: &str) -> Option<ListedFile> {
    let (address, fragment) = link.split_once('#').unwrap_or((link, ""));
    let path = address.split('?').next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    let filename = percent_decode_str(last).decode_utf8().ok()?.into_owned();
    let digests = fragment
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter_map(|(name, hex)| parse_digest(name, hex))
        .collect();
    (!filename.is_empty()).then(|| ListedFile {
        filename,
        link: address.to_owned(),
        digests,
    })
}

fn parse_digest(name: &str, hex: &str) -> Option<NamedDigest> {
    let algorithm = match name {
        "md5" => Algorithm::Md5,
        "sha256" => Algorithm::Sha256,
        "sha384" => Algorithm::Sha384,
        "sha512" => Algorithm::Sha512,
        _ => return None,
    };
    NamedDigest::parse(algorithm, hex).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pages_are_sought_where_indexes_keep_them() {
        let project = "my-lib".parse().unwrap();
        let first = |upload: &str| page_candidates(&upload.parse().unwrap(), &project)[0].to_string();
        for (upload, page) in [
            ("http://localhost:8080", "http://localhost:8080/simple/my-lib/"),
            (
                "http://localhost:8080/simple/",
                "http://localhost:8080/simple/my-lib/",
            ),
            (
                "http://localhost:8080/legacy",
                "http://localhost:8080/simple/my-lib/",
            ),
            (
                "http://localhost:8080/prefix/legacy/",
                "http://localhost:8080/prefix/simple/my-lib/",
            ),
            (
                "https://example.com/artifactory/api/pypi/local",
                "https://example.com/artifactory/api/pypi/local/simple/my-lib/",
            ),
            (
                "https://example.com/repository/pypi-hosted/",
                "https://example.com/repository/pypi-hosted/simple/my-lib/",
            ),
            (
                "https://example.com/api/v4/projects/1/packages/pypi",
                "https://example.com/api/v4/projects/1/packages/pypi/simple/my-lib/",
            ),
            (
                "https://example.com/org/_packaging/feed/pypi/upload/",
                "https://example.com/org/_packaging/feed/pypi/simple/my-lib/",
            ),
            (
                "https://upload.pypi.org/legacy/",
                "https://pypi.org/simple/my-lib/",
            ),
        ] {
            assert_eq!(first(upload), page, "{upload}");
        }
        let others = |upload: &str| {
            page_candidates(&upload.parse().unwrap(), &project)
                .iter()
                .map(|url| url.path().to_owned())
                .collect::<Vec<_>>()
        };
        assert!(others("http://localhost:8080/pypi").contains(&"/simple/my-lib/".to_owned()));
        assert!(
            others("http://localhost:3141/alice/dev/").contains(&"/alice/dev/+simple/my-lib/".to_owned())
        );
    }

    #[test]
    fn both_formats_give_names_and_digests() {
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let expected = |link: &str| {
            [ListedFile {
                filename: "a-1.0+x-py3-none-any.whl".to_owned(),
                link: link.to_owned(),
                digests: vec![NamedDigest::parse(Algorithm::Sha256, digest).unwrap()],
            }]
        };
        let json = format!(
            r#"{{"meta": {{"api-version": "1.4"}}, "name": "a", "files": [{{"filename":
               "a-1.0+x-py3-none-any.whl", "url": "x", "hashes": {{"sha256": "{digest}", "blake2b": "00"}}}}]}}"#
        );
        assert_eq!(
            parse("application/vnd.pypi.simple.v1+json", &json).unwrap(),
            expected("x")
        );
        for (html, link) in [
            (
                format!(
                    r#"<A data-x="1" HREF="../../files/a-1.0%2Bx-py3-none-any.whl?a=1&amp;b=2#sha256={digest}">x</A>"#
                ),
                "../../files/a-1.0%2Bx-py3-none-any.whl?a=1&b=2",
            ),
            (
                format!(r"<a href = 'http://h/a-1.0+x-py3-none-any.whl#sha256={digest}'>x</a>"),
                "http://h/a-1.0+x-py3-none-any.whl",
            ),
        ] {
            assert_eq!(
                parse("text/html; charset=utf-8", &html).unwrap(),
                expected(link),
                "{html}"
            );
        }
    }

    #[test]
    fn an_md5_is_compared_only_where_there_is_nothing_better() {
        let file = |json: &str| {
            let page = format!(r#"{{"files": [{{"filename": "a-1.0.tar.gz", "hashes": {json}}}]}}"#);
            parse("application/vnd.pypi.simple.v1+json", &page)
                .unwrap()
                .remove(0)
        };
        let (md5, sha256) = ("0".repeat(32), "0".repeat(64));
        let both = file(&format!(r#"{{"md5": "{md5}", "sha256": "{sha256}"}}"#));
        assert_eq!(both.best_digest().unwrap().algorithm, Algorithm::Sha256);
        let one = file(&format!(r#"{{"md5": "{md5}"}}"#));
        assert_eq!(one.best_digest().unwrap().algorithm, Algorithm::Md5);
        assert_eq!(file("{}").best_digest(), None);
    }

    #[test]
    fn a_place_that_was_named_is_taken_as_it_is() {
        let project = "my-lib".parse().unwrap();
        for root in ["http://h/root/pypi/+simple", "http://h/root/pypi/+simple/"] {
            let page = page_below(&root.parse().unwrap(), &project);
            assert_eq!(page.as_str(), "http://h/root/pypi/+simple/my-lib/");
        }
    }

    #[test]
    fn missing_and_malformed_digests_are_no_digests() {
        for fragment in ["", "#sha256=xyz", "#egg=a"] {
            let page = format!(r#"<a href="/packages/a-1.0.tar.gz{fragment}">a</a>"#);
            let files = parse("text/html", &page).unwrap();
            assert_eq!((files.len(), files[0].digests.len()), (1, 0), "{fragment}");
        }
        assert_eq!(parse("application/json", "{}"), None);
        assert_eq!(parse("application/vnd.pypi.simple.v1+json", "{}"), None);
    }

    proptest! {
        #[test]
        fn no_page_makes_it_panic(body in "(href|=|\"|'|#|/|é|<a |sha256=|%2|&amp;|.){0,40}") {
            let _ = parse("text/html", &body);
            let _ = parse("application/vnd.pypi.simple.v1+json", &body);
        }
    }
}
