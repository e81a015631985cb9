//! Texts of configuration files with their secrets as stars, fit to be shown.

/// What stands for a secret.
const STARS: &str = "********";

/// Words in a key whose value is not shown.
const SECRET_WORDS: [&str; 4] = ["password", "passwd", "token", "secret"];

/// The text with the values of secret keys (and the lines that continue them) and the passwords in URLs as stars. A
/// secret that stands in `before` with another value is marked, so that a diff of masked texts shows its line.
#[must_use]
pub fn mask_secrets(text: &str, before: Option<&str>) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut hidden_indent = None;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        let line_end = &line[content.len()..];
        let indent = content.len() - content.trim_start().len();
        let continues = hidden_indent.is_some_and(|hidden| content.is_empty() || indent > hidden);
        if continues {
            if !content.is_empty() {
                masked.push_str(&content[..indent]);
                masked.push_str(STARS);
            }
        } else if let Some(value_start) = secret_value(content) {
            hidden_indent = Some(indent);
            masked.push_str(&content[..value_start]);
            if value_start < content.len() {
                masked.push_str(STARS);
                if before.is_some_and(|before| has_other_value(before, content, value_start)) {
                    masked.push_str(" (new)");
                }
            }
        } else {
            hidden_indent = None;
            masked.push_str(&mask_urls(content));
        }
        masked.push_str(line_end);
    }
    masked
}

/// Whether a text has the key of a line, but not the line.
fn has_other_value(text: &str, line: &str, value_start: usize) -> bool {
    let key = &line[..value_start];
    let mut same_key = text
        .lines()
        .map(str::trim_end)
        .filter(|other| other.starts_with(key))
        .peekable();
    same_key.peek().is_some() && same_key.all(|other| other != line)
}

/// Where the value of a line starts, when its key speaks of a secret; in an inline table that is somewhere within the
/// line, and all that follows is taken for secret. A comment may hold a secret as well.
fn secret_value(line: &str) -> Option<usize> {
    let mut from = 0;
    let delimiter = line.match_indices(['=', ':']).find(|(at, _)| {
        let key = if from == 0 {
            line[..*at].to_lowercase()
        } else {
            word_before(&line[from..*at])
        };
        from = at + 1;
        SECRET_WORDS.iter().any(|word| key.contains(word)) || key.trim() == "auth"
    });
    let (delimiter, _) = delimiter?;
    let value = &line[delimiter + 1..];
    Some(line.len() - value.trim_start().len())
}

/// The last word of a text, without quotes.
fn word_before(text: &str) -> String {
    let word = text.trim_end().rsplit([' ', ',', '{', '.', '?', '&', '/']).next();
    word.unwrap_or_default().trim_matches(['"', '\'']).to_lowercase()
}

/// `https://user:password@host` with the password as stars.
#[must_use]
pub fn mask_urls(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        masked.push_str(before);
        let authority = after
            .find(|c: char| c == '/' || c.is_whitespace())
            .unwrap_or(after.len());
        rest = match after[..authority].rfind('@') {
            Some(end) => {
                let user = after[..end].split(':').next().unwrap_or_default();
                masked.push_str(if user.len() == end { STARS } else { user });
                if user.len() < end {
                    masked.push(':');
                    masked.push_str(STARS);
                }
                &after[end..]
            }
            None => after,
        };
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_become_stars_and_all_else_stays() {
        let text = "[a]\r\nurl = https://u:pw@h/x https://tok@h\nPassWord: s3cret\n  more s3cret\n\nuser = x # keep\n\
                    api-token=s3cret\n# password = s3cret\npassword =\n";
        let shown = "[a]\r\nurl = https://u:********@h/x https://********@h\nPassWord: ********\n  ********\n\n\
                     user = x # keep\napi-token=********\n# password = ********\npassword =\n";
        assert_eq!(mask_secrets(text, None), shown);
        let marked = mask_secrets(
            text,
            Some(
                "PassWord: other
api-token=s3cret
",
            ),
        );
        assert!(
            marked.contains(
                "PassWord: ******** (new)
"
            ) && marked.contains(
                "api-token=********
"
            )
        );
    }

    #[test]
    fn secrets_in_inline_tables_become_stars() {
        for (text, shown) in [
            ("auth = \"s3cret\"", "auth = ********"),
            ("author = \"x\"", "author = \"x\""),
            (
                "internal = { username = \"a\", password = \"s3cret\" }",
                "internal = { username = \"a\", password = ********",
            ),
            ("a.b = {\"auth\"=\"s3cret\"}", "a.b = {\"auth\"=********"),
            ("url = http://h:80/x # ours", "url = http://h:80/x # ours"),
        ] {
            assert_eq!(mask_secrets(text, None), shown);
        }
    }

    #[test]
    fn a_password_with_a_slash_or_an_at_is_masked_too() {
        assert_eq!(mask_urls("http://u:p@ss@h/"), "http://u:********@h/");
        assert_eq!(mask_urls("no url: a@b"), "no url: a@b");
    }
}
