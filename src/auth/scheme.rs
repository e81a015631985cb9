//! One stored password: the schemes of password files, how each is read, checked and made.
//!
//! Everything here is pure computation and slow on purpose; callers on async threads move it to a blocking one.

use std::fmt;

use argon2::password_hash::PasswordVerifier as _;
use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD};
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::apr1;
use super::credentials::Secret;

/// The longest password that is checked, in bytes; longer ones are wrong whatever the file says.
pub const MAX_PASSWORD_BYTES: usize = 4096;

/// What bcrypt looks at, in bytes; it ignores the rest, which is why longer passwords are wrong.
pub const BCRYPT_MAX_BYTES: usize = 72;

/// bcrypt's alphabet. Generators exist that leave junk in the last character's spare bits, so those are ignored.
const BCRYPT_BASE64: GeneralPurpose =
    GeneralPurpose::new(&BCRYPT, NO_PAD.with_decode_allow_trailing_bits(true));

/// How costly a check may be, and what is taken at all.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The highest bcrypt cost that is checked; each step doubles the time (12 takes about a quarter of a second).
    pub max_bcrypt_cost: u8,
    /// The most rounds of `$5$` and `$6$`.
    pub max_sha_crypt_rounds: u32,
    /// The most memory of `$argon2id$`, in KiB.
    pub max_argon2_memory_kib: u32,
    /// The most passes of `$argon2id$` over its memory.
    pub max_argon2_passes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bcrypt_cost: 14,
            max_sha_crypt_rounds: 1_000_000,
            max_argon2_memory_kib: 256 * 1024,
            max_argon2_passes: 16,
        }
    }
}

/// The schemes that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `$2a$`, `$2b$`, `$2y$`.
    Bcrypt,
    /// `$apr1$`.
    Apr1,
    /// `$5$`.
    Sha256Crypt,
    /// `$6$`.
    Sha512Crypt,
    /// `$argon2id$`.
    Argon2id,
    /// `{SHA}`.
    Sha1,
    /// `{SSHA}`.
    SaltedSha1,
}

impl Scheme {
    /// Whether a stolen file gives its passwords away at the first try of a dictionary.
    #[must_use]
    pub fn is_outdated(self) -> bool {
        matches!(self, Self::Apr1 | Self::Sha1 | Self::SaltedSha1)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Bcrypt => "bcrypt",
            Self::Apr1 => "apr1",
            Self::Sha256Crypt => "sha256-crypt",
            Self::Sha512Crypt => "sha512-crypt",
            Self::Argon2id => "argon2id",
            Self::Sha1 => "SHA-1",
            Self::SaltedSha1 => "salted SHA-1",
        })
    }
}

/// Why the stored text of a user is no password that can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashProblem {
    /// The scheme is known, the rest of the text is not of its form.
    #[error("the {0} password is damaged")]
    Malformed(Scheme),
    /// One check would take longer than the limits allow.
    #[error("a check of this {0} password would cost more than is allowed")]
    TooCostly(Scheme),
    /// Thirteen characters of the old DES crypt, which looks at eight characters of the password.
    #[error("DES crypt passwords are too weak")]
    DesCrypt,
    /// The password itself, or something that looks like nothing else.
    #[error("passwords in plain text are refused")]
    PlainText,
    /// A scheme that is not read (`$1$`, `$y$`, ...).
    #[error("the password's scheme is not supported")]
    Unsupported,
}

/// A stored password, ready to be checked. Its `Debug` shows the scheme alone.
#[derive(Clone)]
pub struct PasswordHash {
    text: Box<str>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Bcrypt {
        cost: u8,
        salt: [u8; 16],
        digest: [u8; 23],
    },
    Apr1 {
        salt: Box<[u8]>,
        digest: [u8; 22],
    },
    ShaCrypt {
        scheme: Scheme,
        rounds: u32,
    },
    Argon2id {
        memory_kib: u32,
        passes: u32,
    },
    Sha1 {
        digest: [u8; 20],
        salt: Box<[u8]>,
        scheme: Scheme,
    },
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PasswordHash({})", self.scheme())
    }
}

