//! The mistakes in reStructuredText that indexes refuse most often, found without docutils.
//!
//! No parser: of all that docutils complains about, these are the complaints that can be foreseen with certainty from
//! a few lines. A text that passes here may still fail there; one that fails here fails there too. So every rule
//! looks only at places whose meaning does not depend on what is around them: blocks that begin at the left margin,
//! behind an empty line, with a letter or with `..`.

use super::problem::Problem;

/// The directives that docutils knows by itself, less `raw` and `include`, which indexes switch off.
const DIRECTIVES: [&str; 45] = [
    "admonition",
    "attention",
    "caution",
    "class",
    "code",
    "code-block",
    "compound",
    "container",
    "contents",
    "csv-table",
    "danger",
    "date",
    "default-role",
    "epigraph",
    "error",
    "figure",
    "footer",
    "header",
    "highlights",
    "hint",
    "image",
    "important",
    "line-block",
    "list-table",
    "math",
    "meta",
    "note",
    "parsed-literal",
    "pull-quote",
    "replace",
    "restructuredtext-test-directive",
    "role",
    "rst-class",
    "rubric",
    "section-numbering",
    "sectnum",
    "sidebar",
    "sourcecode",
    "table",
    "target-notes",
    "tip",
    "title",
    "topic",
    "unicode",
    "warning",
];

/// The roles that docutils knows by itself; `raw` is one, though it renders nothing.
const ROLES: [&str; 32] = [
    "ab",
    "abbreviation",
    "ac",
    "acronym",
    "anonymous-reference",
    "citation-reference",
    "code",
    "emphasis",
    "footnote-reference",
    "i",
    "index",
    "literal",
    "math",
    "named-reference",
    "pep",
    "pep-reference",
    "raw",
    "rfc",
    "rfc-reference",
    "strong",
    "sub",
    "subscript",
    "substitution-reference",
    "sup",
    "superscript",
    "t",
    "target",
    "title",
    "title-reference",
    "uri",
    "uri-reference",
    "url",
];

/// Underlines shorter than this are text when the title is longer.
const SHORTEST_UNDERLINE: usize = 4;

/// The first of the mistakes that are known here.
pub(super) fn first_mistake(text: &str) -> Option<Problem> {
    let defines_roles = text.contains("role::");
    blocks(text).find_map(|block| {
        let mistake = short_underline(&block)
            .or_else(|| unknown_directive(&block))
            .or_else(|| unfinished_strong(&block));
        let mistake = match mistake {
            None if !defines_roles => unknown_role(&block),
            found => found,
        };
        mistake.map(|(line, message)| Problem::Markup {
            line: Some(block.first_line + line),
            message,
        })
    })
}

/// Lines without an empty one between them.
struct Block<'a> {
    /// From 1.
    first_line: usize,
    lines: Vec<&'a str>,
}

/// The blocks that a rule may look at: not those that may be quoted text behind `::`.
fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_behind_empty = true;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_end();
        if line.is_empty() {
            is_behind_empty = true;
            continue;
        }
        match blocks.last_mut() {
            Some(block) if !is_behind_empty => block.lines.push(line),
            _ => blocks.push(Block {
                first_line: number + 1,
                lines: vec![line],
            }),
        }
        is_behind_empty = false;
    }
    let mut may_be_quoted = false;
    blocks.into_iter().filter(move |block| {
        let is_eligible = !may_be_quoted;
        may_be_quoted = block.lines.last().is_some_and(|line| line.ends_with("::"));
        is_eligible
    })
}

/// Where in the block, from 0, and what docutils would say.
type Mistake = Option<(usize, String)>;

fn short_underline(block: &Block<'_>) -> Mistake {
    let [title, underline, ..] = &block.lines[..] else {
        return None;
    };
    let mark = underline.chars().next().filter(char::is_ascii_punctuation)?;
    let is_underline = underline.len() >= SHORTEST_UNDERLINE && underline.chars().all(|c| c == mark);
    // The width of other scripts is a science of its own.
    let is_short = title.is_ascii() && !title.contains('\t') && underline.len() < title.len();
    (is_underline && is_short && is_text(title)).then(|| (1, "Title underline too short".to_owned()))
}

/// Whether a line at the left margin begins a paragraph or a title, and can't begin anything else.
fn is_text(line: &str) -> bool {
    let first_word = line.split(' ').next().unwrap_or_default();
    line.starts_with(|c: char| c.is_ascii_alphabetic()) && !first_word.ends_with(['.', ')'])
}

fn unknown_directive(block: &Block<'_>) -> Mistake {
    let rest = block.lines[0].strip_prefix(".. ")?.trim_start();
    let (name, after) = rest.split_once("::")?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.ends_with('-')
        && !name.contains("--");
    if !is_name || !(after.is_empty() || after.starts_with(' ')) {
        return None;
    }
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "raw" | "include" => Some((0, format!("\"{name}\" directive disabled"))),
        known if DIRECTIVES.contains(&known) => None,
        _ => Some((0, format!("Unknown directive type \"{name}\""))),
    }
}

