//! Detached PGP signatures: sent with an upload or copied in, linked as the standard says, gone with their file.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::distributions::{Distribution, sdist, wheel};
use crate::support::http::{Reply, get};
use crate::support::upload::{Form, form_for, upload};
use crate::support::{Outcome, Server, Testbed, tools};

const JSON: [(&str, &str); 1] = [("Accept", "application/vnd.pypi.simple.v1+json")];

fn open_server(flags: &[&str]) -> (Testbed, Server) {
    let testbed = Testbed::new();
    fs::create_dir_all(testbed.path("packages")).unwrap();
    let mut arguments: Vec<OsString> = ["-P", ".", "-a", "."].iter().map(Into::into).collect();
    arguments.extend(flags.iter().map(Into::into));
    arguments.push(testbed.path("packages").into());
    let server = testbed.serve(arguments);
    (testbed, server)
}

/// Looks like a signature; `text` tells two apart.
fn armored(text: &str) -> String {
    format!("-----BEGIN PGP SIGNATURE-----\n\n{text}\n-----END PGP SIGNATURE-----\n")
}

fn signed(file: &Distribution, signature: &str) -> Form {
    form_for(file).file(
        "gpg_signature",
        &format!("{}.asc", file.filename),
        signature.as_bytes(),
    )
}

fn signature_of(server: &Server, file: &Distribution) -> Reply {
    get(&server.url, &format!("/packages/{}.asc", file.filename), &[])
}

/// `gpg-sig` of each file of the project, by name.
fn marks(server: &Server, project: &str) -> Vec<(String, Option<bool>)> {
    let page = get(&server.url, &format!("/simple/{project}/"), &JSON)
        .expect(200)
        .json();
    let files = page["files"].as_array().unwrap();
    files
        .iter()
        .map(|file| {
            let name = file["filename"].as_str().unwrap().to_owned();
            (name, file["gpg-sig"].as_bool())
        })
        .collect()
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".pkgctl")
        .collect();
    names.sort();
    names
}

