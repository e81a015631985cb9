//! The mistakes in reStructuredText that indexes refuse most often, found without docutils.
//!
//! No parser: of all that docutils complains about, these are the complaints that can be foreseen line by line with
//! certainty. A text that passes here may still fail there; one that fails here fails there.

use super::problem::Problem;

/// The first of the mistakes that are known here.
pub(super) fn first_mistake(_text: &str) -> Option<Problem> {
    None
}

/// Whether a text is plain paragraphs, which render whatever they say: a quick way around starting Python.
pub(super) fn is_plain(text: &str) -> bool {
    text.lines().all(|line| {
        let first_word = line.split(' ').next().unwrap_or_default();
        // An enumerated list begins with `a.`, `b)` or `(c)`.
        let is_enumerator = first_word.contains(['.', ')']);
        line.is_empty()
            || line.starts_with(|c: char| c.is_ascii_alphabetic())
                && !is_enumerator
                && line
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || " ,.;!?()/-'".contains(c))
    })
}
