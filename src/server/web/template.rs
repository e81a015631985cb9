//! Welcome pages that operators have written for pypiserver.
//!
//! Its template language is bottle's, which is Python. What such pages use of it is read: the five
//! variables, escaped or raw. Everything else is refused with the line and the reason, because a page that silently
//! shows its own program is worse than none.

use std::fmt::Write as _;

use thiserror::Error;

/// A page with places for values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WelcomeTemplate {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value { variable: Variable, raw: bool },
}

/// What a page may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variable {
    Url,
    Version,
    NumberOfPackages,
    Packages,
    Simple,
}

impl Variable {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "URL" => Self::Url,
            "VERSION" => Self::Version,
            "NUMPKGS" => Self::NumberOfPackages,
            "PACKAGES" => Self::Packages,
            "SIMPLE" => Self::Simple,
            _ => return None,
        })
    }
}

/// The values of one rendering.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a> {
    /// The address of the index, with a final slash.
    pub(super) url: &'a str,
    /// The version of this program.
    pub(super) version: &'a str,
    /// How many files there are.
    pub(super) files: u64,
    /// The path of the index on its host, with a slash at both ends.
    pub(super) path: &'a str,
}

/// Why a page can't be shown. Lines are counted from one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// `% if …`, `<% … %>`.
    #[error("line {line} is a line of Python, which is not run here: {}", .text.escape_debug())]
    Code {
        /// Where.
        line: usize,
        /// How it begins.
        text: String,
    },
    /// `{{NAME}}` with another name, or with more than a name.
    #[error("line {line} has `{}`, which is none of the values there are", .text.escape_debug())]
    Unknown {
        /// Where.
        line: usize,
        /// The place as it stands there.
        text: String,
    },
}

/// Longest piece of a line that an error shows, in characters.
const SHOWN_CHARS: usize = 60;

impl WelcomeTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError`] when it holds more than text and `{{URL}}`, `{{VERSION}}`, `{{NUMPKGS}}`, `{{PACKAGES}}` and
    /// `{{SIMPLE}}`, each with or without a `!` in front.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut template = Self { pieces: Vec::new() };
        for (line, text) in (1..).zip(text.split_inclusive('\n')) {
            template.take_line(line, without_escape(line, text)?)?;
        }
        Ok(template)
    }

    fn take_line(&mut self, line: usize, mut text: &str) -> Result<(), TemplateError> {
        // A place that is not closed on its line is text for bottle, too.
        while let Some((before, inside, after)) = next_place(text) {
            let raw = inside.trim_start().starts_with('!');
            let name = inside.trim_start().trim_start_matches('!').trim();
            let Some(variable) = Variable::named(name) else {
                let text = format!("{{{{{inside}}}}}").chars().take(SHOWN_CHARS).collect();
                return Err(TemplateError::Unknown { line, text });
            };
            self.add_text(before);
            self.pieces.push(Piece::Value { variable, raw });
            text = after;
        }
        self.add_text(text);
        Ok(())
    }

    fn add_text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    /// The page with these values.
    pub(super) fn render(&self, values: Values<'_>) -> String {
        let mut page = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => page.push_str(text),
                Piece::Value { variable, raw } => {
                    let value = values.of(*variable);
                    page.push_str(&if *raw { value } else { escaped(&value) });
                }
            }
        }
        page
    }
}

impl Values<'_> {
    fn of(&self, variable: Variable) -> String {
        match variable {
            Variable::Url => self.url.to_owned(),
            Variable::Version => self.version.to_owned(),
            Variable::NumberOfPackages => self.files.to_string(),
            Variable::Packages => format!("{}packages/", self.path),
            Variable::Simple => format!("{}simple/", self.path),
        }
    }
}

/// The text before the first `{{…}}`, what is in it, and the text behind it.
fn next_place(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (inside, after) = rest.split_once("}}")?;
    Some((before, inside, after))
}

/// A line of text. A percent sign that begins one stands behind a backslash, or twice; alone it begins a line of code.
fn without_escape(line: usize, text: &str) -> Result<&str, TemplateError> {
    let begin = text.trim_start_matches([' ', '\t']);
    let is_code = |text: &str| text.starts_with('%') || text.starts_with("<%");
    if let Some(escaped) = begin.strip_prefix('\\').filter(|rest| is_code(rest)) {
        return Ok(escaped);
    }
    if begin.starts_with("%%") {
        return Ok(&begin[1..]);
    }
    if is_code(begin) {
        let text = begin.trim_end().chars().take(SHOWN_CHARS).collect();
        return Err(TemplateError::Code { line, text });
    }
    Ok(text)
}

/// The text as it may stand between tags and in quoted attributes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // Writing to a String can't fail.
            '&' | '<' | '>' | '"' | '\'' => drop(write!(escaped, "&#{};", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VALUES: Values<'static> = Values {
        url: "http://x:8080/p/?a=1&b=<'\">",
        version: "1.2",
        files: 7,
        path: "/p/",
    };

    fn shown(text: &str) -> String {
        WelcomeTemplate::parse(text).unwrap().render(VALUES)
    }

    #[test]
    fn places_are_filled_escaped_or_raw() {
        assert_eq!(
            shown("<a href=\"{{ SIMPLE }}\">{{NUMPKGS}} of {{VERSION}}</a>\n{{PACKAGES}}"),
            "<a href=\"/p/simple/\">7 of 1.2</a>\n/p/packages/"
        );
        assert_eq!(
            shown("{{URL}}"),
            "http://x:8080/p/?a=1&#38;b=&#60;&#39;&#34;&#62;"
        );
        assert_eq!(shown("{{!URL}}{{ ! URL }}"), VALUES.url.repeat(2));
    }

    #[test]
    fn everything_else_is_text() {
        for text in [
            "",
            "no line end",
            "width: 100%; { { } }\n",
            "a {{ that is not closed\n}} elsewhere",
            "{%x%}\r\n<b>%</b>\r\n",
        ] {
            assert_eq!(shown(text), text);
        }
        assert_eq!(shown("  \\% a\n\\<% b\n%% c\n"), "% a\n<% b\n% c\n");
    }

    #[test]
    fn python_is_refused_with_its_line() {
        for (text, line) in [
            ("% if x:\n", 1),
            ("a\n\n   % for p in links:\nb", 3),
            ("a\n<% import os %>", 2),
            ("\t%end", 1),
        ] {
            let error = WelcomeTemplate::parse(text).unwrap_err();
            assert!(
                matches!(error, TemplateError::Code { line: at, .. } if at == line),
                "{text:?}: {error}"
            );
        }
        for (text, place) in [
            ("a\n{{ NAME }}", "{{ NAME }}"),
            ("a\n{{URL + 'x'}}", "{{URL + 'x'}}"),
            ("a\n{{}}", "{{}}"),
            ("a\n{{url}}", "{{url}}"),
            ("a\n{{!}} {{URL}}", "{{!}}"),
        ] {
            let expected = TemplateError::Unknown {
                line: 2,
                text: place.to_owned(),
            };
            assert_eq!(WelcomeTemplate::parse(text), Err(expected));
        }
    }

    proptest! {
        #[test]
        fn text_without_places_comes_out_as_it_went_in(text in "[a-z<>&%\\\\ ]{1,20}") {
            let text = format!("x{text}");
            prop_assert_eq!(shown(&text), text);
        }
    }
}
