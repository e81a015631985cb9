//! Blocks that begin with `..`: addresses of links, pictures, code, notes, the table of contents, comments.

use std::collections::BTreeSet;

use super::inline::{is_address, is_plain_name};
use super::{Document, indented};

/// Languages that every highlighter has known for long; one that it does not know would be a complaint.
const LANGUAGES: [&str; 24] = [
    "bash",
    "c",
    "console",
    "cpp",
    "css",
    "diff",
    "html",
    "ini",
    "java",
    "javascript",
    "js",
    "json",
    "make",
    "perl",
    "pycon",
    "python",
    "python3",
    "rst",
    "ruby",
    "sh",
    "shell",
    "sql",
    "text",
    "xml",
];

const NOTES: [&str; 9] = [
    "attention",
    "caution",
    "danger",
    "error",
    "hint",
    "important",
    "note",
    "tip",
    "warning",
];

impl Document {
    /// Where the block ends, and whether it shows anything in its place.
    pub(super) fn explicit(&mut self, lines: &[&str], at: usize, depth: usize) -> Option<(usize, bool)> {
        let first = lines[at]
            .strip_prefix(".. ")
            .filter(|rest| !rest.starts_with(' '))?;
        let is_inside = |line: &&&str| line.is_empty() || line.starts_with(' ');
        let next = at + 1 + lines[at + 1..].iter().take_while(is_inside).count();
        let is_free = next == lines.len() || lines[next - 1].is_empty() || lines[next].starts_with(".. ");
        let is_begun = at == 0 || lines[at - 1].is_empty() || lines[at - 1].starts_with([' ', '.']);
        if !is_free || !is_begun {
            return None;
        }
        // What is set in ends where the block does.
        let rest = &lines[at + 1..next];
        let is_visible = if let Some(target) = first.strip_prefix('_') {
            let (name, url) = target.split_once(": ")?;
            let is_new = !self.targets.contains_key(&name.to_ascii_lowercase());
            (is_new && is_plain_name(name) && is_address(url) && is_blank(rest)).then_some(())?;
            self.define(name, url)?;
            false
        } else if let Some(substitution) = first.strip_prefix('|') {
            let (name, image) = substitution.split_once("| image:: ")?;
            (is_plain_name(name) && self.substitutions.insert(name.to_owned())).then_some(())?;
            picture(image, rest)?;
            false
        } else if let Some((name, argument)) = first.split_once("::") {
            self.directive(name, argument, rest, depth)?;
            true
        } else {
            first
                .starts_with(|c: char| c.is_ascii_alphabetic())
                .then_some(())?;
            false
        };
        Some((next, is_visible))
    }

    fn directive(&mut self, name: &str, argument: &str, rest: &[&str], depth: usize) -> Option<()> {
        let argument = match argument {
            "" => "",
            argument => argument.strip_prefix(' ').filter(|text| !text.starts_with(' '))?,
        };
        match name {
            "image" => picture(argument, rest),
            "code" | "code-block" | "sourcecode" => {
                let is_known = LANGUAGES.contains(&argument);
                let is_apart = rest.first().is_some_and(|line| line.is_empty());
                (is_known && is_apart && !is_blank(rest)).then_some(())
            }
            "contents" => {
                let is_title = argument
                    .bytes()
                    .all(|byte| byte.is_ascii_alphabetic() || byte == b' ');
                let is_first = !std::mem::replace(&mut self.has_contents, true);
                (is_title && is_first && depth == 0 && is_blank(rest)).then_some(())
            }
            note if NOTES.contains(&note) => self.note(argument, rest, depth),
            _ => None,
        }
    }

    fn note(&mut self, argument: &str, rest: &[&str], depth: usize) -> Option<()> {
        let (mut content, _) = match is_blank(rest) {
            true => (Vec::new(), 0),
            false => indented(rest, 0)?,
        };
        // What looks like an option is read as one.
        let first = content
            .iter()
            .skip_while(|line| line.is_empty())
            .take_while(|line| !line.is_empty());
        if first.into_iter().any(|line| line.starts_with(':')) {
            return None;
        }
        if argument.is_empty() {
            let is_apart = rest.first().is_some_and(|line| line.is_empty());
            (is_apart && !content.is_empty()).then_some(())?;
        } else {
            (!argument.starts_with(':')).then_some(())?;
            content.insert(0, argument);
        }
        self.body(&content, depth + 1)
    }
}

/// A picture from the web, with options that can't be wrong.
fn picture(url: &str, rest: &[&str]) -> Option<()> {
    let mut seen = BTreeSet::new();
    let end = rest.iter().take_while(|line| !line.is_empty()).count();
    let options = &rest[..end];
    let indent = options
        .first()
        .map_or(0, |line| line.len() - line.trim_start().len());
    let is_sound = |line: &&str| {
        let option = line.get(indent..).and_then(|option| option.strip_prefix(':'));
        let Some((name, value)) = option.and_then(|option| option.split_once(": ")) else {
            return false;
        };
        let value = value.trim();
        let digits = value
            .strip_suffix("px")
            .or(value.strip_suffix('%'))
            .unwrap_or(value);
        let is_number = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_valid = match name {
            "alt" => !value.is_empty() && !value.contains('\\'),
            "target" => is_address(value),
            "width" | "height" => is_number,
            "align" => ["left", "center", "right"].contains(&value),
            _ => false,
        };
        is_valid && seen.insert(name.to_owned())
    };
    (is_address(url) && is_blank(&rest[end..]) && options.iter().all(is_sound)).then_some(())
}

fn is_blank(lines: &[&str]) -> bool {
    lines.iter().all(|line| line.is_empty())
}
