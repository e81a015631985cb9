//! The INI files of Python's tools, read by the rules of its `configparser`.
//!
//! The grammar is that of `configparser.RawConfigParser` with its defaults: no interpolation, `=` or `:`, full-line
//! comments with `#` or `;`, continuation lines that are set in deeper than their key, keys in any case, section
//! names in exactly one, `[DEFAULT]` for values of all sections; duplicates are errors. The crate for INI files that
//! programs usually take reads other rules and writes files anew, so it would lose comments and misread values.

use std::ops::Range;

/// The section whose values are valid in all others.
const DEFAULT_SECTION: &str = "DEFAULT";

/// Why a text can't be read or changed. It holds the number of the line, never the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct IniError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: IniProblem,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IniProblem {
    /// The invisible character that some Windows editors put first; Python's readers stumble over it.
    #[error("the file begins with a byte-order mark, which Python's tools can't read")]
    ByteOrderMark,
    /// A value before the first section.
    #[error("there is no `[section]` above this line")]
    NoSection,
    /// Neither a section nor a key.
    #[error("this is neither a `[section]` nor a `key = value`")]
    NotAnOption,
    /// A section stands twice.
    #[error("the section was there before, in line {first}")]
    DuplicateSection {
        /// Where it stands first.
        first: usize,
    },
    /// A key stands twice in one section.
    #[error("the key was there before, in line {first}")]
    DuplicateKey {
        /// Where it stands first.
        first: usize,
    },
    /// The indentation makes lines belong to each other that a change would tear apart.
    #[error("this line can't be changed without changing the meaning of others; its indentation is unusual")]
    Entangled,
}

/// A text with what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IniDocument {
    pub(super) text: String,
    pub(super) sections: Vec<Section>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) header: Line,
    pub(super) options: Vec<Entry>,
    pub(super) has_comments: bool,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: Line,
    /// The value's part on the key's own line.
    pub(super) first: Range<usize>,
    /// Further lines that are not blank.
    pub(super) continuation: Vec<Line>,
    pub(super) value: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: usize,
    pub(super) start: usize,
    /// Without the line end.
    pub(super) text_end: usize,
    /// With the line end.
    pub(super) end: usize,
    /// Width of the white space in front, in characters.
    pub(super) indent: usize,
}

impl IniDocument {
    /// Reads a text.
    ///
    /// # Errors
    /// Python's `configparser` would refuse it too.
    pub fn parse(text: impl Into<String>) -> Result<Self, IniError> {
        let text = text.into();
        let sections = Parser::default().parse(&text)?;
        Ok(Self { text, sections })
    }

    /// The text itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names of the sections in their order, without `DEFAULT`.
    pub fn section_names(&self) -> impl Iterator<Item = &str> {
        let names = self.sections.iter().map(|section| section.name.as_str());
        names.filter(|name| *name != DEFAULT_SECTION)
    }

    /// Whether there is a section of that name.
    #[must_use]
    pub fn has_section(&self, name: &str) -> bool {
        self.section_names().any(|other| other == name)
    }

    /// The keys that stand in a section itself, in lower case.
    pub fn keys(&self, section: &str) -> impl Iterator<Item = &str> {
        let own = self.sections.iter().filter(move |other| other.name == section);
        own.flat_map(|section| section.options.iter().map(|entry| entry.key.as_str()))
    }

    /// The value of a key (in lower case) that stands in the section itself. Lines are joined by line ends.
    #[must_use]
    pub fn own_value(&self, section: &str, key: &str) -> Option<&str> {
        self.entry(section, key).map(|entry| entry.value.as_str())
    }

    /// The value of a key in an existing section, or its default.
    #[must_use]
    pub fn value(&self, section: &str, key: &str) -> Option<&str> {
        if !self.has_section(section) {
            return None;
        }
        self.own_value(section, key)
            .or_else(|| self.own_value(DEFAULT_SECTION, key))
    }

    /// The line a key stands in, counted from 1.
    #[must_use]
    pub fn line_of(&self, section: &str, key: &str) -> Option<usize> {
        self.entry(section, key).map(|entry| entry.line.number)
    }

    pub(super) fn entry(&self, section: &str, key: &str) -> Option<&Entry> {
        let mut own = self.sections.iter().filter(|other| other.name == section);
        own.find_map(|section| section.options.iter().find(|entry| entry.key == key))
    }
}

/// The state of Python's parser between two lines.
#[derive(Default)]
struct Parser {
    sections: Vec<Section>,
    /// A key was seen in this section, so that deeper lines continue it.
    has_option: bool,
    indent: usize,
    /// The lines of the last option's value, blank ones included.
    value_lines: Vec<String>,
}

