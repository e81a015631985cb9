//! The JSON rendering, `application/vnd.pypi.simple.v1+json` (PEP 691, 700, 714, 792).

use std::collections::BTreeMap;

use serde::Serialize;

use super::{API_VERSION, FileEntry, ProjectDetail, ProjectList, ProjectStatus, format_upload_time};

/// Renders the index page in its least form: nothing but the names.
#[must_use]
pub fn project_list(list: &ProjectList) -> Vec<u8> {
    #[derive(Serialize)]
    struct Page<'a> {
        meta: Meta,
        projects: Vec<Project<'a>>,
    }
    #[derive(Serialize)]
    struct Project<'a> {
        name: &'a str,
    }
    let projects = list
        .projects
        .iter()
        .map(|name| Project { name: name.as_str() })
        .collect();
    to_json(&Page {
        meta: Meta::default(),
        projects,
    })
}

/// Renders a project page.
///
/// No key is ever null: uv discards the whole page for a null in `yanked`, `size`, `upload-time` or `project-status`.
#[must_use]
pub fn project_detail(detail: &ProjectDetail) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "kebab-case")]
    struct Page<'a> {
        meta: Meta,
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        project_status: Option<Status<'a>>,
        versions: Vec<String>,
        files: Vec<File<'a>>,
    }
    #[derive(Serialize)]
    struct Status<'a> {
        status: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    }
    let status = (detail.status != ProjectStatus::Active).then(|| Status {
        status: detail.status.name(),
        reason: detail.status_reason.as_deref(),
    });
    let tells_signatures = detail.tells_signatures();
    to_json(&Page {
        meta: Meta::default(),
        name: detail.name.as_str(),
        project_status: status,
        versions: detail.versions(),
        files: detail
            .files
            .iter()
            .map(|entry| File {
                gpg_sig: tells_signatures.then_some(entry.is_signed),
                ..File::from(entry)
            })
            .collect(),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Meta {
    api_version: &'static str,
}

impl Default for Meta {
    fn default() -> Self {
        Self {
            api_version: API_VERSION,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct File<'a> {
    filename: &'a str,
    url: String,
    hashes: BTreeMap<&'static str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requires_python: Option<&'a str>,
    core_metadata: MetadataFile,
    // The name that the key had before PEP 714; pip before 23.3 reads only this one.
    dist_info_metadata: MetadataFile,
    #[serde(skip_serializing_if = "Option::is_none")]
    gpg_sig: Option<bool>,
    yanked: Yanked<'a>,
    size: u64,
    upload_time: String,
}

#[derive(Serialize, Clone)]
#[serde(untagged)]
enum MetadataFile {
    No(bool),
    Sha256 { sha256: String },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Yanked<'a> {
    Flag(bool),
    Reason(&'a str),
}

impl<'a> From<&'a FileEntry> for File<'a> {
    fn from(entry: &'a FileEntry) -> Self {
        let metadata = match entry.metadata_sha256 {
            Some(digest) => MetadataFile::Sha256 {
                sha256: digest.to_string(),
            },
            None => MetadataFile::No(false),
        };
        let yanked = match entry.yanked.as_deref() {
            None => Yanked::Flag(false),
            Some("") => Yanked::Flag(true),
            Some(reason) => Yanked::Reason(reason),
        };
        Self {
            filename: entry.filename.as_str(),
            url: entry.relative_url(),
            hashes: entry
                .digest
                .iter()
                .map(|digest| (digest.algorithm.name(), digest.hex()))
                .collect(),
            requires_python: entry.requires_python.as_deref(),
            core_metadata: metadata.clone(),
            dist_info_metadata: metadata,
            gpg_sig: None,
            yanked,
            size: entry.size_bytes,
            upload_time: format_upload_time(entry.uploaded_at),
        }
    }
}

/// Serializing plain structs with text keys has no way to fail.
fn to_json(page: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(page).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::samples;
    use super::*;

    #[test]
    fn the_index_page_is_meta_and_names() {
        let list = ProjectList {
            projects: vec!["b".parse().unwrap(), "A_a".parse().unwrap()],
        };
        let page: Value = serde_json::from_slice(&project_list(&list)).unwrap();
        let expected = json!({"meta": {"api-version": "1.4"}, "projects": [{"name": "b"}, {"name": "a-a"}]});
        assert_eq!(page, expected);
    }

    #[test]
    fn a_project_page_has_the_keys_of_the_standard() {
        let page: Value = serde_json::from_slice(&project_detail(&samples::detail())).unwrap();
        let metadata = json!({"sha256": crate::packaging::Sha256::of("metadata").to_string()});
        let expected = json!({
            "meta": {"api-version": "1.4"},
            "name": "foo-bar",
            "project-status": {"status": "deprecated", "reason": "use <baz>"},
            "versions": ["1.0", "1.0+corp.1"],
            "files": [
                {
                    "filename": "foo_bar-1.0.tar.gz",
                    "url": "../../packages/old/foo_bar-1.0.tar.gz",
                    "hashes": {"sha256": "ab".repeat(32)},
                    "core-metadata": false,
                    "dist-info-metadata": false,
                    "yanked": "broken \"quotes\"\n& <tags>",
                    "size": 12,
                    "upload-time": "2026-01-02T03:04:05.678901Z",
                },
                {
                    "filename": "foo_bar-1.0+corp.1-py3-none-any.whl",
                    "url": "../../packages/foo_bar-1.0%2Bcorp.1-py3-none-any.whl",
                    "hashes": {"sha256": "ab".repeat(32)},
                    "requires-python": ">=3.8,<4",
                    "core-metadata": metadata,
                    "dist-info-metadata": metadata,
                    "yanked": false,
                    "size": 12,
                    "upload-time": "2026-01-02T03:04:05.678901Z",
                },
            ],
        });
        assert_eq!(page, expected);
    }

    #[test]
    fn with_one_signature_every_file_says_whether_it_has_one() {
        let mut detail = samples::detail();
        detail.files[1].is_signed = true;
        let page: Value = serde_json::from_slice(&project_detail(&detail)).unwrap();
        assert_eq!(page["files"][0]["gpg-sig"], json!(false));
        assert_eq!(page["files"][1]["gpg-sig"], json!(true));
    }

    #[test]
    fn an_active_project_has_no_status_and_hashes_stay_an_object_when_off() {
        let mut detail = samples::detail();
        detail.status = ProjectStatus::Active;
        detail.files[0].digest = None;
        detail.files[0].yanked = Some(String::new());
        let page: Value = serde_json::from_slice(&project_detail(&detail)).unwrap();
        assert_eq!(page.get("project-status"), None);
        assert_eq!(page["files"][0]["hashes"], json!({}));
        assert_eq!(page["files"][0]["yanked"], json!(true));
    }
}
