//! uv: an `[[index]]` in the user's `uv.toml`, for installing and for `uv publish --index NAME`.
//!
//! No password is written: uv has no place for it there, and finds it, for installing and publishing alike, in
//! `~/.netrc`, in the keyring, or in variables.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, TableLike, Value};

use super::ToolRepository;
use super::toml_text::{TomlError, not_a_table, place_at_end, set_in};

const KEY: &str = "index";

pub(super) fn names(document: &DocumentMut, name: &str) -> bool {
    indexes(document).any(|index| text(index, "name") == Some(name))
}

pub(super) fn add(document: &mut DocumentMut, repository: &ToolRepository<'_>) -> Result<(), TomlError> {
    let Some(simple_url) = repository.simple_url else {
        return Ok(());
    };
    if repository.is_only {
        let mut others = indexes(document).filter(|index| text(*index, "name") != Some(repository.name));
        if others.any(is_default) {
            let key = "index.default".to_owned();
            return Err(TomlError::OtherDefault { key });
        }
    }
    if !names(document, repository.name) {
        return append(document, repository, simple_url);
    }
    let fill = |index: &mut dyn TableLike| {
        if text(index, "name") == Some(repository.name) {
            fill(index, repository, simple_url);
        }
    };
    match document.get_mut(KEY) {
        Some(Item::ArrayOfTables(tables)) => tables.iter_mut().for_each(|table| fill(table)),
        Some(Item::Value(Value::Array(values))) => {
            let tables = values.iter_mut().filter_map(Value::as_inline_table_mut);
            tables.for_each(|table| fill(table));
        }
        _ => {}
    }
    Ok(())
}

pub(super) fn remove(document: &mut DocumentMut, name: &str) {
    let is_empty = match document.get_mut(KEY) {
        Some(Item::ArrayOfTables(tables)) => {
            tables.retain(|table| text(table, "name") != Some(name));
            tables.is_empty()
        }
        Some(Item::Value(Value::Array(values))) => {
            values.retain(|value| {
                let table = value.as_inline_table();
                table.is_none_or(|table| text(table, "name") != Some(name))
            });
            // An empty list was the user's own.
            false
        }
        _ => false,
    };
    if is_empty {
        document.remove(KEY);
    }
}

fn indexes(document: &DocumentMut) -> impl Iterator<Item = &dyn TableLike> {
    let item = document.get(KEY);
    let tables = item.and_then(Item::as_array_of_tables).into_iter().flatten();
    let inline = item.and_then(Item::as_array).into_iter().flatten();
    tables
        .map(|table| -> &dyn TableLike { table })
        .chain(inline.filter_map(|value| Some(value.as_inline_table()? as &dyn TableLike)))
}

fn text<'a>(index: &'a dyn TableLike, key: &str) -> Option<&'a str> {
    index.get(key)?.as_str()
}

fn is_default(index: &dyn TableLike) -> bool {
    index.get("default").and_then(Item::as_bool) == Some(true)
}

fn fill(index: &mut dyn TableLike, repository: &ToolRepository<'_>, simple_url: &str) {
    set_in(index, "name", repository.name);
    set_in(index, "url", simple_url);
    set_in(index, "publish-url", repository.upload_url);
    if repository.is_only {
        set_in(index, "default", true);
    } else {
        index.remove("default");
    }
}

fn append(
    document: &mut DocumentMut,
    repository: &ToolRepository<'_>,
    simple_url: &str,
) -> Result<(), TomlError> {
    if let Some(Item::Value(Value::Array(values))) = document.get_mut(KEY) {
        let mut index = toml_edit::InlineTable::new();
        fill(&mut index, repository, simple_url);
        values.push(index);
        return Ok(());
    }
    let mut index = Table::new();
    fill(&mut index, repository, simple_url);
    place_at_end(document, &mut index);
    let tables = document
        .entry(KEY)
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let tables = tables
        .as_array_of_tables_mut()
        .ok_or_else(|| not_a_table(&[KEY]))?;
    tables.push(index);
    Ok(())
}