#[test]
fn a_signature_is_stored_served_and_linked_on_every_link() {
    let (testbed, server) = open_server(&[]);
    let file = wheel("lib", "1.0").build();
    let signature = armored("one");
    signed(&file, &signature).post(&server.url, &[]).expect(200);
    upload(&server.url, &sdist("lib", "1.0").build()).expect(200);
    upload(&server.url, &wheel("plain", "1.0").build()).expect(200);

    let stored = testbed.path("packages").join(format!("{}.asc", file.filename));
    assert_eq!(fs::read_to_string(stored).unwrap(), signature);
    let served = signature_of(&server, &file).expect(200);
    assert_eq!(served.text(), signature);
    assert_eq!(served.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(served.header("cache-control"), "no-cache");
    let known = [("If-None-Match", served.header("etag"))];
    get(&server.url, &format!("/packages/{}.asc", file.filename), &known).expect(304);

    assert_eq!(
        marks(&server, "lib"),
        [
            ("lib-1.0-py3-none-any.whl".to_owned(), Some(true)),
            ("lib-1.0.tar.gz".to_owned(), Some(false))
        ]
    );
    assert_eq!(
        marks(&server, "plain"),
        [("plain-1.0-py3-none-any.whl".to_owned(), None)]
    );
    let html = get(&server.url, "/simple/lib/", &[]).expect(200).text();
    assert_eq!(html.matches("data-gpg-sig=\"true\"").count(), 1, "{html}");
    assert_eq!(html.matches("data-gpg-sig=\"false\"").count(), 1, "{html}");
    assert!(!html.contains(".asc"), "{html}");
    let html = get(&server.url, "/simple/plain/", &[]).expect(200).text();
    assert!(!html.contains("data-gpg-sig"), "{html}");
    for missing in [
        "lib-1.0.tar.gz.asc",
        "nothing-1.0.tar.gz.asc",
        ".asc",
        "lib-1.0-py3-none-any.whl.asc.asc",
    ] {
        get(&server.url, &format!("/packages/{missing}"), &[]).expect(404);
    }
}

#[test]
fn a_signature_may_come_before_the_file_and_in_binary() {
    let (_testbed, server) = open_server(&[]);
    let file = wheel("lib", "1.0").build();
    let signature = b"\x88\x75\x04\x00\x16\x08\x00\x1d";
    let form = Form::default()
        .file("gpg_signature", &format!("{}.asc", file.filename), signature)
        .file("content", &file.filename, &file.bytes)
        .field(":action", "file_upload");
    form.post(&server.url, &[]).expect(200);
    assert_eq!(signature_of(&server, &file).expect(200).body, signature);
}

#[test]
fn signatures_that_are_none_or_another_file_s_are_refused_with_the_upload() {
    let (testbed, server) = open_server(&[]);
    let file = wheel("lib", "1.0").build();
    let name = format!("{}.asc", file.filename);
    let good = armored("one");
    let long = armored(&"x".repeat(64 << 10));
    let with =
        |name: &str, signature: &str| form_for(&file).file("gpg_signature", name, signature.as_bytes());
    for (form, status, says) in [
        (
            with("other-1.0-py3-none-any.whl.asc", &good),
            400,
            "must be named `lib-1.0-py3-none-any.whl.asc`",
        ),
        (with(&file.filename, &good), 400, "must be named"),
        (
            with("../lib-1.0-py3-none-any.whl.asc", &good),
            400,
            "must be named",
        ),
        (with(&name, "not a signature"), 400, "gpg --detach-sign --armor"),
        (
            with(&name, &good.replace("SIGNATURE", "MESSAGE")),
            400,
            "detached PGP signature",
        ),
        (with(&name, &long), 413, "`gpg_signature` is longer than"),
        (
            with(&name, &good).file("gpg_signature", &name, good.as_bytes()),
            400,
            "two signatures",
        ),
        (
            form_for(&file).field("gpg_signature", &good),
            400,
            "`gpg_signature` is text",
        ),
    ] {
        let reply = form.post(&server.url, &[]).expect(status);
        assert!(reply.text().contains(says), "{}", reply.text());
        assert!(names_in(&testbed.path("packages")).is_empty());
    }
    // Left empty, as a browser sends a field that nobody has filled in.
    with("", "").post(&server.url, &[]).expect(200);
    assert_eq!(names_in(&testbed.path("packages")), [file.filename]);
}

#[test]
fn a_signed_upload_that_is_refused_leaves_no_signature() {
    let (testbed, server) = open_server(&[]);
    let broken = Distribution {
        bytes: b"no archive".to_vec(),
        ..wheel("lib", "1.0").build()
    };
    signed(&broken, &armored("one"))
        .post(&server.url, &[])
        .expect(400);
    // Something in the way, found only when the file is to be put in place.
    let file = wheel("lib", "2.0").build();
    fs::create_dir(testbed.path("packages").join(&file.filename)).unwrap();
    signed(&file, &armored("two")).post(&server.url, &[]).expect(409);
    assert_eq!(names_in(&testbed.path("packages")), [file.filename]);
}

#[test]
fn a_repeated_upload_brings_a_missing_signature_and_keeps_a_known_one() {
    let (_testbed, server) = open_server(&[]);
    let file = wheel("lib", "1.0").build();
    upload(&server.url, &file).expect(200);
    assert_eq!(marks(&server, "lib")[0].1, None);
    signed(&file, &armored("one")).post(&server.url, &[]).expect(200);
    assert_eq!(marks(&server, "lib")[0].1, Some(true));
    // A job that is run again signs anew; the bytes are the same, so that is no conflict.
    signed(&file, &armored("two")).post(&server.url, &[]).expect(200);
    assert_eq!(signature_of(&server, &file).expect(200).text(), armored("one"));
    let other = wheel("lib", "1.0").padding(9, 9).build();
    signed(&other, &armored("three"))
        .post(&server.url, &[])
        .expect(409);
    assert_eq!(signature_of(&server, &file).expect(200).text(), armored("one"));
}

#[test]
fn with_overwrite_a_signature_never_outlives_its_bytes() {
    let (testbed, server) = open_server(&["--overwrite"]);
    let file = wheel("lib", "1.0").build();
    let other = wheel("lib", "1.0").padding(9, 9).build();
    signed(&file, &armored("one")).post(&server.url, &[]).expect(200);
    signed(&file, &armored("again"))
        .post(&server.url, &[])
        .expect(200);
    assert_eq!(signature_of(&server, &file).expect(200).text(), armored("again"));
    upload(&server.url, &other).expect(200);
    signature_of(&server, &file).expect(404);
    assert_eq!(marks(&server, "lib")[0].1, None);
    assert_eq!(
        names_in(&testbed.path("packages")),
        std::slice::from_ref(&file.filename)
    );
    signed(&file, &armored("two")).post(&server.url, &[]).expect(200);
    assert_eq!(signature_of(&server, &file).expect(200).text(), armored("two"));
}

#[test]
fn signatures_that_people_put_and_take_are_in_the_next_answer() {
    let (testbed, server) = open_server(&[]);
    let folder = testbed.path("packages");
    let file = wheel("lib", "1.0").build();
    file.write_into(folder.join("team"));
    let path = format!("/packages/team/{}.asc", file.filename);
    let signature = folder.join("team").join(format!("{}.asc", file.filename));
    for round in 0..10 {
        assert_eq!(marks(&server, "lib")[0].1, None, "round {round}");
        get(&server.url, &path, &[]).expect(404);
        fs::write(&signature, armored(&format!("round {round}"))).unwrap();
        assert_eq!(marks(&server, "lib")[0].1, Some(true), "round {round}");
        fs::write(&signature, armored(&format!("ROUND {round}"))).unwrap();
        let served = get(&server.url, &path, &[]).expect(200);
        assert_eq!(served.text(), armored(&format!("ROUND {round}")));
        fs::remove_file(&signature).unwrap();
    }
    // With the folder, and for a file that comes later.
    fs::write(&signature, armored("kept")).unwrap();
    fs::rename(folder.join("team"), folder.join("crew")).unwrap();
    get(&server.url, &format!("/packages/crew/{}.asc", file.filename), &[]).expect(200);
    get(&server.url, &path, &[]).expect(404);
    testbed.write("packages/late-1.0.tar.gz.asc", armored("early"));
    get(&server.url, "/packages/late-1.0.tar.gz.asc", &[]).expect(404);
    sdist("late", "1.0").build().write_into(&folder);
    get(&server.url, "/packages/late-1.0.tar.gz.asc", &[]).expect(200);
    assert_eq!(marks(&server, "late")[0].1, Some(true));
}

#[test]
fn signatures_that_were_there_before_are_known_from_the_start() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    let file = wheel("lib", "1.0").build();
    file.write_into(&folder);
    testbed.write(&format!("packages/{}.asc", file.filename), armored("one"));
    testbed.write("packages/README.md.asc", "no signature of a distribution");
    let mut server = testbed.serve([&folder]);
    assert_eq!(marks(&server, "lib")[0].1, Some(true));
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    fs::remove_file(folder.join(format!("{}.asc", file.filename))).unwrap();
    let server = testbed.serve([&folder]);
    assert_eq!(marks(&server, "lib")[0].1, None);
}

