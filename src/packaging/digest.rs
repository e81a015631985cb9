//! Digests of distributions: sha256 everywhere, the others where old clients or `--hash-algo` ask for them.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use data_encoding::HEXLOWER_PERMISSIVE;
use sha2::Digest as _;
use thiserror::Error;

/// A sha256 digest; `Display` gives 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// The digest of a text or a small file.
    #[must_use]
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The digest of everything that `reader` gives.
    ///
    /// # Errors
    /// The reader's own.
    pub fn of_reader(mut reader: impl Read) -> io::Result<Self> {
        let mut hasher = sha2::Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let read = match reader.read(&mut buffer) {
                Ok(0) => return Ok(Self(hasher.finalize().into())),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hasher.update(&buffer[..read]);
        }
    }

    /// From the 32 bytes themselves, as a hasher or the catalog gives them.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

impl FromStr for Sha256 {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        decode(Algorithm::Sha256, text).map(Self)
    }
}

/// The digests that the upload form and the Simple pages know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// 128 bits, broken; old uploaders send it and `--hash-algo md5` lists it.
    Md5,
    /// 256 bits, the recommended one.
    Sha256,
    /// 384 bits, for `--hash-algo sha384`.
    Sha384,
    /// 512 bits, for `--hash-algo sha512`.
    Sha512,
    /// BLAKE2b cut to 256 bits, which twine and uv send as `blake2_256_digest`.
    Blake2b256,
    /// BLAKE2b in full, which distutils sends under the same name.
    Blake2b512,
}

