//! TLS: one certificate and its key, read anew when their files change.
//!
//! `files.rs` reads the pair and says what is wrong with it; here is when that is done, and what a handshake gets.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use rustls::crypto::ring;
use rustls::server::ServerConfig;
use rustls::sign::SingleCertAndKey;
use rustls::version::{TLS12, TLS13};
use tracing::{error, info};

pub use self::files::{Holds, TlsError};
use crate::causes::in_one_line;

mod files;

/// HTTP/2 and HTTP/1.1, as clients choose between them in the handshake (RFC 7301); HTTP/2 where both have it.
const PROTOCOLS: [&[u8]; 2] = [HTTP2, b"http/1.1"];
/// HTTP/2 over TLS, by its registered name.
pub(super) const HTTP2: &[u8] = b"h2";

/// How often the files are looked at, at most; a new pair is used by connections that come later than this.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What TLS connections are made with: a certificate chain and its key, both PEM files.
///
/// TLS 1.2 and 1.3. The files may be replaced at any time, in any order; a pair that can't be used leaves the one
/// before it in place, and is an error in the log.
#[derive(Debug)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    /// What new connections get; those that exist keep what they have.
    current: RwLock<Arc<ServerConfig>>,
    /// Held while the files are looked at, and never while a handshake waits.
    watch: Mutex<Watch>,
}

#[derive(Debug)]
struct Watch {
    looked: Instant,
    seen: [Option<Stamp>; 2],
}

/// Tells a replaced file from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    size_bytes: u64,
    inode: u64,
}

impl Tls {
    /// Reads the pair.
    ///
    /// # Errors
    /// A file can't be read, is not what it should be, or the key is not the certificate's.
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let seen = [certificate, key].map(stamp);
        Ok(Self {
            current: RwLock::new(configure(certificate, key)?),
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            watch: Mutex::new(Watch {
                looked: Instant::now(),
                seen,
            }),
        })
    }

    /// Whether everybody on this machine may read the key.
    #[must_use]
    pub fn key_is_public(&self) -> bool {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(&self.key).is_ok_and(|key| key.permissions().mode() & 0o004 != 0)
    }

    /// Reads the pair again, whether or not the files look changed; new connections use it from now on. What can't be
    /// used is an error in the log, and the pair before it stays.
    ///
    /// Reads files: not for threads that serve connections.
    pub fn reload(&self) {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        watch.looked = Instant::now();
        watch.seen = self.stamps();
        self.replace();
    }

    /// What a new connection is made with. At most once in [`LOOK_INTERVAL`], one that comes looks at the files first.
    pub(super) async fn config(self: &Arc<Self>) -> Arc<ServerConfig> {
        let is_due = self
            .watch
            .try_lock()
            .is_ok_and(|watch| watch.looked.elapsed() >= LOOK_INTERVAL);
        if is_due {
            let this = Arc::clone(self);
            // The file system may be slow, and others are being served by this thread. Should it fail, there is the old
            // pair.
            let _ = tokio::task::spawn_blocking(move || this.look()).await;
        }
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn look(&self) {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if watch.looked.elapsed() < LOOK_INTERVAL {
            // Another connection was first, and has looked while this one waited.
            return;
        }
        watch.looked = Instant::now();
        let seen = self.stamps();
        if std::mem::replace(&mut watch.seen, seen) != seen {
            self.replace();
        }
    }

    fn stamps(&self) -> [Option<Stamp>; 2] {
        [&self.certificate, &self.key].map(|path| stamp(path))
    }

    fn replace(&self) {
        match configure(&self.certificate, &self.key) {
            Ok(config) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
                info!(
                    "new TLS connections use the certificate that is now in {}",
                    self.certificate.display()
                );
            }
            Err(problem) => error!(
                "the TLS certificate stays the one it was: {}",
                in_one_line(&problem)
            ),
        }
    }
}

/// Follows links: certificates are often replaced by pointing a link elsewhere. `None` when there is no such file.
fn stamp(path: &Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(path).ok()?;
    Some(Stamp {
        modified: metadata.modified().ok()?,
        size_bytes: metadata.len(),
        inode: metadata.ino(),
    })
}

fn configure(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let pair = files::read_pair(certificate, key)?;
    let unusable = |source| TlsError::UnusableCertificate {
        path: certificate.to_owned(),
        source,
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(unusable)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    // A client that comes again spares both ends a signature, and we keep nothing for it.
    config.ticketer = ring::Ticketer::new().map_err(unusable)?;
    Ok(Arc::new(config))
}
