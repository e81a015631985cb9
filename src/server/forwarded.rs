//! What proxies say about the way of a request: `X-Forwarded-*`, and `Forwarded` (RFC 7239).
//!
//! Each proxy adds its word at the right end of a list, and a client may have sent a list of its own to begin with.
//! So lists are read from the right, for as long as the one who wrote the next word is trusted; what stands further
//! left could have been made up by anybody.
//!
//! Most proxies write one family of headers and pass the other on as the client sent it. `X-Forwarded-*` is what they
//! write by far most often, so `Forwarded` counts only where no header of that family is there.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::proxies::TrustedProxies;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// More proxies than this stand before no server; whoever names more wants to keep us busy.
const MAX_HOPS: usize = 32;

/// The way of a request that came from a trusted proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    /// The client: the last address that somebody trusted has named.
    pub(super) client: IpAddr,
    /// Which word of each list, counted from its right end, was written by the proxy that met the client.
    word: usize,
}

/// What the proxies say that the client asked for. Nothing of it has been checked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// `http` or `https`, in any case.
    pub(super) scheme: Option<String>,
    /// The host, with its port, and maybe with the path below which this server is shown.
    pub(super) host: Option<String>,
    /// The path below which this server is shown.
    pub(super) prefix: Option<String>,
}

impl Way {
    /// Follows the proxies' words from `peer`, which is trusted, back to the client.
    pub(super) fn back_from(peer: IpAddr, headers: &HeaderMap, proxies: &TrustedProxies) -> Self {
        if !has_any(headers) {
            return Self {
                client: peer,
                word: 0,
            };
        }
        if speaks_x_forwarded(headers) {
            return Self::follow(peer, words(headers, &X_FORWARDED_FOR).map(node_address), proxies);
        }
        let elements = forwarded_elements(headers);
        let nodes = elements.iter().rev();
        Self::follow(
            peer,
            nodes.map(|element| node_address(element.node.as_deref()?)),
            proxies,
        )
    }

    fn follow(
        peer: IpAddr,
        from_right: impl Iterator<Item = Option<IpAddr>>,
        proxies: &TrustedProxies,
    ) -> Self {
        let mut way = Self {
            client: peer,
            word: 0,
        };
        for (word, node) in from_right.take(MAX_HOPS).enumerate() {
            way.word = word;
            // `unknown`, a name, nonsense: the one who wrote it is as far as we can see.
            let Some(node) = node else { break };
            way.client = node;
            if !proxies.trust(node) {
                break;
            }
        }
        way
    }

    /// What the proxy that met the client says it asked for.
    pub(super) fn told(self, headers: &HeaderMap) -> Told {
        // Only we know about prefixes: the standard has no word for them.
        let prefix = self.word_of(headers, &X_FORWARDED_PREFIX);
        if speaks_x_forwarded(headers) {
            return Told {
                scheme: self.word_of(headers, &X_FORWARDED_PROTO),
                host: self.word_of(headers, &X_FORWARDED_HOST),
                prefix,
            };
        }
        let mut elements = forwarded_elements(headers);
        let word = self.word.min(elements.len().saturating_sub(1));
        let (scheme, host) = match elements.len().checked_sub(word + 1) {
            Some(at) => {
                let element = elements.swap_remove(at);
                (element.scheme, element.host)
            }
            None => (None, None),
        };
        Told { scheme, host, prefix }
    }

    /// A proxy that replaces a header instead of adding to it leaves a shorter list.
    fn word_of(self, headers: &HeaderMap, name: &HeaderName) -> Option<String> {
        let nearest = words(headers, name).take(self.word + 1);
        nearest.last().map(str::to_owned)
    }
}

/// Whether there may be anything to read: cheaper to see than that there is nothing.
fn has_any(headers: &HeaderMap) -> bool {
    headers
        .keys()
        .any(|name| name == header::FORWARDED || name.as_str().starts_with("x-forwarded-"))
}

