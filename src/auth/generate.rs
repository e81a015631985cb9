//! Passwords that nobody thought of.

use super::credentials::Secret;

/// Letters and digits without those that look alike (`0O`, `1lI`), so that a password can be read aloud and typed. No
/// character means anything to a shell, a URL or an INI file.
const ALPHABET: &[u8; 57] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// 24 characters of 57 are 139 bits: more than anybody can try.
const LENGTH: usize = 24;

/// Draws a password from the system's randomness.
///
/// # Errors
/// The system gives none.
pub fn password() -> Result<Secret, std::io::Error> {
    let mut text = zeroize::Zeroizing::new(String::with_capacity(LENGTH));
    let mut drawn = zeroize::Zeroizing::new([0_u8; 2 * LENGTH]);
    while text.len() < LENGTH {
        getrandom::fill(&mut *drawn).map_err(|error| std::io::Error::other(error.to_string()))?;
        // Bytes beyond the last whole multiple would make some characters likelier than others.
        let fair = drawn
            .iter()
            .filter(|byte| usize::from(**byte) < 4 * ALPHABET.len());
        let characters = fair.map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
        for character in characters.take(LENGTH - text.len()) {
            text.push(character);
        }
    }
    Ok(Secret::new(text.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{HashMap, HashSet};

    #[test]
    fn passwords_differ_and_every_character_is_as_likely_as_any_other() {
        let passwords: HashSet<String> = (0..2_000)
            .map(|_| password().unwrap().expose().to_owned())
            .collect();
        assert_eq!(passwords.len(), 2_000);
        let mut counts: HashMap<char, usize> = HashMap::new();
        for password in &passwords {
            assert_eq!(password.len(), LENGTH);
            password
                .chars()
                .for_each(|character| *counts.entry(character).or_default() += 1);
        }
        assert_eq!(counts.len(), ALPHABET.len());
        // 842 are expected of each; one that is twice as likely, or never comes, is far outside.
        assert!(
            counts.values().all(|count| (650..1_050).contains(count)),
            "{counts:?}"
        );
        assert!(!counts.keys().any(|character| "0O1lI".contains(*character)));
    }
}
