//! Changes to `~/.netrc`, word by word: everything that isn't asked for stays byte for byte.

use std::ops::Range;

use super::netrc::{Entry, Netrc, NetrcError};
use crate::auth::Secret;

/// What stands for a secret.
const STARS: &str = "********";

/// A user and password for a host.
#[derive(Debug, Clone, Copy)]
pub struct HostLogin<'a> {
    /// The host, without a port: the file knows none.
    pub host: &'a str,
    /// The user.
    pub username: &'a str,
    /// The password.
    pub password: &'a Secret,
    /// The user whose place this one takes, if there was another.
    pub former_username: Option<&'a str>,
}

/// Why a `.netrc` can't be changed. It holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetrcEditError {
    /// It makes no sense.
    #[error(transparent)]
    Malformed(#[from] NetrcError),
    /// The host is there, with another user, who may be needed elsewhere.
    #[error("line {line}: there is a login for `{host}` already, of the user `{username}`")]
    OtherUser {
        /// Where its entry begins, from 1.
        line: usize,
        /// The host.
        host: String,
        /// The user that it has.
        username: String,
    },
    /// Programs differ in which of two entries counts.
    #[error("line {line}: `{host}` was there before")]
    Twice {
        /// Where the second entry begins, from 1.
        line: usize,
        /// The host.
        host: String,
    },
    /// The new text would mean something else than was asked for.
    #[error("it can't be changed without changing more than was asked for")]
    Entangled,
}

impl Netrc {
    /// Writes a login into the text of a `.netrc`: in the place of the same host's, or as a new entry.
    ///
    /// # Errors
    /// The text can't be read, has another user for that host, or has the host twice.
    pub fn with_login(text: &str, login: &HostLogin<'_>) -> Result<String, NetrcEditError> {
        let netrc = Self::parse(text)?;
        let changed = match of_host(text, &netrc, login.host)? {
            Some(entry) => replaced(text, entry, login)?,
            None => inserted(text, &netrc, login),
        };
        let done = Self::parse(&changed)?;
        let is_done = done.entries().iter().any(|entry| {
            entry.is_for(login.host)
                && entry.login.as_deref() == Some(login.username)
                && holds(entry, login.password)
        });
        if !is_done || others(&done, login.host) != others(&netrc, login.host) {
            return Err(NetrcEditError::Entangled);
        }
        Ok(changed)
    }

    /// Takes a host's login out of the text, if it is that user's with that password (any, when it is `None`): what
    /// [`Netrc::with_login`] wrote, and no more.
    ///
    /// # Errors
    /// The text can't be read, or has the host twice.
    pub fn without_login(
        text: &str,
        host: &str,
        username: &str,
        password: Option<&Secret>,
    ) -> Result<String, NetrcEditError> {
        let netrc = Self::parse(text)?;
        let Some(entry) = of_host(text, &netrc, host)? else {
            return Ok(text.to_owned());
        };
        let is_that_password = password.is_none_or(|password| holds(entry, password));
        if entry.login.as_deref() != Some(username) || !is_that_password {
            return Ok(text.to_owned());
        }
        let changed = without(text, &entry.place.whole);
        let done = Self::parse(&changed)?;
        if others(&done, host) != others(&netrc, host) {
            return Err(NetrcEditError::Entangled);
        }
        Ok(changed)
    }

    /// The text with stars for its passwords; those that don't stand in `before` are marked. Nothing at all of a text
    /// that can't be read.
    #[must_use]
    pub fn masked(text: &str, before: Option<&str>) -> String {
        let Ok(netrc) = Self::parse(text) else {
            return STARS.to_owned();
        };
        let former = before.and_then(|before| Self::parse(before).ok());
        let mut masked = text.to_owned();
        for entry in netrc.entries().iter().rev() {
            let (Some(place), Some(password)) = (&entry.place.password, &entry.password) else {
                continue;
            };
            let is_new = former.as_ref().is_some_and(|former| {
                let mut same = former.entries().iter().filter(|other| is_same_host(other, entry));
                same.next().is_some_and(|other| !holds(other, password))
            });
            masked.replace_range(place.clone(), STARS);
            if is_new {
                masked.insert_str(place.start + STARS.len(), " (new)");
            }
        }
        masked
    }
}

