//! The sockets that clients come to.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::tls::Tls;

/// Where clients come to, and how is spoken with them.
#[derive(Debug)]
pub struct Listeners {
    /// The sockets; connections of all count against one limit.
    pub sockets: Vec<Listener>,
    /// For what comes over TCP; `None` speaks plain HTTP there. Over Unix sockets it is always spoken in the open.
    pub tls: Option<Arc<Tls>>,
}

/// A socket that clients come to.
#[derive(Debug)]
pub enum Listener {
    /// Over the network.
    Tcp(TcpListener),
    /// From this machine.
    Unix(UnixListener),
}

/// A connection that has just come.
pub(super) enum Stream {
    /// With the address it came from.
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Listener {
    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok(Stream::Tcp(stream, peer))
            }
            Self::Unix(listener) => listener.accept().await.map(|(stream, _)| Stream::Unix(stream)),
        }
    }

    /// The address that every connection comes to; `None` where each may come to another one.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener
                .local_addr()
                .ok()
                .filter(|address| !address.ip().is_unspecified()),
            Self::Unix(_) => None,
        }
    }
}
