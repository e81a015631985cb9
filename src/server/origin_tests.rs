//! The client's view of this server, from sound and from hostile requests.

use axum::http::{HeaderValue, Request};
use proptest::prelude::*;

use super::super::proxies::TrustedProxies;
use super::*;

const BOUND: &str = "192.0.2.10:8080";

fn origin_over(arrival: Arrival, target: &str, headers: &[(&'static str, &str)]) -> String {
    let mut request = Request::get(target).body(()).unwrap();
    for (name, value) in headers {
        request
            .headers_mut()
            .append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    request.extensions_mut().insert(arrival);
    Origin::of(&request.into_parts().0).to_string()
}

fn arrival(peer: &str, scheme: Scheme) -> Arrival {
    let proxies = Arc::new(TrustedProxies::parse(["10.0.0.0/8"]).unwrap());
    Arrival::over_tcp(peer.parse().unwrap(), BOUND.parse().unwrap(), scheme, &proxies)
}

/// From a trusted proxy that speaks plain HTTP.
fn proxied(headers: &[(&'static str, &str)]) -> String {
    origin_over(arrival("10.0.0.1:4711", Scheme::Http), "/simple/", headers)
}

fn direct(headers: &[(&'static str, &str)]) -> String {
    origin_over(arrival("203.0.113.7:4711", Scheme::Http), "/simple/", headers)
}

#[test]
fn without_a_proxy_it_is_what_the_request_says() {
    assert_eq!(direct(&[("host", "packages.example")]), "http://packages.example");
    assert_eq!(
        direct(&[("host", "Packages.Example:8080")]),
        "http://packages.example:8080"
    );
    assert_eq!(direct(&[("host", "[2001:DB8::1]:80")]), "http://[2001:db8::1]");
    let tls = || arrival("203.0.113.7:4711", Scheme::Https);
    assert_eq!(
        origin_over(tls(), "/", &[("host", "x.example:443")]),
        "https://x.example"
    );
    assert_eq!(
        origin_over(tls(), "/", &[("host", "x.example:80")]),
        "https://x.example:80"
    );
    // HTTP/2, and requests in absolute form: the target's own host counts (RFC 9112, section 3.2.2).
    assert_eq!(
        origin_over(tls(), "https://a.example/simple/", &[("host", "b.example")]),
        "https://a.example"
    );
}

#[test]
fn hosts_that_are_none_are_passed_over() {
    let bound = format!("http://{BOUND}");
    assert_eq!(direct(&[]), bound);
    for bad in [
        "",
        "user:secret@x.example",
        "x.example:",
        "x.example:0",
        "x.example:99999",
        "x.example:+80",
        "x.example/path",
        "x example",
        "x.exam\tple",
        "\"><script>",
        "[::1",
        "[::1]x",
        "[nonsense]:80",
        "[fe80::1%25eth0]",
        "...",
        "ä.example",
        "x,y",
        &"x".repeat(254),
    ] {
        assert_eq!(direct(&[("host", bad)]), bound, "{bad}");
        let told = [("host", "good.example"), ("x-forwarded-host", bad)];
        if !["x.example/path", "x,y"].contains(&bad) {
            assert_eq!(proxied(&told), "http://good.example", "{bad}");
        }
    }
    let unix = Arrival::over_unix_socket(&Arc::new(TrustedProxies::none()));
    assert_eq!(origin_over(unix, "/", &[]), "http://localhost");
}

#[test]
fn a_trusted_proxy_is_believed() {
    let told = [
        ("host", "127.0.0.1:8080"),
        ("x-forwarded-proto", "HTTPS"),
        ("x-forwarded-host", "packages.example"),
        ("x-forwarded-prefix", "/team/pypi/"),
    ];
    assert_eq!(proxied(&told), "https://packages.example/team/pypi");
    assert_eq!(
        proxied(&[("host", "x"), ("x-forwarded-host", "a.example/pypi")]),
        "http://a.example/pypi"
    );
    assert_eq!(
        proxied(&[("forwarded", "for=1.2.3.4;proto=https;host=a.example")]),
        "https://a.example"
    );
    let unix = Arrival::over_unix_socket(&Arc::new(TrustedProxies::none()));
    assert_eq!(
        origin_over(unix, "/", &told),
        "https://packages.example/team/pypi"
    );
}

#[test]
fn anybody_else_is_not() {
    let told = [
        ("host", "good.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-prefix", "/evil"),
        ("forwarded", "proto=https;host=evil.example"),
    ];
    assert_eq!(direct(&told), "http://good.example");
}

#[test]
fn prefixes_lead_nowhere_else() {
    let with = |prefix: &str| proxied(&[("host", "x"), ("x-forwarded-prefix", prefix)]);
    for (sound, expected) in [
        ("/a", "/a"),
        ("/a/b-c.d_e~f/", "/a/b-c.d_e~f"),
        ("/", ""),
        ("", ""),
    ] {
        assert_eq!(with(sound), format!("http://x{expected}"), "{sound}");
    }
    for bad in [
        "a",
        "//evil.example",
        "/a//b",
        "/..",
        "/a/../b",
        "/.",
        "/a b",
        "/a?b",
        "/a#b",
        "/%2e%2e",
        "/\"",
        "/<script>",
        "/\\evil",
        "https://evil.example",
        &format!("/{}", "x".repeat(2000)),
    ] {
        assert_eq!(with(bad), "http://x", "{bad}");
    }
}

#[test]
fn a_path_behind_the_host_is_the_prefix() {
    let arrival = arrival("10.0.0.1:1", Scheme::Http);
    let mut request = Request::get("/").header("x-forwarded-host", "a.example/pypi");
    request.extensions_mut().unwrap().insert(arrival);
    let origin = Origin::of(&request.body(()).unwrap().into_parts().0);
    assert_eq!(
        (origin.scheme(), origin.authority(), origin.prefix()),
        (Scheme::Http, "a.example", "/pypi")
    );
}

proptest! {
    /// Whatever is sent, what comes out is a URL with a host and without anything but a path behind it.
    #[test]
    fn an_origin_is_always_a_plain_url(host in "[ -~]{0,40}", prefix in "[ -~]{0,40}", scheme in "[ -~]{0,8}") {
        let told = [
            ("host", host.as_str()),
            ("x-forwarded-host", host.as_str()),
            ("x-forwarded-prefix", prefix.as_str()),
            ("x-forwarded-proto", scheme.as_str()),
        ];
        let origin = proxied(&told);
        prop_assert!(origin.starts_with("http") && !origin.ends_with('/'));
        prop_assert!(origin.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+@/:[]".contains(&byte)));
        let url = url::Url::parse(&format!("{origin}/simple/"));
        // Not every name is one to a URL library, which looks closer at numbers (`1.2.3.999`) and at `xn--`.
        if let Ok(url) = url {
            prop_assert!(url.username().is_empty() && url.password().is_none());
            prop_assert!(url.query().is_none() && url.fragment().is_none());
            prop_assert!(url.path().ends_with("/simple/"));
        }
    }
}
