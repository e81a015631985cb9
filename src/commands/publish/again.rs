//! The command that goes on where a failed one has stopped: the same words, fit for a shell, without secrets.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::arguments::Arguments;
use crate::client::{self, UploadError};

/// What a user who has mended the cause would do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Send what is left; what is there already is passed over.
    GoOn,
    /// Send everything once more.
    Repeat,
    /// Look which files are there.
    Look,
    /// Send everything to the address that the index points to.
    Elsewhere(String),
    /// Build another version, and send that.
    Rebuild,
}

impl Next {
    /// What to do after a failure of the upload; `None` where no command of this program is the answer.
    pub(super) fn after(error: &client::Error, is_something_public: bool) -> Option<Self> {
        match error {
            client::Error::NotListed { .. } => Some(Self::Look),
            client::Error::Upload { source, .. } => match **source {
                UploadError::OtherContent { .. } => Some(Self::Rebuild),
                UploadError::RedirectElsewhere { ref to, .. } => Some(Self::Elsewhere(to.clone())),
                UploadError::Unconfirmed { .. } => Some(Self::GoOn),
                _ => Some(Self::or_repeat(is_something_public)),
            },
            _ => None,
        }
    }

    /// Goes on where something is public, else begins anew.
    pub(super) fn or_repeat(is_something_public: bool) -> Self {
        if is_something_public {
            Self::GoOn
        } else {
            Self::Repeat
        }
    }
}

impl Arguments {
    /// The command to type. A password that was on the command line is not in it.
    pub(super) fn command(&self, next: &Next) -> String {
        let verb = match next {
            Next::Rebuild => "pkgctl build && pkgctl publish",
            _ => "pkgctl publish",
        };
        let mut line = Line(verb.to_owned());
        line.flag("--dry-run", *next == Next::Look);
        line.flag("--skip-existing", self.skip_existing || *next == Next::GoOn);
        if let Next::Elsewhere(url) = next {
            line.option("--repository-url", Some(url));
        } else {
            line.option("--repository", self.repository.as_deref());
            let url = self.repository_url.as_deref().map(without_login);
            line.option("--repository-url", url);
        }
        line.option("--username", self.username.as_deref());
        line.flag("--password-stdin", self.password_stdin);
        line.option("--config-file", self.config_file.as_deref());
        line.option("--check-url", self.check_url.as_deref().map(without_login));
        line.flag("--no-verify", self.no_verify);
        line.option("--jobs", (self.jobs.get() != 4).then(|| self.jobs.to_string()));
        line.flag("--sign", self.sign);
        let signs_otherwise = self.sign_with != Path::new("gpg");
        line.option("--sign-with", signs_otherwise.then_some(&self.sign_with));
        line.option("--identity", self.identity.as_deref());
        line.flag("--attestations", self.attestations);
        line.option("--comment", self.comment.as_deref());
        line.flag("--non-interactive", self.non_interactive);
        line.option("--cert", self.cert.as_deref());
        line.option("--client-cert", self.client_cert.as_deref());
        let is_usual = self.retry_delay == Duration::from_millis(500);
        line.option(
            "--retry-delay",
            (!is_usual).then(|| self.retry_delay.as_secs_f64().to_string()),
        );
        line.flag("--json", self.json);
        line.flag("--disable-progress-bar", self.disable_progress_bar);
        line.flag("--verbose", self.verbose);
        // Files of another version have other names.
        let keeps = |file: &&PathBuf| *next != Next::Rebuild || file.is_dir();
        let files: Vec<&PathBuf> = self.files.iter().filter(keeps).collect();
        if files.iter().any(|file| starts_with_dash(file)) {
            line.word("--");
        }
        for file in files {
            line.word(file);
        }
        line.0
    }
}

fn starts_with_dash(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().starts_with(b"-")
}

/// An address without user and password. What is no address is left out altogether: who knows what is in it.
fn without_login(text: &str) -> String {
    let parsed = text.parse::<Url>().ok();
    let Some(mut url) = parsed.filter(|url| matches!(url.scheme(), "http" | "https")) else {
        return "URL".to_owned();
    };
    if url.username().is_empty() && url.password().is_none() {
        return text.to_owned();
    }
    // Both can fail only for addresses without a host, which have neither.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

/// A command line that grows.
struct Line(String);

impl Line {
    fn word(&mut self, word: impl AsRef<OsStr>) {
        self.0.push(' ');
        self.0.push_str(&quoted(&word.as_ref().to_string_lossy()));
    }

    fn flag(&mut self, name: &str, is_set: bool) {
        if is_set {
            self.word(name);
        }
    }

    fn option(&mut self, name: &str, value: Option<impl AsRef<OsStr>>) {
        let Some(value) = value else { return };
        if value.as_ref().as_encoded_bytes().starts_with(b"-") {
            let joined = format!("{name}={}", value.as_ref().to_string_lossy());
            return self.word(joined);
        }
        self.word(name);
        self.word(value);
    }
}

/// A word as a shell takes it for one, and as it means nothing to a terminal.
fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return Cow::Borrowed(word);
    }
    if word.chars().any(char::is_control) {
        let escaped: String = word.chars().map(escaped).collect();
        return Cow::Owned(format!("$'{escaped}'"));
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

/// A character within `$'...'`.
fn escaped(c: char) -> String {
    match c {
        '\\' | '\'' => format!("\\{c}"),
        c if c.is_control() => c
            .to_string()
            .bytes()
            .map(|byte| format!("\\x{byte:02x}"))
            .collect(),
        c => c.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn command(next: Next, words: &[&str]) -> String {
        let words = [&["publish"], words].concat();
        Cli::parse_from(words).arguments.command(&next)
    }

    #[test]
    fn the_same_words_come_again_without_secrets() {
        assert_eq!(command(Next::Repeat, &[]), "pkgctl publish");
        assert_eq!(
            command(
                Next::GoOn,
                &[
                    "-r",
                    "internal",
                    "-u",
                    "al ice",
                    "-p",
                    "geheim",
                    "dist/a b.whl",
                    "it's"
                ]
            ),
            "pkgctl publish --skip-existing --repository internal --username 'al ice' 'dist/a b.whl' 'it'\\''s'"
        );
        assert_eq!(
            command(
                Next::Look,
                &[
                    "--repository-url",
                    "https://bob:geheim@x.example/legacy/",
                    "--check-url",
                    "https://tok@x/s"
                ]
            ),
            "pkgctl publish --dry-run --repository-url https://x.example/legacy/ --check-url https://x/s"
        );
        assert_eq!(
            command(Next::GoOn, &["--skip-existing"]),
            "pkgctl publish --skip-existing"
        );
        assert_eq!(
            command(
                Next::Repeat,
                &["--comment=-x $(rm)", "--jobs", "8", "--", "-a.whl"]
            ),
            "pkgctl publish --jobs 8 '--comment=-x $(rm)' -- -a.whl"
        );
        assert_eq!(
            command(Next::Repeat, &["a\x1b[1m'"]),
            r"pkgctl publish $'a\x1b[1m\''"
        );
        assert_eq!(
            command(Next::Rebuild, &["-r", "internal", "dist/a-1.whl"]),
            "pkgctl build && pkgctl publish --repository internal"
        );
        let elsewhere = Next::Elsewhere("https://x.example/up/?a&b".to_owned());
        assert_eq!(
            command(elsewhere, &["-r", "internal", "-u", "al"]),
            "pkgctl publish --repository-url 'https://x.example/up/?a&b' --username al"
        );
        assert!(!command(Next::Repeat, &["--repository-url", "u:geheim@nowhere"]).contains("geheim"));
    }
}
