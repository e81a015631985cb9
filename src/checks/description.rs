//! The long description: its content type, and whether there is anything to show.
//!
//! Standard: the core metadata specification on Description-Content-Type, a media type with the parameters `charset`
//! and, for Markdown, `variant`.

use super::problem::Problem;
use crate::packaging::metadata::CoreMetadata;

/// What is wrong with the description, and its text when that must be rendered to know whether it can be: all but
/// reStructuredText always renders, since whatever is no markup is text.
pub(super) fn judge(metadata: &CoreMetadata) -> (Vec<Problem>, Option<&str>) {
    let mut problems = Vec::new();
    let kind = match metadata.first("Description-Content-Type").map(str::trim) {
        None | Some("" | "UNKNOWN") => None,
        Some(value) => match Kind::parse(value) {
            Ok(kind) => Some(kind),
            Err(reason) => {
                let value = value.to_owned();
                problems.push(Problem::ContentType { value, reason });
                return (problems, None);
            }
        },
    };
    let text = metadata.description().unwrap_or_default();
    if text.trim().is_empty() || text.trim_end() == "UNKNOWN" {
        // Without a text its type is of no interest.
        problems.push(Problem::DescriptionMissing);
        return (problems, None);
    }
    let kind = kind.unwrap_or_else(|| {
        problems.push(Problem::ContentTypeMissing);
        Kind::Restructured
    });
    if kind == Kind::Markdown && is_comments(text) {
        problems.push(Problem::DescriptionBlank);
    }
    (problems, (kind == Kind::Restructured).then_some(text))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Restructured,
    Markdown,
}

impl Kind {
    fn parse(value: &str) -> Result<Self, &'static str> {
        let mut parts = value.split(';');
        let kind = match parts
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
            .as_str()
        {
            "text/plain" => Self::Plain,
            "text/x-rst" => Self::Restructured,
            "text/markdown" => Self::Markdown,
            _ => return Err("it is none of text/markdown, text/x-rst and text/plain"),
        };
        for parameter in parts.map(str::trim).filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or("a parameter has no value")?;
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "charset" if !value.eq_ignore_ascii_case("utf-8") => return Err("the charset is not UTF-8"),
                "variant" if kind == Self::Markdown && !["GFM", "CommonMark"].contains(&value) => {
                    return Err("the variant of Markdown is neither GFM nor CommonMark");
                }
                _ => {}
            }
        }
        Ok(kind)
    }
}

/// Whether a Markdown text is nothing but HTML comments.
fn is_comments(text: &str) -> bool {
    let mut rest = text.trim_start();
    while let Some(comment) = rest.strip_prefix("<!--") {
        match comment.split_once("-->") {
            Some((_, after)) => rest = after.trim_start(),
            // A comment that nobody closes goes on to the end.
            None => return true,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_read_with_their_parameters() {
        for (value, kind) in [
            ("text/plain", Kind::Plain),
            ("Text/X-RST; charset=UTF-8", Kind::Restructured),
            ("text/markdown; charset=\"utf-8\"; variant=GFM;", Kind::Markdown),
            ("text/x-rst; variant=any", Kind::Restructured),
        ] {
            assert_eq!(Kind::parse(value), Ok(kind), "{value}");
        }
        for value in [
            "text",
            "text/html",
            "text/markdown; variant=gfm",
            "text/plain; charset=ascii",
            "text/plain; charset",
            "text/markdown, text/plain",
        ] {
            assert!(Kind::parse(value).is_err(), "{value}");
        }
    }

    #[test]
    fn comments_alone_show_nothing() {
        for text in ["<!-- a -->", "\n<!-- a -->\n\n<!-- b\n-->\n", "<!-- a"] {
            assert!(is_comments(text), "{text:?}");
        }
        for text in ["x", "<!-- a --> b", "# <!-- a -->"] {
            assert!(!is_comments(text), "{text:?}");
        }
    }
}