fn is_same_host(one: &Entry, other: &Entry) -> bool {
    one.host() == other.host()
}

fn holds(entry: &Entry, password: &Secret) -> bool {
    entry
        .password
        .as_ref()
        .is_some_and(|found| found.matches(password))
}

fn of_host<'a>(text: &str, netrc: &'a Netrc, host: &str) -> Result<Option<&'a Entry>, NetrcEditError> {
    let mut entries = netrc.entries().iter().filter(|entry| entry.is_for(host));
    let first = entries.next();
    match entries.next() {
        Some(second) => Err(NetrcEditError::Twice {
            line: line_at(text, second.place.whole.start),
            host: host.to_owned(),
        }),
        None => Ok(first),
    }
}

/// What the entries of other hosts say.
fn others(netrc: &Netrc, host: &str) -> Vec<(Option<String>, Option<String>, Option<String>)> {
    let others = netrc.entries().iter().filter(|entry| !entry.is_for(host));
    let text = |secret: &Secret| secret.expose().to_owned();
    others
        .map(|entry| {
            let host = entry.host().map(str::to_owned);
            (host, entry.login.clone(), entry.password.as_ref().map(text))
        })
        .collect()
}

fn replaced(text: &str, entry: &Entry, login: &HostLogin<'_>) -> Result<String, NetrcEditError> {
    let found = entry.login.as_deref();
    let is_expected = found.is_none_or(|found| {
        found == login.username || login.former_username.is_some_and(|former| former == found)
    });
    if !is_expected {
        return Err(NetrcEditError::OtherUser {
            line: line_at(text, entry.place.whole.start),
            host: login.host.to_owned(),
            username: found.unwrap_or_default().to_owned(),
        });
    }
    let mut changed = text.to_owned();
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let host_end = entry.place.host.end;
    match &entry.place.login {
        Some(_) if found == Some(login.username) => {}
        Some(place) => edits.push((place.clone(), word(login.username))),
        None => edits.push((host_end..host_end, format!(" login {}", word(login.username)))),
    }
    match &entry.place.password {
        Some(_) if holds(entry, login.password) => {}
        Some(place) => edits.push((place.clone(), word(login.password.expose()))),
        None => {
            let end = entry.place.login.as_ref().map_or(host_end, |place| place.end);
            let password = format!(" password {}", word(login.password.expose()));
            edits.push((end..end, password));
        }
    }
    // From the end, and of two at one place the later one first.
    edits.sort_by_key(|(place, _)| place.start);
    for (place, replacement) in edits.into_iter().rev() {
        changed.replace_range(place, &replacement);
    }
    Ok(changed)
}

/// The entry goes before the `default` one, behind which nothing counts, else to the end.
fn inserted(text: &str, netrc: &Netrc, login: &HostLogin<'_>) -> String {
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let entry = format!(
        "machine {}{line_end}    login {}{line_end}    password {}{line_end}",
        word(login.host),
        word(login.username),
        word(login.password.expose())
    );
    let default = netrc.entries().iter().find(|entry| entry.is_default());
    let mut changed = text.to_owned();
    if let Some(default) = default {
        let start = default.place.whole.start;
        let begins_line = text[..start].is_empty() || text[..start].ends_with('\n');
        let above = if begins_line { "" } else { line_end };
        changed.insert_str(start, &format!("{above}{entry}"));
        return changed;
    }
    if !changed.is_empty() && !changed.ends_with('\n') {
        changed.push_str(line_end);
    }
    // A macro ends with a blank line, and takes in what follows it otherwise.
    let ends_with_macro = !changed.is_empty()
        && !Netrc::parse(&format!("{changed}machine x\n"))
            .is_ok_and(|after| after.entries().len() > netrc.entries().len());
    if ends_with_macro {
        changed.push('\n');
    }
    changed.push_str(&entry);
    changed
}