impl PasswordHash {
    /// Reads the second field of a line of a password file.
    ///
    /// # Errors
    /// The text is of no scheme that is taken, damaged, or too costly to check.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, HashProblem> {
        let kind = parse_kind(text, limits)?;
        Ok(Self {
            text: text.into(),
            kind,
        })
    }

    /// The scheme it is of.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        match &self.kind {
            Kind::Bcrypt { .. } => Scheme::Bcrypt,
            Kind::Apr1 { .. } => Scheme::Apr1,
            Kind::Argon2id { .. } => Scheme::Argon2id,
            Kind::ShaCrypt { scheme, .. } | Kind::Sha1 { scheme, .. } => *scheme,
        }
    }

    /// The stored text, to tell one version of a user's line from the next.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Roughly how long one check takes on a server core of 2024, in microseconds; only its order matters.
    #[must_use]
    pub fn estimated_micros(&self) -> u64 {
        match &self.kind {
            Kind::Bcrypt { cost, .. } => 60 << cost,
            Kind::ShaCrypt { rounds, .. } => u64::from(*rounds) * 3 / 10,
            Kind::Argon2id { memory_kib, passes } => u64::from(*memory_kib) * u64::from(*passes) * 7 / 10,
            Kind::Apr1 { .. } => 500,
            Kind::Sha1 { .. } => 1,
        }
    }

    /// Whether `password` is the one that was stored. Takes as long for a wrong password as for the right one, also
    /// for one that can't be right because of its length.
    #[must_use]
    pub fn verify(&self, password: &[u8]) -> bool {
        let fits = password.len() <= MAX_PASSWORD_BYTES;
        let password = &password[..password.len().min(MAX_PASSWORD_BYTES)];
        let matches = match &self.kind {
            Kind::Bcrypt { cost, salt, digest } => verify_bcrypt(*cost, *salt, digest, password),
            Kind::Apr1 { salt, digest } => apr1::digest(password, salt).ct_eq(digest).into(),
            Kind::ShaCrypt { .. } => sha_crypt::ShaCrypt::default()
                .verify_password(password, &*self.text)
                .is_ok(),
            Kind::Argon2id { .. } => argon2::Argon2::default()
                .verify_password(password, &*self.text)
                .is_ok(),
            Kind::Sha1 { digest, salt, .. } => {
                let found: [u8; 20] = Sha1::new()
                    .chain_update(password)
                    .chain_update(salt)
                    .finalize()
                    .into();
                found.ct_eq(digest).into()
            }
        };
        matches && fits
    }
}

/// Makes a bcrypt line (`$2y$`, which every reader of password files knows) of cost 4 to 31.
///
/// # Errors
/// The password is longer than bcrypt's 72 bytes or holds a NUL, after which bcrypt would stop reading; or the
/// system gave no random bytes.
pub fn make_bcrypt(password: &Secret, cost: u8) -> Result<String, MakeError> {
    let bytes = password.expose().as_bytes();
    if bytes.len() > BCRYPT_MAX_BYTES {
        return Err(MakeError::TooLong { bytes: bytes.len() });
    }
    if bytes.contains(&0) {
        return Err(MakeError::Nul);
    }
    let parts = bcrypt::hash_with_result(bytes, u32::from(cost)).map_err(MakeError::Bcrypt)?;
    Ok(parts.format_for_version(bcrypt::Version::TwoY))
}

/// Makes a `{SHA}` line: one unsalted SHA-1, for readers that know nothing better.
#[must_use]
pub fn make_sha1(password: &Secret) -> String {
    let digest = Sha1::digest(password.expose().as_bytes());
    format!("{{SHA}}{}", STANDARD.encode(digest))
}

/// Why a password can't be stored.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// bcrypt would ignore what comes after its 72nd byte.
    #[error("the password has {bytes} bytes, bcrypt looks at the first {BCRYPT_MAX_BYTES} only")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// bcrypt stops at a NUL.
    #[error("the password contains a NUL character")]
    Nul,
    /// The system gave no random bytes, or the cost is out of range.
    #[error("can't hash the password")]
    Bcrypt(#[source] bcrypt::BcryptError),
}

fn verify_bcrypt(cost: u8, salt: [u8; 16], digest: &[u8; 23], password: &[u8]) -> bool {
    // 72 right bytes plus anything, or the right ones, a NUL and anything, would pass the algorithm.
    let readable = password.len() <= BCRYPT_MAX_BYTES && !password.contains(&0);
    let mut terminated = Zeroizing::new([0; BCRYPT_MAX_BYTES + 1]);
    let length = password.len().min(BCRYPT_MAX_BYTES);
    terminated[..length].copy_from_slice(&password[..length]);
    let used = (length + 1).min(BCRYPT_MAX_BYTES);
    let found = bcrypt::bcrypt(u32::from(cost), salt, &terminated[..used]);
    let matches: bool = found[..23].ct_eq(digest).into();
    matches && readable
}

