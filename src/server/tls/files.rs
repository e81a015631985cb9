//! A certificate chain and a key out of PEM files, and what is wrong when they are none.

use std::io;
use std::path::{Path, PathBuf};

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{self, InconsistentKeys};
use zeroize::Zeroizing;

/// Chains and keys are some kilobytes; a larger file is another one.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Why a certificate and a key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that can't be read.
    #[error("can't read `{}`, which should hold {holds}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        holds: Holds,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file without a byte in it.
    #[error("`{}` is empty; it should hold {holds}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        holds: Holds,
    },
    /// A file that is binary where text is expected.
    #[error("`{}` is in the binary format DER; it should hold {holds} as PEM text", path.display())]
    Der {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        holds: Holds,
    },
    /// A PEM file that holds the other one of the two, or a text that is no PEM.
    #[error("`{}` does not hold {holds}{}", path.display(), found.as_deref().map(|found| format!(", but {found}")).unwrap_or_default())]
    Other {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        holds: Holds,
        /// What its first section says it is.
        found: Option<String>,
    },
    /// A PEM file that breaks off, or is not base64.
    #[error("`{}` is damaged; it should hold {holds}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        holds: Holds,
    },
    /// A key under a passphrase, which nobody could type at a server's start.
    #[error("the key in `{}` is encrypted", path.display())]
    EncryptedKey {
        /// The file.
        path: PathBuf,
    },
    /// A key of a kind that is not supported.
    #[error("the key in `{}` can't be used", path.display())]
    UnusableKey {
        /// The file.
        path: PathBuf,
        /// What the TLS library says.
        #[source]
        source: rustls::Error,
    },
    /// A certificate that can't be used.
    #[error("the certificate in `{}` can't be used", path.display())]
    UnusableCertificate {
        /// The file.
        path: PathBuf,
        /// What the TLS library says.
        #[source]
        source: rustls::Error,
    },
    /// A key and a certificate that do not belong together.
    #[error("the key in `{}` is not that of the first certificate in `{}`", key.display(), certificate.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
}

/// What one of the two files should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// The server's certificate, then those between it and the authority.
    Certificate,
    /// The private key.
    Key,
}

impl std::fmt::Display for Holds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Certificate => "a certificate chain",
            Self::Key => "a private key",
        })
    }
}

/// Reads both files, which may be one, and checks that they belong together.
pub(super) fn read_pair(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let chain = read_chain(certificate)?;
    let secret = read_key(key)?;
    let signer = any_supported_type(&secret).map_err(|source| TlsError::UnusableKey {
        path: key.to_owned(),
        source,
    })?;
    let pair = CertifiedKey::new(chain, signer);
    match pair.keys_match() {
        // A kind of key that does not tell its public half can't be compared.
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(pair),
        Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::Mismatch {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        }),
        Err(source) => Err(TlsError::UnusableCertificate {
            path: certificate.to_owned(),
            source,
        }),
    }
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path, Holds::Certificate)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(other(path, Holds::Certificate, &text)),
        Ok(chain) => Ok(chain),
        Err(_) => Err(TlsError::Damaged {
            path: path.to_owned(),
            holds: Holds::Certificate,
        }),
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read(path, Holds::Key)?;
    let damaged = || TlsError::Damaged {
        path: path.to_owned(),
        holds: Holds::Key,
    };
    // PKCS #8 says it in the first line of the section, the older formats in the second.
    if memchr::memmem::find(&text, b"ENCRYPTED").is_some() {
        return Err(TlsError::EncryptedKey {
            path: path.to_owned(),
        });
    }
    match PrivateKeyDer::from_pem_slice(&text) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) => Err(other(path, Holds::Key, &text)),
        // The library's text could show a line of the key.
        Err(_) => Err(damaged()),
    }
}

/// The file's content; it is wiped from memory, since it may be a key.
fn read(path: &Path, holds: Holds) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let unreadable = |source| TlsError::Unreadable {
        path: path.to_owned(),
        holds,
        source,
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if metadata.is_file() && metadata.len() > MAX_FILE_BYTES {
        return Err(other(path, holds, b""));
    }
    let content = Zeroizing::new(std::fs::read(path).map_err(unreadable)?);
    if content.trim_ascii().is_empty() {
        return Err(TlsError::Empty {
            path: path.to_owned(),
            holds,
        });
    }
    // DER begins with a sequence whose length takes more than one byte.
    if content.starts_with(&[0x30, 0x82]) || content.starts_with(&[0x30, 0x81]) {
        return Err(TlsError::Der {
            path: path.to_owned(),
            holds,
        });
    }
    Ok(content)
}

/// The wrong file, and what it says that it is: `-----BEGIN CERTIFICATE REQUEST-----`.
fn other(path: &Path, holds: Holds, text: &[u8]) -> TlsError {
    let text = String::from_utf8_lossy(text);
    let label = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----"))
        // Labels are words in capitals; whatever else it is, it is not shown.
        .filter(|label| {
            label.len() <= 40
                && label
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' ')
        });
    TlsError::Other {
        path: path.to_owned(),
        holds,
        found: label.map(|label| format!("a section `{label}`")),
    }
}
