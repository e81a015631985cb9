//! reStructuredText that is sure to render, told without docutils.
//!
//! A walk through the constructs that READMEs are made of, each read by docutils' own rules, but only in its plainest
//! form: paragraphs, titles, lists, literal blocks, quotes, pictures, code, notes, links. Whatever else turns up, be it
//! right or wrong, ends the walk, and docutils is asked. So nothing is refused here; the one mistake that can be made
//! is to let pass what docutils would refuse, and the tests hunt for that with texts put together at random.
//!
//! | question | file |
//! |---|---|
//! | which blocks there are, and what they need around them | this one |
//! | markup within a paragraph | `inline.rs` |
//! | `..` and what may follow it | `explicit.rs` |

mod explicit;
mod inline;

use std::collections::{BTreeMap, BTreeSet};

/// The longest line that is looked at; docutils has a limit of its own.
const MAX_LINE_BYTES: usize = 4000;
/// How deep lists, quotes and notes may be within each other.
const MAX_DEPTH: usize = 8;
/// The shortest line of punctuation that is no text.
const SHORTEST_RULE: usize = 4;

/// Whether a text is sure to render. `false` says nothing.
pub(super) fn renders(text: &str) -> bool {
    let is_plain =
        |c: char| c == '\n' || c == ' ' || !(c.is_whitespace() || c.is_control() || is_invisible(c));
    if !text.chars().all(is_plain) {
        return false;
    }
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches(' ')).collect();
    if lines.iter().any(|line| line.len() > MAX_LINE_BYTES) {
        return false;
    }
    let mut document = Document::default();
    document.body(&lines, 0).is_some() && document.is_closed()
}

/// Marks that change how the text around them is read, or of which it is not certain that they don't.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// What holds for a text as a whole. Its methods give `None` for "not certain".
#[derive(Debug, Default)]
struct Document {
    /// The kinds of titles by their level: the mark, and whether it is above the title too.
    title_styles: Vec<(char, bool)>,
    /// The level of the section that is being read.
    level: usize,
    has_text: bool,
    has_contents: bool,
    /// Addresses by name.
    targets: BTreeMap<String, String>,
    /// Names that were referred to.
    references: BTreeSet<String>,
    /// Names between bars that have a meaning, and those that need one.
    substitutions: BTreeSet<String>,
    substituted: BTreeSet<String>,
}

/// What was read before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Title,
    Transition,
    Content,
}

/// How a list goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Bullet(char),
    /// `7.`
    Number(u16),
}

impl Item {
    /// The item that a line begins, and where its text does.
    fn of(line: &str) -> Option<(Self, usize)> {
        let (marker, rest) = line.split_once(' ')?;
        let text = rest.trim_start_matches(' ');
        let indent = line.len() - text.len();
        let item = match marker {
            "-" => Self::Bullet('-'),
            "*" => Self::Bullet('*'),
            "+" => Self::Bullet('+'),
            number => {
                let digits = number.strip_suffix('.')?;
                let is_plain = (1..=3).contains(&digits.len())
                    && !digits.starts_with('0')
                    && digits.bytes().all(|byte| byte.is_ascii_digit());
                Self::Number(is_plain.then(|| digits.parse().ok()).flatten()?)
            }
        };
        (!text.is_empty()).then_some((item, indent))
    }

    fn is_followed_by(self, next: Self) -> bool {
        match (self, next) {
            (Self::Bullet(mark), Self::Bullet(other)) => mark == other,
            (Self::Number(number), Self::Number(other)) => number + 1 == other,
            _ => false,
        }
    }
}

impl Document {
    /// Whether everything that is referred to is there, and there is something to show.
    fn is_closed(&self) -> bool {
        self.has_text
            && self.references.iter().all(|name| self.targets.contains_key(name))
            && self.substituted.is_subset(&self.substitutions)
            && (!self.has_contents || !self.title_styles.is_empty())
    }

