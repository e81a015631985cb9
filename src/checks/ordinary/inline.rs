//! Markup within a paragraph or title: emphasis, literals, links, names between bars.
//!
//! A mark begins something only behind white space or an opening parenthesis, and its partner ends it only before white
//! space or punctuation; every mark that stands otherwise is not certain.

use super::Document;

impl Document {
    /// Reads a whole paragraph; its lines are joined by line ends.
    pub(super) fn inline(&mut self, text: &str) -> Option<()> {
        let chars: Vec<char> = text.chars().collect();
        let mut at = 0;
        while let Some(&c) = chars.get(at) {
            let before = at.checked_sub(1).map(|place| chars[place]);
            let after = chars.get(at + 1).copied();
            let stands_alone = is_gap(before) && is_gap(after);
            at = match c {
                '\\' => return None,
                '*' | '|' if stands_alone => at + 1,
                '*' | '`' | '|' if !begins(before) => return None,
                '*' if after == Some('*') => emphasis(&chars, at, 2)?,
                '*' => emphasis(&chars, at, 1)?,
                '`' if after == Some('`') => literal(&chars, at)?,
                '`' => self.quoted(&chars, at)?,
                '|' => self.substitution(&chars, at)?,
                '_' => self.underscore(&chars, at)?,
                _ => at + 1,
            };
        }
        Some(())
    }

    /// `` `text` ``, `` `name`_ ``, `` `text <address>`_ ``, `` `text <address>`__ ``.
    fn quoted(&mut self, chars: &[char], at: usize) -> Option<usize> {
        let length = chars[at + 1..].iter().position(|c| *c == '`')?;
        let end = at + 1 + length;
        let content: String = chars[at + 1..end].iter().collect();
        if !is_solid(&content) || content.contains(['\\', '|', '*']) || content.starts_with([')', ':']) {
            return None;
        }
        let underscores = chars[end + 1..].iter().take_while(|c| **c == '_').count();
        let next = end + 1 + underscores;
        let after = chars.get(next).copied();
        if !ends(after) {
            return None;
        }
        match (underscores, embedded(&content)) {
            // Behind a colon the name of a role may follow.
            (0, _) if after == Some(':') && !is_gap(chars.get(next + 1).copied()) => return None,
            (0, _) => {}
            (1, Some((text, url))) => self.define(&text, &url)?,
            (1, None) if !content.contains(['<', '>']) => {
                self.references.insert(name(&content)?);
            }
            (2, Some(_)) => {}
            _ => return None,
        }
        Some(next)
    }

    /// A name that stands for this address from now on.
    pub(super) fn define(&mut self, text: &str, url: &str) -> Option<()> {
        let former = self.targets.insert(name(text)?, url.to_owned());
        former.is_none_or(|former| former == url).then_some(())
    }

    /// `|name|`
    fn substitution(&mut self, chars: &[char], at: usize) -> Option<usize> {
        let length = chars[at + 1..].iter().position(|c| *c == '|')?;
        let end = at + 1 + length;
        let content: String = chars[at + 1..end].iter().collect();
        if !is_plain_name(&content) || !ends(chars.get(end + 1).copied()) {
            return None;
        }
        self.substituted.insert(content);
        Some(end + 1)
    }

    /// Within a word it is nothing special; behind one it makes a reference of it.
    fn underscore(&mut self, chars: &[char], at: usize) -> Option<usize> {
        let after = chars.get(at + 1).copied();
        let is_behind_word = at
            .checked_sub(1)
            .is_some_and(|place| chars[place].is_ascii_alphanumeric());
        if !is_behind_word {
            return None;
        }
        if after.is_some_and(|c| c.is_ascii_alphanumeric()) {
            return Some(at + 1);
        }
        if !ends(after) {
            return None;
        }
        let is_of_name = |c: &&char| c.is_ascii_alphanumeric() || "-._+:".contains(**c);
        let length = chars[..at].iter().rev().take_while(is_of_name).count();
        let start = at - length;
        let word: String = chars[start..at].iter().collect();
        let is_simple = word.split(['-', '.', '_', '+', ':']).all(|part| !part.is_empty());
        if !is_simple || !begins(start.checked_sub(1).map(|place| chars[place])) {
            return None;
        }
        self.references.insert(name(&word)?);
        Some(at + 1)
    }
}

/// `*text*` or `**text**`, with so many asterisks on each side.
fn emphasis(chars: &[char], at: usize, asterisks: usize) -> Option<usize> {
    let start = at + asterisks;
    let length = chars.get(start..)?.iter().position(|c| *c == '*')?;
    let end = start + length;
    let content: String = chars[start..end].iter().collect();
    let is_closed = chars[end..].iter().take_while(|c| **c == '*').count() == asterisks;
    let is_plain = content.starts_with(char::is_alphanumeric)
        && is_solid(&content)
        && !content.contains(['\\', '`', '|']);
    let next = end + asterisks;
    (is_closed && is_plain && ends(chars.get(next).copied())).then_some(next)
}

/// ` ``text`` `
fn literal(chars: &[char], at: usize) -> Option<usize> {
    let start = at + 2;
    let length = chars.get(start..)?.iter().position(|c| *c == '`')?;
    let end = start + length;
    let content: String = chars[start..end].iter().collect();
    let is_closed = chars[end..].iter().take_while(|c| **c == '`').count() == 2;
    let is_plain = is_solid(&content) && !content.ends_with('\\') && !content.starts_with(')');
    let next = end + 2;
    (is_closed && is_plain && ends(chars.get(next).copied())).then_some(next)
}

/// The text and the address in `text <address>`.
fn embedded(content: &str) -> Option<(String, String)> {
    let (text, url) = content.strip_suffix('>')?.rsplit_once('<')?;
    let is_apart = text.ends_with([' ', '\n']);
    let text = text.trim();
    let is_plain = is_apart && !text.is_empty() && !text.contains(['<', '>']) && is_address(url);
    is_plain.then(|| (text.to_owned(), url.to_owned()))
}

/// An address that stands for itself, not for a name.
pub(super) fn is_address(url: &str) -> bool {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    is_web
        && url
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\\`<>*|\"".contains(&byte))
        && !url.ends_with('_')
}

/// A name as it is compared. Those that are not ASCII are lowered otherwise elsewhere.
fn name(text: &str) -> Option<String> {
    let words: Vec<String> = text.split_whitespace().map(str::to_ascii_lowercase).collect();
    (text.is_ascii() && !words.is_empty()).then(|| words.join(" "))
}

/// A name of letters, digits, dashes and single blanks.
pub(super) fn is_plain_name(text: &str) -> bool {
    let words = text.split(' ');
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    words.into_iter().all(is_word)
}

/// Without white space at its ends, and not empty.
fn is_solid(text: &str) -> bool {
    !text.is_empty() && text.trim().len() == text.len()
}

fn is_gap(c: Option<char>) -> bool {
    c.is_none_or(|c| c == ' ' || c == '\n')
}

fn begins(before: Option<char>) -> bool {
    is_gap(before) || before == Some('(')
}

fn ends(after: Option<char>) -> bool {
    is_gap(after) || after.is_some_and(|c| ".,;:!?)".contains(c))
}
