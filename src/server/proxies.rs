//! Whose word about the way of a request is taken.

use std::net::IpAddr;

use ipnet::IpNet;

/// The networks of proxies that are believed when they say where a request came from and what it asked for.
///
/// Believing everybody would let each client choose the address that is logged and counted against, and the host that
/// others are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProxies(Box<[IpNet]>);

/// A network that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Neither an address nor a network.
    #[error("`{0}` is neither an address nor a network")]
    Malformed(String),
    /// `none` beside networks.
    #[error("`none` stands beside other networks")]
    NotAlone,
}

impl TrustedProxies {
    /// Reads addresses (`192.0.2.1`), networks (`10.0.0.0/8`), or `none` alone. A network may be written with any of
    /// its addresses.
    ///
    /// # Errors
    /// A text is none of these, or `none` is not alone.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, NetworkError> {
        let mut networks = Vec::new();
        let mut is_none = false;
        for text in texts.into_iter().map(str::trim).filter(|text| !text.is_empty()) {
            if text.eq_ignore_ascii_case("none") {
                is_none = true;
                continue;
            }
            let network = text
                .parse()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| NetworkError::Malformed(text.escape_debug().to_string()))?;
            networks.push(network.trunc());
        }
        if is_none && !networks.is_empty() {
            return Err(NetworkError::NotAlone);
        }
        Ok(Self(networks.into()))
    }

    /// Nobody but who comes through a Unix socket.
    #[must_use]
    pub fn none() -> Self {
        Self(Box::default())
    }

    /// Whether the address, in its canonical form, is that of a trusted proxy.
    #[must_use]
    pub fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// This machine alone.
impl Default for TrustedProxies {
    fn default() -> Self {
        let loopback = [
            IpNet::new_assert([127, 0, 0, 0].into(), 8),
            IpNet::new_assert(std::net::Ipv6Addr::LOCALHOST.into(), 128),
        ];
        Self(loopback.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(list: &str) -> Result<TrustedProxies, NetworkError> {
        TrustedProxies::parse(list.split(','))
    }

    #[test]
    fn addresses_and_networks_are_read() {
        let proxies = parse("10.1.2.3/8, 192.0.2.1,2001:db8::/32,::1").unwrap();
        for trusted in ["10.200.0.1", "192.0.2.1", "2001:db8::7", "::1"] {
            assert!(proxies.trust(trusted.parse().unwrap()), "{trusted}");
        }
        for other in ["11.0.0.1", "192.0.2.2", "2001:db9::7", "::2", "127.0.0.1"] {
            assert!(!proxies.trust(other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn the_default_is_this_machine_and_none_is_nobody() {
        for local in ["127.0.0.1", "127.9.9.9", "::1"] {
            let local = local.parse().unwrap();
            assert!(TrustedProxies::default().trust(local));
            assert!(!parse("none").unwrap().trust(local));
            assert!(!TrustedProxies::none().trust(local));
        }
        assert!(!TrustedProxies::default().trust("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_named() {
        for bad in [
            "10.0.0.0/33",
            "proxy.example",
            "10.0.0",
            "1.2.3.4/",
            "::1/129",
            "*",
        ] {
            assert_eq!(parse(bad), Err(NetworkError::Malformed(bad.to_owned())), "{bad}");
        }
        assert_eq!(parse("none,10.0.0.0/8"), Err(NetworkError::NotAlone));
    }
}