fn parse_kind(text: &str, limits: &Limits) -> Result<Kind, HashProblem> {
    for prefix in ["$2a$", "$2b$", "$2y$"] {
        if let Some(rest) = text.strip_prefix(prefix) {
            return parse_bcrypt(rest, limits);
        }
    }
    if let Some(rest) = text.strip_prefix("$apr1$") {
        return parse_apr1(rest).ok_or(HashProblem::Malformed(Scheme::Apr1));
    }
    if let Some(rest) = text.strip_prefix("$5$") {
        return parse_sha_crypt(Scheme::Sha256Crypt, rest, 43, limits);
    }
    if let Some(rest) = text.strip_prefix("$6$") {
        return parse_sha_crypt(Scheme::Sha512Crypt, rest, 86, limits);
    }
    if text.starts_with("$argon2id$") {
        return parse_argon2id(text, limits);
    }
    if let Some(rest) = text.strip_prefix("{SHA}") {
        return parse_sha1(Scheme::Sha1, rest).ok_or(HashProblem::Malformed(Scheme::Sha1));
    }
    if let Some(rest) = text.strip_prefix("{SSHA}") {
        return parse_sha1(Scheme::SaltedSha1, rest).ok_or(HashProblem::Malformed(Scheme::SaltedSha1));
    }
    Err(unusable(text))
}

fn unusable(text: &str) -> HashProblem {
    if text.starts_with("{PLAIN}") {
        HashProblem::PlainText
    } else if text.starts_with('$') || text.starts_with('{') {
        HashProblem::Unsupported
    } else if text.len() == 13 && text.bytes().all(is_crypt_character) {
        HashProblem::DesCrypt
    } else {
        HashProblem::PlainText
    }
}

fn parse_bcrypt(rest: &str, limits: &Limits) -> Result<Kind, HashProblem> {
    let malformed = HashProblem::Malformed(Scheme::Bcrypt);
    let (cost, encoded) = rest.split_once('$').ok_or(malformed)?;
    if cost.len() != 2 || !cost.bytes().all(|byte| byte.is_ascii_digit()) || encoded.len() != 53 {
        return Err(malformed);
    }
    let cost: u8 = cost.parse().map_err(|_| malformed)?;
    let (salt, digest) = encoded.split_at_checked(22).ok_or(malformed)?;
    let salt = decode_exactly(&BCRYPT_BASE64, salt).ok_or(malformed)?;
    let digest = decode_exactly(&BCRYPT_BASE64, digest).ok_or(malformed)?;
    if !(4..=31).contains(&cost) {
        return Err(malformed);
    }
    if cost > limits.max_bcrypt_cost {
        return Err(HashProblem::TooCostly(Scheme::Bcrypt));
    }
    Ok(Kind::Bcrypt { cost, salt, digest })
}

fn parse_apr1(rest: &str) -> Option<Kind> {
    let (salt, digest) = rest.split_once('$')?;
    let salt_fits = (1..=8).contains(&salt.len()) && salt.bytes().all(|byte| byte.is_ascii_graphic());
    let digest: [u8; 22] = digest.as_bytes().try_into().ok()?;
    let digest_fits = digest.iter().copied().all(is_crypt_character);
    (salt_fits && digest_fits).then(|| Kind::Apr1 {
        salt: salt.as_bytes().into(),
        digest,
    })
}

fn parse_sha_crypt(
    scheme: Scheme,
    rest: &str,
    digest_bytes: usize,
    limits: &Limits,
) -> Result<Kind, HashProblem> {
    let malformed = HashProblem::Malformed(scheme);
    let (rounds, rest) = match rest.strip_prefix("rounds=") {
        Some(rest) => {
            let (rounds, rest) = rest.split_once('$').ok_or(malformed)?;
            (rounds.parse().map_err(|_| malformed)?, rest)
        }
        None => (sha_crypt::Params::RECOMMENDED_ROUNDS, rest),
    };
    let (salt, digest) = rest.split_once('$').ok_or(malformed)?;
    let fits = (1..=16).contains(&salt.len()) && digest.len() == digest_bytes;
    if !fits || !salt.bytes().chain(digest.bytes()).all(is_crypt_character) {
        return Err(malformed);
    }
    // Fewer rounds than the scheme's minimum are raised to it when a line is written, so no such line is genuine.
    if !(sha_crypt::Params::ROUNDS_MIN..=sha_crypt::Params::ROUNDS_MAX).contains(&rounds) {
        return Err(malformed);
    }
    if rounds > limits.max_sha_crypt_rounds {
        return Err(HashProblem::TooCostly(scheme));
    }
    Ok(Kind::ShaCrypt { scheme, rounds })
}

