//! Changes to the TOML files of other programs: comments, order and line ends stay.
//!
//! `toml_edit` makes the change; but it writes every line with a bare line feed, and a table that goes takes the comments
//! above it along. So its text is laid over the old one: lines that are the same keep their bytes, and no comment is
//! ever deleted. Every change ends with a proof that the result means what `toml_edit` meant.

use serde_json::Value as Json;
use similar::{Algorithm, DiffTag, capture_diff_slices};
use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

/// Why a text can't be read or changed. It holds no values of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TomlError {
    /// It is not TOML.
    #[error("line {line}: {message}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What the parser expected.
        message: String,
    },
    /// Something else stands where the tool expects a table.
    #[error("`{key}` is not what its program expects there")]
    NotATable {
        /// The dotted key.
        key: String,
    },
    /// Another index is the only one already, and there can't be two.
    #[error("`{key}` makes another index the default one, and there can be only one")]
    OtherDefault {
        /// The key that says so.
        key: String,
    },
    /// Lines belong to each other in a way that a change would tear apart.
    #[error("it can't be changed without changing more than was asked for")]
    Entangled,
}

/// Makes a change to a text. What the change doesn't mean stays byte for byte.
pub(super) fn edited(
    text: &str,
    change: impl FnOnce(&mut DocumentMut) -> Result<(), TomlError>,
) -> Result<String, TomlError> {
    let mut document = parse(text)?;
    let before = document.to_string();
    change(&mut document)?;
    let after = document.to_string();
    if before == after {
        return Ok(text.to_owned());
    }
    let laid_over = laid_over(text, &after);
    match parse(&laid_over) {
        Ok(written) if meaning(written.as_table()) == meaning(document.as_table()) => Ok(laid_over),
        _ => Err(TomlError::Entangled),
    }
}

/// What a table says, however it is written.
pub(super) fn meaning(table: &dyn TableLike) -> Json {
    let values = table
        .iter()
        .map(|(key, item)| (key.to_owned(), item_meaning(item)));
    Json::Object(values.collect())
}

fn item_meaning(item: &Item) -> Json {
    match item {
        Item::None => Json::Null,
        Item::Table(table) => meaning(table),
        Item::ArrayOfTables(tables) => tables.iter().map(|table| meaning(table)).collect(),
        Item::Value(value) => value_meaning(value),
    }
}

fn value_meaning(value: &Value) -> Json {
    match value {
        Value::String(text) => Json::String(text.value().clone()),
        Value::Integer(number) => Json::from(*number.value()),
        Value::Float(number) => Json::String(number.value().to_string()),
        Value::Boolean(truth) => Json::Bool(*truth.value()),
        Value::Datetime(time) => Json::String(time.value().to_string()),
        Value::Array(values) => values.iter().map(value_meaning).collect(),
        Value::InlineTable(table) => meaning(table),
    }
}

/// Reads a text.
pub(super) fn parse(text: &str) -> Result<DocumentMut, TomlError> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        TomlError::Syntax {
            line: text.as_bytes()[..at]
                .iter()
                .filter(|&&byte| byte == b'\n')
                .count()
                + 1,
            message: error.message().lines().collect::<Vec<_>>().join(", "),
        }
    })
}

/// The text at a key of a table, if both are there.
pub(super) fn text_at<'a>(document: &'a DocumentMut, path: &[&str], key: &str) -> Option<&'a str> {
    let mut table: &dyn TableLike = document.as_table();
    for step in path {
        table = table.get(step)?.as_table_like()?;
    }
    table.get(key)?.as_str()
}

/// Whether there is anything at a path.
pub(super) fn has(document: &DocumentMut, path: &[&str]) -> bool {
    let mut item = Some(document.as_item());
    for step in path {
        item = item
            .and_then(Item::as_table_like)
            .and_then(|table| table.get(step));
    }
    item.is_some_and(|item| !item.is_none())
}

/// Gives a key of a table a value. The table is added at the end of the file where there is none.
pub(super) fn set(
    document: &mut DocumentMut,
    path: &[&str],
    key: &str,
    value: impl Into<Value>,
) -> Result<(), TomlError> {
    if !has(document, path) {
        let mut table = Table::new();
        place_at_end(document, &mut table);
        insert_table(document, path, table)?;
    }
    set_in(table_at(document, path)?, key, value);
    Ok(())
}

/// Gives a key of this table a value; what stands around a value that is there stays.
pub(super) fn set_in(table: &mut dyn TableLike, key: &str, value: impl Into<Value>) {
    let mut value = value.into();
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) if means_the_same(old, &value) => {}
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

