//! pdm: `[repository.NAME]` in its `config.toml` for `pdm publish -r NAME`; `[pypi.NAME]` to install from beside the
//! default index, or `[pypi]` in its place.

use toml_edit::DocumentMut;

use super::toml_text::{self, TomlError};
use super::{ToolRepository, set_login};

const REPOSITORIES: &str = "repository";
const INDEXES: &str = "pypi";
const LOGIN: [&str; 2] = ["username", "password"];
const TRUST: &str = "verify_ssl";
const ALL: [&str; 3] = ["url", "username", "password"];

pub(super) fn names(document: &DocumentMut, name: &str) -> bool {
    toml_text::has(document, &[REPOSITORIES, name]) || toml_text::has(document, &[INDEXES, name])
}

pub(super) fn add(document: &mut DocumentMut, repository: &ToolRepository<'_>) -> Result<(), TomlError> {
    let path = [REPOSITORIES, repository.name];
    // Another index than this repository, at its present or former address, is somebody else's.
    let was_default = is_default(document, repository);
    toml_text::set(document, &path, "url", repository.upload_url)?;
    set_login(document, &path, LOGIN, repository)?;
    let Some(simple_url) = repository.simple_url else {
        return Ok(());
    };
    let beside = [INDEXES, repository.name];
    if repository.is_only {
        if !was_default && toml_text::text_at(document, &[INDEXES], "url").is_some() {
            let key = "pypi.url".to_owned();
            return Err(TomlError::OtherDefault { key });
        }
        remove_index(document, &beside);
        set_index(document, &[INDEXES], repository, simple_url)
    } else {
        if was_default {
            remove_index(document, &[INDEXES]);
        }
        set_index(document, &beside, repository, simple_url)
    }
}

pub(super) fn remove(document: &mut DocumentMut, name: &str, simple_urls: &[String]) {
    let default = toml_text::text_at(document, &[INDEXES], "url");
    let is_default = default.is_some_and(|url| simple_urls.iter().any(|known| is_same(known, url)));
    toml_text::remove(document, &[REPOSITORIES, name], &ALL);
    remove_index(document, &[INDEXES, name]);
    if is_default {
        remove_index(document, &[INDEXES]);
    }
}

/// Without TLS there is nothing to verify, but that is how pdm is told to trust a host.
fn set_index(
    document: &mut DocumentMut,
    path: &[&str],
    repository: &ToolRepository<'_>,
    simple_url: &str,
) -> Result<(), TomlError> {
    let was_plain = is_plain_http(document, path);
    toml_text::set(document, path, "url", simple_url)?;
    if repository.is_exposed {
        toml_text::set(document, path, TRUST, false)?;
    } else if was_plain {
        toml_text::remove(document, path, &[TRUST]);
    }
    set_login(document, path, LOGIN, repository)
}

fn remove_index(document: &mut DocumentMut, path: &[&str]) {
    if is_plain_http(document, path) {
        toml_text::remove(document, path, &[TRUST]);
    }
    toml_text::remove(document, path, &ALL);
}

fn is_plain_http(document: &DocumentMut, path: &[&str]) -> bool {
    toml_text::text_at(document, path, "url").is_some_and(|url| url.starts_with("http://"))
}

/// Whether this repository is the default index, at its present or former address.
fn is_default(document: &DocumentMut, repository: &ToolRepository<'_>) -> bool {
    let Some(default) = toml_text::text_at(document, &[INDEXES], "url") else {
        return false;
    };
    let upload = toml_text::text_at(document, &[REPOSITORIES, repository.name], "url");
    let former = upload.map(|url| format!("{}/simple/", url.trim_end_matches('/')));
    repository.simple_url.is_some_and(|url| is_same(default, url))
        || former.is_some_and(|former| is_same(default, &former))
}

fn is_same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}