/// The lines of a paragraph in which a backquote or an asterisk can only mean one thing.
fn paragraph<'a>(block: &'a Block<'_>) -> Option<&'a [&'a str]> {
    let is_paragraph = block.lines.iter().all(|line| is_text(line))
        && !block
            .lines
            .iter()
            .any(|line| line.contains("``") || line.contains(['\\', '|', '_', '<']));
    is_paragraph.then_some(&block.lines)
}

fn unknown_role(block: &Block<'_>) -> Mistake {
    paragraph(block)?.iter().enumerate().find_map(|(number, line)| {
        // Two backquotes in a line are the start and the end of one text.
        if line.contains('*') || line.matches('`').count() != 2 {
            return None;
        }
        let (before, after) = line.split_once(":`")?;
        let (role_text, rest) = after.split_once('`')?;
        let (lead, role) = before.rsplit_once(' ').unwrap_or(("", before));
        let role = role.strip_prefix(':')?;
        let is_role = role.starts_with(|c: char| c.is_ascii_alphabetic())
            && role.chars().all(|c| c.is_ascii_alphanumeric())
            && !lead.contains('`');
        let is_marked_up = !role_text.is_empty()
            && !role_text.starts_with(' ')
            && !role_text.ends_with(' ')
            && (rest.is_empty() || rest.starts_with([' ', '.', ',']));
        let is_known = ROLES.contains(&role.to_ascii_lowercase().as_str());
        (is_role && is_marked_up && !is_known)
            .then(|| (number, format!("Unknown interpreted text role \"{role}\"")))
    })
}

fn unfinished_strong(block: &Block<'_>) -> Mistake {
    let lines = paragraph(block)?;
    let asterisks: usize = lines.iter().map(|line| line.matches('*').count()).sum();
    let has_backquote = lines.iter().any(|line| line.contains('`'));
    if asterisks != 2 || has_backquote {
        return None;
    }
    let is_start = |line: &&str| {
        line.split_once(" **")
            .is_some_and(|(_, after)| after.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    let number = lines.iter().position(is_start)?;
    Some((number, "Inline strong start-string without end-string".to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_looked_at_without_a_panic(
            text in "(A title|====|::|\\.\\. |[a-z]{3}::|:a:`|`|\\*\\*| |\n|é|.){0,30}",
        ) {
            let _ = first_mistake(&text);
        }

        #[test]
        fn plain_paragraphs_have_no_mistakes(text in "([a-z]{1,9}[ ,\n]){0,30}") {
            prop_assert!(first_mistake(&text).is_none());
        }
    }

    fn mistake(text: &str) -> Option<String> {
        first_mistake(text).map(|problem| problem.to_string())
    }

    #[test]
    fn the_usual_mistakes_are_found_with_their_line() {
        for (text, line, message) in [
            ("A title\n====\n", 2, "underline too short"),
            ("x\n\nA title\n----\ny\n", 4, "underline too short"),
            (
                "x\n\n.. toctree::\n   :maxdepth: 2\n",
                3,
                "directive type \"toctree\"",
            ),
            (".. raw:: html\n\n   <b>\n", 1, "\"raw\" directive disabled"),
            ("x\n\n.. include:: a.rst\n", 3, "\"include\" directive disabled"),
            ("One\nsee :class:`Foo` for more\n", 2, "role \"class\""),
            ("This is **bold\nand more\n", 1, "strong start-string"),
        ] {
            let found = mistake(text).unwrap_or_else(|| panic!("{text:?} passed"));
            assert!(
                found.contains(message) && found.contains(&format!("at line {line}:")),
                "{text:?}: {found}"
            );
        }
    }

    #[test]
    fn what_is_right_or_uncertain_passes() {
        for text in [
            "Title\n=====\n\nx\n",
            "Title\n===\n",
            "Title::\n\n> quoted\n> ====\n",
            "Titel für alle\n=============\n",
            "Example::\n\n    .. toctree::\n\n    A title\n    ====\n",
            "Example::\n\n.. toctree::\n",
            ".. note:: x\n\n.. Code-Block:: python\n\n   x\n",
            ".. a comment:: of sorts\n",
            ".. _target: http://a\n",
            ".. |x| image:: y\n",
            ".. role:: class\n\nsee :class:`Foo`\n",
            "see :code:`x` and ``:class:`y` ``\n",
            "2 ** 3 and **bold** and **\n",
            "1. Title\n====\n",
        ] {
            assert_eq!(mistake(text), None, "{text:?}");
        }
    }
}
