//! From the stored text to its parts. Only the form is judged here, not what a check would cost.

use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD};

use super::crypt64::is_crypt_character;
use super::md5_crypt::Variant;
use super::{HashProblem, Kind, Scheme};

/// bcrypt's alphabet. Generators exist that leave junk in the last character's spare bits, so those are ignored.
const BCRYPT_BASE64: GeneralPurpose =
    GeneralPurpose::new(&BCRYPT, NO_PAD.with_decode_allow_trailing_bits(true));

/// Lengths of the usual digests in hexadecimal, MD5 to SHA-512.
const HEX_DIGEST_LENGTHS: [usize; 6] = [32, 40, 56, 64, 96, 128];

/// The scheme of a stored text, with what a check needs of it.
pub(super) fn kind(text: &str) -> Result<Kind, HashProblem> {
    for prefix in ["$2a$", "$2b$", "$2y$"] {
        if let Some(rest) = text.strip_prefix(prefix) {
            return bcrypt(rest).ok_or(HashProblem::Malformed(Scheme::Bcrypt));
        }
    }
    for variant in [Variant::Apr1, Variant::Md5Crypt] {
        if let Some(rest) = text.strip_prefix(variant.prefix()) {
            return md5_crypt(variant, rest).ok_or(HashProblem::Malformed(variant.scheme()));
        }
    }
    for (prefix, scheme, digest_length) in
        [("$5$", Scheme::Sha256Crypt, 43), ("$6$", Scheme::Sha512Crypt, 86)]
    {
        if let Some(rest) = text.strip_prefix(prefix) {
            return sha_crypt(scheme, rest, digest_length).ok_or(HashProblem::Malformed(scheme));
        }
    }
    for (prefix, scheme) in [("$argon2id$", Scheme::Argon2id), ("$argon2i$", Scheme::Argon2i)] {
        if text.starts_with(prefix) {
            return argon2(scheme, text);
        }
    }
    for (prefix, scheme) in [("{SHA}", Scheme::Sha1), ("{SSHA}", Scheme::SaltedSha1)] {
        if let Some(rest) = text.strip_prefix(prefix) {
            return sha1(scheme, rest).ok_or(HashProblem::Malformed(scheme));
        }
    }
    without_a_mark(text)
}

/// Texts that don't name their scheme.
fn without_a_mark(text: &str) -> Result<Kind, HashProblem> {
    const PLAIN: &str = "{PLAIN}";
    if text.starts_with(PLAIN) {
        return Ok(Kind::PlainText { start: PLAIN.len() });
    }
    if let Some(kind) = des_crypt(text) {
        return Ok(kind);
    }
    // The hash of a scheme that is not read must not be taken for a password: its very text would let one in.
    if is_foreign_hash(text) {
        return Err(HashProblem::Unsupported);
    }
    Ok(Kind::PlainText { start: 0 })
}

/// Whether the text is meant as a hash, or as the mark of an account that is locked (`!`, `*`, `!$6$...`).
fn is_foreign_hash(text: &str) -> bool {
    let unlocked = text.trim_start_matches(['!', '*']);
    let is_locked = unlocked.is_empty() || (unlocked.len() < text.len() && unlocked.starts_with(['$', '{']));
    let is_hex_digest =
        HEX_DIGEST_LENGTHS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    // BSDi's crypt.
    let is_extended_des = text.len() == 20
        && text
            .strip_prefix('_')
            .is_some_and(|rest| rest.bytes().all(is_crypt_character));
    is_locked || is_hex_digest || is_extended_des || text.starts_with(['$', '{'])
}

fn bcrypt(rest: &str) -> Option<Kind> {
    let (cost, encoded) = rest.split_once('$')?;
    if cost.len() != 2 || !cost.bytes().all(|byte| byte.is_ascii_digit()) || encoded.len() != 53 {
        return None;
    }
    let cost: u8 = cost.parse().ok().filter(|cost| (4..=31).contains(cost))?;
    let (salt, digest) = encoded.split_at_checked(22)?;
    let salt = decode_exactly(&BCRYPT_BASE64, salt)?;
    let digest = decode_exactly(&BCRYPT_BASE64, digest)?;
    Some(Kind::Bcrypt { cost, salt, digest })
}

fn md5_crypt(variant: Variant, rest: &str) -> Option<Kind> {
    let (salt, digest) = rest.split_once('$')?;
    let salt_fits = salt.len() <= 8 && salt.bytes().all(|byte| byte.is_ascii_graphic());
    let digest: [u8; 22] = digest.as_bytes().try_into().ok()?;
    let digest_fits = digest.iter().copied().all(is_crypt_character);
    (salt_fits && digest_fits).then(|| Kind::Md5Crypt {
        variant,
        salt: salt.as_bytes().into(),
        digest,
    })
}

fn sha_crypt(scheme: Scheme, rest: &str, digest_length: usize) -> Option<Kind> {
    let (rounds, rest) = match rest.strip_prefix("rounds=") {
        Some(rest) => {
            let (rounds, rest) = rest.split_once('$')?;
            (rounds.parse().ok()?, rest)
        }
        None => (sha_crypt::Params::RECOMMENDED_ROUNDS, rest),
    };
    let (salt, digest) = rest.split_once('$')?;
    let fits = (1..=16).contains(&salt.len()) && digest.len() == digest_length;
    // Fewer rounds than the scheme's minimum are raised to it when a line is written, so no such line is genuine.
    let genuine = (sha_crypt::Params::ROUNDS_MIN..=sha_crypt::Params::ROUNDS_MAX).contains(&rounds);
    let clean = salt.bytes().chain(digest.bytes()).all(is_crypt_character);
    (fits && genuine && clean).then_some(Kind::ShaCrypt { scheme, rounds })
}

fn argon2(scheme: Scheme, text: &str) -> Result<Kind, HashProblem> {
    let malformed = HashProblem::Malformed(scheme);
    let parsed = argon2::PasswordHash::new(text).map_err(|_| malformed)?;
    let params = argon2::Params::try_from(&parsed).map_err(|_| malformed)?;
    if parsed.hash.is_none() || parsed.salt.is_none() {
        return Err(malformed);
    }
    if parsed.version.is_none() {
        // Argon2 before version 1.3.
        return Err(HashProblem::Unsupported);
    }
    Ok(Kind::Argon2 {
        scheme,
        memory_kib: params.m_cost(),
        passes: params.t_cost(),
    })
}

fn sha1(scheme: Scheme, encoded: &str) -> Option<Kind> {
    let bytes = STANDARD.decode(encoded).ok()?;
    let (digest, salt) = bytes.split_first_chunk::<20>()?;
    (salt.is_empty() == (scheme == Scheme::Sha1)).then(|| Kind::Sha1 {
        digest: *digest,
        salt: salt.into(),
        scheme,
    })
}

fn des_crypt(text: &str) -> Option<Kind> {
    let text: &[u8; 13] = text.as_bytes().try_into().ok()?;
    let (salt, digest) = text.split_first_chunk::<2>()?;
    text.iter()
        .copied()
        .all(is_crypt_character)
        .then_some(Kind::DesCrypt {
            salt: *salt,
            digest: digest.try_into().ok()?,
        })
}

fn decode_exactly<const N: usize>(engine: &GeneralPurpose, text: &str) -> Option<[u8; N]> {
    engine.decode(text).ok()?.try_into().ok()
}
