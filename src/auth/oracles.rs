//! What must hold of password files and credentials for any bytes. Fuzz targets (`tests/fuzz/`) and ordinary tests
//! ask these.

use super::credentials::{Basic, Secret, Username};
use super::htpasswd::{Change, PasswordFile, list, remove_user, set_password};
use super::scheme::Limits;

/// A stored password that the bytes under test hardly hold.
const NEW_PASSWORD: &str = "$2y$04$gflmNlmOMGUjKXoSVt5xPuVOXMfm3EOlqWLfT6x8kTTnqIjNrgAvm";

/// Lines of a password file: changes to one user change no other, and what was added can be taken away.
pub fn htpasswd(bytes: &[u8]) {
    let listing = list(bytes);
    let lines = bytes.split(|&byte| byte == b'\n').count();
    assert!(listing.users.len() + listing.malformed.len() <= lines);
    let mut users: Vec<Username> = listing.users.iter().map(|listed| listed.user.clone()).collect();
    users.truncate(3);
    users.extend("zoë".parse().ok());
    for user in &users {
        change_one(bytes, user);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        read_in_two_ways(text);
    }
}

fn change_one(bytes: &[u8], user: &Username) {
    let (edited, change) = set_password(bytes, user, NEW_PASSWORD);
    let before = list(bytes);
    let after = list(&edited);
    let was_there = before.find(user).is_some();
    assert!(after.find(user).is_some(), "{user} is not there after all");
    if change == Change::Added {
        assert!(!was_there, "{user} was there and got a second line");
    }
    for listed in before.users.iter().filter(|listed| listed.user != *user) {
        let other = after.find(&listed.user).map(|other| other.stored.is_ok());
        assert_eq!(other, Some(listed.stored.is_ok()), "{} changed", listed.user);
    }
    // Malformed lines of the user's own may be mended by the new password.
    assert!(
        after.malformed.len() <= before.malformed.len(),
        "lines were harmed"
    );
    assert_eq!(
        set_password(&edited, user, NEW_PASSWORD).0,
        edited,
        "not the same twice"
    );

    let removed = remove_user(&edited, user);
    let removed = removed.as_deref().unwrap_or(&edited);
    assert!(list(removed).find(user).is_none(), "{user} is still there");
    if change == Change::Added {
        let kept = removed.strip_prefix(bytes);
        assert!(
            matches!(kept, Some(b"" | b"\n" | b"\r\n")),
            "other bytes than the line went"
        );
    }
}

/// The strict reader lets in nobody whom the listing does not know.
fn read_in_two_ways(text: &str) {
    let limits = Limits::default();
    let listing = list(text.as_bytes());
    let Ok(file) = PasswordFile::parse(text, &limits) else {
        return;
    };
    assert!(listing.malformed.is_empty(), "one reader found a malformed line");
    assert!(file.user_count() <= listing.users.len());
    for listed in &listing.users {
        let stored = file.password_of(&listed.user);
        let may_enter = listed.stored.as_ref().is_ok_and(|hash| !hash.scheme().is_weak());
        assert_eq!(stored.is_some(), may_enter, "{}", listed.user);
        // Nobody's password is the text of its own hash.
        if let Some(stored) = stored {
            assert!(!stored.scheme().is_weak());
        }
    }
}

/// An `Authorization` header: what is read is written and read again alike.
pub fn authorization(bytes: &[u8]) {
    let Ok(basic) = Basic::from_header(bytes) else {
        return;
    };
    let written: Secret = basic.to_header();
    let again = Basic::from_header(written.expose().as_bytes());
    assert!(
        again.is_ok_and(|again| again.username == basic.username && again.password.matches(&basic.password))
    );
    let name = basic.username.as_str();
    assert!(!name.contains(':') && !name.chars().any(char::is_control));
}
