//! The sockets of `serve`: a port, a Unix socket, or what the service manager hands over; and TLS for those.

use std::fmt;
use std::fs;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use tokio::net::{TcpListener, UnixListener, UnixSocket, UnixStream};
use tracing::{debug, warn};

use crate::config::Environment;
use crate::failure::Failure;
use crate::server::{Listener, Listeners, Tls};

/// How many connections may wait in the system's queue to be accepted.
const BACKLOG: u32 = 1024;
/// Who may connect to a Unix socket: the server's user and group, since whoever does is believed as a proxy.
const SOCKET_MODE: u32 = 0o660;
/// The longest path that a socket can have on all systems that we know, in bytes; Linux allows some more.
#[cfg(target_os = "linux")]
const MAX_SOCKET_PATH_BYTES: usize = 107;
#[cfg(not(target_os = "linux"))]
const MAX_SOCKET_PATH_BYTES: usize = 103;

/// Where to listen, as the flags say; what is handed over comes before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listen {
    pub(super) on: ListenOn,
    pub(super) tls: Option<TlsFiles>,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ListenOn {
    Port { host: String, port: u16 },
    Socket(PathBuf),
}

/// The PEM files of a certificate chain and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TlsFiles {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// Open sockets, and how they are called.
pub(super) struct OpenSockets {
    pub(super) listeners: Listeners,
    /// For people: `https://127.0.0.1:8080`, `unix:/run/pkgctl.sock`.
    pub(super) addresses: Vec<String>,
    /// Removes the file of a socket that was made here when it is dropped.
    pub(super) file: Option<SocketFile>,
}

/// Sockets that the service manager has opened for this process: systemd's protocol of `LISTEN_FDS`.
pub(super) struct HandedOver(Vec<Inherited>);

enum Inherited {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

impl HandedOver {
    /// Takes them. Called once, before there are threads: the variables that announce them are removed, so that no
    /// child takes them for its own.
    ///
    /// # Errors
    /// What is handed over is no socket that takes connections.
    pub(super) fn take(environment: &Environment) -> Result<Self, Failure> {
        if environment.var("LISTEN_FDS").is_none() {
            return Ok(Self(Vec::new()));
        }
        let mut descriptors = ListenFd::from_env();
        let count = descriptors.len();
        let mut sockets = Vec::new();
        for number in 0..count {
            let socket = Inherited::take(&mut descriptors, number).map_err(|error| {
                let number = number + 1;
                Failure::new(format!(
                    "socket {number} of {count} that were handed over (LISTEN_FDS) can't be served"
                ))
                .caused_by(&error)
                .hint("hand over listening sockets only: ListenStream= in the socket unit, with Accept=no")
            })?;
            sockets.extend(socket);
        }
        Ok(Self(sockets))
    }
}

impl Inherited {
    fn take(descriptors: &mut ListenFd, number: usize) -> io::Result<Option<Self>> {
        // Which of the two it is shows when it is taken; a wrong guess leaves it where it is.
        let socket = match descriptors.take_tcp_listener(number) {
            Ok(socket) => socket.map(Self::Tcp),
            Err(_) => descriptors.take_unix_listener(number)?.map(Self::Unix),
        };
        let listens = match &socket {
            Some(Self::Tcp(socket)) => socket_acceptconn(socket)?,
            Some(Self::Unix(socket)) => socket_acceptconn(socket)?,
            None => true,
        };
        if !listens {
            return Err(io::Error::other("it is a connection, or does not listen"));
        }
        Ok(socket)
    }
}

/// Opens the sockets, in a runtime.
///
/// # Errors
/// The port or the path can't be had, or the certificate can't be used.
pub(super) async fn open(listen: &Listen, handed_over: HandedOver) -> Result<OpenSockets, Failure> {
    let tls = listen.tls.as_ref().map(open_tls).transpose()?;
    let mut file = None;
    let sockets = if handed_over.0.is_empty() {
        vec![match &listen.on {
            ListenOn::Port { host, port } => Listener::Tcp(bind_port(host, *port).await?),
            ListenOn::Socket(path) => {
                let (listener, made) = bind_socket(path).await?;
                file = Some(made);
                Listener::Unix(listener)
            }
        }]
    } else {
        if matches!(listen.on, ListenOn::Socket(_)) {
            warn!("--socket is not used, since sockets were handed over");
        }
        adopt(handed_over)?
    };
    if tls.is_some() && !sockets.iter().any(|socket| matches!(socket, Listener::Tcp(_))) {
        return Err(
            Failure::usage("TLS is for connections over TCP, and there are none").hint(
                "leave out --tls-cert and --tls-key; the proxy before a Unix socket has the certificate",
            ),
        );
    }
    let addresses = sockets
        .iter()
        .map(|socket| address(socket, tls.is_some()))
        .collect::<Result<_, _>>()?;
    Ok(OpenSockets {
        listeners: Listeners { sockets, tls },
        addresses,
        file,
    })
}

fn open_tls(files: &TlsFiles) -> Result<Arc<Tls>, Failure> {
    let tls = Tls::open(&files.certificate, &files.key)?;
    if tls.key_is_public() {
        warn!(
            "everybody on this machine can read the private key {}; take that away with `chmod o= {}`",
            files.key.display(),
            files.key.display()
        );
    }
    Ok(Arc::new(tls))
}

async fn bind_port(host: &str, port: u16) -> Result<TcpListener, Failure> {
    let addresses: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .map_err(|error| {
            Failure::usage(format!("there is no interface `{host}`"))
                .caused_by(&error)
                .hint("use 0.0.0.0 for all interfaces, 127.0.0.1 for this machine alone, or an address of this machine")
        })?
        .collect();
    TcpListener::bind(&addresses[..]).await.map_err(|error| {
        let failure = Failure::new(format!("can't listen on port {port} of {host}")).caused_by(&error);
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                failure.hint("another program listens there; stop it, or choose another port with --port")
            }
            io::ErrorKind::PermissionDenied => {
                failure.hint("ports below 1024 need special rights; choose another one with --port")
            }
            _ => failure.hint("use --host with an address of this machine, or 0.0.0.0 for all of them"),
        }
    })
}

