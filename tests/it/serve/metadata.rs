//! Metadata of files that were copied in, however old, new or broken they are: no page breaks, and what is served beside
//! a wheel is what the wheel holds.

use std::fs;

use serde_json::Value;

use crate::support::distributions::{Builder, Distribution, sdist, wheel};
use crate::support::http::get;
use crate::support::upload::upload;
use crate::support::{Server, Testbed};

const JSON: [(&str, &str); 1] = [("Accept", "application/vnd.pypi.simple.v1+json")];

fn file_on_page(server: &Server, project: &str, filename: &str) -> Value {
    let page = get(&server.url, &format!("/simple/{project}/"), &JSON)
        .expect(200)
        .json();
    let files = page["files"].as_array().unwrap();
    files
        .iter()
        .find(|file| file["filename"] == filename)
        .unwrap()
        .clone()
}

fn wheel_with(number: usize, metadata: impl AsRef<[u8]>) -> Builder {
    wheel("lib", &format!("1.{number}")).metadata(metadata)
}

/// The headers that make a wheel of that number one, below a metadata version.
fn headers(metadata_version: &str, number: usize) -> String {
    format!("Metadata-Version: {metadata_version}\nName: lib\nVersion: 1.{number}\nRequires-Python: >=3.8\n")
}

#[test]
fn every_format_of_metadata_is_served_as_it_is() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    let server = {
        fs::create_dir_all(&folder).unwrap();
        testbed.serve([
            "-P".as_ref(),
            ".".as_ref(),
            "-a".as_ref(),
            ".".as_ref(),
            folder.as_os_str(),
        ])
    };
    let versions = [
        "1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.9",
    ];
    for (number, version) in versions.iter().enumerate() {
        let metadata = format!(
            "{}Import-Name: lib\nDynamic: Summary\nDefault-Extra: x\nX-Of-Tomorrow: yes\n\
             Description: one\n       |\n       |  two\nLicense-File: LICENSE\n",
            headers(version, number)
        );
        let file = wheel_with(number, &metadata).build();
        if number % 2 == 0 {
            upload(&server.url, &file).expect(200);
        } else {
            file.write_into(&folder);
        }
        let listed = file_on_page(&server, "lib", &file.filename);
        assert_eq!(listed["requires-python"], ">=3.8", "{version}");
        let served = get(&server.url, &format!("/packages/{}.metadata", file.filename), &[]).expect(200);
        assert_eq!(served.text(), metadata);
        assert_eq!(
            listed["core-metadata"]["sha256"],
            crate::support::distributions::sha256(metadata.as_bytes())
        );
    }
}

// C10
#[test]
fn broken_metadata_break_no_page() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    let head = |number: usize| headers("2.1", number);
    // What it holds, whether METADATA may stand beside the wheel, and the Python requirement that is shown.
    let cases: Vec<(Vec<u8>, bool, Option<&str>)> = vec![
        (
            [head(0).as_bytes(), b"Author: J\xf6rg\n"].concat(),
            true,
            Some(">=3.8"),
        ),
        (format!("\u{feff}{}", head(1)).into(), true, Some(">=3.8")),
        (
            head(2).replace("Metadata-Version: 2.1\n", "").into(),
            true,
            Some(">=3.8"),
        ),
        (head(3).replace("2.1", "3.0").into(), true, Some(">=3.8")),
        (head(4).replace(">=3.8", "<script>").into(), true, None),
        (head(5).replace(">=3.8", "UNKNOWN").into(), true, None),
        (
            [head(6).as_bytes(), b"Name: lib\nRequires-Python: <2\n"].concat(),
            true,
            Some(">=3.8"),
        ),
        (
            [head(7).as_bytes(), b"Summary: a\0b\n"].concat(),
            true,
            Some(">=3.8"),
        ),
        (head(8).replace('\n', "\r\n").into(), true, Some(">=3.8")),
        (head(9).replace("Name: lib\n", "").into(), false, Some(">=3.8")),
        (
            head(10).replace("Name: lib", "Name: other").into(),
            false,
            Some(">=3.8"),
        ),
        (b"".to_vec(), false, None),
        (b"\xff\xfe\x00\x01".to_vec(), false, None),
        (format!("\n{}", head(13)).into(), false, None),
    ];
    let mut files: Vec<(Distribution, Vec<u8>, bool, Option<&str>)> = Vec::new();
    for (number, (metadata, is_served, requires_python)) in cases.into_iter().enumerate() {
        let file = wheel_with(number, &metadata).build();
        file.write_into(&folder);
        files.push((file, metadata, is_served, requires_python));
    }
    let whole = wheel_with(90, head(90)).build();
    let cut = Distribution {
        filename: whole.filename,
        bytes: whole.bytes[..whole.bytes.len() - 5].to_vec(),
    };
    cut.write_into(&folder);
    files.push((cut, Vec::new(), false, None));
    let server = testbed.serve([&folder]);
    for (file, metadata, is_served, requires_python) in &files {
        let listed = file_on_page(&server, "lib", &file.filename);
        assert_eq!(listed["hashes"]["sha256"], file.sha256());
        assert_eq!(
            listed["requires-python"].as_str(),
            *requires_python,
            "{}",
            file.filename
        );
        let path = format!("/packages/{}", file.filename);
        assert!(get(&server.url, &path, &[]).expect(200).body == file.bytes);
        let served = get(&server.url, &format!("{path}.metadata"), &[]);
        if *is_served {
            assert!(served.expect(200).body == *metadata, "{}", file.filename);
            assert!(listed["core-metadata"]["sha256"].is_string());
        } else {
            assert_eq!(served.status, 404, "{}", file.filename);
            assert_eq!(listed["core-metadata"], false);
        }
    }
    let html = get(&server.url, "/simple/lib/", &[]).expect(200).text();
    assert_eq!(html.matches("<a href").count(), files.len());
    assert_eq!(html.matches("data-core-metadata").count(), 9);
    for (file, _, is_served, _) in &files {
        let says = format!("file={}", file.filename);
        let told = server.log().lines().filter(|line| line.contains(&says)).count();
        assert_eq!(told, usize::from(!is_served), "{says}: {}", server.log());
    }
}

/// What pip would install is no reason to hide what an sdist says.
#[test]
fn sdists_that_no_upload_may_be_still_tell_their_python_requirement() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    let pkg_info = "Metadata-Version: 1.1\nName: lib\nVersion: 1.0\nRequires-Python: >=3.7\n\n";
    // Two members of one name: an upload would be refused, tar and pip take the last one.
    sdist("lib", "1.0")
        .metadata(pkg_info)
        .file("setup.py", b"1")
        .file("setup.py", b"2")
        .build()
        .write_into(&folder);
    sdist("lib", "1.0")
        .metadata(pkg_info)
        .filename("lib-1.0.tgz")
        .build()
        .write_into(&folder);
    sdist("lib", "1.0")
        .metadata(pkg_info.replace("1.0\n", "2004d\n"))
        .filename("lib-2004d.tar.gz")
        .build()
        .write_into(&folder);
    let server = testbed.serve([&folder]);
    for filename in ["lib-1.0.tar.gz", "lib-1.0.tgz", "lib-2004d.tar.gz"] {
        let listed = file_on_page(&server, "lib", filename);
        assert_eq!(listed["requires-python"], ">=3.7", "{filename}");
        assert_eq!(listed["core-metadata"], false, "{filename}");
    }
    assert!(!server.log().contains("can't be understood"), "{}", server.log());
}
