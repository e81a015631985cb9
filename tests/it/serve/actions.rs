//! What a form may ask for: removals as pypiserver has them, steps of the past, and everything that is neither.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use base64::Engine as _;

use crate::support::distributions::{sdist, wheel};
use crate::support::http::{Reply, get, request};
use crate::support::pypiserver::Pypiserver;
use crate::support::upload::{Form, form_for, upload};
use crate::support::{Server, Testbed, tools};

const JSON: [(&str, &str); 1] = [("Accept", "application/vnd.pypi.simple.v1+json")];
const URLENCODED: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// A server that everybody may upload to and remove from, on the folders of these names.
fn open_server(folders: &[&str], flags: &[&str]) -> (Testbed, Server) {
    let testbed = Testbed::new();
    let mut arguments: Vec<OsString> = ["-P", ".", "-a", "."].iter().map(Into::into).collect();
    arguments.extend(flags.iter().map(Into::into));
    for folder in folders {
        let folder = testbed.path(folder);
        fs::create_dir_all(&folder).unwrap();
        arguments.push(folder.into());
    }
    let server = testbed.serve(arguments);
    (testbed, server)
}

fn remove_form(name: &str, version: &str) -> Form {
    Form::default()
        .field(":action", "remove_pkg")
        .field("name", name)
        .field("version", version)
}

fn remove(server: &Server, name: &str, version: &str) -> Reply {
    remove_form(name, version).post(&server.url, &[])
}

