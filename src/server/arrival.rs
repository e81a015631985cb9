//! How a connection came: from whom, over what, and whether its word about others is taken.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::http::HeaderMap;

use super::extract::Client;
use super::forwarded::{Told, Way};
use super::origin::Scheme;
use super::proxies::TrustedProxies;

/// How a connection came; each of its requests carries it. Cloning is cheap.
#[derive(Debug, Clone)]
pub(super) struct Arrival(Arc<Facts>);

#[derive(Debug)]
struct Facts {
    /// The other end. Whoever reaches a Unix socket is on this machine, and has no other address.
    peer: IpAddr,
    /// The networks whose word is taken, when the peer is in one of them.
    proxies: Option<Arc<TrustedProxies>>,
    scheme: Scheme,
    /// Our end; `None` for a Unix socket.
    bound: Option<SocketAddr>,
}

impl Arrival {
    /// A connection over TCP from `peer` to `bound`.
    pub(super) fn over_tcp(
        peer: SocketAddr,
        bound: SocketAddr,
        scheme: Scheme,
        proxies: &Arc<TrustedProxies>,
    ) -> Self {
        // A client that reaches an IPv6 socket by IPv4 is the same client.
        let peer = peer.ip().to_canonical();
        Self(Arc::new(Facts {
            peer,
            proxies: proxies.trust(peer).then(|| Arc::clone(proxies)),
            scheme,
            bound: Some(bound),
        }))
    }

    /// A connection over a Unix socket. Only who may write to the socket gets there, so it is trusted as a proxy.
    pub(super) fn over_unix_socket(proxies: &Arc<TrustedProxies>) -> Self {
        Self(Arc::new(Facts {
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
            proxies: Some(Arc::clone(proxies)),
            scheme: Scheme::Http,
            bound: None,
        }))
    }

    /// What a request has that came over no connection.
    pub(super) fn without_socket() -> Self {
        Self(Arc::new(Facts {
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
            proxies: None,
            scheme: Scheme::Http,
            bound: None,
        }))
    }

    /// The other end of the connection, be it a proxy.
    pub(super) fn peer(&self) -> IpAddr {
        self.0.peer
    }

    /// How the other end of the connection speaks to us.
    pub(super) fn scheme(&self) -> Scheme {
        self.0.scheme
    }

    /// Who sent the request with these headers.
    pub(super) fn client(&self, headers: &HeaderMap) -> Client {
        Client(self.way(headers).map_or(self.0.peer, |way| way.client))
    }

    /// What trusted proxies say that the client asked for.
    pub(super) fn told(&self, headers: &HeaderMap) -> Told {
        self.way(headers).map(|way| way.told(headers)).unwrap_or_default()
    }

    fn way(&self, headers: &HeaderMap) -> Option<Way> {
        let proxies = self.0.proxies.as_deref()?;
        Some(Way::back_from(self.0.peer, headers, proxies))
    }

    /// The address that the connection came to, as it stands in a URL.
    pub(super) fn bound_authority(&self) -> Arc<str> {
        match self.0.bound {
            Some(bound) => SocketAddr::new(bound.ip().to_canonical(), bound.port())
                .to_string()
                .into(),
            None => "localhost".into(),
        }
    }
}