async fn bind_socket(path: &Path) -> Result<(UnixListener, SocketFile), Failure> {
    let length = path.as_os_str().as_bytes().len();
    if length > MAX_SOCKET_PATH_BYTES {
        return Err(Failure::usage(format!(
            "the path of the socket has {length} bytes, and the system takes {MAX_SOCKET_PATH_BYTES} at most"
        ))
        .detail(&path.display().to_string())
        .hint("choose a shorter one, such as /run/pkgctl.sock"));
    }
    make_way(path).await?;
    let bound = (|| {
        let socket = UnixSocket::new_stream()?;
        socket.bind(path)?;
        let file = SocketFile::at(path)?;
        // Nobody can connect before it listens, so nobody slips in before this.
        fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE))?;
        Ok((socket.listen(BACKLOG)?, file))
    })();
    bound.map_err(|error: io::Error| {
        let failure =
            Failure::new(format!("can't listen on the Unix socket `{}`", path.display())).caused_by(&error);
        match error.kind() {
            io::ErrorKind::NotFound => {
                failure.hint("create the folder it is to be in, or choose another path")
            }
            io::ErrorKind::PermissionDenied => {
                failure.hint("choose a folder that the server's user may write to")
            }
            _ => failure.hint("choose a path in a local folder, such as /run/pkgctl.sock"),
        }
    })
}

/// Removes what a server that was killed has left behind, and nothing else.
async fn make_way(path: &Path) -> Result<(), Failure> {
    let Ok(there) = fs::symlink_metadata(path) else {
        // Absent; should it be unreadable instead, binding says so.
        return Ok(());
    };
    if !there.file_type().is_socket() {
        return Err(
            Failure::new(format!("`{}` is there already, and is no socket", path.display()))
                .hint("choose another path for --socket, or move that away"),
        );
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            debug!(socket = %path.display(), "nobody listens there any more; removed");
            fs::remove_file(path).map_err(|error| {
                Failure::new(format!("can't remove the old socket `{}`", path.display()))
                    .caused_by(&error)
                    .hint("remove it, or choose another path for --socket")
            })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // Whoever takes connections, or has no time for one, or doesn't let us in, is alive.
        _ => Err(Failure::new(format!(
            "another program listens on the Unix socket `{}`",
            path.display()
        ))
        .hint("stop it, or choose another path with --socket")),
    }
}

fn adopt(handed_over: HandedOver) -> Result<Vec<Listener>, Failure> {
    let sockets = handed_over.0.into_iter().map(|socket| match socket {
        Inherited::Tcp(socket) => {
            socket.set_nonblocking(true)?;
            TcpListener::from_std(socket).map(Listener::Tcp)
        }
        Inherited::Unix(socket) => {
            socket.set_nonblocking(true)?;
            UnixListener::from_std(socket).map(Listener::Unix)
        }
    });
    sockets.collect::<io::Result<_>>().map_err(|error| {
        Failure::new("can't use a socket that was handed over (LISTEN_FDS)").caused_by(&error)
    })
}

fn address(socket: &Listener, has_tls: bool) -> Result<String, Failure> {
    let scheme = if has_tls { "https" } else { "http" };
    let address = match socket {
        Listener::Tcp(socket) => socket.local_addr().map(|address| format!("{scheme}://{address}")),
        Listener::Unix(socket) => socket.local_addr().map(|address| match address.as_pathname() {
            Some(path) => format!("unix:{}", path.display()),
            None => "a Unix socket without a path".to_owned(),
        }),
    };
    address.map_err(|error| Failure::new("can't tell the address that was bound").caused_by(&error))
}

/// The file of a Unix socket; removed with this value, unless it is another socket's by then.
pub(super) struct SocketFile {
    path: PathBuf,
    identity: Identity,
}

/// Tells a file from one that takes its place, even where the number of the old one is used again.
type Identity = (u64, i64, i64);

impl SocketFile {
    fn at(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            identity: identity(path)?,
        })
    }
}

fn identity(path: &Path) -> io::Result<Identity> {
    let there = fs::symlink_metadata(path)?;
    Ok((there.ino(), there.mtime(), there.mtime_nsec()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = identity(&self.path).is_ok_and(|there| there == self.identity);
        if is_ours && let Err(error) = fs::remove_file(&self.path) {
            debug!(socket = %self.path.display(), %error, "can't remove the socket");
        }
    }
}

impl fmt::Debug for HandedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandedOver({} sockets)", self.0.len())
    }
}