    /// Reads the lines of the whole text, or of what is set in.
    fn body(&mut self, lines: &[&str], depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut before = Before::Nothing;
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            if line.is_empty() {
                at += 1;
                continue;
            }
            at = if line.starts_with(' ') {
                let next = self.quote(lines, at, depth)?;
                before = Before::Content;
                next
            } else if let Some((item, _)) = Item::of(line) {
                let next = self.list(lines, at, item, depth)?;
                before = Before::Content;
                next
            } else if line.starts_with(".. ") {
                let (next, is_visible) = self.explicit(lines, at, depth)?;
                if is_visible {
                    before = Before::Content;
                }
                next
            } else {
                self.text(lines, at, depth, &mut before)?
            };
        }
        (before != Before::Transition).then_some(())
    }

    /// A quote: lines that are set in, behind an empty one.
    fn quote(&mut self, lines: &[&str], at: usize, depth: usize) -> Option<usize> {
        if at == 0 || !lines[at - 1].is_empty() {
            return None;
        }
        let (block, next) = indented(lines, at)?;
        // Whose words these are stands behind dashes.
        if block.iter().any(|line| line.trim_start().starts_with(['-', '—'])) {
            return None;
        }
        self.body(&block, depth + 1)?;
        Some(next)
    }

    fn list(&mut self, lines: &[&str], at: usize, first: Item, depth: usize) -> Option<usize> {
        let (mut item, mut at) = (first, at);
        loop {
            let (_, indent) = Item::of(lines[at])?;
            let is_inside =
                |line: &&str| line.is_empty() || line.bytes().take_while(|b| *b == b' ').count() >= indent;
            let inside = lines[at + 1..].iter().take_while(|line| is_inside(line)).count();
            let next = at + 1 + inside;
            let block: Vec<&str> = lines[at..next]
                .iter()
                .map(|line| line.get(indent..).unwrap_or_default())
                .collect();
            self.body(&block, depth + 1)?;
            let follower = lines.get(next).and_then(|line| Item::of(line));
            match follower {
                Some((follower, _)) if item.is_followed_by(follower) => (item, at) = (follower, next),
                _ if next == lines.len() || lines[next - 1].is_empty() => return Some(next),
                _ => return None,
            }
        }
    }

    /// What begins at the left margin with neither a list's mark nor `..`: titles, rules between paragraphs, sessions
    /// of Python, paragraphs.
    fn text(&mut self, lines: &[&str], at: usize, depth: usize, before: &mut Before) -> Option<usize> {
        let end = at + lines[at..].iter().take_while(|line| !line.is_empty()).count();
        let block = &lines[at..end];
        let is_free = at == 0 || lines[at - 1].is_empty();
        if rule(block[0]).is_some() && block[0] != "::" {
            if depth > 0 || !is_free {
                return None;
            }
            return match block {
                [_] => {
                    let is_between = *before == Before::Content && block[0].len() >= SHORTEST_RULE;
                    *before = Before::Transition;
                    is_between.then_some(end)
                }
                [over, title, under, ..] if over == under && rule(title).is_none() => {
                    self.title(title, over, true, before)?;
                    Some(at + 3)
                }
                _ => None,
            };
        }
        if block[0].starts_with(">>> ") && is_free {
            self.has_text = true;
            *before = Before::Content;
            return Some(end);
        }
        if block[0] != "::" {
            begins_text(block[0])?;
        }
        if let [title, under, ..] = block
            && rule(under).is_some()
        {
            if depth > 0 {
                return None;
            }
            self.title(title, under, false, before)?;
            return Some(at + 2);
        }
        self.paragraph(block)?;
        *before = Before::Content;
        if block.last().is_some_and(|line| line.ends_with("::")) {
            let blank = lines[end..].iter().take_while(|line| line.is_empty()).count();
            let literal = lines.get(end + blank).filter(|line| line.starts_with(' '));
            literal?;
            return indented(lines, end + blank).map(|(_, next)| next);
        }
        Some(end)
    }

    fn title(&mut self, title: &str, line: &str, is_over: bool, before: &mut Before) -> Option<()> {
        let mark = rule(line).filter(|mark| *mark != ':')?;
        // Some scripts are two columns wide.
        let columns = if title.is_ascii() {
            title.len()
        } else {
            title.chars().count() * 2
        };
        let is_long_enough = line.len() >= columns && (!is_over || line.len() >= SHORTEST_RULE);
        if !is_long_enough || *before == Before::Transition {
            return None;
        }
        self.level = match self
            .title_styles
            .iter()
            .position(|style| *style == (mark, is_over))
        {
            Some(place) if place <= self.level => place + 1,
            None if self.title_styles.len() == self.level => {
                self.title_styles.push((mark, is_over));
                self.level + 1
            }
            _ => return None,
        };
        *before = Before::Title;
        self.inline(title.trim_start())
    }

    fn paragraph(&mut self, block: &[&str]) -> Option<()> {
        if block.iter().any(|line| line.starts_with(' ')) {
            return None;
        }
        self.has_text = true;
        self.inline(&block.join("\n"))
    }
}

/// Lines that are set in, without what they are set in by, and where they end, which must be behind an empty line.
fn indented<'a>(lines: &[&'a str], at: usize) -> Option<(Vec<&'a str>, usize)> {
    let is_inside = |line: &&&str| line.is_empty() || line.starts_with(' ');
    let next = at + lines[at..].iter().take_while(is_inside).count();
    if next < lines.len() && !(next > at && lines[next - 1].is_empty()) {
        return None;
    }
    let block = &lines[at..next];
    let width = |line: &&str| line.bytes().take_while(|byte| *byte == b' ').count();
    let indent = block.iter().filter(|line| !line.is_empty()).map(width).min()?;
    let stripped = block.iter().map(|line| line.get(indent..).unwrap_or_default());
    Some((stripped.collect(), next))
}

/// The mark that a line consists of and nothing else.
fn rule(line: &str) -> Option<char> {
    let mark = line.chars().next().filter(char::is_ascii_punctuation)?;
    line.chars().all(|c| c == mark).then_some(mark)
}

/// Whether a line at the left margin can begin nothing but a paragraph or a title.
fn begins_text(line: &str) -> Option<()> {
    let first = line.chars().next()?;
    let second = line.chars().nth(1);
    let word = line.split(' ').next().unwrap_or_default();
    let is_text = match first {
        '•' | '‣' | '⁃' | ':' | '-' | '+' | '/' | '_' | '\\' => false,
        '.' => second != Some('.'),
        '=' => line.bytes().any(|byte| byte != b'=' && byte != b' '),
        '|' | '*' => second.is_some_and(|c| c != ' '),
        '>' => !line.starts_with(">>>"),
        _ => !is_enumerator(word),
    };
    is_text.then_some(())
}

/// `1.`, `a)`, `(iv)`, `#.`
fn is_enumerator(word: &str) -> bool {
    let inner = match word.strip_prefix('(') {
        Some(inside) => inside.strip_suffix(')'),
        None => word.strip_suffix(['.', ')']),
    };
    inner.is_some_and(|inner| {
        inner == "#"
            || inner.len() == 1
            || inner.bytes().all(|byte| byte.is_ascii_digit())
            || inner.bytes().all(|byte| b"ivxlcdmIVXLCDM".contains(&byte))
    })
}

#[cfg(test)]
mod tests;