fn parse_argon2id(text: &str, limits: &Limits) -> Result<Kind, HashProblem> {
    let malformed = HashProblem::Malformed(Scheme::Argon2id);
    let parsed = argon2::PasswordHash::new(text).map_err(|_| malformed)?;
    let params = argon2::Params::try_from(&parsed).map_err(|_| malformed)?;
    if parsed.hash.is_none() || parsed.salt.is_none() {
        return Err(malformed);
    }
    let (memory_kib, passes) = (params.m_cost(), params.t_cost());
    if memory_kib > limits.max_argon2_memory_kib || passes > limits.max_argon2_passes {
        return Err(HashProblem::TooCostly(Scheme::Argon2id));
    }
    Ok(Kind::Argon2id { memory_kib, passes })
}

fn parse_sha1(scheme: Scheme, encoded: &str) -> Option<Kind> {
    let bytes = STANDARD.decode(encoded).ok()?;
    let (digest, salt) = bytes.split_first_chunk::<20>()?;
    if salt.is_empty() != (scheme == Scheme::Sha1) {
        return None;
    }
    Some(Kind::Sha1 {
        digest: *digest,
        salt: salt.into(),
        scheme,
    })
}

fn decode_exactly<const N: usize>(engine: &GeneralPurpose, text: &str) -> Option<[u8; N]> {
    engine.decode(text).ok()?.try_into().ok()
}

