//! Rust sources as tokens: enough to tell a path from a comment or a text.

/// A name, `::`, a single sign, or a text in its quotes.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// From 1.
    pub(crate) line: usize,
}

/// Whether a token is a name or a keyword.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Splits Rust into names, `::` and single signs; comments are left out, and so are literals but plain texts.
pub(crate) fn tokens_of(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment_length(rest),
            '"' => {
                let length = string_length(rest);
                let text = rest[..length].to_owned();
                tokens.push(Token { text, line });
                length
            }
            '\'' => quote_length(rest),
            _ if raw_string_length(rest).is_some() => raw_string_length(rest).unwrap(),
            'b' if rest.starts_with("b\"") => 1 + string_length(&rest[1..]),
            'b' if rest.starts_with("b'") => 1 + quote_length(&rest[1..]),
            _ if first.is_whitespace() => first.len_utf8(),
            _ => {
                let length = token_length(rest, first);
                let text = rest[..length].trim_start_matches("r#").to_owned();
                tokens.push(Token { text, line });
                length
            }
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

fn token_length(rest: &str, first: char) -> usize {
    let in_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    if rest.starts_with("::") {
        return 2;
    }
    if !in_name(first) {
        return first.len_utf8();
    }
    let prefix = if rest.starts_with("r#") { 2 } else { 0 };
    prefix
        + rest[prefix..]
            .find(|letter| !in_name(letter))
            .unwrap_or(rest.len() - prefix)
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let bytes = rest.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn string_length(rest: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A character literal, or the quote alone where it opens a lifetime.
fn quote_length(rest: &str) -> usize {
    let mut letters = rest.char_indices().skip(1);
    let Some((_, first)) = letters.next() else {
        return 1;
    };
    if first == '\\' {
        let _escaped = letters.next();
        return letters
            .find(|(_, letter)| *letter == '\'')
            .map_or(1, |(at, _)| at + 1);
    }
    match letters.next() {
        Some((at, '\'')) => at + 1,
        _ => 1,
    }
}

fn raw_string_length(rest: &str) -> Option<usize> {
    let after = ["r", "br"].iter().find_map(|prefix| {
        rest.strip_prefix(prefix)
            .filter(|after| after.starts_with(['"', '#']))
    })?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let body = rest.len() - after.len() + hashes + 1;
    Some(
        rest[body..]
            .find(&close)
            .map_or(rest.len(), |at| body + at + close.len()),
    )
}
