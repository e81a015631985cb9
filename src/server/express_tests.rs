//! What is taken in front of the routes, and that it is answered as a route would.

use super::*;

#[test]
fn only_plain_addresses_are_taken() {
    for (path, asked) in [
        ("/simple/", Some(Asked::Page(None))),
        ("/simple/lib/", Some(Asked::Page(Some("lib")))),
        ("/packages/lib-1.0.tar.gz", Some(Asked::File("lib-1.0.tar.gz"))),
        (
            "/packages/a/lib-1.0.tar.gz",
            Some(Asked::File("a/lib-1.0.tar.gz")),
        ),
        ("/packages/", None),
        ("/simple/lib", None),
        ("/simple", None),
        ("/simple/l%69b/", None),
        ("/packages/lib%2D1.0.tar.gz", None),
        ("/+simple/lib/", None),
        ("/", None),
        ("", None),
    ] {
        assert_eq!(Asked::of(path), asked, "{path}");
    }
}
