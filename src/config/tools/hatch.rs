//! hatch: `[publish.index.repos.NAME]` in its `config.toml`, for `hatch publish -r NAME`. hatch installs through pip and
//! uv, and so from where they do.

use toml_edit::DocumentMut;

use super::toml_text::{self, TomlError};
use super::{ToolRepository, set_login};

fn path(name: &str) -> [&str; 4] {
    ["publish", "index", "repos", name]
}

pub(super) fn names(document: &DocumentMut, name: &str) -> bool {
    toml_text::has(document, &path(name))
}

pub(super) fn add(document: &mut DocumentMut, repository: &ToolRepository<'_>) -> Result<(), TomlError> {
    let path = path(repository.name);
    toml_text::set(document, &path, "url", repository.upload_url)?;
    set_login(document, &path, ["user", "auth"], repository)
}

pub(super) fn remove(document: &mut DocumentMut, name: &str) {
    toml_text::remove(document, &path(name), &["url", "user", "auth"]);
}