fn is_crypt_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'/'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<PasswordHash, HashProblem> {
        PasswordHash::parse(text, &Limits::default())
    }

    /// Published vectors: the tests of `crypt_blowfish`, the SHA-crypt specification, the tests of the Argon2 reference
    /// implementation, the example of Apache's page on password formats for `{SHA}`.
    const VECTORS: [(&str, &str); 9] = [
        (
            "U*U",
            "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        ),
        (
            "U*U*",
            "$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK",
        ),
        (
            "U*U*U",
            "$2y$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a",
        ),
        ("myPassword", "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/"),
        (
            "Hello world!",
            "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
        ),
        (
            "Hello world!",
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        ),
        (
            "password",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        ),
        ("password", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="),
        ("testing123", "{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr"),
    ];

    #[test]
    fn published_vectors_are_right() {
        for (password, stored) in VECTORS {
            let hash = parse(stored).unwrap_or_else(|problem| panic!("{stored}: {problem}"));
            assert!(hash.verify(password.as_bytes()), "{stored}");
            assert!(!hash.verify(format!("{password}x").as_bytes()), "{stored}");
            assert!(!hash.verify(b""), "{stored}");
        }
    }

    // F5: passlib takes a scheme that it does not know for plain text.
    #[test]
    fn the_stored_text_is_never_the_password() {
        for (_, stored) in VECTORS {
            assert!(!parse(stored).unwrap().verify(stored.as_bytes()), "{stored}");
        }
    }

    #[test]
    fn what_openssl_makes_is_read() {
        for option in ["-apr1", "-5", "-6"] {
            for password in [
                "",
                "a",
                "correct horse battery staple",
                "caf\u{e9}",
                &"long".repeat(40),
            ] {
                let output = std::process::Command::new("openssl")
                    .args(["passwd", option, password])
                    .output();
                let Ok(output) = output else {
                    eprintln!("skipped: there is no openssl");
                    return;
                };
                let stored = String::from_utf8(output.stdout).unwrap();
                if stored.trim() == "<NULL>" {
                    // OpenSSL 3.0 makes no SHA-crypt of an empty password.
                    continue;
                }
                let hash = parse(stored.trim()).unwrap();
                assert!(hash.verify(password.as_bytes()), "{option} {password}");
                assert!(!hash.verify(b"another"), "{option} {password}");
            }
        }
    }

    #[test]
    fn what_is_made_is_read() {
        let secret = Secret::new("p\u{e4}ss w\u{f6}rd");
        let bcrypt = make_bcrypt(&secret, 4).unwrap();
        assert!(bcrypt.starts_with("$2y$04$") && bcrypt.len() == 60);
        assert_ne!(bcrypt, make_bcrypt(&secret, 4).unwrap());
        for stored in [bcrypt, make_sha1(&secret)] {
            assert!(parse(&stored).unwrap().verify(secret.expose().as_bytes()));
        }
        assert_eq!(
            make_sha1(&Secret::new("password")),
            "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="
        );
    }

    // H7
    #[test]
    fn what_bcrypt_would_cut_is_refused() {
        let make = |text: &str| make_bcrypt(&Secret::new(text), 4);
        assert!(make(&"x".repeat(72)).is_ok());
        assert!(matches!(
            make(&"x".repeat(73)),
            Err(MakeError::TooLong { bytes: 73 })
        ));
        assert!(matches!(
            make(&"\u{e9}".repeat(37)),
            Err(MakeError::TooLong { bytes: 74 })
        ));
        assert!(matches!(make("a\0b"), Err(MakeError::Nul)));
    }

    #[test]
    fn damaged_costly_weak_and_unknown_ones_are_told_apart() {
        use HashProblem::{DesCrypt, Malformed, PlainText, TooCostly, Unsupported};
        let bcrypt = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        let sha512 = VECTORS[5].1.trim_start_matches("$6$");
        let cases = [
            (format!("$2y$05${}", &bcrypt[1..]), Malformed(Scheme::Bcrypt)),
            (format!("$2y$5${bcrypt}"), Malformed(Scheme::Bcrypt)),
            (format!("$2y$03${bcrypt}"), Malformed(Scheme::Bcrypt)),
            (format!("$2y$05${}!", &bcrypt[1..]), Malformed(Scheme::Bcrypt)),
            (
                format!("$2y$05${}\u{e9}", &bcrypt[2..]),
                Malformed(Scheme::Bcrypt),
            ),
            (format!("$2y$15${bcrypt}"), TooCostly(Scheme::Bcrypt)),
            (format!("$2x$05${bcrypt}"), Unsupported),
            ("$apr1$salt".to_owned(), Malformed(Scheme::Apr1)),
            (
                "$apr1$saltsalts$HqJZimcKQFAMYayBlzkrA/".to_owned(),
                Malformed(Scheme::Apr1),
            ),
            (
                format!("$6$rounds=1000001${sha512}"),
                TooCostly(Scheme::Sha512Crypt),
            ),
            (format!("$6$rounds=999${sha512}"), Malformed(Scheme::Sha512Crypt)),
            (format!("$5${sha512}"), Malformed(Scheme::Sha256Crypt)),
            ("$argon2id$v=19$m=256".to_owned(), Malformed(Scheme::Argon2id)),
            (
                VECTORS[6].1.replace("m=256", "m=4294967295"),
                TooCostly(Scheme::Argon2id),
            ),
            (VECTORS[6].1.replace("argon2id", "argon2i"), Unsupported),
            ("{SHA}short".to_owned(), Malformed(Scheme::Sha1)),
            (
                "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=".to_owned(),
                Malformed(Scheme::SaltedSha1),
            ),
            ("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/".to_owned(), Unsupported),
            ("$y$j9T$x$y".to_owned(), Unsupported),
            ("rEK1ecacw.7.c".to_owned(), DesCrypt),
            ("secret".to_owned(), PlainText),
            ("{PLAIN}secret".to_owned(), PlainText),
        ];
        for (stored, problem) in cases {
            assert_eq!(parse(&stored).err(), Some(problem), "{stored}");
        }
    }

    #[test]
    fn the_estimate_puts_schemes_in_the_order_of_their_cost() {
        let cost = |index: usize| parse(VECTORS[index].1).unwrap().estimated_micros();
        assert!(cost(0) > cost(4) && cost(4) > cost(3) && cost(3) > cost(7));
        assert!(!format!("{:?}", parse(VECTORS[0].1).unwrap()).contains("CCC"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\$2[aby]\\$|\\$apr1\\$|\\$[56]\\$(rounds=)?|\\$argon2id\\$|\\{S?SHA\\}|)\\PC{0,90}") {
            let _ = parse(&text);
        }
    }
}