impl Parser {
    fn parse(mut self, text: &str) -> Result<Vec<Section>, IniError> {
        if text.starts_with('\u{feff}') {
            return Err(IniError {
                line: 1,
                problem: IniProblem::ByteOrderMark,
            });
        }
        for line in lines(text) {
            self.take(text, line)?;
        }
        self.end_value();
        Ok(self.sections)
    }

    fn take(&mut self, text: &str, line: Line) -> Result<(), IniError> {
        let content = text[line.start..line.text_end].trim_matches(is_space);
        if content.starts_with(['#', ';']) {
            if let Some(section) = self.sections.last_mut() {
                section.has_comments = true;
            }
            return Ok(());
        }
        if content.is_empty() {
            if self.has_option {
                self.value_lines.push(String::new());
            }
            return Ok(());
        }
        if self.has_option && line.indent > self.indent {
            self.value_lines.push(content.to_owned());
            if let Some(entry) = self
                .sections
                .last_mut()
                .and_then(|section| section.options.last_mut())
            {
                entry.continuation.push(line);
            }
            return Ok(());
        }
        self.end_value();
        self.indent = line.indent;
        match section_name(content) {
            Some(name) => self.take_header(name, line),
            None => self.take_option(text, content, line),
        }
    }

    fn take_header(&mut self, name: &str, line: Line) -> Result<(), IniError> {
        self.has_option = false;
        if name != DEFAULT_SECTION
            && let Some(first) = self.sections.iter().find(|section| section.name == name)
        {
            let problem = IniProblem::DuplicateSection {
                first: first.header.number,
            };
            return Err(IniError {
                line: line.number,
                problem,
            });
        }
        let name = name.to_owned();
        self.sections.push(Section {
            name,
            header: line,
            options: Vec::new(),
            has_comments: false,
        });
        Ok(())
    }

    fn take_option(&mut self, text: &str, content: &str, line: Line) -> Result<(), IniError> {
        let error = |problem| IniError {
            line: line.number,
            problem,
        };
        let Some(current) = self.sections.last() else {
            return Err(error(IniProblem::NoSection));
        };
        let (key, value) = content
            .split_once(['=', ':'])
            .ok_or_else(|| error(IniProblem::NotAnOption))?;
        let key = key.trim_end_matches(is_space).to_lowercase();
        if key.is_empty() {
            return Err(error(IniProblem::NotAnOption));
        }
        let same_section = self
            .sections
            .iter()
            .filter(|section| section.name == current.name);
        if let Some(first) = same_section
            .flat_map(|section| &section.options)
            .find(|entry| entry.key == key)
        {
            return Err(error(IniProblem::DuplicateKey {
                first: first.line.number,
            }));
        }
        let value = value.trim_matches(is_space);
        let end = line.start + text[line.start..line.text_end].trim_end_matches(is_space).len();
        let first = end - value.len()..end;
        self.value_lines = vec![value.to_owned()];
        self.has_option = true;
        let entry = Entry {
            key,
            line,
            first,
            continuation: Vec::new(),
            value: String::new(),
        };
        if let Some(section) = self.sections.last_mut() {
            section.options.push(entry);
        }
        Ok(())
    }

    fn end_value(&mut self) {
        let lines = std::mem::take(&mut self.value_lines);
        if !self.has_option || lines.is_empty() {
            return;
        }
        if let Some(entry) = self
            .sections
            .last_mut()
            .and_then(|section| section.options.last_mut())
        {
            lines
                .join("\n")
                .trim_end_matches(is_space)
                .clone_into(&mut entry.value);
        }
    }
}

/// `[name]`, where the name ends at the last bracket of the line and may hold anything.
fn section_name(content: &str) -> Option<&str> {
    let name = &content[..content.rfind(']')?];
    name.strip_prefix('[').filter(|name| !name.is_empty())
}

/// The lines of a text as Python's text files have them: a lone carriage return ends a line too.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line> {
    let mut start = 0;
    let mut number = 0;
    std::iter::from_fn(move || {
        let rest = &text[start..];
        if rest.is_empty() {
            return None;
        }
        let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let line_end = match &rest[length..] {
            after if after.starts_with("\r\n") => 2,
            "" => 0,
            _ => 1,
        };
        number += 1;
        let line = Line {
            number,
            start,
            text_end: start + length,
            end: start + length + line_end,
            indent: rest[..length]
                .chars()
                .take_while(|character| is_space(*character))
                .count(),
        };
        start = line.end;
        Some(line)
    })
}

/// The words of a list, as Python's `split` finds them.
pub(super) fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(is_space).filter(|word| !word.is_empty())
}

/// What Python counts as white space; Rust leaves the four separators out.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}
