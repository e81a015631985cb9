//! Every scheme against what its own tools make of passwords, and against damage.

use super::*;
use crate::auth::credentials::Secret;
use proptest::prelude::*;

fn parse(text: &str) -> Result<PasswordHash, HashProblem> {
    PasswordHash::parse(text, &Limits::default())
}

/// Published vectors: the tests of `crypt_blowfish`, the SHA-crypt specification, the tests of the Argon2 reference
/// implementation, the example of Apache's page on password formats for `{SHA}`.
const VECTORS: [(&str, &str); 11] = [
    (
        "U*U",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    ),
    (
        "U*U*",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK",
    ),
    (
        "U*U*U",
        "$2y$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a",
    ),
    ("myPassword", "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/"),
    (
        "Hello world!",
        "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
    ),
    (
        "Hello world!",
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    ),
    (
        "password",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    ),
    ("password", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="),
    ("testing123", "{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr"),
    (
        "password",
        "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
    ),
    ("password", "$1$salt$qJH7.N4xYta3aEG/dfqo/0"),
];

/// What is taken only on demand.
const WEAK: [(&str, &str, Scheme); 4] = [
    ("U*U*U*U*", "CCNf8Sbh3HDfQ", Scheme::DesCrypt),
    ("hunter2", "hunter2", Scheme::PlainText),
    ("{PLAIN}hunter2", "{PLAIN}{PLAIN}hunter2", Scheme::PlainText),
    ("p\u{e4}ss", "{PLAIN}p\u{e4}ss", Scheme::PlainText),
];

#[test]
fn published_vectors_are_right() {
    for (password, stored) in VECTORS {
        let hash = parse(stored).unwrap_or_else(|problem| panic!("{stored}: {problem}"));
        assert!(hash.verify(password.as_bytes()), "{stored}");
        assert!(!hash.verify(format!("{password}x").as_bytes()), "{stored}");
        assert!(!hash.verify(b""), "{stored}");
    }
}

// F5: passlib takes a scheme that it does not know for plain text.
#[test]
fn the_stored_text_is_never_the_password() {
    for (_, stored) in VECTORS {
        assert!(!parse(stored).unwrap().verify(stored.as_bytes()), "{stored}");
    }
}

#[test]
fn weak_schemes_are_taken_on_demand_alone() {
    let allow_weak = Limits {
        allow_weak: true,
        ..Limits::default()
    };
    for (password, stored, scheme) in WEAK {
        assert_eq!(
            parse(stored).err(),
            Some(HashProblem::TooWeak(scheme)),
            "{stored}"
        );
        let hash = PasswordHash::parse(stored, &allow_weak).unwrap();
        assert_eq!(hash.scheme(), scheme);
        assert!(hash.verify(password.as_bytes()), "{stored}");
        for wrong in ["", "U*U*U*U", "hunter", "hunter22", &format!("{password}\0")] {
            assert!(!hash.verify(wrong.as_bytes()), "{stored} {wrong:?}");
        }
    }
    // F5: the text of a line lets nobody in, but where the line is the password itself.
    let hashes = VECTORS.iter().map(|(_, stored)| *stored);
    for stored in hashes.chain(["CCNf8Sbh3HDfQ", "{PLAIN}hunter2"]) {
        let hash = PasswordHash::parse(stored, &allow_weak).unwrap();
        assert!(!hash.verify(stored.as_bytes()), "{stored}");
    }
    let foreign = [
        "$y$j9T$x$y",
        "$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
        "$pbkdf2-sha256$1$c$d",
        "{SMD5}MUFBUllMU1lNWlBITlVBTQ==",
        "{CRYPT}CCNf8Sbh3HDfQ",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8",
        "_J9..rasmBYk8r9AiWNc",
        "*",
        "!",
        "!!",
        "!$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        "*{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
    ];
    for stored in foreign {
        let parsed = PasswordHash::parse(stored, &allow_weak);
        assert_eq!(parsed.err(), Some(HashProblem::Unsupported), "{stored}");
    }
    assert!(PasswordHash::parse("!secret", &allow_weak).is_ok());
}

#[test]
fn what_openssl_makes_is_read() {
    for option in ["-apr1", "-1", "-5", "-6"] {
        for password in [
            "",
            "a",
            "correct horse battery staple",
            "caf\u{e9}",
            &"long".repeat(40),
        ] {
            let output = std::process::Command::new("openssl")
                .args(["passwd", option, password])
                .output();
            let Ok(output) = output else {
                eprintln!("skipped: there is no openssl");
                return;
            };
            let stored = String::from_utf8(output.stdout).unwrap();
            if stored.trim() == "<NULL>" {
                // OpenSSL 3.0 makes no SHA-crypt of an empty password.
                continue;
            }
            let hash = parse(stored.trim()).unwrap();
            assert!(hash.verify(password.as_bytes()), "{option} {password}");
            assert!(!hash.verify(b"another"), "{option} {password}");
        }
    }
}

const RECIPES: [Recipe; 5] = [
    Recipe::Bcrypt { cost: 4 },
    Recipe::Sha256Crypt { rounds: 1_000 },
    Recipe::Sha512Crypt { rounds: 1_000 },
    Recipe::Argon2id,
    Recipe::Sha1,
];

#[test]
fn what_is_made_is_read() {
    let secret = Secret::new("p\u{e4}ss w\u{f6}rd");
    let prefixes = [
        "$2y$04$",
        "$5$rounds=1000$",
        "$6$rounds=1000$",
        "$argon2id$v=19$",
        "{SHA}",
    ];
    for (recipe, prefix) in RECIPES.into_iter().zip(prefixes) {
        let stored = recipe.store(&secret).unwrap();
        assert!(stored.starts_with(prefix), "{stored}");
        let hash = parse(&stored).unwrap();
        assert!(hash.verify(secret.expose().as_bytes()), "{stored}");
        assert!(!hash.verify(b"another"), "{stored}");
        let again = recipe.store(&secret).unwrap();
        assert_eq!(stored == again, recipe == Recipe::Sha1, "the salt of {stored}");
    }
    assert_eq!(
        Recipe::Sha1.store(&Secret::new("password")).unwrap(),
        "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="
    );
    let defaults = Limits::default();
    assert!(DEFAULT_BCRYPT_COST <= defaults.max_bcrypt_cost);
    assert!(DEFAULT_SHA_CRYPT_ROUNDS <= defaults.max_sha_crypt_rounds);
}

// H7
#[test]
fn what_readers_would_cut_is_refused() {
    for recipe in RECIPES {
        let make = |text: &str| recipe.store(&Secret::new(text));
        let longest = match recipe {
            Recipe::Bcrypt { .. } => 72,
            _ => 4096,
        };
        assert!(make(&"x".repeat(longest)).is_ok());
        for (text, length) in [
            ("x".repeat(longest + 1), longest + 1),
            ("\u{e9}".repeat(longest / 2 + 1), longest + 2),
        ] {
            let error = make(&text).unwrap_err();
            assert!(
                matches!(error, MakeError::TooLong { bytes, max_bytes } if (bytes, max_bytes) == (length, longest)),
                "{recipe:?} {error}"
            );
        }
        assert!(matches!(make("a\0b"), Err(MakeError::Nul)));
        for text in ["a\nb", "a\rb"] {
            assert!(matches!(make(text), Err(MakeError::LineEnd)));
        }
    }
}

#[test]
fn damaged_costly_weak_and_unknown_ones_are_told_apart() {
    use HashProblem::{Malformed, TooCostly, Unsupported};
    let bcrypt = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    let sha512 = VECTORS[5].1.trim_start_matches("$6$");
    let cases = [
        (format!("$2y$05${}", &bcrypt[1..]), Malformed(Scheme::Bcrypt)),
        (format!("$2y$5${bcrypt}"), Malformed(Scheme::Bcrypt)),
        (format!("$2y$03${bcrypt}"), Malformed(Scheme::Bcrypt)),
        (format!("$2y$05${}!", &bcrypt[1..]), Malformed(Scheme::Bcrypt)),
        (
            format!("$2y$05${}\u{e9}", &bcrypt[2..]),
            Malformed(Scheme::Bcrypt),
        ),
        (format!("$2y$15${bcrypt}"), TooCostly(Scheme::Bcrypt)),
        (format!("$2x$05${bcrypt}"), Unsupported),
        ("$apr1$salt".to_owned(), Malformed(Scheme::Apr1)),
        (
            "$apr1$saltsalts$HqJZimcKQFAMYayBlzkrA/".to_owned(),
            Malformed(Scheme::Apr1),
        ),
        (
            "$1$salt$qJH7.N4xYta3aEG/dfqo/".to_owned(),
            Malformed(Scheme::Md5Crypt),
        ),
        (
            format!("$6$rounds=1000001${sha512}"),
            TooCostly(Scheme::Sha512Crypt),
        ),
        (format!("$6$rounds=999${sha512}"), Malformed(Scheme::Sha512Crypt)),
        (format!("$5${sha512}"), Malformed(Scheme::Sha256Crypt)),
        ("$argon2id$v=19$m=256".to_owned(), Malformed(Scheme::Argon2id)),
        (
            VECTORS[6].1.replace("m=256", "m=4294967295"),
            TooCostly(Scheme::Argon2id),
        ),
        (VECTORS[6].1.replace("t=2", "t=17"), TooCostly(Scheme::Argon2id)),
        (VECTORS[6].1.replace("v=19$", ""), Unsupported),
        ("{SHA}short".to_owned(), Malformed(Scheme::Sha1)),
        (
            "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=".to_owned(),
            Malformed(Scheme::SaltedSha1),
        ),
        ("$y$j9T$x$y".to_owned(), Unsupported),
    ];
    for (stored, problem) in cases {
        assert_eq!(parse(&stored).err(), Some(problem), "{stored}");
    }
}

#[test]
fn the_estimate_puts_schemes_in_the_order_of_their_cost() {
    let cost = |index: usize| parse(VECTORS[index].1).unwrap().work().estimated_micros();
    assert!(cost(0) > cost(4) && cost(4) > cost(3) && cost(3) > cost(7));
    assert!(!format!("{:?}", parse(VECTORS[0].1).unwrap()).contains("CCC"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\$2[aby]\\$|\\$apr1\\$|\\$[56]\\$(rounds=)?|\\$1\\$|\\$argon2id?\\$|\\{S?SHA\\}|)\\PC{0,90}") {
        let _ = parse(&text).map(|hash| hash.scheme());
    }
}