fn listed(server: &Server, project: &str) -> Vec<String> {
    let page = get(&server.url, &format!("/simple/{project}/"), &JSON)
        .expect(200)
        .json();
    let files = page["files"].as_array().unwrap();
    files
        .iter()
        .map(|file| file["filename"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_removed_release_is_gone_from_all_folders_and_pages() {
    let (testbed, server) = open_server(&["one", "two"], &[]);
    let first = wheel("my_lib", "1.0").build();
    upload(&server.url, &first).expect(200);
    upload(&server.url, &sdist("my_lib", "1.0").build()).expect(200);
    upload(&server.url, &wheel("my_lib", "2.0").build()).expect(200);
    // Hidden behind the first folder's, nested, and under another spelling.
    let hidden = wheel("my_lib", "1.0").padding(10, 1).build();
    hidden.write_into(testbed.path("two"));
    sdist("my_lib", "1.0")
        .filename("My.Lib-1.0.zip")
        .build()
        .write_into(testbed.path("two/deep/er"));
    testbed.write(&format!("two/{}.asc", hidden.filename), "x");
    assert_eq!(listed(&server, "my-lib").len(), 4);

    let reply = remove(&server, "My.LIB", "1.0.0").expect(200);
    assert_eq!(reply.text(), "");
    assert_eq!(listed(&server, "my-lib"), ["my_lib-2.0-py3-none-any.whl"]);
    for gone in [
        format!("one/{}", first.filename),
        "one/my_lib-1.0.tar.gz".to_owned(),
        format!("two/{}", first.filename),
        format!("two/{}.asc", first.filename),
        "two/deep/er/My.Lib-1.0.zip".to_owned(),
    ] {
        assert!(!testbed.path(&gone).exists(), "{gone}");
    }
    get(&server.url, &format!("/packages/{}", first.filename), &[]).expect(404);
    remove(&server, "my-lib", "1.0").expect(404);
    server.wait_for_log("removed");

    // The name comes back with its own bytes only.
    let again = upload(&server.url, &wheel("my_lib", "1.0").padding(3, 3).build()).expect(409);
    assert!(again.text().contains("was removed"), "{}", again.text());
    upload(&server.url, &first).expect(200);
    assert_eq!(listed(&server, "my-lib").len(), 2);
}

/// Nobody has asked for the copied-in file before it goes, so nothing of it was known.
#[test]
fn a_file_that_was_never_read_does_not_come_back_with_other_bytes() {
    let (testbed, server) = open_server(&["one"], &[]);
    let file = wheel("lib", "1.0").build();
    file.write_into(testbed.path("one"));
    remove(&server, "lib", "1.0").expect(200);
    upload(&server.url, &wheel("lib", "1.0").padding(3, 3).build()).expect(409);
    upload(&server.url, &file).expect(200);
}

#[test]
fn with_overwrite_a_removed_name_is_free() {
    let (_testbed, server) = open_server(&["one"], &["--overwrite"]);
    upload(&server.url, &wheel("lib", "1.0").build()).expect(200);
    remove(&server, "lib", "1.0").expect(200);
    upload(&server.url, &wheel("lib", "1.0").padding(3, 3).build()).expect(200);
}

#[test]
fn a_removal_that_says_too_little_or_too_much_removes_nothing() {
    let (_testbed, server) = open_server(&["one"], &[]);
    upload(&server.url, &wheel("lib", "1.0").build()).expect(200);
    let action = || Form::default().field(":action", "remove_pkg");
    for (form, status, says) in [
        (action(), 400, "the field `name` is missing"),
        (
            action().field("name", "lib"),
            400,
            "the field `version` is missing",
        ),
        (
            action().field("version", "1.0"),
            400,
            "the field `name` is missing",
        ),
        (
            remove_form("lib", ""),
            400,
            "`remove_pkg` needs `name` and `version`",
        ),
        (remove_form("lib", "UNKNOWN"), 400, "the field `version`"),
        (remove_form("../lib", "1.0"), 400, "the field `name` is not valid"),
        (
            remove_form("lib", "1.0").field("version", "2.0"),
            400,
            "given twice",
        ),
        (
            remove_form("lib", "2.0"),
            404,
            "project `lib` has no release `2.0` on this index",
        ),
        (remove_form("other", "1.0"), 404, "project `other` has no release"),
        (remove_form("lib", "*"), 404, "has no release `*`"),
        (remove_form("lib", "1"), 200, ""),
    ] {
        let reply = form.post(&server.url, &[]).expect(status);
        assert!(reply.text().contains(says), "{}", reply.text());
    }
    assert!(listed(&server, "lib").is_empty());
}

/// A script for pypiserver knows a wheel with a build tag by version and tag.
#[test]
fn a_build_tag_may_stand_behind_the_version() {
    let (_testbed, server) = open_server(&["one"], &[]);
    upload(&server.url, &wheel("lib", "217").tags("55-py3-none-any").build()).expect(200);
    upload(&server.url, &wheel("lib", "217").tags("56-py3-none-any").build()).expect(200);
    remove(&server, "lib", "217-55").expect(200);
    assert_eq!(listed(&server, "lib"), ["lib-217-56-py3-none-any.whl"]);
}

#[test]
fn legacy_files_can_be_removed_too() {
    let (testbed, server) = open_server(&["one"], &[]);
    testbed.write("one/Foo-1.0-py2.7.egg", "an egg");
    testbed.write("one/foo-2004d.tar.gz", "an sdist");
    remove(&server, "foo", "1.0").expect(200);
    remove(&server, "foo", "2004d").expect(200);
    assert!(listed(&server, "foo").is_empty());
    assert!(!testbed.path("one/Foo-1.0-py2.7.egg").exists());
}

// G9
#[test]
fn only_who_may_upload_may_remove() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    wheel("lib", "1.0").build().write_into(&folder);
    // `openssl passwd -apr1 -salt saltsalt secret`
    let passwords = testbed.write("htpasswd", "alice:$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0\n");
    let server = testbed.serve(["-P".as_ref(), passwords.as_os_str(), folder.as_os_str()]);
    let form = remove_form("lib", "1.0");
    assert!(
        form.post(&server.url, &[])
            .expect(401)
            .header("www-authenticate")
            .starts_with("Basic")
    );
    let basic = |text: &str| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text));
    form.post(&server.url, &[("Authorization", &basic("alice:wrong"))])
        .expect(401);
    let body = b":action=remove_pkg&name=lib&version=1.0";
    request(&server.url, "POST", "/", &[URLENCODED], body).expect(401);
    assert_eq!(listed(&server, "lib").len(), 1);
    form.post(&server.url, &[("Authorization", &basic("alice:secret"))])
        .expect(200);
    assert!(listed(&server, "lib").is_empty());
    assert!(server.log().contains("user=\"alice\""), "{}", server.log());
}

