//! The upload form in the manner of every client: which fields, in which order, under which heads.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::distributions::{Distribution, sdist, wheel, zip_of};
use crate::support::http::{self, get, request};
use crate::support::upload::{Form, form_for, upload};
use crate::support::{Server, Testbed};

const JSON: [(&str, &str); 1] = [("Accept", "application/vnd.pypi.simple.v1+json")];

pub(super) fn open_server() -> (Testbed, Server) {
    let testbed = Testbed::new();
    fs::create_dir_all(testbed.path("packages")).unwrap();
    let folder = testbed.path("packages");
    let server = testbed.serve([
        "-P".as_ref(),
        ".".as_ref(),
        "-a".as_ref(),
        ".".as_ref(),
        folder.as_os_str(),
    ]);
    (testbed, server)
}

/// Names in the packages folder and what is being received, but for the catalog.
pub(super) fn stored(testbed: &Testbed) -> Vec<String> {
    let names = |path: &str| {
        let entries = fs::read_dir(testbed.path(path)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != ".pkgctl").collect::<Vec<_>>()
    };
    let mut found = names("packages");
    found.extend(names("packages/.pkgctl/incoming"));
    found.sort();
    found
}

/// Digests by another program than ours.
fn digests(bytes: &[u8], testbed: &Testbed) -> [(&'static str, String); 3] {
    const SCRIPT: &str = "import hashlib, sys; b = open(sys.argv[1], 'rb').read(); \
        print(hashlib.md5(b).hexdigest(), hashlib.sha256(b).hexdigest(), hashlib.blake2b(b, digest_size=32).hexdigest())";
    let path = testbed.write("hashed", bytes);
    let output = testbed
        .program("python3")
        .args(["-c", SCRIPT])
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut words = text.split_whitespace().map(str::to_owned);
    ["md5_digest", "sha256_digest", "blake2_256_digest"].map(|field| (field, words.next().unwrap()))
}

/// What each client puts around the file; `CONTENT` stands for the file itself.
const CONTENT: &str = "content";

const MANNERS: [(&str, &[(&str, &str)]); 9] = [
    (
        "twine",
        &[
            ("name", "my-lib"),
            ("version", "VERSION"),
            ("filetype", "bdist_wheel"),
            ("pyversion", "py3"),
            ("metadata_version", "2.4"),
            ("summary", "A library"),
            ("home_page", ""),
            ("classifiers", "Programming Language :: Python"),
            ("classifiers", "Typing :: Typed"),
            ("comment", ""),
            ("sha256_digest", "SHA256"),
            (":action", "file_upload"),
            ("protocol_version", "1"),
            ("content", ""),
        ],
    ),
    (
        "uv",
        &[
            (":action", "file_upload"),
            ("sha256_digest", "SHA256"),
            ("protocol_version", "1"),
            ("metadata_version", "2.6"),
            ("name", "my_lib"),
            ("version", "VERSION"),
            ("filetype", "bdist_wheel"),
            ("pyversion", "py3"),
            ("requires_python", ""),
            ("description", "# long\r\n\r\n--boundary of nothing\r\n"),
            ("project_urls", "Source, https://example.org/a,b"),
            ("import_names", "my_lib"),
            ("import_namespaces", ""),
            ("provides_extra", "extra"),
            ("attestations", "[]"),
            ("content", ""),
        ],
    ),
    (
        "poetry",
        &[
            ("md5_digest", ""),
            ("name", "my-lib"),
            ("version", "VERSION"),
            ("sha256_digest", "SHA256"),
            ("filetype", "bdist_wheel"),
            ("pyversion", "py3"),
            ("requires_dist", "requests (>=2)"),
            (":action", "file_upload"),
            ("protocol_version", "1"),
            ("content", ""),
        ],
    ),
    (
        "pdm",
        &[
            ("name", "my-lib"),
            ("version", "VERSION"),
            ("filetype", "bdist_wheel"),
            ("pyversion", "py3"),
            ("provides_extras", "a"),
            ("maintainer", "UNKNOWN"),
            ("sha256_digest", "SHA256"),
            (":action", "file_upload"),
            ("protocol_version", "1"),
            ("content", ""),
        ],
    ),
    (
        "flit",
        &[
            (":action", "file_upload"),
            ("name", "my_lib"),
            ("version", "VERSION"),
            ("metadata_version", "2.4"),
            ("filetype", "bdist_wheel"),
            ("pyversion", "py3"),
            ("content", ""),
            ("protocol_version", "1"),
        ],
    ),
    (
        "hatch",
        &[
            (":action", "file_upload"),
            ("protocol_version", "1"),
            ("filetype", "bdist_wheel"),
            ("content", ""),
            ("sha256_digest", "SHA256"),
            ("pyversion", "py3"),
            ("name", "my-lib"),
            ("version", "VERSION"),
        ],
    ),
    (
        "the least that pypiserver wants",
        &[("content", ""), (":action", "file_upload")],
    ),
    (
        "all that is read, and empty",
        &[
            ("name", ""),
            ("version", " "),
            ("filetype", "UNKNOWN"),
            ("pyversion", ""),
            ("protocol_version", ""),
            ("md5_digest", ""),
            ("sha256_digest", "UNKNOWN"),
            ("blake2_256_digest", ""),
            ("comment", ""),
            ("gpg_signature", ""),
            ("content", ""),
            (":action", "file_upload"),
        ],
    ),
    (
        "everything twice, with the same values",
        &[
            (":action", "file_upload"),
            ("name", "My.Lib"),
            ("version", "VERSION"),
            ("sha256_digest", "SHA256"),
            ("content", ""),
            ("sha256_digest", "SHA256"),
            ("version", "VERSION"),
            ("name", "My.Lib"),
            (":action", "file_upload"),
        ],
    ),
];

#[test]
fn every_client_s_manner_is_understood() {
    let (testbed, server) = open_server();
    for (number, (client, fields)) in MANNERS.iter().enumerate() {
        let version = format!("1.{number}");
        let file = wheel("my_lib", &version).build();
        let form = fields.iter().fold(Form::default(), |form, (name, value)| {
            let value = value
                .replace("SHA256", &file.sha256())
                .replace("VERSION", &version);
            match *name {
                CONTENT => form.file(CONTENT, &file.filename, &file.bytes),
                name => form.field(name, &value),
            }
        });
        let reply = form.post(&server.url, &[]);
        assert_eq!(reply.status, 200, "{client}: {}", reply.text());
        let page = get(&server.url, "/simple/my-lib/", &JSON).text();
        assert!(page.contains(&file.sha256()), "{client}");
    }
    assert_eq!(stored(&testbed).len(), MANNERS.len());
}

/// Heads of parts as HTTP libraries write them.
#[test]
fn every_library_s_heads_are_understood() {
    let (_testbed, server) = open_server();
    let post = |head: &str, file: &Distribution| {
        let mut body =
            b"--XX\r\nContent-Disposition: form-data; name=\":action\"\r\n\r\nfile_upload\r\n--XX\r\n"
                .to_vec();
        body.extend(head.replace("FILE", &file.filename).as_bytes());
        body.extend(b"\r\n\r\n");
        body.extend(&file.bytes);
        body.extend(b"\r\n--XX--\r\n");
        let content_type = (
            "Content-Type",
            "multipart/form-data; charset=utf-8; boundary=\"XX\"",
        );
        request(&server.url, "POST", "/", &[content_type], &body)
    };
    for (number, head) in [
        "Content-Disposition: form-data; name=\"content\"; filename=\"FILE\"",
        "Content-Disposition: form-data; name=\"content\"; filename=\"FILE\"\r\nContent-Type: application/octet-stream",
        "content-type: application/zip\r\ncontent-disposition: form-data; filename=FILE; name=content",
        "Content-Disposition: FORM-DATA;name=content;filename=FILE;filename*=utf-8''FILE",
        "Content-Disposition: form-data; name=content; filename*=UTF-8''FILE",
        "Content-Type: image/png\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\nContent-Length: 7\r\n\
         Content-Disposition: form-data; name=\"content\"; filename=\"FILE\"; size=7",
        "X-Unknown: a:b\r\nContent-Disposition:form-data;  name=\"content\" ;\tfilename=\"FILE\"",
    ]
    .iter()
    .enumerate()
    {
        let reply = post(head, &wheel("lib", &format!("1.{number}")).build());
        assert_eq!(reply.status, 200, "{head}: {}", reply.text());
    }
    let file = wheel("lib", "9.0").build();
    for (head, says) in [
        (
            "Content-Disposition: form-data; name=content; filename=FILE; filename*=utf-8''other-1.0.zip",
            "name different files",
        ),
        (
            "Content-Disposition: form-data; name=content; filename=FILE; filename=FILE",
            "names something twice",
        ),
        (
            "Content-Disposition: form-data; name=content; filename=FILE\r\nContent-Transfer-Encoding: base64",
            "transfer encoding",
        ),
        ("Content-Type: application/zip", "no Content-Disposition"),
        (
            "Content-Disposition: attachment; name=content; filename=FILE",
            "is not `form-data",
        ),
    ] {
        let reply = post(head, &file).expect(400);
        assert!(reply.text().contains(says), "{}", reply.text());
    }
}

#[test]
fn any_subset_of_digests_may_be_given_and_each_is_checked() {
    let (testbed, server) = open_server();
    let file = wheel("lib", "1.0").build();
    let right = digests(&file.bytes, &testbed);
    for subset in 0..8_usize {
        let chosen = || {
            (0..3)
                .filter(move |bit| subset >> bit & 1 == 1)
                .map(|bit| &right[bit])
        };
        let form = chosen().fold(
            Form::default()
                .field(":action", "file_upload")
                .file(CONTENT, &file.filename, &file.bytes),
            |form, (field, value)| form.field(field, &value.to_uppercase()),
        );
        form.post(&server.url, &[]).expect(200);
        // One of them wrong, the others right.
        for (wrong, value) in chosen() {
            let mut wrong_value = value.clone();
            wrong_value.replace_range(0..1, if value.starts_with('0') { "1" } else { "0" });
            let form = chosen().fold(
                Form::default()
                    .field(":action", "file_upload")
                    .file(CONTENT, &file.filename, &file.bytes),
                |form, (field, value)| {
                    let value = if field == wrong { &wrong_value } else { value };
                    form.field(field, value)
                },
            );
            let reply = form.post(&server.url, &[]).expect(400);
            assert!(reply.text().contains(value), "{}", reply.text());
        }
    }
    // distutils sends BLAKE2b in full under the name of the short one.
    let long = "0".repeat(128);
    let reply = form_for(&file)
        .field("blake2_256_digest", &long)
        .post(&server.url, &[])
        .expect(400);
    assert!(
        reply.text().contains("the blake2b_512 digest of"),
        "{}",
        reply.text()
    );
    assert_eq!(stored(&testbed), [file.filename]);
}

#[test]
fn text_that_is_sent_as_a_file_is_refused_by_name() {
    let (testbed, server) = open_server();
    let file = wheel("lib", "1.0").build();
    for field in [
        "name",
        "version",
        "sha256_digest",
        "md5_digest",
        "blake2_256_digest",
        "protocol_version",
        "filetype",
    ] {
        let reply = form_for(&file)
            .file(field, "x.txt", b"1")
            .post(&server.url, &[])
            .expect(400);
        let says = format!("the field `{field}` is sent as a file; send it as text");
        assert_eq!(reply.text().trim_end(), says);
        assert_eq!(reply.reason, says);
    }
    assert!(stored(&testbed).is_empty());
    // Of fields that nothing is made of it doesn't matter.
    form_for(&file)
        .file("description", "README.md", b"# long")
        .file("whatever", "x", b"\xff\x00")
        .post(&server.url, &[])
        .expect(200);
}

#[test]
fn where_no_password_is_needed_any_will_do() {
    let (_testbed, server) = open_server();
    for (number, authorization) in [
        "Basic Og==",
        "Basic",
        "Basic !",
        "Basic dXNlcjpwYXNzd29yZA==",
        "Bearer x",
        "token x",
    ]
    .iter()
    .enumerate()
    {
        let file = wheel("lib", &format!("1.{number}")).build();
        let reply = form_for(&file).post(&server.url, &[("Authorization", authorization)]);
        assert_eq!(reply.status, 200, "{authorization}: {}", reply.text());
    }
}

/// One sentence, where each reader looks for it.
#[test]
fn a_refusal_reaches_twine_uv_and_a_person() {
    let (_testbed, server) = open_server();
    let file = Distribution {
        filename: "lib-1.0.tar.bz2".to_owned(),
        bytes: b"BZh9".to_vec(),
    };
    let sentence = "`lib-1.0.tar.bz2` is not taken as an upload: pack the sdist as `.tar.gz`";
    let person = upload(&server.url, &file).expect(400);
    assert_eq!(person.text(), format!("{sentence}\n"));
    assert_eq!(person.reason, sentence);
    assert_eq!(person.header("content-type"), "text/plain; charset=utf-8");
    let uv = [(
        "Accept",
        "application/json;q=0.9, text/plain;q=0.8, text/html;q=0.7",
    )];
    let uv = form_for(&file).post(&server.url, &uv).expect(400);
    assert_eq!(uv.header("content-type"), "application/problem+json");
    assert_eq!(uv.json()["detail"], sentence);
    assert_eq!(uv.reason, sentence);
}

/// The same distribution under another spelling of its name is the same distribution.
// C8
#[test]
fn the_same_bytes_under_another_spelling_are_no_conflict() {
    let (testbed, server) = open_server();
    let file = sdist("foo_bar", "1.0").build();
    upload(&server.url, &file).expect(200);
    for spelling in ["Foo_Bar-1.0.tar.gz", "foo.bar-1.0.0.tar.gz", "foo-bar-1.0.tar.gz"] {
        let again = Distribution {
            filename: spelling.to_owned(),
            ..file.clone()
        };
        let reply = upload(&server.url, &again).expect(200);
        assert_eq!(reply.header("x-pkgctl-upload"), "unchanged", "{spelling}");
        let other = Distribution {
            filename: spelling.to_owned(),
            ..sdist("foo_bar", "1.0").file("more", b"x").build()
        };
        let reply = upload(&server.url, &other).expect(409);
        let says = "already exists as `foo_bar-1.0.tar.gz` with other bytes";
        assert!(reply.text().contains(says), "{}", reply.text());
    }
    assert_eq!(stored(&testbed), [file.filename]);
}

#[test]
fn eggs_and_tgz_may_be_uploaded_when_they_are_sound() {
    let (testbed, server) = open_server();
    let pkg_info = "Metadata-Version: 1.2\nName: My-Lib\nVersion: 1.0\nRequires-Python: >=2.7\n";
    let egg = Distribution {
        filename: "My_Lib-1.0-py2.7.egg".to_owned(),
        bytes: zip_of(&[
            ("my_lib/__init__.py".to_owned(), b"".to_vec()),
            ("EGG-INFO/PKG-INFO".to_owned(), pkg_info.into()),
        ]),
    };
    form_for(&egg)
        .field("filetype", "bdist_egg")
        .field("pyversion", "2.7")
        .field("name", "My-Lib")
        .post(&server.url, &[])
        .expect(200);
    let tgz = sdist("my_lib", "1.0").filename("my_lib-1.0.tgz").build();
    upload(&server.url, &tgz).expect(200);
    let page = get(&server.url, "/simple/my-lib/", &JSON).expect(200).json();
    let files = page["files"].as_array().unwrap();
    let of = |name: &str| files.iter().find(|file| file["filename"] == name).unwrap();
    assert_eq!(of(&egg.filename)["requires-python"], ">=2.7");
    assert_eq!(of(&tgz.filename)["hashes"]["sha256"], tgz.sha256());
    let before = stored(&testbed);
    for (filename, bytes) in [
        ("other-1.0-py2.7.egg", egg.bytes.clone()),
        ("my_lib-2.0-py2.7.egg", egg.bytes.clone()),
        ("my_lib-1.0-py3.1.egg", b"an egg".to_vec()),
        ("my_lib-2.0.tgz", tgz.bytes.clone()),
        ("my_lib-1.0.win32.exe", b"MZ".to_vec()),
        ("my_lib-1.0.tar.xz", b"\xfd7zXZ".to_vec()),
        ("my_lib-1.0.linux-x86_64.tar.gz", tgz.bytes.clone()),
        ("my_lib-1.0-py3.9-evil.sh", b"#!/bin/sh".to_vec()),
        ("my_lib.zip", egg.bytes.clone()),
    ] {
        let filename = filename.to_owned();
        let reply = upload(&server.url, &Distribution { filename, bytes }).expect(400);
        assert!(
            reply.text().ends_with('\n') && reply.text().len() > 40,
            "{}",
            reply.text()
        );
    }
    assert_eq!(stored(&testbed), before);
}

/// The stages at which a client may vanish: in the file, behind it, in the signature, before the last line.
#[test]
fn a_client_that_vanishes_leaves_nothing() {
    let (testbed, server) = open_server();
    let file = wheel("lib", "1.0").padding(3 << 20, 1).build();
    let signature = b"-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n";
    let body = form_for(&file)
        .file("gpg_signature", &format!("{}.asc", file.filename), signature)
        .body();
    for is_chunked in [false, true] {
        for cut in [
            400,
            body.len() / 2,
            body.len() - 120,
            body.len() - 60,
            body.len() - 3,
        ] {
            let length = if is_chunked {
                "Transfer-Encoding: chunked".to_owned()
            } else {
                format!("Content-Length: {}", body.len())
            };
            let head = format!(
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\n{length}\r\n\r\n",
                Form::content_type()
            );
            let mut connection = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
            connection.write_all(head.as_bytes()).unwrap();
            if is_chunked {
                write!(connection, "{:x}\r\n", body.len()).unwrap();
            }
            connection.write_all(&body[..cut]).unwrap();
        }
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    while !stored(&testbed).is_empty() {
        assert!(Instant::now() < deadline, "{:?} is left", stored(&testbed));
        std::thread::sleep(Duration::from_millis(20));
    }
    get(&server.url, "/simple/", &JSON).expect(200);
    upload(&server.url, &file).expect(200);
}

/// A chunk for each byte, and the file before all fields.
// A8
#[test]
fn a_body_in_the_smallest_pieces_is_taken() {
    let (_testbed, server) = open_server();
    let file = wheel("lib", "1.0").build();
    let mut message = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nContent-Type: {}\r\n\r\n",
        Form::content_type()
    )
    .into_bytes();
    let body = Form::default()
        .file(CONTENT, &file.filename, &file.bytes)
        .field(":action", "file_upload")
        .field("sha256_digest", &file.sha256())
        .body();
    for byte in &body {
        message.extend(b"1\r\n");
        message.push(*byte);
        message.extend(b"\r\n");
    }
    message.extend(b"0\r\n\r\n");
    http::raw(&server.url, &message).expect(200);
}

// A20
#[test]
fn a_boundary_is_given_once_and_fits_a_boundary() {
    let (testbed, server) = open_server();
    let body = form_for(&wheel("lib", "1.0").build()).body();
    let right = Form::content_type();
    let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
    for content_type in [
        format!("{right}; boundary=other"),
        format!(
            "multipart/form-data; boundary=other; {}",
            right.split_once("; ").unwrap().1
        ),
        "multipart/form-data; boundary=".to_owned(),
        "multipart/form-data; boundary=\"a\r\nb\"".replace("\r\n", "\u{1}"),
        long,
    ] {
        let reply = http::request(
            &server.url,
            "POST",
            "/",
            &[("Content-Type", &content_type)],
            &body,
        );
        assert!(
            (400..500).contains(&reply.status),
            "{content_type}: {} {}",
            reply.status,
            reply.text()
        );
    }
    assert!(stored(&testbed).is_empty());
}
