//! poetry: `[repositories.NAME]` in its `config.toml` for `poetry publish -r NAME`, `[http-basic.NAME]` in its
//! `auth.toml`; what `poetry config` itself writes. What poetry installs from stands in each project.

use toml_edit::DocumentMut;

use super::toml_text::{self, TomlError};
use super::{ToolRepository, set_login};

const REPOSITORIES: &str = "repositories";
const LOGINS: &str = "http-basic";

pub(super) fn names(document: &DocumentMut, name: &str) -> bool {
    toml_text::has(document, &[REPOSITORIES, name])
}

pub(super) fn add(document: &mut DocumentMut, repository: &ToolRepository<'_>) -> Result<(), TomlError> {
    let path = [REPOSITORIES, repository.name];
    toml_text::set(document, &path, "url", repository.upload_url)
}

pub(super) fn remove(document: &mut DocumentMut, name: &str) {
    toml_text::remove(document, &[REPOSITORIES, name], &["url"]);
}

pub(super) fn authenticates(document: &DocumentMut, name: &str) -> bool {
    toml_text::has(document, &[LOGINS, name])
}

pub(super) fn authenticate(
    document: &mut DocumentMut,
    repository: &ToolRepository<'_>,
) -> Result<(), TomlError> {
    set_login(
        document,
        &[LOGINS, repository.name],
        ["username", "password"],
        repository,
    )
}

pub(super) fn forget(document: &mut DocumentMut, name: &str) {
    toml_text::remove(document, &[LOGINS, name], &["username", "password"]);
}
