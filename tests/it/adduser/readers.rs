//! The same file for everybody: what `adduser` writes is read by Apache's htpasswd, nginx, passlib (so a real
//! pypiserver) and `pkgctl serve`; what they write is read by `pkgctl`.

use base64::Engine as _;

use crate::support::http::get;
use crate::support::nginx::Nginx;
use crate::support::pypiserver::Pypiserver;
use crate::support::{Outcome, Testbed, debian, tools};

/// With what makes trouble: spaces, colons, quotes, letters beyond ASCII.
const PASSWORD: &str = "it's: caf\u{e9} 50% $1$ \"x\"";

/// Each scheme that is written, with flags that keep the tests quick.
const SCHEMES: [(&str, &[&str]); 5] = [
    ("bcrypt", &["--cost=5"]),
    ("sha512", &["--sha512-crypt", "--rounds=1000"]),
    ("sha512-more", &["--sha512-crypt", "--rounds=20000"]),
    ("sha256", &["-2", "--rounds=5000"]),
    ("sha1", &["--sha1"]),
];

/// A password file with a user for each scheme, who is named after it.
fn written_by_us() -> Testbed {
    let bed = Testbed::new();
    for (user, flags) in SCHEMES {
        let mut command = bed.pkgctl(["adduser", "-f", "users", "-i", user]);
        Outcome::with_input(command.args(flags), PASSWORD).expect_code(0);
    }
    bed
}

fn status(server: &str, path: &str, user: &str, password: &str) -> u16 {
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    get(server, path, &[("Authorization", &format!("Basic {encoded}"))]).status
}

/// The text behind the colon in the line of a user.
fn stored(bed: &Testbed, user: &str) -> String {
    let content = bed.read("users");
    let mut lines = content.lines().filter_map(|line| line.split_once(':'));
    lines.find(|line| line.0 == user).unwrap().1.to_owned()
}

#[test]
fn apache_reads_what_is_written() {
    let Ok(htpasswd) = debian::htpasswd() else { return };
    let bed = written_by_us();
    for (user, _) in SCHEMES {
        for (password, code) in [(PASSWORD, 0), ("wrong", 3), ("", 3)] {
            let mut command = htpasswd.command(&bed);
            Outcome::of(command.args(["-vb", "users", user, password])).expect_code(code);
        }
    }
}

#[test]
fn nginx_reads_what_is_written() {
    let Ok(nginx) = debian::nginx() else { return };
    let bed = written_by_us();
    let nginx = Nginx::start(&nginx, &bed, &bed.path("users"));
    for (user, _) in SCHEMES {
        let answers =
            [PASSWORD, "wrong", &stored(&bed, user)].map(|password| status(&nginx.url, "/", user, password));
        assert_eq!(answers, [200, 401, 401], "{user}");
    }
}

#[test]
fn pypiserver_reads_what_is_written() {
    let Ok(pypiserver) = tools::pypiserver() else {
        return;
    };
    let bed = written_by_us();
    std::fs::create_dir(bed.path("folder")).unwrap();
    let arguments = ["-P", "users", "-a", "list", "folder"];
    let server = Pypiserver::start(&pypiserver, &bed, &arguments);
    for (user, _) in SCHEMES {
        let answers = [PASSWORD, "wrong", &stored(&bed, user)]
            .map(|password| status(&server.url, "/simple/", user, password));
        // Its 403 is what others answer 401.
        assert_eq!(answers, [200, 403, 403], "{user}");
    }
}

#[test]
fn the_server_reads_what_is_written() {
    let bed = written_by_us();
    bed.run_with_input(["adduser", "-f", "users", "-i", "argon2", "--argon2"], PASSWORD)
        .expect_code(0);
    std::fs::create_dir(bed.path("folder")).unwrap();
    let server = bed.serve(["-P", "users", "-a", "list", "folder"]);
    for user in SCHEMES.map(|scheme| scheme.0).into_iter().chain(["argon2"]) {
        let answers = [PASSWORD, "wrong", &stored(&bed, user)]
            .map(|password| status(&server.url, "/simple/", user, password));
        assert_eq!(answers, [200, 401, 401], "{user}");
    }
}

