//! RFC 7239's own examples, what proxies send in practice, and what an attacker puts in front of it.

use proptest::prelude::*;

use super::*;

const PROXY: &str = "10.0.0.1";

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn way(lines: &[(&'static str, &str)]) -> Way {
    let proxies = TrustedProxies::parse(["10.0.0.0/8"]).unwrap();
    Way::back_from(PROXY.parse().unwrap(), &headers(lines), &proxies)
}

fn client(lines: &[(&'static str, &str)]) -> String {
    way(lines).client.to_string()
}

fn told(lines: &[(&'static str, &str)]) -> [Option<String>; 3] {
    let told = way(lines).told(&headers(lines));
    [told.scheme, told.host, told.prefix]
}

#[test]
fn the_client_is_the_last_address_that_a_trusted_proxy_has_named() {
    for (list, expected) in [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        // Two proxies of ours.
        ("203.0.113.7, 10.0.0.2", "203.0.113.7"),
        // What the client itself sent stands left of its address.
        ("1.1.1.1, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("10.9.9.9, 203.0.113.7", "203.0.113.7"),
        // A client in a trusted network.
        ("10.0.0.3", "10.0.0.3"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        // Words that are no address: seen from there on is nothing.
        ("unknown", PROXY),
        ("1.1.1.1, unknown, 10.0.0.2", "10.0.0.2"),
        ("1.1.1.1, ä", PROXY),
        ("203.0.113.7 , ,", "203.0.113.7"),
        ("", PROXY),
        ("1.2.3.4.5", PROXY),
        ("fe80::1%eth0", PROXY),
        ("[::1", PROXY),
        ("1.1.1.1:", PROXY),
    ] {
        assert_eq!(client(&[("x-forwarded-for", list)]), expected, "{list}");
    }
    // Several headers are one list.
    let lines = [
        ("x-forwarded-for", "1.1.1.1"),
        ("x-forwarded-for", "203.0.113.7, 10.0.0.2"),
    ];
    assert_eq!(client(&lines), "203.0.113.7");
}

#[test]
fn a_chain_without_end_is_not_followed() {
    let list = format!("1.1.1.1{}", ", 10.0.0.2".repeat(1000));
    assert_eq!(client(&[("x-forwarded-for", &list)]), "10.0.0.2");
}

#[test]
fn the_standard_header_is_read_with_its_quotes() {
    for (line, expected) in [
        ("for=192.0.2.43", "192.0.2.43"),
        ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
        ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
        ("for=192.0.2.43, for=10.0.0.2", "192.0.2.43"),
        ("for=1.1.1.1,for=192.0.2.43", "192.0.2.43"),
        ("for=192.0.2.43:_port", "192.0.2.43"),
        ("for=[2001:db8::1]", "2001:db8::1"),
        ("for=\"192.0.2.43\";host=\"a,b;c=\\\"d\"", "192.0.2.43"),
        ("for=unknown", PROXY),
        ("for=_hidden, for=10.0.0.2", "10.0.0.2"),
        ("proto=https", PROXY),
        // Malformed lines are not believed at all.
        ("for=1.1.1.1\"", PROXY),
        ("for=\"1.1.1.1", PROXY),
        ("for=\"x, for=192.0.2.43", PROXY),
        ("for=\"x, for=\"192.0.2.43\"", PROXY),
        ("for=1.1.1.1;for=2.2.2.2", PROXY),
        ("for 1.1.1.1", PROXY),
        ("=1.1.1.1", PROXY),
        ("for=", PROXY),
    ] {
        assert_eq!(client(&[("forwarded", line)]), expected, "{line}");
    }
    // A line of its own that a proxy adds is not spoilt by the client's.
    let lines = [("forwarded", "for=\"x"), ("forwarded", "for=192.0.2.43")];
    assert_eq!(client(&lines), "192.0.2.43");
}

#[test]
fn the_standard_header_does_not_count_beside_the_customary_ones() {
    let lines = [
        ("forwarded", "for=1.1.1.1;host=evil.example;proto=https"),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    assert_eq!(client(&lines), "203.0.113.7");
    assert_eq!(told(&lines), [None, None, None]);
    let lines = [("forwarded", "for=1.1.1.1"), ("x-forwarded-proto", "https")];
    assert_eq!(client(&lines), PROXY);
}

#[test]
fn scheme_host_and_prefix_are_those_of_the_proxy_that_met_the_client() {
    let some = |text: &str| Some(text.to_owned());
    let replaced = [
        ("x-forwarded-for", "203.0.113.7, 10.0.0.2"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "packages.example"),
        ("x-forwarded-prefix", "/pypi"),
    ];
    assert_eq!(
        told(&replaced),
        [some("https"), some("packages.example"), some("/pypi")]
    );
    let added = [
        ("x-forwarded-for", "1.1.1.1, 203.0.113.7, 10.0.0.2"),
        ("x-forwarded-proto", "ftp, https, http"),
        ("x-forwarded-host", "evil.example, packages.example, inner"),
    ];
    assert_eq!(told(&added), [some("https"), some("packages.example"), None]);
    let standard = [(
        "forwarded",
        "for=1.1.1.1;host=evil.example, for=203.0.113.7;proto=https;host=\"packages.example:8443\", \
         for=10.0.0.2;proto=http;host=inner",
    )];
    assert_eq!(
        told(&standard),
        [some("https"), some("packages.example:8443"), None]
    );
    assert_eq!(told(&[]), [None, None, None]);
}

proptest! {
    /// Whatever a client puts in front, the address that the proxy adds behind it is the client's.
    #[test]
    fn nobody_speaks_for_another(made_up in "[ -~]{0,60}") {
        let list = format!("{made_up}, 203.0.113.7");
        prop_assert_eq!(client(&[("x-forwarded-for", &list)]), "203.0.113.7");
    }

    /// In the standard header it may spoil the line, and then counts as the proxy, but never as somebody else.
    #[test]
    fn nobody_speaks_for_another_in_the_standard_header(made_up in "[ -~]{0,60}") {
        for added in ["for=203.0.113.7", "for=\"203.0.113.7\"", "proto=https;for=\"203.0.113.7:80\";host=\"x\""] {
            let line = format!("{made_up}, {added}");
            let client = client(&[("forwarded", &line)]);
            prop_assert!([PROXY, "203.0.113.7"].contains(&client.as_str()), "{}: {}", line, client);
        }
    }

    #[test]
    fn addresses_are_read_back(address: IpAddr, port: u16) {
        let written = std::net::SocketAddr::new(address, port).to_string();
        prop_assert_eq!(node_address(&written), Some(address.to_canonical()));
        prop_assert_eq!(node_address(&address.to_string()), Some(address.to_canonical()));
    }
}