#[test]
fn attestations_are_taken_and_neither_kept_nor_claimed() {
    let (testbed, server) = open_server(&[]);
    let file = wheel("lib", "1.0").build();
    for attestations in ["[]", "[{\"version\": 1}]", "not even JSON", ""] {
        form_for(&file)
            .field("attestations", attestations)
            .post(&server.url, &[])
            .expect(200);
    }
    form_for(&file)
        .field("attestations", &"x".repeat(3 << 20))
        .post(&server.url, &[])
        .expect(200);
    let too_long = form_for(&file).field("attestations", &"x".repeat((4 << 20) + 1));
    too_long.post(&server.url, &[]).expect(413);
    let page = get(&server.url, "/simple/lib/", &JSON).expect(200).text();
    assert!(!page.contains("provenance"), "{page}");
    assert!(
        !get(&server.url, "/simple/lib/", &[])
            .text()
            .contains("provenance")
    );
    assert_eq!(names_in(&testbed.path("packages")), [file.filename]);
}

/// twine with its own `--sign` and a key made for the occasion: what comes down verifies.
#[test]
fn twine_signs_and_gpg_verifies_what_is_served() {
    let Ok(twine) = tools::twine() else { return };
    let (testbed, server) = open_server(&[]);
    let folder = testbed.path("dist");
    let file = wheel("lib", "1.0").build();
    let path = file.write_into(&folder);
    let key = "--quick-generate-key --batch --passphrase= --pinentry-mode=loopback builder@example.org ed25519 sign";
    let made = gpg(&testbed).args(key.split(' ')).output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("skipped: there is no gpg that makes keys");
        return;
    }
    let mut upload = twine.command(&testbed);
    upload
        .env("GNUPGHOME", testbed.path("gnupg"))
        .args([
            "upload",
            "--sign",
            "--non-interactive",
            "-u",
            "a",
            "-p",
            "b",
            "--repository-url",
        ])
        .arg(&server.url)
        .arg(&path);
    Outcome::of(&mut upload).expect_code(0);
    assert_eq!(marks(&server, "lib")[0].1, Some(true));
    let served = signature_of(&server, &file).expect(200);
    let downloaded = testbed.write("downloaded.asc", &served.body);
    let mut verify = gpg(&testbed);
    verify.arg("--verify").arg(downloaded).arg(&path);
    Outcome::of(&mut verify).expect_code(0);
    let _ = Command::new("gpgconf")
        .env("GNUPGHOME", testbed.path("gnupg"))
        .args(["--kill", "all"])
        .output();
}

fn gpg(testbed: &Testbed) -> Command {
    use std::os::unix::fs::PermissionsExt as _;
    let home = testbed.path("gnupg");
    fs::create_dir_all(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = testbed.program("gpg");
    command.env("GNUPGHOME", home);
    command
}
