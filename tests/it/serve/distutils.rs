//! Uploads by distutils, the oldest client there is: its forms, and itself.

use super::forms::{open_server, stored};
use crate::support::distributions::{Distribution, sdist};
use crate::support::http::{Reply, request};
use crate::support::{Outcome, Server};

/// `setup.py upload` as distutils wrote it: an empty line first, and a field for everything.
fn distutils_upload(server: &Server, file: &Distribution) -> Reply {
    const BOUNDARY: &str = "--------------GHSKFJDLGDS7543FJKLFHRE75642756743254";
    let mut body = Vec::new();
    for (name, value) in [
        (":action", "file_upload"),
        ("protocol_version", "1"),
        ("name", "lib"),
        ("version", "1.0"),
        ("filetype", "sdist"),
        ("pyversion", ""),
        ("md5_digest", ""),
        ("metadata_version", "1.0"),
        ("summary", "UNKNOWN"),
        ("comment", ""),
    ] {
        body.extend(
            format!("\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}")
                .bytes(),
        );
    }
    let head = format!(
        "\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{}\"\r\n\r\n",
        file.filename
    );
    body.extend(head.bytes());
    body.extend(&file.bytes);
    body.extend(format!("\r\n--{BOUNDARY}--\r\n").bytes());
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    request(
        &server.url,
        "POST",
        "/",
        &[("Content-type", &content_type)],
        &body,
    )
}

#[test]
fn the_forms_of_distutils_are_taken() {
    let (testbed, server) = open_server();
    let file = sdist("lib", "1.0").build();
    distutils_upload(&server, &file).expect(200);
    assert_eq!(stored(&testbed), [file.filename]);
    // `setup.py register` ends its lines with a bare newline.
    for action in ["verify", "submit"] {
        let body = format!(
            "\n--XX\nContent-Disposition: form-data; name=\":action\"\n\n{action}\
             \n--XX\nContent-Disposition: form-data; name=\"description\"\n\none\ntwo\r\n\
             \n--XX--\n"
        );
        let content_type = ("Content-type", "multipart/form-data; boundary=XX; charset=utf-8");
        request(&server.url, "POST", "/", &[content_type], body.as_bytes()).expect(200);
    }
}

/// The real distutils, where this machine's Python still has it.
#[test]
fn the_real_distutils_registers_and_uploads() {
    let (testbed, server) = open_server();
    let python = |arguments: &[&str]| {
        let mut command = testbed.program("python3");
        command
            .args(["-W", "ignore"])
            .args(arguments)
            .env("SETUPTOOLS_USE_DISTUTILS", "stdlib");
        Outcome::of(&mut command)
    };
    if python(&[
        "-c",
        "import distutils.command.upload, distutils.command.register",
    ])
    .code
        != Some(0)
    {
        eprintln!("skipped: this Python has no distutils");
        return;
    }
    testbed.write(
        ".pypirc",
        format!(
            "[distutils]\nindex-servers = ours\n\n[ours]\nrepository = {}/\nusername = a\npassword = b\n",
            server.url
        ),
    );
    testbed.write("lib.py", "x = 1\n");
    testbed.write(
        "setup.py",
        "from distutils.core import setup\nsetup(name='lib', version='1.0', py_modules=['lib'], url='https://example.org', author='a', author_email='a@example.org')\n",
    );
    let outcome = python(&[
        "setup.py", "register", "-r", "ours", "sdist", "upload", "-r", "ours",
    ])
    .expect_code(0);
    assert!(
        outcome.stdout.contains("Server response (200)"),
        "{}{}",
        outcome.stdout,
        outcome.stderr
    );
    assert_eq!(stored(&testbed), ["lib-1.0.tar.gz"]);
}
