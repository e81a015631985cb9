//! What must hold of the quick look at descriptions. Fuzz targets (`tests/fuzz/`) and ordinary tests ask these.

use super::Problem;
use super::markup::first_mistake;
use super::ordinary::renders;

/// A description: what is sure to render has no mistakes, a mistake is in a line that there is, and empty lines in
/// front move it.
pub fn markup(text: &str) {
    let place = |text: &str| match first_mistake(text)? {
        Problem::Markup { line, message } => {
            assert!(
                message.len() < 2000 && !message.chars().any(char::is_control),
                "{message:?}"
            );
            line
        }
        _ => None,
    };
    let found = place(text);
    if renders(text) {
        assert_eq!(found, None, "a text that is sure to render, with a mistake");
    }
    if let Some(line) = found {
        assert!((1..=text.lines().count()).contains(&line), "line {line}");
    }
    let moved = place(&format!("\n\n{text}"));
    assert_eq!(moved, found.map(|line| line + 2));
}
