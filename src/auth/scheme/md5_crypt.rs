//! The MD5 password scheme of FreeBSD and old Linux systems (`$1$`) and Apache's variant of it (`$apr1$`), which no
//! maintained crate offers. They differ in the mark that is hashed along.

use md5::{Digest as _, Md5};

use super::{Scheme, crypt64};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    /// Apache's.
    Apr1,
    /// The one of crypt.
    Md5Crypt,
}

impl Variant {
    /// What a stored text begins with.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Apr1 => "$apr1$",
            Self::Md5Crypt => "$1$",
        }
    }

    /// The scheme that it is.
    pub(super) fn scheme(self) -> Scheme {
        match self {
            Self::Apr1 => Scheme::Apr1,
            Self::Md5Crypt => Scheme::Md5Crypt,
        }
    }
}

/// Rounds of stretching; the scheme fixes them.
const ROUNDS: usize = 1_000;

/// The 22 characters that follow the salt. `salt` is at most 8 bytes long.
pub(super) fn digest(variant: Variant, password: &[u8], salt: &[u8]) -> [u8; 22] {
    let mut state = first_digest(variant, password, salt);
    for round in 0..ROUNDS {
        let mut hasher = Md5::new();
        let odd = round % 2 == 1;
        hasher.update(if odd { password } else { &state[..] });
        if round % 3 != 0 {
            hasher.update(salt);
        }
        if round % 7 != 0 {
            hasher.update(password);
        }
        hasher.update(if odd { &state[..] } else { password });
        state = hasher.finalize().into();
    }
    encode(&state)
}

fn first_digest(variant: Variant, password: &[u8], salt: &[u8]) -> [u8; 16] {
    let inner: [u8; 16] = Md5::new()
        .chain_update(password)
        .chain_update(salt)
        .chain_update(password)
        .finalize()
        .into();
    let mut hasher = Md5::new()
        .chain_update(password)
        .chain_update(variant.prefix())
        .chain_update(salt);
    let mut left = password.len();
    while left > 0 {
        let taken = left.min(inner.len());
        hasher.update(&inner[..taken]);
        left -= taken;
    }
    // One byte for each binary digit of the length: a NUL for 1, the password's first byte for 0.
    let mut length = password.len();
    while length > 0 {
        let byte = if length & 1 == 1 { 0 } else { password[0] };
        hasher.update([byte]);
        length >>= 1;
    }
    hasher.finalize().into()
}

/// The scheme's own order of bytes in its own base64.
fn encode(state: &[u8; 16]) -> [u8; 22] {
    const GROUPS: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
    let mut text = [0; 22];
    for (group, out) in GROUPS.iter().zip(text.chunks_exact_mut(4)) {
        let bits = group.iter().fold(0, |bits, &at| bits << 8 | u64::from(state[at]));
        put(out, bits);
    }
    put(&mut text[20..], u64::from(state[11]));
    text
}

/// Least significant six bits first.
fn put(out: &mut [u8], mut bits: u64) {
    for byte in out {
        *byte = crypt64::digit(bits);
        bits >>= 6;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // `openssl passwd -apr1 -salt SALT PASSWORD`, and with -1.
        let cases = [
            (Variant::Apr1, "myPassword", "r31.....", "HqJZimcKQFAMYayBlzkrA/"),
            (Variant::Apr1, "", "xxxxxxxx", "AL/DOdqyMUurcg0cPNW/P1"),
            (Variant::Md5Crypt, "password", "salt", "qJH7.N4xYta3aEG/dfqo/0"),
        ];
        for (variant, password, salt, expected) in cases {
            let digest = digest(variant, password.as_bytes(), salt.as_bytes());
            assert_eq!(std::str::from_utf8(&digest).unwrap(), expected);
        }
    }
}