/// The text without a part of it, and without the lines that are blank then.
fn without(text: &str, part: &Range<usize>) -> String {
    let line_start = text[..part.start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[part.end..]
        .find('\n')
        .map_or(text.len(), |at| part.end + at + 1);
    let is_alone_before = text[line_start..part.start].trim().is_empty();
    let is_alone_after = text[part.end..line_end].trim().is_empty();
    let (start, end) = match (is_alone_before, is_alone_after) {
        (true, true) => (line_start, line_end),
        (false, true) => (text[..part.start].trim_end_matches([' ', '\t']).len(), part.end),
        (_, false) => {
            let rest = &text[part.end..];
            (
                part.start,
                part.end + rest.len() - rest.trim_start_matches([' ', '\t']).len(),
            )
        }
    };
    format!("{}{}", &text[..start], &text[end..])
}

/// A word as the file has it, in quotes where it must be.
fn word(text: &str) -> String {
    let is_plain = !text.is_empty()
        && !text.starts_with('#')
        && !text.contains(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '\\'));
    if is_plain {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn line_at(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use proptest::prelude::*;

    use super::super::ini_edit::tests::samples;
    use super::*;

    fn with(
        text: &str,
        username: &str,
        password: &str,
        former: Option<&str>,
    ) -> Result<String, NetrcEditError> {
        Netrc::with_login(
            text,
            &HostLogin {
                host: "index.example",
                username,
                password: &Secret::new(password),
                former_username: former,
            },
        )
    }

    fn without_alice(text: &str) -> String {
        let password = Secret::new("s3cret");
        Netrc::without_login(text, "index.example", "alice", Some(&password)).unwrap()
    }

    const ALICE: &str = "machine index.example\n    login alice\n    password s3cret\n";

    #[test]
    fn a_login_is_added_behind_what_is_there_and_before_the_default_one() {
        let macdef = "machine a login b password c\nmacdef init\n  cd /tmp\n";
        for (text, expected) in [
            ("", ALICE.to_owned()),
            ("# mine", format!("# mine\n{ALICE}")),
            ("machine a login b", format!("machine a login b\n{ALICE}")),
            (macdef, format!("{macdef}\n{ALICE}")),
            (
                "machine a login b\ndefault login x password y\n",
                format!("machine a login b\n{ALICE}default login x password y\n"),
            ),
        ] {
            let added = with(text, "alice", "s3cret", None).unwrap();
            assert_eq!(added, expected);
            assert_eq!(with(&added, "alice", "s3cret", None).unwrap(), added);
            if text.is_empty() || text.ends_with('\n') && text != macdef {
                assert_eq!(without_alice(&added), text);
            }
        }
    }

    #[test]
    fn a_login_of_the_same_host_is_changed_in_its_place() {
        let text = "# one\r\nmachine other login o password p # kept\r\nmachine Index.Example login alice password \
                    \"old one\" # mine\r\nmachine z login z password z\r\n";
        let expected = text.replace("\"old one\"", "new");
        assert_eq!(with(text, "alice", "new", None).unwrap(), expected);
        assert_eq!(
            with(text, "bob", "new", Some("alice")).unwrap(),
            expected.replace("alice", "bob")
        );
        let error = with(text, "bob", "hunter2", None).unwrap_err();
        assert!(
            matches!(error, NetrcEditError::OtherUser { line: 3, .. }),
            "{error:?}"
        );
        assert!(!format!("{error} {error:?}").contains("old one"));
        assert_eq!(
            with("machine index.example\n", "alice", "s3cret", None).unwrap(),
            "machine index.example login alice password s3cret\n"
        );
        let twice = format!("{ALICE}{ALICE}");
        assert!(matches!(
            with(&twice, "alice", "x", None),
            Err(NetrcEditError::Twice { line: 4, .. })
        ));
    }

    #[test]
    fn only_the_same_login_is_taken_out_and_comments_stay() {
        let text = "machine a login b\n  machine index.example login alice password s3cret # mine\ndefault login c\n";
        assert_eq!(
            without_alice(text),
            "machine a login b\n  # mine\ndefault login c\n"
        );
        let one_line =
            "machine a login b machine index.example login alice password s3cret machine c login d\n";
        assert_eq!(without_alice(one_line), "machine a login b machine c login d\n");
        for other in [
            "machine index.example login bob password s3cret\n",
            "machine index.example login alice password other\n",
            "default login alice password s3cret\n",
        ] {
            assert_eq!(without_alice(other), other);
        }
    }

    #[test]
    fn passwords_are_masked_in_any_form() {
        let before = "machine a login b password old\nmachine c\n password \"x y\"\n";
        let after = "machine a login b password new\nmachine c\n password \"x y\"\n";
        assert_eq!(
            Netrc::masked(after, Some(before)),
            "machine a login b password ******** (new)\nmachine c\n password ********\n"
        );
        assert_eq!(Netrc::masked("password", None), "********");
    }

    fn netrc_text() -> impl Strategy<Value = String> {
        let entry = prop_oneof![
            4 => "(machine [a-c]{1,2}|machine \"a b\")( |\n  )login [a-z]{1,3}( |\n\t)password [a-z0-9@:%]{1,6}\n",
            1 => "# [a-z ]{0,9}\n",
            1 => "\n",
            1 => "machine index.example login alice password (s3cret|old)\n",
            1 => "macdef m\n run [a-z]\n\n",
        ];
        (proptest::collection::vec(entry, 0..5), any::<bool>()).prop_map(|(entries, has_default)| {
            let default = if has_default {
                "default login d password e\n"
            } else {
                ""
            };
            entries.concat() + default
        })
    }

    /// What Python's `netrc` makes of each file: logins by host, or nothing where it refuses it.
    fn read_by_python(texts: &[String]) -> Option<Vec<Option<serde_json::Value>>> {
        const READER: &str = r"
import json, netrc, os, sys, tempfile
def read(text):
    with tempfile.NamedTemporaryFile('w', suffix='netrc', delete=False, newline='') as file:
        file.write(text)
    try:
        return netrc.netrc(file.name).hosts
    except netrc.NetrcParseError:
        return None
    finally:
        os.unlink(file.name)
print(json.dumps([read(text) for text in json.load(sys.stdin)]))
";
        let mut child = Command::new("python3")
            .args(["-c", READER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        serde_json::to_writer(child.stdin.take().unwrap(), texts).unwrap();
        let output = child.wait_with_output().unwrap();
        Some(serde_json::from_slice(&output.stdout).unwrap())
    }

    #[test]
    fn python_finds_the_new_login_and_all_others_as_before() {
        let passwords = ["s3cret", "with space", "#hash", "q\"uo\\te", "100%:@/"];
        let texts = samples(&netrc_text(), 400);
        let edited: Vec<(String, String, &str)> = texts
            .into_iter()
            .zip(passwords.into_iter().cycle())
            .filter_map(|(text, password)| Some((with(&text, "alice", password, None).ok()?, text, password)))
            .collect();
        assert!(edited.len() > 250, "{}", edited.len());
        let all: Vec<String> = edited
            .iter()
            .flat_map(|(after, before, _)| [after.clone(), before.clone()])
            .collect();
        let Some(read) = read_by_python(&all) else {
            eprintln!("skipped: there is no python3");
            return;
        };
        for (pair, (after, before, password)) in read.chunks(2).zip(&edited) {
            let Some(mut expected) = pair[1].clone() else {
                continue;
            };
            expected["index.example"] = serde_json::json!(["alice", "", password]);
            assert_eq!(pair[0], Some(expected), "{before:?} became {after:?}");
        }
    }

    proptest! {
        #[test]
        fn adding_is_idempotent_and_reversible(text in netrc_text()) {
            if let Ok(once) = with(&text, "alice", "s3cret", None) {
                prop_assert_eq!(&with(&once, "alice", "s3cret", None).unwrap(), &once);
                if !text.contains("index.example") {
                    prop_assert_eq!(without_alice(&once), text);
                }
            }
        }
    }
}