impl Algorithm {
    /// The name in URLs, JSON and `--hash-algo`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Blake2b256 => "blake2b_256",
            Self::Blake2b512 => "blake2b_512",
        }
    }
}

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{}` is not a {} digest: {} hexadecimal digits are expected", .text.escape_debug(), .algorithm.name(), .digits)]
pub struct DigestError {
    algorithm: Algorithm,
    digits: usize,
    text: String,
}

fn decode<const N: usize>(algorithm: Algorithm, text: &str) -> Result<[u8; N], DigestError> {
    let refuse = || DigestError {
        algorithm,
        digits: N * 2,
        text: text.chars().take(160).collect(),
    };
    let bytes = HEXLOWER_PERMISSIVE
        .decode(text.as_bytes())
        .map_err(|_| refuse())?;
    bytes.try_into().map_err(|_| refuse())
}

/// A digest with the name of its algorithm, as forms and pages carry it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamedDigest {
    /// How it was made.
    pub algorithm: Algorithm,
    hex: Box<str>,
}

impl NamedDigest {
    /// Checks length and alphabet; upper case is accepted and lowered.
    ///
    /// # Errors
    /// [`DigestError`] when the text is no digest of that algorithm.
    pub fn parse(algorithm: Algorithm, text: &str) -> Result<Self, DigestError> {
        match algorithm {
            Algorithm::Md5 => decode::<16>(algorithm, text).map(|_| ()),
            Algorithm::Sha256 | Algorithm::Blake2b256 => decode::<32>(algorithm, text).map(|_| ()),
            Algorithm::Sha384 => decode::<48>(algorithm, text).map(|_| ()),
            Algorithm::Sha512 | Algorithm::Blake2b512 => decode::<64>(algorithm, text).map(|_| ()),
        }?;
        Ok(Self {
            algorithm,
            hex: text.to_ascii_lowercase().into(),
        })
    }

    /// Lowercase hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

/// Hashes a stream by sha256 alone; unlike [`MultiHasher`] it gives the digest as its own type.
#[derive(Clone, Debug, Default)]
pub struct Sha256Hasher(sha2::Sha256);

impl Sha256Hasher {
    /// Takes the next bytes of the stream.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that was taken.
    #[must_use]
    pub fn finish(self) -> Sha256 {
        Sha256(self.0.finalize().into())
    }
}

/// Hashes a stream by any set of algorithms in one pass.
#[derive(Default)]
pub struct MultiHasher {
    md5: Option<md5::Md5>,
    sha256: Option<sha2::Sha256>,
    sha384: Option<sha2::Sha384>,
    sha512: Option<sha2::Sha512>,
    blake2b: Option<blake2::Blake2b256>,
    blake2b_512: Option<blake2::Blake2b512>,
}

impl MultiHasher {
    /// A hasher for `algorithms`; repeats do no harm.
    pub fn new(algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        let mut hasher = Self::default();
        for algorithm in algorithms {
            match algorithm {
                Algorithm::Md5 => hasher.md5 = Some(md5::Md5::new()),
                Algorithm::Sha256 => hasher.sha256 = Some(sha2::Sha256::new()),
                Algorithm::Sha384 => hasher.sha384 = Some(sha2::Sha384::new()),
                Algorithm::Sha512 => hasher.sha512 = Some(sha2::Sha512::new()),
                Algorithm::Blake2b256 => hasher.blake2b = Some(blake2::Blake2b256::new()),
                Algorithm::Blake2b512 => hasher.blake2b_512 = Some(blake2::Blake2b512::new()),
            }
        }
        hasher
    }

    /// Whether nothing was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.md5.is_none()
            && self.sha256.is_none()
            && self.sha384.is_none()
            && self.sha512.is_none()
            && self.blake2b.is_none()
            && self.blake2b_512.is_none()
    }

    /// Takes the next bytes of the stream.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.md5 {
            hasher.update(bytes);
        }
        if let Some(hasher) = &mut self.sha256 {
            hasher.update(bytes);
        }
        if let Some(hasher) = &mut self.sha384 {
            hasher.update(bytes);
        }
        if let Some(hasher) = &mut self.sha512 {
            hasher.update(bytes);
        }
        if let Some(hasher) = &mut self.blake2b {
            hasher.update(bytes);
        }
        if let Some(hasher) = &mut self.blake2b_512 {
            hasher.update(bytes);
        }
    }

    /// The digests, one for each algorithm that was asked for.
    #[must_use]
    pub fn finish(self) -> Vec<NamedDigest> {
        let named = |algorithm, bytes: &[u8]| NamedDigest {
            algorithm,
            hex: data_encoding::HEXLOWER.encode(bytes).into(),
        };
        [
            self.md5.map(|hasher| named(Algorithm::Md5, &hasher.finalize())),
            self.sha256
                .map(|hasher| named(Algorithm::Sha256, &hasher.finalize())),
            self.sha384
                .map(|hasher| named(Algorithm::Sha384, &hasher.finalize())),
            self.sha512
                .map(|hasher| named(Algorithm::Sha512, &hasher.finalize())),
            self.blake2b
                .map(|hasher| named(Algorithm::Blake2b256, &hasher.finalize())),
            self.blake2b_512
                .map(|hasher| named(Algorithm::Blake2b512, &hasher.finalize())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The digests of the three bytes "abc", from the algorithms' own standards (RFC 1321, FIPS 180-4); the
    // 256-bit BLAKE2b one is what Python's hashlib.blake2b(b"abc", digest_size=32) gives.
    const ABC: [(Algorithm, &str); 4] = [
        (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
        (
            Algorithm::Sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            Algorithm::Blake2b256,
            "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319",
        ),
        (
            Algorithm::Blake2b512,
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
        ),
    ];

    #[test]
    fn one_pass_gives_every_digest_asked_for() {
        let mut hasher = MultiHasher::new(ABC.map(|(algorithm, _)| algorithm));
        hasher.update(b"a");
        hasher.update(b"bc");
        let got: Vec<_> = hasher
            .finish()
            .iter()
            .map(|d| (d.algorithm, d.hex().to_owned()))
            .collect();
        assert_eq!(got, ABC.map(|(algorithm, hex)| (algorithm, hex.to_owned())));
    }

    #[test]
    fn upper_case_is_read_and_wrong_lengths_are_refused() {
        let text = ABC[1].1;
        assert_eq!(text.to_uppercase().parse::<Sha256>().unwrap().to_string(), text);
        assert_eq!(Sha256::of("abc").to_string(), text);
        assert_eq!(Sha256::of_reader(&b"abc"[..]).unwrap().to_string(), text);
        for bad in [
            "",
            "ba78",
            &format!("{text}00"),
            &text.replace('b', "g"),
            &format!(" {}", &text[1..]),
        ] {
            assert!(bad.parse::<Sha256>().is_err(), "{bad:?} was accepted");
        }
        assert!(NamedDigest::parse(Algorithm::Md5, text).is_err());
    }
}