fn speaks_x_forwarded(headers: &HeaderMap) -> bool {
    [X_FORWARDED_FOR, X_FORWARDED_PROTO, X_FORWARDED_HOST]
        .iter()
        .any(|name| headers.contains_key(name))
}

/// The words of a list from its right end. Several headers of one name are one list; what is no ASCII is a word that
/// means nothing.
fn words<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .rev()
        .flat_map(|value| value.to_str().unwrap_or("?").rsplit(','))
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

/// The address in `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn node_address(node: &str) -> Option<IpAddr> {
    let is_port = |rest: &str| match rest.strip_prefix(':') {
        // RFC 7239 lets proxies hide ports behind names.
        Some(port) => !port.is_empty() && port.bytes().all(is_token_byte),
        None => rest.is_empty(),
    };
    if let Some(rest) = node.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        let address: Ipv6Addr = address.parse().ok()?;
        return is_port(rest).then(|| IpAddr::V6(address).to_canonical());
    }
    if let Ok(address) = node.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let (address, port) = node.split_at(node.find(':')?);
    let address = address.parse().ok().map(IpAddr::V4)?;
    is_port(port).then_some(address)
}

/// What one proxy has added to `Forwarded`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Element {
    node: Option<String>,
    scheme: Option<String>,
    host: Option<String>,
}

/// The elements of `Forwarded`, in their order. A line that is malformed gives one element that says nothing: with a
/// quote that is never closed a client could swallow what proxies add behind it.
fn forwarded_elements(headers: &HeaderMap) -> Vec<Element> {
    let lines = headers.get_all(header::FORWARDED).iter();
    lines
        .flat_map(|line| read_forwarded(line).unwrap_or_else(|| vec![Element::default()]))
        .collect()
}

/// Reads `for=192.0.2.43;proto=https, for="[2001:db8::1]"`; `None` when it is malformed.
fn read_forwarded(line: &HeaderValue) -> Option<Vec<Element>> {
    let mut rest = line.to_str().ok()?.trim_start();
    let mut elements = Vec::new();
    let mut element = Element::default();
    let mut has_pairs = false;
    while !rest.is_empty() {
        match rest.as_bytes()[0] {
            b',' => {
                if std::mem::take(&mut has_pairs) {
                    elements.push(std::mem::take(&mut element));
                }
                rest = rest[1..].trim_start();
                continue;
            }
            b';' => {
                rest = rest[1..].trim_start();
                continue;
            }
            _ => {}
        }
        let (name, value, behind) = pair(rest)?;
        has_pairs = true;
        let slot = match name.to_ascii_lowercase().as_str() {
            "for" => Some(&mut element.node),
            "proto" => Some(&mut element.scheme),
            "host" => Some(&mut element.host),
            _ => None,
        };
        // Each name may occur once in an element.
        if slot.is_some_and(|slot| slot.replace(value).is_some()) {
            return None;
        }
        rest = behind.trim_start();
        if !rest.is_empty() && !rest.starts_with([',', ';']) {
            return None;
        }
    }
    if has_pairs {
        elements.push(element);
    }
    Some(elements)
}

/// Takes `name=value` or `name="value"` off the front.
fn pair(text: &str) -> Option<(&str, String, &str)> {
    let token_of = |text: &str| text.bytes().take_while(|byte| is_token_byte(*byte)).count();
    let (name, rest) = text.split_at(token_of(text));
    let rest = rest.strip_prefix('=')?;
    if name.is_empty() {
        return None;
    }
    let Some(quoted) = rest.strip_prefix('"') else {
        let (value, rest) = rest.split_at(token_of(rest));
        return (!value.is_empty()).then(|| (name, value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((name, value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// RFC 9110, section 5.6.2. Colons and brackets are not among them, but some proxies forget the quotes around
/// addresses, and nothing else is meant by them.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:[]".contains(&byte)
}

#[cfg(test)]
#[path = "forwarded_tests.rs"]
mod tests;