#[test]
fn the_reference_implementation_reads_our_argon2() {
    let Ok(passlib) = tools::passlib() else { return };
    let bed = Testbed::new();
    bed.run_with_input(["adduser", "-f", "users", "-i", "alice", "--argon2"], PASSWORD)
        .expect_code(0);
    let script = "import sys, argon2; argon2.PasswordHasher().verify(sys.argv[1], sys.argv[2])";
    let mut command = passlib.python(&bed);
    Outcome::of(command.args(["-c", script, &stored(&bed, "alice"), PASSWORD])).expect_code(0);
}

/// Each user of `users` gets in with the password, and with nothing else; by `--verify` and by the server.
#[track_caller]
fn assert_lets_in(bed: &Testbed, users: &[(&str, &str)]) {
    std::fs::create_dir(bed.path("folder")).unwrap();
    let arguments = ["-P", "users", "-a", "list", "--allow-weak-passwords", "folder"];
    let server = bed.serve(arguments);
    for (user, password) in users {
        let verify = |password: &str| {
            let arguments = ["adduser", "-f", "users", "--verify", "-i", user];
            bed.run_with_input(arguments, password)
        };
        verify(password).expect_code(0);
        verify("wrong").expect_code(1);
        let hash = stored(bed, user);
        let answers =
            [password, "wrong", &hash].map(|password| status(&server.url, "/simple/", user, password));
        // A line in plain text is the password.
        let by_its_text = if hash == *password { 200 } else { 401 };
        assert_eq!(answers, [200, 401, by_its_text], "{user}");
    }
}

#[test]
fn what_apache_writes_is_read() {
    let Ok(htpasswd) = debian::htpasswd() else { return };
    let bed = Testbed::new();
    bed.write("users", "");
    let users = [
        ("bcrypt", &["-B", "-C", "6"][..], PASSWORD),
        ("apr1", &["-m"], PASSWORD),
        ("sha1", &["-s"], PASSWORD),
        ("sha256", &["-2"], PASSWORD),
        ("sha512", &["-5", "-r", "7000"], PASSWORD),
        ("des", &["-d"], "8 chars."),
        ("plain", &["-p"], "in plain sight"),
    ];
    for (user, flags, password) in users {
        let mut command = htpasswd.command(&bed);
        Outcome::of(command.arg("-b").args(flags).args(["users", user, password])).expect_code(0);
    }
    assert_lets_in(&bed, &users.map(|(user, _, password)| (user, password)));
}

#[test]
fn what_passlib_writes_is_read() {
    let Ok(passlib) = tools::passlib() else { return };
    let bed = Testbed::new();
    let script = r#"
import sys
from passlib import hash
password = sys.argv[1]
file = open("users", "w")
for scheme, settings in [
    ("bcrypt", dict(rounds=5)), ("apr_md5_crypt", {}), ("md5_crypt", {}), ("md5_crypt", dict(salt="")),
    ("ldap_sha1", {}), ("ldap_salted_sha1", {}), ("ldap_salted_sha1", dict(salt_size=16)),
    ("sha256_crypt", {}), ("sha256_crypt", dict(rounds=5000)), ("sha512_crypt", {}), ("sha512_crypt", dict(rounds=1000)),
    ("argon2", {}), ("argon2", dict(type="I", memory_cost=512, rounds=3)), ("des_crypt", {}),
]:
    made = getattr(hash, scheme).using(**settings).hash(password[:8] if scheme == "des_crypt" else password)
    name = scheme + "".join("-%s" % value for value in settings.values())
    print("%s:%s" % (name, made), file=file)
    print(name)
"#;
    let outcome = Outcome::of(passlib.python(&bed).args(["-c", script, PASSWORD])).expect_code(0);
    // DES crypt looks at seven bits of eight bytes.
    let eight_bytes = &PASSWORD.as_bytes()[..8];
    let eight_bytes = std::str::from_utf8(eight_bytes).unwrap();
    let users: Vec<(&str, &str)> = outcome
        .stdout
        .lines()
        .map(|name| match name {
            "des_crypt" => (name, eight_bytes),
            _ => (name, PASSWORD),
        })
        .collect();
    assert_eq!(users.len(), 14);
    assert_lets_in(&bed, &users);
}
