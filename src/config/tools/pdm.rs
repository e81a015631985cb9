//! pdm: `[repository.NAME]` in its `config.toml` for `pdm publish -r NAME`; `[pypi.NAME]` to install from beside the
//! default index, or `[pypi]` in its place.

use toml_edit::DocumentMut;

use super::toml_text::{self, TomlError};
use super::{ToolRepository, set_login};

const REPOSITORIES: &str = "repository";
const INDEXES: &str = "pypi";
const LOGIN: [&str; 2] = ["username", "password"];
const ALL: [&str; 3] = ["url", "username", "password"];

pub(super) fn names(document: &DocumentMut, name: &str) -> bool {
    toml_text::has(document, &[REPOSITORIES, name]) || toml_text::has(document, &[INDEXES, name])
}

pub(super) fn add(document: &mut DocumentMut, repository: &ToolRepository<'_>) -> Result<(), TomlError> {
    let path = [REPOSITORIES, repository.name];
    // The addresses that the index was the only one under; another one is somebody else's.
    let former = former_default(document, repository);
    toml_text::set(document, &path, "url", repository.upload_url)?;
    set_login(document, &path, LOGIN, repository)?;
    let beside = [INDEXES, repository.name];
    if repository.is_only {
        if former.is_none() && toml_text::text_at(document, &[INDEXES], "url").is_some() {
            let key = "pypi.url".to_owned();
            return Err(TomlError::OtherDefault { key });
        }
        toml_text::remove(document, &beside, &ALL);
        toml_text::set(document, &[INDEXES], "url", repository.simple_url)?;
        set_login(document, &[INDEXES], LOGIN, repository)
    } else {
        if former.is_some() {
            toml_text::remove(document, &[INDEXES], &ALL);
        }
        toml_text::set(document, &beside, "url", repository.simple_url)?;
        set_login(document, &beside, LOGIN, repository)
    }
}

pub(super) fn remove(document: &mut DocumentMut, name: &str, simple_urls: &[String]) {
    let default = toml_text::text_at(document, &[INDEXES], "url");
    let is_default = default.is_some_and(|url| simple_urls.iter().any(|known| is_same(known, url)));
    toml_text::remove(document, &[REPOSITORIES, name], &ALL);
    toml_text::remove(document, &[INDEXES, name], &ALL);
    if is_default {
        toml_text::remove(document, &[INDEXES], &ALL);
    }
}

/// The default index, if it is this repository at its present or former address.
fn former_default(document: &DocumentMut, repository: &ToolRepository<'_>) -> Option<String> {
    let default = toml_text::text_at(document, &[INDEXES], "url")?;
    let upload = toml_text::text_at(document, &[REPOSITORIES, repository.name], "url");
    let former = upload.map(|url| format!("{}/simple/", url.trim_end_matches('/')));
    let is_ours =
        is_same(default, repository.simple_url) || former.is_some_and(|former| is_same(default, &former));
    is_ours.then(|| default.to_owned())
}

fn is_same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}
