//! Secrets in what other programs print become stars: it goes to logs, and to screens that others see.

use std::borrow::Cow;

use memchr::memmem;
use percent_encoding::percent_decode_str;

use super::Environment;

const STARS: &[u8] = b"********";
/// Shorter values stand in too many innocent words.
const MIN_SECRET_BYTES: usize = 6;
/// Words in the names of variables whose values are secret.
const SECRET_WORDS: [&str; 5] = ["PASSWORD", "PASSWD", "TOKEN", "SECRET", "API_KEY"];

/// Knows the secrets of the environment and of the addresses that it is told about.
#[derive(Clone, Default)]
pub struct OutputMask {
    /// The longest first, since one may hold another.
    secrets: Vec<Vec<u8>>,
}

/// The number of secrets is all that anybody may see.
impl std::fmt::Debug for OutputMask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OutputMask({})", self.secrets.len())
    }
}

impl OutputMask {
    /// Learns from the variables: the values of those whose names speak of secrets, and the passwords in addresses;
    /// and from `addresses`, such as those of indexes.
    #[must_use]
    pub fn new<'a>(environment: &'a Environment, addresses: impl Iterator<Item = &'a str>) -> Self {
        let mut mask = Self::default();
        for (name, value) in environment.variables() {
            let name = name.to_string_lossy().to_uppercase();
            let names_a_place = ["_DIR", "_FILE", "_PATH", "_URL"]
                .iter()
                .any(|end| name.ends_with(end));
            if !names_a_place && SECRET_WORDS.iter().any(|word| name.contains(word)) {
                mask.add(value.as_encoded_bytes());
            }
            mask.add_passwords(&value.to_string_lossy());
        }
        for address in addresses {
            mask.add_passwords(address);
        }
        mask.secrets
            .sort_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
        mask.secrets.dedup();
        mask
    }

    fn add_passwords(&mut self, text: &str) {
        for (start, end) in logins(text.as_bytes()) {
            let login = &text[start..end];
            let secret = login.split_once(':').map_or(login, |(_, password)| password);
            self.add(secret.as_bytes());
            self.add(&Cow::from(percent_decode_str(secret)));
        }
    }

    fn add(&mut self, secret: &[u8]) {
        if secret.len() >= MIN_SECRET_BYTES {
            self.secrets.push(secret.to_vec());
        }
    }

    /// The text with stars for each known secret and for the password of each address; it need not be UTF-8.
    #[must_use]
    pub fn apply<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let mut masked = Cow::Borrowed(text);
        for secret in &self.secrets {
            if memmem::find(&masked, secret).is_some() {
                masked = Cow::Owned(replaced(&masked, secret));
            }
        }
        if memmem::find(&masked, b"://").is_some() && masked.contains(&b'@') {
            masked = Cow::Owned(without_logins(&masked));
        }
        masked
    }

    /// The same for text.
    #[must_use]
    pub fn apply_to_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.apply(text.as_bytes())).into_owned()
    }
}

fn replaced(text: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(text.len());
    let mut from = 0;
    for at in memmem::find_iter(text, secret) {
        masked.extend_from_slice(&text[from..at]);
        masked.extend_from_slice(STARS);
        from = at + secret.len();
    }
    masked.extend_from_slice(&text[from..]);
    masked
}

/// `https://user:password@host` with the password as stars; a user alone may be a token.
fn without_logins(text: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(text.len());
    let mut from = 0;
    for (start, end) in logins(text) {
        let secret = memchr::memchr(b':', &text[start..end]).map_or(start, |colon| start + colon + 1);
        masked.extend_from_slice(&text[from..secret]);
        masked.extend_from_slice(STARS);
        from = end;
    }
    masked.extend_from_slice(&text[from..]);
    masked
}

/// Where the logins of addresses begin and end: between `://` and the last `@` before the path.
fn logins(text: &[u8]) -> Vec<(usize, usize)> {
    let ends_authority = |byte: &u8| byte.is_ascii_whitespace() || b"/\"'<>?#`".contains(byte);
    memmem::find_iter(text, b"://")
        .filter_map(|at| {
            let start = at + 3;
            let rest = &text[start..];
            let length = rest.iter().position(ends_authority).unwrap_or(rest.len());
            let at_sign = memchr::memrchr(b'@', &rest[..length])?;
            (at_sign > 0).then_some((start, start + at_sign))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn mask() -> OutputMask {
        let environment = Environment::for_testing(
            Path::new("/home/x"),
            &[
                ("PIP_INDEX_URL", "https://alice:p%40ssw0rd@index.internal/simple/"),
                ("DEPLOY_TOKEN", "tok-123456"),
                ("SHORT_TOKEN", "yes"),
            ],
        );
        OutputMask::new(&environment, std::iter::once("http://bob:from-file@h/"))
    }

    #[test]
    fn secrets_become_stars_wherever_they_stand() {
        for (text, shown) in [
            (
                "Looking in https://alice:p%40ssw0rd@index.internal/simple/, x",
                "Looking in https://alice:********@index.internal/simple/, x",
            ),
            ("decoded p@ssw0rd and from-file", "decoded ******** and ********"),
            ("{'T': 'tok-123456'}", "{'T': '********'}"),
            (
                "https://other:word@h https://tok@h/x@y",
                "https://other:********@h https://********@h/x@y",
            ),
            (
                "yes, mail me@example.org about http://h/a@b",
                "yes, mail me@example.org about http://h/a@b",
            ),
        ] {
            assert_eq!(mask().apply_to_text(text), shown);
        }
    }

    #[test]
    fn what_is_no_text_stays_as_it_is() {
        let bytes = b"caf\xe9 \xff http://a:secret\xe9@h/ \n";
        assert_eq!(&*mask().apply(bytes), b"caf\xe9 \xff http://a:********@h/ \n");
    }

    #[test]
    fn nobody_reads_the_secrets_from_a_debug_line() {
        let shown = format!("{:?}", mask());
        assert!(
            shown.starts_with("OutputMask(") && !shown.contains("ssw0rd"),
            "{shown}"
        );
    }
}