/// Takes keys out of a table, then the table if nothing is left in it, and those above it that were only implied.
pub(super) fn remove(document: &mut DocumentMut, path: &[&str], keys: &[&str]) {
    if !has(document, path) {
        return;
    }
    let Ok(table) = table_at(document, path) else {
        return;
    };
    for key in keys {
        table.remove(key);
    }
    for depth in (1..=path.len()).rev() {
        let (parents, last) = (&path[..depth - 1], path[depth - 1]);
        let Ok(parent) = table_at(document, parents) else {
            return;
        };
        let is_leaf = depth == path.len();
        let goes = parent.get(last).is_some_and(|item| {
            let is_implied = item.as_table().is_some_and(Table::is_implicit);
            item.as_table_like().is_some_and(TableLike::is_empty) && (is_leaf || is_implied)
        });
        if !goes {
            return;
        }
        parent.remove(last);
    }
}

/// Puts a table behind all that is in the file, comments included, with a blank line between.
pub(super) fn place_at_end(document: &mut DocumentMut, table: &mut Table) {
    let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
    let is_first = document.is_empty() && trailing.is_empty();
    let mut above = trailing;
    if !above.is_empty() && !above.ends_with('\n') {
        above.push('\n');
    }
    if !is_first {
        above.push('\n');
    }
    document.set_trailing("");
    table.decor_mut().set_prefix(above);
    table.set_position(Some(isize::MAX));
}

fn means_the_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.value() == other.value(),
        (Value::Boolean(one), Value::Boolean(other)) => one.value() == other.value(),
        _ => false,
    }
}

fn table_at<'a>(document: &'a mut DocumentMut, path: &[&str]) -> Result<&'a mut dyn TableLike, TomlError> {
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for (depth, step) in path.iter().enumerate() {
        let next = table.get_mut(step).and_then(Item::as_table_like_mut);
        table = next.ok_or_else(|| not_a_table(&path[..=depth]))?;
    }
    Ok(table)
}

/// Tables on the way to the new one are only implied, so that no empty header is written for them.
fn insert_table(document: &mut DocumentMut, path: &[&str], table: Table) -> Result<(), TomlError> {
    let Some((last, parents)) = path.split_last() else {
        return Ok(());
    };
    let mut parent: &mut dyn TableLike = document.as_table_mut();
    for (depth, step) in parents.iter().enumerate() {
        if parent.get(step).is_none() {
            let mut implied = Table::new();
            implied.set_implicit(true);
            parent.insert(step, Item::Table(implied));
        }
        let next = parent.get_mut(step).and_then(Item::as_table_like_mut);
        parent = next.ok_or_else(|| not_a_table(&path[..=depth]))?;
    }
    parent.insert(last, Item::Table(table));
    Ok(())
}

pub(super) fn not_a_table(path: &[&str]) -> TomlError {
    TomlError::NotATable { key: path.join(".") }
}

/// The lines of `after`, those that stand in `before` too with the bytes that they have there, and the comments that
/// stand in `before` alone.
fn laid_over(before: &str, after: &str) -> String {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let bare_old: Vec<&str> = old.iter().map(|line| bare(line)).collect();
    let new: Vec<&str> = after.split_inclusive('\n').map(bare).collect();
    let mut text = Lines {
        text: String::with_capacity(after.len()),
        line_end: if before.contains("\r\n") { "\r\n" } else { "\n" },
    };
    for step in capture_diff_slices(Algorithm::Myers, &bare_old, &new) {
        match step.tag() {
            DiffTag::Equal => old[step.old_range()]
                .iter()
                .for_each(|line| text.push_bytes(line)),
            _ => {
                let mut blank = Vec::new();
                for line in &old[step.old_range()] {
                    match line.trim() {
                        "" => blank.push(line),
                        comment if comment.starts_with('#') => {
                            blank
                                .drain(..)
                                .chain([line])
                                .for_each(|line| text.push_bytes(line));
                        }
                        // The blank line above a table goes with it.
                        _ => {
                            blank.pop();
                            blank.drain(..).for_each(|line| text.push_bytes(line));
                        }
                    }
                }
                new[step.new_range()].iter().for_each(|line| text.push_line(line));
            }
        }
    }
    text.text
}

fn bare(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

/// A text that grows by lines.
struct Lines {
    text: String,
    line_end: &'static str,
}

impl Lines {
    /// A line as it was; the last one of a file may lack its end.
    fn push_bytes(&mut self, line: &str) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push_str(self.line_end);
        }
        self.text.push_str(line);
    }

    fn push_line(&mut self, line: &str) {
        self.push_bytes(line);
        self.text.push_str(self.line_end);
    }
}
