//! The one line that a server's error comes down to: a reason phrase, JSON of some shape, a page for people or plain text.

use reqwest::StatusCode;
use serde_json::Value;

use super::media_type;

/// Longest line that is shown, in characters.
pub(super) const MAX_LINE_CHARS: usize = 300;

pub(super) fn one_line(status: StatusCode, content_type: &str, reason: Option<&str>, body: &str) -> String {
    let media_type = media_type(content_type);
    let is_json = media_type == "application/json" || media_type.ends_with("+json");
    let looks_like_html = media_type.contains("html") || body.trim_start().starts_with('<');
    let from_json = || is_json.then(|| json_message(body, status)).flatten();
    let from_reason = || reason.map(str::to_owned);
    let from_body = || {
        if looks_like_html {
            html_message(body, status)
        } else {
            first_line(body)
        }
    };
    let sources: [&dyn Fn() -> Option<String>; 3] = [&from_json, &from_reason, &from_body];
    sources
        .iter()
        .filter_map(|source| source())
        .map(|line| tidy(&line))
        .find(|line| !line.is_empty())
        .unwrap_or_default()
}

/// White space becomes single blanks, control characters vanish, and the end is cut where it gets too long.
fn tidy(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let line = words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    match line.char_indices().nth(MAX_LINE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn first_line(body: &str) -> Option<String> {
    body.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .map(str::to_owned)
}

/// The sentence in a problem document (RFC 9457) or in one of the shapes that indexes have made up.
fn json_message(body: &str, status: StatusCode) -> Option<String> {
    let document: Value = serde_json::from_str(body).ok()?;
    let field = |name: &str| document.get(name).and_then(|value| words(value, status));
    if let (Some(title), Some(detail)) = (field("title"), field("detail")) {
        return Some(if detail.contains(&title) {
            detail
        } else {
            format!("{title}: {detail}")
        });
    }
    // The public index puts the sentence behind the status in `code`; elsewhere that is a word for machines.
    let sentence_in_code = || {
        let code = field("code")?;
        let sentence = code.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
        sentence.contains(' ').then(|| sentence.to_owned())
    };
    let first_of_errors = || {
        document
            .get("errors")?
            .as_array()?
            .first()
            .and_then(|error| words(error, status))
    };
    field("detail")
        .or_else(sentence_in_code)
        .or_else(|| field("message"))
        .or_else(|| field("error_description"))
        .or_else(first_of_errors)
        .or_else(|| field("error"))
        .or_else(|| field("title"))
        .or_else(|| field("code"))
        .or_else(|| words(&document, status))
}

/// The text of a string, of the message in an object, or of a list's first item.
fn words(value: &Value, status: StatusCode) -> Option<String> {
    match value {
        Value::String(text) if text.trim_start().starts_with('<') => html_message(text, status),
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Array(items) => items.iter().find_map(|item| words(item, status)),
        Value::Object(fields) => ["message", "detail", "description", "base"]
            .iter()
            .find_map(|name| fields.get(*name).and_then(|value| words(value, status))),
        _ => None,
    }
}

/// What an HTML page says to a person: title, heading, and the message itself, which some servers put into a `pre`.
/// Parts that only repeat the status or one another are left out. A page without any of them gives all its text.
fn html_message(page: &str, status: StatusCode) -> Option<String> {
    let inner = |name| element(page, name).map(|inner| tidy(&without_tags(inner)));
    let message = inner("pre").or_else(|| inner("p"));
    let mut parts: Vec<String> = Vec::new();
    for part in [inner("title"), inner("h1"), message].into_iter().flatten() {
        let is_new = !parts.iter().any(|known| known.contains(&part));
        if is_new && !repeats_status(&part, status) {
            parts.retain(|known| !part.contains(known.as_str()));
            parts.push(part);
        }
    }
    if parts.is_empty() {
        return Some(without_tags(page)).filter(|text| !text.trim().is_empty());
    }
    Some(parts.join(": "))
}

/// The text without the status phrase that it may begin with, as the title of a problem document mostly does.
pub(super) fn without_status(line: &str, status: StatusCode) -> &str {
    let phrase = status.canonical_reason().unwrap_or_default();
    let repeated = line
        .get(..phrase.len())
        .is_some_and(|start| !phrase.is_empty() && start.eq_ignore_ascii_case(phrase));
    let rest = repeated
        .then(|| line[phrase.len()..].strip_prefix(": "))
        .flatten();
    rest.unwrap_or(line)
}

/// Whether a text is nothing but the status in other words, such as `Error: 403 Forbidden`.
pub(super) fn repeats_status(text: &str, status: StatusCode) -> bool {
    let phrase = status.canonical_reason().unwrap_or_default().to_lowercase();
    let rest = text
        .to_lowercase()
        .replace(&phrase, "")
        .replace(status.as_str(), "")
        .replace("error", "");
    !rest.contains(char::is_alphanumeric)
}

/// The inside of the first element of that name.
fn element<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    // ASCII lowering keeps every byte where it is, so positions hold for the page itself.
    let lower = page.to_ascii_lowercase();
    let opening = format!("<{name}");
    let start = lower
        .match_indices(&opening)
        .map(|(at, _)| at + opening.len())
        .find(|&at| {
            // `<p>` and `<p class=...>`, not `<pre>`.
            lower[at..].starts_with(['>', ' ', '\t', '\n', '\r', '/'])
        })?;
    let inner = start + lower[start..].find('>')? + 1;
    let end = inner
        + lower[inner..]
            .find(&format!("</{name}"))
            .unwrap_or(lower.len() - inner);
    Some(&page[inner..end])
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        text.push_str(&rest[..open]);
        text.push(' ');
        let tag = &rest[open..];
        let lower = tag
            .get(..8.min(tag.len()))
            .unwrap_or_default()
            .to_ascii_lowercase();
        // What is inside these is not for people.
        let close = ["script", "style"]
            .iter()
            .find(|name| lower[1.min(lower.len())..].starts_with(**name));
        let end = match close {
            Some(name) => tag
                .to_ascii_lowercase()
                .find(&format!("</{name}"))
                .map(|at| at + 2 + name.len()),
            None => Some(0),
        };
        let Some(after) = end.and_then(|from| tag[from..].find('>').map(|at| from + at + 1)) else {
            return unescape(&text);
        };
        rest = &tag[after..];
    }
    text.push_str(rest);
    unescape(&text)
}

/// Turns character references into characters: numbers, and the five names that occur in messages and links.
pub(in crate::client) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        match reference(rest) {
            Some((letter, length)) => {
                plain.push(letter);
                rest = &rest[length..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// The character that a text begins with by reference, and the length of the reference.
fn reference(text: &str) -> Option<(char, usize)> {
    let end = text.find(';').filter(|end| *end <= 10)?;
    let name = &text[1..end];
    let letter = match name {
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "amp" => '&',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    };
    Some((letter, end + 1))
}
