//! A made-up certificate authority, and TLS connections that trust nobody else.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

use super::Testbed;

/// A TLS connection, for blocking reads and writes.
pub(crate) type TlsStream = StreamOwned<ClientConnection, TcpStream>;

/// Signs certificates that only its own clients trust.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM text.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
    der: CertificateDer<'static>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "an authority of the tests");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }

    /// A new certificate for this machine, with a new key.
    pub(crate) fn issue(&self) -> Pair {
        let key = KeyPair::generate().unwrap();
        let names = ["127.0.0.1", "localhost"].map(str::to_owned);
        let mut params = CertificateParams::new(names.to_vec()).unwrap();
        // OpenSSL takes a certificate with its authority's name for one that signed itself.
        params
            .distinguished_name
            .push(DnType::CommonName, "a server of the tests");
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            der: certificate.der().clone(),
        }
    }

    /// Its own certificate in a file, for clients that read one.
    pub(crate) fn file(&self, testbed: &Testbed) -> PathBuf {
        testbed.write("authority.pem", self.issuer.pem())
    }

    /// What a client of it is configured with.
    pub(crate) fn client(&self, protocol: &str) -> ClientConfig {
        self.client_of_version(protocol, rustls::DEFAULT_VERSIONS)
    }

    pub(crate) fn client_of_version(
        &self,
        protocol: &str,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        let own = CertificateDer::from_pem_slice(self.issuer.pem().as_bytes()).unwrap();
        roots.add(own).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        client
    }

    /// Connects to the server at `https://127.0.0.1:PORT`, and speaks `protocol` (`h2`, `http/1.1`) there.
    pub(crate) fn connect(&self, server: &str, protocol: &str) -> TlsStream {
        connect(server, self.client(protocol)).unwrap()
    }
}

/// Connects, with the handshake done.
pub(crate) fn connect(server: &str, client: ClientConfig) -> std::io::Result<TlsStream> {
    let mut socket = TcpStream::connect(server.strip_prefix("https://").unwrap())?;
    socket.set_read_timeout(Some(Duration::from_secs(60)))?;
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut connection = ClientConnection::new(Arc::new(client), name).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(connection, socket))
}

impl Pair {
    /// Writes `server.pem` and `server.key`, the key for its owner alone.
    pub(crate) fn write(&self, testbed: &Testbed) -> (PathBuf, PathBuf) {
        let key = testbed.write("server.key", &self.key);
        make_private(&key);
        (testbed.write("server.pem", &self.certificate), key)
    }

    /// Whether the server at the other end has shown this certificate.
    pub(crate) fn is_shown_by(&self, stream: &TlsStream) -> bool {
        stream.conn.peer_certificates().unwrap()[0] == self.der
    }
}

pub(crate) fn make_private(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}
