//! Sockets, certificates and proxies of `serve`.

use super::Failure;
use crate::server::{Holds, NetworkError, TlsError};

impl From<TlsError> for Failure {
    fn from(error: TlsError) -> Self {
        let hint = match &error {
            TlsError::Unreadable { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                "let the server's user read it, but not everybody".to_owned()
            }
            TlsError::Unreadable { .. } | TlsError::Empty { .. } => {
                "name the PEM files with --tls-cert and --tls-key".to_owned()
            }
            TlsError::Der { path, holds } => {
                let program = match holds {
                    Holds::Certificate => "x509",
                    Holds::Key => "pkey",
                };
                let path = path.display();
                format!("convert it: openssl {program} -inform DER -in {path} -out {path}.pem")
            }
            TlsError::Other { holds, .. } => match holds {
                Holds::Certificate => {
                    "--tls-cert takes the server's certificate and those between it and its authority, --tls-key the key"
                        .to_owned()
                }
                Holds::Key => {
                    "--tls-key takes the file that begins with `-----BEGIN PRIVATE KEY-----` or the like".to_owned()
                }
            },
            TlsError::Damaged { .. } => "copy it anew from where it was made".to_owned(),
            TlsError::EncryptedKey { path } => {
                let path = path.display();
                format!("take the passphrase off: openssl pkey -in {path} -out {path}.open")
            }
            TlsError::UnusableKey { .. } | TlsError::UnusableCertificate { .. } => {
                "use an RSA key of 2048 bits or more, an ECDSA key on P-256 or P-384, or an Ed25519 key".to_owned()
            }
            TlsError::Mismatch { .. } => {
                "name the key that the certificate was made for; the server's own certificate comes first in its file"
                    .to_owned()
            }
        };
        Self::from_error(&error).hint(hint)
    }
}

impl From<NetworkError> for Failure {
    fn from(error: NetworkError) -> Self {
        Self::usage("the value of `--trusted-proxy` can't be used")
            .caused_by(&error)
            .hint("write addresses or networks, as in `--trusted-proxy 10.0.0.0/8,192.0.2.1`, or `none`")
    }
}