#[test]
fn a_read_only_folder_keeps_its_files_and_nothing_is_half_removed() {
    let testbed = Testbed::new();
    let (one, two) = (testbed.path("one"), testbed.path("two"));
    let first = wheel("lib", "1.0").build();
    first.write_into(&one);
    sdist("lib", "1.0").build().write_into(&two);
    let mine = |path: &PathBuf| std::os::unix::fs::chown(path, Some(65534), Some(65534));
    if rustix::process::geteuid().is_root() {
        mine(&one).unwrap();
    }
    fs::set_permissions(&two, fs::Permissions::from_mode(0o555)).unwrap();
    let arguments = ["serve", "--host", "127.0.0.1", "-p", "0", "-P", ".", "-a", "."];
    let mut arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
    arguments.extend([one.clone().into(), two.clone().into()]);
    let Some(command) = testbed.pkgctl_without_rights(arguments) else {
        return;
    };
    let server = Server::start(command);
    let reply = remove(&server, "lib", "1.0").expect(503);
    assert!(
        reply
            .text()
            .starts_with("nothing was removed, because `lib-1.0.tar.gz` can't be"),
        "{}",
        reply.text()
    );
    assert_eq!(listed(&server, "lib").len(), 2);
    // Within a folder that can be written to, one that can't: what went is gone, and both are told.
    sdist("lib", "2.0").build().write_into(one.join("a"));
    wheel("lib", "2.0").build().write_into(one.join("b"));
    if rustix::process::geteuid().is_root() {
        mine(&one.join("b")).unwrap();
    }
    fs::set_permissions(one.join("a"), fs::Permissions::from_mode(0o555)).unwrap();
    let reply = remove(&server, "lib", "2.0").expect(503);
    assert!(
        reply.text().starts_with(
            "`a/lib-2.0.tar.gz` can't be removed, so the release is gone in part: \
             `b/lib-2.0-py3-none-any.whl` removed, `a/lib-2.0.tar.gz` still there"
        ),
        "{}",
        reply.text()
    );
    assert_eq!(
        listed(&server, "lib"),
        ["lib-1.0-py3-none-any.whl", "lib-1.0.tar.gz", "lib-2.0.tar.gz"]
    );
    for folder in [two, one.join("a")] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn urlencoded_forms_are_taken_for_what_has_no_file() {
    let (_testbed, server) = open_server(&["one"], &[]);
    let post = |body: &str| request(&server.url, "POST", "/", &[URLENCODED], body.as_bytes());
    upload(&server.url, &wheel("my_lib", "1.0+corp.1").build()).expect(200);
    for action in ["submit", "submit_pkg_info", "verify"] {
        let reply = post(&format!("%3Aaction={action}&name=whatever+it+is&version=")).expect(200);
        assert_eq!(reply.text(), "");
    }
    let reply = post(":action=file_upload&content=x").expect(400);
    assert!(reply.text().contains("the form has no file"), "{}", reply.text());
    assert!(
        post("name=my_lib&version=1.0")
            .expect(400)
            .text()
            .contains("`:action`")
    );
    post(":action=remove_pkg&name=my_lib").expect(400);
    post("version=1.0%2Bcorp.1&name=My_Lib&:action=remove_pkg").expect(200);
    assert!(listed(&server, "my-lib").is_empty());
    // As much as pypiserver takes, and not more.
    let long = |bytes: usize| format!(":action=verify&description={}", "x".repeat(bytes - 27));
    post(&long(100 << 10)).expect(200);
    let reply = post(&long((100 << 10) + 1)).expect(413);
    assert!(reply.text().contains("multipart/form-data"), "{}", reply.text());
    post(&long(5 << 20)).expect(413);
}

// A15
#[test]
fn what_is_not_known_is_answered_with_what_is() {
    let (_testbed, server) = open_server(&["one"], &[]);
    for form in [
        Form::default(),
        Form::default().field("name", "x"),
        Form::default().field(":action", ""),
        Form::default().field(":action", "list_packages"),
        Form::default().field(":action", "user"),
        Form::default().field(":action", "FILE_UPLOAD"),
        Form::default().field(":Action", "verify"),
    ] {
        let reply = form.post(&server.url, &[]).expect(400);
        for known in [
            "file_upload",
            "remove_pkg",
            "submit",
            "submit_pkg_info",
            "verify",
            "doc_upload",
        ] {
            assert!(reply.text().contains(&format!("`{known}`")), "{}", reply.text());
        }
    }
    let docs = Form::default()
        .field(":action", "doc_upload")
        .field("name", "lib")
        .file("content", "docs.zip", b"PK");
    let reply = docs.post(&server.url, &[]).expect(410);
    assert!(
        reply.text().contains("keeps no documentation"),
        "{}",
        reply.text()
    );
    assert!(
        reply.reason.contains("keeps no documentation"),
        "{}",
        reply.reason
    );
    // Steps of the past ask for nothing, so nothing in them can be wrong.
    Form::default()
        .field(":action", "verify")
        .field("name", "not a name")
        .field("filetype", "bdist_dumb")
        .field("sha256_digest", "x")
        .post(&server.url, &[])
        .expect(200);
}

/// The same requests to the real pypiserver: the status codes that its scripts rely on.
#[test]
fn removals_are_answered_as_pypiserver_answers_them() {
    let Ok(pypiserver) = tools::pypiserver() else {
        return;
    };
    let testbed = Testbed::new();
    let (ours, theirs) = (testbed.path("ours"), testbed.path("theirs"));
    let files = [
        wheel("lib", "1.0").build(),
        sdist("lib", "1.0").build(),
        wheel("lib", "217").tags("55-py3-none-any").build(),
        sdist("lib", "2.0").build(),
    ];
    for file in &files {
        file.write_into(&ours);
        file.write_into(&theirs);
    }
    let open = ["-P", ".", "-a", "."];
    let theirs_text = theirs.to_str().unwrap().to_owned();
    let pypiserver = Pypiserver::start(
        &pypiserver,
        &testbed,
        &[&open[..], &[theirs_text.as_str()]].concat(),
    );
    let mut arguments: Vec<OsString> = open.iter().map(Into::into).collect();
    arguments.push(ours.clone().into());
    let server = testbed.serve(arguments);
    let content_type = Form::content_type();
    let multipart = ("Content-Type", content_type.as_str());
    let requests: Vec<((&str, &str), Vec<u8>)> = vec![
        (multipart, remove_form("lib", "3.0").body()),
        (multipart, remove_form("nothing", "1.0").body()),
        (multipart, remove_form("lib", "").body()),
        (URLENCODED, b":action=remove_pkg&name=lib".to_vec()),
        (URLENCODED, b":action=remove_pkg&name=lib&version=1.0".to_vec()),
        (URLENCODED, b":action=remove_pkg&name=lib&version=1.0".to_vec()),
        (multipart, remove_form("lib", "217-55").body()),
        (multipart, remove_form("lib", "217-55").body()),
        (URLENCODED, b":action=submit&name=lib".to_vec()),
        (URLENCODED, b":action=explode".to_vec()),
        (URLENCODED, b"name=lib".to_vec()),
        (
            URLENCODED,
            format!(":action=verify&a={}", "x".repeat(200_000)).into_bytes(),
        ),
    ];
    for (content_type, body) in requests {
        let theirs = request(&pypiserver.url, "POST", "/", &[content_type], &body);
        let ours = request(&server.url, "POST", "/", &[content_type], &body);
        let shown = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
        assert_eq!(ours.status, theirs.status, "{shown}: {}", ours.text());
        if theirs.status == 200 {
            assert_eq!(ours.text(), theirs.text(), "{shown}");
        }
    }
    let left = |folder: &PathBuf| {
        let names = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let mut names: Vec<OsString> = names.filter(|name| name != ".pkgctl").collect();
        names.sort();
        names
    };
    assert_eq!(left(&ours), left(&theirs));
    let again = form_for(&files[0]).post(&server.url, &[]);
    again.expect(200);
}
