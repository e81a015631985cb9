//! Words to the service manager: systemd's protocol of `NOTIFY_SOCKET`, one datagram for each.

use std::ffi::OsStr;
use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use tracing::debug;

use crate::config::Environment;

/// Tells the service manager how the server is, where there is one that listens.
#[derive(Debug, Clone)]
pub(super) struct ServiceManager {
    address: Option<SocketAddr>,
}

impl ServiceManager {
    /// Finds it by `NOTIFY_SOCKET`. An address that can't be one is passed over: it is no reason not to serve.
    pub(super) fn find(environment: &Environment) -> Self {
        let address = environment
            .var_os("NOTIFY_SOCKET")
            .and_then(|name| address_of(name).ok());
        Self { address }
    }

    /// Requests are being served.
    pub(super) fn ready(&self) {
        self.tell("READY=1");
    }

    /// No new connections are taken.
    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    fn tell(&self, state: &str) {
        let Some(address) = &self.address else { return };
        let told = UnixDatagram::unbound().and_then(|socket| {
            // A service manager that does not read must not stop the server.
            socket.set_nonblocking(true)?;
            socket.send_to_addr(state.as_bytes(), address)
        });
        if let Err(error) = told {
            debug!(%error, "can't tell the service manager {state}");
        }
    }
}

/// A path, or a name in Linux's abstract namespace with an `@` in front.
fn address_of(name: &OsStr) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt as _;
        use std::os::unix::ffi::OsStrExt as _;
        if let Some(name) = name.as_bytes().strip_prefix(b"@") {
            return SocketAddr::from_abstract_name(name);
        }
    }
    SocketAddr::from_pathname(name)
}
